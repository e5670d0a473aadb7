"""Computes a report again on its table and says whether every number is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop_app.domain.dataset import InDatabase
from desktop_app.domain.evidence import Evidence
from desktop_app.gui.dialogs.form import PathField
from desktop_app.gui.dialogs.table_place import LETS_IN
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.widgets.fields import passphrase_field
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress


class Reperform(TaskDialog):
    """See the module."""

    records = False

    def __init__(self, jobs: Jobs, item: Evidence, known: Path | None, parent: QWidget | None = None) -> None:
        """known: where the table was when the report was computed."""
        super().__init__(jobs, "Re-perform", action="Compute again", parent=parent,
                         lead="The report is computed again from its recorded question and the same table, and every "
                              "number is compared. Nothing is recorded.")
        self._item = item
        self._there = InDatabase.at(item.inputs[0].location) if item.inputs else None
        self.path = PathField(what="The table it was computed on", folders=item.fairness is not None)
        self.password = passphrase_field()
        if self._there is not None:
            self.form.addWidget(paragraph(f"{self._there.table} is counted again in its database: "
                                          f"{self._there.address}"))
            self.add("Password", self.password, LETS_IN)
            return
        self.add("Table", self.path, _digest_hint(item))
        if known is not None and known.exists():
            self.path.give(known)

    def run(self) -> None:
        """Compute and compare."""
        evidence_id = self._item.id
        path = self._there.with_password(self.password.text()) if self._there else self.path.path()

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import reperforming

            return reperforming.reperform(ws, evidence_id, path, progress)

        self.start(work, "re-performing a report", lane=Lane.COMPUTE, then=self._tell)

    def _tell(self, found: Any) -> None:
        self.cancel_button.setText("Close")
        if found.same:
            self.say(found.words, tone="met")
        else:
            self.say("The report comes out differently.", "\n".join(f"{part} differs" for part in found.differences))


def _digest_hint(item: Evidence) -> str:
    return f"Its digest must begin with {item.inputs[0].digest[:16]}." if item.inputs else ""
