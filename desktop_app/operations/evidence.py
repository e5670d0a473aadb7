"""Evidence: compute it, bring it in, read it, re-perform it.

The spec with its thresholds is an entry of the log before anything is computed (DESIGN §4).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.dataset import InDatabase, TableInput
from desktop_app.domain.evidence import (
    CONFIDENTIALITY,
    ON_THIS_TABLE,
    OWN_CUT_OFFS,
    CriterionResult,
    DocumentInfo,
    Evidence,
    EvidenceKind,
    EvidencePlanned,
    EvidenceWithdrawn,
    ExplanationSpec,
    FairnessResult,
    FairnessSpec,
    PerformanceSpec,
    Standing,
    Verdict,
)
from desktop_app.domain.figure import Figure
from desktop_app.domain.history import History
from desktop_app.domain.lineage import Edge, LineageRecord, Node, NodeKind
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.person import Role
from desktop_app.errors import Refused, UserError
from desktop_app.operations import artefacts, exports, people, policies
from desktop_app.operations.called import Called
from desktop_app.operations.naming import Named
from desktop_app.operations.people import changed
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace

MAY_WITHDRAW = (Role.VALIDATOR, Role.MODEL_RISK, Role.COMPLIANCE, Role.AUDITOR)  # what somebody else filed
TITLES = {EvidenceKind.FAIRNESS: "Bias report", EvidenceKind.PERFORMANCE: "Performance",
          EvidenceKind.EXPLANATION: "Explanation"}  # of reports that were given none
Asked = FairnessSpec | PerformanceSpec  # what a report on a table is asked
Data = Path | InDatabase  # what it is asked of


# ---- computing


def report(
    workspace: Workspace, version: Id, table: Data, spec: Asked, *, title: str = "",
    period: tuple[date | None, date | None] = (None, None), progress: Progress | None = None,
) -> Id:
    """Compute a bias or a performance report, as the spec asks, on a table, and file it. Returns the evidence's id.

    period: the days the data cover; by the column of days, where the spec names one and none are given.
    Raises UserError, before anything is recorded, for what cannot be computed on this table; Cancelled.
    """
    _check(spec)
    progress = progress or Progress()
    engine = _engine(spec)
    read, source = _read(engine, table, spec, progress.part(0.0, 0.7))
    plan = _plan(workspace, version, spec)
    result, verdicts = engine.measured(read, spec, progress.part(0.7, 0.95))
    if period == (None, None) and (days := getattr(read, "days", None)):
        period = (date.fromisoformat(days[0]), date.fromisoformat(days[1]))
    progress.step(0.95, "filing")
    return _file(workspace, plan, title or TITLES[_kind(spec)], result, libraries=engine.LIBRARIES, verdicts=verdicts,
                 inputs=(source,), period_from=period[0], period_to=period[1])


def _read(engine: ModuleType, table: Data, spec: Asked, progress: Progress) -> tuple[Any, TableInput]:
    """What a report needs of a table, and which table it was. Raises UserError for what cannot be computed on it.

    A table in a database has the digest of what was counted, since its bytes are nobody's.
    """
    from desktop_app.analysis import in_database, table_file
    from desktop_app.analysis import table as tables
    if isinstance(table, InDatabase):
        if _kind(spec) is not EvidenceKind.FAIRNESS:
            raise UserError("This kind of report is not computed in a database.", table.table,
                            "Export the columns that are needed to a file.")
        with in_database.connected(table) as there:
            counted = engine.check(there, spec, progress)
        return counted, replace(there.input, rows=counted.read, digest=counted.digest)
    if _kind(spec) is EvidenceKind.FAIRNESS:  # counted where it lies, however large
        file = table_file.open_file(table, progress.part(0.0, 0.3))
        counted = engine.check(file, spec, progress.part(0.3, 1.0))
        file.check_unchanged()
        return counted, replace(file.input, rows=counted.read)
    loaded = tables.load(table, progress.part(0.0, 0.7))
    return engine.check(loaded, spec, progress.part(0.7, 1.0)), loaded.input


def explanation(
    workspace: Workspace, version: Id, table: Path, spec: ExplanationSpec, *, title: str = "",
    progress: Progress | None = None,
) -> Id:
    """Compute a SHAP report of the version's own artefact on a table, apart from this process, and file it.

    Raises UserError, before anything is recorded, for features that are not the model's or a row that is not there.
    """
    from desktop_app.analysis import explain
    from desktop_app.analysis import table as tables

    progress = progress or Progress()
    digest, model, scan = artefacts.kept(workspace, version)
    if not scan.loadable:
        raise Refused("This model file is not opened.", scan.reason, "Export it as skops, ONNX, XGBoost or LightGBM.")
    loaded = tables.load(table, progress.part(0.0, 0.2))
    explain.check(model, scan, loaded, spec, progress.part(0.2, 0.3))
    plan = _plan(workspace, version, spec)
    result = explain.explain(model, scan, table, spec, progress.part(0.3, 0.95))
    progress.step(0.95, "filing")
    return _file(workspace, plan, title or TITLES[EvidenceKind.EXPLANATION], result, libraries=explain.LIBRARIES,
                 inputs=(loaded.input,), artefact=digest)


def preview(
    table: Data, spec: Asked, progress: Progress | None = None,
) -> tuple[Any, tuple[CriterionResult, ...], TableInput]:
    """A bias or a performance report (its result, verdicts and table) that is not filed anywhere, as `report`."""
    _check(spec)
    return compute(table, spec, progress or Progress())


def _check(spec: Asked) -> None:
    from desktop_app.operations import presets

    if isinstance(spec, FairnessSpec):
        presets.check(spec)


def compute(
    table: Data, spec: Asked, progress: Progress,
) -> tuple[Any, tuple[CriterionResult, ...], TableInput]:
    """What a spec asks of a table, whoever allowed it: also what a preset of before did."""
    engine = _engine(spec)
    read, source = _read(engine, table, spec, progress.part(0.0, 0.8))
    return *engine.measured(read, spec, progress.part(0.8, 1.0)), source


def _kind(spec: Asked | ExplanationSpec) -> EvidenceKind:
    return {FairnessSpec: EvidenceKind.FAIRNESS, PerformanceSpec: EvidenceKind.PERFORMANCE,
            ExplanationSpec: EvidenceKind.EXPLANATION}[type(spec)]


def _engine(spec: Asked) -> ModuleType:
    """The module with `check`, `report` and `LIBRARIES` for what is asked."""
    from desktop_app.analysis import fairness, performance

    return fairness if isinstance(spec, FairnessSpec) else performance


def _plan(workspace: Workspace, version: Id, spec: Asked | ExplanationSpec) -> EvidencePlanned:
    store, kind = workspace.store, _kind(spec)
    asked: dict[str, Any] = {kind.value: spec}
    with store.write(workspace.me, "evidence.planned", version, note=f"Planned: {kind.value}") as write:
        exact = write.reader.get(ModelVersion, version).record
        write.note += f" on {History(write.reader.of(exact.model)).called(exact)}"
        plan = EvidencePlanned(id=store.new_id(), model=exact.model, version=version, evidence_kind=kind, **asked)
        write.add(plan)
    return plan


def _file(
    workspace: Workspace, plan: EvidencePlanned, title: str, result: Any, *, libraries: tuple[str, ...], **more: Any,
) -> Id:
    from desktop_app.analysis.environment import environment

    store, kind = workspace.store, plan.evidence_kind
    spec = getattr(plan, kind.value)
    with store.write(workspace.me, "evidence.filed", plan.version, note=f"Filed: {title}") as write:
        exact = write.reader.get(ModelVersion, plan.version).record
        history = History(write.reader.of(exact.model))
        write.note += f" on {history.called(exact)}"
        item = Evidence(id=store.new_id(), model=exact.model, version=exact.id, evidence_kind=kind, title=title,
                        plan=plan.id, standing=Standing.COMPUTED, supersedes=_latest(history, exact.id, kind, title),
                        environment=environment(_seed(spec), libraries),
                        **{f"{kind.value}_spec": spec, kind.value: result}, **more)
        write.add(item, _lineage_of(workspace, item))
    return item.id


def _seed(spec: Asked | ExplanationSpec) -> int | None:
    """The seed of what is drawn by chance, where anything is."""
    if isinstance(spec, FairnessSpec):
        return spec.seed if spec.bootstrap else None
    return getattr(spec, "seed", None)


def _latest(history: History, version: Id, kind: EvidenceKind, title: str) -> Id | None:
    """The evidence that a new one of this kind and title supersedes."""
    found = [e.record.id for e in history.evidence(version)
             if e.record.evidence_kind is kind and e.record.title == title and e.record.document is None]
    return found[-1] if found else None


def _lineage_of(workspace: Workspace, item: Evidence) -> LineageRecord:
    nodes = [Node(key=item.id, kind=NodeKind.EVIDENCE, name=item.title, detail=item.evidence_kind.value)]
    edges = [Edge(effect=item.id, relation="evaluated_on", cause=item.version)]
    for table in item.inputs:
        key = f"dataset:{table.digest}"
        nodes.append(Node(key=key, kind=NodeKind.DATASET, name=table.name, detail=f"{table.rows:,} rows"))
        edges.append(Edge(effect=item.id, relation="used", cause=key, role="test"))
    return LineageRecord(id=workspace.store.new_id(), model=item.model, source="assaydesk", event=item.id,
                         nodes=tuple(nodes), edges=tuple(edges))


# ---- documents


def file_document(
    workspace: Workspace, version: Id, path: Path, *, checklist: str, title: str = "", author: str = "",
    received: date | None = None, period: tuple[date | None, date | None] = (None, None),
) -> Id:
    """File a PDF, Word, Excel or mail file on a checklist line: kept with its digest, asserted, not recomputed.

    checklist: the key of a line of the policy's documents checklist, or "other". Raises UserError for another.
    """
    from desktop_app.sources import documents

    with workspace.store.read() as reader:
        _check_line(reader, checklist)
    read = documents.describe(path)
    data = path.read_bytes()
    store, evidence = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "document.filed", version, note=f"Filed {path.name}") as write:
        exact = write.reader.get(ModelVersion, version).record
        history = History(write.reader.of(exact.model))
        write.note += f" on {history.called(exact)}"
        info = DocumentInfo(
            file_name=path.name, blob=write.add_blob(data), size=len(data), media_type=read.media_type,
            checklist=checklist, title=title or read.title or path.stem,
            author=Named(workspace, write.reader).add(write, author or read.author, "document"),
            received=received or workspace.today())
        earlier = [e.record.id for e in history.evidence(version) if e.record.document
                   and e.record.document.checklist == checklist and checklist != "other"]
        write.add(Evidence(
            id=evidence, model=exact.model, version=version, evidence_kind=EvidenceKind.DOCUMENT, title=info.title,
            standing=Standing.ASSERTED, period_from=period[0], period_to=period[1], document=info,
            supersedes=earlier[-1] if earlier else None))
    return evidence


def _check_line(reader: Reader, line: str) -> None:
    lines = policies.current(reader).record.document_lines()
    if line not in lines:
        raise UserError(f"The policy has no document line “{line}”.",
                        "\n".join(f"{key}: {title}" for key, title in lines.items()), "File it on one of these.")


def save_document(workspace: Workspace, evidence: Id, target: Path) -> Change:
    """Write a filed document to a file, exactly as it was filed. That it was taken out is a fact."""
    with workspace.store.read() as reader:
        found = reader.get(Evidence, evidence)
        item = found.record
        if item.document is None:
            raise UserError("This evidence is not a document.", item.title, "Choose a document.")
        data = reader.blob(item.document.blob)
    return exports.save(workspace, target, data, what="document", action="document.saved", subject=evidence,
                        note=f"Saved a copy of {found.label}, {item.document.file_name}")


def withdraw(workspace: Workspace, evidence: Id, reason: str) -> Change:
    """Withdraw evidence found wrong: decisions that rest on it are to be reconsidered.

    Whoever filed it may, and the second and third line. Raises Refused for anybody else.
    """
    if not reason.strip():
        raise UserError("Say why the evidence is withdrawn.", "", "Write a reason.")
    store = workspace.store
    note = f"Withdrew evidence: {reason.strip()}"
    with store.write(workspace.me, "evidence.withdrawn", evidence, note=note) as write:
        filed = write.reader.get(Evidence, evidence)
        if filed.by != workspace.me:
            people.require(write.reader, workspace, *MAY_WITHDRAW)
        write.add(EvidenceWithdrawn(id=store.new_id(), model=filed.record.model, version=filed.record.version,
                                    evidence=evidence, reason=reason.strip()))
    return changed(write)


# ---- reading


@record
class EvidenceLine:
    """A piece of evidence as lists show it."""

    item: Recorded[Evidence]
    model_name: str
    version_label: str
    by: str
    stands: bool
    author: str  # of a document; empty where none is stated


def listing(workspace: Workspace, version: Id | None = None) -> tuple[EvidenceLine, ...]:
    """Evidence, newest first; `stands` is False for what was withdrawn or superseded."""
    with workspace.store.read() as reader:
        found = reader.all(Evidence, version) if version else reader.all(Evidence)
        called = Called(reader, {i for e in found for i in (e.record.model, e.record.version)})
        names, models, labels = called.names, called.models, called.labels
        gone = {w.record.evidence for w in reader.all(EvidenceWithdrawn)}
    gone |= {e.record.supersedes for e in found if e.record.supersedes}
    return tuple(
        EvidenceLine(item=e, model_name=models.get(e.record.model, ""), by=names.get(e.by, ""),
                     author=_author(e.record, names), version_label=labels.get(e.record.version, ""),
                     stands=e.record.id not in gone)
        for e in reversed(found) if version is None or e.record.version == version)


def _author(evidence: Evidence, names: dict[Id, str]) -> str:
    author = evidence.document.author if evidence.document else None
    return names.get(author, "") if author else ""


def get(workspace: Workspace, evidence: Id) -> Recorded[Evidence]:
    """One piece of evidence."""
    with workspace.store.read() as reader:
        return reader.get(Evidence, evidence)


def columns_of(table: Path) -> tuple[str, ...]:
    """The names of a table's columns, in order."""
    from desktop_app.analysis import table as tables

    return tuple(column.name for column in tables.preview(table).columns)


