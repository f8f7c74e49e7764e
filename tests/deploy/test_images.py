"""Dockerfiles: pinned, rootless, with a health check, and nothing but one service and what it stands on."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest

_WORKSPACE = re.compile(r"^shinsa-(contracts|chassis|benchmarks)")


def _instructions(dockerfile: Path) -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [(word, " ".join(rest.split())) for word, rest in lines]


def _stages(instructions: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    starts = [i for i, (word, _) in enumerate(instructions) if word == "FROM"]
    return [instructions[a:b] for a, b in zip(starts, [*starts[1:], len(instructions)], strict=True)]


@pytest.fixture
def instructions(root: Path, service: str) -> list[tuple[str, str]]:
    return _instructions(root / "deploy/images" / service / "Dockerfile")


def test_base_is_pinned(instructions: list[tuple[str, str]]) -> None:
    arguments = dict(rest.partition("=")[::2] for word, rest in instructions if word == "ARG")
    assert re.search(r":\d+\.\d+\.\d+-", arguments["PYTHON_IMAGE"]), "a full version, no moving tag"
    names: set[str] = set()
    for word, rest in instructions:
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            assert image in names or image == "${PYTHON_IMAGE}${PYTHON_DIGEST:+@}${PYTHON_DIGEST}"
            names.add(name)


def test_pins_with_hashes(root: Path, service: str, instructions: list[tuple[str, str]]) -> None:
    copied = {name for word, rest in instructions if word == "COPY" for name in re.findall(r"\S+\.txt", rest)}
    assert f"requirements/{service}.txt" in copied
    for name in copied:
        blocks = re.findall(r"^\S+==.*?(?=^\S|\Z)", (root / name).read_text("utf-8"), re.MULTILINE | re.DOTALL)
        assert blocks, f"{name} pins nothing"
        assert not [block.split()[0] for block in blocks if "--hash=sha256:" not in block]
    for word, rest in instructions:
        for command in re.findall(r"pip\S* (?:--python \S+ )?install ([^&]*)", rest) if word == "RUN" else []:
            # From an index with hashes and as wheels only, or from what was built here with pinned tools.
            assert "--no-index" in command or {"--require-hashes", "--only-binary"} <= set(command.split()), command
        for command in re.findall(r"pip wheel ([^&]*)", rest) if word == "RUN" else []:
            assert {"--no-deps", "--no-build-isolation"} <= set(command.split()), command
            assert "/src/" in command or "--require-hashes" in command, command


def test_only_its_own_sources(root: Path, service: str, instructions: list[tuple[str, str]]) -> None:
    copied = {
        rest.split()[0] for word, rest in instructions if word == "COPY" and rest.startswith(("libs/", "services/"))
    }
    document = tomllib.loads((root / "services" / service / "pyproject.toml").read_text("utf-8"))
    needed = {match[1] for name in document["project"]["dependencies"] if (match := _WORKSPACE.match(name))}
    assert copied == {f"services/{service}", *(f"libs/{name}" for name in needed)}


def test_sources_exist_and_reach_the_builder(root: Path, instructions: list[tuple[str, str]]) -> None:
    lines = [line for line in (root / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert lines[0] == "*", "nothing but what is named"
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    for word, rest in instructions:
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (root / source).exists(), source
                assert any(source == name or source.startswith(name + "/") for name in let_in), source


def test_every_final_stage_runs_without_root(instructions: list[tuple[str, str]]) -> None:
    stages = _stages(instructions)
    bases = {stage[0][1].partition(" AS ")[0] for stage in stages}
    copied_from = {m for stage in stages for _, rest in stage for m in re.findall(r"--from=(\S+)", rest)}
    names = [stage[0][1].partition(" AS ")[2] for stage in stages]
    used = (bases | copied_from) - {""}
    finals = [stage for stage, name in zip(stages, names, strict=True) if name not in used]
    assert finals
    for stage in finals:
        assert [rest for word, rest in stage if word == "USER"][-1:] == ["10001:10001"], stage[0]


def test_health_check_labels_and_entry(service: str, instructions: list[tuple[str, str]]) -> None:
    by_word = dict(instructions)
    doors = {"gateway": '"http", "SHINSA_GATEWAY_HTTP_PORT", "/readyz"'}
    door = doors.get(service, f'"grpc", "SHINSA_{service.upper()}_GRPC_PORT"')
    assert f'/opt/shinsa/health.py", {door}]' in by_word["HEALTHCHECK"]
    assert by_word["ENTRYPOINT"] == f'["/opt/shinsa/bin/python", "-m", "shinsa_{service}"]'
    labels = " ".join(rest for word, rest in instructions if word == "LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_what_each_revision_changes_comes_last(instructions: list[tuple[str, str]]) -> None:
    # Or a new revision would install and copy everything anew, which for CUDA are gigabytes.
    stages = _stages(instructions)
    dated = [stage for stage in stages if ("ARG", "REVISION=unknown") in stage]
    assert dated
    for stage in dated:
        after = stage[stage.index(("ARG", "VERSION=0.1.0")) :]
        assert [word for word, _ in after] == ["ARG", "ARG", "LABEL"]
        base = stage[0][1].partition(" AS ")[2]
        assert not base or base not in {other[0][1].partition(" AS ")[0] for other in stages}


def test_our_code_is_a_layer_of_its_own_upon_the_gigabytes(root: Path) -> None:
    stages = _stages(_instructions(root / "deploy/images/inference/Dockerfile"))
    by_name = {stage[0][1].partition(" AS ")[2]: stage for stage in stages}
    for variant in ("endpoint", "cpu", "cuda"):
        copied = [rest for word, rest in by_name[variant] if word == "COPY"]
        assert copied == [f"--from={source} /opt/shinsa /opt/shinsa" for source in (f"{variant}-packages", "ours")]
        packages = by_name[f"{variant}-packages"]
        assert [rest.split()[0] for word, rest in packages if word == "COPY"] == [
            "requirements/inference.txt" if variant == "endpoint" else f"deploy/images/inference/{variant}.txt"
        ]


def test_compiled_kernels_outlive_the_container_and_may_be_run(root: Path) -> None:
    # /tmp of a container with a read-only root is often mounted such that nothing can be run from there.
    stages = _stages(_instructions(root / "deploy/images/inference/Dockerfile"))
    environment = " ".join(rest for stage in stages for word, rest in stage if word == "ENV").split()
    values = dict(pair.split("=", 1) for pair in environment)
    for name in ("VLLM_CACHE_ROOT", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE"):
        assert values[name].startswith("/models"), name


def test_only_the_image_for_gpus_waits_for_one(root: Path) -> None:
    stages = _stages(_instructions(root / "deploy/images/inference/Dockerfile"))
    waiting = [stage[0][1] for stage in stages if "SHINSA_INFERENCE_ACCELERATOR=cuda" in str(stage)]
    assert waiting == ["runtime AS cuda"]


def test_inference_has_three_variants(root: Path) -> None:
    text = (root / "deploy/images/inference/Dockerfile").read_text("utf-8")
    for variant in ("endpoint", "cpu", "cuda"):
        assert re.search(rf"^FROM runtime AS {variant}$", text, re.MULTILINE)
    pins = {name: (root / f"deploy/images/inference/{name}.txt").read_text("utf-8") for name in ("cpu", "cuda")}
    versions = {name: re.findall(r"^vllm(?:-cpu)?==(\S+)", text, re.MULTILINE) for name, text in pins.items()}
    assert versions["cpu"] == versions["cuda"], "one vLLM, whatever it runs on"
    assert "nvidia-" not in pins["cpu"]


async def test_health_script_asks_a_real_server(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    import grpc
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc

    main = runpy.run_path(str(root / "deploy/images/health.py"))["main"]
    server, servicer = grpc.aio.server(), health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    monkeypatch.setenv("DOOR", str(port))
    ask = lambda: asyncio.to_thread(main, ["grpc", "DOOR"])  # noqa: E731
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    assert await ask() == 0
    await servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert await ask() == 1
    await server.stop(0)
    assert await ask() == 1
    assert "not serving" in capsys.readouterr().err
    assert main(["grpc", "NO_SUCH_VARIABLE"]) == 2
