"""Two revisions of a card side by side, field by field, with the words that differ in colour and by a line."""

from __future__ import annotations

import difflib
import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.card import CardField, CardRevision, changes
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice, beside, hairline
from desktop_app.gui.pages.version_tabs.tab import button
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import Prose, Run, paragraph


class CompareRevisions(QDialog):
    """Choose two revisions; see what differs."""

    def __init__(
        self, fields: tuple[CardField, ...], revisions: tuple[Recorded[CardRevision], ...], names: dict[Id, str],
        parent: QWidget | None = None,
    ) -> None:
        """revisions: newest first, at least one."""
        super().__init__(parent)
        self._labels = {f.key: f.label for f in fields}
        self._revisions = {r.record.revision: r.record for r in revisions}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compare revisions")
        self.setAccessibleName("Compare revisions of the card")
        self.resize(theme.px(980), theme.px(640))
        said = [(r.record.revision, f"Revision {r.record.revision}, {names.get(r.by, '')}, {day_text(r.at.date())}")
                for r in revisions]
        self.before: Choice[int] = Choice(said)
        self.after: Choice[int] = Choice(said)
        self.before.choose(said[min(1, len(said) - 1)][0])
        self.after.choose(said[0][0])
        for choice in (self.before, self.after):
            choice.currentIndexChanged.connect(lambda index: self.show_difference())
        self._area = QScrollArea()
        self._area.setObjectName("body_scroll")
        self._area.setWidgetResizable(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.L)
        column.setSpacing(theme.M)
        column.addWidget(paragraph("Compare revisions", "section", selectable=False))
        column.addWidget(beside(labelled("Before", self.before), labelled("After", self.after)))
        column.addWidget(self._area, 1)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(button("Close", self.accept))
        column.addLayout(row)
        self.show_difference()

    def show_difference(self) -> None:
        """Show the fields that differ between the two chosen."""
        before, after = self._revisions.get(self.before.value or 0), self._revisions.get(self.after.value or 0)
        assert after is not None
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, theme.M, 0)
        column.setSpacing(theme.M)
        self.differing = changes(before, after)
        for key, old, new in self.differing:
            column.addWidget(paragraph(self._labels.get(key, key), "note"))
            was, now = word_runs(old, new)
            column.addWidget(beside(_top(Prose(was)), _top(Prose(now))))
            column.addWidget(hairline())
        if not self.differing:
            column.addWidget(paragraph("Nothing differs between these two revisions.", "muted"))
        column.addStretch(1)
        self._area.setWidget(holder)


def _top(prose: Prose) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(prose)
    column.addStretch(1)
    holder.setAccessibleName(prose.text() or "empty")
    return holder


def word_runs(old: str, new: str) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Both texts as runs: words that only one of them has are semibold, in colour."""
    a, b = re.findall(r"\s+|\S+", old), re.findall(r"\s+|\S+", new)
    was: list[Run] = []
    now: list[Run] = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        gone, come = "".join(a[i1:i2]), "".join(b[j1:j2])
        same = kind == "equal"
        if gone:
            was.append(Run(gone) if same else Run(gone, "strong", "breached"))
        if come:
            now.append(Run(come) if same else Run(come, "strong", "met"))
    return tuple(was) or (Run("empty", "body", "muted"),), tuple(now) or (Run("empty", "body", "muted"),)
