"""Recertify roles: open a campaign, answer for each role that waits, and sign all answers at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.canonical import day_text
from desktop_app.domain.person import ROLE_TITLES, Role
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import Choice, DayField, Ticks, beside
from desktop_app.gui.dialogs.mandate import OWN, WHY, typed
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled, passphrase_field
from desktop_app.gui.widgets.prose import paragraph

if TYPE_CHECKING:
    from desktop_app.operations.recertification import CampaignView, GrantView

USUAL = timedelta(days=30)
LATER, KEEP, END = "", "keep", "end"


class OpenRecertification(TaskDialog):
    """`succeeded(Change)`."""

    def __init__(self, jobs: Jobs, today: date, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Recertify roles", action="Sign and open", parent=parent,
                         lead="Each role in force now is confirmed or revoked by somebody else than its holder.")
        self.due: DayField = self.add("Due", DayField(today + USUAL), "The day by which every role is answered.")
        self.roles = Ticks([ROLE_TITLES[role] for role in Role])
        self.form.addWidget(labelled("Only these roles", self.roles, "None ticked: all of them."))
        self.passphrase = self.add(OWN, passphrase_field(), WHY)

    def run(self) -> None:
        """Open it."""
        due = self.due.day()
        if due is None:
            raise UserError("The day is missing.", "", "Write it as 2026-12-31.")
        scope = tuple(role for role in Role if ROLE_TITLES[role] in self.roles.value)
        passphrase = typed(self.passphrase)

        def work(ws: Workspace) -> object:
            from desktop_app.operations import recertification

            return recertification.open_campaign(ws, due, scope, passphrase)

        self.start(lambda ws, progress: work(ws), "opening a recertification")


class AnswerRecertification(TaskDialog):
    """`succeeded(Change)`. What is left at “later” can be answered another time, or by somebody else."""

    def __init__(self, jobs: Jobs, campaign: CampaignView, me: str, parent: QWidget | None = None) -> None:
        """me: who acts; their own roles are for somebody else to answer."""
        mine = [g for g in campaign.open if g.person == me]
        own = f" Yours ({', '.join(ROLE_TITLES[g.role].lower() for g in mine)}) are for somebody else." if mine else ""
        super().__init__(
            jobs, f"Recertify roles, {campaign.label}", action="Sign the answers", width=680, tall=True, parent=parent,
            lead=f"Does this person still need this role? To revoke takes an administrator.{own}")
        self._campaign = campaign.id
        self.rows: list[tuple[GrantView, Choice[str], QLineEdit]] = []
        for grant in campaign.open:
            if grant.person != me:
                self._add_row(grant)
        if not self.rows:
            self.form.addWidget(paragraph("Nothing waits for your answer.", "muted"))
            self.primary.setEnabled(False)
        self.passphrase = self.add(OWN, passphrase_field(), WHY)
        self.form.addStretch(1)

    def _add_row(self, grant: GrantView) -> None:
        who = f"{grant.name}, {ROLE_TITLES[grant.role].lower()}"
        choice: Choice[str] = Choice([(LATER, "later"), (KEEP, "is needed"), (END, "ends")])
        reason = QLineEdit()
        reason.setPlaceholderText("Why; needed where it ends")
        since = day_text(grant.since.astimezone().date())
        self.form.addWidget(beside(labelled(f"{who}, since {since}", choice), labelled(f"Reason, {who}", reason)))
        self._first = self._first or choice
        self.rows.append((grant, choice, reason))

    def run(self) -> None:
        """Sign and record what is answered."""
        said = [(grant.grant, choice.value == KEEP, reason.text().strip())
                for grant, choice, reason in self.rows if choice.value != LATER]
        if not said:
            raise UserError("Nothing is answered yet.", "", "Say of at least one role whether it is needed.")
        passphrase, campaign = typed(self.passphrase), self._campaign

        def work(ws: Workspace) -> object:
            from desktop_app.operations import recertification
            from desktop_app.operations.recertification import Answer

            answers = tuple(Answer(grant=g, keep=keep, reason=why) for g, keep, why in said)
            return recertification.answer(ws, campaign, answers, passphrase)

        self.start(lambda ws, progress: work(ws), "answering for roles")
