"""A kubelet that really runs pods, as containers of a Docker engine: with their users, walls, limits and volumes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError
from docker.types import LogConfig
from integration.sandbox.cluster import Cluster, Pod

# No address of this network exists; pods are told where the API is even if they get no credentials.
_API = {"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "443"}


class DockerKubelet:
    """``folder`` holds the pods' volumes."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self.ran: list[str] = []

    @contextmanager
    def _engine(self) -> Iterator[Any]:
        api = docker.APIClient(base_url=self._url, timeout=300, version="auto")
        try:
            yield api
        finally:
            api.close()

    async def __call__(self, cluster: Cluster, name: str) -> None:
        spec = cluster.pods[name]["spec"]
        for volume in spec["volumes"]:
            (self._folder / name / volume["name"]).mkdir(parents=True)
            (self._folder / name / volume["name"]).chmod(0o777)
        for container in (*spec["initContainers"], *spec["containers"]):
            if await self._run(cluster, name, container) != 0:
                await cluster.change(name, phase="Failed")
                return
        await cluster.change(name, phase="Succeeded")

    async def _run(self, cluster: Cluster, pod: str, container: Pod) -> int:
        with self._engine() as api:
            spec = cluster.pods[pod]["spec"]
            made = await asyncio.to_thread(self._create, api, pod, spec, container)
            try:
                await asyncio.to_thread(api.start, made)
                image = (await asyncio.to_thread(api.inspect_container, made))["Image"]
                began = (await asyncio.to_thread(api.inspect_container, made))["State"]["StartedAt"]
                await cluster.container(pod, container["name"], {"running": {"startedAt": began}}, image)
                await self._copy_log(api, made, cluster, pod, container["name"])
                await asyncio.to_thread(api.wait, made)
                state = (await asyncio.to_thread(api.inspect_container, made))["State"]
            finally:
                await asyncio.to_thread(api.remove_container, made, force=True, v=True)
        reason = "OOMKilled" if state["OOMKilled"] else "Error" if state["ExitCode"] else "Completed"
        times = {"startedAt": state["StartedAt"], "finishedAt": state["FinishedAt"]}
        ended = {"exitCode": state["ExitCode"], "reason": reason, **times}
        await cluster.container(pod, container["name"], {"terminated": ended})
        return int(state["ExitCode"])

    def _create(self, api: Any, pod: str, spec: Pod, container: Pod) -> str:
        security = container["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["allowPrivilegeEscalation"] is False
        limits = container["resources"]["limits"]
        binds = {}
        for mount in container["volumeMounts"]:
            source = self._folder / pod / mount["name"] / mount.get("subPath", "")
            assert source.is_dir(), f"the node finds no {source}"
            binds[str(source)] = {"bind": mount["mountPath"], "mode": "ro" if mount.get("readOnly") else "rw"}
        host = api.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=security["readOnlyRootFilesystem"],
            mem_limit=int(limits["memory"]),
            memswap_limit=int(limits["memory"]),
            binds=binds,
            log_config=LogConfig(type="json-file"),
        )
        user = spec["securityContext"]["runAsUser"]
        made = api.create_container(
            image=container["image"],
            entrypoint=container["command"],
            command=[],
            user=f"{user}:{spec['securityContext']['runAsGroup']}",
            working_dir=container.get("workingDir"),
            environment={**{one["name"]: one["value"] for one in container["env"]}, **_API},
            labels={"kubelet-of": str(os.getpid())},
            host_config=host,
        )
        self.ran.append(made["Id"])
        return str(made["Id"])

    async def _copy_log(self, api: Any, made: str, cluster: Cluster, pod: str, container: str) -> None:
        loop = asyncio.get_running_loop()

        def write(text: bytes) -> None:
            asyncio.run_coroutine_threadsafe(cluster.write(pod, container, text), loop).result()

        def copy() -> None:
            pending = b""
            for piece in api.logs(made, stream=True, follow=True, stdout=True, stderr=True):
                whole, end, pending = (pending + piece).rpartition(b"\n")
                if end:
                    write(whole + end)
            if pending:
                write(pending)

        await asyncio.to_thread(copy)

    def kill(self) -> None:
        """As a node does with the containers of a deleted pod."""
        with self._engine() as api:
            for one in api.containers(all=True, filters={"label": f"kubelet-of={os.getpid()}"}):
                with suppress(APIError):  # it may be going at this moment
                    api.remove_container(one["Id"], force=True, v=True)