def preview_table(table: Data, progress: Progress | None = None) -> Any:
    """A table as a mapping dialog shows it: columns with types and frequent values, first rows, row count.

    A large one is looked at where it lies, and so is one in a database.
    """
    from desktop_app.analysis import glance, in_database, table_file
    from desktop_app.analysis import table as tables

    progress = progress or Progress()
    if isinstance(table, InDatabase):
        progress.step(0.0, "connecting to the database")
        with in_database.connected(table) as there:
            return glance.glance_there(there, progress)
    if not table_file.is_large(table):
        return tables.preview(table, progress)
    return glance.glance(table_file.open_file(table, progress.part(0.0, 0.2)), progress.part(0.2, 1.0))


def charts(item: Evidence) -> tuple[Figure, ...]:
    """The pictures of a piece of evidence, as the PDF prints them too."""
    from desktop_app.analysis import figures

    if item.fairness:
        attributes = dict.fromkeys(row.attribute for row in item.fairness.groups)
        return tuple(figures.ratio_chart(item, attribute) for attribute in attributes)
    if item.explanation:
        return figures.importance_chart(item.explanation), figures.waterfall_chart(item.explanation)
    return ()


def group_verdicts(spec: FairnessSpec, result: FairnessResult) -> dict[tuple[str, str], Verdict]:
    """(attribute, group) → what the group's own ratio comes to under its attribute's criterion."""
    from desktop_app.analysis import criteria

    return criteria.row_verdicts(spec, result)


