"""Signs for what governs: a role, a key, a policy. It says what will be recorded and asks for a passphrase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import GrowingText, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import passphrase_field

OWN = "Your own passphrase, or the PIN of your token"
WHY = "Roles, keys and policies decide whose decisions count: the change is signed with your key."


def typed(field: Any, what: str = "Your passphrase") -> str:
    """The passphrase in a field. Raises UserError when there is none."""
    if not field.text():
        field.setFocus()
        raise UserError(f"{what} is missing.", "", "Type it.")
    return str(field.text())


class SignFor(TaskDialog):
    """`do(workspace, passphrase, reason)` runs in the WRITE lane and returns the Change."""

    def __init__(
        self, jobs: Jobs, title: str, lead: str, action: str, do: Callable[[Workspace, str, str], Any],
        parent: QWidget | None = None, *, asks_reason: bool = False,
    ) -> None:
        super().__init__(jobs, title, action=action, lead=lead, parent=parent)
        self._do = do
        self.reason: GrowingText | None = self.add(
            "Reason", GrowingText(), "It is recorded and shown to everybody.") if asks_reason else None
        self.passphrase = self.add(OWN, passphrase_field(), WHY)

    def run(self) -> None:
        """Sign and record; after a wrong passphrase everything else stays typed."""
        reason = required(self.reason.toPlainText(), "The reason") if self.reason else ""
        passphrase, do = typed(self.passphrase), self._do
        self.start(lambda ws, progress: do(ws, passphrase, reason), self.windowTitle().lower())
