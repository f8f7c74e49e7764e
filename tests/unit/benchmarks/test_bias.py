"""JBBQ: accuracy and bias under both rules, against numbers worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shinsa_benchmarks import discovery
from shinsa_benchmarks.benchmark import DatasetError
from shinsa_benchmarks.tallies import tally
from shinsa_benchmarks.tallies.statistics import estimate
from shinsa_benchmarks.vocabulary import Choice, Item, Outcome, Reply, Sample

JBBQ = discovery.benchmarks()["jbbq"]
DATA = JBBQ.load(discovery.specimen_folder("jbbq"))


class Answers:
    def __init__(self, text: str) -> None:
        self.text = text
        self.prompt: Any = None

    async def generate(self, prompt: Any, sampling: Any) -> Reply:
        self.prompt = prompt
        return Reply((Choice(self.text),))


async def outcome(sample: Sample, text: str, shots: int = 0) -> Outcome:
    item = Item(sample, shots=shots, settings=JBBQ.manifest.settings)
    return await JBBQ.examine(item, Answers(text))  # type: ignore[arg-type]


async def scores(answer: Any) -> dict[str, float | None]:
    rows = [(sample.id, sample.category, await outcome(sample, answer(sample))) for sample in DATA.test]
    return {one.metric: one.value for one in tally(JBBQ.manifest, rows) if "/" not in one.metric}


def other(sample: Sample) -> str:
    """The option that is neither the stereotyped one nor "cannot be known"."""
    return ({"0", "1", "2"} - {sample.fields["unknown"], sample.fields["stereotype"]}).pop()


async def test_who_is_always_right_has_no_bias() -> None:
    found = await scores(lambda sample: sample.gold)
    assert (found["accuracy"], found["accuracy_ambiguous"], found["accuracy_disambiguated"]) == (1.0, 1.0, 1.0)
    assert (found["bias_ambiguous"], found["accuracy_difference"], found["format"]) == (0.0, 0.0, 1.0)
    # Of 20 questions that the context decides 10 are decided with the stereotype.
    assert (found["bias_disambiguated"], found["avg_abs_bias_score"]) == (0.0, 0.0)


async def test_who_always_says_the_stereotype_is_fully_biased() -> None:
    found = await scores(lambda sample: sample.fields["stereotype"])
    assert (found["accuracy_ambiguous"], found["accuracy_disambiguated"]) == (0.0, 0.5)
    assert (found["bias_ambiguous"], found["bias_disambiguated"], found["accuracy_difference"]) == (1.0, 1.0, -1.0)
    assert found["avg_abs_bias_score"] == found["avg_abs_bias_score_published"] == 1.0
    opposite = await scores(other)
    assert (opposite["bias_ambiguous"], opposite["avg_abs_bias_score"]) == (-1.0, 1.0)


async def test_the_two_rules_differ_where_nobody_is_named() -> None:
    """Never named where it is open, the stereotype elsewhere: bias 1 in one context, none in the other."""
    found = await scores(lambda sample: sample.gold if sample.fields["ambiguous"] else sample.fields["stereotype"])
    assert (found["bias_ambiguous"], found["bias_disambiguated"]) == (0.0, 1.0)
    assert (found["avg_abs_bias_score"], found["avg_abs_bias_score_published"]) == (0.5, 1.0)
    never = await scores(lambda sample: sample.fields["unknown"])
    assert (never["avg_abs_bias_score"], never["avg_abs_bias_score_published"]) == (0.0, None)
    assert (never["accuracy_ambiguous"], never["accuracy_disambiguated"]) == (1.0, 0.0)


async def test_bias_of_the_ambiguous_is_scaled_by_errors() -> None:
    """20 ambiguous questions: 12 "cannot be known", 6 biased, 2 counter: (1 - 12/20) (2 * 6/8 - 1) = 0.2."""
    ambiguous = [sample for sample in DATA.test if sample.fields["ambiguous"]]
    answers = {sample.id: sample.gold for sample in ambiguous[:12]}
    answers |= {sample.id: sample.fields["stereotype"] for sample in ambiguous[12:18]}
    answers |= {sample.id: other(sample) for sample in ambiguous[18:]}
    found = await scores(lambda sample: answers.get(sample.id, sample.gold))
    assert len(ambiguous) == 20
    assert found["bias_ambiguous"] == pytest.approx(0.2)
    assert found["avg_abs_bias_score"] == pytest.approx(0.1)


async def test_no_answer_is_a_wrong_one_that_names_nobody() -> None:
    found = await scores(lambda sample: "" if sample.fields["ambiguous"] else sample.gold)
    assert (found["accuracy"], found["accuracy_ambiguous"], found["bias_ambiguous"]) == (0.5, 0.0, 0.0)
    assert found["format"] == 0.5
    assert (await scores(lambda _: "山田さんです"))["accuracy"] == 0.0
    assert (await scores(lambda sample: "０１２"[int(sample.gold)]))["accuracy"] == 1.0


async def test_examples_are_of_the_questions_category() -> None:
    benchmark, sample = JBBQ, DATA.test[1]
    desk = Answers("0")
    await benchmark.examine(Item(sample, shots=2, settings=benchmark.manifest.settings), desk)  # type: ignore[arg-type]
    own = [one for one in DATA.train if one.category == sample.category]
    shown = [message.content for message in desk.prompt]
    assert shown[0].endswith(own[0].fields["input"])
    assert shown[1:] == [own[0].gold, own[9].fields["input"], own[9].gold, sample.fields["input"]]


def test_the_first_questions_show_every_category() -> None:
    assert len({sample.category for sample in DATA.test[:5]}) == 5


def test_errors_come_from_resampling() -> None:
    rows = [(sample.id, "", Outcome.scored({**_parts(sample), "accuracy": 1.0, "format": 1.0})) for sample in DATA.test]
    found = {one.metric: one for one in tally(JBBQ.manifest, rows)}
    again = {one.metric: one for one in tally(JBBQ.manifest, rows)}
    bias = found["bias_disambiguated"]
    assert bias == again["bias_disambiguated"]
    assert bias.stderr == pytest.approx(20**-0.5, rel=0.15)
    assert bias.low is not None
    assert bias.high is not None
    assert bias.low < 0 < bias.high


def _parts(sample: Sample) -> dict[str, float]:
    aligned = sample.gold == sample.fields["stereotype"]
    clear = not sample.fields["ambiguous"]
    return {
        "ambiguous": float(not clear),
        "aligned": float(aligned),
        "right": 1.0,
        "biased": float(clear and aligned),
        "counter": float(clear and not aligned),
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"output": 3}, "field 'output' must be 0, 1 or 2, not 3"),
        ({"stereotype_label": 2, "unk_label": 2}, "must differ"),
        ({"context_condition": "clear"}, "must be one of ambig, disambig"),
    ],
)
def test_broken_records_are_named(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    for part in ("test", "train"):
        document = json.loads((discovery.specimen_folder("jbbq") / part / "jbbq.json").read_text("utf-8"))
        if part == "test":
            document["samples"][2] |= change
        (tmp_path / part).mkdir()
        (tmp_path / part / "jbbq.json").write_text(json.dumps(document))
    with pytest.raises(DatasetError, match=rf"samples\[2\].*{complaint}"):
        JBBQ.load(tmp_path)


def test_the_interval_of_an_absolute_bias_reaches_down_to_the_truth() -> None:
    """Who is named by chance alone has no bias; resamples of the absolute one never come down to that."""
    hits = 0
    for seed in range(20):
        chance = np.random.default_rng(seed)
        named = chance.choice([0, 1, 2], size=200, p=[0.8, 0.1, 0.1])
        rows = [(f"s{n:03}", (n % 2, n // 2 % 2, 0, who == 1, who == 2)) for n, who in enumerate(named.tolist())]
        found = estimate("absolute_bias", rows, 1.0)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
        hits += found.low == 0
    assert hits > 10
