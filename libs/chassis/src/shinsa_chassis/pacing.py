"""How fast an endpoint is asked: as many at once as it bears, and no more a minute than it allows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

# What a bucket may save up while nothing is asked.
_BURST_SECONDS = 5.0
# How much of the concurrency is left when the far end is busy.
_STEP_DOWN = 0.7
_PAUSE_SECONDS = 1.0
# More at once must bring at least so many times the answers, or growing stops; it is tried again after some rounds.
_WORTHWHILE = 1.1
_ROUNDS_OF_REST = 32

# Of a prompt; Japanese takes about one token a character, other text fewer.
_TOKENS_A_CHARACTER = 0.8

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class Limits(Protocol):
    """What the far end allows, as far as is known; None: no bound of ours. Tokens are those of prompt and reply."""

    @property
    def requests_per_minute(self) -> float | None: ...

    @property
    def tokens_per_minute(self) -> float | None: ...


def likely_tokens(characters: int, reply: int) -> int:
    """A guess at what a request will count for: a prompt of so many characters, and a reply of so many tokens."""
    return int(characters * _TOKENS_A_CHARACTER) + reply


class Bucket:
    """A rate per minute. It may be overdrawn by one request; the next waits until the debt is paid."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._rate = per_minute / 60
        self._most = max(1.0, self._rate * _BURST_SECONDS)
        self._clock = clock
        self._level = self._most
        self._at = clock()

    def delay(self) -> float:
        """Seconds until something may be taken."""
        now = self._clock()
        self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._level > 0 else (1e-6 - self._level) / self._rate

    def take(self, amount: float) -> None:
        """Takes an amount; a negative one is given back."""
        self._level = min(self._most, self._level - amount)


class Turn:
    """One request's turn, from when it comes; tell it how it went. ``tokens`` is a guess at what it will count for."""

    __slots__ = ("_pace", "_tokens", "started_at")

    def __init__(self, pace: Pace, tokens: int) -> None:
        self._pace = pace
        self._tokens = tokens
        self.started_at = 0.0

    async def __aenter__(self) -> Self:
        self.started_at = await self._pace.begin(self._tokens)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pace.end(0 if kind is None else self._tokens)

    def answered(self, tokens: int) -> None:
        """The far end answered, and counted so many tokens."""
        self._pace.answered(tokens - self._tokens)

    def busy(self, retry_after: float | None) -> None:
        """The far end said that this is too much (429); it may be asked again after so many seconds."""
        self._pace.busy(self, retry_after)


