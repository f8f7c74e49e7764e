"""What a person writes on the command line, as the gateway wants to be told. Raises ``Problem`` naming the option."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from shinsa_client.answer import JsonObject

from shinsa_cli.problem import bad_input

_BENCHMARK_FORM = "write NAME or NAME@SHOTS, several with commas: jnli@0,4,mawps"


def read_benchmarks(texts: Iterable[str], shots: str = "", repetitions: int = 0) -> list[JsonObject]:
    """``jnli@0,4,mawps``: a number after a comma belongs to the benchmark before it, for names never begin with one.

    ``shots`` is for benchmarks that say nothing of it themselves.
    """
    chosen: dict[str, list[int]] = {}
    for text in texts:
        current: list[int] | None = None
        for part in (part.strip() for part in text.split(",")):
            if part.isdigit() and current:
                current.append(int(part))
                continue
            name, marked, first = part.partition("@")
            if not name or name in chosen or name[0].isdigit() or (marked and not _are_shots(first)):
                raise _bad_benchmark(part, twice=name in chosen)
            current = chosen[name] = [int(shot) for shot in first.split("/")] if marked else []
    otherwise = read_shots(shots)
    if otherwise and chosen and all(chosen.values()):
        raise bad_input("every benchmark names its own shots", field="--shots", remedy="leave it out")
    return [{"benchmark": name, "shots": own or otherwise, "repetitions": repetitions} for name, own in chosen.items()]


def _are_shots(text: str) -> bool:
    return all(part.isdigit() for part in text.split("/"))


def _bad_benchmark(part: str, *, twice: bool) -> Exception:
    if twice:
        return bad_input(f"{part!r} stands twice; give all its shots at once", field="--benchmarks")
    return bad_input(f"{part!r} names no benchmark", remedy=_BENCHMARK_FORM, field="--benchmarks")


def read_shots(text: str) -> list[int]:
    """``0,4``."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isdigit() for part in parts):
        raise bad_input(f"{text!r} is no list of shot counts", remedy="write numbers with commas: 0,4", field="--shots")
    return [int(part) for part in parts]


def read_judges(texts: Sequence[str]) -> dict[str, str]:
    """``PROFILE`` for every role, or ``ROLE=PROFILE``."""
    judges: dict[str, str] = {}
    for text in texts:
        role, named, profile = text.rpartition("=")
        role = role.strip() if named else "*"
        if not role or not profile.strip() or role in judges:
            raise bad_input(
                f"{text!r} chooses no judge",
                remedy="write PROFILE once for every role, or ROLE=PROFILE for each; `shinsa judges list` shows both",
                field="--judge",
            )
        judges[role] = profile.strip()
    return judges


def judge_budget(tokens: int | None, cost: float | None) -> JsonObject:
    """The part of a request that says what the judges may use up; empty where neither is given."""
    given = {name: value for name, value in (("tokens", tokens), ("cost", cost)) if value is not None}
    return {"judge_budget": given} if given else {}


def read_pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """``KEY=VALUE``; the value is all that follows the first ``=``."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, named, value = text.partition("=")
        if not named or not key.strip() or key.strip() in pairs:
            twice = key.strip() in pairs
            raise bad_input(
                f"{text!r} {'sets a key for the second time' if twice else 'is no KEY=VALUE'}",
                remedy="write KEY=VALUE, each key once",
                field=option,
            )
        pairs[key.strip()] = value
    return pairs


def read_pins(texts: Sequence[str]) -> dict[str, tuple[str, str]]:
    """``BENCHMARK=VERSION:DIGEST``: version and first digits of the data's digest, by benchmark."""
    pins: dict[str, tuple[str, str]] = {}
    for benchmark, pin in read_pairs(texts, "--pin").items():
        version, named, digest = pin.rpartition(":")
        if not (named and version and digest):
            raise bad_input(
                f"'{benchmark}={pin}' is no pin",
                remedy="write BENCHMARK=VERSION:DIGEST, as the command of a report does",
                field="--pin",
            )
        pins[benchmark] = (version, digest)
    return pins


def read_rules(texts: Sequence[str]) -> list[JsonObject]:
    """``PATTERN=>REPLY``; the pattern ends at the first arrow."""
    rules = []
    for text in texts:
        pattern, arrow, reply = text.partition("=>")
        if not arrow or not pattern:
            raise bad_input(f"{text!r} is no rule", remedy="write 'PATTERN=>REPLY'", field="--rule")
        rules.append({"pattern": pattern, "reply": reply})
    return rules


def read_values(texts: Sequence[str], option: str) -> JsonObject:
    """``KEY=VALUE`` with values as JSON where they are such (numbers, true, lists), else as text."""
    return {key: _value(key, text) for key, text in read_pairs(texts, option).items()}


def _value(key: str, text: str) -> object:
    if key.endswith("_json"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
