"""A board as its readers use it: sorting, searching, filtering, choosing columns, links, files."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from e2e.ui.conftest import answering, copied, drawn, shot
from e2e.ui.leaderboard import CATEGORIES, large_table
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.timeout(300)
BOARD = "/boards/open-ja"


def column(page: Page, name: str) -> list[str]:
    """The texts of a shown column, in the rows that exist."""
    at = [one.get_attribute("data-column") for one in page.locator(".board tr.heads th[data-column]").all()].index(name)
    cells = page.locator(f".board tbody tr[data-row] > :nth-child({at + 3})")
    return [text.split("\n")[0] for text in cells.all_inner_texts()]


def numbers(texts: list[str]) -> list[float]:
    return [float(text) for text in texts if re.fullmatch(r"[\d.]+", text)]


def shown(page: Page) -> int:
    return int(re.match(r"(\d+)", page.locator("#board-count").inner_text())[1])


@pytest.fixture
def board(open_page, runs) -> Page:
    return open_page(BOARD)


def test_rows_stand_by_their_average_with_ranks_intervals_and_tie_groups(board) -> None:
    shot(board, "board")
    values = numbers(column(board, "average"))
    assert len(values) > 10
    assert values == sorted(values, reverse=True)
    ranks = board.locator(".board tbody tr[data-row] .rank").all_inner_texts()
    assert ranks[0] == "1a"
    assert {text[-1] for text in ranks} >= {"a", "b"}
    assert board.locator(".board td .interval").first.inner_text().startswith("±")


def test_the_average_and_its_eleven_categories_are_shown_at_first(board) -> None:
    ids = [one.get_attribute("data-column") for one in board.locator(".board tr.heads th[data-column]").all()]
    assert ids == [":model", ":size", "average", *CATEGORIES]


def test_a_click_sorts_and_another_turns_it_round(board) -> None:
    head = board.locator("th[data-column=nli] button")
    head.click()
    values = numbers(column(board, "nli"))
    assert values == sorted(values, reverse=True)
    expect(board.locator("th[data-column=nli]")).to_have_attribute("aria-sort", "descending")
    head.press("Enter")
    values = numbers(column(board, "nli"))
    assert values == sorted(values)
    assert "sort=nli" in board.url


@pytest.mark.parametrize("language", ["en", "ja"])
def test_columns_are_chosen_in_groups_all_or_none(open_page, runs, language) -> None:
    page = open_page(f"{BOARD}?lang={language}")
    page.get_by_role("button", name={"en": "Columns", "ja": "列の選択"}[language]).click()
    groups = page.locator(".columns-groups fieldset")
    names = [one.get_attribute("data-group") for one in groups.all()]
    assert {*CATEGORIES, "average", "sts", "details"} <= set(names)
    # Twenty-seven scores enter the average; those of STS do not.
    assert page.locator(".columns-groups .check .star").count() == 27
    assert page.locator("fieldset[data-group=sts] .check .star").count() == 0
    shot(page, f"columns-{language}")
    page.get_by_role("button", name={"en": "Select none", "ja": "すべて解除"}[language]).click()
    page.get_by_role("button", name={"en": "Select all", "ja": "すべて選択"}[language]).click()
    page.get_by_role("button", name={"en": "Close", "ja": "閉じる"}[language]).click()
    assert page.locator(".board tr.heads th[data-column]").count() > 40
    assert page.locator("tr.groups th").count() >= 12


def test_terms_of_a_search_are_united_and_the_address_fills_them_in(open_page, runs) -> None:
    page = open_page(f"{BOARD}?q=model-3;kaede")
    expect(page.locator("input[name=q]")).to_have_value("model-3;kaede")
    names = set(page.locator(".board tbody .model a").all_inner_texts())
    assert "org/model-3" in names
    assert "org/model-4" not in names
    page.locator("input[name=q]").fill("model-12")
    expect(page.locator("#board-count")).to_contain_text("2 of ")
    assert "q=model-12" in page.url


NARROWED = [
    ("type", "instruction-tuned", "instruction-tuned"),
    ("precision", "float16", "float16"),
    ("size", "3–7B", "7.24B"),
    ("size", "7–13B", "8B"),
    ("size", "13–35B", "13.7B"),
    ("size", "?", "?"),
    ("shots", "4", "4"),
    ("architecture", "Qwen2ForCausalLM", "Qwen2ForCausalLM"),
]


def keep_only(page: Page, facet: str, keep: str) -> None:
    for box in page.locator(f"fieldset[data-facet='{facet}'] input").all():
        if box.get_attribute("value") != keep:
            box.uncheck()


def test_rows_are_narrowed_by_what_is_known_of_models(open_page, mesh, runs) -> None:
    page = open_page("/runs")
    for facet, keep, text in NARROWED:
        page.goto(f"{mesh.url}{BOARD}?details=:size,:type,:precision,:shots,:architecture&whole=1")
        drawn(page).get_by_role("button", name="Filters").click()
        keep_only(page, facet, keep)
        assert set(column(page, f":{facet}")) == {text}, facet
        assert f"{facet}=" in page.url


def test_a_narrowed_view_is_the_same_after_a_reload(open_page, runs) -> None:
    page = open_page(f"{BOARD}?type=pretrained,fine-tuned&size=3%E2%80%937B,%3F")
    before = shown(page)
    expect(page.get_by_role("button", name="Filters (2)")).to_have_attribute("aria-expanded", "true")
    page.reload()
    assert shown(drawn(page)) == before > 0


def test_rows_are_narrowed_by_versions_and_settings(open_page, mesh, runs) -> None:
    page = open_page("/runs")
    table = json.dumps(large_table(40, 12))
    page.route("**/v1/boards/large/table", answering(table))
    for facet, keep, rows in (
        ("vllm", "0.6.3.post1", 40),
        ("llm-jp-eval", "1.4.1", 80),
        ("add_special_tokens", "False", 26),
    ):
        page.goto(f"{mesh.url}/boards/large")
        drawn(page).get_by_role("button", name="Filters").click()
        keep_only(page, f"v.{facet}", keep)
        assert shown(page) == rows, facet


def test_a_thousand_models_on_sixty_scores_hold_few_rows_in_the_page(open_page, runs) -> None:
    page = open_page("/runs")
    table = json.dumps(large_table())
    page.route("**/v1/boards/large/table", answering(table))
    columns = ",".join(one["id"] for one in large_table(1)["columns"])
    page.goto(page.url.replace("/runs", f"/boards/large?cols={columns}"))
    drawn(page)
    assert page.locator(".board table").get_attribute("aria-rowcount") == "2002"
    assert page.locator(".board tbody tr[data-row]").count() < 80
    shot(page, "board-large")
    page.locator(".board").evaluate("region => region.scrollTop = region.scrollHeight")
    expect(page.locator(".board tbody tr[aria-rowindex='2002']")).to_be_visible()
    assert page.locator(".board tbody tr[data-row]").count() < 80
    page.locator("input[name=q]").fill("model-777")
    expect(page.locator(".board tbody tr[data-row]")).to_have_count(2)


def test_models_are_linked_with_their_shots_and_published_rows_are_marked(board, runs, mesh) -> None:
    row = board.locator(".board tbody tr[data-row]", has_text="org/model-27").first
    expect(row.locator(".model")).to_contain_text("-shot")
    assert row.locator("a").get_attribute("href") == "https://huggingface.co/org/model-27"
    expect(row.locator(".flag.reference")).to_have_text("published")
    board.goto(f"{mesh.url}/boards/first_slice")
    own = drawn(board).locator(".board tbody a", has_text="kaede-7b").first
    assert own.get_attribute("href") == f"/runs/{runs[0]}"


def test_a_model_has_a_row_for_each_number_of_shots(board) -> None:
    board.locator("input[name=q]").fill("org/model-20")
    expect(board.locator(".board tbody tr[data-row]")).to_have_count(2)
    assert {text.split()[-1] for text in board.locator(".board .model .shots").all_inner_texts()} == {
        "0-shot",
        "4-shot",
    }


def test_an_incomplete_row_is_marked_unranked_and_last(board) -> None:
    board.locator("input[name=q]").fill("org/model-5;org/model-20")
    rows = board.locator(".board tbody tr[data-row]")
    expect(rows.last.locator(".flag:not(.reference)")).to_have_text("incomplete")
    expect(rows.last.locator(".flag:not(.reference)")).to_have_attribute("title", "Missing: JSQuAD")
    expect(rows.last.locator(".rank")).to_have_text("–")
    board.get_by_label("Complete rows only").check()
    expect(board.locator(".flag:not(.reference)")).to_have_count(0)


def test_scores_are_shown_from_0_to_100_or_from_0_to_1(board) -> None:
    hundred = numbers(column(board, "average"))[0]
    board.get_by_role("button", name="0–1", exact=True).click()
    assert numbers(column(board, "average"))[0] == pytest.approx(hundred / 100, abs=1e-4)
    assert "scale=1" in board.url


def test_the_average_of_the_shown_columns_follows_the_choice(open_page, runs) -> None:
    page = open_page(f"{BOARD}?cols=nli,qa&avg=1&sort=-:average")
    of_two = numbers(column(page, ":average"))
    assert of_two == sorted(of_two, reverse=True)
    both = zip(numbers(column(page, "nli")), numbers(column(page, "qa")), strict=True)
    assert of_two[:5] == pytest.approx([(a + b) / 2 for a, b in list(both)[:5]], abs=0.02)


def test_the_error_of_an_average_knows_what_stands_below_what(open_page, runs) -> None:
    """Of a category and one of its tasks errors add up, of two categories they do not."""
    script = """async () => {
      const assets = document.querySelector("script[type=module]").src.replace(/main.js$/, "");
      const { prepared } = await import(assets + "board/columns.js");
      const { averageOf } = await import(assets + "board/rows.js");
      const column = (id, parent, kind) => ({ id, parent, kind, scale: 1, weight: 1 });
      const columns = prepared([
        column("all", "", "total"), column("nli", "all", "category"), column("rc", "all", "category"),
        column("jnli", "nli", "leaf"), column("janli", "nli", "leaf"), column("jsquad", "rc", "leaf"),
      ]);
      const cells = Object.fromEntries(columns.map((one) => [one.id, [0.5, 0.03, true]]));
      const of = (...ids) => averageOf({ cells }, columns.filter((one) => ids.includes(one.id))).stderr;
      return [of("nli"), of("nli", "rc"), of("nli", "jnli"), of("jnli", "janli"), of("nli", "jnli", "rc", "jsquad")];
    }"""
    told = open_page(BOARD).evaluate(script)
    apart = 0.03 / 2**0.5
    assert told == pytest.approx([0.03, apart, 0.03, apart, apart])


def test_what_does_not_enter_the_average_is_shown_without_a_star(open_page, runs) -> None:
    page = open_page(f"{BOARD}?cols=average,jamp,jsts_pearson")
    expect(page.locator("th[data-column=jamp] .star")).to_have_count(1)
    expect(page.locator("th[data-column=jsts_pearson] .star")).to_have_count(0)


def test_a_view_is_the_same_behind_its_link(board, open_page) -> None:
    board.locator("input[name=q]").fill("model-1")
    board.locator("th[data-column=qa] button").click()
    board.get_by_label("Intervals").uncheck()
    board.get_by_role("button", name="Copy link").click()
    address = copied(board)
    assert address == board.url
    other = open_page(address.split(board.url.split("/boards")[0])[1])
    assert column(other, "qa") == column(board, "qa")
    assert other.locator(".board .interval").count() == 0


def test_the_file_holds_what_the_table_shows(board) -> None:
    board.locator("input[name=q]").fill("org/model-2")
    with board.expect_download() as coming:
        board.get_by_label("Download").select_option("csv")
    rows = list(csv.DictReader(io.StringIO(Path(coming.value.path()).read_text("utf-8"))))
    assert len(rows) == shown(board)
    assert [f"{float(row['AVG']):.2f}" for row in rows] == column(board, "average")


def test_on_a_small_screen_scores_are_in_sight(board) -> None:
    """Rank and choice give way, and the name takes no more than its share."""
    board.set_viewport_size({"width": 360, "height": 740})
    board.reload()
    drawn(board).locator(".board").evaluate("node => (node.scrollLeft = 400)")
    region, model = (board.locator(one).first.bounding_box() for one in (".board", ".board thead .model"))
    assert model["x"] == pytest.approx(region["x"], abs=2)
    assert model["width"] < region["width"] / 2
    last = board.locator(".board tbody tr[data-row]").first.locator("td .interval").last
    last.scroll_into_view_if_needed()
    seen = "node => { const { x, y } = node.getBoundingClientRect(); return document.elementFromPoint(x + 2, y + 2); }"
    assert last.evaluate_handle(seen).evaluate("node => node.className") == "interval"
