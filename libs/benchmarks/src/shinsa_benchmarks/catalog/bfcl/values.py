"""Whether an argument's value is one of those that are accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# What does not matter in texts: "April 1, 2024" is "april 1 2024".
_IMMATERIAL = re.compile(r"[ ,./\-_*^]")


def standard(value: Any) -> Any:
    """A text without spaces and the marks ``,./-_*^``, in small letters, with one kind of quotes; else as it is."""
    return _IMMATERIAL.sub("", value).lower().replace("'", '"') if isinstance(value, str) else value


def accepted_by(accepted: Sequence[Any], value: Any, expected: type, nested: type | None) -> str | None:
    """What is wrong with the value, or ``None``.

    It must be of the expected type (exactly: true is no integer; an integer is a float), and so must the elements of a
    list; or of the type of the accepted values, which then are names of variables and compared letter by letter.
    """
    value = _as_json(value, expected, nested)
    told = next((type(each) for each in accepted if each != ""), None)
    variable = type(value) is not expected or told not in (None, expected)
    if type(value) is expected and not _elements_fit(accepted, value, nested):
        return f"must be a list of elements of type {nested.__name__ if nested else 'any'}"
    if type(value) is not expected and type(value) is not told:
        return f"must be of type {expected.__name__}, not {type(value).__name__}"
    if _equal_to_one(accepted, value, expected, nested, variable):
        return None
    return "has another value"


def _equal_to_one(accepted: Sequence[Any], value: Any, expected: type, nested: type | None, variable: bool) -> bool:
    if variable:
        return any(_same(value, each) for each in accepted)
    if value == [] and "" in accepted:
        return True  # as good as left out
    if expected is dict:
        return any(isinstance(each, dict) and _object_fits(value, each) for each in accepted)
    if expected is list and nested is dict:
        return any(isinstance(each, list) and _objects_fit(value, each) for each in accepted)
    if expected is list:
        standards = [[standard(part) for part in each] for each in accepted if isinstance(each, list)]
        return any(_same([standard(part) for part in value], each) for each in standards)
    if expected is str:
        return standard(value) in [standard(each) for each in accepted if isinstance(each, str)]
    return any(_same(value, each) for each in accepted)


def _as_json(value: Any, expected: type, nested: type | None) -> Any:
    """The value as JSON would have it: lists for tuples, floats where floats are wanted."""
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list) and nested is float:
        return [_float(part) for part in value]
    return _float(value) if expected is float else value


def _float(value: Any) -> Any:
    try:
        return float(value) if type(value) is int else value
    except OverflowError:
        return value


def _elements_fit(accepted: Sequence[Any], value: Any, nested: type | None) -> bool:
    """Whether all elements are of the nested type, or of a type that stands in an accepted list."""
    if nested is None or not isinstance(value, list):
        return True
    lists = [each for each in accepted if isinstance(each, list)]
    known = {nested, *(type(part) for each in lists for part in each)}
    return all(type(part) in known for part in value)


def _objects_fit(value: Any, answers: Sequence[Any]) -> bool:
    if len(value) != len(answers):
        return False
    pairs = zip(value, answers, strict=True)
    return all(isinstance(part, dict) and isinstance(each, dict) and _object_fits(part, each) for part, each in pairs)


def _object_fits(value: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Every key is wanted and its value among the accepted; what may not be left out is there."""
    if any(key not in answer for key in value):
        return False
    if any(key not in value and "" not in accepted for key, accepted in answer.items()):
        return False
    return all(any(_same(standard(part), standard(each)) for each in answer[key]) for key, part in value.items())


def _same(left: Any, right: Any) -> bool:
    """Equal, where true is not 1."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
