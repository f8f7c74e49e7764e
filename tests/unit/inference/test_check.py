"""The contract test of models, against endpoints that behave, that drop things, and that refuse them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.application.check import check_engine
from shinsa_inference.application.models import Models
from shinsa_inference.domain.check import Verdict
from shinsa_inference.domain.completion import (
    Choice,
    Completion,
    Delta,
    EngineFingerprint,
    FinishReason,
    TokenLogprob,
    TokenUsage,
)
from shinsa_inference.domain.model import ModelEntry, OpenAiEngine
from shinsa_inference.domain.request import Chat, GenerateRequest, Role, Sampling, ToolCall
from shinsa_inference.outbound.openai.engine import OpenAi

FORMS = {"json_schema": '{"colour": "teal"}', "regex": "123-4567", "choice": "ochre"}


class Model:
    """Does what it is asked; ``deaf`` to some fields of sampling, and refusing others."""

    alive = True

    def __init__(self, deaf: tuple[str, ...] = (), refusing: tuple[str, ...] = ()) -> None:
        self.deaf, self.refusing = deaf, refusing
        self._calls = itertools.count()

    async def generate(self, request: GenerateRequest) -> Completion:
        for field in request.sampling.set_fields():
            if field in self.refusing:
                raise ShinsaError(Reason.UPSTREAM_REJECTED, f"no {field}")
        heard = Sampling(
            **{
                name: getattr(request.sampling, name)
                for name in Sampling.__slots__
                if name not in self.deaf and name != "chat_template_arguments"
            }
        )
        return self._answer(request, heard)

    def _answer(self, request: GenerateRequest, sampling: Sampling) -> Completion:
        text, finish, calls = self._text(request, sampling), FinishReason.STOP, ()
        if sampling.tools and sampling.tool_choice != "none":
            calls, finish = (ToolCall("1", "get_weather", '{"city": "Kyoto"}'),), FinishReason.TOOL_CALLS
        if sampling.max_tokens is not None and sampling.max_tokens < 20:
            finish = FinishReason.LENGTH
        token = TokenLogprob("x", -0.1, (TokenLogprob("x", -0.1), TokenLogprob("y", -2.0)))
        choice = Choice(text, finish, "hm", calls, (token,) if sampling.logprobs else ())
        usage = TokenUsage(5, 5, 40 if sampling.reasoning_budget_tokens else 400)
        return Completion((choice,) * (sampling.n or 1), usage, "{}", EngineFingerprint("m", "0", "m"), 0.0)

    def _text(self, request: GenerateRequest, sampling: Sampling) -> str:
        if sampling.structured_output is not None:
            return FORMS[sampling.structured_output.kind]
        if isinstance(request.prompt, Chat) and request.prompt.messages[0].role is Role.SYSTEM:
            return "Pineapple."
        if isinstance(request.prompt, Chat) and "cat" in request.prompt.last_user_text:
            fixed = (sampling.temperature == 0, sampling.top_p, sampling.top_k, sampling.min_p)
            return str(sampling.seed) if sampling.seed is not None else "" if any(fixed) else str(next(self._calls))
        return "1 2 3 4 " if sampling.stop else "1 2 3 4 5 6 7 8 9"

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[Delta | Completion, None]:
        completion = await self.generate(request)
        for word in completion.choices[0].text.split(" "):
            yield Delta(word + " ")
        yield completion

    async def close(self) -> None:
        return


async def verdicts(model: Any) -> dict[str, Verdict]:
    return {one.subject: one.verdict for one in await check_engine(model, "m")}


async def test_a_model_that_does_everything() -> None:
    found = await verdicts(Model())
    only_taken = {"presence_penalty", "frequency_penalty", "repetition_penalty", "chat_template_arguments_json"}
    assert {subject for subject, verdict in found.items() if verdict is not Verdict.WORKS} == only_taken
    assert {found[subject] for subject in only_taken} == {Verdict.TAKEN}


@pytest.mark.parametrize(
    "field",
    ["max_tokens", "stop", "n", "logprobs", "structured_output", "tool_choice", "reasoning_budget_tokens", "seed"],
)
async def test_what_is_dropped_without_a_word_is_noticed(field: str) -> None:
    model = Model(deaf=(field, "tools") if field == "tool_choice" else (field,))
    assert (await verdicts(model))[field] is Verdict.IGNORED


async def test_what_is_refused_says_so() -> None:
    findings = {one.subject: one for one in await check_engine(Model(refusing=("top_k", "tools")), "m")}  # type: ignore[arg-type]
    assert (findings["top_k"].verdict, findings["top_k"].detail) == (Verdict.REFUSED, "no top_k")
    assert findings["tool_choice"].verdict is Verdict.REFUSED
    assert not findings["tools"].usable


async def test_a_model_that_cannot_be_asked_at_all() -> None:
    with pytest.raises(ShinsaError, match="no max_tokens"):
        await check_engine(Model(refusing=("max_tokens",)), "m")  # type: ignore[arg-type]


async def test_an_endpoint_is_asked_beyond_what_its_entry_says(
    endpoint: Any, completion_answer: Any, waits: list[float]
) -> None:
    async def make(entry: ModelEntry) -> OpenAi:
        assert isinstance(entry.engine, OpenAiEngine)
        return OpenAi(entry, entry.engine)

    endpoint.answers = [completion_answer("[1]")]
    models = Models(make, most_loaded=1, settle_seconds=0, reload_after_seconds=60)
    models.put(ModelEntry("m", OpenAiEngine(endpoint.url, "served", accepts=("temperature",), timeout_seconds=5)))
    findings = {one.subject: one.verdict for one in await models.check("m")}
    assert findings["top_k"] is Verdict.TAKEN
    assert findings["structured_output"] is Verdict.IGNORED
    assert any("top_k" in asked.body for asked in endpoint.asked)
    assert json.dumps({"regex": "[0-9]{3}-[0-9]{4}"}) in {
        json.dumps(a.body.get("structured_outputs")) for a in endpoint.asked
    }
    await models.close()


async def test_the_entrys_sampling_fills_in_what_is_left_open(maker: Any) -> None:
    models = Models(maker, most_loaded=1, settle_seconds=0, reload_after_seconds=60)
    defaults = Sampling(temperature=0.7, chat_template_arguments={"enable_thinking": False})
    models.put(ModelEntry("m", OpenAiEngine("http://h/v1", "served"), sampling=defaults))
    await models.generate(GenerateRequest("m", "a", Sampling(temperature=0.0)))
    asked = maker.last("m").asked.sampling
    assert (asked.temperature, asked.chat_template_arguments) == (0.0, {"enable_thinking": False})
    await models.close()


async def test_a_question_that_is_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    class Choking(Model):
        async def generate(self, request: GenerateRequest) -> Completion:
            if request.sampling.top_k is not None:
                await asyncio.Event().wait()
            return await super().generate(request)

    monkeypatch.setattr("shinsa_inference.application.check._PROBE_SECONDS", 2.0)
    found = await verdicts(Choking())
    assert (found["top_k"], found["chat"]) == (Verdict.UNKNOWN, Verdict.WORKS)