@record
class GroupMark:
    """What stands in the row of a group: the picture of its interval, and its own verdict where it has one."""

    picture: Figure | None
    verdict: Verdict | None


def score_charts(item: Evidence, attribute: str = "") -> tuple[Figure, ...]:
    """The pictures of a bias report's scores, of one attribute or of all: how rates move with the cut-off, calibration,
    other cut-offs; none without scores.
    """
    from desktop_app.analysis import score_figures

    return score_figures.score_charts(item, attribute)


def charts_over_time(item: Evidence, attribute: str = "") -> tuple[Figure, ...]:
    """The pictures of a bias report's shares over time, of one attribute or of all; none without a column of days."""
    from desktop_app.analysis import score_figures

    return score_figures.over_time(item, attribute)


def alternatives(spec: FairnessSpec, result: FairnessResult, attribute: str = "") -> tuple[str, ...]:
    """What other cut-offs would have done, in words, of one attribute or of all; nothing where none were searched.

    Before it how confidential that is, after it what the law says of cut-offs of their own for groups.
    """
    from desktop_app.analysis import alternatives as search

    found = [s for s in search.said(result, spec) if s.startswith(f"{attribute}:" if attribute else "")]
    label = (f"Search for other cut-offs. {CONFIDENTIALITY[spec.confidentiality]}",) \
        if spec.confidentiality and found else ()
    return (*label, *found, *((ON_THIS_TABLE,) if found else ()), *((OWN_CUT_OFFS,) if result.group_cut_offs else ()))


