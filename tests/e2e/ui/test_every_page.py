"""What holds on every page: usable by everybody, in both themes and both languages, without any other host."""

from __future__ import annotations

import re

import pytest
from e2e.ui.conftest import drawn, serious, shot
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(300)
# A key of a catalogue that shows where its text should stand.
BARE_KEY = re.compile(
    r"(?<![\w/.])(?:nav|run|runs|report|items|board|charts|submit|submission|analysis|about|operate)\.[a-z_]+\b"
)


def paths(mesh, runs) -> dict[str, str]:
    item = mesh.items(runs[0])[0]["id"]
    return {
        "boards": "/boards",
        "board": "/boards/open-ja",
        "charts": "/boards/open-ja?view=charts",
        "analysis": "/analysis?board=open-ja",
        "runs": "/runs",
        "run": f"/runs/{runs[0]}",
        "items": f"/runs/{runs[0]}/items",
        "item": f"/items/{item}",
        "compare": f"/compare?runs={','.join(runs)}",
        "submissions": "/submissions",
        "submit": "/submit",
        "operate": "/operate",
        "judges": "/judges",
        "about": "/about",
        "missing": "/boards/no-such-board",
    }


@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "ja")])
def test_no_page_keeps_anybody_out_or_leaves_a_text_out(open_page, mesh, runs, theme, language) -> None:
    page = open_page("/boards", theme=theme, language=language)
    found = {}
    for name, path in paths(mesh, runs).items():
        page.goto(mesh.url + path)
        page.wait_for_selector("#main:not([aria-busy]) h1")
        drawn(page)
        if problems := serious(page):
            found[name] = problems
        text = page.locator("body").inner_text()
        assert not BARE_KEY.search(text), f"{name}: {BARE_KEY.search(text)}"
        assert page.evaluate("document.documentElement.lang") == language
        shot(page, f"{name}-{theme}-{language}")
    assert found == {}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_page_is_wider_than_a_small_screen(open_page, mesh, runs, language) -> None:
    page = open_page("/boards", language=language)
    page.set_viewport_size({"width": 360, "height": 740})
    wide = {}
    for name, path in paths(mesh, runs).items():
        page.goto(mesh.url + path)
        drawn(page)
        if (beyond := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 0:
            wide[name] = beyond
    assert wide == {}


@pytest.mark.parametrize(
    ("language", "title", "category"), [("en", "First slice", "Dialogue"), ("ja", "最初の七つ", "対話")]
)
def test_boards_have_names_in_both_languages(open_page, language, title, category) -> None:
    page = open_page("/boards", language=language)
    card = page.get_by_role("link", name=title)
    expect(card).to_contain_text(category)
    page = open_page("/analysis", language=language)
    expect(page.locator("#main").get_by_role("combobox").first).to_contain_text(title)


def test_dialogs_and_panels_are_usable_in_the_dark_too(open_page, mesh, runs) -> None:
    page = open_page("/boards/open-ja", theme="dark")
    page.get_by_role("button", name="Filters").click()
    assert serious(page) == []
    page.get_by_role("button", name="Columns").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_language_and_theme_are_chosen_remembered_and_in_the_address(open_page, mesh) -> None:
    page = open_page("/runs")
    page.get_by_role("button", name="日本語").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("評価実行")
    assert "lang=ja" in page.url
    page.get_by_role("link", name="ランキング").click()
    assert "lang=ja" in page.url
    page.goto(f"{mesh.url}/about")
    expect(drawn(page).get_by_role("heading", level=1)).to_have_text("このサイトについて")
    page.locator(".theme select").select_option("dark")
    page.reload()
    assert drawn(page).evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_everything_is_reached_by_keyboard(open_page, mesh, runs) -> None:
    page = open_page("/boards")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".card").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/boards/"))
    expect(page.locator("#main")).to_be_focused()


def test_about_tells_tasks_licences_how_to_submit_and_how_to_cite(open_page, mesh) -> None:
    page = open_page("/about")
    rows = page.get_by_role("region", name="Benchmarks and licences").locator("tbody tr")
    expect(rows).to_have_count(len(mesh.get("/v1/benchmarks")["benchmarks"]))
    expect(page.locator("#guide li")).to_have_count(5)
    expect(page.locator("#citation pre")).to_contain_text("@software{shinsa")
    expect(page.locator("#reading")).to_contain_text("STS")


def test_a_step_back_shows_what_was_there(open_page, mesh, runs) -> None:
    page = open_page("/runs")
    page.get_by_role("link", name=runs[0]).click()
    page.wait_for_url(re.compile(runs[0]))
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")


def test_an_unknown_page_and_an_unknown_thing_say_so(open_page, mesh) -> None:
    page = open_page("/runs/no-such-run")
    expect(page.get_by_role("alert")).to_contain_text("no-such-run")
    page.goto(f"{mesh.url}/boards/open-jaa")
    expect(page.get_by_role("alert")).to_contain_text("open-ja")
