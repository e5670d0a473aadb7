"""Form fields as the sketches set them: a small label above, the field below; dates and numbers in one style."""

from __future__ import annotations

from datetime import date
from typing import TypeVar

from PySide6.QtCore import QDate, QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDateEdit,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop_app.gui import theme
from desktop_app.gui.widgets.prose import paragraph, words

F = TypeVar("F", bound=QAbstractSpinBox)


def labelled(label: str, field: QWidget, hint: str = "") -> QWidget:
    """A field under its label, with a hint below; the label is the field's accessible name and its buddy."""
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(theme.XS)
    above: QLabel = words(label, "muted")
    above.setBuddy(field)
    field.setAccessibleName(label)
    steady(field)
    column.addWidget(above)
    column.addWidget(field)
    if hint:
        field.setAccessibleDescription(hint)
        column.addWidget(paragraph(hint, "note", selectable=False))
    return holder


def steady(field: QWidget) -> None:
    """Choices and numbers are not changed by a wheel that only passes over them: they scroll the form instead."""
    if isinstance(field, QComboBox | QAbstractSpinBox):
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field.installEventFilter(_Steady(field))
    if isinstance(field, QAbstractSpinBox):
        _with_margin(field)


class _Steady(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let go of a wheel over a field that has not the keyboard."""
        passing = event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus()
        if passing:
            event.ignore()
        return passing


def date_field(value: date) -> QDateEdit:
    """A field for a day; `day_of` reads it."""
    made = QDateEdit(QDate(value.year, value.month, value.day))
    made.setDisplayFormat("d MMM yyyy")
    return _with_margin(made)


def day_of(field: QDateEdit) -> date:
    """The day in a date field."""
    chosen = field.date()
    return date(chosen.year(), chosen.month(), chosen.day())


def number_field(value: int, least: int, most: int, unit: str = "") -> QSpinBox:
    """A field for a whole number between two limits."""
    made = QSpinBox()
    made.setRange(least, most)
    made.setValue(value)
    made.setSuffix(f" {unit}" if unit else "")
    return _with_margin(made)


def decimal_field(value: float, least: float, most: float, step: float, digits: int = 2) -> QDoubleSpinBox:
    """A field for a number with decimals between two limits."""
    made = QDoubleSpinBox()
    made.setDecimals(digits)
    made.setRange(least, most)
    made.setSingleStep(step)
    made.setValue(value)
    return _with_margin(made)


def passphrase_field() -> QLineEdit:
    """A field whose text is never shown, suggested or remembered."""
    made = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
    made.setMaxLength(1024)
    return made


def _with_margin(field: F) -> F:
    """The style sheet's padding does not reach the editor inside a spin box."""
    field.lineEdit().setTextMargins(theme.S, 0, 0, 0)
    return field
