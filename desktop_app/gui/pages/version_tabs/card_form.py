"""The card as a form: every field with its help, fields that grow with their text, a bar that saves or discards."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.card import CardField, CardRevision
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import GrowingText, hairline
from desktop_app.gui.pages.version_tabs.tab import READING, button, section
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import paragraph, words

PAUSE = 600  # milliseconds without a key before the draft is kept


class CardForm(QWidget):
    """Signal `edited`: something was typed and a short pause followed."""

    edited = Signal()

    def __init__(self, save: Callable[[], None], discard: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: dict[str, GrowingText] = {}
        self._area = QScrollArea()
        self._area.setObjectName("body_scroll")
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._newer = paragraph("", "undetermined")
        self._newer.hide()
        self._said = words("", "muted")
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self._tell)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.M, 0, 0)
        column.setSpacing(theme.M)
        column.addWidget(self._newer)
        column.addWidget(self._area, 1)
        column.addWidget(hairline())
        bar = QHBoxLayout()
        bar.setSpacing(theme.S)
        bar.addWidget(button("Save…", save, primary=True))
        bar.addWidget(button("Discard changes", discard))
        bar.addWidget(self._said)
        bar.addStretch(1)
        column.addLayout(bar)

    def show_fields(self, fields: tuple[CardField, ...], texts: dict[str, str], tier: int) -> None:
        """Fill the form; what the tier asks for says so."""
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(2, 0, theme.M, theme.XL)
        column.setSpacing(theme.L)
        self._fields, shown = {}, ""
        for field in fields:
            if field.section != shown:
                shown = field.section
                section(column, shown)
            entry = GrowingText(texts.get(field.key, ""))
            entry.installEventFilter(self)
            entry.textChanged.connect(self._typed)
            asked = f"{field.label} · asked for in tier {tier}" if tier in field.tiers else field.label
            made = labelled(asked, entry, field.help)
            made.setMaximumWidth(theme.px(READING))
            column.addWidget(made)
            self._fields[field.key] = entry
        column.addStretch(1)
        self._area.setWidget(holder)
        self._newer.hide()
        self._said.setText("What you type is kept on this machine until it is saved or discarded.")

    def texts(self) -> dict[str, str]:
        """What the fields hold now."""
        return {key: entry.toPlainText() for key, entry in self._fields.items()}

    def field(self, key: str) -> GrowingText:
        """The field with a key. Raises KeyError."""
        return self._fields[key]

    def focus_first(self) -> None:
        """Begin at the first field."""
        next(iter(self._fields.values())).setFocus(Qt.FocusReason.OtherFocusReason)

    def note_newer(self, newer: Recorded[CardRevision] | None, names: dict[Id, str]) -> None:
        """Say that somebody saved another revision meanwhile."""
        self._newer.setVisible(newer is not None)
        if newer is not None:
            self._newer.setText(f"{names.get(newer.by, 'Somebody')} saved revision {newer.record.revision} on "
                                f"{day_text(newer.at.date())} while you were editing. Your text is kept; saving will "
                                "show the difference first.")

    def quiet(self) -> None:
        """No draft is to be kept of what was typed."""
        self._pause.stop()

    def _typed(self) -> None:
        self._said.setText("Not saved yet.")
        self._pause.start()

    def _tell(self) -> None:
        self._said.setText("Not saved yet; a draft is kept on this machine.")
        self.edited.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The field that takes the focus comes into view."""
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self._area.ensureWidgetVisible(watched, 0, theme.XXL)
        return super().eventFilter(watched, event)
