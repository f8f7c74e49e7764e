"""How prompts are laid out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from shinsa_benchmarks import discovery
from shinsa_benchmarks.documents import DocumentError
from shinsa_benchmarks.prompting import Prompts, chat, plain
from shinsa_benchmarks.vocabulary import Message, Sample


@pytest.fixture
def prompts(tmp_path: Path) -> Prompts:
    (tmp_path / "instruction.txt").write_text("数を答えてください。\n", "utf-8")
    (tmp_path / "question.jinja").write_text("問題：{{ question }}\n", "utf-8")
    return Prompts(tmp_path)


def sample(question: str, gold: str) -> Sample:
    return Sample(question, {"question": question}, gold=gold)


EXAMPLES = [sample("1+1", "2"), sample("2+2", "4")]
OPENING = "これから、課題の指示と入力を示します。入力をよく読み、指示に従って適切に応答してください。"


def test_the_instruction_heads_the_first_user_turn(prompts: Prompts) -> None:
    head = f"{OPENING}\n数を答えてください。\n\n"
    assert chat(prompts, EXAMPLES, sample("3+3", "6")) == [
        Message("user", head + "問題：1+1"),
        Message("assistant", "2"),
        Message("user", "問題：2+2"),
        Message("assistant", "4"),
        Message("user", "問題：3+3"),
    ]
    assert chat(prompts, [], sample("3+3", "6")) == [Message("user", head + "問題：3+3")]


def test_plain_text_ends_where_the_model_starts(prompts: Prompts) -> None:
    head = f"{OPENING}\n\n### 指示:\n数を答えてください。\n\n"
    first = "### 入力:\n問題：1+1\n\n### 応答:\n2\n\n"
    last = "### 入力:\n問題：3+3\n\n### 応答:\n"
    assert plain(prompts, EXAMPLES[:1], sample("3+3", "6")) == head + first + last
    assert plain(prompts, [], sample("3+3", "6")) == head + last


def test_an_answer_layout_shapes_few_shots(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "answer.jinja").write_text("答えは{{ question }}", "utf-8")
    assert chat(Prompts(tmp_path), EXAMPLES[:1], EXAMPLES[1])[1] == Message("assistant", "答えは1+1")


def test_a_name_that_the_sample_lacks_is_a_mistake(prompts: Prompts, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        prompts.question(Sample("x", {"text": "", "options": ""}))
    assert str(caught.value) == f"{tmp_path}/question.jinja: 'question' is undefined; a sample has options, text"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("question.jinja", None, "question.jinja: there is no such file"),
        ("question.jinja", "問題\n{{ question", "question.jinja: line 2: unexpected end of template"),
        ("question.jinja", b"\xff\xfe", "question.jinja: UTF-8 text expected"),
        ("instruction.txt", None, "instruction.txt: there is no such file"),
    ],
)
def test_a_broken_file_is_named(prompts: Prompts, tmp_path: Path, file: str, content: Any, said: str) -> None:
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DocumentError, match=re.escape(f"{tmp_path}/{said}")):
        chat(prompts, [], sample("1+1", "2"))


def test_a_byte_order_mark_is_not_shown(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "question.jinja").write_text("\ufeff問題：{{ question }}", "utf-8")
    assert prompts.question(sample("1+1", "2")) == "問題：1+1"


def test_text_is_not_escaped(prompts: Prompts) -> None:
    assert prompts.question(sample("1 < 2 & {{ x }} 'a'", "")) == "問題：1 < 2 & {{ x }} 'a'"


@pytest.mark.parametrize(
    ("benchmark_id", "shown"),
    [
        (
            "jcommonsenseqa",
            "質問：食後に歯をきれいにするために使う道具は？\n選択肢：0.ほうき,1.歯ブラシ,2.はさみ,3.やかん,4.くし",
        ),
        ("jnli", "前提：男性が屋根の上ではしごを使って作業をしています。\n仮説：男性が屋根の上にいます。"),
        ("mawps", "問題：米が20キログラムあります。毎日0.5キログラムずつ食べると、何日でなくなりますか？"),
    ],
)
def test_questions_as_the_model_reads_them(benchmark_id: str, shown: str) -> None:
    folder = discovery.specimen_folder(benchmark_id)
    first = discovery.benchmarks()[benchmark_id].load(folder).test[0]
    assert Prompts(folder.parent / "prompts").question(first) == shown


def test_a_passage_is_shown_with_its_title() -> None:
    folder = discovery.specimen_folder("jsquad")
    first = discovery.benchmarks()["jsquad"].load(folder).test[0]
    question = Prompts(folder.parent / "prompts").question(first)
    assert question.startswith("文章：ことり川 [SEP] ことり川は、しらかば高原")
    assert question.endswith("\n質問：ことり川の源は何か。")


@pytest.mark.shared_data
def test_answers_stand_in_the_passage_that_is_shown(upstream: Path) -> None:
    benchmark = discovery.benchmarks()["jsquad"]
    prompts = Prompts(discovery.specimen_folder("jsquad").parent / "prompts")
    samples = benchmark.load(upstream / "jglue").test
    assert len(samples) > 3000
    assert not [sample.id for sample in samples if sample.gold not in prompts.question(sample)]


def test_the_layout_speaks_the_language_of_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "instruction.txt").write_text("Answer with a number.", "utf-8")
    (tmp_path / "question.jinja").write_text("Problem: {{ question }}", "utf-8")
    english = Prompts(tmp_path, "en")
    text = plain(english, EXAMPLES[:1], sample("3+3", "6"))
    assert text.split("\n\n")[1:] == [
        "### Instruction:\nAnswer with a number.",
        "### Input:\nProblem: 1+1",
        "### Response:\n2",
        "### Input:\nProblem: 3+3",
        "### Response:\n",
    ]
    assert text.isascii()
    assert chat(english, [], sample("3+3", "6"))[0].content.startswith("You are given instructions")
