"""Server-sent events: a run as it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from shinsa_client.answer import JsonObject
from shinsa_client.errors import Refused


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream; ``name`` is "message" where it has none."""

    name: str
    data: str


@dataclass(slots=True)
class EventReader:
    """Parses ``text/event-stream`` line by line (HTML standard, section 9.2.6)."""

    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def line(self, line: str) -> Event | None:
        """The event that this line ends, if it ends one."""
        if not line:
            event = Event(self._name or "message", "\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        return None


def run_in(event: Event) -> JsonObject | None:
    """The run that an event carries; events of other kinds carry none. Raises ``Refused`` for a problem."""
    try:
        body = json.loads(event.data)
    except ValueError:
        return None
    if event.name == "problem" and isinstance(body, dict):
        raise Refused(int(body.get("status") or 500), body)
    return body if isinstance(body, dict) and "state" in body and "id" in body else None
