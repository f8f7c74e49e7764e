"""A benchmark's prompt texts, and the two ways to lay them out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from shinsa_benchmarks.vocabulary import Item, Message, Sample

_LAYOUTS = Path(__file__).parent / "layouts"

# Prompts are plain text: nothing is to be escaped, and a name that the sample lacks is a mistake.
_ENVIRONMENT = Environment(
    autoescape=False,  # noqa: S701 - no HTML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Prompts:
    """The texts in a benchmark's ``prompts/`` folder.

    ``instruction.txt`` says what is wanted; ``question.jinja`` lays out a sample's fields; ``answer.jinja``, if there
    is one, lays out the answer of a few-shot sample (default: its gold). ``language`` ("ja" or "en") is that of the
    opening and of the headings of the raw layout.
    """

    def __init__(self, folder: Path, language: str = "ja") -> None:
        self._folder = folder
        self.language = language

    @cached_property
    def instruction(self) -> str:
        return (self._folder / "instruction.txt").read_text("utf-8").strip()

    def text(self, name: str) -> str:
        """Any other file of the folder, stripped."""
        return (self._folder / name).read_text("utf-8").strip()

    def question(self, sample: Sample) -> str:
        return self._question.render(sample.fields).strip()

    def answer(self, sample: Sample) -> str:
        return sample.gold if self._answer is None else self._answer.render(sample.fields).strip()

    @cached_property
    def _question(self) -> Template:
        return _template(self._folder / "question.jinja")

    @cached_property
    def _answer(self) -> Template | None:
        path = self._folder / "answer.jinja"
        return _template(path) if path.exists() else None


def prompt(prompts: Prompts, item: Item) -> Sequence[Message] | str:
    """In the style that the item's settings name: "chat" or "raw"."""
    if item.settings["style"] == "raw":
        return plain(prompts, item.examples, item.sample)
    return chat(prompts, item.examples, item.sample)


def chat(prompts: Prompts, examples: Sequence[Sample], sample: Sample) -> list[Message]:
    """Few-shot samples as pairs of user and assistant turns; opening and instruction head the first user turn.

    The order of Nejumi 4's requests. There is no system message.
    """
    turns = []
    for example in examples:
        turns += [Message("user", prompts.question(example)), Message("assistant", prompts.answer(example))]
    turns.append(Message("user", prompts.question(sample)))
    head = f"{_opening(prompts.language)}\n{prompts.instruction}\n\n"
    return [Message("user", head + turns[0].content), *turns[1:]]


def plain(prompts: Prompts, examples: Sequence[Sample], sample: Sample) -> str:
    """One text in the layout of llm-jp-eval: instruction, then input and response in turn, up to the open response."""
    shown = [{"question": prompts.question(example), "answer": prompts.answer(example)} for example in examples]
    return _template(_LAYOUTS / prompts.language / "plain.jinja").render(
        opening=_opening(prompts.language),
        instruction=prompts.instruction,
        examples=shown,
        question=prompts.question(sample),
    )


@cache
def _opening(language: str) -> str:
    return (_LAYOUTS / language / "opening.txt").read_text("utf-8").strip()


@cache
def _template(path: Path) -> Template:
    template = _ENVIRONMENT.from_string(path.read_text("utf-8"))
    # They are copied whenever it is rendered, and come as a chain of maps that is slow to copy.
    template.globals = dict(template.globals)
    return template
