"""Every variable that compose, Kubernetes or an image sets is a setting of that service, with a value that it takes."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from shinsa_chassis.settings import ServiceSettings
from shinsa_gateway.outbound.key_file import read_key_file
from shinsa_inference.inbound.models_file import read_models
from shinsa_judge.domain.judges_file import parse_judges
from shinsa_judge.domain.profile_set import ProfileSet
from shinsa_judge.outbound.judges_file import JudgesFile

Settings = type[ServiceSettings]
Workload = Any
Manifest = dict[str, Any]

_OURS = re.compile(r"SHINSA_[A-Z]+_")
_VARIABLE = re.compile(r"\$\{(\w+)(?::?([-?])([^}]*))?\}")


def _read(cls: Settings, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    for name, value in environment.items():
        if _OURS.match(name):
            assert name.startswith(cls.env_prefix()), f"{name} is no variable of {cls.service_name()}"
            assert name in {cls.env_name(field) for field in cls.model_fields}, f"{name} is no setting"
            monkeypatch.setenv(name, value)
    return cls()  # type: ignore[call-arg]


def _image_environment(dockerfile: Path) -> dict[str, str]:
    """All ENV lines of a Dockerfile, whichever stage."""
    text = dockerfile.read_text("utf-8").replace("\\\n", " ")
    pairs = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(pair.split("=", 1) for line in pairs for pair in line.split())


def _with_defaults(value: object) -> str:
    """A compose value as if .env held nothing but what is demanded."""
    return _VARIABLE.sub(lambda m: "0123abcd" if m[2] == "?" else (m[3] or ""), str(value))


def _compose_environment(compose: Manifest, name: str) -> dict[str, str]:
    return {key: _with_defaults(value) for key, value in compose["services"][name].get("environment", {}).items()}


def _pod_environment(workload: Workload) -> dict[str, str]:
    """Where a value comes from elsewhere, some text stands for it."""
    variables = [entry for container in workload.containers for entry in container.get("env", [])]
    return {entry["name"]: entry.get("value", "from-elsewhere") for entry in variables}


def _with_files(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Certificates lie in a folder of the test's, where they can be found."""
    for file in ("ca.crt", "tls.crt", "tls.key"):
        (folder / file).touch()
    return {name: re.sub("^/tls/", f"{folder}/", value) for name, value in environment.items()}


def _judges(path: Path) -> ProfileSet:
    return parse_judges(asyncio.run(JudgesFile(path).read()))


def _service_of(name: str) -> str:
    return {"migrate": "orchestrator", "backup": "orchestrator"}.get(name, name.split("-")[0])


