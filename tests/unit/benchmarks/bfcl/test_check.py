"""Which calls are the wanted ones."""

from __future__ import annotations

from typing import Any

import pytest
from shinsa_benchmarks.catalog.bfcl.check import calls_fault
from shinsa_benchmarks.catalog.bfcl.source_values import java_value, javascript_value
from shinsa_benchmarks.extraction.calls import Call


def document(name: str = "f", required: tuple[str, ...] = (), **types: Any) -> dict[str, Any]:
    properties = {key: {"type": kind} if isinstance(kind, str) else kind for key, kind in types.items()}
    return {
        "name": name,
        "description": "",
        "parameters": {"type": "dict", "properties": properties, "required": list(required)},
    }


def fault(kind: Any, accepted: list[Any], value: Any, language: str = "Python") -> str | None:
    """Of a call with one argument."""
    return calls_fault([document(x=kind)], [{"f": {"x": accepted}}], [Call("f", {"x": value})], language, native=False)


def array(kind: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": kind}}


RIGHT: list[tuple[Any, list[Any], Any]] = [
    ("string", ["April 1, 2024"], "april 1 2024"),
    ("string", ['say "hi"'], "say 'hi'"),
    ("integer", [5], 5),
    ("float", [5.0], 5),
    ("float", [0.5], 0.5),
    ("boolean", [True], True),
    ("any", ["x"], "X"),
    ("array", [[1, "a b"]], [1, "A-B"]),
    (array("string"), [["a"], ["b", "c"]], ["B", "c"]),
    (array("string"), [["a"], ""], []),
    (array("dict"), [[{"a": [1]}], ""], []),
    (array("float"), [[1.0, 2.5]], [1, 2.5]),
    (array("float"), ["data['sales']"], "data['sales']"),
    ("tuple", [[1, 2]], (1, 2)),
    ("tuple", [[1, 2]], [1, 2]),
    ("dict", [{"k": [1, 2], "o": ["v", ""]}], {"k": 2}),
    ("dict", [{"k": ["New York"]}], {"k": "new york"}),
    ("dict", [{}], {}),
    (array("dict"), [[{"a": [1]}, {"a": [2], "b": ["", 3]}]], [{"a": 1}, {"a": 2}]),
    ("integer", ["n"], "n"),
    ("string", ["", None], None),
]
WRONG: list[tuple[Any, list[Any], Any]] = [
    ("string", ["Rome"], "Roma"),
    ("string", ["5"], 5),
    ("integer", [5], 5.0),
    ("integer", [1], True),
    ("boolean", [True], 1),
    ("boolean", [True], "true"),
    ("integer", [5], "5"),
    ("integer", ["n"], "N"),
    ("float", [5.0], "5.0"),
    ("float", [5.0], 10**400),
    ("array", [[1, 2]], [2, 1]),
    ("array", [[1, 2]], [1, 2, 3]),
    (array("integer"), [[1, 2]], [1.0, 2.0]),
    (array("integer"), [[1]], [True]),
    (array("string"), [["a"]], "a"),
    (array("string"), [["a"]], []),
    ("dict", [{"k": [1]}, ""], {}),
    ("dict", [{"k": [1]}], {"k": 1, "l": 1}),
    ("dict", [{"k": [1]}], {}),
    ("dict", [{"k": [1]}], {"k": True}),
    ("dict", [{"k": [1]}], [["k", 1]]),
    (array("dict"), [[{"a": [1]}, {"a": [2]}]], [{"a": 2}, {"a": 1}]),
    (array("dict"), [[{"a": [1]}]], [{"a": 1}, {"a": 1}]),
    ("string", [""], "anything"),
]


@pytest.mark.parametrize(("kind", "accepted", "value"), RIGHT)
def test_right_values(kind, accepted, value) -> None:
    assert fault(kind, accepted, value) is None


@pytest.mark.parametrize(("kind", "accepted", "value"), WRONG)
def test_wrong_values(kind, accepted, value) -> None:
    assert "argument 'x'" in str(fault(kind, accepted, value))


JAVA: list[tuple[str, str | None, str, Any]] = [
    ("integer", None, "-12", -12),
    ("integer", None, "1.0", "1.0"),
    ("long", None, "42L", 42),
    ("long", None, "42", "42"),
    ("float", None, "0.5f", 0.5),
    ("float", None, "0.5", "0.5"),
    ("double", None, "1e-3", 0.001),
    ("double", None, "0.5f", "0.5f"),
    ("boolean", None, "true", True),
    ("boolean", None, "yes", "yes"),
    ("String", None, '"a b"', "a b"),
    ("char", None, "'c'", "c"),
    ("any", None, "this.x", "this.x"),
    ("Array", "integer", "new int[]{1, 2}", [1, 2]),
    ("Array", "integer", "new int[] { }", []),
    ("Array", "String", 'new String[]{"a, b", "c"}', ["a, b", "c"]),
    ("Array", "long", "new long[]{1L, 2}", [1, "2"]),
    ("Array", "String", "names", "names"),
    ("Array", "integer", "new int[]{1, 2", "new int[]{1, 2"),
    ("ArrayList", "String", 'new ArrayList<>(Arrays.asList("a", "b"))', ["a", "b"]),
    ("ArrayList", "any", 'new ArrayList<Object>(Arrays.asList("a", 1, true, 2L))', ["a", 1, True, 2]),
    ("ArrayList", "integer", "new ArrayList<Integer>() {{ add(1); add(2); }}", [1, 2]),
    ("ArrayList", "integer", "new ArrayList<>()", []),
    ("ArrayList", "integer", "List.of(1)", "List.of(1)"),
    ("HashMap", None, 'new HashMap<String, Object>() {{ put("a", 1); put("b", "x, y"); }}', {"a": 1, "b": "x, y"}),
    ("HashMap", None, "new HashMap<>()", {}),
    ("HashMap", None, "new HashMap<>() {{ }}", {}),
    ("HashMap", None, "settings", "settings"),
    ("integer", None, "9" * 5000, "9" * 5000),
]
JAVASCRIPT: list[tuple[str, str | None, str, Any]] = [
    ("String", None, "'a'", "a"),
    ("String", None, "a", "a"),
    ("integer", None, "3", 3),
    ("float", None, "3", 3.0),
    ("Bigint", None, "3n", 3),
    ("Bigint", None, "3", "3"),
    ("Boolean", None, "false", False),
    ("array", None, "[1, 'two', true, [2.5]]", [1, "two", True, [2.5]]),
    ("array", "float", "new Array(1, 2.5)", [1.0, 2.5]),
    ("array", "String", '["a", "b"]', ["a", "b"]),
    ("array", None, "[]", []),
    ("dict", None, "{a: 1, 'b': {c: [x]}}", {"a": 1, "b": {"c": ["x"]}}),
    ("dict", None, "{}", {}),
    ("dict", None, "options", "options"),
    ("any", None, "() => 1", "() => 1"),
]


@pytest.mark.parametrize(("kind", "nested", "source", "value"), JAVA)
def test_java_source(kind, nested, source, value) -> None:
    assert java_value(source, kind, nested) == value


@pytest.mark.parametrize(("kind", "nested", "source", "value"), JAVASCRIPT)
def test_javascript_source(kind, nested, source, value) -> None:
    assert javascript_value(source, kind, nested) == value


def test_source_arguments() -> None:
    assert fault("long", [42], "42L", "Java") is None
    assert fault("long", [42], "42", "Java") is not None
    assert fault("boolean", [True], "True", "Java") is None
    assert fault("boolean", [True], True, "Java") is None
    assert fault({"type": "Array", "items": {"type": "String"}}, [["a"]], 'new String[]{"a"}', "Java") is None
    assert fault({"type": "Array", "items": {"type": "String"}}, ["names"], "names", "Java") is None
    assert fault("HashMap", [{"limit": [50]}], "{'limit': 50}", "Java") is None
    assert fault("any", [20.5, "20.5"], "20.5", "Java") is None
    assert fault("float", [0.5], "0.5", "JavaScript") is None
    assert fault("String", ["a"], "b", "JavaScript") is not None


def check(calls: list[Call], answers: list[Any], documents: list[Any], *, native: bool = False) -> str | None:
    return calls_fault(documents, answers, calls, "Python", native=native)


def test_names_and_parameters() -> None:
    documents, answers = [document("a.f", ("x",), x="integer", y="integer")], [{"a.f": {"x": [1], "y": ["", 2]}}]
    assert check([Call("a.f", {"x": 1})], answers, documents) is None
    assert check([Call("a.f", {"x": 1, "y": 2})], answers, documents) is None
    assert "'a.f' is wanted" in str(check([Call("a_f", {"x": 1})], answers, documents))
    assert check([Call("a_f", {"x": 1})], answers, documents, native=True) is None
    assert "'x' is missing" in str(check([Call("a.f", {"y": 2})], answers, documents))
    assert "'z' is not wanted" in str(check([Call("a.f", {"x": 1, "z": 1})], answers, documents))
    assert "by name" in str(check([Call("a.f", {"x": 1}, (2,))], answers, documents))
    assert "1 calls are wanted, not 2" in str(check([Call("a.f", {"x": 1})] * 2, answers, documents))
    assert "1 calls are wanted, not 0" in str(check([], answers, documents))


def test_a_parameter_that_may_not_be_left_out() -> None:
    assert "'y' is missing" in str(check([Call("f", {})], [{"f": {"y": [2]}}], [document(y="integer")]))


def test_parallel_calls_come_in_any_order() -> None:
    documents = [document("f", x="integer"), document("g", x="integer")]
    answers = [{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}, {"g": {"x": [3]}}]
    assert check([Call("g", {"x": 3}), Call("f", {"x": 1}), Call("f", {"x": 2})], answers, documents) is None
    assert check([Call("f", {"x": 1}), Call("f", {"x": 2}), Call("g", {"x": 3})], answers, documents) is None, (
        "the first answer must leave 1 to the second"
    )
    assert "no call fits answer" in str(
        check([Call("f", {"x": 2}), Call("f", {"x": 2}), Call("g", {"x": 3})], answers, documents)
    )


def test_defects_of_the_data() -> None:
    """An answer that names a function not on offer means the only one; a parameter that only it knows is taken."""
    documents = [document("a.f", x="integer")]
    for name in ("a.f", "f"):
        assert check([Call(name, {"x": 1})], [{"f": {"x": [1]}}], documents) is None
    assert check([Call("a.f", {"x": 1, "k": "v"})], [{"a.f": {"x": [1], "k": ["v", ""]}}], documents) is None
    assert check([Call("a.f", {"x": 1, "k": "w"})], [{"a.f": {"x": [1], "k": ["v", ""]}}], documents) is not None
    # What the function does not know nobody can be asked to give.
    assert check([Call("a.f", {"x": 1})], [{"a.f": {"x": [1], "k": ["v"]}}], documents) is None
    assert check([Call("a.f", {"x": 1, "k": "v"})], [{"a.f": {"x": [1], "k": ["v"]}}], documents) is None
