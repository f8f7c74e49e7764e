"""What happens to every code block of the documentation. A block or command that nothing here speaks of fails a test.

- A block below a line that is a path and a colon is that file: `test_walk.py` writes it, and what follows uses it.
- Every command of a shell block is held to what it calls (`callees.py`: the parser of `shinsa`, words of the Makefile,
  files, overlays, ...), and then run by `test_walk.py`, word by word, unless it stands in `NOT_RUN`.
- Other blocks are treated by their language and place, in `BLOCKS`.
"""

from __future__ import annotations

from typing import NamedTuple

from documentation.documents import Command

# The pages whose commands the walk runs, in this order.
WALKED = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/operations.md",
    "docs/deploy.md",
    "docs/api.md",
    "docs/security.md",
    "libs/client/README.md",
)

# Commands, by how they begin, that are held to what they call but not run here, and why.
NOT_RUN = {
    "apt-get": "changes the machine; `make walk` does it on a bare one",
    "apt-get install --yes chromium": "changes the machine; CI's script installs the same",
    "make setup": "what CI begins with",
    "make setup-vllm": "what CI begins with",
    "make check": "what CI runs",
    "make test": "this is part of it; `make walk` does it on a bare machine",
    "make demo": "minutes of vLLM: `make walk` does it; tests/e2e/test_real_model.py examines the same model",
    ".venv/bin/python -m pytest tests/unit/judge": "part of `make test`",
    ".venv/bin/mypy -p shinsa_judge": "part of `make check`",
    "shinsa up": "the walk's mesh is started by the line of CONTRIBUTING.md with --judges",
    "shinsa down": "at the end of the walk",
    "shinsa data prepare jcommonsenseqa jnli": "downloads; tests/unit/cli/test_data.py does so from this machine",
    "pip install ./libs/client": "it is installed",
    "st run": "minutes; tests/unit/gateway/test_described.py does the same to a gateway alone",
    "docker run": "a machine to begin on; `make walk` starts one with these options",
    "docker": "needs an engine and a registry; tests/deploy holds its files to the settings",
    "kubectl apply": "needs a cluster; tests/deploy renders and checks every overlay",
    "kubectl -n": "needs a cluster; tests/deploy holds its words to the manifests",
    "kind": "makes a cluster, with an engine",
    ".venv/bin/python bench/cluster.py": "needs a cluster",
    "cosign": "needs a registry and an identity",
    "export": "the walk has a mesh of its own, and its programs on the path",
    "python -m shinsa_orchestrator": "tests/integration/upgrade/test_backup.py: the databases must be told of",
}


class Expected(NamedTuple):
    """How a command may end, and what it then says."""

    codes: tuple[int, ...]
    says: str = ""


# What ends otherwise than with 0 on the walk's mesh, since nothing is wrong there.
EXPECTED = {
    # Models of providers whose keys are not here are errors, once they were looked at.
    "shinsa doctor": Expected((0, 1)),
    "shinsa gate": Expected((0, 4, 5)),
    "shinsa admin dead-letters show": Expected((2,), "there is no dead letter"),
    "shinsa admin dead-letters drop": Expected((2,), "there is no dead letter"),
    "shinsa admin requeue": Expected((2,), "there is nothing left to do"),
}

# Commands for whoever answers a roll call within two seconds: on a busy machine that is nobody, and they are repeated.
ROLL_CALLS = ("shinsa admin drain",)

# Blocks that are no shell and no file: (page, language) and what is done to them.
BLOCKS = {
    ("ARCHITECTURE.md", ""): "a drawing: the folders and services that it names exist",
    ("ARCHITECTURE.md", "python"): "compiled; its calls are those of the protocol `Steps`",
    ("docs/sandbox.md", ""): "a drawing",
    ("docs/deploy.md", "yaml"): "rendered as an overlay beside the others",
    ("libs/client/README.md", "python"): "run against the walk's mesh",
    ("libs/benchmarks/src/shinsa_benchmarks/catalog/swebench_ja/README.md", "dockerfile"): (
        "its files exist; tests/e2e/test_repositories.py makes such an image of this machine's files"
    ),
}


def entry(command: Command, table: dict[str, object]) -> str:
    """The longest beginning in ``table`` that fits the command, whole words; empty where none does."""
    fits = [begin for begin in table if (command.text + " ").startswith(begin + " ")]
    return max(fits, key=len, default="")


def not_run(command: Command) -> str:
    """Why it is not run; empty where it is. A fuller command than the bare word is another one."""
    begin = entry(command, dict(NOT_RUN))
    whole = {"shinsa up", "shinsa down", "make setup"}
    return "" if not begin or (begin in whole and command.text != begin) else NOT_RUN[begin]
