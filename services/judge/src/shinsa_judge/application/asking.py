"""Asking one judge about one case: render, ask, read strictly, ask again within bounds; a pair in both orders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_judge.application.judges import Seat
from shinsa_judge.application.side_by_side import side_by_side
from shinsa_judge.domain.exchange import Fingerprint, Finish, Question, Reply, Usage
from shinsa_judge.domain.merging import in_both_orders
from shinsa_judge.domain.profile import AskedJudge
from shinsa_judge.domain.reading import Reading, read_reply
from shinsa_judge.domain.rubric import Rubric
from shinsa_judge.domain.verdict import JudgeIdentity, Member, Unreadable, Verdict
from shinsa_judge.ports import Backend


@dataclass(frozen=True, slots=True)
class Asking:
    """One judge, one rubric. ``repeat``, ``models`` and ``patient`` as in ``Question`` and ``Backend.ask``."""

    seat: Seat
    rubric: Rubric
    profile: AskedJudge
    repeat: int = 0
    patient: bool = False
    models: Mapping[str, str] = field(default_factory=dict)

    async def verdict(self, fields: Mapping[str, str]) -> Verdict:
        """The verdict; one without a value if no reply within ``profile.asks`` could be read."""
        swap = self.rubric.swap
        if swap is None:
            return await self._judged(fields, swapped=False)
        verdicts = await side_by_side(
            self._judged(fields, swapped=False), self._judged(swap.exchanged(fields), swapped=True)
        )
        members = [Member(one, self.repeat, swapped) for one, swapped in zip(verdicts, (False, True), strict=True)]
        return in_both_orders(members, self.rubric)

    async def _judged(self, fields: Mapping[str, str], *, swapped: bool) -> Verdict:
        question = self.rubric.question(fields, self.profile.form, self.profile.explanation_limit)
        async with self.seat.asking(patient=self.patient) as backend:
            return await self._until_readable(
                backend, replace(question, repeat=self.repeat, models=self.models), swapped
            )

    async def _until_readable(self, backend: Backend, question: Question, swapped: bool) -> Verdict:
        usage, fingerprint = Usage(), Fingerprint()
        asks = 0
        while True:
            asks += 1
            reply = await self._ask(backend, replace(question, ask=asks))
            usage += reply.usage
            fingerprint = reply.fingerprint if reply.fingerprint != Fingerprint() else fingerprint
            found = read_reply(reply, self.rubric.shape, question.form)
            if isinstance(found, Reading) or asks == self.profile.asks:
                break
        verdict = Verdict(
            JudgeIdentity(self.seat.name, self.seat.digest, self.rubric.digest, fingerprint),
            asks,
            usage,
            reply.raw,
            "" if swapped else _rendered(question),
            value=None,
            unreadable=Unreadable.EMPTY,
            cost=self.profile.price.of(usage) if self.profile.price else None,
        )
        if isinstance(found, Unreadable):
            return replace(verdict, unreadable=found)
        return self._read(verdict, found, swapped)

    def _read(self, verdict: Verdict, found: Reading, swapped: bool) -> Verdict:
        rule, swap, values = self.rubric.rule, self.rubric.swap, dict(found.values)
        if swapped and swap:
            values[swap.name] = swap.turned(str(values[swap.name]))
        return replace(
            verdict,
            value=rule.value_of(values),
            unreadable=None,
            label=rule.label_of(values),
            explanation=found.explanation,
            findings=values,
        )

    async def _ask(self, backend: Backend, question: Question) -> Reply:
        try:
            return await backend.ask(question, patient=self.patient)
        except ShinsaError as error:
            # An endpoint that withholds is a judge that refuses: it was reached, and it answered.
            if error.reason is Reason.CONTENT_FILTERED:
                return Reply("", Finish.CONTENT_FILTER)
            raise


def _rendered(question: Question) -> str:
    return json.dumps([asdict(message) for message in question.messages], ensure_ascii=False)
