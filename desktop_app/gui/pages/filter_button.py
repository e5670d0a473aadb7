"""A filter above a table: a small button that says what passes and opens the choices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from desktop_app.gui import theme
from desktop_app.gui.widgets.label import tip

V = TypeVar("V")
ARROW = " ▾"
LEAST = 90  # logical pixels


class FilterButton(QPushButton, Generic[V]):
    """One of some values; the first lets everything pass. Signal `changed`: another one was chosen."""

    changed = Signal()

    def __init__(self, name: str, choices: Iterable[tuple[V, str]], parent: QWidget | None = None) -> None:
        """name: what is filtered, for a screen reader."""
        super().__init__(parent)
        self._name = name
        self._chosen: V | None = None
        self._said = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.dress(self, "filter")
        self.offer(choices)
        self.clicked.connect(lambda checked=False: self.open_choices())

    def offer(self, choices: Iterable[tuple[V, str]]) -> None:
        """Other choices; what was chosen stays chosen when it is still there."""
        self._choices = list(choices)
        if self._chosen not in [value for value, _ in self._choices]:
            self._chosen = self._choices[0][0]
        self._say()

    @property
    def value(self) -> V | None:
        """What is chosen."""
        return self._chosen

    def choose(self, value: V) -> None:
        """Choose a value and tell."""
        self._chosen = value
        self._say()
        self.changed.emit()

    def show_value(self, value: V) -> None:
        """Show a value that is offered, and tell nobody."""
        self._chosen = value
        self._say()

    def _say(self) -> None:
        self._said = next(text for value, text in self._choices if value == self._chosen)
        self.setAccessibleName(f"{self._name}: {self._said}")
        self._shorten()
        self.updateGeometry()

    def _shorten(self) -> None:
        """Say as much as the width holds; the rest is in the tooltip."""
        room = self.width() - self._around() - self.fontMetrics().horizontalAdvance(ARROW)
        shown = self.fontMetrics().elidedText(self._said, Qt.TextElideMode.ElideRight, max(0, room))
        self.setText(f"{shown}{ARROW}".replace("&", "&&"))
        self.setToolTip(tip(self._said) if shown != self._said else "")

    def _around(self) -> int:
        """The room beside the words."""
        return super().sizeHint().width() - self.fontMetrics().horizontalAdvance(self.text().replace("&&", "&"))

    def menu_of_choices(self) -> QMenu:
        """The choices, with the present one ticked."""
        menu = QMenu(self)
        for value, text in self._choices:
            entry = menu.addAction(text.replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(value == self._chosen)
            entry.triggered.connect(lambda checked=False, value=value: self.choose(value))
        return menu

    def open_choices(self) -> None:
        """Open the choices below the button."""
        menu = self.menu_of_choices()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.mapToGlobal(QPoint(0, self.height() + theme.XS)))

    # --- Qt

    def sizeHint(self) -> QSize:
        """As wide as all of the words."""
        words = self.fontMetrics().horizontalAdvance(self._said + ARROW)
        return QSize(self._around() + words + 1, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Narrower is possible; the words are shortened then."""
        whole = self.sizeHint()
        return QSize(min(whole.width(), theme.px(LEAST)), whole.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten for the width there is."""
        super().resizeEvent(event)
        self._shorten()
