"""Manifests: what they refuse, and overriding settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from shinsa_benchmarks import discovery
from shinsa_benchmarks.documents import DocumentError
from shinsa_benchmarks.manifest import MOST, Manifest, read_manifest

WHOLE = discovery.manifests()["jnli"].model_dump()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "JNLI"}, "id"),
        ({"metrics": [{"name": "a"}]}, "exactly one as primary"),
        ({"metrics": [{"name": "a", "primary": True}, {"name": "a"}]}, "each name stands once"),
        ({"metrics": [{"name": "a", "primary": True, "lowest": 1.0}]}, "lowest must be below highest"),
        ({"metrics": [{"name": "a", "primary": True, "binary": True, "highest": 5}]}, "between 0 and 1"),
        ({"steps": ["generate", "judge"]}, "judge_roles"),
        ({"shots": [5]}, "most_shots"),
        ({"choices": {"style": ["loud"]}}, r"choices\.style"),
        ({"source": {**WHOLE["source"], "optional": ["dev"]}}, "'dev' is not a role"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Manifest.model_validate({**WHOLE, **change})


JNLI = (discovery.specimen_folder("jnli").parent / "manifest.toml").read_bytes()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (b'id = "jnli"', b"id = ", "Invalid value (at line 1, column 6)"),
        (b'id = "jnli"\n', b"", "id: is missing"),
        (b"licence = ", b"license = ", "licence: is missing; source: licence: is missing; source: license: unk"),
        (b'steps = ["generate"]', b'steps = ["generat"]', "steps: 0: should be 'generate', 'execute' or 'judge'"),
        (
            b'name = "format"\n',
            b'name = "format"\nlowest = "no"\n',
            "metric 'format': lowest: should be a valid number",
        ),
        ("文".encode(), "文".encode("cp932"), "UTF-8 text expected"),
    ],
)
def test_a_broken_file_is_named_with_the_place_and_what_is_wrong(
    tmp_path: Path, before: bytes, after: bytes, told: str
) -> None:
    path = tmp_path / "manifest.toml"
    path.write_bytes((JNLI + "# 文\n".encode()).replace(before, after))
    with pytest.raises(DocumentError) as found:
        read_manifest(path)
    assert str(found.value).startswith(f"{path}: {told}")
    assert "\n" not in str(found.value)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "manifest.toml"
    path.write_bytes(b"\xef\xbb\xbf" + JNLI.replace(b"\n", b"\r\n"))
    assert read_manifest(path) == discovery.manifests()["jnli"]


def test_overrides_take_the_type_of_the_default() -> None:
    settings = discovery.manifests()["jnli"].settings_with({"max_tokens": "32", "temperature": 1, "style": "raw"})
    assert settings == {"max_tokens": 32, "temperature": 1.0, "style": "raw", "split": "test"}
    assert isinstance(settings["temperature"], float)


@pytest.mark.parametrize("value", ["nan", "inf", "warm", None])
def test_a_temperature_is_a_finite_number(value: object) -> None:
    with pytest.raises(ValueError, match="temperature"):
        discovery.manifests()["jnli"].settings_with({"temperature": value})


def test_whole_numbers_are_no_smaller_than_makes_sense() -> None:
    """Nothing is asked no times; a bound whose default is 0 has none."""
    puzzles, summaries = discovery.manifests()["arc_agi_1"], discovery.manifests()["xlsum_ja"]
    assert puzzles.settings_with({"attempts": "1"})["attempts"] == 1
    with pytest.raises(ValueError, match="'attempts' is a whole number of at least 1, not 0"):
        puzzles.settings_with({"attempts": 0})
    assert summaries.settings_with({"longest": 0})["longest"] == 0
    with pytest.raises(ValueError, match="'longest' is a whole number of at least 0, not '-1'"):
        summaries.settings_with({"longest": "-1"})


def test_whole_numbers_are_no_larger_than_a_request_can_say() -> None:
    settings = discovery.manifests()["jnli"].settings_with
    assert settings({"max_tokens": str(MOST)})["max_tokens"] == MOST
    with pytest.raises(ValueError, match="'max_tokens' is a whole number of at most"):
        settings({"max_tokens": str(MOST + 1)})
