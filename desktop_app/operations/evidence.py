"""Evidence: compute it, bring it in, read it, re-perform it.

The spec with its thresholds is an entry of the log before anything is computed (DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.evidence import (
    ArtefactScan,
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
from desktop_app.domain.model import Artefact, ArtefactResolved, DigestOf, ModelVersion, RegisteredModel
from desktop_app.domain.person import Role
from desktop_app.errors import Refused, UserError
from desktop_app.operations import artefact_store, people, policies
from desktop_app.operations.people import changed
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace

MAY_WITHDRAW = (Role.VALIDATOR, Role.MODEL_RISK, Role.COMPLIANCE, Role.AUDITOR)  # what somebody else filed
_FAIRNESS_LIBRARIES = ("fairlearn", "scikit-learn", "pandas", "numpy", "scipy")
_EXPLANATION_LIBRARIES = ("shap", "numpy", "pandas", "scikit-learn", "skops", "onnxruntime", "xgboost", "lightgbm")
_PERFORMANCE_LIBRARIES = ("scikit-learn", "numpy", "pandas", "scipy")


# ---- the artefact


def resolve_artefact(workspace: Workspace, version: Id, path: Path, progress: Progress | None = None) -> Id:
    """Read the bytes of a version: digest them, scan them without loading, keep a copy for explanations.

    Records what the version exactly is and the scan as evidence. Returns the id of the evidence. Raises UserError
    when the version already has another artefact.
    """
    from desktop_app.analysis import artefacts, environment

    progress = progress or Progress()
    progress.step(0.1, "reading the artefact")
    digest, scan = artefacts.inspect(path)
    artefact_store.keep(path, digest)
    store, evidence = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "artefact.resolved", version, note=f"Read the artefact: {scan.format}") as write:
        exact = write.reader.get(ModelVersion, version).record
        history = History(write.reader.of(exact.model))
        write.note += f" of {about(write.reader, exact)}"
        now = history.artefact(exact)
        if now.of is DigestOf.ARTEFACT and now.digest != digest:
            raise Refused("This is not the artefact of the version.",
                          f"Recorded: {now.digest}\nThis file: {digest}", "Register it as another version.")
        write.add(
            ArtefactResolved(id=store.new_id(), model=exact.model, version=version, artefact=Artefact(
                digest=digest, of=DigestOf.ARTEFACT, uri=exact.artefact.uri, format=scan.format, size=scan.size)),
            Evidence(id=evidence, model=exact.model, version=version, evidence_kind=EvidenceKind.ARTEFACT_SCAN,
                     standing=Standing.COMPUTED, title="Artefact scan", artefact=digest, scan=scan,
                     supersedes=_latest(history, version, EvidenceKind.ARTEFACT_SCAN, "Artefact scan"),
                     environment=environment.environment(None, ())))
    return evidence


def about(reader: Reader, version: ModelVersion) -> str:
    """A version as a note names it: model and label."""
    found = History(reader.of(version.model)).model()
    return f"{found.record.name if found else 'a model'} {version.label}"


def artefact_path(workspace: Workspace, version: Id) -> Path:
    """Where the artefact of a version is on this machine.

    Raises UserError when its bytes were not read here, Refused when they are no longer those that were.
    """
    return artefact_store.kept(_digest_of(workspace, version))[0]


def _digest_of(workspace: Workspace, version: Id) -> Digest:
    with workspace.store.read() as reader:
        exact = reader.get(ModelVersion, version).record
        return History(reader.of(exact.model)).artefact(exact).digest


# ---- computing


def fairness(
    workspace: Workspace, version: Id, table: Path, spec: FairnessSpec, *, title: str = "Bias report",
    period: tuple[date | None, date | None] = (None, None), progress: Progress | None = None,
) -> Id:
    """Compute a bias report on a table and file it. Returns the id of the evidence. Raises UserError, Cancelled."""
    from desktop_app.analysis import fairness as engine
    from desktop_app.analysis import table as tables
    from desktop_app.analysis.environment import environment

    progress = progress or Progress()
    loaded = tables.load(table, progress.part(0.0, 0.3))
    plan = _plan(workspace, version, EvidenceKind.FAIRNESS, fairness=spec)
    result, verdicts = engine.report(loaded, spec, progress.part(0.3, 0.95))
    progress.step(0.95, "filing")
    return _file(workspace, version, EvidenceKind.FAIRNESS, title, period, plan, inputs=(loaded.input,),
                 fairness_spec=spec, fairness=result, verdicts=verdicts,
                 environment=environment(None, _FAIRNESS_LIBRARIES))


def performance(
    workspace: Workspace, version: Id, table: Path, spec: PerformanceSpec, *, title: str = "Performance",
    period: tuple[date | None, date | None] = (None, None), progress: Progress | None = None,
) -> Id:
    """Compute a performance report on a table and file it."""
    from desktop_app.analysis import performance as engine
    from desktop_app.analysis import table as tables
    from desktop_app.analysis.environment import environment

    progress = progress or Progress()
    loaded = tables.load(table, progress.part(0.0, 0.3))
    plan = _plan(workspace, version, EvidenceKind.PERFORMANCE, performance=spec)
    result, verdicts = engine.report(loaded, spec, progress.part(0.3, 0.95))
    progress.step(0.95, "filing")
    return _file(workspace, version, EvidenceKind.PERFORMANCE, title, period, plan, inputs=(loaded.input,),
                 performance_spec=spec, performance=result, verdicts=verdicts,
                 environment=environment(None, _PERFORMANCE_LIBRARIES))


def explanation(
    workspace: Workspace, version: Id, table: Path, spec: ExplanationSpec, *, title: str = "Explanation",
    progress: Progress | None = None,
) -> Id:
    """Compute a SHAP report of the version's own artefact on a table, apart from this process, and file it."""
    from desktop_app.analysis import explain
    from desktop_app.analysis import table as tables
    from desktop_app.analysis.environment import environment

    progress = progress or Progress()
    digest = _digest_of(workspace, version)
    model, scan = artefact_store.kept(digest)
    if not scan.loadable:
        raise Refused("This model file is not opened.", scan.reason, "Export it as skops, ONNX, XGBoost or LightGBM.")
    loaded = tables.load(table, progress.part(0.0, 0.2))
    plan = _plan(workspace, version, EvidenceKind.EXPLANATION, explanation=spec)
    result = explain.explain(model, scan, table, spec, progress.part(0.2, 0.95))
    progress.step(0.95, "filing")
    return _file(workspace, version, EvidenceKind.EXPLANATION, title, (None, None), plan, inputs=(loaded.input,),
                 artefact=digest, explanation_spec=spec, explanation=result,
                 environment=environment(spec.seed, _EXPLANATION_LIBRARIES))


