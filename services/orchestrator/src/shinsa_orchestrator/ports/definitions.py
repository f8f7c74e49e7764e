"""Where it is kept what the models and judges of runs were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class DefinitionStore(Protocol):
    """Documents by their digest (``definition_digest``); what is kept once stays."""

    async def keep(self, documents: Mapping[str, bytes]) -> None: ...

    async def kept(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        """Those of them that are there."""
        ...
