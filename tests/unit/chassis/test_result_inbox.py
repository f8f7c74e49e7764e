"""Taking a shard's inbox away from its previous owner."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from shinsa_chassis.result_inbox import ResultInbox

PAGE = 256


class Stream:
    """Lists consumers as the server does, so many at a time, and forgets those that are deleted."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    async def consumers_info(self, _stream: str, offset: int | None = None) -> list[SimpleNamespace]:
        first = offset or 0
        return [SimpleNamespace(name=name) for name in self.names[first : first + PAGE]]

    async def delete_consumer(self, _stream: str, name: str) -> None:
        self.names = [one for one in self.names if one != name]


async def test_a_previous_owner_is_found_among_many_inboxes() -> None:
    others = [f"results-shard-{number}-aa" for number in range(PAGE + 10)]
    stream: Any = Stream([*others, "results-mine-dead"])
    client: Any = None
    await ResultInbox(client, stream, "mine", lambda _callback: lambda: None)._evict_others()
    assert stream.names == others
