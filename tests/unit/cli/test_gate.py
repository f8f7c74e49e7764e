"""`shinsa gate`: an exit code for each verdict."""

from __future__ import annotations

from typing import Any

import pytest
from unit.cli.documents import run_json
from unit.cli.fake_gateway import FakeGateway
from unit.cli.program import Shinsa

TEST = {
    **{"node": "jnli", "shots": 4, "samples": 100, "unshared": 0, "baseline": 0.8, "candidate": 0.6, "drop": 0.2},
    **{"stderr": 0.04, "at_most": 0.27, "p_value": 1e-6, "adjusted": 2e-6, "worse": True},
}
WORDS = ("gate", "--baseline", "r1", "--candidate", "r2", "--board", "open-ja")


def _says(gateway: FakeGateway, verdict: str, **changes: Any) -> dict[str, Any]:
    for run in ("r1", "r2"):
        gateway.says(f"GET /v1/runs/{run}", run_json(id=run))
    answer = {"request": {}, "verdict": verdict, "tests": [TEST], "untested": [], "reasons": [], **changes}
    gateway.says("GET /v1/gate", answer)
    return answer


@pytest.mark.parametrize(("verdict", "code"), [("no_worse", 0), ("worse", 4), ("undecided", 5), ("of the future", 5)])
def test_each_verdict_has_its_exit_code(shinsa: Shinsa, gateway: FakeGateway, verdict: str, code: int) -> None:
    answer = _says(gateway, verdict)
    assert shinsa(*WORDS).code == code
    ended = shinsa(*WORDS, "--json", "--max-drop", "0.01", "--alpha", "0.1", "--correction", "bh")
    assert (ended.code, ended.json) == (code, answer)
    assert gateway.requests("GET /v1/gate")[1].query == {
        "baseline": "r1",
        "candidate": "r2",
        "board": "open-ja",
        "max_drop": "0.01",
        "alpha": "0.1",
        "correction": "bh",
    }


def test_what_could_not_be_tested_is_said(shinsa: Shinsa, gateway: FakeGateway) -> None:
    lacking = {"node": "mawps", "shots": 0, "why": "the candidate did not measure mawps @0", "blocking": True}
    _says(gateway, "undecided", untested=[lacking], reasons=["the candidate r2 is failed, not complete"])
    shown = shinsa(*WORDS).out
    assert "not tested: mawps @0: the candidate did not measure mawps @0" in shown
    assert "the candidate r2 is failed" in shown
    assert "cannot be decided" in shown


def test_an_unknown_run_is_bad_input_and_no_verdict(shinsa: Shinsa, gateway: FakeGateway) -> None:
    gateway.refuses("GET /v1/runs/r1", 404, "there is no run 'r1'", field="run_id")
    gateway.says("GET /v1/runs", {"runs": [], "next_cursor": None})
    assert shinsa(*WORDS).code == 2
