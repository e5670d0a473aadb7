"""Asks for a reason, then does one thing with it: withdraw a request, revoke a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop_app.gui.dialogs.form import GrowingText, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace


class GiveReason(TaskDialog):
    """`do(workspace, reason)` runs in the WRITE lane and returns the Change."""

    def __init__(
        self, jobs: Jobs, title: str, lead: str, action: str, do: Callable[[Workspace, str], Any],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(jobs, title, action=action, lead=lead, parent=parent)
        self._do = do
        self.reason: GrowingText = self.add("Reason", GrowingText(), "It is recorded and shown to everybody.")

    def run(self) -> None:
        """Do it with the reason."""
        reason, do = required(self.reason.toPlainText(), "The reason"), self._do
        self.start(lambda ws, progress: do(ws, reason), self.windowTitle().lower())
