"""Pictures of a bias report in lines: how rates move with the cut-off and over time, and whether scores mean what they
say.

Lines are told apart by the name at their end, never by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from desktop_app.analysis import alternatives
from desktop_app.analysis.lettering import elide
from desktop_app.domain.evidence import SEARCHES, Evidence, FairnessResult, FairnessSpec
from desktop_app.domain.figure import Box, Dot, Figure, Line, Mark, Text

WIDTH, HEIGHT = 620.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 470.0, 36.0, 236.0
FEWEST = 10  # rows (or weight) of a point of calibration that is drawn
_LEAST = 14.0  # between two names at the ends of lines
MOST = 8  # groups drawn; the largest
_COLOURS = ("accent", "ink", "met", "undetermined", "breached", "muted")
Points = list[tuple[float, float]]


def over_time(evidence: Evidence, only: str = "") -> tuple[Figure, ...]:
    """Of each attribute, or of one: the share of each group in each period. None without a column of days."""
    result, spec = evidence.fairness, evidence.fairness_spec
    if result is None or spec is None or not result.over_time:
        return ()
    attributes = [a for a in dict.fromkeys(r.attribute for r in result.over_time) if only in ("", a)]
    return tuple(_over_time(evidence, spec, attribute) for attribute in attributes)


def score_charts(evidence: Evidence, only: str = "") -> tuple[Figure, ...]:
    """Of each attribute, or of one: the sweep, and where a label was given calibration and other cut-offs.

    None without scores.
    """
    result, spec = evidence.fairness, evidence.fairness_spec
    if result is None or spec is None or not result.cuts:
        return ()
    attributes = [a for a in dict.fromkeys(s.attribute for s in result.sweep) if only in ("", a)]
    made = [_sweep(evidence, spec, attribute) for attribute in attributes]
    made += [_calibration(evidence, attribute) for attribute in attributes if any(
        c.attribute == attribute for c in result.calibration)]
    made += [_frontier(result, spec, attribute) for attribute in attributes if any(
        p.attribute == attribute for p in result.frontier)]
    return tuple(made)


def _over_time(evidence: Evidence, spec: FairnessSpec, attribute: str) -> Figure:
    """The share with the favourable outcome in each period, by group; periods of few rows are left out."""
    assert evidence.fairness is not None
    rows = evidence.fairness.over_time
    periods = sorted({r.period for r in rows})
    groups, left_out = _drawn(evidence, attribute)
    lines: dict[str, Points] = {group: [] for group in groups}
    least = max(FEWEST, spec.minimum_group)
    for r in rows:
        if r.attribute == attribute and r.group in lines and r.n >= least and r.selected.value is not None:
            share = float(r.selected.value)
            lines[r.group].append((float(periods.index(r.period)), share if spec.favourable else 1 - share))
    outcome = "selected" if spec.favourable else "not selected, the favourable outcome"
    shares = [share for line in lines.values() for _, share in line]
    plot = _Plot((0.0, max(1.0, len(periods) - 1.0)), _around(shares or [0.0, 1.0]))
    marks = plot.frame(f"By {attribute}: share {outcome}, where {least} rows or more are",
                       f"{spec.period} of {spec.date}", [_period(period, spec.period) for period in periods])
    marks += _lines(lines, plot, dots=True, named_at=-1)
    more = f" {left_out:,} smaller groups are not drawn." if left_out else ""
    lines = {group: line for group, line in lines.items() if line}
    said = "; ".join(f"“{group}” " + ", ".join(f"{share:.0%} in {_period(periods[int(at)], spec.period)}"
                                               for at, share in line[::-(-len(line) // 6)])
                     for group, line in lines.items())
    return Figure(width=WIDTH, height=HEIGHT, marks=tuple(marks),
                  alt=f"By {attribute}, the share {outcome} over time: {said or 'too few rows in each period'}."
                      f"{more}")


def _period(first_day: str, kind: str) -> str:
    """A period for people: 2026-03, 2026 Q1, 2026."""
    year, month = first_day[:4], int(first_day[5:7])
    return {"month": first_day[:7], "quarter": f"{year} Q{(month + 2) // 3}"}.get(kind, year)


def _frontier(result: FairnessResult, spec: FairnessSpec, attribute: str) -> Figure:
    """Accuracy against what is searched for, a dot for each cut-off for everybody; the one used is marked."""
    points = [(value, float(p.accuracy)) for p in result.frontier if p.attribute == attribute
              and (value := alternatives.at(p, spec)) is not None and p.accuracy is not None]
    better = [(alternatives.at(p, spec) or 0.0, float(p.accuracy or 0))
              for p in alternatives.better(result, spec, attribute)]
    own = [(float(c.permitted), float(c.accuracy)) for c in result.group_cut_offs
           if c.attribute == attribute and c.accuracy is not None and c.gap != alternatives.RATIO]
    now = alternatives.used(result, spec, attribute)
    shown = [*points, *own, *([now] if now else [])]
    plot = _Plot(_around([p[0] for p in shown]), _around([p[1] for p in shown])) if shown else _ONE
    marks = plot.frame(f"By {attribute}: accuracy at each cut-off for everybody alike",
                       SEARCHES[alternatives.sought(spec)])
    kinds = [(points, 2.4, "muted", "others tried"), (better, 3.2, "met", "as accurate, better"),
             ([now] if now else [], 4.4, "accent", "the one used")]
    for places, radius, colour, _ in kinds:
        marks += [Dot(x=plot.x(x), y=plot.y(y), radius=radius, colour=colour) for x, y in places]
    if now is not None:
        marks.append(Text(x=plot.x(now[0]), y=plot.y(now[1]) - 9, text="used", anchor="middle"))
    for i, (_, radius, colour, name) in enumerate(reversed(kinds)):
        marks += [Dot(x=_RIGHT + 20, y=_TOP + 12 + 18 * i, radius=radius, colour=colour),
                  Text(x=_RIGHT + 34, y=_TOP + 16 + 18 * i, text=name)]
    if own:
        marks += [_square(plot.x(x), plot.y(y)) for x, y in own]
        marks += [_square(_RIGHT + 20, _TOP + 66), Text(x=_RIGHT + 34, y=_TOP + 70, text="own cut-offs for groups")]
    words = " ".join(s for s in alternatives.said(result, spec) if s.startswith(f"{attribute}:"))
    return Figure(width=WIDTH, height=HEIGHT, marks=tuple(marks), alt=words or f"By {attribute}: nothing to compare.")


def _square(x: float, y: float) -> Box:
    return Box(x=x - 3, y=y - 3, width=6, height=6, stroke="undetermined")


def _sizes(evidence: Evidence, attribute: str) -> dict[str, int]:
    rows = evidence.fairness.groups if evidence.fairness else ()
    return {r.group: r.n for r in rows if r.attribute == attribute and r.state != "unknown"}


def _drawn(evidence: Evidence, attribute: str) -> tuple[list[str], int]:
    """The groups that are drawn, and how many are not."""
    sizes = _sizes(evidence, attribute)
    shown = sorted(sizes, key=lambda g: -sizes[g])[:MOST]
    return [group for group in sizes if group in shown], len(sizes) - len(shown)


def _sweep(evidence: Evidence, spec: FairnessSpec, attribute: str) -> Figure:
    """The share with the favourable outcome at each cut-off, by group; the cut-off that was used is marked."""
    assert evidence.fairness is not None
    cuts = [float(c) for c in evidence.fairness.cuts]
    groups, left_out = _drawn(evidence, attribute)
    lines: dict[str, Points] = {}
    for line in evidence.fairness.sweep:
        if line.attribute == attribute and line.group in groups:
            shares = [None if v is None else float(v) for v in line.selected]
            lines[line.group] = [(cut, share if spec.favourable else 1 - share)
                                 for cut, share in zip(cuts, shares, strict=True) if share is not None]
    outcome = "selected" if spec.favourable else "not selected, the favourable outcome"
    marks = _ONE.frame(f"By {attribute}: share {outcome}", "cut-off of the score")
    if spec.threshold is not None:
        at = _ONE.x(float(spec.threshold))
        marks += [Line(x1=at, y1=_TOP, x2=at, y2=_BOTTOM, colour="breached", width=1.2, dashed=True),
                  Text(x=at, y=_TOP - 3, text=f"used: {float(spec.threshold):g}", colour="breached", anchor="middle")]
    marks += _lines(lines)
    more = f" {left_out:,} smaller groups are not drawn." if left_out else ""
    said = "; ".join(f"{group} " + ", ".join(f"{share:.0%} at {cut:g}" for cut, share in points[7::8])
                     for group, points in lines.items())
    return Figure(width=WIDTH, height=HEIGHT, marks=tuple(marks),
                  alt=f"By {attribute}, the share {outcome} at each cut-off: {said}.{more}")


def _calibration(evidence: Evidence, attribute: str) -> Figure:
    """Mean score against share of events in sixteenths of the scale, by group; on the diagonal scores are right."""
    assert evidence.fairness is not None
    groups, left_out = _drawn(evidence, attribute)
    lines: dict[str, Points] = {}
    for line in evidence.fairness.calibration:
        if line.attribute == attribute and line.group in groups:
            parts = zip(line.rows, line.predicted, line.observed, strict=True)
            lines[line.group] = [(float(p), float(o)) for n, p, o in parts
                                 if p is not None and o is not None and float(n or 0) >= FEWEST]
    marks = _ONE.frame(f"By {attribute}: share with the event, where {FEWEST} rows or more are", "mean score")
    marks.append(Line(x1=_ONE.x(0), y1=_ONE.y(0), x2=_ONE.x(1), y2=_ONE.y(1), colour="muted", dashed=True))
    marks += _lines(lines, dots=True)
    more = f" {left_out:,} smaller groups are not drawn." if left_out else ""
    said = "; ".join(f"{group} " + ", ".join(f"{share:.0%} at {score:.2f}" for score, share in points[::3])
                     for group, points in lines.items())
    return Figure(width=WIDTH, height=HEIGHT, marks=tuple(marks),
                  alt=f"By {attribute}, share with the event at each mean score: {said}.{more}")


class _Plot:
    """From values to places on the page; by default both axes go from 0 to 1."""

    def __init__(self, across: tuple[float, float] = (0.0, 1.0), upwards: tuple[float, float] = (0.0, 1.0)) -> None:
        self.across, self.upwards = across, upwards

    def x(self, value: float) -> float:
        """How far to the right."""
        low, high = self.across
        return round(_LEFT + (value - low) / (high - low) * (_RIGHT - _LEFT), 2)

    def y(self, value: float) -> float:
        """How far down."""
        low, high = self.upwards
        return round(_BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP), 2)

    def frame(self, title: str, across: str, names: Sequence[str] = ()) -> list[Mark]:
        """What is shown upwards, and both axes in quarters; names: of whole numbers across, in place of quarters."""
        marks: list[Mark] = [Text(x=0, y=14, text=elide(title, WIDTH, 12), size=12, bold=True)]
        for i in range(5):
            right, up = (low + i / 4 * (high - low) for low, high in (self.across, self.upwards))
            marks += [Line(x1=_LEFT, y1=self.y(up), x2=_RIGHT, y2=self.y(up), colour="hairline", width=0.8),
                      Text(x=_LEFT - 6, y=self.y(up) + 4, text=f"{up:.4g}", colour="muted", anchor="end")]
            if not names:
                marks.append(Text(x=self.x(right), y=_BOTTOM + 16, text=f"{right:.4g}", colour="muted",
                                  anchor="middle"))
        step = max(1, -(-len(names) // 7))
        marks += [Text(x=self.x(i), y=_BOTTOM + 16, text=name, colour="muted", anchor="middle")
                  for i, name in enumerate(names) if i % step == 0]
        marks.append(Text(x=(_LEFT + _RIGHT) / 2, y=_BOTTOM + 34, text=across, colour="muted", anchor="middle"))
        return marks


_ONE = _Plot()


def _around(values: list[float]) -> tuple[float, float]:
    """An axis from a twentieth below the least to 1, or to a twentieth above the largest."""
    low, high = math.floor(min(values) * 20) / 20, math.ceil(max(values) * 20) / 20
    return max(0.0, low), min(1.0, high) if high > low else low + 0.05


def _lines(lines: dict[str, Points], plot: _Plot = _ONE, *, dots: bool = False, named_at: int = 0) -> list[Mark]:
    """Lines with their names beside them. named_at: 0 by the middle of each, −1 by its end."""
    marks: list[Mark] = []
    ends: list[tuple[float, str, str]] = []
    for i, (group, points) in enumerate(lines.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        again = i >= len(_COLOURS)
        marks += [Line(x1=plot.x(a), y1=plot.y(b), x2=plot.x(c), y2=plot.y(d), colour=colour, width=1.4, dashed=again)
                  for (a, b), (c, d) in pairwise(points)]
        if dots:
            marks += [Dot(x=plot.x(a), y=plot.y(b), radius=2.0, colour=colour) for a, b in points]
        if points:
            ends.append((plot.y(points[named_at or len(points) // 2][1]), group, colour))
    for at, (_, group, colour) in zip(_apart([y for y, _, _ in sorted(ends)]), sorted(ends), strict=True):
        marks += [Line(x1=_RIGHT + 12, y1=at - 4, x2=_RIGHT + 28, y2=at - 4, colour=colour, width=2.0),
                  Text(x=_RIGHT + 34, y=at, text=elide(group, WIDTH - _RIGHT - 36, 11))]
    return marks


def _apart(wanted: Sequence[float]) -> list[float]:
    """Places of names from top to bottom, near where they are wanted and not over each other."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + _LEAST) if placed else max(y, _TOP + 8))
    over = placed[-1] - (_BOTTOM - 2) if placed else 0
    if over > 0:
        placed = [y - over for y in placed]
    return placed
