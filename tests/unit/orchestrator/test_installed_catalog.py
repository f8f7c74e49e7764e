"""The benchmarks that are installed, and the data that lies on this machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from shinsa_benchmarks import discovery
from shinsa_benchmarks.sources.prepared import prepare
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.outbound.installed_catalog import InstalledCatalog

NAME = "jcommonsenseqa"
TEST = "datasets/jcommonsenseqa-v1.3/valid-v1.3.json"


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A copy of the specimen where upstream data would lie."""
    shutil.copytree(discovery.specimen_folder(NAME), tmp_path / "upstream" / "jglue")
    return tmp_path / "upstream"


def _append(path: Path) -> None:
    row = {"q_id": 999, "question": "？", **{f"choice{n}": "x" for n in range(5)}, "label": 0}
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


async def test_every_specimen_loads_and_is_kept_in_memory() -> None:
    catalog = InstalledCatalog(None)
    for name in catalog.benchmarks():
        dataset = await catalog.dataset(name, "")
        assert dataset.origin == "specimen"
        assert dataset.test
        assert await catalog.dataset(name, "specimen") is dataset
        assert not catalog.prepared(name)


async def test_prepared_data_goes_before_the_specimen(tmp_path: Path, upstream: Path) -> None:
    _append(upstream / "jglue" / TEST)
    prepare(discovery.benchmarks()[NAME], upstream, tmp_path / "data")
    catalog = InstalledCatalog(tmp_path / "data")
    assert catalog.prepared(NAME)
    whole, specimen = await catalog.dataset(NAME, ""), await catalog.dataset(NAME, "specimen")
    assert (whole.origin, len(whole.test)) == ("prepared", len(specimen.test) + 1)
    assert await catalog.dataset(NAME, "prepared") is whole
    assert (await catalog.dataset("jnli", "")).origin == "specimen"


@pytest.mark.parametrize("below", ["", "jglue"])
async def test_a_folder_may_hold_upstream_data_or_just_the_files(upstream: Path, below: str) -> None:
    folder = str(upstream / below)
    dataset = await InstalledCatalog(None).dataset(NAME, folder)
    assert dataset.origin == folder
    assert len(dataset.test) == 10


async def test_a_file_that_changed_is_read_again(upstream: Path) -> None:
    catalog = InstalledCatalog(None)
    before = await catalog.dataset(NAME, str(upstream))
    _append(upstream / "jglue" / TEST)
    after = await catalog.dataset(NAME, str(upstream))
    assert len(after.test) == len(before.test) + 1
    assert after.digest != before.digest


def test_a_folder_of_data_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShinsaError, match=f"there is no folder {tmp_path}/data; fill it") as caught:
        InstalledCatalog(tmp_path / "data")
    assert (caught.value.reason, caught.value.field) == (Reason.FAILED_PRECONDITION, "data_dir")
    assert "SHINSA_ORCHESTRATOR_DATA_DIR" in caught.value.message


async def test_missing_and_broken_data_is_said_so(tmp_path: Path, upstream: Path) -> None:
    catalog = InstalledCatalog(tmp_path)
    with pytest.raises(ShinsaError, match="no prepared data in") as missing:
        await catalog.dataset(NAME, "prepared")
    assert (missing.value.reason, missing.value.field) == (Reason.FAILED_PRECONDITION, "spec.dataset")
    with pytest.raises(ShinsaError, match="is no folder"):
        await catalog.dataset(NAME, str(tmp_path / "nowhere"))
    (upstream / "jglue" / TEST).write_text("{broken\n")
    with pytest.raises(ShinsaError, match=r"valid-v1\.3\.json:1: valid JSON expected"):
        await catalog.dataset(NAME, str(upstream))


async def test_suites_and_boards_name_what_is_installed() -> None:
    catalog = InstalledCatalog(None)
    for suite in catalog.suites().values():
        assert {entry.id for entry in suite.benchmarks} <= set(catalog.benchmarks())
    assert catalog.boards()


OWN = """id = "team"
title = "Of the team"
[[nodes]]
id = "all"
title = "All"
[[nodes]]
id = "choices"
title = "Choices"
parent = "all"
score = { benchmark = "jcommonsenseqa" }
"""


def test_boards_of_a_folder_stand_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "team.toml").write_text(OWN, "utf-8")
    (tmp_path / "README").write_text("no board", "utf-8")
    assert InstalledCatalog(None, tmp_path).boards().keys() == {*discovery.boards(), "team"}
    assert InstalledCatalog(None, tmp_path).boards()["team"].title == "Of the team"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("team.toml", OWN.replace("jcommonsenseqa", "jcommonsensqa"), "did you mean 'jcommonsenseqa'"),
        ("team.toml", OWN.replace('"team"', '"squad"'), "must be the file's name 'team'"),
        ("team.toml", "id = ", "team.toml"),
        ("open-ja.toml", OWN.replace('"team"', '"open-ja"'), "take another id"),
        ("", "", "is no folder"),
    ],
)
def test_a_folder_that_holds_no_boards_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    folder = tmp_path / "boards"
    if name:
        folder.mkdir()
        (folder / name).write_text(text, "utf-8")
    with pytest.raises(ShinsaError, match=told) as caught:
        InstalledCatalog(None, folder)
    assert (caught.value.reason, caught.value.field) == (Reason.FAILED_PRECONDITION, "boards_dir")
    assert "SHINSA_ORCHESTRATOR_BOARDS_DIR" in caught.value.message


def test_a_broken_catalog_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An orchestrator says so in a line when it starts."""
    shutil.copytree(discovery.specimen_folder(NAME).parent, tmp_path / NAME)
    manifest = tmp_path / NAME / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("version =", "vrsion =", 1))
    monkeypatch.setattr(discovery, "_CATALOG", tmp_path)
    for found in (discovery.manifests, discovery.boards, discovery.suites):
        found.cache_clear()
    try:
        with pytest.raises(ShinsaError, match=r"manifest\.toml: version: is missing; vrsion: unknown key") as refused:
            InstalledCatalog(None)
    finally:
        for found in (discovery.manifests, discovery.boards, discovery.suites):
            found.cache_clear()
    assert refused.value.reason is Reason.FAILED_PRECONDITION
