"""A record table that is as high as its rows, to stand in a scrolled column among other things."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

from desktop_app.gui import theme
from desktop_app.gui.record_table import Column, RecordTable

R = TypeVar("R")


class ShortTable(RecordTable[R]):
    """A table that grows with its rows up to `most`; then it scrolls."""

    def __init__(
        self, columns: Sequence[Column[R]], records: Iterable[R] = (), *, name: str, dense: bool = True, most: int = 20,
        identity: Callable[[R], object] = lambda record: record, parent: QWidget | None = None,
    ) -> None:
        super().__init__(columns, name=name, dense=dense, identity=identity, parent=parent)
        self._most = most
        self.horizontalScrollBar().rangeChanged.connect(lambda least, most: self._fit())
        self.counted.connect(lambda shown, total: self._fit())
        theme.changed.connect(self._fit)
        self.set_records(records)

    def _fit(self) -> None:
        rows = min(self._most, max(1, len(self.shown)))
        header = self.horizontalHeader().sizeHint().height()
        bar = self.horizontalScrollBar()
        below = bar.sizeHint().height() if bar.maximum() > 0 else 0
        self.setFixedHeight(header + rows * self.verticalHeader().defaultSectionSize() + below + 2)
        whole = len(self.shown) <= self._most
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAlwaysOff if whole else Qt.ScrollBarPolicy.ScrollBarAsNeeded)

    def minimumSizeHint(self) -> QSize:
        """Narrow is possible."""
        return QSize(theme.px(200), self.height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel moves the page when the table shows everything."""
        if len(self.shown) <= self._most:
            event.ignore()
        else:
            super().wheelEvent(event)
