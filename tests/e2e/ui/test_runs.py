"""From an order to the last sample: submit, watch, board, sample, compare."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
from e2e.ui.conftest import HOSTILE, MODELS, answering, copied, drawn, shot
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.timeout(300)


class Gate:
    """Holds an endpoint's answers back: lets them out one by one, or all."""

    def __init__(self) -> None:
        self._let = threading.Semaphore(0)
        self._open = threading.Event()

    def one(self) -> None:
        self._let.release()

    def all(self) -> None:
        self._open.set()

    def __call__(self, _question: str) -> None:
        while not self._open.is_set() and not self._let.acquire(timeout=0.1):
            pass


def test_submit_watch_board_sample_compare(open_page, mesh, runs, endpoint) -> None:
    gate = endpoint.fault = Gate()
    engine = {"base_url": endpoint.url, "model": "m"}
    mesh.post("/v1/models", {"name": "slow-1b", "openai": engine, "concurrency": 4})
    page = open_page("/submit?source=registered&model=slow-1b&type=pretrained&suite=demo")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile("/submissions/s"))
    expect(page.get_by_role("heading", level=1)).to_have_text("slow-1b")
    shot(page, "submission")
    page.get_by_role("link", name="To the run").first.click(timeout=60_000)

    # Watched as it goes on, by events and not by asking for the page again.
    page.wait_for_url(re.compile("/runs/r"))
    expect(page.locator("[data-action=cancel]")).to_be_visible()
    expect(page.locator("h1")).to_have_text("slow-1b")
    running = page.locator(".heading .chip.live")
    expect(running).to_have_text("running", timeout=60_000)
    # A button stays while what it says is true: one that is replaced while it is pressed is never clicked.
    page.evaluate("document.querySelector('[data-action=cancel]').dataset.first = 'yes'")
    throughput = re.compile(r"Throughput\s*[\d.]+ / s")
    for _ in range(60):
        gate.one()
        page.wait_for_timeout(1000)
        if throughput.search(page.locator(".facts").inner_text()):
            break
    shot(page, "run-live")
    expect(page.locator(".facts")).to_contain_text(throughput)
    expect(page.locator("[data-action=cancel][data-first=yes]")).to_be_visible()
    gate.all()
    expect(page.locator(".heading .chip")).to_have_text(re.compile("complete"), timeout=120_000)
    expect(page.locator("section", has=page.get_by_role("heading", name="Scores")).first).to_be_visible()
    run = page.url.rsplit("/", 1)[1]

    page.get_by_role("link", name="Boards").click()
    page.get_by_role("link", name="First slice").click()
    page.locator(".board tbody a", has_text="slow-1b").click()
    page.get_by_role("link", name="Browse samples").click()
    expect(page.locator(".browser .entries a").first).to_be_visible()
    expect(page.locator(".turn.user").first).to_be_visible()

    page.goto(f"{mesh.url}/runs")
    for one in (run, runs[1]):
        drawn(page).get_by_label(f"Choose run {one}").check()
    page.get_by_role("button", name="Compare 2 chosen").click()
    page.wait_for_url(re.compile("/compare"))
    expect(page.get_by_role("region", name="Paired tests").locator("tbody tr").first).to_be_visible()


def test_a_run_page_tells_scores_errors_settings_origin_and_the_command_that_repeats_it(open_page, mesh, runs) -> None:
    page = open_page(f"/runs/{runs[0]}")
    shot(page, "run")
    report = mesh.get(f"/v1/runs/{runs[0]}/report")
    primary = [one for one in report["scores"] if one["primary"]]
    expect(page.get_by_role("region", name="Scores").first.locator("tbody tr")).to_have_count(len(primary))
    errors = page.get_by_role("region", name="Errors by reason").locator("tbody tr")
    expect(errors).to_have_count(len([one for one in report["reasons"] if one["status"] != "scored"]))
    expect(page.get_by_role("region", name="What was planned").locator("tbody tr")).to_have_count(
        len(report["run"]["plan"])
    )
    page.locator(".copyable button").click()
    assert copied(page) == report["provenance"]["reproduce"]
    errors.first.get_by_role("link").click()
    expect(page.locator(".browser .entries a").first).to_be_visible()
    assert "reason=truncated" in page.url


