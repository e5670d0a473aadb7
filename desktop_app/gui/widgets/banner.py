"""A sentence across every page of the window, with at most one button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from desktop_app.gui import theme
from desktop_app.gui.widgets.label import paragraph


class Banner(QFrame):
    """Hidden while it has nothing to say."""

    def __init__(self, role: str) -> None:
        """role: alarm or notice, as the style sheet knows them."""
        super().__init__()
        theme.dress(self, role)
        self._words, self._button = paragraph("", "body"), QPushButton()
        self._run: Callable[[], None] = self.hide
        self._button.clicked.connect(lambda checked=False: self._run())
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.XS, 0, theme.L, 0)
        row.addWidget(self._words, 1)
        row.addWidget(self._button)
        self.hide()

    @property
    def text(self) -> str:
        """What it says; "" while it is hidden."""
        return "" if self.isHidden() else self._words.text()

    def say(self, text: str, button: str = "", run: Callable[[], None] | None = None) -> None:
        """Show a sentence, and a button where something can be done; nothing to say hides it."""
        self._words.setText(text)
        self.setAccessibleName(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._run = run or self.hide
        self.setVisible(bool(text))
