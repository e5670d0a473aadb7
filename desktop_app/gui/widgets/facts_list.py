"""Labels and values in rows between hairlines: digests, dates, parameters. Values can be selected and copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QWidget

from desktop_app.gui import theme
from desktop_app.gui.widgets.chip import Chip
from desktop_app.gui.widgets.label import tip
from desktop_app.gui.widgets.prose import paragraph

LEAST = 90  # logical pixels a label takes at least
SHORT = 20  # hexadecimal digits of a digest shown


@dataclass(frozen=True)
class Fact:
    """One row. kind: text | mono | digest (hexadecimal, shown shortened, copied whole); chip: a state instead."""

    label: str
    value: str
    kind: str = "text"
    chip: str = ""


def digest_words(digest: str, shown: int = SHORT) -> str:
    """A SHA-256 as people compare it: “sha256 19f0 3c77 a1b8 52de 0c4e…”."""
    groups = " ".join(digest[n:n + 4] for n in range(0, min(shown, len(digest)), 4))
    return f"sha256 {groups}{'…' if shown < len(digest) else ''}"


class FactsList(QWidget):
    """Rows of facts."""

    def __init__(self, facts: Sequence[Fact] = (), *, label_width: int = 200, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._width = label_width
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.L)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.show_facts(facts)

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show these instead."""
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.setParent(None)
                old.deleteLater()
        for row, fact in enumerate(facts):
            label = paragraph(fact.label, "note", selectable=False)
            label.setFixedWidth(self._label_width())
            value = _value(fact)
            for column, part in ((0, label), (1, value)):
                part.setContentsMargins(0, theme.S, 0, theme.S)
                self._grid.addWidget(part, 2 * row, column)
            self._grid.addWidget(_hairline(), 2 * row + 1, 0, 1, 2)

    def _label_width(self) -> int:
        """As asked for; in a narrow column at most two fifths of it."""
        return min(theme.px(self._width), max(theme.px(LEAST), self.width() * 2 // 5))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the labels their width."""
        super().resizeEvent(event)
        for row in range(0, self._grid.rowCount(), 2):
            if (item := self._grid.itemAtPosition(row, 0)) is not None and (label := item.widget()) is not None:
                label.setFixedWidth(self._label_width())


def _value(fact: Fact) -> QWidget:
    if fact.chip:
        holder = QWidget()
        row = QGridLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(Chip(fact.chip, fact.value), 0, 0, Qt.AlignmentFlag.AlignLeft)
        return holder
    if fact.kind == "digest":
        return _digest(fact)
    made = paragraph(fact.value, "mono" if fact.kind == "mono" else "body")
    made.setAccessibleName(f"{fact.label}: {fact.value}")
    return made


def _digest(fact: Fact) -> QLabel:
    made = paragraph(digest_words(fact.value), "mono")
    made.setAccessibleName(f"{fact.label}: SHA-256 {fact.value}")
    made.setToolTip(tip(fact.value))
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    copy = QAction("Copy the whole digest", made)
    copy.triggered.connect(lambda checked=False: QGuiApplication.clipboard().setText(fact.value))
    made.addAction(copy)
    made.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
    return made


def _hairline() -> QFrame:
    line = QFrame()
    line.setFixedHeight(1)
    theme.dress(line, "line")
    return line
