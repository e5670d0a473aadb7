"""What the page of the log lets pass: words, a person, an action, a model, days from and to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.domain.audit import LogFilter
from desktop_app.domain.canonical import Id
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice, DayField
from desktop_app.gui.widgets.column import button
from desktop_app.gui.widgets.fields import steady
from desktop_app.gui.widgets.search_field import SearchField

if TYPE_CHECKING:
    from desktop_app.operations.entries import Choices


class AuditFilter(QWidget):
    """Signals: `changed(LogFilter)` · `mistyped(sentence)`: a day is not one; the filter stays as it was."""

    changed = Signal(object)
    mistyped = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.value = LogFilter()
        self.words = SearchField("Filter entries")
        self.person: Choice[Id | None] = Choice([(None, "anybody")])
        self.action: Choice[str] = Choice([("", "any action")])
        self.model: Choice[Id | None] = Choice([(None, "any model")])
        self.first, self.last = DayField(), DayField()
        self.clear = button("Clear", lambda: self._let_pass(LogFilter()))
        self.clear.setAccessibleName("Clear the filters")
        self.words.searched.connect(lambda text: self._take())
        for choice, name in ((self.model, "Model"), (self.person, "Who"), (self.action, "Action")):
            choice.setAccessibleName(name)
            choice.setMinimumContentsLength(8)
            choice.currentIndexChanged.connect(lambda index: self._take())
            steady(choice)
        for day, name in ((self.first, "From"), (self.last, "To")):
            day.setAccessibleName(name)
            day.setPlaceholderText(f"{name} YYYY-MM-DD")
            day.setMinimumWidth(theme.px(118))
            day.editingFinished.connect(self._take)
        self._lay_out()

    def _lay_out(self) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.S)
        parts: tuple[tuple[tuple[QWidget, int], ...], ...] = (
            ((self.words, 2), (self.first, 1), (self.last, 1)),
            ((self.model, 3), (self.person, 3), (self.action, 3), (self.clear, 0)))
        for fields in parts:
            row = QHBoxLayout()
            row.setSpacing(theme.S)
            for field, share in fields:
                row.addWidget(field, share)
            rows.addLayout(row)

    def offer(self, choices: Choices, called: str) -> None:
        """Other people, actions and models to choose from; called: the name of the model that is chosen."""
        models = dict(choices.models)
        if self.value.model and self.value.model not in models:
            models[self.value.model] = called
        self.person.offer([(None, "anybody"), *choices.people])
        self.action.offer([("", "any action"), *choices.actions])
        self.model.offer([(None, "any model"), *models.items()])
        self._choose(self.value)  # what is being typed stays as it is

    def show_value(self, wanted: LogFilter) -> None:
        """Show a filter, and tell nobody."""
        self.value = wanted
        blocked = self.words.blockSignals(True)
        self.words.setText(wanted.words)
        self.words.blockSignals(blocked)
        self.first.setText(wanted.first.isoformat() if wanted.first else "")
        self.last.setText(wanted.last.isoformat() if wanted.last else "")
        self._choose(wanted)

    def _choose(self, wanted: LogFilter) -> None:
        choices: tuple[Choice[Any], ...] = (self.person, self.action, self.model)
        for choice, value in zip(choices, (wanted.person, wanted.action, wanted.model), strict=True):
            blocked = choice.blockSignals(True)
            choice.choose(value)
            choice.blockSignals(blocked)
        self.clear.setEnabled(wanted != LogFilter())

    def _let_pass(self, wanted: LogFilter) -> None:
        self.show_value(wanted)
        self.changed.emit(wanted)

    def _take(self) -> None:
        try:
            first, last = self.first.day(), self.last.day()
        except UserError as error:
            self.mistyped.emit(f"{error.title} {error.remedy}")
            return
        if first and last and first > last:
            self.mistyped.emit("“From” is after “To”: correct one of the two days.")
            return
        wanted = LogFilter(words=self.words.text().strip(), person=self.person.value, action=self.action.value or "",
                           model=self.model.value, first=first, last=last)
        if wanted != self.value:
            self.value = wanted
            self.clear.setEnabled(wanted != LogFilter())
            self.changed.emit(wanted)