@record
class ModelFeatures:
    """What a model takes, held against a table; both empty where the model does not name its features.

    columns: the table's columns that are its features, in the model's order · missing: the features it lacks.
    """

    columns: tuple[str, ...]
    missing: tuple[str, ...]


def model_features(
    workspace: Workspace, version: Id, columns: tuple[str, ...], progress: Progress | None = None,
) -> ModelFeatures:
    """Ask the version's own artefact, apart from this process. Raises UserError where it cannot be opened here."""
    from desktop_app.analysis import explain

    model, scan = artefact_store.kept(_digest_of(workspace, version))
    found, missing = explain.among(explain.features(model, scan, progress), columns)
    return ModelFeatures(columns=found, missing=missing)


def _plan(workspace: Workspace, version: Id, kind: EvidenceKind, **spec: Any) -> Id:
    store, plan = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "evidence.planned", version, note=f"Planned: {kind.value}") as write:
        exact = write.reader.get(ModelVersion, version).record
        write.note += f" on {about(write.reader, exact)}"
        write.add(EvidencePlanned(id=plan, model=exact.model, version=version, evidence_kind=kind, **spec))
    return plan


def _file(
    workspace: Workspace, version: Id, kind: EvidenceKind, title: str, period: tuple[date | None, date | None],
    plan: Id, **content: Any,
) -> Id:
    store, evidence = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "evidence.filed", version, note=f"Filed: {title}") as write:
        exact = write.reader.get(ModelVersion, version).record
        write.note += f" on {about(write.reader, exact)}"
        earlier = _latest(History(write.reader.of(exact.model)), version, kind, title)
        item = Evidence(id=evidence, model=exact.model, version=version, evidence_kind=kind, title=title, plan=plan,
                        standing=Standing.COMPUTED, period_from=period[0], period_to=period[1], supersedes=earlier,
                        **content)
        write.add(item, _lineage_of(workspace, item))
    return evidence


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
        write.note += f" on {about(write.reader, exact)}"
        info = DocumentInfo(
            file_name=path.name, blob=write.add_blob(data), size=len(data), media_type=read.media_type,
            checklist=checklist, title=title or read.title or path.stem, author=author or read.author,
            received=received or workspace.today())
        history = History(write.reader.of(exact.model))
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


def save_document(workspace: Workspace, evidence: Id, target: Path) -> None:
    """Write a filed document to a file, exactly as it was filed."""
    from desktop_app.operations.saving import save_bytes

    with workspace.store.read() as reader:
        item = reader.get(Evidence, evidence).record
        if item.document is None:
            raise UserError("This evidence is not a document.", item.title, "Choose a document.")
        data = reader.blob(item.document.blob)
    save_bytes(target, data)


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


