"""A benchmark's prompt texts, and the two ways to lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateError, TemplateSyntaxError

from shinsa_benchmarks.documents import DocumentError, document_text
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
    opening and of the headings of the raw layout. ``DocumentError`` names a file that is missing, that is no template,
    or that wants of a sample what it does not have.
    """

    def __init__(self, folder: Path, language: str = "ja") -> None:
        self._folder = folder
        self.language = language

    @cached_property
    def instruction(self) -> str:
        return self.text("instruction.txt")

    def text(self, name: str) -> str:
        """Any file of the folder, stripped."""
        return _text(self._folder / name).strip()

    def question(self, sample: Sample) -> str:
        return _rendered(self._question, sample.fields).strip()

    def answer(self, sample: Sample) -> str:
        return sample.gold if self._answer is None else _rendered(self._answer, sample.fields).strip()

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
    try:
        template = _ENVIRONMENT.from_string(_text(path))
    except TemplateSyntaxError as error:
        raise DocumentError(f"{path}: line {error.lineno}: {error.message}") from error
    # They are copied whenever it is rendered, and come as a chain of maps that is slow to copy.
    template.globals = dict(template.globals)
    template.name = str(path)
    return template


def _rendered(template: Template, fields: Mapping[str, Any]) -> str:
    try:
        return template.render(fields)
    except TemplateError as error:
        raise DocumentError(f"{template.name}: {error.message}; a sample has {', '.join(sorted(fields))}") from error


def _text(path: Path) -> str:
    try:
        return document_text(path)
    except FileNotFoundError as error:
        raise DocumentError(f"{path}: there is no such file") from error
