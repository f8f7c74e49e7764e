"""Between the messages about repositories and the values of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from shinsa.sandbox.v1 import execution_pb2, program_pb2
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_sandbox.domain.repository import RepositoryEvidence, RepositoryTests
from shinsa_sandbox.domain.test_logs import PARSERS

MOST_TESTS = 20_000
_FOLDER = "/testbed"
_FIELD = "checks.repository"


def to_repository_tests(message: program_pb2.RepositoryTests) -> RepositoryTests:
    """Raises INVALID_ARGUMENT that names the field at fault."""
    if not message.image.strip() or message.image.startswith("-"):
        raise _wrong("image", "Name the image that holds the repository, or give its digest or id.")
    if not message.script.strip():
        raise _wrong("script", "The script that runs the tests is empty.")
    if message.parser not in PARSERS:
        text = f"There is no log parser {message.parser!r}; there are {', '.join(PARSERS)}."
        near = get_close_matches(message.parser, PARSERS)
        raise ShinsaError(Reason.INVALID_ARGUMENT, text, field=f"{_FIELD}.parser", near_matches=near, origin="sandbox")
    count = len(message.fail_to_pass) + len(message.pass_to_pass)
    if not 0 < count <= MOST_TESTS or not message.fail_to_pass:
        raise _wrong("fail_to_pass", f"{count} tests are named; name at least one to mend, and at most {MOST_TESTS}.")
    folder = message.folder or _FOLDER
    if not folder.startswith("/") or ".." in folder.split("/"):
        raise _wrong("folder", f"{folder[:80]!r} is no absolute path, such as {_FOLDER!r}.")
    return RepositoryTests(
        image=message.image,
        script=message.script,
        parser=message.parser,
        fail_to_pass=tuple(message.fail_to_pass),
        pass_to_pass=tuple(message.pass_to_pass),
        folder=folder,
        test_paths=_paths(message.test_paths, "test_paths"),
        free_paths=_paths(message.free_paths, "free_paths"),
    )


def _paths(paths: Sequence[str], field: str) -> tuple[str, ...]:
    for path in paths:
        if path.startswith("/") or ".." in path.split("/") or not path.isprintable():
            raise _wrong(field, f"{path[:80]!r} is no path below the repository.")
    return tuple(paths)


def _wrong(field: str, message: str) -> ShinsaError:
    return ShinsaError(Reason.INVALID_ARGUMENT, message, field=f"{_FIELD}.{field}", origin="sandbox")


def from_evidence(evidence: RepositoryEvidence) -> execution_pb2.RepositoryEvidence:
    """What patched code said is made valid UTF-8."""
    return execution_pb2.RepositoryEvidence(
        image=evidence.image,
        user=evidence.user,
        attempts=[
            execution_pb2.PatchAttempt(step=one.step, worked=one.worked, said=valid_text(one.said))
            for one in evidence.attempts
        ],
        restored=map(valid_text, evidence.restored),
        suspicions=map(valid_text, evidence.suspicions),
        resolution=evidence.resolution.value,
        grader=evidence.grader,
        times=[execution_pb2.PhaseTime(phase=name, seconds=took) for name, took in evidence.seconds.items()],
    )


def valid_text(text: str) -> str:
    """What a program wrote, as a message can carry it."""
    return text.encode("utf-8", "backslashreplace").decode()
