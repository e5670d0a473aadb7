"""Results as figures: pure arithmetic from evidence to marks, drawn alike by the window and on paper.

Widths of text are approximate (no font is loaded here), so labels are cut a little early rather than late.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from desktop_app.analysis.graph_figure import lineage_chart
from desktop_app.analysis.lettering import elide, text_width
from desktop_app.domain.evidence import (
    Criterion,
    Evidence,
    ExplanationResult,
    FairnessResult,
    GroupRow,
    Measure,
)
from desktop_app.domain.figure import Box, Dot, Figure, Line, Mark, Text

__all__ = ["importance_chart", "interval_axis", "interval_rows", "lineage_chart", "rates_chart", "ratio_chart",
           "waterfall_chart"]

ROW_WIDTH, ROW_HEIGHT = 210.0, 28.0
CHART_WIDTH = 620.0
_PAD = 6.0
_STEP = 24.0
_LABELS = 168.0  # width of the group names
_BARS = 12


class _Scale:
    """From values to x; what lies outside is held at the edge."""

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        self.low, self.high, self.left, self.right = low, high, left, right

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left), 2)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def _fairness(evidence: Evidence) -> FairnessResult:
    if evidence.fairness is None:
        raise ValueError("the evidence holds no bias report")
    return evidence.fairness


def _threshold(evidence: Evidence, attribute: str) -> float | None:
    criteria: Iterable[Criterion] = evidence.fairness_spec.criteria if evidence.fairness_spec else ()
    return next((float(c.threshold) for c in criteria
                 if c.metric == "impact_ratio" and c.attribute == attribute and c.threshold is not None), None)


def _edges(rows: Iterable[GroupRow]) -> tuple[float, float]:
    """A common scale for ratios: at least 0.5 to 1.1, wider in tenths where intervals reach further, up to 0 and 2."""
    drawn = [r.ratio for r in rows if r.state == "ok"]
    low = min([0.5, *(float(m.low) for m in drawn if m.low)])
    high = max([1.1, *(float(m.high) for m in drawn if m.high)])
    return max(0.0, math.floor(low * 10) / 10), min(2.0, math.ceil(high * 10) / 10)


def _whisker(measure: Measure, scale: _Scale, y: float, colour: str = "ink") -> list[Mark]:
    """Interval with end ticks (none where it is cut off at the edge) and the point on it."""
    marks: list[Mark] = []
    if measure.low is not None:
        low, high = float(measure.low), float(measure.high) if measure.high is not None else math.inf
        marks.append(Line(x1=scale.at(low), y1=y, x2=scale.at(high), y2=y, colour=colour, width=1.4))
        marks += [Line(x1=scale.at(end), y1=y - 4, x2=scale.at(end), y2=y + 4, colour=colour, width=1.4)
                  for end in (low, high) if scale.holds(end)]
    if measure.value is not None and scale.holds(float(measure.value)):
        marks.append(Dot(x=scale.at(float(measure.value)), y=y, radius=3.6))
    return marks


def _upright(scale: _Scale, value: float, top: float, bottom: float) -> Line:
    return Line(x1=scale.at(value), y1=top, x2=scale.at(value), y2=bottom, colour="breached", width=1.4, dashed=True)


def _words(measure: Measure) -> str:
    """0.81 [0.74, 0.88], or the reason why there is no value."""
    if measure.value is None:
        return measure.reason or "not computable"
    value = f"{float(measure.value):.2f}"
    if measure.low is None:
        return value
    high = f"{float(measure.high):.2f}" if measure.high is not None else "without bound"
    return f"{value} [{float(measure.low):.2f}, {high}]"


# ---- intervals in rows


def interval_rows(evidence: Evidence) -> dict[tuple[str, str], Figure]:
    """A small picture of each group's ratio, 210 × 28, by (attribute, group); none for a reference or no value."""
    rows = _fairness(evidence).groups
    scale = _Scale(*_edges(rows), _PAD, ROW_WIDTH - _PAD)
    return {(r.attribute, r.group): _interval_row(r, scale, _threshold(evidence, r.attribute))
            for r in rows if r.state != "reference" and r.ratio.value is not None}


def _interval_row(row: GroupRow, scale: _Scale, threshold: float | None) -> Figure:
    marks: list[Mark] = [] if threshold is None else [_upright(scale, threshold, 5, ROW_HEIGHT - 5)]
    marks += _whisker(row.ratio, scale, ROW_HEIGHT / 2)
    against = f", threshold {threshold:g}" if threshold is not None else ""
    return Figure(width=ROW_WIDTH, height=ROW_HEIGHT, marks=tuple(marks),
                  alt=f"{row.attribute} {row.group}: ratio {_words(row.ratio)} to {row.relative_to}{against}.")


