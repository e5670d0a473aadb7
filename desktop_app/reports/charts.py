"""Domain figures on paper: every mark as vectors, in the colours of the light theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from desktop_app.domain.evidence import Measure
from desktop_app.domain.figure import Box, Curve, Dot, Figure, Line, Text
from desktop_app.reports import look
from desktop_app.reports.numbers import real
from desktop_app.reports.text import paragraph, printable

_DASHES = [3, 2]


def drawing(figure: Figure, width: float = look.WIDTH, height: float = look.HEIGHT - 90) -> Any:
    """A figure as a flowable, made smaller where it would not fit width × height points."""
    from reportlab.platypus import Flowable

    scale = min(1.0, width / max(figure.width, 1), height / max(figure.height, 1))
    made = Flowable()
    made.width, made.height = figure.width * scale, figure.height * scale
    made.draw = lambda: _draw(made.canv, figure, scale)
    return made


def plate(figure: Figure, height: float = look.HEIGHT - 150) -> list[Any]:
    """A figure with air around it and its words below, kept on one page."""
    from reportlab.platypus import KeepTogether, Spacer

    words = [paragraph(figure.alt, style="note")] if figure.alt else []
    return [KeepTogether([Spacer(1, 8), drawing(figure, height=height), Spacer(1, 5), *words])]


def _draw(canvas: Any, figure: Figure, scale: float) -> None:
    """Draw every mark; paper's y points up, so each is measured from the figure's height."""
    canvas.saveState()
    canvas.scale(scale, scale)
    for mark in figure.marks:
        _MARKS[type(mark)](canvas, mark, figure.height)
    canvas.restoreState()


def _pen(canvas: Any, token: str, width: float, dashed: bool) -> None:
    canvas.setStrokeColor(look.colour(token))
    canvas.setLineWidth(width)
    canvas.setDash(_DASHES if dashed else [])


def _line(canvas: Any, mark: Line, height: float) -> None:
    _pen(canvas, mark.colour, mark.width, mark.dashed)
    canvas.line(mark.x1, height - mark.y1, mark.x2, height - mark.y2)


def _curve(canvas: Any, mark: Curve, height: float) -> None:
    _pen(canvas, mark.colour, mark.width, mark.dashed)
    middle, start, end = (mark.x1 + mark.x2) / 2, height - mark.y1, height - mark.y2
    canvas.bezier(mark.x1, start, middle, start, middle, end, mark.x2, end)


def _box(canvas: Any, mark: Box, height: float) -> None:
    if mark.stroke:
        _pen(canvas, mark.stroke, 0.8, mark.dashed)
    if mark.fill:
        canvas.setFillColor(look.colour(mark.fill))
    canvas.roundRect(mark.x, height - mark.y - mark.height, mark.width, mark.height,
                     min(mark.radius, mark.width / 2, mark.height / 2), stroke=bool(mark.stroke), fill=bool(mark.fill))


def _dot(canvas: Any, mark: Dot, height: float) -> None:
    canvas.setFillColor(look.colour(mark.colour))
    canvas.circle(mark.x, height - mark.y, mark.radius, stroke=0, fill=1)


def _text(canvas: Any, mark: Text, height: float) -> None:
    face = "bold" if mark.bold else "sans"
    canvas.setFont(look.font(face), mark.size)
    canvas.setFillColor(look.colour(mark.colour))
    draw = {"middle": canvas.drawCentredString, "end": canvas.drawRightString}.get(mark.anchor, canvas.drawString)
    draw(mark.x, height - mark.y, printable(mark.text, face))


_MARKS: dict[type, Callable[[Any, Any, float], None]] = {Line: _line, Curve: _curve, Box: _box, Dot: _dot, Text: _text}


def axis(scale: tuple[float, float], threshold: float | None, width: float) -> Figure:
    """The head of a column of intervals: the values at its ends, and at the threshold when there is room."""
    low, high = scale
    at = (threshold - low) / ((high - low) or 1.0) * (width - 4) + 2 if threshold is not None else 0.0
    marks: list[Line | Curve | Box | Dot | Text] = [
        Text(x=x, y=8, text=f"{value:.2f}", size=7, colour="muted", anchor=anchor)
        for x, value, anchor in ((0.0, low, "start"), (width, high, "end")) if abs(x - at) > 26 or threshold is None]
    if threshold is not None:
        middle = min(max(at, 8), width - 8)
        marks.append(Text(x=middle, y=8, text=f"{threshold:.2f}", size=7, colour="breached", anchor="middle"))
    return Figure(width=width, height=10, marks=tuple(marks), alt="")


def interval(measure: Measure, scale: tuple[float, float], threshold: float | None, width: float) -> Figure:
    """The small picture of an interval that stands in a table row: threshold dashed, interval, point.

    scale: the values at the left and right end; what lies outside is drawn to the edge.
    """
    low, high = scale
    tall, span = 11.0, high - low or 1.0

    def at(value: float) -> float:
        return min(max((value - low) / span, 0.0), 1.0) * (width - 4) + 2

    marks: list[Line | Curve | Box | Dot | Text] = []
    if threshold is not None:
        marks.append(Line(x1=at(threshold), y1=0, x2=at(threshold), y2=tall, colour="breached", width=0.7, dashed=True))
    value, left_end, right_end = (real(v) for v in (measure.value, measure.low, measure.high))
    if left_end is not None and right_end is not None:
        left, right = at(left_end), at(right_end)
        marks.append(Line(x1=left, y1=tall / 2, x2=right, y2=tall / 2, width=0.8))
        marks += [Line(x1=x, y1=tall / 2 - 2, x2=x, y2=tall / 2 + 2, width=0.8) for x in (left, right)]
    if value is not None:
        marks.append(Dot(x=at(value), y=tall / 2, radius=1.9))
    return Figure(width=width, height=tall, marks=tuple(marks), alt="")
