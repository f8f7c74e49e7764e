"""What commands call: each is held to the thing itself, without being run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer
import yaml
from documentation.documents import ROOT, shell_commands
from shinsa_cli.__main__ import app
from shinsa_orchestrator.__main__ import _WORDS as ORCHESTRATOR_WORDS

PROGRAM: Any = typer.main.get_command(app)
COMPOSE = ROOT / "deploy" / "compose"
KUBERNETES = ROOT / "deploy" / "k8s"
# `cd deploy/compose` stands before what is done there.
_FOLDERS = (ROOT, COMPOSE)


def check(command: str, *, whole: bool = True) -> None:
    """Raises ``AssertionError`` where a command cannot mean anything; ``whole``: nothing is left out of it."""
    for part in re.split(r" (?:\||&&|;) ", command):
        words = [word for word in shlex.split(part) if whole or word not in ("...", "…")]
        if words[0].startswith("bench/"):
            words.insert(0, "python")
        name = words[0].removeprefix(".venv/bin/")
        assert name in CALLEES, f"unknown command {name!r}: say in tests/documentation/callees.py how it is checked"
        CALLEES[name](words[1:], whole)


def is_group(command: Any) -> bool:
    """Typer brings its own click, so its classes are not those of the package."""
    return hasattr(command, "commands")


def _shinsa(words: list[str], whole: bool) -> None:
    command = PROGRAM
    while is_group(command) and words:
        name, *words = words
        near = get_close_matches(name, command.commands)
        assert name in command.commands, f"shinsa has no {name!r}; near: {near}"
        command = command.commands[name]
    if is_group(command):
        assert not whole, "a group of commands is none"
    elif whole:
        command.make_context("shinsa", words)
    else:
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
        assert not unknown, f"no such option: {unknown}; there are: {sorted(known)}"


@cache
def make_targets() -> frozenset[str]:
    """Words of the Makefile."""
    lines = re.findall(r"^([a-z][a-z -]*):(?!=)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    return frozenset(word for line in lines for word in line.split())


def _make(words: list[str], whole: bool) -> None:
    targets = [word for word in words if "=" not in word]
    assert set(targets) <= make_targets(), f"make knows {sorted(make_targets())}"


def _python(words: list[str], whole: bool) -> None:
    if words[0] != "-m":
        _exists(words[0])
        script = (ROOT / words[0]).read_text("utf-8")
        options = [word.split("=")[0] for word in words[1:] if word.startswith("--")]
        assert all(f'"{option}"' in script for option in options), f"{words[0]} does not have all of {options}"
    elif words[1] == "pytest":
        _pytest(words[2:], whole)
    elif words[1] == "shinsa_orchestrator":
        assert words[2] in {*ORCHESTRATOR_WORDS, "--help"}, f"it knows {sorted(ORCHESTRATOR_WORDS)}"
    else:
        assert re.fullmatch(r"shinsa_(\w+|<service>)", words[1]), words[1]


def _pytest(words: list[str], whole: bool) -> None:
    for word in words:
        if "/" in word:
            _exists(word)


def _docker(words: list[str], whole: bool) -> None:
    match words:
        case ["compose", *rest]:
            files = [after for before, after in pairwise(rest) if before == "--file"]
            assert all((COMPOSE / file).is_file() for file in files), files
            known = {"build", "up", "down", "pull", "logs", "ps", "run"}
            act = next(word for word in rest if word in known)
            named = [word for word in rest[rest.index(act) + 1 :] if re.fullmatch(r"[a-z]+", word)]
            services = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]
            assert set(named) <= set(services), f"services are {sorted(services)}"
        case ["build", *rest] | ["buildx", "build", *rest]:
            _docker_build(rest)
        case ["cp", source, _]:
            _exists(source)
        case _:
            assert words[0] in ("buildx", "run", "kill", "exec", "import"), words


def _docker_build(words: list[str]) -> None:
    if "-f" not in words:
        return
    file = ROOT / words[words.index("-f") + 1]
    stages = re.findall(r"^FROM \S+ AS (\S+)", file.read_text("utf-8"), re.MULTILINE | re.IGNORECASE)
    if "--target" in words:
        assert words[words.index("--target") + 1] in stages, f"{file} has {stages}"


def _kubectl(words: list[str], whole: bool) -> None:
    for before, after in pairwise(words):
        if before in ("kustomize", "--kustomize", "-k"):
            assert (ROOT / after / "kustomization.yaml").is_file(), f"{after} is no kustomization"
        if before == "-n":
            assert after in set(_kubernetes("Namespace")), f"there is no namespace {after}"
    kinds = {
        "job": "Job", "cronjob": "CronJob", "deploy": "Deployment", "deployment": "Deployment", "service": "Service",
        "statefulset": "StatefulSet",
    }  # fmt: skip
    created = {name for one in shell_commands() for name in re.findall(r"kubectl .*create job (\S+)", one.text)}
    for word in words:
        kind, _, name = word.removeprefix("--from=").partition("/")
        if kind in kinds and "/" not in name and name not in ("", "NAME", "..."):
            assert name in {*_kubernetes(kinds[kind]), *created}, f"there is no {word}"


def _kubernetes(kind: str) -> Iterator[str]:
    """Names of what the bases and the examples make."""
    for path in sorted([*(KUBERNETES / "base").rglob("*.yaml"), *(KUBERNETES / "examples").rglob("*.yaml")]):
        for document in yaml.load_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader):
            if isinstance(document, dict) and document.get("kind") == kind:
                yield document["metadata"]["name"]


def _existing(words: list[str], whole: bool) -> None:
    for word in words:
        if "/" in word and not word.startswith(("-", "/", "s/")):
            _exists(word)


def _copy(words: list[str], whole: bool) -> None:
    _exists(words[0])


def _export(words: list[str], whole: bool) -> None:
    for word in words:
        assert re.fullmatch(r"(SHINSA_(SERVER|API_KEY)|PATH)=.+", word), word


def _schemathesis(words: list[str], whole: bool) -> None:
    from schemathesis.cli import schemathesis

    command = schemathesis.commands[words[0]]
    known = {option for one in command.params for option in one.opts}
    assert not [word for word in words if word.startswith("--") and word not in known]


def _installed_by_ci(words: list[str], whole: bool) -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8") + (ROOT / "Makefile").read_text("utf-8")
    packages = [word for word in words if not word.startswith("-")][1:]
    assert not [one for one in packages if not re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", script)]


def _exists(path: str) -> None:
    name = path.split("::")[0]
    found = [folder / name for folder in _FOLDERS if (folder / name).exists()]
    assert found, f"there is no {path}"
    if "::" in path:
        assert f"def {path.rpartition('::')[2]}(" in found[0].read_text("utf-8"), f"there is no {path}"


def _nothing_known(words: list[str], whole: bool) -> None:
    """Another's program, which is not here: its words are its own."""