def interval_axis(evidence: Evidence) -> Figure:
    """The scale of `interval_rows` as a heading of the same width: its ends and, between hairlines, the threshold."""
    rows = _fairness(evidence).groups
    low, high = _edges(rows)
    scale = _Scale(low, high, _PAD, ROW_WIDTH - _PAD)
    thresholds = {t for r in rows if (t := _threshold(evidence, r.attribute)) is not None and scale.holds(t)}
    shown = [(low, "start"), *((t, "middle") for t in sorted(thresholds)), (high, "end")]
    marks: list[Mark] = []
    at = 0.0
    for value, anchor in shown:
        label = f"{value:.2f}"
        wide = text_width(label, 11)
        start = {"start": scale.at(value), "middle": scale.at(value) - wide / 2, "end": scale.at(value) - wide}[anchor]
        if at and start < at + 4:
            continue
        if at:
            marks.append(Line(x1=at + 4, y1=14, x2=start - 4, y2=14, colour="muted", width=0.8))
        marks.append(Text(x=round(start, 2), y=18, text=label, colour="muted"))
        at = start + wide
    return Figure(width=ROW_WIDTH, height=ROW_HEIGHT, marks=tuple(marks), alt=f"Scale from {low:.2f} to {high:.2f}.")


# ---- charts of an attribute


def _of(evidence: Evidence, attribute: str) -> list[GroupRow]:
    return [r for r in _fairness(evidence).groups if r.attribute == attribute]


def ratio_chart(evidence: Evidence, attribute: str) -> Figure:
    """Ratios of all groups of an attribute: name, n, interval on an axis with the threshold, and the numbers."""
    rows = _of(evidence, attribute)
    threshold = _threshold(evidence, attribute)
    scale = _Scale(*_edges(rows), 244, CHART_WIDTH - 150)
    bottom = 20 + _STEP * len(rows)
    marks: list[Mark] = [Text(x=232, y=12, text="n", colour="muted", anchor="end")]
    if threshold is not None:
        marks += [_upright(scale, threshold, 18, bottom), Text(
            x=scale.at(threshold), y=12, text=f"threshold {threshold:g}", colour="breached", anchor="middle")]
    for i, row in enumerate(rows):
        marks += _ratio_row(row, scale, 20 + _STEP * (i + 0.5))
    marks += _axis(scale, bottom)
    said = "; ".join(f"{r.group} (n {r.n:,}) {_state_words(r)}" for r in rows)
    against = f" Threshold {threshold:g}." if threshold is not None else ""
    return Figure(width=CHART_WIDTH, height=bottom + 26, marks=tuple(marks),
                  alt=f"Ratios of the favourable rate by {attribute}: {said}.{against}")


def _state_words(row: GroupRow) -> str:
    if row.state == "reference":
        return "reference"
    return _words(row.ratio) + (f", {row.state}" if row.state in ("too few", "unknown") else "")


def _ratio_row(row: GroupRow, scale: _Scale, y: float) -> list[Mark]:
    faint = row.state in ("too few", "unknown")
    marks: list[Mark] = [
        Text(x=0, y=y + 4, text=elide(row.group, _LABELS, 12), size=12, colour="muted" if faint else "ink"),
        Text(x=232, y=y + 4, text=f"{row.n:,}", size=12, anchor="end"),
        Text(x=CHART_WIDTH, y=y + 4, text=elide(_state_words(row), 146, 11), colour="muted", anchor="end"),
    ]
    return marks if row.state == "reference" else marks + _whisker(row.ratio, scale, y, "muted" if faint else "ink")


def _axis(scale: _Scale, y: float) -> list[Mark]:
    """A hairline with ticks at round values."""
    marks: list[Mark] = [Line(x1=scale.left, y1=y, x2=scale.right, y2=y, colour="hairline")]
    for value in _round_values(scale.low, scale.high):
        marks.append(Line(x1=scale.at(value), y1=y, x2=scale.at(value), y2=y + 4, colour="muted", width=0.8))
        marks.append(Text(x=scale.at(value), y=y + 16, text=f"{value:g}", colour="muted", anchor="middle"))
    return marks


