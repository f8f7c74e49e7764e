"""`shinsa submit`, `submissions` and `keys`: what is asked, and what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from shinsa_gateway.domain.book import KeyEntry
from shinsa_gateway.domain.submission import Submission, ValidityReport
from unit.cli.fake_gateway import FakeGateway
from unit.cli.program import Shinsa


def example(model: Any) -> Any:
    extra: Any = model.model_config["json_schema_extra"]
    return extra["examples"][0]


SUBMISSION = example(Submission)
PATH = f"/v1/submissions/{SUBMISSION['id']}"


def test_a_model_is_submitted(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("POST /v1/submissions", SUBMISSION)
    wanted = ("--type", "instruction-tuned", "--precision", "bfloat16", "--no-special-tokens")
    told = shinsa("submit", "llm-jp/llm-jp-3-1.8b-instruct", *wanted)
    [asked] = gateway.requests("POST /v1/submissions")
    assert (asked.body["source"], asked.body["precision"]) == ("hub", "bfloat16")
    assert asked.body["add_special_tokens"] is False
    assert told.code == 0
    assert SUBMISSION["id"] in told.out
    assert "1 h 30 min" in told.out


def test_a_check_that_fails_ends_with_1(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("POST /v1/submissions/check", example(ValidityReport))
    told = shinsa("submit", "a/b", "--type", "pretrained", "--check")
    assert told.code == 1
    assert "names no licence" in told.out


def test_a_refusal_names_the_field(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.refuses("POST /v1/submissions", 409, "model: submission s9 examines the same", field="model")
    told = shinsa("submit", "a/b", "--type", "pretrained")
    assert told.code == 2
    assert "submission s9 examines the same" in told.err


def test_the_queue_is_listed(gateway: FakeGateway, shinsa: Shinsa) -> None:
    waiting = {**SUBMISSION, "approved": False}
    gateway.says("GET /v1/submissions", {"submissions": [waiting], "counts": {}, "next_cursor": None})
    told = shinsa("submissions", "list", "--only", "pending", "--only", "running", "--search", "llm")
    [asked] = gateway.requests("GET /v1/submissions")
    assert (asked.query["state"], asked.query["search"]) == ("pending,running", "llm")
    assert "needs approval" in told.out


def test_one_is_shown_with_its_history(gateway: FakeGateway, shinsa: Shinsa) -> None:
    failed = {**SUBMISSION, "state": "failed", "failure": {"code": "incomplete", "message": "3 items \x1b[31mfailed"}}
    event = {"at": "2026-01-31T09:00:00Z", "actor": "queue", "action": "failed", "detail": "x"}
    gateway.says(f"GET {PATH}/log", {"submission": failed, "events": [event], "report": None, "failed_items": None})
    told = shinsa("submissions", "show", SUBMISSION["id"])
    assert "incomplete: 3 items" in told.out
    assert "\x1b" not in told.out
    assert "queue" in told.out


@pytest.mark.parametrize(
    ("words", "route", "body"),
    [
        (["withdraw"], "POST {}/withdraw", None),
        (["resubmit"], "POST {}/resubmit", None),
        (["approve"], "POST {}/approve", None),
        (["reject", "--reason", "no"], "POST {}/reject", {"reason": "no"}),
        (["vote"], "PUT {}/vote", None),
        (["move", "--priority", "7"], "PUT {}/priority", {"priority": 7}),
    ],
)
def test_what_is_done_with_one(gateway: FakeGateway, shinsa: Shinsa, words: list[str], route: str, body: Any) -> None:
    gateway.says(route.format(PATH), SUBMISSION)
    told = shinsa("submissions", words[0], SUBMISSION["id"], *words[1:])
    assert told.code == 0, told.err
    assert gateway.requests(route.format(PATH))[0].body == body


class TestKeys:
    def test_a_key_is_shown_once_and_alone(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        gateway.says("POST /v1/keys", {"key": example(KeyEntry), "secret": "shk_abc-[bold]"})
        told = shinsa("keys", "create", "nightly", "--scope", "read", "--scope", "submit", "--days", "90")
        assert told.out == "shk_abc-[bold]\n"
        [asked] = gateway.requests("POST /v1/keys")
        assert (asked.body["scopes"], asked.body["valid_days"]) == (["read", "submit"], 90)

    def test_where_nobody_needs_a_key_it_says_so(
        self, gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.says("POST /v1/keys", {"key": example(KeyEntry), "secret": "shk_abc"})
        words = ("keys", "create", "nightly", "--scope", "read")
        assert "everybody in without a key until SHINSA_GATEWAY_REQUIRE_KEYS=true" in shinsa(*words).err
        monkeypatch.setenv("SHINSA_API_KEY", "shk_of-an-operator")
        assert "everybody" not in shinsa(*words).err

    def test_keys_are_listed_and_revoked(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        gateway.says("GET /v1/keys", {"keys": [example(KeyEntry)]})
        assert "nightly" in shinsa("keys", "list").out
        gateway.says("DELETE /v1/keys/k1", example(KeyEntry))
        assert "revoked: k1" in shinsa("keys", "revoke", "k1").err
