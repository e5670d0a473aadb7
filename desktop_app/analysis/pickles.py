"""Telling a pickle by its content, in whatever it is wrapped, without unpickling anything."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickletools
import zlib
from typing import IO, Any

_MOST = 1 << 20  # bytes looked at
_OPCODES = 2_000
_DEEP = 3


def is_pickle(file: IO[bytes]) -> bool:
    """Whether the content starts as a pickle, also inside gzip, zlib, bzip2 or xz (as joblib writes)."""
    return _starts_as_pickle(file.read(_MOST), 0)


def _starts_as_pickle(data: bytes, depth: int) -> bool:
    if depth < _DEEP and (inner := _unwrapped(data)):
        return _starts_as_pickle(inner, depth + 1)
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    return _reads_as_opcodes(data)


def _unwrapped(data: bytes) -> bytes:
    """The first bytes inside a compressed stream; nothing when it is none."""
    openers: tuple[tuple[bytes, Any], ...] = (
        (b"\x1f\x8b", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, _MOST)),
        (b"x", lambda: zlib.decompressobj().decompress(data, _MOST)),
        (b"BZh", lambda: bz2.BZ2Decompressor().decompress(data, _MOST)),
        (b"\xfd7zXZ", lambda: lzma.LZMADecompressor().decompress(data, _MOST)),
        (b"]\x00\x00", lambda: lzma.LZMADecompressor().decompress(data, _MOST)),
        (b"ZF", lambda: zlib.decompressobj().decompress(data[data.find(b"x"):], _MOST)),  # joblib before 0.10
    )
    for magic, read in openers:
        if data.startswith(magic):
            try:
                return bytes(read())
            except (zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError, EOFError, ValueError):
                return b""
    return b""


def _reads_as_opcodes(data: bytes) -> bool:
    """Protocol 0 and 1 have no magic: opcodes up to a STOP, or many of them, with one that builds something."""
    builds = False
    try:
        for number, (opcode, _, _) in enumerate(pickletools.genops(data)):
            builds |= opcode.name in ("GLOBAL", "INST", "OBJ", "REDUCE", "BUILD", "PUT", "BINPUT", "MARK")
            if opcode.name == "STOP" or number > _OPCODES:
                return builds
    except Exception:  # noqa: BLE001  # pickletools raises many kinds on what is no pickle
        return False
    return False
