"""The fields of dialogs: a label above, the field, a hint below. Everything is plain text and reached by Tab."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import UserError
from desktop_app.gui import theme

V = TypeVar("V")


def beside(*fields: QWidget) -> QWidget:
    """Fields side by side, each as wide as the others."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.M)
    for field in fields:
        row.addWidget(field, 1, Qt.AlignmentFlag.AlignTop)
    return holder


class Choice(QComboBox, Generic[V]):
    """One of some values, each with its words."""

    def __init__(self, choices: Iterable[tuple[V, str]] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.offer(choices)

    def offer(self, choices: Iterable[tuple[V, str]]) -> None:
        """Other choices; what was chosen stays chosen when it is still there."""
        before = self.value if self.count() else None
        blocked = self.blockSignals(True)
        self.clear()
        offered = list(choices)
        self._values = [value for value, _ in offered]
        self.addItems([text for _, text in offered])
        self.choose(before)
        self.blockSignals(blocked)

    @property
    def value(self) -> V | None:
        """What is chosen."""
        return self._values[self.currentIndex()] if 0 <= self.currentIndex() < len(self._values) else None

    def choose(self, value: V | None) -> None:
        """Choose a value that is offered; the first otherwise."""
        self.setCurrentIndex(self._values.index(value) if value in self._values else 0 if self._values else -1)


class Radios(QWidget, Generic[V]):
    """One of few values, all in sight."""

    changed = Signal()

    def __init__(self, choices: Iterable[tuple[V, str]], chosen: V, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._buttons: list[tuple[V, QRadioButton]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.XS)
        for value, text in choices:
            button = QRadioButton(text.replace("&", "&&"))
            button.setChecked(value == chosen)
            button.toggled.connect(lambda on: self.changed.emit())
            self._group.addButton(button)
            self._buttons.append((value, button))
            column.addWidget(button)
        self.setFocusProxy(next(b for v, b in self._buttons if v == chosen))

    @property
    def value(self) -> V:
        """What is chosen."""
        return next(value for value, button in self._buttons if button.isChecked())

    def choose(self, value: V) -> None:
        """Choose a value."""
        next(button for v, button in self._buttons if v == value).setChecked(True)


class Ticks(QWidget):
    """Any of some names, in as many columns as fit their number."""

    changed = Signal()

    def __init__(self, names: Iterable[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boxes: dict[str, QCheckBox] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.offer(names)

    def offer(self, names: Iterable[str], notes: dict[str, str] | None = None) -> None:
        """Other names; what was ticked stays ticked. notes: words after a name."""
        ticked = set(self.value)
        for box in self._boxes.values():
            box.deleteLater()
        self._boxes = {}
        for name in names:
            note = (notes or {}).get(name, "")
            box = QCheckBox(f"{name}{f' · {note}' if note else ''}".replace("&", "&&"))
            box.setChecked(name in ticked)
            box.toggled.connect(lambda on: self.changed.emit())
            self._boxes[name] = box
            self._column.addWidget(box)

    @property
    def value(self) -> tuple[str, ...]:
        """The names ticked, in the order offered."""
        return tuple(name for name, box in self._boxes.items() if box.isChecked())

    def tick(self, *names: str) -> None:
        """Tick these and no others."""
        for name, box in self._boxes.items():
            box.setChecked(name in names)


class DayField(QLineEdit):
    """A day, typed as 2026-11-20; empty for none."""

    def __init__(self, day: date | None = None, parent: QWidget | None = None) -> None:
        super().__init__(day.isoformat() if day else "", parent)
        self.setPlaceholderText("YYYY-MM-DD")
        self.setMaxLength(10)

    def day(self) -> date | None:
        """The day. Raises UserError for what is not one."""
        typed = self.text().strip()
        if not typed:
            return None
        try:
            return date.fromisoformat(typed)
        except ValueError as error:
            raise UserError(f"“{typed}” is not a day.", f"In the field {self.accessibleName()}.",
                            "Write it as 2026-11-20.") from error


class PathField(QWidget):
    """A file (or folder), typed or chosen. Signal `changed(Path)`: another existing one was given."""

    changed = Signal(object)

    def __init__(
        self, *, what: str, kinds: str = "", folders: bool = False, parent: QWidget | None = None,
    ) -> None:
        """what: title of the file dialog · kinds: its filter · folders: a folder may be chosen too."""
        super().__init__(parent)
        self._what, self._kinds = what, kinds
        self.line = QLineEdit()
        self.line.setPlaceholderText("Path of the file" + (" or folder" if folders else ""))
        self.line.editingFinished.connect(self._tell)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.S)
        row.addWidget(self.line, 1)
        row.addWidget(self._button("File…", self._ask))
        if folders:
            row.addWidget(self._button("Folder…", self._ask_folder))
        self.setFocusProxy(self.line)
        self._told: Path | None = None

    @staticmethod
    def _button(text: str, run: object) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(run)
        return button

    def _ask(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, self._what, self.line.text(), self._kinds)
        if chosen:
            self.give(Path(chosen))

    def _ask_folder(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, self._what, self.line.text()):
            self.give(Path(chosen))

    def give(self, path: Path) -> None:
        """Put a path in, as if it had been chosen."""
        self.line.setText(str(path))
        self._tell()

    def _tell(self) -> None:
        path = Path(self.line.text().strip()).expanduser()
        if self.line.text().strip() and path != self._told and path.exists():
            self._told = path
            self.changed.emit(path)

    def path(self) -> Path:
        """The file that is given. Raises UserError when there is none."""
        typed = self.line.text().strip()
        path = Path(typed).expanduser()
        if not typed or not path.exists():
            raise UserError("Choose a file." if not typed else "There is no such file.", typed,
                            "Type its path or choose it with the button.")
        return path

    def event(self, event: QEvent) -> bool:
        """The name given to the field is spoken at its line."""
        if event.type() == QEvent.Type.FocusIn:
            self.line.setAccessibleName(self.accessibleName())
        return super().event(event)

    def setAccessibleName(self, name: str) -> None:
        """Both the field and its line are called so."""
        super().setAccessibleName(name)
        self.line.setAccessibleName(name)


class GrowingText(QPlainTextEdit):
    """A text field as high as its text, within bounds; Tab leaves it."""

    def __init__(self, text: str = "", *, least: int = 2, most: int = 24, parent: QWidget | None = None) -> None:
        """least, most: lines shown."""
        super().__init__(text, parent)
        self._least, self._most = least, most
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().documentLayout().documentSizeChanged.connect(lambda size: self._grow())
        self._grow()

    def _grow(self) -> None:
        lines = max(self._least, min(self._most, round(self.document().size().height())))
        height = round(lines * self.fontMetrics().lineSpacing() + 2 * theme.S + theme.XS)
        if height != self.height():
            self.setFixedHeight(height)
        full = lines >= self._most
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if full else Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(theme.px(320), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width breaks lines elsewhere."""
        super().resizeEvent(event)
        self._grow()


def required(text: str, what: str) -> str:
    """What was typed, stripped. Raises UserError when nothing was."""
    if not text.strip():
        raise UserError(f"{what} is missing.", "", "Fill in the field.")
    return text.strip()


def hairline() -> QWidget:
    """A line across."""
    line = QLabel()
    line.setFixedHeight(1)
    theme.dress(line, "line")
    return line
