"""Charts and graphs as primitives, drawn alike by the window (QPainter) and on paper (ReportLab).

Coordinates are points (1/72 inch on paper, logical pixels on screen), origin top left, y downwards.
Colours are names of tokens (`resources/themes/tokens.json`): ink, muted, hairline, accent, met, breached, …
"""

from __future__ import annotations

from desktop_app.domain.canonical import record


@record
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str = "ink"
    width: float = 1.0
    dashed: bool = False


@record
class Curve:
    """A cubic Bézier from (x1, y1) to (x2, y2) with horizontal tangents, as lineage edges have."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str = "hairline"
    width: float = 1.2
    dashed: bool = False


@record
class Box:
    """A rectangle; `fill` or `stroke` may be empty."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    stroke: str = ""
    radius: float = 0.0
    dashed: bool = False


@record
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float
    colour: str = "accent"


@record
class Text:
    """One line of plain text; `y` is the baseline."""

    x: float
    y: float
    text: str
    size: float = 11.0
    colour: str = "ink"
    anchor: str = "start"  # start | middle | end
    bold: bool = False


Mark = Line | Curve | Box | Dot | Text


@record
class Figure:
    """A drawing with what it says in words (for screen readers and for the tagged page)."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    alt: str
