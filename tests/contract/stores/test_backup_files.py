"""What is wrong with the files of a backup is said of them, not of the database; in both kinds."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from contract.stores.test_run_store import a_run, added
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.outbound import backup
from shinsa_orchestrator.outbound.backup import back_up, restore
from shinsa_orchestrator.outbound.database import open_database


class FullDisk:
    """A file on a disk that has just become full."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        self.closed = False

    def writelines(self, lines: Any) -> None:
        if list(lines):
            raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.closed = True


async def test_a_full_disk_is_not_the_database(stores: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await added(stores, a_run())
    monkeypatch.setattr(backup.gzip, "open", FullDisk)
    with pytest.raises(ShinsaError, match=r"jsonl\.gz cannot be written .*No space left") as refused:
        await back_up(stores.results, stores.sample_log, tmp_path / "backup")
    assert refused.value.reason is Reason.FAILED_PRECONDITION
    assert not (tmp_path / "backup" / backup.MANIFEST).exists()


@pytest.mark.parametrize("damage", ["cut", "no gzip", "no JSON", "too few columns", "missing"])
async def test_damage_is_named_with_its_file(stores: Any, tmp_path: Path, damage: str) -> None:
    await added(stores, a_run())
    folder = tmp_path / "backup"
    assert (await back_up(stores.results, stores.sample_log, folder))["runs"] == 1
    file = folder / "runs.jsonl.gz"
    whole = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(
            {
                "cut": whole[: len(whole) // 2],
                "no gzip": b"runs",
                "no JSON": gzip.compress(b"{\n"),
                "too few columns": gzip.compress(b"[1]\n"),
            }[damage]
        )
    urls = [f"sqlite+aiosqlite:///{tmp_path}/restored/{name}.sqlite3" for name in ("results", "log")]
    async with (
        open_database("results store", urls[0], setting="results_url") as results,
        open_database("sample log", urls[1], setting="sample_log_url") as sample_log,
    ):
        with pytest.raises(ShinsaError, match=r"runs\.jsonl\.gz cannot be read; the backup is damaged"):
            await restore(results, sample_log, folder)
