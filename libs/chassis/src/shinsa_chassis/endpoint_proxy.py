"""The way to an endpoint, where a proxy stands between."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(url: str) -> str | None:
    """The proxy that the usual variables (``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``) name for an address."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