def test_a_small_cost_is_not_shown_as_none(open_page, mesh, runs) -> None:
    report = mesh.get(f"/v1/runs/{runs[0]}/report")
    report["judges"][0]["costs"] = [{"amount": 0.0042, "currency": "USD"}, {"amount": 12345.678, "currency": "EUR"}]
    report["generation"]["costs"] = [{"amount": 0.0000196, "currency": "USD"}]
    page = open_page("/about")
    page.route(f"**/v1/runs/{runs[0]}/report", answering(json.dumps(report)))
    page.goto(f"{mesh.url}/runs/{runs[0]}")
    expect(drawn(page).get_by_role("region", name="Judges asked")).to_contain_text("0.0042 USD, 12,345.68 EUR")
    expect(page.locator("body")).to_contain_text("0.0000196 USD")


def test_samples_are_narrowed_and_walked_through_by_keyboard(open_page, mesh, runs) -> None:
    page = open_page(f"/runs/{runs[0]}/items")
    total = len(mesh.items(runs[0]))
    expect(page.locator(".browser .entries a")).to_have_count(min(total, 100))
    page.get_by_role("button", name="Truncated").click()
    truncated = [one for one in mesh.items(runs[0]) if one["reason"] == "truncated"]
    assert truncated
    expect(page.locator(".browser .entries a")).to_have_count(len(truncated))
    page.get_by_role("button", name="Unreadable").click()
    expect(page.locator(".browser .list")).to_contain_text("No sample matches")
    page.get_by_role("button", name="Wrong", exact=True).click()
    page.wait_for_url(re.compile("wrong=1"))
    wrong = mesh.get(f"/v1/runs/{runs[0]}/items?wrong_only=true&page_size=500")["items"]
    expect(page.locator(".browser .entries a")).to_have_count(len(wrong))
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_label("Benchmark").select_option("mt_bench_ja")
    expect(page.locator(".browser .entries a")).to_have_count(4)
    page.get_by_label("Category").select_option("writing")
    expect(page.locator(".browser .entries a")).to_have_count(1)
    page.get_by_label("Category").select_option("")
    expect(page.locator(".browser .entries a")).to_have_count(4)
    first = page.locator(".browser .entries a").first
    first.press("ArrowDown")
    expect(page.locator(".browser .entries li").nth(1).locator("a")).to_be_focused()
    expect(page.locator(".browser .entries li").nth(1).locator("a")).to_have_attribute("aria-current", "true")


