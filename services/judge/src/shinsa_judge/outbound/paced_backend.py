"""A judge's source, asked at its pace, with short retries, and held back while it is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.pacing import Pace, Turn, likely_tokens
from shinsa_chassis.retry import RetryPolicy, retrying

from shinsa_judge.domain.exchange import Question, Reply
from shinsa_judge.outbound.breaker import OUTAGES, Breaker

# Server errors that one patient request gets while nothing else comes through either. An endpoint that is down for all
# is asked by one request after the other, so that it takes long to use them up; a request that breaks it does so soon.
_MOST_SERVER_ERRORS = 6


class Source(Protocol):
    """What can be asked once."""

    async def ask(self, question: Question) -> Reply:
        """The reply. Raises ``ShinsaError``; with an ``origin`` where whoever failed has done its own retries."""
        ...

    async def problem(self) -> str: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Tally:
    """Server errors that one question was answered with."""

    server_errors: int = 0


class _Settled(Exception):  # noqa: N818 - it reads as a fact
    """An error that no further try here would mend."""

    def __init__(self, error: ShinsaError) -> None:
        super().__init__(error.message)
        self.error = error


class PacedBackend:
    """``ports.Backend`` over a source. ``reply_tokens`` is the most that a reply may have, for guessing."""

    def __init__(self, source: Source, pace: Pace, breaker: Breaker, tries: int, reply_tokens: int) -> None:
        self._source = source
        self._pace = pace
        self._breaker = breaker
        self._reply_tokens = reply_tokens
        self._policy = RetryPolicy("judge", tries=tries, first_wait=0.1, longest_wait=8.0, total_seconds=120.0)

    async def ask(self, question: Question, *, patient: bool = False) -> Reply:
        tally = _Tally()
        while True:
            try:
                return await self._tried(question, patient, tally)
            except ShinsaError as error:
                # Nothing was lost but time: whoever is patient asks again when the endpoint is back.
                if not patient or error.reason not in OUTAGES or not self._breaker.open:
                    raise
                if tally.server_errors >= _MOST_SERVER_ERRORS:
                    raise _hopeless(error, tally) from error

    async def problem(self) -> str:
        return await self._source.problem() or self._breaker.problem()

    def down(self) -> str:
        return self._breaker.problem()

    async def close(self) -> None:
        await self._source.close()

    async def _tried(self, question: Question, patient: bool, tally: _Tally) -> Reply:
        try:
            async for attempt in retrying(self._policy, "judge"):
                with attempt:
                    return await self._once(question, patient, tally)
        except _Settled as settled:
            raise settled.error from settled
        raise AssertionError("a retry ends with a reply or an error")

    async def _once(self, question: Question, patient: bool, tally: _Tally) -> Reply:
        characters = sum(len(message.content) for message in question.messages)
        tokens = likely_tokens(characters, self._reply_tokens)
        try:
            # Whoever waits for an endpoint to come back stands in nobody's way meanwhile.
            async with self._breaker.passage(patient=patient), self._pace.turn(tokens) as turn:
                return await self._noted(question, turn)
        except ShinsaError as error:
            tally.server_errors += error.reason is Reason.UPSTREAM_FAILED
            if error.origin:
                raise _Settled(error) from error
            raise

    async def _noted(self, question: Question, turn: Turn) -> Reply:
        try:
            reply = await self._source.ask(question)
        except ShinsaError as error:
            if error.reason in (Reason.RATE_LIMITED, Reason.OVERLOADED):
                turn.busy(error.retry_after)
            raise
        turn.answered(reply.usage.prompt_tokens + reply.usage.completion_tokens)
        return reply


def _hopeless(error: ShinsaError, tally: _Tally) -> ShinsaError:
    message = f"{error.message} This request was answered with a server error {tally.server_errors} times."
    return ShinsaError(error.reason, message, retryable=False, attempts=tally.server_errors)