def test_images(root: Path, service: str, settings_of: dict[str, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    environment = _image_environment(root / "deploy/images" / service / "Dockerfile")
    # The gateway refuses to listen for others without a key; everything else stands by itself.
    extra = {"SHINSA_GATEWAY_API_KEY": "key"} if service == "gateway" else {}
    settings = _read(settings_of[service], {**environment, **extra}, monkeypatch)
    assert settings.grpc_host == "0.0.0.0"
    assert settings.metrics_port == 9100
    assert settings.log_format == "json"


@pytest.mark.parametrize(
    "name",
    ["gateway", "orchestrator", "migrate", "judge", "sandbox", "inference-endpoint", "inference-cpu", "inference-gpu"],
)
def test_compose(
    name: str, root: Path, compose: Manifest, settings_of: dict[str, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = _service_of(name)
    image = _image_environment(root / "deploy/images" / service / "Dockerfile")
    _read(settings_of[service], {**image, **_compose_environment(compose, name)}, monkeypatch)


@pytest.mark.parametrize("name", ["gateway", "orchestrator", "judge", "sandbox", "inference-endpoint", "inference-gpu"])
def test_compose_with_tls(
    name: str,
    root: Path,
    compose: Manifest,
    settings_of: dict[str, Settings],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    service = _service_of(name)
    tls = yaml.safe_load((root / "deploy/compose/compose.tls.yaml").read_text("utf-8"))
    environment = {key: str(value) for key, value in tls["services"][name]["environment"].items()}
    assert tls["services"][name]["volumes"] == ["${SHINSA_TLS_DIR:-./tls}/" + service + ":/tls:ro"]
    for file in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / file).touch()
    mounted = {key: value.replace("/tls/", f"{tmp_path}/") for key, value in environment.items()}
    image = _image_environment(root / "deploy/images" / service / "Dockerfile")
    settings = _read(settings_of[service], {**image, **_compose_environment(compose, name), **mounted}, monkeypatch)
    assert settings.grpc_tls == "mutual"
    if service != "gateway":
        assert settings.nats_tls
        assert settings.nats_cert_file
        assert settings.health_port


def test_kubernetes(
    root: Path,
    workloads: list[Workload],
    settings_of: dict[str, Settings],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    checked = set()
    for workload in workloads:
        if (service := _service_of(workload.name)) in settings_of:
            with monkeypatch.context() as patch:
                image = _image_environment(root / "deploy/images" / service / "Dockerfile")
                told = _with_files(_pod_environment(workload), tmp_path)
                _read(settings_of[service], {**image, **told}, patch)
            checked.add(workload.name)
    assert checked - {"sandbox-repository", "backup"} == {*settings_of, "migrate"}


def test_pods_outlive_their_drain(
    root: Path,
    workloads: list[Workload],
    settings_of: dict[str, Settings],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A pod that is killed in the middle of its drain has its tasks done again elsewhere."""
    for workload in workloads:
        service = _service_of(workload.name)
        if workload.kind != "Deployment" or service not in settings_of:
            continue
        with monkeypatch.context() as patch:
            image = _image_environment(root / "deploy/images" / service / "Dockerfile")
            told = _with_files(_pod_environment(workload), tmp_path)
            settings = _read(settings_of[service], {**image, **told}, patch)
        sleep = workload.containers[0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        waits = 0 if workload.name == "gateway" else settings.ack_wait_seconds
        assert workload.pod["terminationGracePeriodSeconds"] > sleep + settings.drain_seconds + waits, workload.name


def test_copies_of_streams_match_the_brokers(workloads: list[Workload]) -> None:
    environment = {w.name: _pod_environment(w) for w in workloads}
    servers = 1 if environment["nats"] and any(w.name == "postgres" for w in workloads) else 3
    assert environment["orchestrator"]["SHINSA_ORCHESTRATOR_NATS_REPLICAS"] == str(servers), "it alone makes streams"


@pytest.mark.parametrize("folder", ["deploy/compose/config", "deploy/k8s/base/mesh/config"])
def test_models_and_judges_can_be_read(root: Path, folder: str) -> None:
    """By the code that reads them in the services."""
    assert [entry.name for entry in read_models(root / folder / "models.toml")] == ["scripted"]
    assert set(_judges(root / folder / "judges.toml").roles) == {"*"}


@pytest.mark.parametrize("folder", ["deploy/compose/config", "deploy/k8s/base/mesh/config"])
def test_what_is_commented_out_can_be_read_too(root: Path, folder: str, tmp_path: Path) -> None:
    """The examples in comments are what people will uncomment."""
    for name in ("models.toml", "judges.toml"):
        lines = (root / folder / name).read_text("utf-8").splitlines()
        begins = next(i for i, line in enumerate(lines) if line.startswith("# ["))
        tail = [line.removeprefix("# ").removeprefix("#") if line.startswith("#") else line for line in lines[begins:]]
        text = "\n".join(line for line in tail if not re.match(r"^[A-Z]", line))
        tomllib.loads(text)
        (tmp_path / name).write_text(text, "utf-8")
    assert len(read_models(tmp_path / "models.toml")) == 3
    assert set(_judges(tmp_path / "judges.toml").profiles) == {"external", "scripted"}


def test_the_dev_key_opens_the_dev_gateway(root: Path) -> None:
    (key,) = read_key_file(root / "deploy/k8s/overlays/dev/keys.toml")
    assert key.name == "dev"


def test_a_wrong_name_is_found(settings_of: dict[str, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="is no setting"):
        _read(settings_of["judge"], {"SHINSA_JUDGE_NATS_ADDRESS": "x"}, monkeypatch)
    with pytest.raises(AssertionError, match="is no variable"):
        _read(settings_of["judge"], {"SHINSA_GATEWAY_HTTP_PORT": "1"}, monkeypatch)


def test_triggers_look_at_streams_and_consumers_that_there_are(rendered: Callable[[str], list[Manifest]]) -> None:
    """Inference and judges by their stream as a whole, sandboxes by the consumer of the runtime that they serve."""
    from shinsa_chassis.subjects import work_consumer, work_stream

    scaled = {m["metadata"]["name"]: m["spec"] for m in rendered("overlays/prod") if m["kind"] == "ScaledObject"}
    assert scaled.keys() == {"inference", "judge", "sandbox"}
    for name, spec in scaled.items():
        (trigger,) = spec["triggers"]
        facts = trigger["metadata"]
        if name == "sandbox":
            assert (facts["account"], facts["stream"]) == ("MESH", work_stream(name))
            assert facts["consumer"] == work_consumer("python")
        else:
            assert f'"{work_stream(name)}"' in facts["valueLocation"]
            assert "acc=MESH" in facts["url"]
