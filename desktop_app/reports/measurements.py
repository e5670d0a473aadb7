"""What was computed: bias reports, explanations and performance, each with what was asked before the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from desktop_app.domain.canonical import day_text
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import (
    OWN_CUT_OFFS,
    Criterion,
    CriterionResult,
    Evidence,
    EvidenceKind,
    ExplanationResult,
    FairnessResult,
    FairnessSpec,
    GroupRow,
    Measure,
    NamedMeasure,
    Standing,
)
from desktop_app.domain.figure import Figure
from desktop_app.domain.pack import PackRecord
from desktop_app.reports import charts
from desktop_app.reports.contents import Contents
from desktop_app.reports.numbers import (
    count,
    figure,
    interval,
    measure_name,
    measured,
    moment,
    real,
    sentence,
    short,
    words,
)
from desktop_app.reports.tables import Cell, Column, bullets, facts, heading, section, table
from desktop_app.reports.text import NONE, Run, bold, line, mono, muted, paragraph, verdict

Facts = list[tuple[str, list[Cell]]]
Figures = Mapping[str, tuple[Figure, ...]]
_STANDING = {Standing.COMPUTED: "computed here", Standing.REPERFORMED: "re-performed here",
             Standing.ASSERTED: "asserted, not recomputed"}
OVER_TIME = "{} over time"  # the name of such pictures, after the evidence's
NO_LEGAL = "Meeting a criterion is not a legal conclusion."


def fairness(contents: Contents, figures: Figures) -> list[Any]:
    """Every bias report. The picture of every interval stands in the row it belongs to, so charts are not repeated."""
    out: list[Any] = []
    for stored, e in contents.evidence(EvidenceKind.FAIRNESS):
        if e.fairness is not None:
            asked = _fairness_spec(e.fairness_spec) if e.fairness_spec else []
            out += [*_head(contents, stored, e, asked), *_verdicts(e),
                    *_overall(e.fairness.overall, e.fairness.rows),
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
        out.append(paragraph(f"The last pictures show what other cut-offs would do. {e.handling} What another model "
                             "could do is not told by them.", style="note"))
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
    columns = (Column("Intersection", 200), Column("n", 50, right=True), Column("Against all others", 100, right=True),
               Column("p", 60, right=True), Column("p, adjusted", 70, right=True))
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
    columns = (Column("Gap between", 190), Column("Rate", 110), Column("Before", 50, right=True),
               Column("Now", 50, right=True), Column("Change", 70, right=True))
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


def explanations(contents: Contents, figures: Figures) -> list[Any]:
    """Every explanation."""
    out: list[Any] = []
    for stored, e in contents.evidence(EvidenceKind.EXPLANATION):
        if e.explanation is not None:
            out += [*_head(contents, stored, e, _explanation_facts(e)), *_charts(e, figures),
                    *_importances(e.explanation), *_local(e.explanation), *_notes("Notes", e.explanation.notes)]
    return out


def performance(contents: Contents, figures: Figures) -> list[Any]:
    """Every performance report."""
    out: list[Any] = []
    for stored, e in contents.evidence(EvidenceKind.PERFORMANCE):
        if e.performance is not None:
            spec = e.performance_spec
            asked = [("Asked", [f"label “{line(spec.label, 80)}”, event “{line(spec.positive, 80)}”, " + ", ".join(
                f"{name} “{line(value, 80)}”" for name, value in (("decision", spec.decision), ("score", spec.score))
                if value)])] if spec else []
            out += [*_head(contents, stored, e, asked), *_verdicts(e),
                    *_overall(e.performance.measures, e.performance.rows, "Measures"),
                    *_charts(e, figures), *_notes("Notes", e.performance.notes)]
    return out


# ---- what every piece of evidence says of itself


def _head(contents: Contents, stored: PackRecord, e: Evidence, asked: Facts) -> list[Any]:
    basis = "part of the frozen basis" if contents.in_basis(e.id) else "not part of the frozen basis"
    by = line(contents.pack.name(stored.by), 120)
    about = f"{sentence(_STANDING[e.standing])}, {basis}. Recorded {moment(stored.at)} by {by}."
    title = line(contents.listed_as(e.id) or e.title, 200)
    return [*section(title, about), facts([*_period(e), *_chosen(contents, e), *asked, *_inputs(e)])]


def _period(e: Evidence) -> Facts:
    if not (e.period_from or e.period_to):
        return []
    return [("Period covered", [" to ".join(day_text(d) if d else "open" for d in (e.period_from, e.period_to))])]


def _chosen(contents: Contents, e: Evidence) -> Facts:
    """Who chose the thresholds, and when."""
    planned = contents.plan(e)
    if planned is None and not e.plan and not e.verdicts:
        return []
    if planned is not None:
        stored, _ = planned
        said: Cell = (bold(contents.pack.name(stored.by)), f", {moment(stored.at)}, before the run ",
                      muted(f"(entry {stored.seq:,})"))
    elif e.plan:
        said = "In a plan that is not in this pack; it cannot be said here who chose them."
    else:
        said = "No plan was recorded: nothing shows that thresholds were chosen before the run."
    return [("Thresholds chosen by", [said])]


def _inputs(e: Evidence) -> Facts:
    tables: list[Cell] = [
        (bold(line(i.name, 160)), f"  {i.rows:,} rows × {i.columns:,} columns  ", mono(short(i.digest)),
         muted(f"  {_kept(i)}"))
        for i in e.inputs]
    made: Facts = [("Computed on", tables or ["No input table is recorded."])]
    if e.environment:
        libraries = ", ".join(f"{p.key} {p.value}" for p in e.environment.libraries)
        seed = "no seed" if e.environment.seed is None else f"seed {e.environment.seed}"
        made.append(("Computed with", [
            f"Python {e.environment.python}, {line(e.environment.platform, 120)}, {seed}; {line(libraries, 600)}"]))
    return made


def _kept(table_: TableInput) -> str:
    if not table_.location:
        return "where it is kept is not stated"
    until = "for how long is not stated" if table_.retained_until == "not stated" else f"until {table_.retained_until}"
    return f"kept at {line(table_.location, 160)}, {line(until, 80)}"


def _verdicts(e: Evidence) -> list[Any]:
    named = {p.key: p.value for p in e.fairness_spec.reference} if e.fairness_spec else {}
    rows = [((bold(_criterion(r.criterion)), muted(f"  {_rule(r.criterion, named)}")), measured(r.measure), r.sentence,
             verdict(r.verdict.value)) for r in e.verdicts]
    columns = (Column("Criterion", 112), Column("Result", 92, right=True), Column("In words", 196), Column("", 71))
    return [*heading("Criteria"), *table(columns, rows, empty="No criterion was set: what follows is reported only."),
            paragraph(NO_LEGAL, style="note")]


def _criterion(c: Criterion) -> str:
    sign = {"at_least": "≥", "at_most": "≤"}.get(c.direction, c.direction)
    limit = f" {sign} {figure(c.threshold, 2)}" if c.threshold is not None else ""
    return f"{measure_name(c.metric)}{f' by {line(c.attribute, 80)}' if c.attribute else ''}{limit}"


def _rule(c: Criterion, named: Mapping[str, str]) -> str:
    """The decision rule, and against whom: the criterion's own reference, the spec's, or the best group."""
    rule = "point, uncertainty ignored" if c.rule == "point" else words(c.rule)
    reference = c.reference or named.get(c.attribute)
    against = f", against {line(reference, 80) if reference else 'the best group'}" if c.attribute else ""
    return f"by {rule}{against}"


def _overall(measures: Sequence[NamedMeasure], rows: int, title: str = "Over all groups") -> list[Any]:
    columns = (Column("Measure", 150), Column("Value", 60, right=True), Column("95 % interval", 100, right=True),
               Column("Rows", 60, right=True), Column("How", 150))
    return [*heading(title), *table(columns, [
        (measure_name(m.name), figure(m.measure.value), interval(m.measure) or NONE, count(rows),
         line(m.measure.reason or m.measure.method, 200)) for m in measures], empty="Nothing was measured.")]


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
    good = "good" if spec.favourable else "bad"
    reference = "; ".join(f"{p.key}: {p.value}" for p in spec.reference) or "none named; the best group"
    crossed = "; ".join(spec.crossed)
    said: Facts = [] if not spec.preset else [("Preset", [bold(line(spec.preset, 120)), line(spec.preset_words, 900)])]
    return [
        *said,
        ("Asked", [f"{_decided(spec)} ({good} for the person); "
                   f"label {line(f'“{spec.label}”, event “{spec.label_event}”', 160) if spec.label else 'none'}",
                   f"by {line(', '.join(spec.sensitive), 300)}{f'; crossed {line(crossed, 300)}' if crossed else ''}"]),
        ("Reference group", [f"{line(reference, 300)}. Groups below {spec.minimum_group} are not judged."]),
        *([] if spec.prediction else [("Ratio of", [
            "the share selected" if spec.favourable else "the share not selected, the favourable outcome"])]),
        *_refined(spec)]


def _decided(spec: FairnessSpec) -> str:
    if spec.prediction is not None:
        return f"prediction “{line(spec.prediction, 80)}”, a number"
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
        found.append(("Left out of ratios", [f"groups under {float(spec.least_share):.0%} of the rows: "
                                             f"{line(spec.least_share_why, 400)}"]))
    if spec.bootstrap:
        found.append(("Bootstrap", [f"{spec.bootstrap:,} replicates, seed {spec.seed}"]))
    return found


def _remarks(result: FairnessResult) -> list[Any]:
    differences = [*heading("Differences"), *table(
        (Column("Measure", 250), Column("Value", 60, right=True), Column("95 % interval", 110, right=True)),
        [(measure_name(d.name), figure(d.measure.value), interval(d.measure) or line(d.measure.reason, 120) or NONE)
         for d in result.differences])] if result.differences else []
    return [*differences, *_notes("Notes", result.notes), *_notes("Not tested", result.not_tested)]


def _notes(title: str, notes: Sequence[str]) -> list[Any]:
    return [*heading(title), *bullets(notes)] if notes else []


# ---- explanations


def _explanation_facts(e: Evidence) -> Facts:
    result, spec = e.explanation, e.explanation_spec
    assert result is not None
    sizes = f" of {spec.rows:,} rows against {spec.background:,} background rows" if spec else ""
    return [
        ("Explained", [f"{line(result.output, 120)}, by SHAP’s {line(result.explainer, 60)} explainer{sizes}"]),
        ("Does it add up", [f"Largest |base + contributions − output|: {figure(result.additivity_residual, 6)}"]),
        ("Kept apart", [line(result.isolation, 900) or NONE])]


def _importances(result: ExplanationResult) -> list[Any]:
    columns = (Column("Feature", 200), Column("Mean |contribution|", 100, right=True),
               Column("Direction with the value", 120, right=True))
    return [*heading("Importance over the explained rows"), *table(columns, [
        (line(i.feature, 200), figure(i.mean_abs, 4), figure(i.direction, 2)) for i in result.importances])]


def _local(result: ExplanationResult) -> list[Any]:
    local = result.local
    columns = (Column("Feature", 180), Column("Value", 140), Column("Contribution", 90, right=True))
    rows: list[tuple[Cell, ...]] = [(muted("Base value"), "", figure(local.base, 4))]
    rows += [(line(c.feature, 200), line(c.value, 200), figure(c.contribution, 4)) for c in local.contributions]
    rows.append((bold("Output"), "", bold(figure(local.output, 4))))
    return [*heading(f"One record: row {local.row + 1:,} of the table, counted from 1"), *table(columns, rows)]


def _charts(e: Evidence, figures: Figures) -> list[Any]:
    out: list[Any] = []
    for chart in figures.get(e.id, ()):
        out += charts.plate(chart, height=330)
    return out
