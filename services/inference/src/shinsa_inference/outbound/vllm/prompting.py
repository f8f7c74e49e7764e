"""From a prompt to tokens: chat template for chats, nothing but the tokenizer for raw text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.reasoning import OPEN
from shinsa_inference.domain.request import CHAT_ONLY_FIELDS, Chat, GenerateRequest, Message, Sampling, Tool

# What `apply_chat_template` itself takes besides the template's own variables.
_STANDARD = frozenset({"add_generation_prompt", "continue_final_message", "documents"})
# As an entry's template: chats are refused, whatever the tokenizer has.
NO_TEMPLATE = "none"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads; ``opened`` where it ends inside a thinking tag."""

    text: str
    tokens: list[int]

    @property
    def opened(self) -> bool:
        """Whether the template has opened the thinking tag already."""
        return self.text.rstrip().endswith(OPEN)


class Prompter:
    """Renders and tokenizes for one model; ``template`` empty takes the tokenizer's own, "none" raw prompts only.

    ``special_tokens`` says whether raw prompts get those of the tokenizer; None leaves it to the tokenizer.
    """

    def __init__(self, name: str, tokenizer: Any, template: str, special_tokens: bool | None = None) -> None:
        self._name = name
        self._tokenizer = tokenizer
        self._raw = {} if special_tokens is None else {"add_special_tokens": special_tokens}
        self._template = "" if template == NO_TEMPLATE else template or _own_template(tokenizer)

    @property
    def reads_the_clock(self) -> bool:
        """Whether the template may write the day into the prompt."""
        known = template_variables(self._template)
        return known is None or "strftime_now" in known

    def prompt(self, request: GenerateRequest) -> Prompt:
        """Raises INVALID_ARGUMENT for what the template does not take, FAILED_PRECONDITION if there is none."""
        if isinstance(request.prompt, str):
            _refuse_chat_fields(request.sampling)
            return Prompt(request.prompt, list(self._tokenizer.encode(request.prompt, **self._raw)))
        text = self._render(request.prompt, request.sampling)
        # The template has written the special tokens already.
        return Prompt(text, list(self._tokenizer.encode(text, add_special_tokens=False)))

    def arguments(self, sampling: Sampling) -> dict[str, Any]:
        """Variables for the template. One that it does not read would be lost, so it is refused."""
        arguments = dict(sampling.chat_template_arguments)
        known = template_variables(self._template)
        for name in arguments:
            if known is not None and name not in known:
                raise _unknown_variable("chat_template_arguments_json", name, known)
        if sampling.reasoning_effort:
            if known is not None and "reasoning_effort" not in known:
                raise _unknown_variable("reasoning_effort", "reasoning_effort", known)
            arguments.setdefault("reasoning_effort", sampling.reasoning_effort)
        return arguments

    def _render(self, chat: Chat, sampling: Sampling) -> str:
        import jinja2

        if not self._template:
            raise ShinsaError(
                Reason.FAILED_PRECONDITION,
                f"Model {self._name!r} has no chat template; send a raw prompt, or set vllm.chat_template.",
                field="prompt.chat",
            )
        options = {"add_generation_prompt": True, **self.arguments(sampling)}
        tools = None if sampling.tool_choice == "none" else [tool_object(tool) for tool in sampling.tools] or None
        messages = [message_object(turn) for turn in chat.messages]
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tools=tools, chat_template=self._template, tokenize=False, **options
            )
        except (jinja2.TemplateError, ValueError, TypeError) as error:
            raise ShinsaError(
                Reason.INVALID_ARGUMENT,
                f"The chat template of model {self._name!r} refuses this chat: {error}",
                field="prompt.chat",
            ) from error
        return str(text)


def message_object(turn: Message) -> dict[str, Any]:
    """A turn as templates expect it: arguments of tool calls as an object where they are valid JSON."""
    message: dict[str, Any] = {"role": turn.role.value, "content": turn.content}
    if turn.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _object(call.arguments)}}
            for call in turn.tool_calls
        ]
    if turn.tool_call_id:
        message["tool_call_id"] = turn.tool_call_id
    return message


def tool_object(tool: Tool) -> dict[str, Any]:
    """A tool as templates expect it, which is OpenAI's form."""
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


@lru_cache(maxsize=16)
def template_variables(template: str) -> frozenset[str] | None:
    """The names that a template reads; None if it uses extensions that we cannot parse."""
    import jinja2.meta
    import jinja2.sandbox

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"])
    try:
        return frozenset(jinja2.meta.find_undeclared_variables(environment.parse(template))) | _STANDARD
    except jinja2.TemplateError:
        return None


def _own_template(tokenizer: Any) -> str:
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, Mapping):
        template = template.get("default")
    return template if isinstance(template, str) else ""


def _object(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _refuse_chat_fields(sampling: Sampling) -> None:
    for field in sampling.set_fields():
        if field in CHAT_ONLY_FIELDS:
            raise ShinsaError(
                Reason.INVALID_ARGUMENT,
                f"sampling.{field}: a raw prompt has no use for it; send a chat, or leave it unset.",
                field=f"sampling.{field}",
            )


def _unknown_variable(field: str, name: str, known: frozenset[str]) -> ShinsaError:
    return ShinsaError(
        Reason.INVALID_ARGUMENT,
        f"sampling.{field}: the model's chat template does not read {name!r}; leave it unset.",
        field=f"sampling.{field}",
        near_matches=get_close_matches(name, sorted(known), n=3, cutoff=0.6),
    )
