"""Small things to ask a model, each made so that its answer tells whether one parameter or form works."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

from shinsa_inference.application.asker import SHORT, Asker
from shinsa_inference.domain.check import Verdict
from shinsa_inference.domain.completion import Completion, FinishReason
from shinsa_inference.domain.request import StructuredOutput, Tool

_INVENT = "Invent an unusual name for a cat. Give only the name."
_COUNT = "Count from 1 to 9, with a space between the numbers."
_HELLO = "Say hello."
_WORD = "PINEAPPLE"
_COLOURS = ("teal", "ochre")
_NUMBER = r"[0-9]{3}-[0-9]{4}"
_BUDGET = 64
_WEATHER = Tool(
    "get_weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)

Found = tuple[Verdict, str]
Probe = Callable[[Asker], Awaitable[Found]]


async def _system(ask: Asker) -> Found:
    reply = (await ask.led("Good morning!", f"Answer every message with the single word {_WORD}.")).choices[0].text
    followed = _WORD in reply.upper()
    return (Verdict.WORKS, "It was followed.") if followed else (Verdict.TAKEN, "It was not followed; models differ.")


async def _usage(ask: Asker) -> Found:
    usage = (await ask.chat(_HELLO)).usage
    if usage.prompt and usage.completion:
        return Verdict.WORKS, f"{usage.prompt} tokens in, {usage.completion} out."
    return Verdict.IGNORED, "No token counts come with answers."


async def _raw(ask: Asker) -> Found:
    return Verdict.WORKS, f"{(await ask.raw('1, 2, 3,')).choices[0].text!r} followed."


async def _stream(ask: Asker) -> Found:
    pieces, whole = await ask.streamed(_COUNT)
    told = "".join(piece.text for piece in pieces if not piece.reasoning)
    if told.strip() != whole.choices[0].text.strip():
        return Verdict.IGNORED, "The pieces do not add up to the answer."
    return Verdict.WORKS, f"The answer came in {len(pieces)} pieces."


async def _max_tokens(ask: Asker) -> Found:
    completion = await ask.chat("Count from 1 to 100.", max_tokens=SHORT)
    if completion.choices[0].finish_reason is FinishReason.LENGTH:
        return Verdict.WORKS, f"The answer was cut after {completion.usage.completion or SHORT} tokens."
    return Verdict.IGNORED, f"{completion.usage.completion} tokens came where {SHORT} were allowed."


async def _temperature(ask: Asker) -> Found:
    if len({await ask.said(_INVENT, temperature=0.0) for _ in range(2)}) > 1:
        return Verdict.TAKEN, "Greedy answers differ from call to call."
    return Verdict.WORKS, "Greedy answers repeat."


async def _seed(ask: Asker) -> Found:
    first, second, other = [await ask.said(_INVENT, seed=seed) for seed in (7, 7, 8)]
    if first != second:
        return Verdict.IGNORED, "The same seed gave different answers."
    if first == other:
        return Verdict.TAKEN, "No error; another seed gave the same answer."
    return Verdict.WORKS, "The same seed repeats, another does not."


def _narrows(**sampling: object) -> Probe:
    """A value that leaves one candidate for each token: answers must repeat where they otherwise vary."""

    async def probe(ask: Asker) -> Found:
        narrowed = {await ask.said(_INVENT, **sampling) for _ in range(3)}
        if len(narrowed) == 1 and len({await ask.said(_INVENT) for _ in range(3)}) > 1:
            return Verdict.WORKS, "Answers repeat with it and vary without."
        return Verdict.TAKEN, "No error; an effect could not be told from chance."

    return probe


def _taken(**sampling: object) -> Probe:
    async def probe(ask: Asker) -> Found:
        await ask.chat(_HELLO, **sampling)
        return Verdict.TAKEN, "No error; an effect could not be told from chance."

    return probe


async def _stop(ask: Asker) -> Found:
    stopped = (await ask.chat(_COUNT, stop=("5",))).choices[0].text
    if "5" in stopped:
        return Verdict.IGNORED, "The stop string stands in the answer."
    free = (await ask.chat(_COUNT)).choices[0].text
    if "5" in free:
        return Verdict.WORKS, "The answer ended there."
    return Verdict.TAKEN, "No error; the answer does not come so far without it either."


async def _n(ask: Asker) -> Found:
    count = len((await ask.chat(_INVENT, n=2)).choices)
    return (Verdict.WORKS, "Two choices came.") if count == 2 else (Verdict.IGNORED, f"{count} choices came.")


async def _logprobs(ask: Asker) -> Found:
    tokens = (await ask.chat(_HELLO, logprobs=2)).choices[0].logprobs
    if not tokens:
        return Verdict.IGNORED, "None came."
    return Verdict.WORKS, f"{len(tokens[0].top)} alternatives for each token."


async def _json(ask: Asker) -> Found:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": list(_COLOURS)}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    text = (await ask.chat(_HELLO, structured_output=StructuredOutput(json_schema=json.dumps(schema)))).choices[0].text
    try:
        held = json.loads(text) in [{"colour": colour} for colour in _COLOURS]
    except (ValueError, RecursionError):
        held = False
    return _form(held)


async def _regex(ask: Asker) -> Found:
    text = (await ask.chat(_HELLO, structured_output=StructuredOutput(regex=_NUMBER))).choices[0].text
    return _form(bool(re.fullmatch(_NUMBER, text)))


async def _choice(ask: Asker) -> Found:
    text = (await ask.chat(_HELLO, structured_output=StructuredOutput(choice=_COLOURS))).choices[0].text
    return _form(text in _COLOURS)


def _form(held: bool) -> Found:
    return (Verdict.WORKS, "The form held.") if held else (Verdict.IGNORED, "The answer has another form.")


async def _tools(ask: Asker) -> Found:
    if _called(await ask.chat("What is the weather in Kyoto?", tools=(_WEATHER,))):
        return Verdict.WORKS, "The model called the tool."
    return Verdict.TAKEN, "The model answered in words."


async def _tool_choice(ask: Asker) -> Found:
    called = _called(await ask.chat("What is the weather in Kyoto?", tools=(_WEATHER,), tool_choice="required"))
    return (Verdict.WORKS, "A call came.") if called else (Verdict.IGNORED, "No call came, or none with arguments.")


def _called(completion: Completion) -> bool:
    for call in completion.choices[0].tool_calls:
        try:
            return call.name == _WEATHER.name and isinstance(json.loads(call.arguments), dict)
        except (ValueError, RecursionError):
            return False
    return False


async def _reasoning(ask: Asker) -> Found:
    completion = await ask.chat("What is 17 times 23?")
    if completion.choices[0].reasoning:
        return Verdict.WORKS, "Thoughts come apart from the answer."
    if completion.usage.reasoning:
        return Verdict.TAKEN, "It thinks, and keeps its thoughts to itself."
    return Verdict.UNKNOWN, "No reasoning was seen."


async def _effort(ask: Asker) -> Found:
    return _thought(await ask.chat("What is 17 times 23?", reasoning_effort="low"))


async def _budget(ask: Asker) -> Found:
    completion = await ask.chat("What is 17 times 23?", reasoning_budget_tokens=_BUDGET)
    if completion.usage.reasoning > 2 * _BUDGET:
        return Verdict.IGNORED, f"{completion.usage.reasoning} tokens of reasoning where {_BUDGET} were allowed."
    return _thought(completion)


def _thought(completion: Completion) -> Found:
    if completion.choices[0].reasoning or completion.usage.reasoning:
        return Verdict.WORKS, "It thought before answering."
    return Verdict.TAKEN, "No error; no reasoning was seen."


async def _template_arguments(ask: Asker) -> Found:
    without = await ask.chat("What is 17 times 23?", chat_template_arguments={"enable_thinking": False})
    with_ = await ask.chat("What is 17 times 23?")
    if with_.choices[0].reasoning and not without.choices[0].reasoning:
        return Verdict.WORKS, "enable_thinking=false switched reasoning off."
    return Verdict.TAKEN, "No error; enable_thinking=false changed nothing that could be seen."


PROBES: tuple[tuple[str, Probe], ...] = (
    ("system", _system),
    ("usage", _usage),
    ("raw", _raw),
    ("stream", _stream),
    ("temperature", _temperature),
    ("top_p", _narrows(top_p=1e-6)),
    ("top_k", _narrows(top_k=1)),
    ("min_p", _narrows(min_p=1.0)),
    ("max_tokens", _max_tokens),
    ("seed", _seed),
    ("stop", _stop),
    ("n", _n),
    ("presence_penalty", _taken(presence_penalty=0.1)),
    ("frequency_penalty", _taken(frequency_penalty=0.1)),
    ("repetition_penalty", _taken(repetition_penalty=1.05)),
    ("logprobs", _logprobs),
    ("structured_output", _json),
    ("structured_output.regex", _regex),
    ("structured_output.choice", _choice),
    ("tools", _tools),
    ("tool_choice", _tool_choice),
    ("reasoning", _reasoning),
    ("reasoning_effort", _effort),
    ("reasoning_budget_tokens", _budget),
    ("chat_template_arguments_json", _template_arguments),
)
