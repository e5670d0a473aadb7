"""Lineage: everything that was recorded of where versions come from, as one graph to walk in."""

from __future__ import annotations

from collections import Counter

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_app.domain.canonical import Id, record
from desktop_app.domain.figure import Box, Figure
from desktop_app.domain.lineage import Graph, NodeKind, downstream, upstream
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.column import muted
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.lineage_view import LineageView
from desktop_app.gui.widgets.prose import Run
from desktop_app.progress import Progress

PLURALS = {NodeKind.DATASET: "datasets", NodeKind.FEATURES: "feature sets", NodeKind.CODE: "code states",
           NodeKind.RUN: "runs", NodeKind.VERSION: "versions", NodeKind.EVIDENCE: "evidence records",
           NodeKind.DECISION: "decisions", NodeKind.UNKNOWN: "things not known"}
SINGULARS = {NodeKind.FEATURES: "feature set", NodeKind.CODE: "code state", NodeKind.EVIDENCE: "evidence record",
             NodeKind.UNKNOWN: "thing not known"}


@record
class Shown:
    """The graph, its drawing, and which version each piece of evidence is about."""

    graph: Graph
    figure: Figure
    boxes: dict[str, Box]
    about: dict[str, Id]


class LineagePage(Page[Shown]):
    """Choosing a node says what it was made from and what it reaches; Enter opens versions and evidence."""

    key, title = "lineage", "Lineage"
    kinds = frozenset({"lineage", "version", "model", "evidence"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._shown: Shown | None = None
        self.view = LineageView()
        self.view.chosen.connect(self._say)
        self.view.opened.connect(self._open)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.S)
        column.addWidget(self.view, 1)
        column.addWidget(muted("Solid: observed in an event. Dashed: stated or not known. Faded: outside the way. "
                               "Arrow keys walk from node to node, Enter opens, Ctrl + and − zoom, Home fits."))
        self.set_content(holder)

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """The whole graph, laid out."""
        from desktop_app.operations import evidence, lineage

        graph, figure, boxes = lineage.whole(ws)
        about = {str(line.item.record.id): line.item.record.version for line in evidence.listing(ws)}
        return Shown(graph=graph, figure=figure, boxes=boxes, about=about)

    def is_empty(self, data: Shown) -> bool:
        """Whether nothing was recorded."""
        return not data.graph.nodes

    def empty_state(self) -> EmptyState:
        """Say where lineage comes from."""
        return EmptyState("No lineage is recorded yet", "It comes with a sync of a model registry, with evidence "
                          "computed on a table, and from what people state on the page of a version.",
                          action=("Open the inventory", lambda: self.open("inventory")))

    def show_data(self, data: Shown) -> None:
        """Draw it; the chosen node stays chosen."""
        self._shown = data
        self.view.show_graph(data.graph, data.figure, data.boxes)
        if (wanted := str(self.arguments.get("node", ""))) in data.boxes:
            self.view.choose(wanted)
        self._say(self.view.current)

    def _say(self, key: str) -> None:
        if self._shown is None:
            return
        graph = self._shown.graph
        node = next((node for node in graph.nodes if node.key == key), None)
        if node is None:
            self.set_title("Lineage")
            self.set_subline(Run(f"{counted(graph)}, {len(graph.edges):,} links", tone="muted"))
            return
        self.set_title("Lineage", f"of {node.name}")
        causes, effects = upstream(graph, key), downstream(graph, key)
        self.set_subline(
            Run(f"Made from {counted(causes, key) or 'nothing recorded'}", tone="muted"),
            Run(f" · reaches {counted(effects, key) or 'nothing recorded'}", tone="muted"))

    def _open(self, key: str) -> None:
        if self._shown is None:
            return
        node = next((node for node in self._shown.graph.nodes if node.key == key), None)
        if node is not None and node.kind is NodeKind.VERSION:
            self.open("version", version=Id(key))
        elif key in self._shown.about:
            self.open("version", version=self._shown.about[key])


def counted(graph: Graph, without: str = "") -> str:
    """“2 versions, 1 run”: how many nodes of each kind, except one."""
    kinds = Counter(node.kind for node in graph.nodes if node.key != without)
    return ", ".join(f"{n:,} {PLURALS[kind] if n > 1 else SINGULARS.get(kind, kind.value)}"
                     for kind, n in kinds.items())
