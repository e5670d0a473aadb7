"""A lineage graph to walk in: drag or Shift+arrows pan, wheel or Ctrl +/- zoom, arrows go from node to node.

The picture is a domain figure; `boxes` says where each node is in it. Choosing a node fades what is not on its way
up or down. Enter or a double click opens it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from desktop_app.domain.figure import Box, Curve, Dot, Figure, Line, Mark, Text
from desktop_app.domain.lineage import Graph, downstream, upstream
from desktop_app.gui import theme
from desktop_app.gui.widgets.figure_view import paint_mark

LEAST, MOST = 0.05, 4.0
FADED = 0.35
_STEP = 60.0


class LineageView(QWidget):
    """Signals: `chosen(key)`: a node was chosen ("" for none) · `opened(key)`: Enter or a double click on a node."""

    chosen = Signal(str)
    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._graph = Graph(nodes=(), edges=())
        self._figure: Figure | None = None
        self._boxes: dict[str, QRectF] = {}
        self._marks: list[tuple[Mark, QRectF, frozenset[str]]] = []
        self._current = ""
        self._way: frozenset[str] = frozenset()
        self._zoom, self._shift = 1.0, QPointF(0, 0)
        self._fitted = True
        self._drag: QPointF | None = None
        self._moved = False
        self._fit_button = QPushButton("Fit", self)
        self._fit_button.setAccessibleName("Fit the graph into the window")
        self._fit_button.clicked.connect(lambda checked=False: self.fit())
        theme.changed.connect(self.update)

    # --- what is shown

    def show_graph(self, graph: Graph, figure: Figure, boxes: Mapping[str, Box]) -> None:
        """Show a laid-out graph, fitted; the chosen node stays chosen when it is still there."""
        self._graph, self._figure = graph, figure
        self._boxes = {key: QRectF(b.x, b.y, b.width, b.height) for key, b in boxes.items()}
        self._marks = [(mark, area, self._touched(mark)) for mark in figure.marks for area in [extent(mark)]]
        self.setAccessibleName(figure.alt)
        self._choose(self._current if self._current in self._boxes else "", tell=False)
        self.fit()

    @property
    def current(self) -> str:
        """The key of the chosen node, or ""."""
        return self._current

    def choose(self, key: str) -> None:
        """Choose a node ("" for none), bring it into view and tell."""
        self._choose(key, tell=True)
        if key:
            self._bring_into_view(self._boxes[key])

    def fit(self) -> None:
        """Show everything, at most in its own size."""
        self._fitted = True
        if self._figure is not None and self._figure.width and self._figure.height:
            across, down = self.width() / self._figure.width, self.height() / self._figure.height
            self._zoom = max(LEAST, min(across, down, theme.scale()))
            self._shift = QPointF((self.width() - self._figure.width * self._zoom) / 2,
                                  (self.height() - self._figure.height * self._zoom) / 2)
        self.update()

    def zoom(self, by: float, about: QPointF | None = None) -> None:
        """Zoom by a factor about a point of the widget (its middle)."""
        point = about or QPointF(self.rect().center())
        zoom = max(LEAST, min(MOST, self._zoom * by))
        self._shift = point - (point - self._shift) * (zoom / self._zoom)
        self._zoom, self._fitted = zoom, False
        self.update()

    def pan(self, across: float, down: float) -> None:
        """Move the picture by logical pixels."""
        self._shift += QPointF(across, down)
        self._fitted = False
        self.update()

    def _touched(self, mark: Mark) -> frozenset[str]:
        """The nodes a mark belongs to: the boxes it stands in, or that its ends touch."""
        ends = anchors(mark)
        return frozenset(key for key, box in self._boxes.items()
                         if any(box.adjusted(-4, -2, 4, 2).contains(end) for end in ends))

    def _choose(self, key: str, tell: bool) -> None:
        self._current = key
        up = upstream(self._graph, key).nodes if key else ()
        down = downstream(self._graph, key).nodes if key else ()
        self._way = frozenset(node.key for node in (*up, *down))
        self.setAccessibleDescription(self._spoken(key))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        self.update()
        if tell:
            self.chosen.emit(key)

    def _spoken(self, key: str) -> str:
        node = next((node for node in self._graph.nodes if node.key == key), None)
        return f"{node.name}, {node.kind.value}, {node.detail}" if node else ""

    # --- walking

    def _walk(self, across: int, down: int) -> None:
        """To the nearest node in a direction; along the edges when one leads there."""
        here = self._boxes.get(self._current)
        if here is None:
            self.choose(min(self._boxes, key=lambda k: (self._boxes[k].x(), self._boxes[k].y()), default=""))
            return
        joined = {e.cause for e in self._graph.edges if e.effect == self._current}
        joined |= {e.effect for e in self._graph.edges if e.cause == self._current}
        found = self._nearest(here, across, down, joined if across else self._boxes) \
            or self._nearest(here, across, down, self._boxes)
        if found:
            self.choose(found)

    def _nearest(self, here: QRectF, across: int, down: int, among: Iterable[str]) -> str:
        best, least = "", float("inf")
        for key in among:
            step = self._boxes[key].center() - here.center() if key in self._boxes else QPointF()
            ahead = step.x() * across + step.y() * down
            aside = abs(step.y() if across else step.x())
            if ahead > 1 and (cost := ahead + 2 * aside) < least:
                best, least = key, cost
        return best

    def _bring_into_view(self, box: QRectF) -> None:
        seen = QRectF(self._shift + box.topLeft() * self._zoom, box.size() * self._zoom)
        room = QRectF(self.rect()).adjusted(theme.XL, theme.XL, -theme.XL, -theme.XL)
        if self.isVisible() and not room.contains(seen):
            self.pan(max(0.0, room.left() - seen.left()) - max(0.0, seen.right() - room.right()),
                     max(0.0, room.top() - seen.top()) - max(0.0, seen.bottom() - room.bottom()))

    def node_at(self, place: QPointF) -> str:
        """The key of the node at a point of the widget, or ""."""
        point = (place - self._shift) / self._zoom
        return next((key for key, box in self._boxes.items() if box.contains(point)), "")

    # --- Qt

    def sizeHint(self) -> QSize:
        """Room for a usual graph."""
        return QSize(theme.px(640), theme.px(420))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay fitted until somebody zooms; the button keeps its corner."""
        self._fit_button.adjustSize()
        size = self._fit_button.size()
        self._fit_button.move(self.width() - size.width() - 2, self.height() - size.height() - 2)
        if self._fitted:
            self.fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Only what is in view."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._shift)
        painter.scale(self._zoom, self._zoom)
        view = QRectF((QPointF(event.rect().topLeft()) - self._shift) / self._zoom,
                      QRectF(event.rect()).size() / self._zoom)
        for mark, area, nodes in self._marks:
            if area.intersects(view):
                painter.setOpacity(FADED if self._way and nodes and not nodes <= self._way else 1.0)
                paint_mark(painter, mark)
        painter.setOpacity(1.0)
        if self._current:
            painter.setPen(QPen(theme.colour("accent"), (2.0 if self.hasFocus() else 1.2) / min(1.0, self._zoom)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self._boxes[self._current], theme.RADIUS, theme.RADIUS)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self.zoom(1.0015 ** event.angleDelta().y(), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag, or to choose."""
        self._drag, self._moved = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan."""
        if self._drag is not None:
            step = event.position() - self._drag
            if self._moved or step.manhattanLength() > 4:
                self._moved, self._drag = True, event.position()
                self.pan(step.x(), step.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click without dragging chooses."""
        if self._drag is not None and not self._moved:
            self._choose(self.node_at(event.position()), tell=True)
        self._drag = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the node."""
        if key := self.node_at(event.position()):
            self.opened.emit(key)

    def event(self, event: QEvent) -> bool:
        """Ctrl +/- zoom here, not the text of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _zooms(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, pan, zoom, fit, open, let go."""
        arrows = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        key = Qt.Key(event.key())
        if by := _zooms(event):
            self.zoom(by)
        elif key in arrows and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(-arrows[key][0] * _STEP, -arrows[key][1] * _STEP)
        elif key in arrows:
            self._walk(*arrows[key])
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current:
            self.opened.emit(self._current)
        elif key == Qt.Key.Key_Escape and self._current:
            self._choose("", tell=True)
        else:
            super().keyPressEvent(event)


def _zooms(event: QKeyEvent) -> float:
    """The factor a key zooms by, 0 for other keys."""
    if event.matches(QKeySequence.StandardKey.ZoomIn) or event.key() == Qt.Key.Key_Plus:
        return 1.25
    if event.matches(QKeySequence.StandardKey.ZoomOut) or event.key() == Qt.Key.Key_Minus:
        return 0.8
    return 0.0


def anchors(mark: Mark) -> tuple[QPointF, ...]:
    """The points that say where a mark belongs."""
    if isinstance(mark, (Line, Curve)):
        return QPointF(mark.x1, mark.y1), QPointF(mark.x2, mark.y2)
    if isinstance(mark, Box):
        return (QPointF(mark.x + mark.width / 2, mark.y + mark.height / 2),)
    return (QPointF(mark.x, mark.y),)


def extent(mark: Mark) -> QRectF:
    """The area a mark may cover (a text generously)."""
    if isinstance(mark, (Line, Curve)):
        area = QRectF(QPointF(mark.x1, mark.y1), QPointF(mark.x2, mark.y2)).normalized()
        return area.adjusted(-mark.width, -mark.width, mark.width, mark.width)
    if isinstance(mark, Box):
        return QRectF(mark.x - 1, mark.y - 1, mark.width + 2, mark.height + 2)
    if isinstance(mark, Dot):
        return QRectF(mark.x - mark.radius, mark.y - mark.radius, 2 * mark.radius, 2 * mark.radius)
    assert isinstance(mark, Text)
    wide = len(mark.text) * mark.size
    return QRectF(mark.x - wide, mark.y - mark.size, 2 * wide, 2 * mark.size)
