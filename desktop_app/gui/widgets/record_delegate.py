"""How a row of a record table is drawn: hairlines, two lines, chips, small pictures."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
)

from desktop_app.gui import theme
from desktop_app.gui.widgets.chip import chip_width, draw_chip
from desktop_app.gui.widgets.figure_view import paint_figure
from desktop_app.gui.widgets.label import tip
from desktop_app.gui.widgets.record_model import RECORD, Column, Index

PAD = theme.S


class RecordDelegate(QStyledItemDelegate):
    """Draws the cells of a RecordTable."""

    def __init__(self, columns: tuple[Column[Any], ...], two_lines: bool, parent: QObject) -> None:
        super().__init__(parent)
        self._columns, self._two_lines = columns, two_lines

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(theme.px(60), theme.row_height(self._two_lines))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        record, column = index.data(RECORD), self._columns[index.column()]
        box = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, box, option, index)
        inner = box.adjusted(PAD, 0, -PAD, -1)
        painter.setClipRect(box)
        self._cell(painter, inner, column, record)
        painter.restore()

    def need(self, column: Column[Any], record: Any) -> float:
        """The width, in pixels, at which a cell is whole."""
        if column.figure and (figure := column.figure(record)) is not None:
            first = float(theme.px(figure.width))
        elif column.chip and (chip := column.chip(record)) is not None:
            first = chip_width(*chip)
        else:
            first = theme.metrics(_role(column)).horizontalAdvance(column.text(record))
            if column.suffix and (suffix := column.suffix(record)):
                first += theme.XS + theme.metrics("mono").horizontalAdvance(suffix)
        below = column.second(record) if column.second and self._two_lines else ""
        return max(first, theme.metrics("note").horizontalAdvance(below)) + 2 * PAD

    def helpEvent(
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """What a cell says in full, where it is cut."""
        if event.type() != QEvent.Type.ToolTip or not index.isValid():
            return super().helpEvent(event, view, option, index)
        record, column = index.data(RECORD), self._columns[index.column()]
        cut = self.need(column, record) > option.rect.width()
        QToolTip.showText(event.globalPos(), tip(column.whole(record)) if cut else "", view)
        return True

    def _ground(self, painter: QPainter, box: QRectF, option: QStyleOptionViewItem, index: Index) -> None:
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colour("accent_ground"))
        elif getattr(option.widget, "hovered", -1) == index.row():
            painter.fillRect(box, theme.colour("hover"))
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), theme.colour("row_line"))
        view = option.widget
        if isinstance(view, QTableView) and view.hasFocus() and view.currentIndex().row() == index.row() \
                and view.columnViewportPosition(index.column()) == -view.horizontalScrollBar().value():
            painter.fillRect(QRectF(box.left(), box.top(), 3, box.height() - 1), theme.colour("accent"))

    def _cell(self, painter: QPainter, inner: QRectF, column: Column[Any], record: Any) -> None:
        figure = column.figure(record) if column.figure else None
        chip = column.chip(record) if column.chip else None
        second = column.second(record) if column.second else ""
        middle = self._first_middle(inner) if self._two_lines else inner.center().y()
        if figure is not None:
            scale = min(theme.scale(), inner.width() / figure.width)  # whole in a narrow column, too
            paint_figure(painter, figure, QPointF(inner.left(), inner.center().y() - figure.height * scale / 2), scale)
        elif chip is not None:
            draw_chip(painter, inner.left(), middle, *chip, inner.width())
        else:
            self._line(painter, inner, middle, column, record)
        if second and self._two_lines:
            below = inner.top() + inner.height() - theme.px(13)
            _text(painter, inner, below, second, "note", "muted", column.align)

    @staticmethod
    def _first_middle(inner: QRectF) -> float:
        return inner.top() + theme.px(14)

    @staticmethod
    def _line(painter: QPainter, inner: QRectF, middle: float, column: Column[Any], record: Any) -> None:
        role = _role(column)
        tone = column.tone(record) if column.tone else "muted" if column.muted or column.mono else "ink"
        suffix = column.suffix(record) if column.suffix else ""
        after = theme.metrics("mono").horizontalAdvance(suffix) + theme.XS if suffix else 0.0
        room = inner.adjusted(0, 0, -min(after, inner.width() / 2), 0)
        used = _text(painter, room, middle, column.text(record), role, tone, column.align)
        if suffix:
            rest = inner.adjusted(used + theme.XS, 0, 0, 0)
            _text(painter, rest, middle, suffix, "mono", "muted", "left")


def _role(column: Column[Any]) -> str:
    return "mono" if column.mono else "strong" if column.strong else "body"


def _text(painter: QPainter, room: QRectF, middle: float, text: str, role: str, tone: str, align: str) -> float:
    """One line centred on `middle` by its x-height, elided to the room; returns the width used."""
    measures = theme.metrics(role)
    shown = measures.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
    used = measures.horizontalAdvance(shown)
    left = room.right() - used if align == "right" else room.left()
    painter.setFont(theme.font(role))
    painter.setPen(theme.colour(tone))
    painter.drawText(QPointF(left, middle + measures.capHeight() / 2), shown)
    return used
