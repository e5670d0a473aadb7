"""Lineage: the graph of where versions come from, out of what events, syncs and people said."""

from __future__ import annotations

from pathlib import Path

from desktop_app.domain import lineage as rules
from desktop_app.domain.canonical import Id, record, sha256
from desktop_app.domain.change import Change
from desktop_app.domain.evidence import Evidence
from desktop_app.domain.figure import Box, Figure
from desktop_app.domain.history import History
from desktop_app.domain.lineage import Edge, Graph, LineageRecord, Node, NodeKind
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.person import Role
from desktop_app.errors import UserError
from desktop_app.operations import people
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace

MAY_ASSERT = (Role.DEVELOPER, Role.OWNER, Role.VALIDATOR, Role.MODEL_RISK)
_RELATION = {NodeKind.VERSION: "derived_from", NodeKind.CODE: "generated_by"}


def upstream_of(reader: Reader, history: History, version: Id) -> Graph:
    """What a version was made from: the upstream closure, without decisions or deployments."""
    exact, model = history.find(ModelVersion, version), history.model()
    if exact is None or model is None:
        return Graph(nodes=(), edges=())
    here = Node(key=version, kind=NodeKind.VERSION, name=f"{model.record.name} {exact.record.label}",
                detail=exact.record.artefact.format or "version")
    said = [f.record for f in reader.all(LineageRecord)]
    unknown = Graph(nodes=(here,), edges=())
    whole = rules.merge([*said, unknown])
    closure = rules.upstream(whole, version)
    return closure if closure.edges else _origin_unknown(here)


def _origin_unknown(here: Node) -> Graph:
    """Missing lineage is a node of its own, never an absence."""
    missing = Node(key=f"unknown:{here.key}", kind=NodeKind.UNKNOWN, name="not known", detail="nothing was recorded")
    return Graph(nodes=(here, missing),
                 edges=(Edge(effect=here.key, relation="derived_from", cause=missing.key, basis="inferred"),))


def with_evidence(graph: Graph, history: History, version: Id) -> Graph:
    """The closure with the evidence on the version and what that was computed on, for looking at."""
    nodes, edges = list(graph.nodes), list(graph.edges)
    for item in history.evidence(version):
        nodes.append(_evidence_node(item.record, item.label))
        edges.append(Edge(effect=item.record.id, relation="evaluated_on", cause=version))
        for table in item.record.inputs:
            key = f"dataset:{table.digest}"
            nodes.append(Node(key=key, kind=NodeKind.DATASET, name=table.name, detail=f"{table.rows:,} rows"))
            edges.append(Edge(effect=item.record.id, relation="used", cause=key, role="test"))
    return rules.merge([Graph(nodes=tuple(nodes), edges=tuple(edges))])


def _evidence_node(evidence: Evidence, label: str) -> Node:
    return Node(key=evidence.id, kind=NodeKind.EVIDENCE, name=f"{label} {evidence.title}",
                detail=evidence.evidence_kind.value.replace("_", " "))


@record
class Cause:
    """What somebody says a version was made from, or with.

    kind: a dataset, features, code, or another version, which is then named by `version` · role: of a dataset, train,
    validation, test or reference · file: its bytes are digested and not kept, so that it is known again elsewhere.
    """

    kind: NodeKind
    name: str = ""
    role: str = ""
    file: Path | None = None
    version: Id | None = None


def assert_cause(workspace: Workspace, version: Id, cause: Cause, source: str) -> Change:
    """Record what a person knows of a version's origin and no source has told: an asserted edge, shown as such.

    source: where they know it from, a report say. Raises UserError for what is missing or would go round in a circle,
    Refused where the role is missing.
    """
    if not source.strip() or not (cause.name.strip() or cause.version):
        raise UserError("Say what it was made from, and where that is written.", "", "Fill both in.")
    digest = sha256(_read(cause.file)) if cause.file else ""
    store = workspace.store
    with store.write(workspace.me, "lineage.asserted", version) as write:
        people.require(write.reader, workspace, *MAY_ASSERT)
        exact = write.reader.get(ModelVersion, version).record
        here = _version_node(write.reader, version)
        there = _version_node(write.reader, cause.version) if cause.version else Node(
            key=f"{cause.kind.value}:{digest or f'{version}:{cause.name.strip()}'}", kind=cause.kind,
            name=cause.name.strip(), detail=digest or source.strip())
        known = rules.merge([f.record for f in write.reader.all(LineageRecord)])
        if version in {n.key for n in rules.upstream(known, there.key).nodes} | {there.key}:
            raise UserError("That goes round in a circle.", f"{there.name} was itself made from {here.name}.",
                            "Check which of the two came first.")
        edge = Edge(effect=version, relation=_RELATION.get(cause.kind, "used") if cause.role != "train" else
                    "trained_from", cause=there.key, basis="asserted", role=cause.role)
        write.note = f"Stated that {here.name} was made from {there.name}: {source.strip()}"
        write.add(LineageRecord(id=store.new_id(), model=exact.model, source=source.strip(), event=store.new_id(),
                                nodes=(here, there), edges=(edge,)))
    return people.changed(write)


def _version_node(reader: Reader, version: Id) -> Node:
    exact = reader.get(ModelVersion, version).record
    model = History(reader.of(exact.model)).model()
    return Node(key=version, kind=NodeKind.VERSION, name=f"{model.record.name if model else ''} {exact.label}".strip(),
                detail=exact.artefact.format or "version")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError("The file cannot be read.", str(error), "Check the path.") from error


def picture(workspace: Workspace, version: Id, *, evidence: bool = True) -> tuple[Graph, Figure, dict[str, Box]]:
    """The graph of a version, laid out: graph, drawing, and the box of each node."""
    from desktop_app.analysis import figures

    with workspace.store.read() as reader:
        model = reader.get(ModelVersion, version).record.model
        history = History(reader.of(model))
        graph = upstream_of(reader, history, version)
        if evidence:
            graph = with_evidence(graph, history, version)
    figure, boxes = figures.lineage_chart(graph)
    return graph, figure, boxes


def whole(workspace: Workspace) -> tuple[Graph, Figure, dict[str, Box]]:
    """Everything that was recorded of lineage, laid out."""
    from desktop_app.analysis import figures

    with workspace.store.read() as reader:
        said: list[LineageRecord | Graph] = [f.record for f in reader.all(LineageRecord)]
        names = {m.record.model: m.record.name for m in reader.all(RegisteredModel)}
        nodes = tuple(
            Node(key=v.record.id, kind=NodeKind.VERSION, name=f"{names.get(v.record.model, '')} {v.record.label}",
                 detail=v.record.artefact.format or "version") for v in reader.all(ModelVersion))
    graph = rules.merge([*said, Graph(nodes=nodes, edges=())])
    joined = {e.effect for e in graph.edges} | {e.cause for e in graph.edges}
    graph = Graph(nodes=tuple(n for n in graph.nodes if n.key in joined), edges=graph.edges)
    figure, boxes = figures.lineage_chart(graph)
    return graph, figure, boxes
