"""The bar across the top of the window: the wordmark, the search, the registry, who acts.

In a narrow window the search gives way first, then the registry's name is shortened.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from desktop_app.gui import theme
from desktop_app.gui.widgets.label import tip, words
from desktop_app.gui.widgets.search_field import SearchField

SEARCH = 220, 462  # logical pixels the search field takes at least and at most


class TopBar(QFrame):
    """Parts: `wordmark`, `search_field`, `person`; what they do is the window's."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("top_bar")
        self.setAccessibleName("Top bar")
        self.wordmark = QPushButton("Assaydesk")
        self.wordmark.setAccessibleName("Assaydesk: all commands")
        theme.dress(self.wordmark, "wordmark")
        self.search_field = SearchField("Find a model, a finding, a person, an entry…", shortcut="Ctrl+K")
        self.search_field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._registry, self._said = words("", "muted"), ""
        self._registry.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._registry.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.person = QPushButton()
        theme.dress(self.person, "quiet")
        self._left = QWidget()
        left = QHBoxLayout(self._left)
        left.setContentsMargins(theme.S, 0, 0, 0)
        left.addWidget(self.wordmark)
        left.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, theme.S, 1)
        row.setSpacing(theme.S)
        row.addWidget(self._left)
        row.addSpacing(theme.S)
        row.addWidget(self.search_field, 4)
        row.addWidget(self._registry, 2)
        row.addWidget(self.person)
        theme.changed.connect(self._measure)
        self._measure()

    def name_registry(self, name: str) -> None:
        """Show the name of the registry."""
        self._said = name
        self._shorten()

    def show_acting(self, said: str) -> None:
        """Show who acts."""
        self.person.setText(said.replace("&", "&&"))
        self.person.setAccessibleName(f"Acting: {said}. Change person, theme or text size")
        self._shorten()

    def _measure(self) -> None:
        self.setFixedHeight(theme.measure("top_bar"))
        self.search_field.setMinimumWidth(theme.px(SEARCH[0]))
        self.search_field.setMaximumWidth(theme.px(SEARCH[1]))

    def align_to(self, rail: int) -> None:
        """Let the search begin where the rail ends."""
        self._left.setFixedWidth(rail)
        self._shorten()

    def _shorten(self) -> None:
        layout = self.layout()
        assert layout is not None
        layout.activate()
        measures = self._registry.fontMetrics()
        self._registry.setText(measures.elidedText(self._said, Qt.TextElideMode.ElideRight, self._registry.width()))
        cut = self._registry.text() != self._said
        self._registry.setToolTip(tip(self._said) if cut else "")
        self._registry.setAccessibleName(self._said)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten for the width there is."""
        super().resizeEvent(event)
        self._shorten()
