"""Messages between the program and its worker: four bytes of length, then JSON. No pickle in either direction."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

MAX_REQUEST = 4 << 20
MAX_ANSWER = 256 << 20
_LENGTH = struct.Struct(">I")


class BadMessage(ValueError):
    """What came is no message: cut short, too long, or no JSON object."""


def send(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Write one message and flush. Non-finite numbers are refused (ValueError)."""
    data = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("utf-8")
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO, most: int) -> dict[str, Any] | None:
    """The next message of up to `most` bytes, None at the end. Raises BadMessage."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise BadMessage("cut short")
    size = int(_LENGTH.unpack(head)[0])
    if size > most:
        raise BadMessage(f"a message of {size:,} bytes")
    data = stream.read(size)
    if len(data) < size:
        raise BadMessage("cut short")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadMessage("no JSON") from error
    if not isinstance(message, dict):
        raise BadMessage("no object")
    return message
