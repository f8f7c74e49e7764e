"""A copy of the parts of the repository that the pages change, with a mesh that runs from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from documentation.documents import ROOT, Block, Command
from e2e.rig import Endpoint, write_upstream

_COPIED = (
    "libs/benchmarks/src",
    "services/judge/src",
    "tests",
    "docs/data.md",
    "deploy/compose",
    "deploy/k8s",
    "pyproject.toml",
)
_TABLE = "Model,TOTAL_SCORE\norg/a,0.5\norg/b,0.25\n"
_NEJUMI = """
wandb: {run_name: "org/model: tuned"}
api: vllm
model: {pretrained_model_name_or_path: org/model-7b}
vllm: {max_model_len: 4096, dtype: bfloat16}
generator: {temperature: 0.1, max_tokens: 128}
"""
# The open board's categories, for models enough to take them apart.
_CATEGORIES = ("NLI", "QA", "RC", "MC", "EL", "FA", "MR", "MT", "HE", "CG", "SUM")


class ChatEndpoint(Endpoint):
    """Says of anything but a chat that it is not served."""

    def answer(self, body: dict[str, Any]) -> tuple[int, bytes]:
        if "messages" not in body:
            return 404, b'{"error": {"message": "chats alone are served here"}}'
        return super().answer(body)


class Workplace:
    """Where the walk's commands are run, in the repository's own layout, and what stands in for a reader's own things.

    ``run_id`` and ``item`` are what RUN and ITEM stand for; ``endpoint`` answers in place of the reader's.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "shinsa"
        self.here = self.root
        self.state = folder / "mesh"
        self.upstream = folder / "upstream"
        self.endpoint = ChatEndpoint()
        self.run_id = self.item = ""
        self._lay_out()
        self.environment = self._environment()

    def _lay_out(self) -> None:
        for name in _COPIED:
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, target)
        (self.root / ".venv").symlink_to(Path(sys.executable).parents[1])
        for weights in (".models/smollm2-135m", "weights", "adapter"):
            (self.root / weights).mkdir(parents=True)
        write_upstream(self.upstream, choices=12, programs=2, conversations=2)
        self._write("answer.py", "def f(x):\n    return x + 1\n")
        self._write("test.py", "def check(f):\n    assert f(1) == 2\n")
        self._write("nejumi.yaml", _NEJUMI)
        self._write("base_config.yaml", "generator: {top_p: 1.0}\n")
        self._write("table.csv", _TABLE)
        self._write("published.csv", _TABLE)
        self._write("categories.csv", _categories())

    def _environment(self) -> dict[str, str]:
        sources = (str(self.root / name) for name in _COPIED if name.endswith("/src"))
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("SHINSA_", "PYTEST_"))}
        programs = Path(sys.executable).parent
        return {
            **bare,
            "PYTHONPATH": os.pathsep.join(sources),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "SHINSA_STATE": str(self.state),
            "OPENROUTER_API_KEY": "a-reader-has-one",
            "PYTEST_ADDOPTS": "-p no:randomly",
        }

    def _write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, "utf-8")

    def close(self) -> None:
        self.endpoint.close()

    def write(self, block: Block) -> None:
        """The file that a block is. A file that is there already is added to: a table below its last row."""
        file = self.root / block.title
        text = self.at_hand(block.text)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        elif text.startswith("| "):
            lines = file.read_text("utf-8").splitlines()
            last = max(number for number, line in enumerate(lines) if line.startswith("| `"))
            file.write_text("\n".join([*lines[: last + 1], text.strip(), *lines[last + 1 :]]) + "\n", "utf-8")
        else:
            file.write_text(file.read_text("utf-8") + "\n" + text, "utf-8")

    def at_hand(self, text: str) -> str:
        """The same with what is there in place of what a reader would put in."""
        replica = "judge-7c9-x2"
        for said, meant in (
            ("http://127.0.0.1:8000/v1", self.endpoint.url),
            ("--preset openrouter", f"--preset openrouter --base-url {self.endpoint.url}"),
            ("| less", "| cat"),
            ("/path/to/upstream", str(self.upstream)),
            (replica, self._judge() if replica in text else ""),
            # What the judges.toml of deploy/compose says by itself.
            ("--model scripted --suite demo", "--model scripted --suite demo --judge scripted"),
        ):
            text = text.replace(said, meant)
        text = re.sub(r"(?<=[ =])RUN\b", self.run_id or "RUN", text)
        text = re.sub(r"(?<= )ITEM\b", self.item or "ITEM", text)
        return re.sub(r"^shinsa up\b", "shinsa up --port 0", text)

    @property
    def url(self) -> str:
        """The gateway's address."""
        return str(json.loads((self.state / "mesh.json").read_text("utf-8"))["gateway_url"])

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.loads(answer.read())

    def _judge(self) -> str:
        """Its replica's name, once it has answered a roll call."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for one in self.get("/v1/replicas")["replicas"]:
                if one["service"] == "judge":
                    return str(one["replica"])
        raise AssertionError("no judge has answered for a minute")

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Runs it as a reader would: in a shell, where `cd` has led."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.here,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        """Runs it, and keeps in mind what later commands speak of."""
        if command.text.startswith("shinsa analyse"):
            filled = self.shell("shinsa board import categories.csv --board open-ja --format table")
            assert filled.returncode == 0, filled.stderr
        if command.text.startswith("cd "):
            self.here = self.root / command.text.removeprefix("cd ")
            return self.shell("true")
        ended = self.shell(self.at_hand(command.text))
        if command.text.startswith("shinsa run "):
            self._remember_run()
        if command.text.startswith(("shinsa prompts", ".venv/bin/shinsa prompts")):
            self._answer(command.text)
        return ended

    def _remember_run(self) -> None:
        self.run_id = self.get("/v1/runs?page_size=1")["runs"][0]["id"]
        items: list[Any] = self.get(f"/v1/runs/{self.run_id}/items?page_size=1")["items"]
        self.item = items[0]["id"]

    def _answer(self, command: str) -> None:
        """What a reader does between two commands: has prompts answered, and cases judged."""
        judged = "mt_bench" in command
        out = re.search(r"--out (\S+)", command)
        cases = re.search(r"--cases (\S+)", command)
        assert out
        answers = self.here / ("replies.jsonl" if judged else "answers.jsonl")
        earlier = answers.read_text("utf-8") if "--after" in command else ""
        answers.write_text(earlier + _with(self.here / out[1], response="はい、そうです。"), "utf-8")
        if cases and not (self.here / out[1]).read_text("utf-8").strip():
            (self.here / cases[1]).write_text(_with(self.here / cases[1], value=7), "utf-8")
        elif cases:
            self._answer_again(command)

    def _answer_again(self, command: str) -> None:
        again = self.shell(command)
        assert again.returncode == 0, again.stderr
        self._answer(command)


def _with(file: Path, **field: Any) -> str:
    lines = (json.loads(line) for line in file.read_text("utf-8").splitlines())
    return "".join(json.dumps({**line, **field}, ensure_ascii=False) + "\n" for line in lines)


def _categories() -> str:
    rows = [[f"org/m{n}", *(str(((n + 1) * (c + 3)) % 7 / 10) for c in range(len(_CATEGORIES)))] for n in range(5)]
    return "\n".join(",".join(row) for row in [["model", *_CATEGORIES], *rows]) + "\n"