def _round_values(low: float, high: float) -> list[float]:
    """Four to eight round values from low to high."""
    span = high - low
    step = 10.0 ** math.floor(math.log10(span / 4))
    step *= next(f for f in (1, 2, 2.5, 5, 10) if span / (step * f) <= 8)
    return [round(i * step, 10) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


_RATES = {"selection_rate": "Share selected", "true_positive_rate": "True positive rate",
          "false_positive_rate": "False positive rate"}


def rates_chart(evidence: Evidence, attribute: str) -> Figure:
    """Rates by group with Wilson intervals on one axis from 0 to 1, one block per rate."""
    rows = _of(evidence, attribute)
    scale = _Scale(0, 1, 244, CHART_WIDTH - 150)
    marks: list[Mark] = []
    said, y = [], 0.0
    for name, title in _RATES.items():
        found = [(r, m.measure) for r in rows for m in r.rates if m.name == name]
        if not found:
            continue
        marks.append(Text(x=0, y=y + 14, text=title, size=12, bold=True))
        for row, measure in found:
            y += _STEP if row is not found[0][0] else 36
            marks += _rate_row(row, measure, scale, y)
        said.append(f"{title}: " + "; ".join(f"{r.group} {_words(m)}" for r, m in found))
        y += 16
    marks += _axis(scale, y)
    return Figure(width=CHART_WIDTH, height=y + 26, marks=tuple(marks), alt=f"Rates by {attribute}. {'. '.join(said)}.")


def _rate_row(row: GroupRow, measure: Measure, scale: _Scale, y: float) -> list[Mark]:
    faint = "muted" if row.state in ("too few", "unknown") else "ink"
    return [Text(x=0, y=y + 4, text=elide(row.group, _LABELS, 12), size=12, colour=faint),
            Text(x=232, y=y + 4, text=f"{row.n:,}", size=12, anchor="end"),
            Text(x=CHART_WIDTH, y=y + 4, text=elide(_words(measure), 146, 11), colour="muted", anchor="end"),
            *_whisker(measure, scale, y, faint)]


# ---- explanations


def importance_chart(result: ExplanationResult) -> Figure:
    """The twelve features with the largest mean absolute SHAP value, as bars with the number at their end."""
    shown = result.importances[:_BARS]
    largest = max((float(i.mean_abs) for i in shown), default=0.0) or 1.0
    scale = _Scale(0, largest, 180, CHART_WIDTH - 60)
    marks: list[Mark] = [Line(x1=scale.left, y1=0, x2=scale.left, y2=_STEP * len(shown), colour="hairline")]
    for i, one in enumerate(shown):
        y, value = _STEP * i, float(one.mean_abs)
        marks += [
            Text(x=scale.left - 8, y=y + 16, text=elide(one.feature, 172, 12), size=12, anchor="end"),
            Box(x=scale.left, y=y + 5, width=round(scale.at(value) - scale.left, 2), height=14, fill="accent"),
            Text(x=scale.at(value) + 6, y=y + 16, text=f"{value:.3g}", colour="muted"),
        ]
    rest = len(result.importances) - len(shown)
    if rest:
        marks.append(Text(x=scale.left, y=_STEP * len(shown) + 16, text=f"and {rest:,} smaller", colour="muted"))
    said = "; ".join(f"{i.feature} {float(i.mean_abs):.3g}" for i in shown)
    return Figure(width=CHART_WIDTH, height=_STEP * len(shown) + (24 if rest else 4), marks=tuple(marks),
                  alt=f"Mean absolute SHAP values, {result.output}: {said}.")


def waterfall_chart(result: ExplanationResult) -> Figure:
    """One record: from the base value over its contributions (largest first) to the output."""
    local = result.local
    steps = [(f"{c.feature} = {c.value}", float(c.contribution)) for c in local.contributions[:_BARS]]
    rest = [float(c.contribution) for c in local.contributions[_BARS:]]
    if rest:
        steps.append((f"{len(rest):,} others together", sum(rest)))
    base, output = float(local.base), float(local.output)
    stops = [base]
    for _, value in steps:
        stops.append(stops[-1] + value)
    low, high = min([*stops, output]), max([*stops, output])
    margin = 0.04 * (high - low or 1.0)
    scale = _Scale(low - margin, high + margin, 236, CHART_WIDTH - 70)
    marks = _end_row(scale, "Base value", base, 0)
    for i, (label, value) in enumerate(steps):
        marks += _step_row(scale, label, stops[i], value, _STEP * (i + 1))
    marks += _end_row(scale, "Output", output, _STEP * (len(steps) + 1))
    height = _STEP * (len(steps) + 2)
    marks += _axis(scale, height + 4)
    said = "; ".join(f"{label} {value:+.3g}" for label, value in steps)
    return Figure(width=CHART_WIDTH, height=height + 30, marks=tuple(marks),
                  alt=f"Row {local.row + 1:,}, {result.output}: base {base:.3g}; {said}; output {output:.3g}.")


def _end_row(scale: _Scale, label: str, value: float, y: float) -> list[Mark]:
    return [Text(x=scale.left - 8, y=y + 16, text=label, size=12, anchor="end", bold=True),
            Line(x1=scale.at(value), y1=y + 3, x2=scale.at(value), y2=y + 21, colour="ink", width=2),
            Text(x=CHART_WIDTH, y=y + 16, text=f"{value:.3g}", size=12, anchor="end", bold=True)]


def _step_row(scale: _Scale, label: str, start: float, value: float, y: float) -> list[Mark]:
    left, right = sorted((scale.at(start), scale.at(start + value)))
    return [
        Text(x=scale.left - 8, y=y + 16, text=elide(label, scale.left - 8, 12), size=12, anchor="end"),
        Line(x1=scale.at(start), y1=y - 5, x2=scale.at(start), y2=y + 5, colour="muted", width=0.8),
        Box(x=left, y=y + 5, width=round(max(1.0, right - left), 2), height=14,
            fill="accent" if value >= 0 else "muted"),
        Text(x=CHART_WIDTH, y=y + 16, text=f"{value:+.3g}".replace("-", "−"), colour="muted", anchor="end"),
    ]
