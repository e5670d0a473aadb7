"""Numbers as printed, figures as drawn, tables as set."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packs import lineage_figure

from desktop_app.domain.canonical import Number, number
from desktop_app.domain.evidence import Measure
from desktop_app.domain.figure import Box, Curve, Dot, Figure, Line, Text
from desktop_app.reports import charts, look, numbers
from desktop_app.reports.flow import keep_headings
from desktop_app.reports.tables import Column, facts, heading, section, table


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        ("0.8123456", 3, "0.812"),
        ("-0.41", 2, "−0.41"),
        ("1234567.891", 1, "1,234,567.9"),
        (None, 3, "–"),
        ("x", 3, "–"),
        ("nan", 3, "–"),
        ("0.00993", 2, "0.00993"), ("-0.00795", 2, "−0.00795"),
        ("2.1e-07", 3, "2.10e−07"),
        ("0.0", 3, "0.000"),
        ("1e300", 2, "1.00e+300"),
    ],
)
def test_numbers(value: str | None, digits: int, shown: str) -> None:
    assert numbers.figure(value, digits) == shown


@settings(deadline=None)
@given(st.floats(-1e6, 1e6))
def test_a_printed_number_is_near_the_recorded_one(value: float) -> None:
    shown = numbers.figure(number(value), 3).replace("−", "-").replace(",", "")
    assert math.isclose(float(shown), value, abs_tol=0.00051, rel_tol=0.006)


def test_a_measure_has_its_interval_or_its_reason() -> None:
    measure = Measure(value=Number("0.81"), low=Number("0.74"), high=Number("0.88"))
    assert numbers.measured(measure, 2) == "0.81 [0.74, 0.88]"
    assert numbers.measured(Measure(value=None, reason="no positive label")) == "– no positive label"
    assert numbers.measured(Measure(value=None)) == "–"


def test_moments_and_digests() -> None:
    at = datetime(2027, 3, 12, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    assert numbers.moment(at) == "11 Mar 2027, 23:05 UTC"
    assert numbers.moment(datetime(2027, 3, 12, tzinfo=UTC)) == "12 Mar 2027, 00:00 UTC"
    assert numbers.short("19f03c77a1b852de0c4e" + "0" * 44) == "19f0 3c77 a1b8 52de…"
    assert (numbers.bytes_text(900), numbers.bytes_text(4_812_331), numbers.bytes_text(48_000_000)) == (
        "900 bytes",
        "4,812 kB",
        "48 MB",
    )


class Pen:
    """A canvas that writes down what is drawn on it."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **_: self.drawn.append((name, args))


MARKS = (
    Line(x1=0, y1=0, x2=10, y2=20, dashed=True),
    Curve(x1=0, y1=0, x2=100, y2=50),
    Box(x=5, y=10, width=20, height=30, fill="met"),
    Dot(x=50, y=60, radius=2),
    Text(x=1, y=2, text="模 ok", anchor="end", bold=True),
)


def test_every_mark_is_drawn_with_y_turned_up() -> None:
    pen = Pen()
    flowable = charts.drawing(Figure(width=100, height=80, marks=MARKS, alt=""))
    flowable.canv = pen
    flowable.draw()
    drawn = dict(pen.drawn)
    assert drawn["line"] == (0, 80, 10, 60)
    assert drawn["bezier"] == (0, 80, 50, 80, 50, 30, 100, 30)
    assert drawn["roundRect"][:4] == (5, 40, 20, 30)
    assert drawn["circle"][:3] == (50, 20, 2)
    assert drawn["drawRightString"] == (1, 78, "� ok")
    assert drawn["setDash"] in ([], ([],), ([3, 2],))


def test_a_wide_figure_is_made_to_fit_and_a_small_one_is_left() -> None:
    wide = charts.drawing(lineage_figure())
    assert wide.width == pytest.approx(look.WIDTH)
    assert wide.height == pytest.approx(200 * look.WIDTH / 770)
    assert charts.drawing(Figure(width=50, height=10, marks=(), alt="")).width == 50


def test_the_interval_lies_where_its_numbers_say() -> None:
    figure = charts.interval(Measure(value=Number("0.8"), low=Number("0.7"), high=Number("9")), (0.5, 1.1), 0.8, 64)
    dot = next(m for m in figure.marks if isinstance(m, Dot))
    lines = [m for m in figure.marks if isinstance(m, Line)]
    assert dot.x == pytest.approx(2 + 60 * 0.5)
    assert (lines[0].dashed, lines[0].x1) == (True, pytest.approx(dot.x))
    assert (lines[1].x1, lines[1].x2) == (pytest.approx(22), pytest.approx(62))  # what lies beyond stops at the edge


def pages(story: list[Any]) -> int:
    from reportlab.platypus import SimpleDocTemplate

    document = SimpleDocTemplate(BytesIO(), pagesize=look.PAGE)
    document.build(story)
    return int(document.page)


WIDE = st.sampled_from(["W" * 5000, "x", "", "a " * 900, "l\n" * 500, "—" * 3000, "模" * 700])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(WIDE, WIDE, WIDE), min_size=1, max_size=4))
def test_no_cell_is_taller_than_a_page(rows: list[tuple[str, str, str]]) -> None:
    columns = (Column("A", 30), Column("B", 300, right=True), Column("C", 60, style="digest", wrap=False))
    story = [*table(columns, rows), facts([("Label", list(rows[0]))])]
    for flowable in story:
        flowable.wrap(look.WIDTH, look.HEIGHT)
        assert max(flowable._rowHeights) < look.HEIGHT - 40


def test_a_long_table_repeats_its_head_over_many_pages() -> None:
    columns = (Column("Entry", 50, right=True, wrap=False), Column("What", 200))
    assert pages(table(columns, [(str(i), f"row {i}") for i in range(600)])) > 12


def test_a_heading_goes_to_the_page_of_what_it_heads() -> None:
    from reportlab.platypus import Spacer

    for left in (40, 60, 80, 100, 140, 180):
        story = [Spacer(1, look.HEIGHT - left), *heading("Nodes"), *table((Column("A", 50),), [("x",)] * 9)]
        keep_headings(story)
        (needed,) = {f.height for f in story if type(f).__name__ == "CondPageBreak"}
        rows = story[-1]._rowHeights
        assert needed > 14 + sum(rows[:3])  # the heading's own line, the head of the table and two rows
    story = [*section("Where it comes from", "Upstream."), *charts.plate(lineage_figure())]
    keep_headings(story)
    assert story[0].height > 24 + 200 * look.WIDTH / 770


def test_what_is_taller_than_a_page_is_asked_no_more_than_a_page() -> None:
    story = [*heading("Long"), *table((Column("A", 50),), [("W" * 5000,)] * 3)]
    keep_headings(story)
    assert story[0].height <= look.HEIGHT
    assert pages(story) > 1


def test_an_empty_table_says_so() -> None:
    (only,) = table((Column("A", 10),), [], empty="Nothing was measured.")
    assert only.getPlainText() == "Nothing was measured."