def test_an_answer_that_comes_late_does_not_replace_the_newer_choice(open_page, mesh, runs) -> None:
    page = open_page(f"/runs/{runs[0]}/items")
    expect(page.locator(".browser .entries a").first).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "benchmark=" in route.request.url:
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/runs/*/items?**", hold)
    with page.expect_request(lambda one: "wrong_only=true" in one.url):
        page.get_by_role("button", name="Wrong", exact=True).click()
    with page.expect_event("requestfailed", lambda one: "wrong_only=true" in one.url):
        page.get_by_label("Benchmark").select_option("mt_bench_ja")
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.locator(".browser .entries a")).to_have_count(4)
    expect(page.get_by_label("Benchmark")).to_have_value("mt_bench_ja")
    assert held


def test_a_sample_that_comes_late_does_not_stand_beside_an_empty_list(open_page, mesh, runs) -> None:
    page = open_page(f"/runs/{runs[0]}/items")
    expect(page.locator(".browser article").first).to_be_visible()
    held: list[Route] = []
    page.route("**/v1/items/*", lambda route: held.append(route))
    with page.expect_request("**/v1/items/*"):
        page.locator(".browser .entries a").nth(1).click()
    page.get_by_role("button", name="Unreadable").click()
    expect(page.locator(".browser .empty")).to_contain_text("No sample matches")
    with page.expect_response("**/v1/items/*"):
        held[0].continue_()
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 200))")
    expect(page.locator(".browser article")).to_have_count(0)
    expect(page.locator(".browser .empty")).to_contain_text("No sample matches")


def test_a_sample_shows_prompt_reply_execution_and_verdict(open_page, mesh, runs) -> None:
    items = {one["benchmark"]: one for one in mesh.items(runs[0])}
    page = open_page(f"/items/{items['mt_bench_ja']['id']}")
    shot(page, "item-judged")
    judged = page.locator(".block", has=page.get_by_role("heading", name="Judgement 1"))
    detail = mesh.get(f"/v1/items/{items['mt_bench_ja']['id']}")
    verdict = next(step for step in detail["steps"] if step["kind"] == "judge")["result"]
    expect(judged).to_contain_text(verdict["explanation"])
    prompt = detail["steps"][0]["request"]["messages"][0]["content"]
    expect(page.locator(".turn.user").first).to_contain_text(prompt[:40])

    page.goto(f"{mesh.url}/items/{items['jhumaneval']['id']}")
    drawn(page)
    shot(page, "item-executed")
    executed = page.locator(".block", has=page.get_by_role("heading", name="Execution"))
    expect(executed.locator("header .chip")).to_have_text(re.compile("failed|passed|crashed"))
    expect(executed).to_contain_text("def ")


def poisoned(value: Any, key: str = "") -> Any:
    """The same, with markup for every text of an unfixed vocabulary."""
    fixed = {"kind", "status", "id", "run_id", "role", "finish_reason", "verdict", "started_at", "finished_at", "trust"}
    if isinstance(value, dict):
        return {name: poisoned(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, key) for one in value]
    return HOSTILE + value if isinstance(value, str) and key not in fixed else value


def test_hostile_text_stays_text(open_page, mesh, runs) -> None:
    items = {one["benchmark"]: one for one in mesh.items(runs[0])}
    hostile = [one for one in mesh.items(runs[0]) if "<img" in one["answer"]]
    page = open_page(f"/items/{hostile[0]['id']}")
    expect(page.locator(".answers")).to_contain_text("<img src=x onerror=alert(1)>")
    for name in ("mt_bench_ja", "jhumaneval"):
        detail = poisoned(mesh.get(f"/v1/items/{items[name]['id']}"))
        for step in detail["steps"]:
            if step["kind"] == "generate":
                step["result"]["choices"][0].update(
                    reasoning=HOSTILE, tool_calls=[{"id": "1", "name": HOSTILE, "arguments_json": HOSTILE}]
                )
        page.route(f"**/v1/items/{items[name]['id']}", answering(json.dumps(detail)))
        page.goto(f"{mesh.url}/items/{items[name]['id']}")
        drawn(page)
        page.evaluate("document.querySelectorAll('article details:not(.remarks)').forEach(one => one.open = true)")
        assert page.locator("#main img, #main script, #main [onerror]").count() == 0
        assert page.locator("#main").inner_text().count("<img src=x onerror=alert(1)>") > 5
        if name == "mt_bench_ja":
            expect(page.locator(".turn", has_text="Reasoning").first).to_contain_text("<script>")


