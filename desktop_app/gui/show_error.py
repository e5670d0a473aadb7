"""The one presenter of errors: what a person can mend calmly, what is a bug as a bug, a cancel not at all."""

from __future__ import annotations

import platform
import traceback

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

import desktop_app
from desktop_app.errors import Cancelled, UserError
from desktop_app.gui import theme
from desktop_app.gui.widgets.prose import paragraph

WIDTH = 480
BUG_TITLE = "This is a mistake of the program"
BUG_DETAIL = (
    "Nothing you did is wrong, and nothing is half-written: a step is recorded as a whole or not at all. "
    "Please pass the report to whoever looks after Assaydesk here."
)


def show_error(parent: QWidget | None, error: Exception) -> None:
    """Present `error` over `parent` without blocking; `Cancelled` is not shown."""
    if isinstance(error, Cancelled):
        return
    window = parent.window() if parent is not None else None
    dialog = error_dialog(window, error) if isinstance(error, UserError) else bug_dialog(window, error)
    dialog.open()


def words(error: Exception) -> tuple[str, str, str]:
    """Title, detail and remedy of any error, for a panel in the page."""
    if isinstance(error, UserError):
        return error.title, error.detail, error.remedy
    return BUG_TITLE, BUG_DETAIL, bug_report(error)


def bug_report(error: Exception) -> str:
    """What the program knows about an error of its own: version, platform, traceback."""
    head = f"Assaydesk {desktop_app.__version__} · Python {platform.python_version()} · {platform.platform()}"
    return head + "\n\n" + "".join(traceback.format_exception(error))


def error_dialog(parent: QWidget | None, error: UserError) -> QDialog:
    """A calm dialog: what is wrong, why, what to do."""
    dialog, layout = _dialog(parent, error.title)
    layout.addWidget(paragraph(error.title, "section"))
    for text, role in ((error.detail, "body"), (error.remedy, "muted")):
        if text:
            layout.addWidget(paragraph(text, role))
    _close_button(dialog, layout)
    return dialog


def bug_dialog(parent: QWidget | None, error: Exception) -> QDialog:
    """A dialog that says it is a bug, with the report to copy."""
    dialog, layout = _dialog(parent, BUG_TITLE)
    layout.addWidget(paragraph(BUG_TITLE, "section"))
    layout.addWidget(paragraph(BUG_DETAIL, "body"))
    report = QPlainTextEdit(bug_report(error), readOnly=True)
    theme.dress(report, "mono")
    report.setAccessibleName("Report of the mistake")
    report.setMinimumHeight(theme.px(180))
    layout.addWidget(report, 1)
    copy = QPushButton("Copy the report", autoDefault=False)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(report.toPlainText()))
    _close_button(dialog, layout).addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
    return dialog


def _dialog(parent: QWidget | None, title: str) -> tuple[QDialog, QVBoxLayout]:
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Assaydesk")
    dialog.setAccessibleName(title)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.L)
    layout.setSpacing(theme.M)
    return dialog, layout


def _close_button(dialog: QDialog, layout: QVBoxLayout) -> QDialogButtonBox:
    box = QDialogButtonBox()
    close = box.addButton("Close", QDialogButtonBox.ButtonRole.AcceptRole)
    close.clicked.connect(dialog.accept)
    layout.addSpacing(theme.S)
    layout.addWidget(box)
    close.setFocus()
    width = theme.px(WIDTH)
    dialog.resize(width, layout.totalHeightForWidth(width))
    return box
