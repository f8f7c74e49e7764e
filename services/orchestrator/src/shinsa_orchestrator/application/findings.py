"""What is made of what was seen of a mesh: findings, each with its severity and its remedy. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from shinsa_orchestrator.domain.operation import (
    Bus,
    Disk,
    Finding,
    Queue,
    Replica,
    Severity,
    StoreState,
    Stream,
)

SERVICES = ("orchestrator", "inference", "sandbox", "judge")
# Clocks: what repetitions are told apart by, and deadlines of tasks, in seconds.
CLOCK_WARNING_SECONDS = 2.0
CLOCK_ERROR_SECONDS = 30.0
# Shares of a file system, or of the storage of the message bus, that are left.
SPACE_WARNING = 0.10
SPACE_ERROR = 0.03
# A task that lies so long, with nobody to take it, is no matter of a model being loaded any more.
STALE_SECONDS = 900.0


def bus_findings(bus: Bus) -> Iterator[Finding]:
    """Storage, then each stream with its queues."""
    yield _storage(bus)
    for stream in bus.streams:
        yield from _stream(stream)


def _storage(bus: Bus) -> Finding:
    used = f"JetStream answers and holds {_bytes(bus.storage_bytes)}"
    if not bus.storage_limit:
        return Finding("nats", "JetStream", Severity.OK, f"{used}.")
    left = 1 - bus.storage_bytes / bus.storage_limit
    severity = _space(left)
    remedy = "" if severity is Severity.OK else "give NATS more storage, or let runs finish before more are submitted"
    return Finding(
        "nats", "JetStream", severity, f"{used} of {_bytes(bus.storage_limit)}, {max(0.0, left):.0%} are left.", remedy
    )


def _stream(stream: Stream) -> Iterator[Finding]:
    if not stream.exists:
        remedy = "restart any service of the mesh: it declares what is missing. Was the storage of NATS lost?"
        yield Finding("streams", stream.name, Severity.ERROR, "The stream is missing.", remedy)
        return
    age = f", the oldest {_duration(stream.oldest_seconds)} old" if stream.oldest_seconds is not None else ""
    holds = f"{stream.messages:,} messages, {_bytes(stream.bytes)}{age}"
    if stream.differences:
        remedy = f"bring it to what is declared with `nats stream edit {stream.name}`, or mend nats_replicas"
        yield Finding("streams", stream.name, Severity.WARNING, f"{'; '.join(stream.differences)}; {holds}.", remedy)
    elif stream.behind:
        remedy = "look at these NATS servers; with two of three gone nothing is stored any more"
        yield Finding(
            "streams", stream.name, Severity.WARNING, f"Copies on {', '.join(stream.behind)} lag; {holds}.", remedy
        )
    else:
        yield Finding("streams", stream.name, Severity.OK, f"As declared; {holds}.")
    for queue in stream.queues:
        yield from _queue(stream, queue)


def _queue(stream: Stream, queue: Queue) -> Iterator[Finding]:
    subject = f"{stream.name} {queue.name}"
    if queue.differences:
        remedy = f"delete it with `nats consumer rm {stream.name} {queue.name}`; a worker makes it anew"
        yield Finding("queues", subject, Severity.ERROR, f"{'; '.join(queue.differences)}.", remedy)
    elif queue.waiting and not queue.takers and not queue.handed_out:
        stale = (stream.oldest_seconds or 0.0) >= STALE_SECONDS
        yield Finding(
            "queues",
            subject,
            Severity.ERROR if stale else Severity.WARNING,
            f"{queue.waiting:,} tasks wait and nobody takes them.",
            "start a worker that serves it, or see why none does: models, judges and sandboxes below",
        )
    elif queue.waiting or queue.handed_out:
        yield Finding(
            "queues", subject, Severity.OK, f"{queue.waiting:,} tasks wait, {queue.handed_out:,} are handed out."
        )


def letter_findings(count: int) -> Iterator[Finding]:
    if not count:
        yield Finding("dead_letters", "SHINSA_DEAD_LETTERS", Severity.OK, "No task was given up.")
        return
    yield Finding(
        "dead_letters",
        "SHINSA_DEAD_LETTERS",
        Severity.WARNING,
        f"{count:,} tasks were given up by their queues.",
        "`shinsa admin dead-letters list` says why; requeue or drop them",
    )


def store_findings(store: StoreState) -> Iterator[Finding]:
    about = f"{store.kind}, {_bytes(store.bytes)}, version {store.version or 'none'}"
    if store.version == store.needed:
        yield Finding("stores", store.name, Severity.OK, f"It can be reached; {about}.")
    else:
        remedy = "run `python -m shinsa_orchestrator migrate` with this program's version"
        message = f"Its version is not the one that this program needs ({store.needed}); {about}."
        yield Finding("stores", store.name, Severity.ERROR, message, remedy)
    yield _clock(store.name, store.clock_offset, store.clock_doubt)


def replica_findings(replicas: Sequence[Replica], version: str) -> Iterator[Finding]:
    """Who answers and who takes no work; versions, clocks and disks of all."""
    of: dict[str, list[Replica]] = defaultdict(list)
    for replica in replicas:
        of[replica.service].append(replica)
    for service in SERVICES:
        yield _presence(service, of[service])
    yield _versions(replicas, version)
    for replica in replicas:
        name = f"{replica.service} {replica.name}"
        yield from (_hindrance(name, problem) for problem in replica.problems)
        yield _clock(name, replica.clock_offset, replica.clock_doubt)
        yield from (_disk(name, disk) for disk in replica.disks)


def _presence(service: str, replicas: Sequence[Replica]) -> Finding:
    if not replicas:
        remedy = f"start one, or let it scale up; where one runs, look at its log and its credentials for {service!r}"
        return Finding("replicas", service, Severity.ERROR, f"No replica of {service} answers.", remedy)
    in_flight = sum(one.in_flight for one in replicas)
    counts = f"{len(replicas)} of {service} answer, {in_flight:,} in flight"
    held = [one.name for one in replicas if one.held]
    if not held:
        return Finding("replicas", service, Severity.OK, f"{counts}.")
    severity = Severity.ERROR if len(held) == len(replicas) else Severity.WARNING
    remedy = f"when the work on it is done: `shinsa admin drain {service} --undo`"
    return Finding("replicas", service, severity, f"{counts}; no new work is taken by {', '.join(held)}.", remedy)


def _hindrance(name: str, problem: str) -> Finding:
    """The replica's own word: what is wrong, and after the last semicolon or colon what to do."""
    remedy = "do what it says; it becomes ready again by itself"
    return Finding("replicas", name, Severity.ERROR, f"It is not ready: {problem.rstrip('.')}.", remedy)