def listing(workspace: Workspace, version: Id | None = None) -> tuple[EvidenceLine, ...]:
    """Evidence, newest first; `stands` is False for what was withdrawn or superseded."""
    with workspace.store.read() as reader:
        names = reader.names()
        models = {m.record.model: m.record.name for m in reader.all(RegisteredModel)}
        labels = {v.record.id: v.record.label for v in reader.all(ModelVersion)}
        found = reader.all(Evidence, version) if version else reader.all(Evidence)
        gone = {w.record.evidence for w in reader.all(EvidenceWithdrawn)}
    gone |= {e.record.supersedes for e in found if e.record.supersedes}
    return tuple(
        EvidenceLine(item=e, model_name=models.get(e.record.model, ""), by=names.get(e.by, ""),
                     version_label=labels.get(e.record.version, ""), stands=e.record.id not in gone)
        for e in reversed(found) if version is None or e.record.version == version)


def get(workspace: Workspace, evidence: Id) -> Recorded[Evidence]:
    """One piece of evidence."""
    with workspace.store.read() as reader:
        return reader.get(Evidence, evidence)


def inspect_file(path: Path) -> tuple[Digest, ArtefactScan]:
    """What a model file is, without loading it: its digest and the scan."""
    from desktop_app.analysis import artefacts

    return artefacts.inspect(path)


def preview_fairness(table: Path, spec: FairnessSpec, progress: Progress | None = None) \
        -> tuple[FairnessResult, tuple[CriterionResult, ...]]:
    """A bias report that is not filed anywhere."""
    from desktop_app.analysis import fairness as engine
    from desktop_app.analysis import table as tables

    progress = progress or Progress()
    return engine.report(tables.load(table, progress.part(0.0, 0.3)), spec, progress.part(0.3, 1.0))


def columns_of(table: Path) -> tuple[str, ...]:
    """The names of a table's columns, in order."""
    from desktop_app.analysis import table as tables

    return tuple(column.name for column in tables.preview(table).columns)


def preview_table(table: Path) -> Any:
    """A table as a mapping dialog shows it: columns with types and frequent values, first rows, row count."""
    from desktop_app.analysis import table as tables

    return tables.preview(table)


def charts(item: Evidence) -> tuple[Figure, ...]:
    """The pictures of a piece of evidence, as the PDF prints them too."""
    from desktop_app.analysis import figures

    if item.fairness:
        attributes = dict.fromkeys(row.attribute for row in item.fairness.groups)
        return tuple(figures.ratio_chart(item, attribute) for attribute in attributes)
    if item.explanation:
        return figures.importance_chart(item.explanation), figures.waterfall_chart(item.explanation)
    return ()


@record
class GroupMark:
    """What stands in the row of a group: the picture of its interval, and its own verdict where it has one."""

    picture: Figure | None
    verdict: Verdict | None


def group_marks(item: Evidence) -> dict[tuple[str, str], GroupMark]:
    """What stands in each row of a bias report: (attribute, group) → mark."""
    from desktop_app.analysis import fairness as engine
    from desktop_app.analysis import figures

    if item.fairness is None or item.fairness_spec is None:
        return {}
    pictures, verdicts = figures.interval_rows(item), engine.row_verdicts(item.fairness_spec, item.fairness)
    return {(row.attribute, row.group): GroupMark(picture=pictures.get((row.attribute, row.group)),
                                                  verdict=verdicts.get((row.attribute, row.group)))
            for row in item.fairness.groups}


@record
class Reperformance:
    """What computing a report again came to."""

    same: bool
    differences: tuple[str, ...]


def reperform(workspace: Workspace, evidence: Id, table: Path, progress: Progress | None = None) -> Reperformance:
    """Compute a bias or performance report again on its table and compare every number.

    Raises Refused when the table is not the one it was computed on.
    """
    from desktop_app.analysis import table as tables

    progress = progress or Progress()
    with workspace.store.read() as reader:
        item = reader.get(Evidence, evidence).record
    again = _again(item)
    loaded = tables.load(table, progress.part(0.0, 0.4))
    if item.inputs and loaded.input.digest != item.inputs[0].digest:
        raise Refused("This is not the table the evidence was computed on.",
                      f"Recorded: {item.inputs[0].digest}\nThis file: {loaded.input.digest}", "Find the original file.")
    result, verdicts = again(loaded, progress.part(0.4, 1.0))
    before: Any = item.fairness or item.performance
    differences = [f"{name} differs" for name in vars(before) if getattr(before, name) != getattr(result, name)]
    differences += ["verdicts differ"] if verdicts != item.verdicts else []
    return Reperformance(same=not differences, differences=tuple(differences))


def _again(item: Evidence) -> Callable[[Any, Progress], tuple[Any, Any]]:
    from desktop_app.analysis import fairness as bias
    from desktop_app.analysis import performance as power

    if (fair := item.fairness_spec) is not None:
        return lambda loaded, progress: bias.report(loaded, fair, progress)
    if (spec := item.performance_spec) is not None:
        return lambda loaded, progress: power.report(loaded, spec, progress)
    raise UserError("This kind of evidence is not re-performed here.", item.evidence_kind.value,
                    "Bias and performance reports can be.")
