"""Verdicts: a word, a mark and a colour, never the colour alone. Drawn here, for labels and tables alike."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.gui import theme

# state → (colour token, ground token, mark, what the mark says)
STATES = {
    "met": ("met", "met_ground", "✓", "met"),
    "breached": ("breached", "breached_ground", "!", "breached"),
    "undetermined": ("undetermined", "undetermined_ground", "?", "undetermined"),
    "attention": ("undetermined", "undetermined_ground", "!", "needs attention"),
    "not_computable": ("not_computable", "not_computable_ground", "–", "not computable"),
    "none": ("not_computable", "not_computable_ground", "–", "none"),
    "pending": ("accent", "accent_ground", "◷", "waiting"),
    "note": ("accent", "accent_ground", "", ""),
    "reported": ("reported", "reported_ground", "", "reported"),
}
_PAD = theme.S
_GAP = theme.XS


def chip_height() -> int:
    """The height of every chip."""
    return theme.px(2 * theme.CHIP_RADIUS)


def chip_width(state: str, text: str) -> float:
    """The width a chip wants."""
    mark = mark_width(STATES[state][2], "note_medium")
    return 2 * _PAD + mark + (_GAP if mark else 0.0) + theme.metrics("note_medium").horizontalAdvance(text)


def mark_width(mark: str, role: str) -> float:
    """The width of a mark in the font of a role."""
    if mark == "◷":
        return theme.metrics(role).ascent() * 0.8
    return theme.metrics(role).horizontalAdvance(mark) if mark else 0.0


def draw_mark(painter: QPainter, x: float, baseline: float, mark: str, token: str, role: str = "note_medium") -> None:
    """Draw a mark; the clock is drawn by hand, since the font lacks it."""
    painter.setPen(QPen(theme.colour(token), 1.2))
    if mark != "◷":
        painter.setFont(theme.font(role))
        painter.drawText(QPointF(x, baseline), mark)
        return
    size = mark_width(mark, role)
    circle = QRectF(x, baseline - size + 0.5, size, size)
    centre = circle.center()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(circle.adjusted(0.6, 0.6, -0.6, -0.6))
    painter.drawLine(centre, centre - QPointF(0.0, size * 0.3))
    painter.drawLine(centre, centre + QPointF(size * 0.22, 0.0))


def draw_chip(painter: QPainter, x: float, middle: float, state: str, text: str, room: float) -> float:
    """Draw a chip from `x`, centred on `middle`, at most `room` wide; returns the width used."""
    token, ground, mark, _ = STATES[state]
    width, height = min(room, chip_width(state, text)), float(chip_height())
    box = QRectF(x, middle - height / 2, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(ground))
    painter.drawRoundedRect(box, height / 2, height / 2)
    measures = theme.metrics("note_medium")
    baseline = middle + (measures.capHeight()) / 2
    left = x + _PAD
    if mark:
        draw_mark(painter, left, baseline, mark, token)
        left += mark_width(mark, "note_medium") + _GAP
    painter.setFont(theme.font("note_medium"))
    painter.setPen(theme.colour(token))
    shown = measures.elidedText(text, Qt.TextElideMode.ElideRight, x + width - _PAD - left + 1)
    painter.drawText(QPointF(left, baseline), shown)
    return width


def spoken(state: str, text: str) -> str:
    """What a screen reader says of a chip."""
    said = STATES[state][3]
    return text if not said or said in text else f"{text} ({said})"


class Chip(QWidget):
    """A chip that stands by itself: Chip("undetermined", "2 of 3 decided")."""

    def __init__(self, state: str = "note", text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._text = state, text
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)
        self.show_verdict(state, text)

    def show_verdict(self, state: str, text: str) -> None:
        """Say something else. Raises KeyError for an unknown state."""
        self._state, self._text = state, text
        self.setAccessibleName(spoken(state, text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(int(chip_width(self._state, self._text)) + 1, chip_height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_chip(painter, 0.0, self.height() / 2, self._state, self._text, float(self.width()))
        painter.end()
