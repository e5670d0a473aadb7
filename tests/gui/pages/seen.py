"""What a person sees: the words in a widget, the dialog in front."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QDialog, QLabel

from desktop_app.gui.widgets.prose import Prose


def words(widget):
    """Everything that is said in a widget."""
    QApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    labels = [label for kind in (QLabel, Prose) for label in widget.findChildren(kind)]
    return "\n".join(label.text() for label in labels if label.isVisibleTo(widget))


def dialog_of(kind=QDialog):
    """The dialog in front."""
    return next(w for w in reversed(QApplication.topLevelWidgets()) if isinstance(w, kind) and w.isVisible())
