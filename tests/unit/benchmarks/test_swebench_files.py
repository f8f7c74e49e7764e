"""How the rows of SWE-bench say that their tests are run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from shinsa_benchmarks import discovery
from shinsa_benchmarks.benchmark import DatasetError
from shinsa_benchmarks.extraction.patches import extract_patch
from shinsa_benchmarks.vocabulary import Sample

BENCHMARK = discovery.benchmarks()["swebench_ja"]


@pytest.fixture
def first(specimen_copy: Callable[[str], Path]) -> Callable[..., Sample]:
    folder = specimen_copy("swebench_ja")
    path = folder / "swebench_verified_ja.jsonl"
    row, *others = path.read_text("utf-8").splitlines()

    def read(**fields: object) -> Sample:
        path.write_text("\n".join([json.dumps({**json.loads(row), **fields}), *others]), "utf-8")
        return BENCHMARK.load(folder).test[0]

    return read


def test_a_row_brings_its_script_along(first: Callable[..., Sample]) -> None:
    sample = first(repo="x/y", eval_script="run\n", log_parser="parse_log_pytest_v2")
    assert (sample.fields["script"], sample.fields["parser"]) == ("run\n", "pytest-lines")


@pytest.mark.parametrize("blank", ["", "  \n", None])
def test_a_known_repository_needs_no_script(first: Callable[..., Sample], blank: str | None) -> None:
    sample = first(repo="django/django", eval_script=blank, log_parser=None)
    assert ">>>>> Start Test Output" in sample.fields["script"]
    assert sample.fields["parser"] == "unittest"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"eval_script": "  \n", "log_parser": "pytest"}, "'eval_script' and 'log_parser' are needed unless 'repo'"),
        ({"eval_script": "run", "log_parser": "parse_log_x"}, "'eval_script' and 'log_parser' are needed unless"),
        ({"eval_script": 7, "log_parser": "pytest"}, "field 'eval_script' must be a string"),
    ],
)
def test_an_unknown_repository_needs_both(
    first: Callable[..., Sample], fields: dict[str, object], complaint: str
) -> None:
    with pytest.raises(DatasetError, match=complaint):
        first(repo="x/y", **fields)


PATCH = "diff --git a/f.py b/f.py\n--- a/f.py\n+++ b/f.py\n@@ -1,3 +1,3 @@\n-a\n+b\n \x0c\n \n"


@pytest.mark.parametrize(
    ("reply", "where"),
    [
        (PATCH, "text"),
        ("直しました。\n\n" + PATCH + "\n以上です。", "text"),
        ("```diff\n" + PATCH + "```\n以上です。", "fence"),
        ("```python\nx = 1\n```\n~~~\n" + PATCH + "~~~", "fence"),
        ("<patch>\n" + PATCH + "</patch>", "tag"),
        ("<DIFF>\n```\n" + PATCH + "```\n</DIFF>", "tag"),
        (PATCH.replace("\n", "\r\n"), "text"),
    ],
)
def test_a_patch_is_taken_as_it_was_written(reply: str, where: str) -> None:
    """Lines of nothing but a space are blank lines of the file, and hunks are counted with them to the end."""
    found = extract_patch(reply)
    assert found is not None
    assert (found.where, found.patch.replace("\r\n", "\n")) == (where, PATCH)


@pytest.mark.parametrize("reply", ["", " \n", "<patch>\n</patch>", "```diff\n```", "直せません。", "＋＋＋ b/f.py"])
def test_a_reply_without_a_patch(reply: str) -> None:
    assert extract_patch(reply) is None
