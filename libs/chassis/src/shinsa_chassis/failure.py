"""``ShinsaError`` to ``shinsa.failure.v1.Failure`` and back, without loss."""

from __future__ import annotations

import asyncio
import math

from google.protobuf.duration_pb2 import Duration
from shinsa.failure.v1 import failure_pb2

from shinsa_chassis.errors import Reason, ShinsaError

_PREFIX = "REASON_"
_LONGEST_WAIT = 365 * 86400.0


def to_failure(error: BaseException, *, origin: str = "") -> failure_pb2.Failure:
    """The wire form of any exception. ``origin`` is used where the error names none.

    What is not a ``ShinsaError`` becomes TIMEOUT, CANCELLED or INTERNAL; its own text stays here, since it may hold
    paths, keys or model output. Whoever calls this for an unknown exception logs it.
    """
    known = as_shinsa_error(error)
    return failure_pb2.Failure(
        reason=reason_number(known.reason),
        message=known.message,
        field=known.field,
        near_matches=known.near_matches,
        retry=failure_pb2.RetryHint(retryable=known.retryable, after=_duration(known.retry_after)),
        origin=known.origin or origin,
        attempts=known.attempts,
    )


def from_failure(failure: failure_pb2.Failure) -> ShinsaError:
    """The error that a failure stands for. A reason that this version does not know is INTERNAL, its message kept."""
    hint = failure.retry if failure.HasField("retry") else None
    return ShinsaError(
        reason_of(failure.reason),
        failure.message,
        field=failure.field,
        near_matches=failure.near_matches,
        retryable=hint.retryable if hint else None,
        retry_after=_seconds(hint.after) if hint and hint.HasField("after") else None,
        origin=failure.origin,
        attempts=max(1, failure.attempts),
    )


def as_shinsa_error(error: BaseException) -> ShinsaError:
    """The error itself if it is one of ours, else the one that may be shown to others in its place."""
    if isinstance(error, ShinsaError):
        return error
    if isinstance(error, asyncio.CancelledError):
        return ShinsaError(
            Reason.CANCELLED, "The work was cancelled before it was done; ask again if it is still wanted."
        )
    if isinstance(error, TimeoutError):
        return ShinsaError(Reason.TIMEOUT, "The work took longer than allowed; allow more time or ask for less.")
    return ShinsaError(
        Reason.INTERNAL, "Something unforeseen went wrong inside the service; its log holds the traceback."
    )


def reason_number(reason: Reason) -> failure_pb2.Reason.ValueType:
    """How a message names it."""
    return failure_pb2.Reason.Value(_PREFIX + reason.name)


def reason_of(number: int) -> Reason:
    """What a message names; INTERNAL where this version does not know it."""
    try:
        return Reason[failure_pb2.Reason.Name(number).removeprefix(_PREFIX)]  # type: ignore[arg-type]
    except (ValueError, KeyError):
        return Reason.INTERNAL


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    duration = Duration()
    duration.FromNanoseconds(round(min(max(seconds, 0.0), _LONGEST_WAIT) * 1e9))
    return duration


def _seconds(duration: Duration) -> float:
    return duration.ToNanoseconds() / 1e9
