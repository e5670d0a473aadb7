"""Brings in the bytes of a version: from a file or folder, or from the MLflow server it came from."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from desktop_app.domain.evidence import EvidenceKind
from desktop_app.domain.model import ModelVersion
from desktop_app.gui.dialogs.form import PathField, Radios
from desktop_app.gui.dialogs.resting import RestingNotice
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.progress import Progress

WHERE = (("server", "From the MLflow server it was synced from"), ("file", "From a file or folder on this machine"))


class ReadArtefact(TaskDialog):
    """The file is digested and scanned, never run."""

    def __init__(self, jobs: Jobs, version: ModelVersion, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Read the artefact", action="Read", parent=parent,
                         lead="The bytes are digested and scanned without being loaded; nothing in them is run. From "
                              "then on the version is exactly these bytes.")
        self._version = version.id
        RestingNotice(self).ask(version.id, EvidenceKind.ARTEFACT_SCAN, title="Artefact scan")
        self.where: Radios[str] | None = None
        if version.source.source.startswith("mlflow"):
            self.where = self.add("Where it is", Radios(WHERE, "server"))
            self.where.changed.connect(self._enable)
        self.path: PathField = self.add("File or folder", PathField(what="The artefact of the version", folders=True))
        self._enable()

    def _enable(self) -> None:
        self.path.setEnabled(self._from_file)

    @property
    def _from_file(self) -> bool:
        return self.where is None or self.where.value == "file"

    def run(self) -> None:
        """Read it; where it comes from the server, bring it here first."""
        version, path = self._version, self.path.path() if self._from_file else None

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import artefacts, syncing

            made = artefacts.resolve(ws, version, path, progress) if path is not None \
                else syncing.fetch_artefact(ws, version, None, progress)
            return written(ws, made, about=version)

        self.start(work, "reading the artefact", lane=Lane.COMPUTE)
