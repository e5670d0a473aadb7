"""A domain figure on the screen: colours by token, so it follows the theme; its alternative text is spoken."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.domain.figure import Box, Curve, Dot, Figure, Line, Mark, Text
from desktop_app.gui import theme


def paint_figure(painter: QPainter, figure: Figure, origin: QPointF, scale: float = 1.0) -> None:
    """Paint a figure with its top left corner at `origin`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(origin)
    painter.scale(scale, scale)
    for mark in figure.marks:
        paint_mark(painter, mark)
    painter.restore()


def paint_mark(painter: QPainter, mark: Mark) -> None:
    """Paint one primitive."""
    if isinstance(mark, Text):
        _paint_text(painter, mark)
    elif isinstance(mark, Line):
        painter.setPen(_pen(mark.colour, mark.width, mark.dashed))
        painter.drawLine(QPointF(mark.x1, mark.y1), QPointF(mark.x2, mark.y2))
    elif isinstance(mark, Curve):
        painter.setPen(_pen(mark.colour, mark.width, mark.dashed))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(curve_path(mark))
    elif isinstance(mark, Dot):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(mark.colour))
        painter.drawEllipse(QPointF(mark.x, mark.y), mark.radius, mark.radius)
    else:
        _paint_box(painter, mark)


def curve_path(curve: Curve) -> QPainterPath:
    """The cubic with horizontal tangents that a Curve means."""
    bend = (curve.x2 - curve.x1) / 2
    path = QPainterPath(QPointF(curve.x1, curve.y1))
    path.cubicTo(
        QPointF(curve.x1 + bend, curve.y1), QPointF(curve.x2 - bend, curve.y2), QPointF(curve.x2, curve.y2))
    return path


def _pen(token: str, width: float, dashed: bool) -> QPen:
    pen = QPen(theme.colour(token), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashed:
        pen.setDashPattern([3.0 / width, 3.0 / width])
    return pen


def _paint_box(painter: QPainter, box: Box) -> None:
    painter.setPen(_pen(box.stroke, 1.0, box.dashed) if box.stroke else Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(box.fill) if box.fill else Qt.BrushStyle.NoBrush)
    area = QRectF(box.x, box.y, box.width, box.height)
    if box.radius:
        painter.drawRoundedRect(area, box.radius, box.radius)
    else:
        painter.drawRect(area)


def _paint_text(painter: QPainter, mark: Text) -> None:
    font = QFont(str(theme.tokens()["fonts"]["sans"]))
    font.setPixelSize(max(1, round(mark.size)))
    font.setWeight(QFont.Weight.DemiBold if mark.bold else QFont.Weight.Normal)
    painter.setFont(font)
    painter.setPen(theme.colour(mark.colour))
    width = painter.fontMetrics().horizontalAdvance(mark.text)
    left = mark.x - {"start": 0.0, "middle": width / 2, "end": float(width)}[mark.anchor]
    painter.drawText(QPointF(left, mark.y), mark.text)


class FigureView(QWidget):
    """A figure in its own size, growing with the text size and shrinking to the width there is."""

    def __init__(self, figure: Figure | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figure: Figure | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.updateGeometry)
        if figure is not None:
            self.show_figure(figure)

    def show_figure(self, figure: Figure) -> None:
        """Show another figure."""
        self._figure = figure
        self.setAccessibleName(figure.alt)
        self.updateGeometry()
        self.update()

    def _scale(self, width: float) -> float:
        assert self._figure is not None
        return min(theme.scale(), width / self._figure.width) if self._figure.width else theme.scale()

    # --- Qt

    def sizeHint(self) -> QSize:
        if self._figure is None:
            return QSize(0, 0)
        return QSize(theme.px(self._figure.width), theme.px(self._figure.height))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), 0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(self._figure.height * self._scale(width)) + 1 if self._figure else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._figure is not None:
            painter = QPainter(self)
            paint_figure(painter, self._figure, QPointF(0, 0), self._scale(self.width()))
            painter.end()
