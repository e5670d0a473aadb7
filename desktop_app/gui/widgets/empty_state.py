"""What a page or a list says when there is nothing to show, or nothing yet: a sentence, a remedy, one button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.gui import theme
from desktop_app.gui.widgets.prose import paragraph


class EmptyState(QWidget):
    """A title, a paragraph and perhaps an action, in the middle of the room."""

    def __init__(
        self, title: str, detail: str = "", remedy: str = "", *, action: tuple[str, Callable[[], None]] | None = None,
        report: str = "", parent: QWidget | None = None,
    ) -> None:
        """action: text of the button and what it does · report: text to copy, in a box of its own."""
        super().__init__(parent)
        self.setAccessibleName(title)
        column = QVBoxLayout(self)
        column.setSpacing(theme.S)
        column.addStretch(2)
        for text, role in ((title, "section"), (detail, "body"), (remedy, "muted")):
            if text:
                label = paragraph(text, role)
                label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
                label.setMinimumWidth(theme.px(420))
                label.setMaximumWidth(theme.px(560))
                row = QHBoxLayout()  # a label aligned in the column would get the height of a wider one
                row.addStretch(1)
                row.addWidget(label, 100)
                row.addStretch(1)
                column.addLayout(row)
        if report:
            column.addWidget(self._report(report), 3)
        if action is not None:
            button = QPushButton(action[0])
            button.clicked.connect(lambda checked=False: action[1]())
            column.addSpacing(theme.S)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)

    @staticmethod
    def _report(text: str) -> QPlainTextEdit:
        box = QPlainTextEdit(text, readOnly=True)
        theme.dress(box, "mono")
        box.setAccessibleName("Report of the mistake")
        return box
