"""Where things come from: a graph of nodes and past-tense edges, effect → cause as in PROV.

Every edge says whether it was observed in an event, asserted by a person, or inferred. What is not known
is a node of its own kind, drawn dashed, never an absence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from desktop_app.domain.canonical import Id, fact, record


class NodeKind(StrEnum):
    """What a node stands for."""

    DATASET = "dataset"
    FEATURES = "features"
    CODE = "code"
    RUN = "run"
    VERSION = "version"
    EVIDENCE = "evidence"
    DECISION = "decision"
    UNKNOWN = "unknown"


COLUMNS = (NodeKind.DATASET, NodeKind.FEATURES, NodeKind.RUN, NodeKind.VERSION, NodeKind.EVIDENCE, NodeKind.DECISION)


@record
class Node:
    """A thing in the graph; `key` is unique in the registry: an id, or "dataset:<name>@<digest>"."""

    key: str
    kind: NodeKind
    name: str
    detail: str = ""


@record
class Edge:
    """`effect` was made from, or with, `cause`."""

    effect: str
    relation: str  # derived_from | generated_by | used | trained_from | evaluated_on | feeds | approved_by
    cause: str
    basis: str = "observed"  # observed | asserted | inferred
    role: str = ""  # train | validation | test | reference


@fact("lineage")
class LineageRecord:
    """What one event, sync or statement said of the graph."""

    id: Id
    model: Id | None
    source: str
    event: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@record
class Graph:
    """Nodes and edges, each once, in a fixed order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def merge(records: Iterable[LineageRecord | Graph]) -> Graph:
    """One graph out of what was said, sorted by key; a later description of a node wins."""
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str, str], Edge] = {}
    for said in records:
        nodes.update({n.key: n for n in said.nodes})
        edges.update({(e.effect, e.relation, e.cause): e for e in said.edges})
    for edge in edges.values():
        for key in (edge.effect, edge.cause):
            nodes.setdefault(key, Node(key=key, kind=NodeKind.UNKNOWN, name="not known", detail=key))
    return Graph(nodes=tuple(nodes[k] for k in sorted(nodes)), edges=tuple(edges[k] for k in sorted(edges)))


def upstream(graph: Graph, start: str) -> Graph:
    """The closure of what `start` was made from, itself included."""
    causes: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        causes.setdefault(edge.effect, []).append(edge)
    return _closure(graph, start, causes, lambda edge: edge.cause)


def downstream(graph: Graph, start: str) -> Graph:
    """The closure of what was made from `start`, itself included."""
    effects: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        effects.setdefault(edge.cause, []).append(edge)
    return _closure(graph, start, effects, lambda edge: edge.effect)


def _closure(graph: Graph, start: str, out: dict[str, list[Edge]], end: Callable[[Edge], str]) -> Graph:
    seen, todo = {start}, [start]
    edges: list[Edge] = []
    while todo:
        for edge in out.get(todo.pop(), ()):
            edges.append(edge)
            if end(edge) not in seen:
                seen.add(end(edge))
                todo.append(end(edge))
    return Graph(
        nodes=tuple(n for n in graph.nodes if n.key in seen),
        edges=tuple(sorted(edges, key=lambda e: (e.effect, e.relation, e.cause))),
    )
