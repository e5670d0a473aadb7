"""Pictures of scores by group: how ratios and rates move with the cut-off, and whether scores mean what they say.

Lines are told apart by the name at their end, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from desktop_app.analysis.lettering import elide
from desktop_app.domain.evidence import Evidence, FairnessSpec
from desktop_app.domain.figure import Dot, Figure, Line, Mark, Text

WIDTH, HEIGHT = 620.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 470.0, 36.0, 236.0
FEWEST = 10  # rows (or weight) of a point of calibration that is drawn
_LEAST = 14.0  # between two names at the ends of lines
MOST = 8  # groups drawn; the largest
_COLOURS = ("accent", "ink", "met", "undetermined", "breached", "muted")
Points = list[tuple[float, float]]


def score_charts(evidence: Evidence) -> tuple[Figure, ...]:
    """Of each attribute: the sweep, and the calibration where a label was given. None without scores."""
    result, spec = evidence.fairness, evidence.fairness_spec
    if result is None or spec is None or not result.cuts:
        return ()
    attributes = dict.fromkeys(s.attribute for s in result.sweep)
    made = [_sweep(evidence, spec, attribute) for attribute in attributes]
    made += [_calibration(evidence, attribute) for attribute in attributes if any(
        c.attribute == attribute for c in result.calibration)]
    return tuple(made)


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
    marks = _frame(f"By {attribute}: share {outcome}", "cut-off of the score")
    if spec.threshold is not None:
        at = _x(float(spec.threshold))
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
    marks = _frame(f"By {attribute}: share with the event, where {FEWEST} rows or more are", "mean score")
    marks.append(Line(x1=_x(0), y1=_y(0), x2=_x(1), y2=_y(1), colour="muted", width=1.0, dashed=True))
    marks += _lines(lines, dots=True)
    more = f" {left_out:,} smaller groups are not drawn." if left_out else ""
    said = "; ".join(f"{group} " + ", ".join(f"{share:.0%} at {score:.2f}" for score, share in points[::3])
                     for group, points in lines.items())
    return Figure(width=WIDTH, height=HEIGHT, marks=tuple(marks),
                  alt=f"By {attribute}, share with the event at each mean score: {said}.{more}")


def _x(value: float) -> float:
    return round(_LEFT + value * (_RIGHT - _LEFT), 2)


def _y(value: float) -> float:
    return round(_BOTTOM - value * (_BOTTOM - _TOP), 2)


def _frame(title: str, across: str) -> list[Mark]:
    """What is shown upwards, and both axes from 0 to 1 in quarters."""
    marks: list[Mark] = [Text(x=0, y=14, text=elide(title, WIDTH, 12), size=12, bold=True)]
    for i in range(5):
        value = i / 4
        marks += [Line(x1=_LEFT, y1=_y(value), x2=_RIGHT, y2=_y(value), colour="hairline", width=0.8),
                  Text(x=_LEFT - 6, y=_y(value) + 4, text=f"{value:g}", colour="muted", anchor="end"),
                  Text(x=_x(value), y=_BOTTOM + 16, text=f"{value:g}", colour="muted", anchor="middle")]
    marks.append(Text(x=(_LEFT + _RIGHT) / 2, y=_BOTTOM + 34, text=across, colour="muted", anchor="middle"))
    return marks


def _lines(lines: dict[str, Points], *, dots: bool = False) -> list[Mark]:
    marks: list[Mark] = []
    ends: list[tuple[float, str, str]] = []
    for i, (group, points) in enumerate(lines.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        marks += [Line(x1=_x(a), y1=_y(b), x2=_x(c), y2=_y(d), colour=colour, width=1.4, dashed=i >= len(_COLOURS))
                  for (a, b), (c, d) in pairwise(points)]
        if dots:
            marks += [Dot(x=_x(a), y=_y(b), radius=2.0, colour=colour) for a, b in points]
        if points:
            ends.append((_y(points[len(points) // 2][1]), group, colour))
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