def group_marks(item: Evidence) -> dict[tuple[str, str], GroupMark]:
    """What stands in each row of a bias report: (attribute, group) → mark."""
    from desktop_app.analysis import figures

    if item.fairness is None or item.fairness_spec is None:
        return {}
    pictures, verdicts = figures.interval_rows(item), group_verdicts(item.fairness_spec, item.fairness)
    return {(row.attribute, row.group): GroupMark(picture=pictures.get((row.attribute, row.group)),
                                                  verdict=verdicts.get((row.attribute, row.group)))
            for row in item.fairness.groups}


SUPPRESSED = "suppressed"
GROUP_COLUMNS = ("attribute", "group", "n", "selected", "share selected", "ratio", "relative to")


def export_groups(workspace: Workspace, evidence: Id, target: Path, smallest: int | None = None) -> tuple[Change, int]:
    """Write the groups of a bias report as CSV, for handing on: small counts are left out, and others besides so that
    none of them can be worked out. Returns the entry and how many counts were left out.

    smallest: counts from 1 to one below it are; None: 10, or none where the report's preset wants all published.
    """
    from desktop_app.analysis import suppression
    from desktop_app.operations import presets

    with workspace.store.read() as reader:
        found = reader.get(Evidence, evidence)
    item, spec, result = found.record, found.record.fairness_spec, found.record.fairness
    if spec is None or result is None or spec.prediction is not None:
        raise UserError("This evidence has no counts of groups.", item.title, "Choose a bias report of decisions.")
    preset = presets.of(spec)
    if smallest is None:
        smallest = 0 if preset is not None and preset.publishes_small_cells else suppression.LIMIT
    left_out = suppression.hidden([suppression.Counts(g.attribute, g.group, g.selected, g.n - g.selected)
                                   for g in result.groups], spec.crossed, smallest)
    data = _groups_csv(result, left_out)
    said = f", {len(left_out):,} counts left out" if left_out else ""
    return exports.save(workspace, target, data, what="groups", action="evidence.groups_exported", subject=evidence,
                        note=f"Exported the groups of {found.label} as {target.name}{said}"), len(left_out)


def _groups_csv(result: FairnessResult, left_out: frozenset[tuple[str, str, str]]) -> bytes:
    import csv
    import io

    hidden = {(attribute, group) for attribute, group, _ in left_out}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(GROUP_COLUMNS)
    for g in result.groups:
        at, (selected, others) = (g.attribute, g.group), (g.selected, g.n - g.selected)
        told = selected if (*at, "selected") not in left_out else SUPPRESSED
        known = at not in hidden
        best = (g.attribute, g.relative_to) not in hidden
        writer.writerow([exports.spreadsheet_safe(str(cell)) for cell in (
            g.attribute, g.group, selected + others if known else SUPPRESSED, told,
            f"{selected / g.n:.6f}" if known and g.n else SUPPRESSED,
            (g.ratio.value or g.ratio.reason) if known and best else SUPPRESSED, g.relative_to)])
    return out.getvalue().encode("utf-8-sig")
