"""The conditions of an approval: each a text, an owner and a day, in rows that can be added and removed."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.domain.approval import TypedCondition
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import DayField
from desktop_app.gui.widgets.prose import words

MOST = 20


class ConditionRow(QWidget):
    """One condition. Signals: `changed`, `removed`."""

    changed = Signal()
    removed = Signal()

    def __init__(self, number: int, texts: tuple[str, str, str] = ("", "", "")) -> None:
        super().__init__()
        self.text, self.owner, self.due = QLineEdit(texts[0]), QLineEdit(texts[1]), DayField()
        self.due.setText(texts[2])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.S)
        for field, name, hint, stretch in ((self.text, "Condition", "What must be done", 5),
                                           (self.owner, "Owner", "Owner", 2), (self.due, "Due", "Due, YYYY-MM-DD", 2)):
            field.setPlaceholderText(hint)
            field.setAccessibleName(f"{name} of condition {number}")
            field.textChanged.connect(lambda text: self.changed.emit())
            row.addWidget(field, stretch)
        remove = QPushButton("Remove")
        theme.dress(remove, "quiet")
        remove.setAutoDefault(False)
        remove.setAccessibleName(f"Remove condition {number}")
        remove.clicked.connect(lambda checked=False: self.removed.emit())
        row.addWidget(remove)

    @property
    def texts(self) -> tuple[str, str, str]:
        """What was typed."""
        return self.text.text().strip(), self.owner.text().strip(), self.due.text().strip()

    def condition(self) -> TypedCondition:
        """The condition. Raises UserError while something is missing."""
        due: date | None = self.due.day()
        if not all(self.texts) or due is None:
            raise UserError("A condition is not complete.", "", "Give each a text, an owner and a day.")
        return TypedCondition(text=self.texts[0], owner=self.texts[1], due=due)


class Conditions(QWidget):
    """Signal `changed`: a condition was added, removed or edited."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ConditionRow] = []
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.XS)
        self.add_button = QPushButton("Add a condition")
        self.add_button.setAutoDefault(False)
        self.add_button.clicked.connect(lambda checked=False: self.add().text.setFocus())
        foot = QHBoxLayout()
        foot.addWidget(self.add_button)
        foot.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.XS)
        column.addWidget(words("Conditions", "note"))
        column.addLayout(self._column)
        column.addLayout(foot)
        self.setAccessibleName("Conditions")

    def add(self, texts: tuple[str, str, str] = ("", "", "")) -> ConditionRow:
        """Another row; at most 20."""
        row = ConditionRow(len(self.rows) + 1, texts)
        row.changed.connect(self.changed)
        row.removed.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._column.addWidget(row)
        self.add_button.setEnabled(len(self.rows) < MOST)
        self.changed.emit()
        return row

    def _remove(self, row: ConditionRow) -> None:
        self.rows.remove(row)
        self._column.removeWidget(row)
        row.deleteLater()
        self.add_button.setEnabled(True)
        self.add_button.setFocus()
        self.changed.emit()

    @property
    def texts(self) -> list[tuple[str, str, str]]:
        """What was typed, for a draft; empty rows are left out."""
        return [row.texts for row in self.rows if any(row.texts)]

    def value(self) -> tuple[TypedCondition, ...]:
        """The conditions. Raises UserError while one is not complete; empty rows are left out."""
        return tuple(row.condition() for row in self.rows if any(row.texts))
