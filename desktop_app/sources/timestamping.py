"""Asks a timestamping authority (RFC 3161 §3.4: over HTTP)."""

from __future__ import annotations

from contextlib import closing

from desktop_app.errors import UserError
from desktop_app.sources.http_wire import Wire, parse_address

WHAT = "timestamping authority"
TIMEOUT = 20.0  # seconds


def ask(url: str, query: bytes, limit: int) -> bytes:
    """The authority's response to a request, both in DER; no more than `limit` bytes. Raises UserError, Unreachable."""
    try:
        address, auth = parse_address(url)
    except ValueError as error:
        raise UserError("This is not the address of a timestamping authority.", f"{url}: {error}",
                        "Write it as https://HOST/PATH or http://HOST/PATH.") from error
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    with closing(Wire(address, WHAT, timeout=TIMEOUT, headers=headers, auth=auth)) as wire, \
            wire.open("POST", "", content=query) as response:
        data = b"".join(wire.chunks(response, limit))
    if response.status_code != 200:
        raise wire.nonsense("", f"It answered with status {response.status_code}.")
    return data
