"""What a job's judge says, and what it means where it says nothing."""

from __future__ import annotations

from collections.abc import Callable

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_sandbox.domain.evidence import Finding
from shinsa_sandbox.outbound.jail.link import Message
from shinsa_sandbox.outbound.jail.outcome import ending_of, finding_of, finding_without_verdict
from shinsa_sandbox.outbound.jail.slot import Slot


class Hearing:
    """Of one job. ``judged`` is called once there is a finding: with True if the judge is gone, so that it is the last
    word; ``fail`` where the judge, or its checks, did not work."""

    def __init__(
        self, slot: Slot, cpu_seconds: float, judged: Callable[[bool], None], fail: Callable[[ShinsaError], None]
    ) -> None:
        self._slot = slot
        self._cpu_seconds = cpu_seconds
        self._judged = judged
        self._fail = fail
        self._is_at_its_last = False
        self._ooms_before = self._oom_kills()
        self.finding: Finding | None = None
        # Until the judge has answered and not said that it ends, it ends with the job.
        self.judge_ends = True

    def hear(self, message: Message | None) -> None:
        """A message of the judge's; ``None``: its interpreter is gone. After a finding nothing counts."""
        if self.finding is not None:
            return
        if message is None:
            self._fail(broken("the judges' interpreter ended"))
        elif "last" in message:
            self._is_at_its_last = True
        elif "verdict" in message:
            self._heard(message)
        elif "status" in message:
            self._died(message)
        elif "problem" in message:
            self._fail(broken(f"{message['problem']}: {message['detail']}"))

    def _heard(self, message: Message) -> None:
        self.judge_ends = self._is_at_its_last or message["verdict"] == "limit"
        found = finding_of(message)
        if isinstance(found, ShinsaError):
            self._fail(found)
            return
        self.finding = found
        self._judged(False)

    def _died(self, message: Message) -> None:
        oom = self._oom_kills() > self._ooms_before
        self.finding = finding_without_verdict(ending_of(message), self._cpu_seconds, out_of_memory=oom)
        if self.finding is None:
            self._fail(broken("the judge was killed"))
        else:
            self._judged(True)

    def _oom_kills(self) -> int:
        return self._slot.judge_group.oom_kills() if self._slot.judge_group is not None else 0


def broken(detail: str) -> ShinsaError:
    """It was not the program that failed."""
    return ShinsaError(Reason.INTERNAL, f"the jail did not work: {detail}", origin="sandbox")
