"""What the running text names in code marks is there: commands, options, settings, routes, paths, metrics."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from documentation.callees import CALLEES, PROGRAM, check, is_group, path_exists
from documentation.documents import ROOT, documents, words
from shinsa_chassis.settings import ServiceSettings
from shinsa_gateway.domain.access import Keyring
from shinsa_gateway.inbound.http.app import HttpLimits, create_app
from shinsa_gateway.settings import GatewaySettings
from shinsa_inference.settings import InferenceSettings
from shinsa_judge.settings import JudgeSettings
from shinsa_orchestrator.settings import OrchestratorSettings
from shinsa_sandbox.settings import SandboxSettings

SETTINGS: tuple[type[ServiceSettings], ...] = (
    GatewaySettings,
    InferenceSettings,
    JudgeSettings,
    OrchestratorSettings,
    SandboxSettings,
)
HOME = ("bench", "cli", "deploy", "docs", "libs", "proto", "requirements", "services", "tests")
# Options of programs that are not ours, where they stand without their program's name.
FOREIGN_OPTIONS = {
    "--build-arg": "docker build",
    "--network=none": "runsc",
    "--require-hashes": "pip",
    "--sbom=true": "docker buildx",
    "--tlsverify": "nats-server",
}

each_document = pytest.mark.parametrize("file", documents())


@cache
def sources() -> str:
    """Everything that is not documentation and could give a name its meaning."""
    patterns = ("*/src/**/*.py", "*/*/src/**/*.py", "deploy/**/*", "tests/**/*.py", "Makefile", "bench/*.py")
    paths = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return "\n".join(path.read_text("utf-8", errors="replace") for path in sorted(paths))


def known_settings() -> frozenset[str]:
    return frozenset(cls.env_name(field) for cls in SETTINGS for field in cls.model_fields)


@each_document
def test_commands(file: str) -> None:
    for word in words(file):
        name = word.split()[0].removeprefix(".venv/bin/") if word.split() else ""
        if " " in word and (name in CALLEES or re.fullmatch(r"bench/\w+\.py", name)):
            plain = re.sub(r"\[|\]", "", re.sub(r"\|\S+", "", word))
            check(plain, whole=False)


def _options(command: Any) -> Iterator[str]:
    for one in command.params:
        yield from (*one.opts, *one.secondary_opts)
    if is_group(command):
        for below in command.commands.values():
            yield from _options(below)


@cache
def all_options() -> frozenset[str]:
    return frozenset(_options(PROGRAM))


@each_document
def test_options(file: str) -> None:
    named = [word.split()[0] for word in words(file) if re.match(r"--[a-z]", word)]
    unknown = {one for one in named if one.split("=")[0] not in all_options() and one not in FOREIGN_OPTIONS}
    scripts = re.findall(r"bench/\w+\.py", (ROOT / file).read_text("utf-8"))
    benches = sources() if file == "bench/README.md" else "".join((ROOT / one).read_text("utf-8") for one in scripts)
    assert not {one for one in unknown if f'"{one}"' not in benches}


@each_document
def test_settings(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    prefixes = tuple(cls.env_prefix() for cls in SETTINGS)
    for name in sorted(set(re.findall(r"\bSHINSA_[A-Z][A-Z0-9_]*[A-Z0-9]\b(?!\*)", text))):
        if name.startswith(prefixes):
            assert name in known_settings(), f"{name} is no setting"
        else:
            assert name in sources(), f"nothing knows {name}"


@cache
def routes() -> dict[str, set[str]]:
    """Each operation, ``GET /v1/runs/{}``, with the names of its query parameters."""
    nobody: Any = None
    app = create_app(nobody, Keyring(()), HttpLimits(max_body_bytes=0), nobody)
    found = {}
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            queries = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
            found[f"{method.upper()} {_shape(path)}"] = queries
    return found


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@each_document
def test_routes(file: str) -> None:
    known = routes() | {"GET /openapi.json": set()}
    for word in words(file):
        if found := re.fullmatch(r"(GET|POST|PUT|DELETE) (/\S*?)(?:\?(\S*))?", word):
            shape = f"{found[1]} {_shape(found[2])}"
            assert shape in known, f"{word}: no such operation"
            asked = {pair.split("=")[0] for pair in (found[3] or "").split("&")} - {""}
            assert asked <= known[shape], f"{word}: it takes {sorted(known[shape])}"
        elif re.fullmatch(r"/v1/\S+", word):
            begin = _shape(word).rstrip("…").rstrip("/")
            assert any(begin in operation for operation in known), f"{word}: no such path"


@each_document
def test_paths(file: str) -> None:
    for word in words(file):
        if re.match(rf"({'|'.join(HOME)})/\S+$", word):
            assert path_exists(word.rstrip("/")), f"there is no {word}"
        if file == "docs/deploy.md" and re.match(r"(components|examples|overlays)/\S+$", word):
            assert path_exists(f"deploy/k8s/{word}"), f"there is no {word} below deploy/k8s"


@each_document
def test_names_of_ours(file: str) -> None:
    for word in words(file):
        for name in re.findall(r"(?<![\w./-])shinsa_[a-z_]*[a-z]\b", word):
            assert importlib.util.find_spec(name) or name in sources(), f"nothing is called {name}"
