"""Registers one model by hand, with its first version and use: a vendor model, a spreadsheet, an older model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.model import Origin
from desktop_app.gui.dialogs.form import Choice, GrowingText, PathField, beside, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled

ORIGINS = tuple((origin, origin.value.replace("_", " ")) for origin in Origin)


class RegisterModel(TaskDialog):
    """The result is (version id, use id)."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Register a model", action="Register", parent=parent,
                         lead="For what lives in no system. Models of an MLflow server are better synced, "
                              "an inventory better imported.")
        self.name, self.label = QLineEdit(), QLineEdit()
        self.add("Name", self.name)
        self.origin: Choice[Origin] = Choice(ORIGINS)
        self.form.addWidget(beside(
            labelled("Version", self.label, "“2026.2”, “r5”, “1”."), labelled("Made by", self.origin)))
        self.document = PathField(what="A document of this version")
        self.add("Document", self.document, "Without a model file the version is as exact as its documents: the digest "
                 "is theirs. It may be left empty.")
        self.purpose, self.entity = QLineEdit(), QLineEdit()
        self.form.addWidget(beside(labelled("Used for", self.purpose), labelled("Legal entity", self.entity)))
        self.description: GrowingText = self.add("Description", GrowingText())

    def run(self) -> None:
        """Record model, version and use."""
        name, label = required(self.name.text(), "The name"), required(self.label.text(), "The version")
        purpose, entity = required(self.purpose.text(), "What it is used for"), self.entity.text().strip()
        origin, description = self.origin.value or Origin.INTERNAL, self.description.toPlainText().strip()
        documents: tuple[Path, ...] = (self.document.path(),) if self.document.line.text().strip() else ()

        def work(ws: Workspace) -> Any:
            from desktop_app.operations import models

            model = models.register(ws, name, origin=origin, description=description)
            version = models.add_version(ws, model, label, documents=documents)
            return version, models.describe_use(ws, model, purpose, entity=entity)

        self.start(lambda ws, progress: work(ws), "registering a model")
