"""Grant a role, from a day and perhaps until one."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop_app.domain.person import LINE_OF_DEFENCE, LINE_TITLES, ROLE_TITLES, Role
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import DayField, beside
from desktop_app.gui.dialogs.mandate import OWN, WHY, typed
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled, passphrase_field

if TYPE_CHECKING:
    from desktop_app.operations.people import PersonView


class GrantRole(TaskDialog):
    """`succeeded(Change)`."""

    def __init__(self, jobs: Jobs, person: PersonView, role: Role, today: date, parent: QWidget | None = None) -> None:
        super().__init__(jobs, f"Grant a role to {person.name}", action="Sign and grant", parent=parent,
                         lead=f"{ROLE_TITLES[role]}, {LINE_TITLES[LINE_OF_DEFENCE[role]]}.")
        self._person, self._role, self._today = person.id, role, today
        self.first, self.last = DayField(), DayField()
        self.form.addWidget(beside(labelled("First day", self.first, "Empty: from now on."),
                                   labelled("Last day", self.last, "Empty: until it is revoked.")))
        self.passphrase = self.add(OWN, passphrase_field(), WHY)

    def run(self) -> None:
        """Sign and record."""
        first, last = self.first.day(), self.last.day()
        if first and first < self._today:
            raise UserError("A role does not begin in the past.", "", "Give today or a later day.")
        begins, ends = _midnight(first) if first else None, _midnight(last + timedelta(days=1)) if last else None
        passphrase, person, role = typed(self.passphrase), self._person, self._role

        def work(ws: Workspace) -> object:
            from desktop_app.operations import people

            return people.grant(ws, person, role, passphrase, ends, begins)

        self.start(lambda ws, progress: work(ws), "granting a role")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()