def patched(detail: dict[str, Any]) -> dict[str, Any]:
    """The same item as if its program had been a patch to a repository."""
    step = next(one for one in detail["steps"] if one["kind"] == "execute")
    patch = {"path": "model.patch", "content": {"text": f"+{HOSTILE}"}}
    step["request"]["program"] |= {"files": [patch], "entry": "model.patch"}
    asked = {"image": "shop:1", "script": f"echo {HOSTILE}", "parser": "unittest", "folder": "/testbed"}
    step["request"]["checks"] = {"repository": asked}
    ways = [("git apply", False, f"error: patch failed {HOSTILE}"), ("patch --fuzz=5", True, "")]
    step["result"] |= {
        "verdict": "fail",
        "reason": f"suspicious: {HOSTILE}",
        "trust": "log",
        "checks": [
            {"name": "FAIL_TO_PASS test_total", "passed": True, "detail": ""},
            {"name": "PASS_TO_PASS test_tax", "passed": False, "detail": f"failed {HOSTILE}"},
        ],
        "stdout": {"text": f"Ran 4 tests {HOSTILE}", "total_bytes": 100, "truncated": True},
        "repository": {
            "image": "sha256:1234",
            "user": "10001:10001",
            "attempts": [{"step": way, "worked": worked, "said": said} for way, worked, said in ways],
            "restored": [f"tests/conftest.py{HOSTILE}"],
            "suspicions": [f"2 exit codes were printed {HOSTILE}"],
            "resolution": "partial",
            "grader": "shinsa-1",
            "times": [{"phase": "apply", "seconds": 0.5}, {"phase": "test", "seconds": 61.25}],
        },
    }
    return detail


def test_what_a_verdict_about_a_patch_rests_on(open_page, mesh, runs) -> None:
    """Shown whole, and what the patch wrote stays text wherever it comes up."""
    item = next(one for one in mesh.items(runs[0]) if one["benchmark"] == "jhumaneval")
    page = open_page("/")
    page.route(f"**/v1/items/{item['id']}", answering(json.dumps(patched(mesh.get(f"/v1/items/{item['id']}")))))
    page.goto(f"{mesh.url}/items/{item['id']}")
    drawn(page)
    page.evaluate("document.querySelectorAll('article details:not(.remarks)').forEach(one => one.open = true)")
    shot(page, "item-patched")
    step = page.locator(".block", has=page.get_by_role("heading", name="Execution"))
    rests_on = step.get_by_role("region", name="What the verdict rests on")
    for shown in ("2 exit codes were printed", "patch --fuzz=5", "error: patch failed", "tests/conftest.py", "partly"):
        expect(rests_on).to_contain_text(shown)
    for shown in ("sha256:1234", "10001:10001", "shinsa-1", "apply 0.5 s · test 61.3 s"):
        expect(rests_on).to_contain_text(shown)
    for shown in ("PASS_TO_PASS test_tax", "not passed", "FAIL_TO_PASS test_total", "Ran 4 tests", "model.patch"):
        expect(step).to_contain_text(shown)
    expect(step).to_contain_text("by the log of the repository's own tests")
    assert page.locator("#main img, #main script, #main [onerror]").count() == 0
    assert page.locator("#main").inner_text().count("<img src=x onerror=alert(1)>") >= 7


def test_runs_side_by_side_sample_by_sample(open_page, mesh, runs) -> None:
    page = open_page(f"/compare?runs={','.join(runs)}&benchmark=mt_bench_ja&only=all")
    shot(page, "compare")
    compared = mesh.get(f"/v1/compare?a={runs[0]}&b={runs[1]}")["comparisons"]
    rows = page.get_by_role("region", name="Paired tests").locator("tbody tr")
    expect(rows).to_have_count(len(compared))
    samples = page.get_by_role("region", name="Sample by sample").locator("tbody tr")
    expect(samples).to_have_count(4)
    samples.first.get_by_role("button").click()
    sides = page.get_by_role("region", name="Side by side").locator("article")
    expect(sides).to_have_count(2)
    for name in MODELS:
        expect(page.get_by_role("region", name="Side by side")).to_contain_text(name)
    assert "sample=" in page.url
    page.reload()
    expect(page.get_by_role("region", name="Side by side").locator("article")).to_have_count(2)