CALLEES: dict[str, Callable[[list[str], bool], None]] = {
    "shinsa": _shinsa,
    "make": _make,
    "python": _python,
    "pytest": _pytest,
    "mypy": _nothing_known,
    "docker": _docker,
    "kubectl": _kubectl,
    "st": _schemathesis,
    "apt-get": _installed_by_ci,
    "cd": _existing,
    "cp": _copy,
    "sed": _existing,
    "pip": _existing,
    "export": _export,
    "less": _nothing_known,
    "jq": _nothing_known,
    "kind": _nothing_known,
    "cosign": _nothing_known,
    "./certificates.sh": lambda words, whole: _exists("certificates.sh"),
    "curl": _nothing_known,
    "pg_dump": _nothing_known,
    "py-spy": _nothing_known,
    "openssl": _nothing_known,
    "nats-server": _nothing_known,
}


def path_exists(path: str) -> bool:
    """Whether a path of the repository, perhaps with a ``*``, ``{a,b}`` or ``::test``, is there."""
    name, _, test = path.partition("::")
    if any(mark in name for mark in "<…"):
        return True
    choices = re.search(r"\{([^}]*)\}", name)
    names = [name.replace(choices[0], one) for one in choices[1].split(",")] if choices else [name]
    for one in names:
        if not (any(ROOT.glob(one)) if "*" in one else (ROOT / one).exists()):
            return False
    return not test or f"def {test}(" in Path(ROOT / name).read_text("utf-8")
