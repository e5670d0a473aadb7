"""What a check of the policy rests on, as parts of a column: evidence, a document, the card, an opinion, a finding.

The parts show recorded values only; nothing is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.card import CardField, CardRevision
from desktop_app.domain.dossier import Check, CheckState
from desktop_app.domain.evidence import Criterion, CriterionResult, Evidence, GroupRow, Measure, NamedMeasure, Standing
from desktop_app.domain.figure import Figure
from desktop_app.domain.finding import FindingState
from desktop_app.domain.model import Artefact
from desktop_app.domain.policy import Transition
from desktop_app.domain.validation import Opinion, ValidationConcluded
from desktop_app.gui import theme
from desktop_app.gui.pages.version_tabs.measures import row_chip, row_picture
from desktop_app.gui.record_table import Column as TableColumn
from desktop_app.gui.record_table import RecordTable
from desktop_app.gui.widgets.column import heading, said
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.figure_view import FigureView
from desktop_app.gui.widgets.prose import Run, paragraph

if TYPE_CHECKING:
    from desktop_app.gui.pages.version_tabs.measures import Marks
    from desktop_app.operations.findings import FindingLine

Parts = list[QWidget | int]
STATE = {CheckState.SATISFIED: "met", CheckState.ATTENTION: "attention", CheckState.BLOCKING: "breached",
         CheckState.NOT_TESTED: "not_computable"}
OPINIONS = {Opinion.FIT: "fit", Opinion.FIT_WITH_CONDITIONS: "fit with conditions", Opinion.NOT_FIT: "not fit"}
STANDINGS = {Standing.COMPUTED: "computed here", Standing.REPERFORMED: "re-performed",
             Standing.ASSERTED: "asserted, not recomputed"}
DIRECTIONS = {"at_least": "≥", "at_most": "≤"}


@record
class Basis:
    """What the registry holds of the members of a dossier."""

    evidence: dict[Id, Recorded[Evidence]]
    marks: dict[Id, Marks]
    charts: dict[Id, tuple[Figure, ...]]
    findings: dict[Id, FindingLine]
    card: Recorded[CardRevision] | None
    card_fields: tuple[CardField, ...]
    opinion: Recorded[ValidationConcluded] | None
    artefact: Artefact
    names: dict[Id, str]  # of people


def parts_of(check: Check, basis: Basis, transition: Transition) -> Parts:
    """The parts that show what a check rests on, without its heading."""
    member = check.member
    if member in basis.evidence:
        return evidence_parts(basis.evidence[member], basis)
    if member in basis.findings:
        return finding_parts(basis.findings[member])
    if basis.card is not None and member == basis.card.record.id:
        return card_parts(basis.card, basis.card_fields)
    if basis.opinion is not None and member == basis.opinion.record.id:
        return opinion_parts(basis.opinion, basis.names)
    if check.key == "artefact":
        return [artefact_facts(basis.artefact)]
    if member:
        return [paragraph("What it rests on was replaced since: look at the version.", "muted")]
    return [paragraph(text, "muted") for text in _asked_for(check, transition)]


def _asked_for(check: Check, transition: Transition) -> list[str]:
    """What the policy says of something that is not there."""
    for rule in transition.evidence:
        if check.key == f"evidence:{rule.kind.value}":
            accept = ", ".join(verdict.value.replace("_", " ") for verdict in rule.accept)
            return [f"The policy asks for it, not older than {rule.max_age_days} days, and takes the verdicts "
                    f"{accept}." + ("" if rule.blocking else " Without it, the statement says: not tested.")]
    for line in transition.documents:
        if check.key == f"document:{line.key}":
            return ["The policy asks for this document. It is filed on the Documents tab of the version."
                    + ("" if line.blocking else " Without it, the statement says: not tested.")]
    return []


def artefact_facts(artefact: Artefact) -> QWidget:
    """What exactly a version is."""
    facts = [Fact("Digest", artefact.digest, "digest"), Fact("Taken over the", artefact.of.value.replace("_", " "))]
    facts += [Fact(label, value) for label, value in (
        ("Format", artefact.format), ("Size", f"{artefact.size:,} bytes" if artefact.size else ""),
        ("At its source", artefact.uri)) if value]
    return FactsList(facts, label_width=140)


# ---- evidence


def evidence_parts(item: Recorded[Evidence], basis: Basis) -> Parts:
    """A piece of evidence: what was asked, what came out, how sure it is, and where it was made."""
    evidence = item.record
    parts: Parts = [paragraph(_intro(item), "muted")]
    if evidence.fairness:
        parts += [bias_table(evidence, basis.marks.get(evidence.id, {}))]
    if evidence.performance:
        parts += [measures_table(evidence.performance.measures, evidence.verdicts)]
    for title, figure in zip(_chart_titles(evidence), basis.charts.get(evidence.id, ()), strict=False):
        parts += [theme.XS, paragraph(title, "strong"), FigureView(figure)]
    parts += [theme.XS, *(_verdict(v) for v in evidence.verdicts)]
    notes = [*(evidence.fairness.notes if evidence.fairness else ()),
             *(evidence.performance.notes if evidence.performance else ()),
             *(evidence.explanation.notes if evidence.explanation else ())]
    parts += [paragraph(note, "muted") for note in notes]
    if evidence.verdicts and evidence.fairness:
        parts.append(paragraph("Meeting a criterion is not a legal conclusion.", "muted"))
    return [*parts, theme.S, FactsList(evidence_facts(item, basis.names), label_width=140)]


def _intro(item: Recorded[Evidence]) -> str:
    evidence = item.record
    words = [f"{item.label}, {STANDINGS[evidence.standing]} on {day_text(item.at.astimezone().date())}."]
    if (spec := evidence.fairness_spec) is not None:
        share = f"with {spec.decision} = {spec.positive}" if spec.favourable else \
            f"without {spec.decision} = {spec.positive}, which is the favourable outcome"
        to = "the reference named beforehand" if spec.reference else "the best group"
        words.append(f"Share {share}, relative to {to}; 95 % intervals.")
    if evidence.explanation:
        words.append(f"SHAP values, {evidence.explanation.explainer}, of {evidence.explanation.output}.")
    criteria = [v.criterion for v in evidence.verdicts]
    if criteria:
        chosen = ", written down before the run" if evidence.plan else ""
        words.append(f"Criterion: {'; '.join(dict.fromkeys(map(_criterion, criteria)))}{chosen}.")
    return " ".join(words)


def _chart_titles(evidence: Evidence) -> tuple[str, ...]:
    if evidence.explanation is None:
        return ()
    row = evidence.explanation.local.row + 1
    return "Mean absolute contribution of each feature", f"One record, row {row:,}: from the base value to the output"


def _criterion(criterion: Criterion) -> str:
    metric = criterion.metric.replace("_", " ")
    if criterion.threshold is None:
        return f"{metric}, no threshold"
    return f"{metric} {DIRECTIONS.get(criterion.direction, criterion.direction)} {float(criterion.threshold):g}"


def _verdict(result: CriterionResult) -> QWidget:
    from desktop_app.gui.widgets.chip import STATES

    token, _, mark, word = STATES[result.verdict.value]
    return said(Run(f"{mark} {word}. ".lstrip().capitalize(), "strong", token), Run(result.sentence))


def bias_table(evidence: Evidence, marks: Marks) -> QWidget:
    """One row per group: n, ratio, interval, its picture, and its own verdict."""
    assert evidence.fairness is not None
    table: RecordTable[GroupRow] = RecordTable([
        TableColumn(key="group", title="Group", text=lambda r: r.group, second=lambda r: r.attribute, width=112,
                    stretch=1),
        TableColumn(key="n", title="n", text=lambda r: f"{r.n:,}", align="right", width=62, sort=lambda r: r.n),
        TableColumn(key="ratio", title="Ratio", align="right", width=100, sort=lambda r: float(r.ratio.value or -1),
                    text=lambda r: "ref." if r.state == "reference" else three(r.ratio.value),
                    second=lambda r: "" if r.state == "reference" else interval(r.ratio)),
        TableColumn(key="picture", title="95 %, threshold dashed", text=lambda r: "", width=226,
                    figure=lambda r: row_picture(r, marks)),
        TableColumn(key="criterion", title="Criterion", width=128,
                    chip=lambda r: row_chip(r, marks),
                    text=lambda r: "reference" if r.state == "reference" else ""),
    ], name="Groups", tall=True)
    table.set_records(evidence.fairness.groups)
    return table


def measures_table(measures: tuple[NamedMeasure, ...], verdicts: tuple[CriterionResult, ...]) -> QWidget:
    """One row per measure with its interval and what its criterion came to."""
    found = {v.criterion.metric: v for v in verdicts}

    def chip(row: NamedMeasure) -> tuple[str, str] | None:
        result = found.get(row.name)
        return (result.verdict.value, result.verdict.value.replace("_", " ")) if result else None

    table: RecordTable[NamedMeasure] = RecordTable([
        TableColumn(key="name", title="Measure", text=lambda r: r.name.replace("_", " "), width=160, stretch=1),
        TableColumn(key="value", title="Value", text=lambda r: three(r.measure.value), align="right", width=90),
        TableColumn(key="interval", title="95 % interval", text=lambda r: interval(r.measure), width=150,
                    muted=True),
        TableColumn(key="criterion", title="Criterion", chip=chip, text=lambda r: "", width=140),
    ], name="Measures", dense=True, tall=True)
    table.set_records(measures)
    return table


def three(number: str | None) -> str:
    """A number with three decimals, a dash where there is none."""
    return "–" if number is None else f"{float(number):.3f}"


def interval(measure: Measure) -> str:
    """[0.900, 0.960], or the reason why there is none."""
    if measure.low is None:
        return measure.reason if measure.value is None else ""
    return f"[{three(measure.low)}, {three(measure.high) if measure.high is not None else '∞'}]"


def evidence_facts(item: Recorded[Evidence], names: dict[Id, str]) -> list[Fact]:
    """What vouches for a piece of evidence."""
    evidence = item.record
    facts = [Fact("Evidence", f"{item.label} {evidence.title}, entry {item.seq:,}"),
             Fact("Digest", item.digest, "digest")]
    if evidence.period_from or evidence.period_to:
        days = [day_text(day) for day in (evidence.period_from, evidence.period_to) if day]
        facts.append(Fact("Period covered", " to ".join(days)))
    for table in evidence.inputs:
        facts += [Fact("Table", f"{table.name}, {table.rows:,} rows × {table.columns}, kept at "
                       f"{table.location or 'a place not stated'} until: {table.retained_until}"),
                  Fact("Its digest", table.digest, "digest")]
    if evidence.scan:
        facts += [Fact("Format", evidence.scan.format), Fact("May be opened", "yes, data only" if evidence.scan.loadable
                       else f"no: {evidence.scan.reason}"),
                  *(Fact(pair.key, pair.value) for pair in evidence.scan.details)]
    if (filed := evidence.document) is not None:
        author = names.get(filed.author, "") if filed.author else "not stated"
        facts += [Fact("File", f"{filed.file_name}, {filed.size:,} bytes, {filed.media_type}"),
                  Fact("Author", author), Fact("Received", day_text(filed.received)),
                  Fact("Its digest", filed.blob, "digest")]
    if evidence.explanation:
        facts += [Fact("Adds up to within", evidence.explanation.additivity_residual),
                  Fact("Kept apart by", evidence.explanation.isolation)]
    if evidence.environment:
        made = evidence.environment
        libraries = ", ".join(f"{pair.key} {pair.value}" for pair in made.libraries)
        facts.append(Fact("Made with", f"Python {made.python}, {libraries}"
                          + (f", seed {made.seed}" if made.seed is not None else "")))
    return facts


# ---- findings, card, opinion


def finding_parts(line: FindingLine) -> Parts:
    """A finding with everything that happened to it."""
    finding, now = line.now.finding, line.now
    facts = [Fact("Severity", finding.severity.value), Fact("State", state_words(now.state, now.due)),
             Fact("Owner", line.owner or "nobody yet"),
             Fact("Raised", f"{day_text(now.opened_on)} by {line.raised_by}")]
    if finding.remediation:
        facts.append(Fact("Remediation", finding.remediation))
    return [paragraph(finding.title, "strong"), paragraph(finding.description), theme.XS,
            FactsList(facts, label_width=110), theme.S, *event_parts(line)]


def event_parts(line: FindingLine) -> Parts:
    """What happened to a finding, oldest first."""
    if not line.events:
        return [paragraph("Nobody has answered yet.", "muted")]
    return [said(Run(f"{who}, {day_text(when)}: ", tone="muted"), Run(f"{state.value}. ", "strong"), Run(comment))
            for who, when, state, comment in line.events]


def state_words(state: FindingState, due: Any) -> str:
    """Where a finding stands, with the day that belongs to it."""
    day = day_text(due) if due else ""
    if state is FindingState.ACCEPTED:
        return f"accepted until {day}"
    if state is FindingState.CLOSED or not day:
        return state.value
    return f"{state.value}, due {day}"


def card_parts(card: Recorded[CardRevision], fields: tuple[CardField, ...]) -> Parts:
    """The card as text, section by section."""
    when = day_text(card.at.astimezone().date())
    parts: Parts = [paragraph(f"Revision {card.record.revision}, saved {when}.", "muted")]
    section = ""
    for field in fields:
        text = card.record.text(field.key)
        if not text:
            continue
        if field.section != section:
            section = field.section
            parts += [theme.S, heading(section)]
        parts += [paragraph(field.label, "note"), paragraph(text)]
    return parts


def opinion_parts(opinion: Recorded[ValidationConcluded], names: dict[Id, str]) -> Parts:
    """What validation concluded, with what it did not test."""
    concluded = opinion.record
    on = concluded.concluded_on or opinion.at.astimezone().date()
    by = f", by {names.get(concluded.given_by, '')}" if concluded.given_by else ""
    basis = f"taken over from an inventory{by}" if concluded.basis == "inventory" else f"entry {opinion.seq:,}"
    parts: Parts = [
        said(Run(f"{OPINIONS[concluded.opinion]}".capitalize(), "strong"), Run(f", {day_text(on)}, {basis}.")),
        paragraph(concluded.summary)]
    for title, lines in (("Conditions", concluded.conditions), ("Not tested", concluded.not_tested)):
        if lines:
            parts += [theme.S, heading(title), *(paragraph(line) for line in lines)]
    return parts