def test_a_sign_tells_what_the_primary_metric_does(open_page, mesh, runs) -> None:
    """A wrong answer in the right form is wrong; the lowest of ten grades is not right for being 1."""
    items = [one for one in mesh.items(runs[1]) if one["benchmark"] == "jcommonsenseqa" and one["status"] == "scored"]
    assert any(one["metrics"] == {"exact_match": 0, "format": 1} for one in items)
    for path in (f"/runs/{runs[1]}/items?benchmark=jcommonsenseqa", f"/compare?runs={runs[1]},{runs[0]}&only=all"):
        page = open_page(path + "&benchmark=jcommonsenseqa")
        column = ".entries a" if "items" in path else ".section tbody tr td:nth-child(2)"
        signs = page.locator(f"{column} .verdict > span[aria-hidden]").all_inner_texts()
        assert signs == ["○" if one["metrics"]["exact_match"] else "×" for one in items]
    graded = next(one for one in mesh.items(runs[1]) if one["benchmark"] == "mt_bench_ja")
    answer = mesh.get(f"/v1/items/{graded['id']}")
    page = open_page("/about")
    page.route(f"**/v1/items/{graded['id']}", answering(json.dumps(answer | {"metrics": {"score": 1}})))
    page.goto(f"{mesh.url}/items/{graded['id']}")
    expect(drawn(page).locator(".verdict > span[aria-hidden]").first).to_have_text("×")


def test_runs_that_cannot_be_compared_leave_the_choice(open_page, mesh, runs) -> None:
    order = {"model": "momiji-13b", "benchmarks": [{"benchmark": "jnli", "shots": [0]}]}
    orders = (order, order | {"overrides": {"jnli.split": "dev"}})
    a, b = (mesh.finished(mesh.post("/v1/runs", one)["id"])["id"] for one in orders)
    page = open_page(f"/compare?runs={a},{b}")
    expect(page.get_by_role("alert")).to_contain_text("no sample that both measured")
    expect(page.locator(".card", has_text=b)).to_contain_text("jnli · jnli.split=dev")
    page.get_by_label("Add a run").select_option(runs[0])
    page.wait_for_url(re.compile(f"{b}.*{runs[0]}"))


def test_three_runs_are_each_held_against_the_first(open_page, mesh, runs) -> None:
    third = mesh.post("/v1/runs", {"model": "momiji-13b", "benchmarks": [{"benchmark": "jnli", "shots": [0]}]})["id"]
    assert mesh.finished(third)["state"] == "complete"
    page = open_page(f"/compare?runs={','.join(runs)},{third}")
    assert page.locator(".cards .card").count() == 4
    expect(page.get_by_role("region", name="Paired tests")).to_contain_text(third[-6:])
    page.locator(".card", has_text=third).get_by_role("button", name="Make baseline").click()
    page.wait_for_url(re.compile(f"runs={third}"))


def test_a_remark_on_a_sample_waits_for_an_operator(open_page, mesh, runs) -> None:
    item = mesh.items(runs[1])[0]
    page = open_page(f"/items/{item['id']}")
    page.locator("details.remarks > summary").click()
    page.get_by_label("What is it about").select_option("wrong_gold")
    page.get_by_label("Remark", exact=False).last.fill(HOSTILE)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".comment")).to_contain_text(HOSTILE)
    expect(page.locator(".comment .chip").nth(1)).to_have_text("pending")
    page.goto(f"{mesh.url}/operate")
    waiting = drawn(page).locator(".comment", has_text="onerror")
    shot(page, "operate")
    waiting.get_by_label("Answer").fill("We look at it.")
    waiting.get_by_role("button", name="Show as resolved").click()
    expect(page.locator(".comment", has_text="onerror")).to_have_count(0)
    assert mesh.get(f"/v1/remarks?item={item['id']}")["remarks"][0]["state"] == "resolved"
