"""Reading a PDF that may be hostile: its embedded files, and a digest per page that ignores how it was written.

Nothing is rendered and nothing is executed. Sizes are capped before anything is unpacked, and the only filter
that is undone is the one our own packs use.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from desktop_app.domain.canonical import Digest
from desktop_app.errors import UserError

MAX_FILE = 256_000_000  # bytes of a PDF
MAX_ATTACHMENT = 128_000_000  # bytes of an embedded file or of any stream of a page, unpacked
MAX_ATTACHMENTS = 64
MAX_PAGES = 5_000
_UNWRITTEN = ("/Length", "/Filter", "/DecodeParms")  # how a stream is packed, not what it says
_ASK = "Ask whoever gave you this file for the audit PDF as it was exported."


def extract(source: Path | str | bytes) -> dict[str, bytes]:
    """The embedded files of a PDF by name, in the order of their names; empty when there are none.

    Raises UserError for anything but a readable, unencrypted PDF, or when a size is beyond its cap.
    """
    with _opened(source) as pdf:
        names = sorted(pdf.attachments)
        if len(names) > MAX_ATTACHMENTS:
            raise UserError("This PDF has too many embedded files.", f"{len(names)}; {MAX_ATTACHMENTS} are read.", _ASK)
        return {name: _unpacked(pdf.attachments[name].get_file().obj, name) for name in names}


def page_contents(source: Path | str | bytes) -> tuple[Digest, ...]:
    """A SHA-256 per page over its unpacked content and everything it draws with, fonts and annotations included.

    Object numbers and compression do not matter: two files written apart from the same pack agree.
    Raises UserError as `extract` does.
    """
    with _opened(source) as pdf:
        if len(pdf.pages) > MAX_PAGES:
            raise UserError("This PDF has too many pages.", f"{len(pdf.pages):,}; {MAX_PAGES:,} are read.", _ASK)
        known: dict[tuple[int, int], bytes] = {}
        return tuple(Digest(_digest(page.obj, known).hex()) for page in pdf.pages)


def first_difference(theirs: tuple[Digest, ...], ours: tuple[Digest, ...]) -> int | None:
    """The number of the first page (from 1) that is not the same in both, None when all are."""
    pairs = zip_longest(theirs, ours)
    return next((i for i, (a, b) in enumerate(pairs, start=1) if a != b), None)


@contextmanager
def _opened(source: Path | str | bytes) -> Iterator[Any]:
    """The PDF, open; every way in which a file can be bad becomes a UserError."""
    import pikepdf

    data = _bytes(source)
    _limit_memory()
    try:
        with pikepdf.open(BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                raise UserError("This PDF is encrypted.", "An audit PDF never is.", _ASK)
            yield pdf
    except pikepdf.PasswordError as error:
        raise UserError("This PDF is encrypted.", "An audit PDF never is.", _ASK) from error
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ValueError, TypeError, KeyError, AttributeError,
            RuntimeError, ArithmeticError, MemoryError, zlib.error) as error:  # RecursionError is a RuntimeError
        raise UserError("This PDF is broken and cannot be read.",
                        "It was cut short or damaged, or is not written as a PDF must be.", _ASK) from error


@cache
def _limit_memory() -> None:
    """Since qpdf unpacks object streams by itself, tell it, once for the process, where to stop."""
    from pikepdf import settings

    settings.set_qpdf_limits(flate_max_memory=MAX_FILE)


def _bytes(source: Path | str | bytes) -> bytes:
    if isinstance(source, bytes):
        data = source
    else:
        try:
            with Path(source).open("rb") as file:
                data = file.read(MAX_FILE + 1)
        except OSError as error:
            raise UserError("The file cannot be read.", str(error), "Check its name and your rights.") from error
    if len(data) > MAX_FILE:
        raise UserError("This file is too large.", f"More than {MAX_FILE:,} bytes.", _ASK)
    if not data.startswith(b"%PDF-"):
        raise UserError("This is not a PDF.", "The file does not begin as one.", "Choose the audit PDF itself.")
    return data


def _unpacked(stream: Any, what: str) -> bytes:
    """The content of a stream. Raises UserError for another filter than ours and for what grows beyond the cap."""
    import pikepdf

    named = stream.get("/Filter", None)
    filters = [] if named is None else [str(n) for n in named] if isinstance(named, pikepdf.Array) else [str(named)]
    raw = bytes(stream.read_raw_bytes())
    if not filters and len(raw) <= MAX_ATTACHMENT:
        return raw
    if filters != ["/FlateDecode"] or stream.get("/DecodeParms", None) is not None:
        raise UserError("This PDF is not as this program writes it.", f"{what[:80]}: packed with {filters}"[:300], _ASK)
    data = zlib.decompressobj().decompress(raw, MAX_ATTACHMENT + 1)
    if len(data) > MAX_ATTACHMENT:
        raise UserError("This PDF holds too much.", f"{what[:80]}: more than {MAX_ATTACHMENT:,} bytes.", _ASK)
    return data


def _digest(value: Any, known: dict[tuple[int, int], bytes]) -> bytes:
    """A digest of an object by what it says, each indirect object once; a cycle is marked, not followed."""
    import pikepdf

    if not isinstance(value, pikepdf.Object):
        return hashlib.sha256(f"s{type(value).__name__}{value}".encode()).digest()
    place = value.objgen
    if value.is_indirect and place in known:
        return known[place]
    if value.is_indirect:
        known[place] = b"cycle"
    made = _fresh(value, known)
    if value.is_indirect:
        known[place] = made
    return made


def _fresh(value: Any, known: dict[tuple[int, int], bytes]) -> bytes:
    import pikepdf

    if isinstance(value, pikepdf.Array):
        return hashlib.sha256(b"a" + b"".join(_digest(item, known) for item in value)).digest()
    packed = isinstance(value, pikepdf.Stream)
    if not packed and not isinstance(value, pikepdf.Dictionary):
        return hashlib.sha256(b"o" + value.unparse()).digest()
    hashed = hashlib.sha256(b"d")
    for key in sorted(value.keys()):
        if key != "/Parent" and not (packed and key in _UNWRITTEN):
            hashed.update(hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest() + _digest(value[key], known))
    if packed:
        hashed.update(hashlib.sha256(_unpacked(value, "a stream of a page")).digest())
    return hashed.digest()
