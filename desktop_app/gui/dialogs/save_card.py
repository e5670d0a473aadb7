"""Saves a revision of a card: a note, and whether only the wording changed. A newer revision is shown first."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.errors import StaleError, UserError
from desktop_app.gui.dialogs.form import Radios
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace

KINDS = (
    (False, "Material: decisions on it are to be reconsidered"),
    (True, "Editorial: wording only, decisions on it stand"),
)


class SaveCard(TaskDialog):
    """See the module."""

    def __init__(
        self, jobs: Jobs, version: Id, texts: dict[str, str], seen: int, parent: QWidget | None = None,
    ) -> None:
        """seen: the number of the revision that was edited, 0 for none."""
        super().__init__(jobs, "Save the card", action="Save revision", parent=parent,
                         lead=f"This becomes revision {seen + 1}. Earlier revisions stay as they are.")
        self._version, self._texts, self._seen = version, texts, seen
        self._over = False
        self.note: QLineEdit = self.add("What changed", QLineEdit(), "One line, shown in the list of revisions.")
        self.kind: Radios[bool] = self.add("Kind of change", Radios(KINDS, False))

    def run(self) -> None:
        """Save; after a newer revision was shown, save over it."""
        version, texts, seen, over = self._version, self._texts, self._seen, self._over
        note, editorial = self.note.text().strip(), self.kind.value

        def work(ws: Workspace) -> Any:
            from desktop_app.operations import cards

            newest = cards.revisions(ws, version)[0].record.revision if over else seen
            return cards.save(ws, version, texts, seen=newest, note=note, editorial=editorial)

        self.start(lambda ws, progress: work(ws), "saving the card")

    def show_refusal(self, error: UserError) -> None:
        """A newer revision: show the difference, and offer to save over it."""
        super().show_refusal(error)
        if isinstance(error, StaleError):
            self._over = True
            self.primary.setText("Save over theirs")
