"""From an endpoint's JSON to our completion. Whatever is no answer is UPSTREAM_MALFORMED, never an empty one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.completion import Choice, FinishReason, TokenLogprob, TokenUsage
from shinsa_inference.domain.reasoning import split_reasoning
from shinsa_inference.domain.request import ToolCall

_FINISH = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
# Words with which servers say that they gave up in the middle.
_BROKEN_OFF = frozenset({"abort", "error", "cancelled"})


def read_answer(content: bytes) -> dict[str, Any]:
    """The JSON object of a 2xx answer."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        malformed(f"an answer that is no JSON ({len(content)} bytes)")
    if not isinstance(answer, dict):
        malformed(f"a JSON {type(answer).__name__} instead of an object")
    return answer


def choices_of(answer: Mapping[str, Any], asked: int) -> tuple[Choice, ...]:
    """All choices, in order of their index. Fewer than asked for is malformed too."""
    found = answer.get("choices")
    if not isinstance(found, list) or not found:
        malformed("an answer without choices")
    if len(found) < asked:
        malformed(f"{len(found)} choices where n={asked} were asked for; does it take `n`?")
    if not all(isinstance(choice, dict) for choice in found):
        malformed("a choice that is no object")
    return tuple(choice_of(choice) for choice in sorted(found, key=lambda choice: choice.get("index") or 0))


def choice_of(choice: Mapping[str, Any]) -> Choice:
    """One choice of either resource."""
    finish = finish_of(choice.get("finish_reason"))
    if "message" not in choice:
        text = choice.get("text")
        if not isinstance(text, str):
            malformed("a choice without text")
        reasoning, text = split_reasoning(text)
        return Choice(text, finish, reasoning, (), _completion_logprobs(choice.get("logprobs")))
    message = choice["message"]
    if not isinstance(message, dict):
        malformed("a message that is no object")
    calls = tuple(_tool_call(call) for call in message.get("tool_calls") or ())
    thought = reasoning_of(message)
    content = message.get("content")
    text = _text(content) if content is not None else _absent(message, finish, calls, thought)
    if not thought:
        thought, text = split_reasoning(text)
    return Choice(text, finish, thought, calls, _chat_logprobs(choice.get("logprobs")))


def finish_of(word: object) -> FinishReason:
    """Why it stopped; a server that says it broke off has failed."""
    if word in _BROKEN_OFF:
        raise ShinsaError(Reason.UPSTREAM_FAILED, f"The endpoint broke the answer off (finish_reason {word!r}).")
    return _FINISH.get(word, FinishReason.STOP) if isinstance(word, str) else FinishReason.STOP


def reasoning_of(message: Mapping[str, Any]) -> str:
    """The separate reasoning, under the two names in use (DeepSeek's and vLLM's)."""
    for name in ("reasoning_content", "reasoning"):
        thought = message.get(name)
        if isinstance(thought, str) and thought:
            return thought
    return ""


def usage_of(answer: Mapping[str, Any]) -> TokenUsage:
    """Counts as reported; zero where the endpoint reports none."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return TokenUsage()
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return TokenUsage(
        prompt=_count(usage.get("prompt_tokens")),
        completion=_count(usage.get("completion_tokens")),
        reasoning=_count(completion.get("reasoning_tokens")),
        cached=_count(prompt.get("cached_tokens")),
    )


def _count(tokens: object) -> int:
    if tokens is None:
        return 0
    if not isinstance(tokens, int | float) or tokens < 0:
        malformed(f"a count of tokens that is a {type(tokens).__name__}, or negative")
    return int(tokens)


@contextmanager
def reading() -> Iterator[None]:
    """What is of another form than the API's, wherever in an answer it stands, is malformed too."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        malformed(f"an answer of another form than the API's ({type(error).__name__})")


def malformed(what: str) -> NoReturn:
    """Raises UPSTREAM_MALFORMED."""
    raise ShinsaError(Reason.UPSTREAM_MALFORMED, f"The endpoint sent {what}.")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    malformed(f"a message whose content is a {type(content).__name__}")


def _absent(message: Mapping[str, Any], finish: FinishReason, calls: tuple[ToolCall, ...], thought: str) -> str:
    """No content is an answer only where something else explains it."""
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        return refusal
    if calls or thought or finish in (FinishReason.CONTENT_FILTER, FinishReason.LENGTH):
        return ""
    malformed("a message without content and without tool calls")


def _tool_call(call: object) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        malformed("a tool call without function")
    arguments = function.get("arguments")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    return ToolCall(str(call.get("id") or ""), str(function.get("name") or ""), written)


def _chat_logprobs(logprobs: object) -> tuple[TokenLogprob, ...]:
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list):
        return ()
    return tuple(
        TokenLogprob(
            str(token["token"]),
            float(token["logprob"]),
            tuple(
                TokenLogprob(str(other["token"]), float(other["logprob"])) for other in token.get("top_logprobs") or ()
            ),
        )
        for token in tokens
    )


def _completion_logprobs(logprobs: object) -> tuple[TokenLogprob, ...]:
    if not isinstance(logprobs, dict) or not isinstance(logprobs.get("tokens"), list):
        return ()
    tokens, values = logprobs["tokens"], logprobs.get("token_logprobs") or []
    tops = logprobs.get("top_logprobs") or [None] * len(tokens)
    return tuple(
        TokenLogprob(
            str(token), float(value), tuple(TokenLogprob(name, float(other)) for name, other in (top or {}).items())
        )
        for token, value, top in zip(tokens, values, tops, strict=False)
        if value is not None
    )
