"""The lineage graph as a figure: boxes in columns, curves from cause to effect, and where each box is."""

from __future__ import annotations

from itertools import pairwise

from desktop_app.analysis.graph_layout import Layout, layout
from desktop_app.analysis.lettering import elide
from desktop_app.domain.figure import Box, Curve, Figure, Line, Mark, Text
from desktop_app.domain.lineage import Edge, Graph, Node, NodeKind

WIDTH, HEIGHT = 150.0, 44.0
COLUMN, GAP, MARGIN = 196.0, 18.0, 4.0
_BARS = {NodeKind.DATASET: "reported", NodeKind.FEATURES: "reported", NodeKind.CODE: "not_computable",
         NodeKind.RUN: "not_computable", NodeKind.VERSION: "accent", NodeKind.EVIDENCE: "ink",
         NodeKind.DECISION: "accent", NodeKind.UNKNOWN: "undetermined"}


def lineage_chart(graph: Graph, highlight: frozenset[str] = frozenset()) -> tuple[Figure, dict[str, Box]]:
    """Draw a graph; `highlight`: keys of nodes to bring forward, the rest fades. Also the boxes by node key."""
    index = {node.key: i for i, node in enumerate(graph.nodes)}
    drawn = [e for e in graph.edges if e.effect in index and e.cause in index and e.effect != e.cause]
    ends = [tuple(index[key] for key in _left_to_right(graph, index, e)) for e in drawn]
    placed = layout(len(graph.nodes), [(a, b) for a, b in ends], HEIGHT, GAP)
    boxes = {node.key: _box(placed, i) for i, node in enumerate(graph.nodes)}
    marks: list[Mark] = []
    for edge, path in sorted(zip(drawn, placed.paths, strict=True), key=lambda pair: _strong(pair[0], highlight)):
        marks += _edge_marks(graph, index, placed, edge, path, highlight)
    for node in graph.nodes:
        marks += _node_marks(node, boxes[node.key], highlight)
    right = max((b.x + b.width for b in boxes.values()), default=0.0)
    bottom = max((b.y + b.height for b in boxes.values()), default=0.0)
    bottom = max(bottom, *(round(MARGIN + float(y), 2) for y in placed.y)) if boxes else bottom  # edges run below boxes
    return Figure(width=right + MARGIN, height=bottom + MARGIN, marks=tuple(marks), alt=_alt(graph)), boxes


def _left_to_right(graph: Graph, index: dict[str, int], edge: Edge) -> tuple[str, str]:
    """Cause left of effect; a decision stands right of what it is about, whichever way the edge was said."""
    cause, effect = graph.nodes[index[edge.cause]], graph.nodes[index[edge.effect]]
    if cause.kind is NodeKind.DECISION and effect.kind is not NodeKind.DECISION:
        return edge.effect, edge.cause
    return edge.cause, edge.effect


def _box(placed: Layout, i: int) -> Box:
    return Box(x=MARGIN + COLUMN * int(placed.layer[i]), y=round(MARGIN + float(placed.y[i]) - HEIGHT / 2, 2),
               width=WIDTH, height=HEIGHT, fill="sheet", stroke="hairline", radius=6)


def _strong(edge: Edge, highlight: frozenset[str]) -> bool:
    return edge.effect in highlight and edge.cause in highlight


def _edge_marks(
    graph: Graph, index: dict[str, int], placed: Layout, edge: Edge, path: tuple[int, ...], highlight: frozenset[str],
) -> list[Mark]:
    unknown = any(graph.nodes[index[key]].kind is NodeKind.UNKNOWN for key in (edge.cause, edge.effect))
    strong = _strong(edge, highlight)
    colour = "accent" if strong else "hairline" if highlight else "muted"
    dashed = unknown or edge.basis == "inferred"
    marks: list[Mark] = []
    for a, b in pairwise(path):
        x1 = MARGIN + COLUMN * int(placed.layer[a]) + WIDTH
        x2 = MARGIN + COLUMN * int(placed.layer[b])
        y1, y2 = (round(MARGIN + float(placed.y[i]), 2) for i in (a, b))
        marks.append(Curve(x1=x1, y1=y1, x2=x2, y2=y2, colour=colour, width=1.6 if strong else 1.0, dashed=dashed))
        if b >= len(graph.nodes):  # a dummy: straight on through its column
            marks.append(Line(x1=x2, y1=y2, x2=x2 + WIDTH, y2=y2, colour=colour, width=1.6 if strong else 1.0,
                              dashed=dashed))
    return marks


def _node_marks(node: Node, box: Box, highlight: frozenset[str]) -> list[Mark]:
    faded = bool(highlight) and node.key not in highlight
    unknown = node.kind is NodeKind.UNKNOWN
    stroke = "accent" if node.key in highlight else "muted" if unknown and not faded else "hairline"
    detail = node.detail or node.kind.value
    return [
        Box(x=box.x, y=box.y, width=box.width, height=box.height, fill="paper" if faded else "sheet", stroke=stroke,
            radius=box.radius, dashed=unknown),
        Box(x=box.x, y=box.y, width=3, height=box.height, fill="hairline" if faded else _BARS[node.kind]),
        Text(x=box.x + 11, y=box.y + 18, text=elide(node.name, WIDTH - 18, 12, bold=True), size=12,
             colour="muted" if faded else "ink", bold=True),
        Text(x=box.x + 11, y=box.y + 35, text=elide(detail, WIDTH - 18, 11), size=11, colour="muted"),
    ]


def _alt(graph: Graph) -> str:
    names = {node.key: node.name for node in graph.nodes}
    said = [f"{names.get(e.effect, e.effect)} {e.relation.replace('_', ' ')} {names.get(e.cause, e.cause)}"
            for e in graph.edges[:20]]
    more = f"; and {len(graph.edges) - 20:,} more" if len(graph.edges) > 20 else ""
    links = "; ".join(said) + more if said else "no connections"
    return f"Lineage of {len(graph.nodes):,} things: {links}."
