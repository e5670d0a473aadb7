"""The look of paper: fonts, colours and type sizes, read from the same tokens as the window.

Everything else in this room asks here for a face, a colour or a style by name; no size or colour is written
anywhere else. Lengths are points.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

RESOURCES = Path(__file__).resolve().parents[2] / "resources"

PAGE = (595.276, 841.890)  # A4
LEFT = RIGHT = 62.0
TOP, BOTTOM = 78.0, 66.0
WIDTH = PAGE[0] - LEFT - RIGHT
HEIGHT = PAGE[1] - TOP - BOTTOM

FACES = {
    "sans": "IBMPlexSans-Regular", "bold": "IBMPlexSans-SemiBold", "medium": "IBMPlexSans-Medium",
    "italic": "IBMPlexSans-Italic", "serif": "IBMPlexSerif-Regular", "serif-bold": "IBMPlexSerif-SemiBold",
    "serif-italic": "IBMPlexSerif-Italic", "mono": "IBMPlexMono-Regular",
}

# style → face, size, leading, colour, space before, space after
STYLES = {
    "kicker": ("sans", 8.5, 12, "muted", 0, 7),
    "title": ("serif-bold", 25, 30, "ink", 0, 3),
    "subtitle": ("serif", 12.5, 17, "muted", 0, 13),
    "lead": ("serif", 13.5, 19, "ink", 0, 14),
    "page": ("serif-bold", 19, 24, "ink", 0, 5),
    "intro": ("serif", 10.5, 15.5, "muted", 0, 13),
    "heading": ("bold", 10, 14, "ink", 13, 3),
    "body": ("sans", 9, 13.5, "ink", 0, 5),
    "bullet": ("sans", 9, 13.5, "ink", 0, 4),
    "note": ("sans", 8, 11.5, "muted", 3, 5),
    "label": ("sans", 8.5, 12.5, "muted", 0, 0),
    "value": ("sans", 8.8, 12.5, "ink", 0, 0),
    "cell": ("sans", 8, 11, "ink", 0, 0),
    "head": ("medium", 7.6, 10, "muted", 0, 0),
    "digest": ("mono", 6.9, 10.2, "ink", 0, 0),
    "command": ("mono", 8, 12.5, "ink", 1, 4),
    "statement-title": ("serif-bold", 16, 21, "ink", 6, 9),
    "statement": ("serif", 11.2, 18, "ink", 0, 8),
    "footer": ("sans", 7.5, 10, "muted", 0, 0),
}


@cache
def _tokens() -> dict[str, dict[str, str]]:
    read = json.loads((RESOURCES / "themes" / "tokens.json").read_text(encoding="utf-8"))
    return dict(read["colours"])


def hex_colour(token: str) -> str:
    """The light value of a token, `#RRGGBB`. An unknown token is drawn in ink."""
    tokens = _tokens()
    return tokens.get(token, tokens["ink"])["light"]


@cache
def colour(token: str) -> Any:
    """A token as a ReportLab colour."""
    from reportlab.lib.colors import HexColor

    return HexColor(hex_colour(token))


@cache
def _registered() -> dict[str, Any]:
    """Register every face once; face name → ReportLab font."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    fonts = {}
    for face, name in FACES.items():
        fonts[face] = TTFont(name, str(RESOURCES / "fonts" / f"{name}.ttf"))
        pdfmetrics.registerFont(fonts[face])
        pdfmetrics.registerFontFamily(name, normal=name, bold=name, italic=name, boldItalic=name)
    return fonts


def font(face: str) -> str:
    """The ReportLab name of a face."""
    return str(_registered()[face].fontName)


@cache
def glyphs(face: str) -> frozenset[int]:
    """The code points a face has a glyph for."""
    face_map: dict[int, int] = _registered()[face].face.charToGlyph
    return frozenset(point for point, glyph in face_map.items() if glyph)


def text_width(text: str, face: str, size: float) -> float:
    """Width in points of a line of text."""
    return float(_registered()[face].stringWidth(text, size))


@cache
def style(name: str, right: bool = False) -> Any:
    """A paragraph style by name, ranged left or right."""
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    face, size, leading, ink, before, after = STYLES[name]
    hanging = text_width("–\N{NO-BREAK SPACE}", face, size) if name == "bullet" else 0
    return ParagraphStyle(
        name, fontName=font(face), fontSize=size, leading=leading, textColor=colour(ink), spaceBefore=before,
        spaceAfter=after, alignment=TA_RIGHT if right else TA_LEFT, leftIndent=hanging,
        firstLineIndent=-hanging, splitLongWords=1, allowWidows=0, allowOrphans=0,
        keepWithNext=int(name in ("page", "statement-title")),
    )
