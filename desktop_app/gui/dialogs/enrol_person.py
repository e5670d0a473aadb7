"""Enrol a person: the name as it is printed under signatures, the roles, a passphrase twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.person import ROLE_TITLES, Role
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import Ticks, required
from desktop_app.gui.dialogs.mandate import OWN, WHY, typed
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.dialogs.written import Written, written
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled, passphrase_field

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSPHRASE_HINT = "Several words are best. It cannot be recovered; it is asked for at every signature."  # noqa: S105 - words about it


def matching(first: QLineEdit, second: QLineEdit) -> str:
    """The passphrase typed twice. Raises UserError when it is missing or differs."""
    typed = first.text()
    if not typed:
        raise UserError("A passphrase is missing.", "", "Type it twice.")
    if typed != second.text():
        second.setFocus()
        second.selectAll()
        raise UserError("The two passphrases differ.", "", "Type the same one twice.")
    return typed


class EnrolPerson(TaskDialog):
    """`succeeded(Written)`: the person's id."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None, *, name: str = "") -> None:
        """name: someone the registry knows without a key."""
        super().__init__(jobs, "Enrol a person", action="Enrol", parent=parent,
                         lead="Their key is made on this machine and locked by their passphrase: let them type it. For "
                              "a key on their own machine, or on a smart card or USB token, they write a request there "
                              "(assaydesk people request-key NAME --out FILE, and --token MODULE for a token), and "
                              "you enrol it with: assaydesk people enrol --request FILE --key ID --role ROLE")
        self.name = self.add("Name, as printed under signatures", QLineEdit(name))
        self.roles = Ticks([ROLE_TITLES[role] for role in Role])
        self.form.addWidget(labelled("Roles", self.roles))
        self.passphrase = self.add("Their passphrase", passphrase_field(), PASSPHRASE_HINT)
        self.again = self.add("The same passphrase again", passphrase_field())
        self.mine = self.add(OWN, passphrase_field(), WHY)

    def run(self) -> None:
        """Make the key and record the person."""
        name = required(self.name.text(), "The name")
        roles: Sequence[Role] = [role for role in Role if ROLE_TITLES[role] in self.roles.value]
        if not roles:
            raise UserError("No role is ticked.", "A person without a role decides nothing.", "Tick at least one.")
        passphrase, mine = matching(self.passphrase, self.again), typed(self.mine)

        def work(ws: Workspace) -> Written:
            from desktop_app.operations import people

            return written(ws, people.enrol(ws, name, tuple(roles), passphrase, mine).id)

        self.start(lambda ws, progress: work(ws), "making a key")