def _versions(replicas: Sequence[Replica], version: str) -> Finding:
    told = defaultdict(list)
    for replica in replicas:
        told[replica.version or "unknown"].append(f"{replica.service} {replica.name}")
    others = {one: names for one, names in told.items() if one != version}
    if not others:
        return Finding("versions", "services", Severity.OK, f"All replicas are of version {version}.")
    named = "; ".join(f"{one}: {', '.join(names)}" for one, names in sorted(others.items()))
    remedy = "in the middle of an upgrade this passes by itself; else bring all to one version"
    return Finding(
        "versions", "services", Severity.WARNING, f"This orchestrator is {version}, others are not: {named}.", remedy
    )


def _clock(name: str, offset: float, doubt: float) -> Finding:
    off = max(0.0, abs(offset) - doubt)
    severity = Severity.OK
    if off > CLOCK_WARNING_SECONDS:
        severity = Severity.ERROR if off > CLOCK_ERROR_SECONDS else Severity.WARNING
    if severity is Severity.OK:
        return Finding("clocks", name, severity, "Its clock agrees with the orchestrator's.")
    way = "ahead of" if offset > 0 else "behind"
    message = f"Its clock is {off:.1f} s {way} the orchestrator's: deadlines, ages and repetitions are misjudged."
    return Finding("clocks", name, severity, message, "let its host keep time (chrony, systemd-timesyncd)")


def _disk(name: str, disk: Disk) -> Finding:
    left = disk.free_bytes / disk.total_bytes if disk.total_bytes else 1.0
    severity = _space(left)
    remedy = "" if severity is Severity.OK else "make room there; a store or a sandbox on a full disk stands still"
    return Finding("disks", f"{name} {disk.path}", severity, f"{_bytes(disk.free_bytes)} are free, {left:.0%}.", remedy)


def _space(left: float) -> Severity:
    if left < SPACE_ERROR:
        return Severity.ERROR
    return Severity.WARNING if left < SPACE_WARNING else Severity.OK


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _bytes(count: int) -> str:
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "B" else f"{size:.1f} {units[0]}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
