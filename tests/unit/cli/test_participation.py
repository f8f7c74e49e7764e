"""`shinsa remarks` and `shinsa webhooks`: what is asked, and what is shown."""

from __future__ import annotations

from typing import Any

from shinsa_gateway.domain.remark import Remark
from shinsa_gateway.domain.webhook import Delivery, Webhook
from unit.cli.fake_gateway import FakeGateway
from unit.cli.program import Shinsa


def example(model: Any, **changes: Any) -> Any:
    return {**model.model_config["json_schema_extra"]["examples"][0], **changes}


REMARK = example(Remark, text="正解は \x1b[31m3 [bold]", answer="Mended.", moderator="ops")
WEBHOOK = example(Webhook)
DELIVERY = example(Delivery, last_problem="connection refused")


class TestRemarks:
    def test_something_is_said_of_a_sample(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        gateway.says(f"POST /v1/items/{REMARK['item_id']}/remarks", REMARK)
        told = shinsa("remarks", "add", REMARK["item_id"], "正解は3", "--kind", "wrong_gold")
        [asked] = gateway.requests(f"POST /v1/items/{REMARK['item_id']}/remarks")
        assert asked.body == {"kind": "wrong_gold", "text": "正解は3"}
        assert told.code == 0
        assert "[bold]" in told.out
        assert "\x1b" not in told.out

    def test_remarks_are_narrowed_and_listed_over_pages(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        other = {**REMARK, "id": "c2"}
        pages = {"remarks": [REMARK], "next_cursor": "more"}, {"remarks": [other], "next_cursor": None}
        gateway.says("GET /v1/remarks", *pages)
        told = shinsa("remarks", "list", "--run", "r1", "--only", "pending", "--sample", "17", "--json")
        assert [one["id"] for one in told.json["remarks"]] == [REMARK["id"], "c2"]
        first, second = gateway.requests("GET /v1/remarks")
        assert first.query == {"run": "r1", "sample": "17", "state": "pending", "page_size": "50"}
        assert second.query["cursor"] == "more"
        gateway.says("GET /v1/remarks", pages[0])
        assert len(shinsa("remarks", "list", "--limit", "1", "--json").json["remarks"]) == 1

    def test_an_operator_decides(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        gateway.says(f"PUT /v1/remarks/{REMARK['id']}/state", REMARK)
        assert shinsa("remarks", "moderate", REMARK["id"], "resolved", "--answer", "Mended.").code == 0
        [asked] = gateway.requests(f"PUT /v1/remarks/{REMARK['id']}/state")
        assert asked.body == {"state": "resolved", "answer": "Mended."}

    def test_who_may_not_decide_is_told_so(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        gateway.refuses("PUT /v1/remarks/c9/state", 403, "This key may not operate.")
        told = shinsa("remarks", "moderate", "c9", "hidden")
        assert told.code != 0
        assert "may not operate" in told.err


class TestWebhooks:
    def test_the_secret_is_shown_once_and_alone(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        gateway.says("POST /v1/webhooks", {"webhook": WEBHOOK, "secret": "whs_[bold]"})
        told = shinsa("webhooks", "create", WEBHOOK["url"], "--event", "run.complete", "--event", "submission.*")
        assert told.out == "whs_[bold]\n"
        assert WEBHOOK["id"] in told.err
        [asked] = gateway.requests("POST /v1/webhooks")
        assert asked.body == {"url": WEBHOOK["url"], "events": ["run.complete", "submission.*"]}

    def test_webhooks_are_listed_and_deleted(self, gateway: FakeGateway, shinsa: Shinsa) -> None:
        gateway.says("GET /v1/webhooks", {"webhooks": [WEBHOOK, {**WEBHOOK, "id": "w2", "events": []}]})
        listed = shinsa("webhooks", "list").out
        assert "run.complete" in listed
        assert "all" in listed
        gateway.says("DELETE /v1/webhooks/w2", {})
        assert "deleted: w2" in shinsa("webhooks", "delete", "w2").err

    def test_deliveries_say_how_the_telling_went_and_are_tried_again(
        self, gateway: FakeGateway, shinsa: Shinsa
    ) -> None:
        path = f"/v1/webhooks/{WEBHOOK['id']}/deliveries"
        gateway.says(f"GET {path}", {"deliveries": [DELIVERY], "next_cursor": None})
        told = shinsa("webhooks", "deliveries", WEBHOOK["id"], "--only", "dead")
        assert "connection refused" in told.out
        assert gateway.requests(f"GET {path}")[0].query == {"state": "dead", "page_size": "50"}
        gateway.says(f"POST /v1/webhooks/deliveries/{DELIVERY['id']}/retry", {**DELIVERY, "state": "waiting"})
        assert shinsa("webhooks", "retry", DELIVERY["id"], "--json").json["state"] == "waiting"
