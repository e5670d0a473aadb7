"""Says in a dialog, before anything is computed or filed, which requests and decisions would lose their basis by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_app.domain.canonical import Id
from desktop_app.domain.evidence import EvidenceKind
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Workspace
from desktop_app.gui.widgets.prose import Prose, Run

if TYPE_CHECKING:
    from desktop_app.operations.dossiers import Resting


class RestingNotice(Prose):
    """Stands above the fields of a dialog while something rests on what it would supersede."""

    def __init__(self, dialog: TaskDialog) -> None:
        super().__init__()
        self._dialog = dialog
        dialog.form.insertWidget(0, self)
        self.hide()

    def ask(self, version: Id, kind: EvidenceKind, *, title: str = "", checklist: str = "") -> None:
        """Ask what rests on the evidence that stands now."""
        def work(ws: Workspace) -> Resting | None:
            from desktop_app.operations import dossiers

            return dossiers.resting_on(ws, version, kind, title=title, checklist=checklist)

        self._dialog.jobs.run(self, lambda ws, progress: work(ws), then=self._tell, key="resting",
                              failed=lambda error: self._tell(None))

    def _tell(self, found: Resting | None) -> None:
        said = consequences(found) if found is not None else []
        if found is not None and said:
            self.set_runs(Run(f"This will supersede {found.evidence}. ", "strong", "undetermined"),
                          Run(" ".join(said)))
        self.setVisible(bool(said))
        self._dialog.fit()


def consequences(found: Resting) -> list[str]:
    """A sentence for each request and decision that rests on it."""
    return [*(f"{label} waits for decisions and rests on it: it can then no longer be approved, signatures already "
              "given will not take effect, and it has to be requested again." for label in found.requests),
            *(f"The version is in {stage} by {label}, which rests on it: that decision will be to reconsider, and the "
              "gate refuses the use until it is decided again." for stage, label in found.decisions)]
