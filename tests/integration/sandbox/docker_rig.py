"""A Docker engine for tests, an image made of this machine's own files, and what must not be left of either."""

from __future__ import annotations

import functools
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException
from shinsa_sandbox.domain.runtime import Capabilities, Refusal
from shinsa_sandbox.outbound.docker.engine import EngineSettings
from shinsa_sandbox.outbound.docker.executor import DockerExecutor, DockerSettings
from shinsa_sandbox.outbound.jail.interpreter import find_interpreter
from shinsa_sandbox.outbound.ownership import MARK

_START_SECONDS = 90
# What a shell script of an evaluation may use.
_TOOLS = (
    *("bash", "sh", "cat", "cp", "mv", "rm", "mkdir", "ls", "env", "sleep", "id", "chmod", "chown", "head", "tail"),
    *(
        "grep",
        "sed",
        "true",
        "false",
        "mktemp",
        "stat",
        "sha256sum",
        "date",
        "touch",
        "git",
        "patch",
        "yes",
        "dd",
        "tr",
    ),
    *("tar", "gzip", "base64", "timeout"),
)


@contextmanager
def engine() -> Iterator[str]:
    """Where an engine listens: one that runs here, else one started for the tests; skips loudly without either."""
    url = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if answers(url):
        yield url
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("NO DOCKER ENGINE, and none can be started (dockerd as root): the docker executor is not tested")
    with tempfile.TemporaryDirectory(prefix="shinsa-dockerd-", ignore_cleanup_errors=True) as folder:
        own = started(Path(folder))
        with own as address:
            yield address


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """An engine of the tests' own, below ``folder``."""
    url = f"unix://{folder}/docker.sock"
    command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "-H", url]
    command += ["--pidfile", f"{folder}/pid", "--bridge", "none", "--iptables=false"]
    # A pull that fails is to fail now and not after a minute of repetitions.
    command += ["--max-download-attempts", "1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                said = (folder / "log").read_text("utf-8", "replace")[-1500:]
                pytest.skip(f"DOCKERD DOES NOT START HERE, the docker executor is not tested: {said}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def answers(url: str) -> bool:
    try:
        client = docker.APIClient(base_url=url, timeout=20, version="auto")
    except DockerException:
        return False
    client.close()
    return True


def image_of_this_machine(
    url: str, name: str, folders: dict[str, Path] | None = None, owner: int = 0, tag: str = "test"
) -> str:
    """Imports an image with Python, a shell and git from this machine's files, and returns its id.

    ``folders`` are added at the paths that they are named by, owned by ``owner``.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(_machine_files()):
            tar.add(path, path, recursive=False)
        for target, folder in (folders or {}).items():
            tar.add(folder, target, filter=functools.partial(_owned, owner))
        _texts(tar)
    packed.seek(0)
    api = docker.APIClient(base_url=url, timeout=300, version="auto")
    try:
        api.import_image_from_data(packed.getvalue(), repository=name, tag=tag)
        return str(api.inspect_image(f"{name}:{tag}")["Id"])
    finally:
        api.close()


def _owned(owner: int, member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = owner
    return member


def _texts(tar: tarfile.TarFile) -> None:
    for path, text in (("/etc/passwd", "root:x:0:0::/:\ntester:x:10001:10001::/tmp:\n"), ("/etc/group", "root:x:0:\n")):
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(text), 0o644
        tar.addfile(member, io.BytesIO(text.encode()))
    for path in ("/tmp", "/proc", "/sys", "/dev"):
        member = tarfile.TarInfo(path)
        member.type, member.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(member)


@functools.cache
def _machine_files() -> frozenset[str]:
    interpreter = find_interpreter()
    programs = [tool for tool in map(shutil.which, _TOOLS) if tool]
    found: set[str] = set()
    for path in (interpreter.executable, *interpreter.binds, *programs, "/usr/lib/git-core", "/usr/share/git-core"):
        found |= _tree(path)
    elves = [path for path in found if os.path.isfile(path) and os.access(path, os.X_OK) and ".py" not in path]
    said = subprocess.run(["ldd", *elves], capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        library = line.split("=>")[-1].split("(")[0].strip()
        if library.startswith("/") and not library.endswith(":"):
            found |= _tree(library)
    folder = os.path.dirname(interpreter.executable)
    link = f"{folder}/python3"
    return frozenset(found | ({link} if os.path.exists(link) else set()) | _merged())


def _tree(path: str) -> set[str]:
    """The file with all that its links lead to, or everything below a folder but compiled code and site packages."""
    path = _placed(path)
    found: set[str] = set()
    while os.path.islink(path):
        found.add(path)
        path = _placed(os.path.join(os.path.dirname(path), os.readlink(path)))
    found |= {path} if os.path.exists(path) else set()
    if os.path.isdir(path):
        for folder, names, files in os.walk(path):
            names[:] = [one for one in names if one not in ("__pycache__", "site-packages", "dist-packages", "test")]
            found |= {folder, *(f"{folder}/{file}" for file in files)}
    return found


def _placed(path: str) -> str:
    """The same entry by the real path of its folder: /lib and /bin may be links."""
    folder, name = os.path.split(os.path.normpath(path))
    return os.path.join(os.path.realpath(folder), name)


def _merged() -> set[str]:
    return {link for link in ("/bin", "/lib", "/lib64", "/sbin") if os.path.islink(link)}


@asynccontextmanager
async def containers(url: str, image: str, slots: int = 2, **settings: Any) -> AsyncIterator[DockerExecutor]:
    """An executor that has shown that it works."""
    runtime = settings.pop("runtime", "")
    executor = DockerExecutor(DockerSettings(EngineSettings(url, runtime), image, slots, **settings))
    try:
        shown = await executor.probe()
        assert not isinstance(shown, Refusal), shown
        assert isinstance(shown, Capabilities)
        yield executor
    finally:
        await executor.drain()


def ours(url: str) -> list[dict[str, Any]]:
    """Containers with our mark, running or not."""
    api = docker.APIClient(base_url=url, timeout=60, version="auto")
    try:
        return list(api.containers(all=True, filters={"label": MARK}))
    finally:
        api.close()


def of_this_process(url: str) -> list[str]:
    owner = f"/{os.getpid()}/"
    return [one["Id"] for one in ours(url) if owner in one["Labels"][f"{MARK}.owner"]]


if __name__ == "__main__":
    with engine() as address:
        sys.stdout.write(image_of_this_machine(address, "shinsa-machine") + "\n")