class Pace:
    """Of one endpoint. At most ``most`` requests at once, at first ``start`` of them; None: all.

    From ``start`` it doubles for as long as requests wait and more at once brings more answers a second; where it no
    longer does, latency grows instead, and it stays. A single "too many requests" concerns the request that got it. Two
    without an answer in between mean that the far end is full: then all wait as long as it wishes, and fewer go at
    once; each round of answers lets one more.
    """

    def __init__(
        self,
        most: int,
        limits: Limits,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        *,
        start: int | None = None,
    ) -> None:
        self._most = most
        self._clock = clock
        self._sleep = sleep
        rates = (limits.requests_per_minute, limits.tokens_per_minute)
        self._requests, self._tokens = (None if rate is None else Bucket(rate, clock) for rate in rates)
        self._allowed = float(most if start is None else min(start, most))
        self._climb = None if start is None else _Climb(clock)
        self._under_way = 0
        self._refusals = 0
        self._stepped_down_at = clock()
        self._paused_until = clock()
        self._line: deque[tuple[asyncio.Future[None], int]] = deque()
        self._timer: asyncio.Task[None] | None = None

    @property
    def allowed(self) -> int:
        """How many may be under way now."""
        return int(self._allowed)

    def turn(self, tokens: int) -> Turn:
        """To be entered by ``async with``, which waits in line; ``tokens`` is a guess at what it will count for."""
        return Turn(self, tokens)

    async def begin(self, tokens: int) -> float:
        """Waits in line. Returns when the turn came, by the clock."""
        turn_came = asyncio.get_running_loop().create_future()
        self._line.append((turn_came, tokens))
        self._let_in()
        try:
            await turn_came
        except asyncio.CancelledError:
            # It may have come in the same moment.
            if not turn_came.cancelled():
                self.end(tokens)
            raise
        return self._clock()

    def end(self, tokens_back: int) -> None:
        """A turn is over, and so many of the tokens that it had taken were not used."""
        self._take(0, -tokens_back)
        self._under_way -= 1
        self._let_in()

    def answered(self, tokens_more: int) -> None:
        """See ``Turn.answered``; ``tokens_more`` than were guessed."""
        self._take(0, tokens_more)
        self._refusals = 0
        if self._climb is None:
            self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)
        elif self._climb.round_over(self.allowed, limited=bool(self._line)):
            self._allowed = min(float(self._most), self._allowed * self._climb.factor)
            self._let_in()

    def busy(self, turn: Turn, retry_after: float | None) -> None:
        """See ``Turn.busy``."""
        self._refusals += 1
        if self._refusals < 2:
            return
        now = self._clock()
        pause = _PAUSE_SECONDS if retry_after is None else retry_after
        self._paused_until = max(self._paused_until, now + pause)
        # Of those that were under way together, one speaks for all.
        if turn.started_at > self._stepped_down_at:
            self._stepped_down_at = now
            self._allowed = max(1.0, self._allowed * _STEP_DOWN)
            if self._climb is not None:
                self._climb.rest()

    def _let_in(self) -> None:
        """All whose turn it is, at once: one after the other, a burst of answers would leave the far end idle."""
        while self._line and self._under_way < self.allowed:
            if self._line[0][0].cancelled():
                self._line.popleft()
                continue
            delay = self._delay()
            if delay > 0:
                if self._timer is None:
                    self._timer = asyncio.create_task(self._let_in_after(delay), name="pace")
                return
            turn_came, tokens = self._line.popleft()
            self._take(1, tokens)
            self._under_way += 1
            turn_came.set_result(None)

    async def _let_in_after(self, delay: float) -> None:
        await self._sleep(delay)
        self._timer = None
        self._let_in()

    def _delay(self) -> float:
        delays = [bucket.delay() for bucket in (self._requests, self._tokens) if bucket is not None]
        return max(0.0, self._paused_until - self._clock(), *delays)

    def _take(self, requests: int, tokens: int) -> None:
        if self._requests is not None:
            self._requests.take(requests)
        if self._tokens is not None:
            self._tokens.take(tokens)


class _Climb:
    """Whether more at once brings more answers a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._best, self._best_at = 0.0, 0
        self._answers = 0
        self._limited = 0
        self._began = clock()
        self._rest = 0
        self.factor = 1.0

    def round_over(self, at_once: int, *, limited: bool) -> bool:
        """Counts an answer; True at the end of a round of ``at_once`` of them, with ``factor`` set anew."""
        self._answers += 1
        self._limited += limited
        if self._answers < 2 * at_once:
            return False
        now = self._clock()
        rate = self._answers / max(now - self._began, 1e-9)
        # Where hardly anybody waited, the rate says how much was asked, not how much the far end bears.
        held_back = self._limited * 2 > self._answers
        self._answers, self._limited, self._began = 0, 0, now
        self.factor = self._next(rate, at_once) if held_back else 1.0
        return True

    def rest(self) -> None:
        """The far end is full: no growing for a while."""
        self._rest = _ROUNDS_OF_REST
        self._answers, self._limited, self._began = 0, 0, self._clock()

    def _next(self, rate: float, at_once: int) -> float:
        if self._rest > 0:
            self._rest -= 1
            # What it bears may have changed meanwhile.
            self._best, self._best_at = (rate, at_once) if self._rest == 0 else (self._best, self._best_at)
            return 2.0 if self._rest == 0 else 1.0
        if rate > self._best * _WORTHWHILE:
            self._best, self._best_at = rate, at_once
            return 2.0
        self._rest = _ROUNDS_OF_REST
        # If there was a doubling since, it was in vain.
        return 0.5 if at_once > self._best_at else 1.0
