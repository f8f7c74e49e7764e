"""The board of Nejumi Leaderboard 4: its tree, and the table that was published."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import pytest
from shinsa_benchmarks.boards import Given, Measurement, compute
from shinsa_benchmarks.boards.tables import read_table
from shinsa_benchmarks.discovery import boards, suites

BOARD = boards()["nejumi4"]
LEAVES = [node for node in BOARD.nodes if node.score is not None]
# The levels of the published table: what each column is the mean of (with weights where they are not all the same).
CATEGORIES = {
    "GLP_応用的言語性能": ["GLP_表現", "GLP_翻訳", "GLP_情報検索"],
    "GLP_推論能力": ["GLP_抽象的推論", "GLP_論理的推論", "GLP_数学的推論"],
    "GLP_知識・質問応答": ["GLP_一般的知識", "GLP_専門的知識"],
    "GLP_基礎的言語性能": ["GLP_意味解析", "GLP_構文解析"],
    "GLP_アプリケーション開発": ["GLP_コーディング", "GLP_関数呼び出し"],
}
ALIGNMENT = ["ALT_制御性", "ALT_倫理・道徳", "ALT_毒性", "ALT_バイアス", "ALT_真実性", "ALT_堅牢性"]
TOTALS = ["汎用的言語性能(GLP)_AVG", "アラインメント(ALT)_AVG", "TOTAL_SCORE"]
SUBCATEGORIES = [name for parts in CATEGORIES.values() for name in parts]


def value(name: str, given: Mapping[str, float]) -> float | None:
    node = BOARD.named(name)
    assert node is not None, name
    cells = {cell.node: cell for cell in compute(BOARD, given=[Given(*one) for one in given.items()])}
    return cells[node.id].value


def test_each_leaf_weighs_what_the_definition_says() -> None:
    """Effective weights in the total, worked out by hand from the definition; display columns weigh nothing."""
    expected = {
        "arc_agi_1": 2 / 14 / 3 / 2,
        "mt_reasoning": 2 / 14 / 3,
        "swebench_ja": 2 / 14 / 2 / 3,
        "jhumaneval": 2 / 14 / 2 / 3,
        "mt_coding": 2 / 14 / 2 / 3,
        "hle_ja": 2 / 14 / 2 / 3,
        "jsquad_0shot": 1 / 14 / 3 / 2,
        "jnli_2shot": 1 / 14 / 2 / 5 / 2,
        "mgsm_0shot": 2 / 14 / 3 / 3 / 2,
        "aio_2shot": 2 / 14 / 2 / 5 / 2,
        "mt_writing": 1 / 14 / 3 / 3,
        "alt_e_to_j_0shot": 1 / 14 / 3 / 2 / 2,
        "jmmlu_robustness": 1 / 14,
        "jbbq": 1 / 14,
        "commonsensemoralja_2shot": 1 / 14,
        "m_ifeval": 1 / 14 / 2,
        "control_jnli_0shot": 1 / 14 / 2 / 2 / 15,
        "toxicity_fairness": 1 / 14 / 4,
        "jtruthfulqa": 1 / 14 / 2,
        "bfcl_java": 2 / 14 / 2 / 3 / 3 / 3,
        "bfcl_irrelevance": 2 / 14 / 2 / 3 / 3,
        "bfcl_live_simple": 2 / 14 / 2 / 3 * 30 / 108,
        "bfcl_live_relevance": 2 / 14 / 2 / 3 * 18 / 108,
        "bfcl_multi_turn_base": 2 / 14 / 2 / 3 / 3,
        "mt_extraction": 0.0,
        "kuci_0shot": 0.0,
        "commonsensemoralja_0shot": 0.0,
    }
    flat = {node.id: 0.0 for node in LEAVES}
    weights = {name: value("total", {**flat, name: 1.0}) for name in flat}
    assert {name: weights[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert sum(weight or 0.0 for weight in weights.values()) == pytest.approx(1.0)


def test_the_tree_is_the_formula() -> None:
    """Random leaves through a formula that was written down apart from the board's file."""
    draw = random.Random(4)
    x = {node.id: draw.random() for node in LEAVES}

    def j2(*tasks: str) -> list[float]:
        return [(x[f"{task}_0shot"] + x[f"{task}_2shot"]) / 2 for task in tasks]

    def mt(*categories: str) -> list[float]:
        return [x[f"mt_{category}"] for category in categories]

    applied = fmean(
        [fmean(mt("roleplay", "writing", "humanities")), fmean(j2("alt_e_to_j", "alt_j_to_e")), *j2("jsquad")]
    )
    reasoning = fmean(
        [fmean([x["arc_agi_1"], x["arc_agi_2"]]), *mt("reasoning"), fmean([*j2("mawps", "mgsm"), *mt("math")])]
    )
    knowledge = fmean(
        [
            fmean([*j2("jcommonsenseqa", "jemhopqa", "niilc", "aio"), *mt("stem")]),
            fmean([*j2("jmmlu", "mmlu_prox_ja"), x["hle_ja"]]),
        ]
    )
    basic = fmean(
        [
            fmean(j2("jnli", "janli", "jsem", "jsick", "jamp")),
            fmean(j2("jcola_in_domain", "jcola_out_of_domain", "jblimp")),
        ]
    )
    live = (
        30 * (x["bfcl_live_simple"] + x["bfcl_live_multiple"] + x["bfcl_live_irrelevance"])
        + 18 * x["bfcl_live_relevance"]
    ) / 108
    non_live = fmean(
        [
            fmean(x[f"bfcl_{kind}"] for kind in ("simple", "java", "javascript")),
            x["bfcl_multiple"],
            x["bfcl_irrelevance"],
        ]
    )
    multi_turn = fmean(x[f"bfcl_multi_turn_{kind}"] for kind in ("base", "miss_func", "miss_param"))
    development = fmean(
        [fmean([x["swebench_ja"], x["jhumaneval"], *mt("coding")]), fmean([live, non_live, multi_turn])]
    )
    control = fmean(number for name, number in x.items() if name.startswith("control_"))
    alignment = [
        fmean([control, x["m_ifeval"]]),
        x["commonsensemoralja_2shot"],
        fmean(number for name, number in x.items() if name.startswith("toxicity_")),
        x["jbbq"],
        fmean([x["jtruthfulqa"], x["hallulens"]]),
        x["jmmlu_robustness"],
    ]
    halves = [applied, reasoning, knowledge, basic, development]
    assert value("GLP_AVG", x) == pytest.approx(fmean(halves))
    assert value("ALT_AVG", x) == pytest.approx(fmean(alignment))
    total = (applied + basic + 2 * (reasoning + knowledge + development) + sum(alignment)) / 14
    assert value("TOTAL_SCORE", x) == pytest.approx(total)
    categories = ("coding", "extraction", "humanities", "math", "reasoning", "roleplay", "stem", "writing")
    assert value("AVG_mtbench", x) == pytest.approx(fmean(mt(*categories)))
    tasks = {name.removesuffix("_0shot"): number for name, number in x.items() if name.endswith("_0shot")}
    tasks = {name: number for name, number in tasks.items() if not name.startswith("control_")}
    assert len(tasks) == 21
    short = fmean(number for name, number in tasks.items() if name not in ("aio", "alt_e_to_j"))
    assert value("AVG_jaster_0shot", x) == pytest.approx((sum(tasks.values()) + short) / 22)


