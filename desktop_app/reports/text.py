"""The one door through which text reaches paper.

Nothing a person typed is markup: it is cleaned (no control, bidirectional or invisible characters), cut at a
length, escaped, and set run by run in a face that has its glyphs. What no face has is printed as �, so that a
missing letter is seen and never silently left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from desktop_app.reports import look

LIMIT = 20_000  # characters of one text
MISSING = "\N{REPLACEMENT CHARACTER}"
NONE = "–"
NBSP = "\N{NO-BREAK SPACE}"
_INVISIBLE = {"Cc", "Cf", "Cs"}
_FALLBACK = ("sans", "mono", "serif")
_BLANKS = re.compile(r"[ \n]+")
_PLAIN = re.compile(r"[\n -~]*\Z")

MARKS = {
    "met": ("✓", "met"), "breached": ("!", "breached"), "undetermined": ("?", "undetermined"),
    "not_computable": (NONE, "not_computable"), "reported": ("", "reported"), "none": ("", "muted"),
    "satisfied": ("✓", "met"), "attention": ("!", "undetermined"), "blocking": ("!", "breached"),
    "not_tested": (NONE, "not_computable"),
}


@dataclass(frozen=True)
class Run:
    """A stretch of text in another face or colour than its paragraph; empty: as the paragraph."""

    text: str
    face: str = ""
    colour: str = ""


def bold(text: str) -> Run:
    """Text that carries the line."""
    return Run(text, "bold")


def muted(text: str) -> Run:
    """Text that stands back."""
    return Run(text, "", "muted")


def mono(text: str) -> Run:
    """A digest, an id or a command within text."""
    return Run(text, "mono")


def verdict(state: str, word: str = "") -> Run:
    """A verdict as mark, word and colour; never colour alone."""
    mark, ink = MARKS.get(state, ("", "ink"))
    said = f"{mark} {word or state.replace('_', ' ')}".strip()
    return Run(said.replace(" ", NBSP) if len(said) < 24 else said, "medium", ink)


def clean(text: str, limit: int = LIMIT) -> str:
    """Text as it may be printed: NFC, no control, invisible or bidirectional characters, cut at `limit`."""
    if not _PLAIN.match(text):
        text = text.replace("\t", " ").replace("\u2028", "\n").replace("\u2029", "\n")
        text = unicodedata.normalize("NFC", text[: 4 * limit])
        text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _INVISIBLE)
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters are in the embedded pack.json)"


def line(text: str, limit: int = 600) -> str:
    """Cleaned text on one line."""
    return _BLANKS.sub(" ", clean(text, limit)).strip(" ")


def _face(char: str, wanted: str) -> str:
    """The first face that has a glyph for the character, empty where none has."""
    return next((f for f in (wanted, *_FALLBACK) if ord(char) in look.glyphs(f)), "")


def spans(text: str, face: str) -> Iterator[tuple[str, str]]:
    """(face, text) runs that every glyph exists for; `text` is cleaned and without line breaks."""
    if text.isascii():
        yield face, text
        return
    for found, run in groupby(text, key=lambda c: _face(c, face)):
        words = "".join(run)
        yield found or face, words if found else MISSING * len(words)


def printable(text: str, face: str) -> str:
    """One line for a single face: what the face lacks is shown as �."""
    have = look.glyphs(face)
    return "".join(c if ord(c) in have else MISSING for c in line(text))


def fit(text: str, face: str, size: float, width: float) -> str:
    """One line for a single face, cut with … where it would be wider than `width` points."""
    shown = printable(text, face)
    if look.text_width(shown, face, size) <= width:
        return shown
    keep = next((n for n in range(min(len(shown), 400), 0, -1)
                 if look.text_width(shown[:n] + "…", face, size) <= width), 0)
    return shown[:keep] + "…"


def _markup(part: str | Run, face: str, limit: int) -> str:
    run = part if isinstance(part, Run) else Run(part)
    wanted = run.face or face
    out = []
    for row in clean(run.text, limit).split("\n"):
        out.append("".join(
            escape(words) if found == face else f'<font name="{look.font(found)}">{escape(words)}</font>'
            for found, words in spans(row, wanted)))
    made = "<br/>".join(out)
    return f'<font color="{look.hex_colour(run.colour)}">{made}</font>' if run.colour else made


def paragraph(*parts: str | Run, style: str = "body", right: bool = False, limit: int = LIMIT) -> Any:
    """A flowable paragraph of escaped text. Raises nothing for any text."""
    from reportlab.platypus import Paragraph

    face = look.STYLES[style][0]
    return Paragraph("".join(_markup(p, face, limit) for p in parts), look.style(style, right))


def paragraphs(text: str, style: str = "body") -> list[Any]:
    """A longer text: one paragraph per block between blank lines, so that it flows across pages."""
    blocks = [b for b in re.split(r"\n[ \t]*\n", clean(text)) if b.strip()]
    return [paragraph(block, style=style) for block in blocks]
