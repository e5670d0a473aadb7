"""Reads an MLflow tracking server: models, versions, runs and aliases; only what is new is recorded."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.words import counted
from desktop_app.gui.dialogs.form import required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.progress import Progress


class SyncMlflow(TaskDialog):
    """See the module. After a sync the dialog says what was new and stays until it is closed."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Sync with MLflow", action="Sync", parent=parent,
                         lead="Models, versions, runs and aliases are read; nothing is changed on the server.")
        self.address: QLineEdit = self.add(
            "Tracking address", QLineEdit(), "For example http://mlflow.example:5000. It can be repeated at any time.")
        jobs.run(self, lambda ws, progress: _last_address(ws), then=self._suggest, failed=lambda error: None)

    def _suggest(self, address: str) -> None:
        if address and not self.address.text():
            self.address.setText(address)
            self.address.selectAll()

    def run(self) -> None:
        """Read the server."""
        address = required(self.address.text(), "The address")

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import syncing

            return syncing.sync(ws, address, progress)

        self.start(work, f"sync with {address}", lane=Lane.COMPUTE, then=self._tell)

    def _tell(self, report: Any) -> None:
        self.succeeded.emit(report)
        self.cancel_button.setText("Close")
        self.primary.setText("Sync again")
        found = [(report.models, "model"), (report.versions, "version"), (report.runs, "run"),
                 (report.alias_moves, "alias move")]
        new = ", ".join(counted(n, what) for n, what in found if n)
        self.say(f"New: {new}." if new else "Nothing is new.", f"Read from {report.address}.", tone="met")


def _last_address(ws: Workspace) -> str:
    """The address of the last sync, or an empty text."""
    from desktop_app.operations import syncing

    found = syncing.sources(ws)
    return found[-1].address if found else ""