def test_scores_are_brought_to_the_boards_scale() -> None:
    measured = [
        Measurement("mt_bench_ja", 0, "score/roleplay", 7.5, 0.4),
        Measurement("jbbq", 2, "avg_abs_bias_score", 0.3, 0.05),
    ]
    cells = {cell.node: cell for cell in compute(BOARD, measured, allow_partial=True)}
    assert (cells["mt_roleplay"].value, cells["mt_roleplay"].stderr) == pytest.approx((0.75, 0.04))
    assert (cells["bias"].value, cells["bias"].stderr) == pytest.approx((0.7, 0.05))
    assert cells["bias"].complete
    assert not cells["total"].complete


def published(upstream: Path) -> list[dict[str, str]]:
    (path,) = (upstream / "results_nejumi4").glob("*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.shared_data
def test_the_published_table_follows_from_its_sub_columns(upstream: Path) -> None:
    """Every category, both averages and the total of every row.

    All columns are printed with 10 decimals: each input is off by up to 5e-11, so a mean of inputs is too, and the
    printed result by as much again. The bound of 1e-9 leaves room for that, and the difference may not exceed 1e-10.
    """
    rows = published(upstream)
    assert len(rows) >= 40
    worst = 0.0
    for row in rows:
        given = [Given(_id(name), float(row[name])) for name in [*SUBCATEGORIES, *ALIGNMENT]]
        cells = {cell.node: cell for cell in compute(BOARD, given=given)}
        for name in [*CATEGORIES, *ALIGNMENT, *TOTALS]:
            cell = cells[_id(name)]
            assert cell.complete, (row["model_name"], name)
            assert cell.value == pytest.approx(float(row[name]), abs=1e-9), (row["model_name"], name)
            worst = max(worst, abs(cell.value - float(row[name])))
    assert worst <= 1e-10 + 1e-15


@pytest.mark.shared_data
def test_the_published_file_is_read_as_it_is(upstream: Path) -> None:
    (path,) = (upstream / "results_nejumi4").glob("*.csv")
    table = read_table(path, BOARD)
    assert [row.name for row in table.rows] == [row["model_name"] for row in published(upstream)]
    assert table.ignored == ("JA", "model_size_category", "model_size", "model_release_date")
    for row in table.rows:
        cells = {cell.node: cell for cell in compute(BOARD, given=row.given)}
        # Given and computed anew; without leaves the columns beside the tree are what was given.
        assert cells["total"].value == pytest.approx(cells["total"].given, abs=1e-9)
        assert (cells["total"].taken, cells["coding"].taken, cells["mt_bench"].taken) == (False, True, True)
        assert cells["swebench_ja"].value is not None


def _id(name: str) -> str:
    node = BOARD.named(name)
    assert node is not None, name
    return node.id


def test_the_suite_asks_thirty_samples_of_each_category_of_bfcl() -> None:
    """Categories take turns, and three have fewer; Nejumi 4 asks 30 of those that it has, or all 18."""
    fewer = {"live_relevance": 18, "live_parallel": 16, "live_parallel_multiple": 24}
    limits = {entry.id: entry.limit for entry in suites()["nejumi4"].benchmarks}
    assert limits["bfcl"] == 30 * 10 + sum(fewer.values())
    assert limits["bfcl_multi_turn"] == 30 * 3
