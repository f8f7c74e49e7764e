"""The judges in force follow the file; an unsound file changes nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from shinsa_judge.application.judge_case import JudgeCase
from shinsa_judge.application.judges import Judges
from shinsa_judge.application.list_profiles import ListProfiles
from shinsa_judge.application.profile_reload import ProfileReload
from shinsa_judge.application.shelf import Shelf
from shinsa_judge.domain.case import JudgeRequest
from shinsa_judge.domain.configuration import ConfigurationError
from shinsa_judge.domain.exchange import Question, Reply
from shinsa_judge.domain.profile_set import Profile
from shinsa_judge.outbound.judges_file import JudgesFile
from structlog.testing import capture_logs


def file_with(**ratings: int) -> str:
    tables = (f"[profiles.{name}]\nkind = 'scripted'\notherwise = '[[{value}]]'\n" for name, value in ratings.items())
    return "\n".join(tables)


def put(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def touch(path: Path) -> None:
    path.touch()


def take_away(path: Path) -> None:
    path.unlink()


class Made:
    """A back end that waits for a sign before it replies, and knows whether it was closed."""

    def __init__(self, name: str, profile: Profile) -> None:
        self.name = name
        self.profile = profile
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self.closed = 0

    async def ask(self, question: Question, *, patient: bool = False) -> Reply:
        assert not self.closed
        self.asked.set()
        await self.go.wait()
        return Reply('{"explanation": "", "rating": 2}')

    async def problem(self) -> str:
        return ""

    def down(self) -> str:
        return ""

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def made() -> list[Made]:
    return []


@pytest.fixture
def judges(made: list[Made]) -> Judges:
    def make(name: str, profile: Profile) -> Made:
        made.append(Made(name, profile))
        return made[-1]

    return Judges(make)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "judges.toml"
    put(path, file_with(a=1, b=2) + "[roles]\nmt-bench = 'a'\n")
    return path


@pytest.fixture
async def reload(path: Path, judges: Judges) -> ProfileReload:
    reload = ProfileReload(JudgesFile(path), judges, {})
    await reload.load()
    return reload


async def test_first_load(reload: ProfileReload, judges: Judges) -> None:
    assert sorted(judges.seats) == ["a", "b"]
    assert judges.roles == {"mt-bench": "a"}


async def test_a_byte_order_mark_does_no_harm(path: Path, judges: Judges) -> None:
    put(path, "\ufeff" + file_with(a=1, b=2))
    await ProfileReload(JudgesFile(path), judges, {}).load()
    assert sorted(judges.seats) == ["a", "b"]


async def test_a_bad_first_file_is_an_error(path: Path, judges: Judges) -> None:
    put(path, "[profiles.x]\nkind = 'nonsense'\n")
    with pytest.raises(ConfigurationError, match=r"judges\.toml:2: unknown kind 'nonsense'"):
        await ProfileReload(JudgesFile(path), judges, {}).load()
    with pytest.raises(FileNotFoundError):
        await ProfileReload(JudgesFile(path.with_name("none.toml")), judges, {}).load()


async def test_an_unchanged_file_changes_nothing(reload: ProfileReload, judges: Judges, path: Path) -> None:
    before = judges.seats
    touch(path)
    assert not await reload.look()
    assert judges.seats == before


async def test_a_sound_change_takes_force(reload: ProfileReload, judges: Judges, path: Path, made: list[Made]) -> None:
    before, changed = judges.seats, judges.changed
    put(path, file_with(b=2, c=3, a=9))
    assert await reload.look()
    assert changed.is_set()
    assert sorted(judges.seats) == ["a", "b", "c"]
    assert judges.seats["b"] is before["b"]
    assert judges.seats["a"] is not before["a"]
    assert [(one.name, one.closed) for one in made] == [("a", 1), ("b", 0), ("c", 0), ("a", 0)]
    assert judges.roles == {}


async def test_an_unsound_file_leaves_the_old_set_in_force(reload: ProfileReload, judges: Judges, path: Path) -> None:
    before = judges.seats
    put(path, file_with(a=5) + "[profiles.b]\nkind = 'scripted'\nconcurency = 3\n")
    with capture_logs() as lines:
        assert not await reload.look()
        assert not await reload.look()
    refused = [line for line in lines if line["event"] == "judges_file_refused"]
    assert [line["faults"] for line in refused] == [
        [f"{path}:6: unknown key 'concurency'; did you mean 'concurrency'?"]
    ]
    assert judges.seats == before
    assert judges.roles == {"mt-bench": "a"}
    put(path, file_with(a=5))
    assert await reload.look()
    assert sorted(judges.seats) == ["a"]


@pytest.mark.parametrize("content", [b"[profiles.a", b"", b"\xff\xfe"])
async def test_half_a_file_is_no_file(reload: ProfileReload, judges: Judges, path: Path, content: bytes) -> None:
    before = judges.seats
    put(path, content)
    assert not await reload.look()
    assert judges.seats == before


async def test_a_file_that_goes_away_and_comes_back(reload: ProfileReload, judges: Judges, path: Path) -> None:
    take_away(path)
    with capture_logs() as lines:
        assert not await reload.look()
        assert not await reload.look()
    assert [line["event"] for line in lines] == ["judges_file_unreadable"]
    assert sorted(judges.seats) == ["a", "b"]
    put(path, file_with(c=1))
    assert await reload.look()
    assert sorted(judges.seats) == ["c"]


async def test_a_swapped_symlink_is_seen(tmp_path: Path, judges: Judges) -> None:
    """As Kubernetes replaces a mounted ConfigMap: file -> ..data/file, and ..data is swapped by a rename."""
    for version, text in (("v1", file_with(a=1)), ("v2", file_with(a=1, b=2))):
        (tmp_path / version).mkdir()
        (tmp_path / version / "judges.toml").write_text(text)
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "judges.toml").symlink_to("..data/judges.toml")
    reload = ProfileReload(JudgesFile(tmp_path / "judges.toml"), judges, {})
    await reload.load()
    (tmp_path / "..data_tmp").symlink_to("v2")
    os.replace(tmp_path / "..data_tmp", tmp_path / "..data")
    assert await reload.look()
    assert sorted(judges.seats) == ["a", "b"]


async def test_following(path: Path, judges: Judges, reload: ProfileReload) -> None:
    follow = asyncio.create_task(reload.follow(0.01))
    changed = judges.changed
    put(path, file_with(z=1))
    await asyncio.wait_for(changed.wait(), 30)
    assert sorted(judges.seats) == ["z"]
    follow.cancel()


async def test_a_case_in_flight_keeps_its_judge(
    reload: ProfileReload,
    judges: Judges,
    path: Path,
    made: list[Made],
    shelf: Shelf,
    request_for: Callable[..., JudgeRequest],
) -> None:
    judging = asyncio.create_task(JudgeCase(shelf, judges)(request_for("a")))
    backend = made[0]
    await backend.asked.wait()
    digest = judges.seats["a"].digest
    put(path, file_with(b=2))
    assert await reload.look()
    assert backend.closed == 0
    backend.go.set()
    verdict = await judging
    assert (verdict.value, verdict.judge.profile_digest) == (2.0, digest)
    assert backend.closed == 1


async def test_listing(reload: ProfileReload, judges: Judges, path: Path, shelf: Shelf) -> None:
    picky = "[profiles.picky]\nkind = 'scripted'\nrubrics = ['text_clas']\n"
    put(path, file_with(b=2) + picky + "[roles]\nmt-bench = 'b'\n")
    await reload.look()
    listing = await ListProfiles(shelf, judges)()
    assert [(one.name, one.problem) for one in listing.profiles] == [
        ("b", ""),
        ("picky", "unknown rubric 'text_clas'; did you mean 'text_class'?"),
    ]
    assert [rubric.id for rubric in listing.rubrics] == sorted([*shelf.rubrics, *shelf.measures])
    assert listing.roles == {"mt-bench": "b"}


async def test_closing_retires_everyone(reload: ProfileReload, judges: Judges, made: list[Made]) -> None:
    await judges.close()
    assert [one.closed for one in made] == [1, 1]
    assert judges.seats == {}


async def test_listing_tells_in_which_currency_a_verdict_costs(
    reload: ProfileReload, judges: Judges, path: Path, shelf: Shelf
) -> None:
    def priced(name: str, currency: str) -> str:
        price = f"price = {{ prompt = 1.0, completion = 1.0, currency = '{currency}' }}\n"
        return f"[profiles.{name}]\nkind = 'scripted'\notherwise = '[[1]]'\n{price}"

    panels = {"same": "['one', 'two']", "mixed": "['one', 'yen']", "part": "['one', 'a']", "nested": "['same', 'one']"}
    tables = [f"[profiles.{name}]\nkind = 'panel'\nmembers = {members}\n" for name, members in panels.items()]
    put(path, "".join([file_with(a=1), priced("one", "USD"), priced("two", "USD"), priced("yen", "JPY"), *tables]))
    assert await reload.look()
    listed = {one.name: one.currency for one in (await ListProfiles(shelf, judges)()).profiles}
    without = {"a": "", "mixed": "", "part": ""}
    assert listed == {**without, "one": "USD", "two": "USD", "yen": "JPY", "same": "USD", "nested": "USD"}
