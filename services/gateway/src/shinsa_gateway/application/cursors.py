"""Cursors that only come from us: signed together with what was asked for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_gateway.ports.access import Access

_SECRET = "cursors"  # noqa: S105 - the name of one
_MAC_BYTES = 16
_MOST_LENGTH = 1024


class Cursors:
    """Seals the cursors of the services behind us, and opens what clients bring back."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._secret = b""

    async def seal(self, asked: str, cursor: str | None) -> str | None:
        """``asked`` says which list, with which filters; None stays None."""
        if not cursor:
            return None
        plain = cursor.encode()
        return base64.urlsafe_b64encode(await self._mac(asked, plain) + plain).decode().rstrip("=")

    async def open(self, asked: str, sealed: str) -> str:
        """Raises ``ShinsaError`` (invalid_argument) for what we did not seal, or sealed for another list."""
        if not sealed:
            return ""
        try:
            if len(sealed) > _MOST_LENGTH:
                raise ValueError("too long")
            content = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            mac, plain = content[:_MAC_BYTES], content[_MAC_BYTES:]
            if hmac.compare_digest(mac, await self._mac(asked, plain)):
                return plain.decode()
        except (ValueError, binascii.Error):
            pass
        message = "cursor: is not one that this list gave, or its filters were others; start from the first page"
        raise ShinsaError(Reason.INVALID_ARGUMENT, message, field="cursor")

    async def _mac(self, asked: str, plain: bytes) -> bytes:
        if not self._secret:
            self._secret = await self.access.secret(_SECRET)
        return hmac.new(self._secret, asked.encode() + b"\x00" + plain, hashlib.sha256).digest()[:_MAC_BYTES]
