"""Databases come to the version of the program, or are refused in words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.outbound import (
    access_tables,
    remark_tables,
    results_tables,
    sample_log_tables,
    submission_tables,
    webhook_tables,
)
from shinsa_orchestrator.outbound.database import open_database
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, SAMPLE_LOG, ensure_current, migrate
from sqlalchemy import Connection, MetaData, text


async def test_the_steps_lead_to_the_tables_of_the_program(empty: Any) -> None:
    await migrate(empty.results, RESULTS)
    await migrate(empty.sample_log, SAMPLE_LOG)
    await migrate(empty.results, RESULTS)
    whole = MetaData()
    for module in (access_tables, remark_tables, submission_tables, webhook_tables):
        assert module.metadata is results_tables.metadata
    for part in (results_tables.metadata, sample_log_tables.metadata):
        for table in part.sorted_tables:
            table.to_metadata(whole)

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, whole)
        return [one for one in found if "_version" not in str(one)]

    for database, lacking in ((empty.results, sample_log_tables), (empty.sample_log, results_tables)):
        async with database.reading() as connection:
            found = await connection.run_sync(differences)
        elsewhere = {table.name for table in lacking.metadata.sorted_tables} if database.embedded else set()
        assert [one for one in found if not _concerns(one, elsewhere)] == []


def _concerns(difference: Any, tables: set[str]) -> bool:
    """Whether a difference only says that a table lies in the other database."""
    kind, subject = difference[0], difference[1]
    name = subject.name if kind == "add_table" else getattr(getattr(subject, "table", None), "name", "")
    return kind.startswith("add_") and name in tables


async def test_sqlite_comes_up_to_date_by_itself_others_when_told_to(empty: Any) -> None:
    if empty.results.embedded:
        await ensure_current(empty.results, RESULTS)
    else:
        with pytest.raises(ShinsaError, match="python -m shinsa_orchestrator migrate") as refused:
            await ensure_current(empty.results, RESULTS)
        assert refused.value.reason is Reason.FAILED_PRECONDITION
        await migrate(empty.results, RESULTS)
    await ensure_current(empty.results, RESULTS)


@pytest.mark.parametrize("act", [migrate, ensure_current])
async def test_a_database_of_a_newer_version_is_left_alone(stores: Any, act: Any) -> None:
    async with stores.results.writing() as connection:
        await connection.execute(text("UPDATE results_version SET version_num = 'results_9999'"))
    with pytest.raises(ShinsaError, match=r"written by a newer Shinsa \(version results_9999;") as refused:
        await act(stores.results, RESULTS)
    assert refused.value.reason is Reason.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "is no database URL"),
        ("mysql+aiomysql://h/d", "'mysql.aiomysql' is not supported"),
        ("sqlite+aiosqlite://", "name a file"),
    ],
)
async def test_a_wrong_url_is_refused_by_the_name_of_its_setting(url: str, words: str) -> None:
    with pytest.raises(ShinsaError, match=words) as refused:
        async with open_database("results store", url, setting="results_url"):
            pass
    assert refused.value.field == "results_url"


async def test_a_folder_that_cannot_be_made_is_named_with_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = f"sqlite+aiosqlite:///{tmp_path}/file/results.sqlite3"
    with pytest.raises(ShinsaError, match=r"file cannot be made: .*; set state_dir .*, or results_url") as refused:
        async with open_database("results store", url, setting="results_url"):
            pass
    assert (refused.value.reason, refused.value.field) == (Reason.FAILED_PRECONDITION, "results_url")


async def test_a_database_that_cannot_be_reached_is_unavailable() -> None:
    url = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    async with open_database("results store", url, setting="results_url") as database:
        with pytest.raises(ShinsaError, match="the results store cannot be reached") as refused:
            async with database.reading():
                pass
    assert refused.value.reason is Reason.UNAVAILABLE
    assert refused.value.retryable


@pytest.mark.parametrize(
    ("user", "database", "told"),
    [
        ("locked:wrong", "postgres", "password authentication failed"),
        ("nobody", "postgres", 'role "nobody" does not exist'),
        ("postgres", "elsewhere", 'database "elsewhere" does not exist'),
        ("locked:right", "postgres", "permission denied"),
    ],
)
async def test_who_is_not_let_in_is_told_what_to_check(postgres: Any, user: str, database: str, told: str) -> None:
    url = await postgres.emptied()
    async with open_database("results store", url, setting="results_url") as owner:
        await _lock(owner, url)
    theirs = url.replace("postgres@/postgres", f"{user}@/{database}")
    async with open_database("results store", theirs, setting="results_url") as store:
        with pytest.raises(ShinsaError, match=told) as refused:
            await migrate(store, RESULTS)
    assert (refused.value.reason, refused.value.retryable) == (Reason.UNAVAILABLE, True)
    assert "check user, password and database in results_url" in refused.value.message


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("ALTER ROLE guest CONNECTION LIMIT 0", "too many connections"),
        ("ALTER ROLE guest SET default_transaction_read_only = on", "read-only transaction"),
        ("ALTER ROLE guest SET statement_timeout = 1", "statement timeout"),
    ],
)
async def test_what_passes_is_unavailable(postgres: Any, trouble: str, told: str) -> None:
    url = await postgres.emptied()
    async with open_database("results store", url, setting="results_url") as owner:
        async with owner.writing() as connection:
            await connection.execute(text("DROP ROLE IF EXISTS guest"))
            await connection.execute(text("CREATE ROLE guest LOGIN"))
            await connection.execute(text(trouble))
        async with open_database("results store", url.replace("postgres@/", "guest@/"), setting="x") as store:
            with pytest.raises(ShinsaError, match=f"the results store does not serve us now: .*{told}") as busy:
                async with store.writing() as connection:
                    await connection.execute(text("SELECT pg_sleep(1)" if "timeout" in told else "CREATE TABLE t ()"))
    assert (busy.value.reason, busy.value.retryable) == (Reason.UNAVAILABLE, True)


async def test_a_statement_that_takes_too_long_is_told_unless_it_may_take_as_long_as_it_takes(postgres: Any) -> None:
    url, slow = await postgres.emptied(), text("SELECT pg_sleep(1)")
    async with open_database("results store", url, setting="results_url", command_seconds=0.2) as store:
        with pytest.raises(ShinsaError, match="the results store cannot be reached: it did not answer in time"):
            async with store.writing() as connection:
                await connection.execute(slow)
    async with (
        open_database("results store", url, setting="results_url", command_seconds=None) as store,
        store.writing() as connection,
    ):
        await connection.execute(slow)


async def _lock(owner: Any, url: str) -> None:
    """A role that needs a password, and may make nothing in the schema."""
    async with owner.writing() as connection:
        if not (await connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'locked'"))).scalar():
            await connection.execute(text("CREATE ROLE locked LOGIN PASSWORD 'right'"))
            _ask_for_a_password(Path((await connection.execute(text("SHOW hba_file"))).scalar()))
        await connection.execute(text("GRANT USAGE ON SCHEMA public TO locked"))
        await connection.execute(text("SELECT pg_reload_conf()"))
    async with asyncio.timeout(60):
        while await _comes_in(url.replace("postgres@/", "locked:wrong@/")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _ask_for_a_password(rules: Path) -> None:
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text("utf-8"), "utf-8")


async def _comes_in(url: str) -> bool:
    """Whether the server has not read its new rules yet."""
    async with open_database("results store", url, setting="results_url") as store:
        try:
            async with store.reading():
                return True
        except ShinsaError:
            return False
