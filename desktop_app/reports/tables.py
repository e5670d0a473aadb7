"""Tables and lists of facts: hairlines, repeated heads, no boxes and no stripes; they split across pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from desktop_app.reports import look
from desktop_app.reports.text import NBSP, NONE, Run, fit, line, paragraph

GUTTER = 9.0
_ROWS = 250  # of one platypus table: longer ones are set in pieces, so that splitting stays linear


@dataclass(frozen=True)
class Column:
    """A column: its head, its share of the width in points, its range, the style its cells are set in.

    `wrap` False: one line, cut with …; much faster, for columns of short values in long tables.
    """

    head: Any  # str, or a flowable
    width: float
    right: bool = False
    style: str = "cell"
    wrap: bool = True


Cell = Any  # str | Run | tuple of these | a flowable


def _edges() -> list[Any]:
    """No frame, air between columns; the face is named even for cells of paragraphs, or a foreign font creeps in."""
    return [
        ("FONT", (0, 0), (-1, -1), look.font("sans"), 8, 11), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), GUTTER),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
    ]


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], empty: str = "") -> list[Any]:
    """A table over the whole width; `empty` is said in words where there are no rows."""
    body = list(rows)
    if not body:
        return [paragraph(empty or NONE, style="note")]
    scale = look.WIDTH / sum(c.width for c in columns)
    widths = [c.width * scale for c in columns]
    head = [paragraph(c.head, style="head", right=c.right) if isinstance(c.head, str) else c.head for c in columns]
    return [_piece(columns, widths, head, body[i:i + _ROWS], first=i == 0) for i in range(0, len(body), _ROWS)]


def _piece(columns: Sequence[Column], widths: list[float], head: list[Any], rows: list[Any], first: bool) -> Any:
    from reportlab.platypus import Table

    cells = [[_cell(v, c, w) for v, c, w in zip(row, columns, widths, strict=True)] for row in rows]
    style = [*_style(columns), *_together(rows)]
    made = Table([head, *cells], colWidths=widths, repeatRows=1, style=style, hAlign="LEFT")
    made.spaceBefore, made.spaceAfter = (4 if first else 0), 7
    return made


_SHORT = 600  # characters of rows that are kept together: they cannot be taller than what is left of a page


def _together(rows: list[Sequence[Cell]]) -> list[Any]:
    """No single row at the end of a page or at the top of the next, where the rows are short."""
    ends = [(0, rows[:2]), (max(0, len(rows) - 2), rows[-2:])]
    return [("NOSPLIT", (0, at + (at > 0)), (-1, at + len(kept))) for at, kept in ends
            if len(rows) > 3 and len(str(kept)) < _SHORT]


def _style(columns: Sequence[Column]) -> list[Any]:
    commands: list[Any] = [
        *_edges(), ("TOPPADDING", (0, 0), (-1, -1), 3.6), ("BOTTOMPADDING", (0, 0), (-1, -1), 4.2),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, look.colour("muted")),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, look.colour("hairline")),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
    ]
    for at, column in enumerate(columns):
        if not column.wrap:
            face, size, leading, ink, *_ = look.STYLES[column.style]
            commands += [("FONT", (at, 1), (at, -1), look.font(face), size, leading),
                         ("TEXTCOLOR", (at, 1), (at, -1), look.colour(ink))]
        commands.append(("ALIGN", (at, 1), (at, -1), "RIGHT" if column.right else "LEFT"))
    return commands


def _cell(value: Cell, column: Column, width: float) -> Any:
    face, size, *_ = look.STYLES[column.style]
    if not column.wrap:
        return fit(value, face, size, width - GUTTER)
    if not isinstance(value, (str, Run, tuple)):
        return value
    limit = max(80, int((width - GUTTER) / size * 40))  # no cell grows beyond fifty lines
    parts = value if isinstance(value, tuple) else (value,)
    return paragraph(*(_one_line(p, limit) for p in parts), style=column.style, right=column.right, limit=limit)


def _one_line(part: str | Run, limit: int) -> str | Run:
    """Cells have no line breaks of their own making: a thousand of them would be taller than a page."""
    text = part.text if isinstance(part, Run) else part
    inner = line(text, limit)
    kept = (" " if text[:1] in (" ", "\n") else "") + inner + (" " if text[-1:] in (" ", "\n") and inner else "")
    return Run(kept, part.face, part.colour) if isinstance(part, Run) else kept


LABEL = 104.0


def facts(pairs: Iterable[tuple[str, Sequence[Cell]]], label: float = LABEL) -> Any:
    """Labels and what they say, as on the first page of a report; every item is a row, so that it may split."""
    from reportlab.platypus import Table

    rows: list[list[Any]] = []
    commands: list[Any] = [*_edges(), ("TOPPADDING", (0, 0), (-1, -1), 1.2), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.2)]
    for name, items in pairs:
        at = len(rows)
        commands += [("LINEABOVE", (0, at), (-1, at), 0.4, look.colour("hairline")),
                     ("TOPPADDING", (0, at), (-1, at), 5)]
        for i, item in enumerate(items or (NONE,)):
            column = Column("", look.WIDTH - label, style="value")
            rows.append([paragraph(name if i == 0 else "", style="label"), _cell(item, column, look.WIDTH - label)])
        commands.append(("BOTTOMPADDING", (0, len(rows) - 1), (-1, len(rows) - 1), 5.5))
    made = Table(rows, colWidths=[label, look.WIDTH - label], style=commands, hAlign="LEFT")
    made.spaceAfter = 8
    return made


def section(title: str, intro: str = "") -> list[Any]:
    """The head of a part of the pack, on this page where there is room for its beginning; also in the outline."""
    from reportlab.platypus import CondPageBreak

    head = paragraph(title, style="page")
    head.outline = title
    head.spaceBefore = 34
    return [CondPageBreak(120), head, *([paragraph(intro, style="intro")] if intro else [])]


def heading(text: str, *more: str | Run) -> list[Any]:
    """A heading within a page; `flow` sees to it that it is never alone at its foot."""
    from reportlab.platypus import CondPageBreak

    return [CondPageBreak(0), paragraph(line(text), *more, style="heading")]


def rule() -> Any:
    """A hairline over the width."""
    from reportlab.platypus import HRFlowable

    return HRFlowable(width="100%", thickness=0.5, color=look.colour("hairline"), spaceBefore=7, spaceAfter=7)


def bullets(items: Iterable[str]) -> list[Any]:
    """Short points, one paragraph each."""
    return [paragraph(f"–{NBSP}", item, style="bullet") for item in items]
