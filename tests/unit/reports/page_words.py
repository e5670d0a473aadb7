"""The words of a page, read back from its content stream: ASCII as drawn, other characters as they fall."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pikepdf


def words(pdf: bytes | Path, page: int | None = None) -> str:
    """The text drawn on a page (from 1), or on all of them; the lines of a paragraph are joined by blanks."""
    with pikepdf.open(BytesIO(pdf) if isinstance(pdf, bytes) else pdf) as opened:
        chosen = opened.pages if page is None else [opened.pages[page - 1]]
        drawn = [
            bytes(operands[0])
            for p in chosen
            for operands, operator in pikepdf.parse_content_stream(p)
            if str(operator) == "Tj"
        ]
    return " ".join(b" ".join(drawn).decode("latin-1").split())
