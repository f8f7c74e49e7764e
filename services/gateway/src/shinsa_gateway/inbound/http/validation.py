"""What is wrong with a request, in words that name the field and the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from email.message import Message
from typing import Any

from fastapi import Request
from pydantic import BaseModel, TypeAdapter

from shinsa_gateway.inbound.http.schemas.problem import FieldProblem


def is_json(request: Request) -> bool:
    """Whether the request says that its body is JSON."""
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    return header.get_content_type() == "application/json" or header.get_content_type().endswith("+json")


def field_problems(errors: Sequence[Any], request: Request) -> list[FieldProblem]:
    """pydantic's errors as ours; an unknown key gets the known ones that are close.

    A list counts as too short when its entries were refused, too: then theirs are the errors to tell.
    """
    places = [tuple(error["loc"]) for error in errors]
    told = [
        error
        for error, place in zip(errors, places, strict=True)
        if error["type"] != "too_short" or not any(other[:-1] == place for other in places)
    ]
    return [_field_problem(error, request) for error in told]


def summary(problems: Sequence[FieldProblem]) -> str:
    """One sentence for the first problem, and how many more there are."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more, see errors)" if len(problems) > 1 else ""
    return f"{first.field}: {first.detail}{more}" if first.field else f"{first.detail}{more}"


def _field_problem(error: Any, request: Request) -> FieldProblem:
    place, *path = error["loc"]
    dotted = ".".join(str(part) for part in path)
    match error["type"]:
        case "extra_forbidden":
            known = sorted(_known_keys(request, str(place), path[:-1]))
            near = get_close_matches(str(path[-1]), known)
            return FieldProblem(field=dotted, detail=_unknown(near, known, place), near_matches=near)
        case "one_of":
            at = ".".join(filter(None, (dotted, error["ctx"]["field"])))
            return FieldProblem(field=at, detail=error["msg"])
        case "missing":
            return FieldProblem(field=dotted, detail="is required; send it." if path else "a JSON body is required.")
        case "enum" | "literal_error":
            expected = str(error["ctx"]["expected"])
            words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
            near = get_close_matches(str(error["input"]), words)
            return FieldProblem(field=dotted, detail=f"must be {expected}.", near_matches=near)
        case "too_short" | "too_long" as kind:
            bound, least = error["ctx"]["min_length" if kind == "too_short" else "max_length"], kind == "too_short"
            entries = f"{bound} {'entry' if bound == 1 else 'entries'}"
            return FieldProblem(field=dotted, detail=f"should have at {'least' if least else 'most'} {entries}.")
        case "list_type" | "tuple_type":
            return FieldProblem(field=dotted, detail="should be a list.")
        case "dict_type" | "model_type" | "model_attributes_type":
            return FieldProblem(field=dotted, detail="should be a JSON object.")
        case _:
            return FieldProblem(field=dotted, detail=_sentence(str(error["msg"])))


def _sentence(message: str) -> str:
    """pydantic's words, read after the field's name: "Input should be ..." becomes "should be ..."."""
    short = message.removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    return short if short.endswith(".") else f"{short}."


def _unknown(near: Sequence[str], known: Sequence[str], place: object) -> str:
    noun = "key" if place == "body" else "parameter"
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}."
    return f"unknown {noun}; {hint}"


def _known_keys(request: Request, place: str, path: Sequence[str | int]) -> set[str]:
    """Keys that the route's query, or its body at a path, knows."""
    dependant = request.scope["route"].dependant
    parameters = dependant.body_params if place == "body" else dependant.query_params
    return {key for parameter in parameters for key in _keys_of(parameter.field_info.annotation, path)}


def _keys_of(annotation: Any, path: Sequence[str | int]) -> Iterator[str]:
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return
    schema = TypeAdapter(annotation).json_schema()
    places: list[Mapping[str, Any]] = [schema]
    for part in path:
        places = [inner for one in places for inner in _inside(_plain(one, schema), part)]
    for one in places:
        for plain in _plain(one, schema):
            yield from plain.get("properties", {})


def _plain(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a schema stands for, without references and alternatives."""
    if "$ref" in schema:
        return _plain(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in schema:
        return [plain for one in schema["anyOf"] for plain in _plain(one, whole)]
    return [schema]


def _inside(schemas: Sequence[Mapping[str, Any]], part: str | int) -> Iterator[Mapping[str, Any]]:
    """The schemas of a list's entries, or of an object's value under a key."""
    for schema in schemas:
        found = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
        if found is None and isinstance(part, str):
            found = schema.get("additionalProperties")
        if isinstance(found, Mapping):
            yield found
