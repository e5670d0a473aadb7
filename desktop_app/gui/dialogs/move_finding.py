"""Answer a finding, accept its risk until a day, close it, reopen it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop_app.domain.finding import FindingState
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import DayField, GrowingText, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace

if TYPE_CHECKING:
    from desktop_app.domain.change import Change
    from desktop_app.operations.findings import FindingLine

# state → (title, what to write, action)
_WORDS = {
    FindingState.ANSWERED: ("Answer", "What was done about it", "Answer"),
    FindingState.ACCEPTED: ("Accept the risk of", "Why the risk is accepted, and by what authority", "Accept"),
    FindingState.CLOSED: ("Close", "How you know it is resolved", "Close the finding"),
    FindingState.OPEN: ("Reopen", "Why it stands again", "Reopen"),
}


class MoveFinding(TaskDialog):
    """One step of one finding."""

    def __init__(self, jobs: Jobs, line: FindingLine, state: FindingState, parent: QWidget | None = None) -> None:
        title, asks, action = _WORDS[state]
        super().__init__(jobs, f"{title} {line.now.label}", action=action, lead=line.now.finding.title, parent=parent)
        self._finding, self._state = line.now.finding.id, state
        self.comment: GrowingText = self.add(asks, GrowingText(least=3))
        self.until: DayField | None = None
        if state is FindingState.ACCEPTED:
            self.until = self.add("Accepted until", DayField(line.now.due), "Then it stands open again.")

    def run(self) -> None:
        """Record the step."""
        comment, until = required(self.comment.toPlainText(), "The comment"), self._until()
        finding, state = self._finding, self._state

        def work(ws: Workspace) -> Change:
            from desktop_app.operations import findings

            return findings.move(ws, finding, state, comment, until=until)

        self.start(lambda ws, progress: work(ws), self.windowTitle().lower())

    def _until(self) -> date | None:
        if self.until is None:
            return None
        until = self.until.day()
        if until is None:
            raise UserError("An accepted risk needs an end.", "", "Give the day until which it is accepted.")
        return until
