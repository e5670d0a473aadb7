"""What was computed: explanations and performance, each with what was asked before the run, and what every piece of
evidence says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from desktop_app.domain.canonical import day_text
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import (
    Criterion,
    Evidence,
    EvidenceKind,
    ExplanationResult,
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
    sentence,
    short,
    words,
)
from desktop_app.reports.tables import Cell, Column, bullets, facts, heading, section, table
from desktop_app.reports.text import NONE, bold, line, mono, muted, paragraph, verdict

Facts = list[tuple[str, list[Cell]]]
Figures = Mapping[str, tuple[Figure, ...]]
_STANDING = {Standing.COMPUTED: "computed here", Standing.REPERFORMED: "re-performed here",
             Standing.ASSERTED: "asserted, not recomputed"}
NO_LEGAL = "Meeting a criterion is not a legal conclusion."


def explanations(contents: Contents, figures: Figures) -> list[Any]:
    """Every explanation."""
    out: list[Any] = []
    for stored, e in contents.evidence(EvidenceKind.EXPLANATION):
        if e.explanation is not None:
            out += [*head(contents, stored, e, _explanation_facts(e)), *_charts(e, figures),
                    *_importances(e.explanation), *_local(e.explanation), *notes_of("Notes", e.explanation.notes)]
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
            out += [*head(contents, stored, e, asked), *verdicts(e),
                    *overall(e.performance.measures, e.performance.rows, "Measures"),
                    *_charts(e, figures), *notes_of("Notes", e.performance.notes)]
    return out


# ---- what every piece of evidence says of itself


def head(contents: Contents, stored: PackRecord, e: Evidence, asked: Facts) -> list[Any]:
    """Its title, who vouches for it, what was asked, on which table, made how."""
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


def verdicts(e: Evidence) -> list[Any]:
    """What its criteria came to."""
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


def overall(measures: Sequence[NamedMeasure], rows: int, title: str = "Over all groups") -> list[Any]:
    """Measures of all rows."""
    columns = (Column("Measure", 150), Column("Value", 60, right=True), Column("95 % interval", 100, right=True),
               Column("Rows", 60, right=True), Column("How", 150))
    return [*heading(title), *table(columns, [
        (measure_name(m.name), figure(m.measure.value), interval(m.measure) or NONE, count(rows),
         line(m.measure.reason or m.measure.method, 200)) for m in measures], empty="Nothing was measured.")]


def notes_of(title: str, notes: Sequence[str]) -> list[Any]:
    """Notes under a title; nothing without any."""
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
