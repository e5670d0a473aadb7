"""Bias reports: what was asked, verdicts, every group with its numbers, scores, strata, time, what could be done."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from desktop_app.domain.evidence import (
    ON_THIS_TABLE,
    OWN_CUT_OFFS,
    CriterionResult,
    Evidence,
    EvidenceKind,
    FairnessResult,
    FairnessSpec,
    GroupRow,
    Measure,
)
from desktop_app.reports import charts
from desktop_app.reports.contents import Contents
from desktop_app.reports.measurements import Facts, Figures, head, notes_of, overall, verdicts
from desktop_app.reports.numbers import count, figure, interval, measure_name, measured, real, words
from desktop_app.reports.tables import Cell, Column, heading, table
from desktop_app.reports.text import NONE, Run, bold, line, muted, paragraph, verdict

OVER_TIME = "{} over time"  # the name of such pictures, after the evidence's


def fairness(contents: Contents, figures: Figures) -> list[Any]:
    """Every bias report. The picture of every interval stands in the row it belongs to, so charts are not repeated."""
    out: list[Any] = []
    for stored, e in contents.evidence(EvidenceKind.FAIRNESS):
        if e.fairness is not None:
            asked = _fairness_spec(e.fairness_spec) if e.fairness_spec else []
            out += [*head(contents, stored, e, asked), *verdicts(e),
                    *overall(e.fairness.overall, e.fairness.rows),
                    *_groups(e.fairness, e.verdicts), *_scores(e, figures), *_over_time(e, figures),
                    *_within(e.fairness), *_slices(e.fairness), *_changes(e.fairness),
                    *_remarks(e.fairness)]
    return out


def _scores(e: Evidence, figures: Figures) -> list[Any]:
    """How rates move with the cut-off, and calibration, where there are scores."""
    drawn = figures.get(e.id, ())
    out = heading("Cut-offs and calibration") if drawn else []
    for chart in drawn:
        out += charts.plate(chart, height=230)
    if e.fairness is not None and e.fairness.frontier:
        out.append(paragraph(f"The last pictures show what other cut-offs would do. {e.handling} {ON_THIS_TABLE} What "
                             "another model could do is not told by them.", style="note"))
        out += _own_cut_offs(e.fairness)
    return out


def _over_time(e: Evidence, figures: Figures) -> list[Any]:
    drawn = figures.get(OVER_TIME.format(e.id), ())
    out = heading("Over time") if drawn else []
    for chart in drawn:
        out += charts.plate(chart, height=230)
    return out


def _slices(result: FairnessResult) -> list[Any]:
    """The clearest of the intersections that nobody named."""
    if not result.slices:
        return []
    columns = (Column("Intersection", 190), Column("n", 44, right=True), Column("Against all others", 126, right=True),
               Column("p", 54, right=True), Column("p, adjusted", 62, right=True))
    return [*heading("Intersections that were not named"), *table(columns, [
        (bold(line(f"{s.attribute}: {s.group}", 200)), count(s.n), measured(s.difference), figure(s.p_raw, 4),
         figure(s.p_adjusted, 4)) for s in result.slices[:10]]),
        paragraph(f"Exploration, without a verdict: of {result.sliced:,} that were looked at, those whose share "
                  "selected is most clearly unlike that of all others; adjusted by Benjamini and Hochberg.",
                  style="note")]


def _own_cut_offs(result: FairnessResult) -> list[Any]:
    if not result.group_cut_offs:
        return []
    columns = (Column("By", 80), Column("Gap of", 130), Column("At most", 40, right=True),
               Column("Accuracy", 50, right=True), Column("Cut-offs", 170))
    return [*heading("Cut-offs of their own for groups"), paragraph(OWN_CUT_OFFS, style="note"), *table(columns, [
        (bold(line(c.attribute, 80)), words(c.gap), figure(c.permitted), figure(c.accuracy),
         line("; ".join(own.words for own in c.cut_offs) or c.reason or "by lots of another kind", 400))
        for c in result.group_cut_offs])]


def _changes(result: FairnessResult) -> list[Any]:
    if not result.changes:
        return []
    columns = (Column("Gap between", 164), Column("Rate", 100), Column("Before", 44, right=True),
               Column("Now", 44, right=True), Column("Change", 124, right=True))
    return [*heading("Against the version before"), *table(columns, [
        (bold(line(f"{c.attribute}: {c.group} and {c.other}", 160)), words(c.rate), figure(c.before), figure(c.now),
         measured(c.change)) for c in result.changes]),
        paragraph("On the same rows; the interval of a change is paired.", style="note")]


def _within(result: FairnessResult) -> list[Any]:
    if not result.adjusted:
        return []
    columns = (Column("Group", 180), Column("Difference within strata", 110, right=True),
               Column("p", 70, right=True), Column("p, adjusted", 80, right=True))
    return [*heading("Within strata"), *table(columns, [
        (bold(line(f"{a.attribute}: {a.group}", 160)), measured(a.difference), figure(a.p_raw, 4),
         figure(a.p_adjusted, 4)) for a in result.adjusted]),
        paragraph("Each group against all other known groups, over the strata of the factors named: the "
                  "Mantel–Haenszel difference of selection rates, and the Cochran–Mantel–Haenszel test, adjusted "
                  "by Holm.", style="note")]


# ---- groups


_RATIO_WIDTH = 71.0
_RATIOS = ("impact_ratio", "demographic_parity_ratio")


def _groups(result: FairnessResult, verdicts: Sequence[CriterionResult]) -> list[Any]:
    out: list[Any] = []
    for attribute, grouped in groupby(result.groups, key=lambda g: g.attribute):
        rows = list(grouped)
        threshold = next((real(v.criterion.threshold) for v in verdicts if v.criterion.attribute == attribute
                          and v.criterion.threshold is not None and v.criterion.metric in _RATIOS), None)
        numbers = any(r.name == "mean_prediction" for r in rows[0].rates)  # nobody is selected by a number
        out += [*heading(f"Groups by {line(attribute, 120)}"), *([] if numbers else _selection(rows, threshold)),
                *_errors(rows)]
    return out


def _selection(rows: list[GroupRow], threshold: float | None) -> list[Any]:
    scale = _scale(rows, threshold)
    axis = charts.drawing(charts.axis(scale, threshold, _RATIO_WIDTH))
    columns = (
        Column("Group", 74), Column("n", 36, right=True), Column("Selected", 44, right=True),
        Column("Selection rate", 82, right=True), Column("Ratio", 78, right=True),
        Column(axis, _RATIO_WIDTH + 9), Column("Relative", 77))
    return table(columns, [
        (bold(line(g.group, 120)), count(g.n), count(g.selected), measured(_rate(g, "selection_rate"), 2),
         _ratio(g), _picture(g, scale, threshold), _state(g)) for g in rows])


def _rate(group: GroupRow, name: str) -> Measure:
    return next((r.measure for r in group.rates if r.name == name), Measure(value=None))


def _ratio(group: GroupRow) -> Cell:
    return muted("reference") if group.state == "reference" else measured(group.ratio, 2)


def _picture(group: GroupRow, scale: tuple[float, float], threshold: float | None) -> Any:
    if group.state == "reference" or real(group.ratio.value) is None:
        return ""
    return charts.drawing(charts.interval(group.ratio, scale, threshold, _RATIO_WIDTH))


def _state(group: GroupRow) -> Run:
    if group.state == "ok":
        return muted(f"to {line(group.relative_to, 60)}")
    return verdict("not_computable", group.state) if group.state != "reference" else muted("")


def _scale(rows: list[GroupRow], threshold: float | None) -> tuple[float, float]:
    """The ends of the picture: everything that is drawn, at least 0.5 to 1.1, at most 0 to 2."""
    drawn = [n for g in rows for v in (g.ratio.value, g.ratio.low, g.ratio.high) if (n := real(v)) is not None]
    ends = [*drawn, 0.5, 1.1, *([threshold] if threshold is not None else [])]
    return max(0.0, min(ends)), min(2.0, max(ends))


def _errors(rows: list[GroupRow]) -> list[Any]:
    """The rates other than selection, where a label made them computable."""
    names = list(dict.fromkeys(r.name for g in rows for r in g.rates if r.name != "selection_rate"))
    out: list[Any] = []
    for first in range(0, len(names), 5):
        out += _five(rows, names[first:first + 5])
    return out


def _five(rows: list[GroupRow], names: list[str]) -> list[Any]:
    counted = all(g.positives is not None for g in rows)
    columns = (Column("Group", 82), Column("Positives" if counted else "n", 54, right=True),
               *[Column(measure_name(n), 80, right=True) for n in names])
    return table(columns, [
        (bold(line(g.group, 120)), count(g.positives if counted else g.n), *[measured(_rate(g, n), 2) for n in names])
        for g in rows])


def _fairness_spec(spec: FairnessSpec) -> Facts:
    return _of_numbers(spec) if spec.prediction is not None else _of_decisions(spec)


def _of_numbers(spec: FairnessSpec) -> Facts:
    """What is asked of a prediction of a number: it selects nobody, and is good or bad for nobody."""
    return [
        ("Asked", [f"prediction “{line(str(spec.prediction), 80)}”, held against “{line(str(spec.label), 80)}”",
                   _by(spec)]),
        ("Compared", [f"{_references(spec)}. Groups below {spec.minimum_group} are not judged."])]


def _by(spec: FairnessSpec) -> str:
    crossed = "; ".join(spec.crossed)
    return f"by {line(', '.join(spec.sensitive), 300)}{f'; crossed {line(crossed, 300)}' if crossed else ''}"


def _references(spec: FairnessSpec) -> str:
    return line("; ".join(f"{p.key}: with {p.value}" for p in spec.reference) or "all pairs of groups", 300)


def _of_decisions(spec: FairnessSpec) -> Facts:
    good = "good" if spec.favourable else "bad"
    reference = "; ".join(f"{p.key}: {p.value}" for p in spec.reference) or "none named; the best group"
    said: Facts = [] if not spec.preset else [("Preset", [bold(line(spec.preset, 120)), line(spec.preset_words, 900)])]
    return [
        *said,
        ("Asked", [f"{_decided(spec)} ({good} for the person); "
                   f"label {line(f'“{spec.label}”, event “{spec.label_event}”', 160) if spec.label else 'none'}",
                   _by(spec)]),
        ("Reference group", [f"{line(reference, 300)}. Groups below {spec.minimum_group} are not judged."]),
        ("Ratio of", ["the share selected" if spec.favourable else "the share not selected, the favourable outcome"]),
        *_refined(spec)]


def _decided(spec: FairnessSpec) -> str:
    if spec.score is None:
        values = ", ".join(f"“{line(value, 80)}”" for value in (spec.positive, *spec.also_positive))
        return f"decision “{line(spec.decision, 80)}”, event {values}"
    cut = "strictly above the median of the sample" if spec.cut else f"at least {figure(spec.threshold, 3)}"
    return f"score “{line(spec.score, 80)}” {cut}"


def _refined(spec: FairnessSpec) -> Facts:
    """What later specs may ask besides."""
    found: Facts = []
    if spec.weight:
        found.append(("Weighted by", [line(spec.weight, 80)]))
    if spec.strata:
        found.append(("Within strata of", [line(", ".join(spec.strata), 200)]))
    if spec.before:
        cut = f" from {figure(spec.before_threshold or spec.threshold, 3)}" if spec.score else ""
        found.append(("Version before", [f"“{line(spec.before, 80)}”{cut}"]))
    if spec.date:
        found.append(("Over time", [f"by {spec.period} of “{line(spec.date, 80)}”"]))
    if spec.least_share is not None:
        found.append(("Left out of ratios", [f"groups under {100 * float(spec.least_share):.6g} % of the rows: "
                                             f"{line(spec.least_share_why, 400)}"]))
    if spec.bootstrap:
        found.append(("Bootstrap", [f"{spec.bootstrap:,} replicates, seed {spec.seed}"]))
    return found


def _remarks(result: FairnessResult) -> list[Any]:
    differences = [*heading("Differences"), *table(
        (Column("Measure", 250), Column("Value", 60, right=True), Column("95 % interval", 110, right=True)),
        [(measure_name(d.name), figure(d.measure.value), interval(d.measure) or line(d.measure.reason, 120) or NONE)
         for d in result.differences])] if result.differences else []
    return [*differences, *notes_of("Notes", result.notes), *notes_of("Not tested", result.not_tested)]
