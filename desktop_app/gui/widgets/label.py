"""Labels, always as plain text: nothing a person typed is read as markup."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from desktop_app.gui import theme


def paragraph(text: str, role: str = "body", *, selectable: bool = True) -> QLabel:
    """A wrapping label of plain text in a role of the style sheet."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    if selectable:
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    theme.dress(label, role)
    return label


def words(text: str = "", role: str = "body") -> QLabel:
    """A label of one line of plain text."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    theme.dress(label, role)
    return label


def tip(text: str) -> str:
    """Plain text for a tooltip, which Qt would otherwise read as markup when it looks like it."""
    return f"<qt>{html.escape(text)}</qt>" if text else ""
