"""A checklist line that takes documents: dropped on it, or chosen with Enter or a double click."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeyEvent, QMouseEvent, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_app.gui.widgets.checklist import CheckItem, CheckLine

MOST_FILES = 50


def dropped_files(data: QMimeData) -> tuple[Path, ...]:
    """The local files in what is dragged; nothing else (no folders, no addresses) is taken."""
    paths = [Path(url.toLocalFile()) for url in data.urls()[:MOST_FILES] if url.isLocalFile()]
    return tuple(path for path in paths if path.is_file())


class DropLine(CheckLine):
    """Signal `dropped(paths)`: a tuple of pathlib.Path of files that exist."""

    dropped = Signal(object)

    def __init__(self, item: CheckItem, parent: QWidget | None = None) -> None:
        super().__init__(item, parent)
        self.setAcceptDrops(True)
        self.setAccessibleDescription(f"{self.accessibleDescription()} Press Enter to add a document.".strip())

    def ask(self) -> None:
        """Let the person choose files."""
        chosen, _ = QFileDialog.getOpenFileNames(self, f"Documents for “{self.item.title}”")
        if chosen:
            self.dropped.emit(tuple(Path(path) for path in chosen))

    def _wait(self, waits: bool) -> None:
        self.waits_for_drop = waits
        self.update()

    # --- Qt

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        if dropped_files(event.mimeData()):
            event.acceptProposedAction()
            self._wait(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Back to rest."""
        self._wait(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand the files over."""
        self._wait(False)
        if paths := dropped_files(event.mimeData()):
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter asks for files."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.ask()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """So does a double click."""
        self.ask()
