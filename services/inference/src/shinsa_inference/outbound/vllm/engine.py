"""The engine port over vLLM's asynchronous engine, which batches whatever is in flight."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.completion import Completion, Delta, EngineFingerprint, Piece
from shinsa_inference.domain.model import ModelEntry, VllmEngine, settings_digest
from shinsa_inference.domain.request import Chat, GenerateRequest
from shinsa_inference.outbound.vllm.answers import Written, choices_of, usage_of
from shinsa_inference.outbound.vllm.batch_meter import BatchMeter
from shinsa_inference.outbound.vllm.guardian import Guardian
from shinsa_inference.outbound.vllm.loading import Loaded, chat_template, import_vllm, load
from shinsa_inference.outbound.vllm.parsing import ParsedReading, PlainReading, Reading
from shinsa_inference.outbound.vllm.prompting import Prompt, Prompter
from shinsa_inference.outbound.vllm.sampling import refused, room_for_answer, sampling_params, structured, wishes

# vLLM's processes seldom end by themselves when asked to; after this they are killed, which frees memory as well.
SHUTDOWN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request as the engine takes it."""

    prompt: Prompt
    params: Any
    reading: Reading
    effective_request: str
    fingerprint: EngineFingerprint


class Vllm:
    """One model in memory. Made by ``up``."""

    def __init__(
        self,
        entry: ModelEntry,
        template: str,
        loaded: Loaded,
        guardian: Guardian,
        *,
        special_tokens: bool | None = None,
    ) -> None:
        self._name = entry.name
        self._guardian = guardian
        self._tail = loaded.tail
        self._parser = loaded.parser
        self._llm = loaded.llm
        self._config = loaded.llm.model_config
        self._tokenizer = loaded.llm.get_tokenizer()
        self._prompter = Prompter(entry.name, self._tokenizer, template, special_tokens)
        self._fingerprint = replace(loaded.fingerprint, settings_digest=_settings(entry, template))
        self._defaults: dict[str, Any] = dict(self._config.get_diff_sampling_param())
        self._meter = BatchMeter(entry.name, loaded.llm.vllm_config.scheduler_config.max_num_seqs)
        self._numbers = itertools.count()
        self._lora: Any = None
        self._last_words: asyncio.Future[str] | None = None

    @classmethod
    async def up(cls, entry: ModelEntry, engine: VllmEngine) -> Self:
        """Loads a model in a thread, so that doors and pings go on meanwhile."""
        template = chat_template(engine)
        guardian = Guardian()
        try:
            await asyncio.to_thread(import_vllm)
            loaded = await guardian.during(asyncio.to_thread(load, entry, engine))
            made = cls(entry, template, loaded, guardian, special_tokens=engine.add_special_tokens)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(guardian.dismiss))
            raise
        if engine.lora:
            await made._take_adapter(engine.lora)
        return made

    async def _take_adapter(self, folder: str) -> None:
        from vllm.lora.request import LoRARequest

        self._lora = LoRARequest("adapter", 1, folder)
        try:
            await self._llm.add_lora(self._lora)
        except Exception as error:
            await self.close()
            reason = await asyncio.to_thread(self._tail.reason) or str(error)
            raise ShinsaError(
                Reason.INVALID_ARGUMENT,
                f"vllm.lora: {folder} does not fit the weights of model {self._name!r}: {reason}",
                field="vllm.lora",
                retryable=False,
            ) from error

    @property
    def alive(self) -> bool:
        return self._llm is None or not self._llm.errored

    async def generate(self, request: GenerateRequest) -> Completion:
        """All choices when they are done; cancelling aborts them in the engine."""
        prepared = self._prepare(request, deltas=False)
        started = time.perf_counter()
        last: Any = None
        async for output in self._run(prepared):
            last = output
        written = [Written.whole(output) for output in last.outputs]
        return self._completion(prepared, written, last.num_cached_tokens, time.perf_counter() - started)

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """Deltas of the first choice as tokens come, then the whole."""
        prepared = self._prepare(request, deltas=True)
        started = time.perf_counter()
        written = [Written(index) for index in range(request.sampling.n or 1)]
        cached = 0
        async with aclosing(self._run(prepared)) as outputs:
            async for output in outputs:
                cached = output.num_cached_tokens or cached
                for part in output.outputs:
                    written[part.index].add(part)
                    for delta in _deltas(prepared.reading, part):
                        yield delta
        yield self._completion(prepared, written, cached, time.perf_counter() - started)

    async def close(self) -> None:
        """Ends vLLM's processes, with which their memory goes."""
        last, self._llm = [self._llm], None
        if last[0] is not None:
            await asyncio.to_thread(_free, last)
            await asyncio.to_thread(self._guardian.dismiss)

    def _prepare(self, request: GenerateRequest, *, deltas: bool) -> _Prepared:
        sampling = request.sampling
        prompt = self._prompter.prompt(request)
        limit = room_for_answer(sampling, len(prompt.tokens), self._config.max_model_len)
        reading = self._reading(request, prompt, structured(sampling.structured_output))
        values = wishes(sampling, self._defaults, limit)
        params = sampling_params(values, reading.shape, deltas=deltas, skip_special_tokens=reading.skip_special_tokens)
        return _Prepared(prompt, params, reading, _effective(request, prompt, values), self._identity())

    def _identity(self) -> EngineFingerprint:
        if not self._prompter.reads_the_clock:
            return self._fingerprint
        # The same chat is another prompt tomorrow.
        dated = f"{self._fingerprint.settings_digest} on {datetime.now().astimezone().date().isoformat()}"
        return replace(self._fingerprint, settings_digest=dated)

    def _reading(self, request: GenerateRequest, prompt: Prompt, shape: Any) -> Reading:
        if self._parser is None or not isinstance(request.prompt, Chat):
            return PlainReading(request, prompt, shape)
        return ParsedReading(self._parser, self._tokenizer, self._config, request, prompt, shape)

    async def _run(self, prepared: _Prepared) -> AsyncGenerator[Any, None]:
        from vllm.exceptions import VLLMClientError
        from vllm.inputs import tokens_input
        from vllm.v1.engine.exceptions import EngineDeadError

        outputs = self._llm.generate(
            tokens_input(prepared.prompt.tokens, prompt=prepared.prompt.text),
            prepared.params,
            str(next(self._numbers)),
            lora_request=self._lora,
            **prepared.reading.generate_options,
        )
        try:
            with self._meter.holding(prepared.params.n):
                async with aclosing(outputs):
                    async for output in outputs:
                        yield output
        except (VLLMClientError, ValueError) as error:
            raise refused(error) from error
        except EngineDeadError as error:
            raise await self._died() from error
        except Exception as error:
            if not self.alive:
                raise await self._died() from error
            text = f"vLLM could not complete the request: {error.__cause__ or error}"
            raise ShinsaError(Reason.ENGINE_FAILED, text) from error

    async def _died(self) -> ShinsaError:
        # Whatever was in flight dies of the same cause: one thread waits for it.
        if self._last_words is None:
            self._last_words = asyncio.ensure_future(asyncio.to_thread(self._tail.reason))
        reason = await asyncio.shield(self._last_words)
        why = f": {reason}" if reason else "; its processes left no reason"
        return ShinsaError(Reason.ENGINE_FAILED, f"The vLLM engine of model {self._name!r} died{why}.")

    def _completion(
        self, prepared: _Prepared, written: list[Written], cached: int | None, seconds: float
    ) -> Completion:
        usage = usage_of(written, prepared.reading, self._tokenizer, len(prepared.prompt.tokens), cached)
        self._meter.answered(usage)
        return Completion(
            choices=choices_of(written, prepared.reading),
            usage=usage,
            effective_request=prepared.effective_request,
            fingerprint=prepared.fingerprint,
            latency_seconds=seconds,
        )


def _settings(entry: ModelEntry, template: str) -> str:
    """With the text of the template in place of the name of its file."""
    assert isinstance(entry.engine, VllmEngine)
    return settings_digest(replace(entry, engine=replace(entry.engine, chat_template=template)))


def _free(last: list[Any]) -> None:
    """Takes over the last reference to an engine, which is part of cycles: found only at the interpreter's end, its
    destructor would complain."""
    llm = last.pop()
    llm.shutdown(SHUTDOWN_SECONDS)
    del llm
    gc.collect()


def _deltas(reading: Reading, part: Any) -> list[Delta]:
    """Only the first choice is streamed."""
    if part.index != 0:
        return []
    return reading.delta(part.text, part.token_ids, finished=part.finish_reason is not None)


def _effective(request: GenerateRequest, prompt: Prompt, values: dict[str, Any]) -> str:
    body: dict[str, Any] = {"model": request.model, "prompt": prompt.text, **values}
    shape = request.sampling.structured_output
    if shape is not None:
        body["structured_outputs"] = {shape.kind: getattr(shape, shape.kind)}
    return json.dumps(body, ensure_ascii=False)
