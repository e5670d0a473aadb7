"""Lineage: what the version was made from, as a picture to walk in and as a tree that says the same in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from desktop_app.domain.evidence import EvidenceKind
from desktop_app.domain.lineage import Graph, Node, NodeKind
from desktop_app.gui import theme
from desktop_app.gui.jobs import Workspace
from desktop_app.gui.pages.version_tabs.tab import SIDE, Loaded, Tab, button, empty, link, say, section, upright
from desktop_app.gui.widgets.column import scrolling
from desktop_app.gui.widgets.label import tip
from desktop_app.gui.widgets.lineage_view import LineageView
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.figure import Box, Figure
    from desktop_app.gui.pages.version import VersionPage

LEGEND = ("Solid: observed in an event. Dashed: not known. Faded: outside the path of what is chosen. "
          "Arrow keys walk from node to node, plus and minus zoom, Enter opens.")
KIND_WORDS = {
    NodeKind.DATASET: "Dataset", NodeKind.FEATURES: "Features", NodeKind.CODE: "Code", NodeKind.RUN: "Run",
    NodeKind.VERSION: "Model version", NodeKind.EVIDENCE: "Evidence", NodeKind.DECISION: "Decision",
    NodeKind.UNKNOWN: "Not known",
}
KEY = Qt.ItemDataRole.UserRole


class LineageTab(Tab):
    """See the module."""

    title, letter, reads = "Lineage", "L", True

    def __init__(self, page: VersionPage) -> None:
        super().__init__(page)
        self._graph = Graph(nodes=(), edges=())
        self.view = LineageView()
        self.view.chosen.connect(self._chosen)
        self.view.opened.connect(self.open_node)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setAccessibleName("Lineage as a list, by kind")
        self.tree.setMaximumHeight(theme.px(260))
        self.tree.currentItemChanged.connect(lambda now, before: self._tree_moved(now))
        self.tree.itemActivated.connect(lambda item, column: self.open_node(item.data(0, KEY) or ""))
        self._lay_out()

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(theme.S)
        left.addWidget(self.view, 1)
        left.addWidget(paragraph(LEGEND, "note", selectable=False))
        node = QWidget()
        self._details = QVBoxLayout()
        self._details.setSpacing(theme.S)
        inner = QVBoxLayout(node)
        inner.setContentsMargins(0, 0, theme.M, 0)
        inner.addLayout(self._details)
        inner.addStretch(1)
        side = QWidget()
        side.setFixedWidth(theme.px(SIDE - 40))
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(theme.M)
        right.addWidget(scrolling(node), 3)
        right.addWidget(paragraph("As a list", "note", selectable=False))
        right.addWidget(self.tree, 2)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.L, 0, 0)
        row.setSpacing(theme.XL)
        row.addLayout(left, 1)
        row.addWidget(upright())
        row.addWidget(side)

    # --- loading

    def load(self, ws: Workspace, progress: Progress, loaded: Loaded) -> tuple[Graph, Figure, dict[str, Box]]:
        """The graph, its drawing, and where each node is in it."""
        from desktop_app.operations import lineage

        return lineage.picture(ws, loaded.version)

    def show_data(self, loaded: Loaded, data: tuple[Graph, Figure, dict[str, Box]]) -> None:
        """The picture and the list; the version itself is chosen at first."""
        graph, figure, boxes = data
        self._graph = graph
        self.view.show_graph(graph, figure, boxes)
        self._fill_tree()
        wanted = self.view.current or loaded.version
        if wanted in boxes:
            self._show_node(wanted)

    def _fill_tree(self) -> None:
        blocked = self.tree.blockSignals(True)
        self.tree.clear()
        for kind, words in KIND_WORDS.items():
            nodes = [n for n in self._graph.nodes if n.kind is kind]
            if nodes:
                top = QTreeWidgetItem([f"{words} ({len(nodes)})"])
                self.tree.addTopLevelItem(top)
                for node in nodes:
                    item = QTreeWidgetItem([node.name])
                    item.setData(0, KEY, node.key)
                    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, self._spoken(node))
                    top.addChild(item)
        self.tree.expandAll()
        self.tree.blockSignals(blocked)

    def _spoken(self, node: Node) -> str:
        causes = [name for _, name, _ in self._causes(node.key)]
        made = f", made from {', '.join(causes)}" if causes else ""
        return f"{node.name}, {KIND_WORDS[node.kind]}{made}"

    # --- choosing

    def _tree_moved(self, item: QTreeWidgetItem | None) -> None:
        if item is not None and (key := item.data(0, KEY)) and key != self.view.current:
            self.view.choose(key)

    def _chosen(self, key: str) -> None:
        assert self.loaded is not None
        self._show_node(key or self.loaded.version)

    def _node(self, key: str) -> Node | None:
        return next((n for n in self._graph.nodes if n.key == key), None)

    def _causes(self, key: str) -> list[tuple[str, str, str]]:
        """(key, name, how) of what a node was made from."""
        return [(e.cause, _name(self._node(e.cause)), _how(e.relation, e.basis, e.role))
                for e in self._graph.edges if e.effect == key]

    def _effects(self, key: str) -> list[tuple[str, str, str]]:
        return [(e.effect, _name(self._node(e.effect)), _how(e.relation, e.basis, e.role))
                for e in self._graph.edges if e.cause == key]

    def _show_node(self, key: str) -> None:
        node = self._node(key)
        empty(self._details)
        if node is None:
            return
        section(self._details, node.name, f"{KIND_WORDS[node.kind]}{' · ' + node.detail if node.detail else ''}")
        say(self._details, _wrappable(node.key), "mono")
        for title, found in (("Made from", self._causes(key)), ("Led to", self._effects(key))):
            if found:
                say(self._details, title, "note")
            for other, name, how in found:
                to = link(name, lambda other=other: self.view.choose(other))
                to.setAccessibleName(f"{title}: {name}, {how}")
                to.setToolTip(tip(how))
                self._details.addWidget(to, 0, Qt.AlignmentFlag.AlignLeft)
        if self._where(node) is not None:
            self._details.addWidget(button("Open", lambda: self.open_node(key)), 0, Qt.AlignmentFlag.AlignLeft)

    # --- opening

    def open_node(self, key: str) -> None:
        """Go to what a node stands for: another version, or the tab of a piece of evidence."""
        node = self._node(key)
        tab = self._where(node) if node else None
        if tab == "":
            self.page.open("version", version=key, use=None)
        elif tab:
            self.page.show_tab(tab)

    def _where(self, node: Node) -> str | None:
        """The tab a node opens; "" for another version; None when it opens nothing."""
        assert self.loaded is not None
        if node.kind is NodeKind.VERSION:
            return "" if node.key != self.loaded.version else "Overview"
        if node.kind is not NodeKind.EVIDENCE:
            return None
        tabs = {EvidenceKind.PERFORMANCE: "Performance", EvidenceKind.FAIRNESS: "Fairness",
                EvidenceKind.EXPLANATION: "Explanation", EvidenceKind.DOCUMENT: "Documents"}
        found = next((e.record.evidence_kind for e in self.loaded.view.evidence if e.record.id == node.key), None)
        return tabs.get(found, "Overview") if found else None


def _name(node: Node | None) -> str:
    return node.name if node else "not known"


def _how(relation: str, basis: str, role: str) -> str:
    return f"{relation.replace('_', ' ')}{' for ' + role if role else ''}, {basis}"


def _wrappable(key: str) -> str:
    """A key that may break into lines."""
    return "\u200b".join(key[n:n + 8] for n in range(0, len(key), 8))
