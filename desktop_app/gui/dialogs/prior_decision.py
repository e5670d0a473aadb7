"""Record a decision made before this registry, from minutes, an e-mail or a report, signed by whoever records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.conditions import Conditions
from desktop_app.gui.dialogs.form import Choice, DayField, PathField, beside, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled, passphrase_field

if TYPE_CHECKING:
    from desktop_app.domain.change import Change
    from desktop_app.domain.policy import Stage

OUTCOMES = (
    ("approved", "approved"), ("approved_with_conditions", "approved, with conditions"), ("rejected", "rejected"))
Offered = tuple[list[tuple[tuple[Id, Id], str]], "tuple[Stage, ...]"]


class PriorDecisionDialog(TaskDialog):
    """It is never shown as the approver's own signature."""

    def __init__(
        self, jobs: Jobs, parent: QWidget | None = None, *, version: Id | None = None, use: Id | None = None,
    ) -> None:
        """version, use: chosen at first."""
        super().__init__(
            jobs, "Record an earlier decision", action="Sign as the recorder", width=600, tall=True, parent=parent,
            lead="You sign that you found it in the document you name; it is never shown as the approver's signature.")
        self._wanted = (version, use)
        self.about: Choice[tuple[Id, Id]] = self.add("Model, version and use", Choice())
        self.stage: Choice[str] = Choice()
        self.outcome: Choice[str] = Choice(OUTCOMES)
        self.outcome.currentIndexChanged.connect(lambda index: self._show_conditions())
        self.form.addWidget(beside(labelled("To stage", self.stage), labelled("Outcome", self.outcome)))
        self.by = self.add("Who decided", QLineEdit())
        self.on, self.review_by = DayField(), DayField()
        self.form.addWidget(beside(labelled("Decided on", self.on), labelled("To be reviewed by", self.review_by)))
        self.conditions = Conditions()
        self.form.addWidget(self.conditions)
        self.source = self.add("Where that is written", QLineEdit(), "Minutes, e-mail or report, with its place.")
        self.document: PathField = self.add("The document (optional)", PathField(what="The document"))
        self.passphrase = self.add("Passphrase of your key", passphrase_field())
        self.form.addStretch(1)
        self._show_conditions()
        jobs.run(self, lambda ws, progress: _offered(ws), then=self._offer, key="choices")

    def _show_conditions(self) -> None:
        wanted = self.outcome.value == "approved_with_conditions"
        self.conditions.setVisible(wanted)
        if wanted and not self.conditions.rows:
            self.conditions.add()

    def _offer(self, found: Offered) -> None:
        rows, stages = found
        self.about.offer(rows)
        self.about.choose(next((key for key, _ in rows if key == self._wanted), rows[0][0] if rows else None))
        self.stage.offer([(s.key, s.title) for s in stages[1:]])
        self.stage.choose("production")

    def run(self) -> None:
        """Sign and record."""
        fields, passphrase = self._fields(), self.passphrase.text()
        if not passphrase:
            raise UserError("Your passphrase is missing.", "", "Type the passphrase of your key.")

        def work(ws: Workspace) -> Change:
            from desktop_app.operations import prior_decisions

            return prior_decisions.record_prior(ws, prior_decisions.Taken(**fields), passphrase)

        self.start(lambda ws, progress: work(ws), "recording a decision")

    def _fields(self) -> dict[str, Any]:
        if self.about.value is None:
            raise UserError("There is no version with a use.", "", "Describe a use first.")
        version, use = self.about.value
        decided_on = self.on.day()
        if decided_on is None:
            raise UserError("The day of the decision is missing.", "", "Write it as 2026-11-20.")
        conditions = self.conditions.value() if self.outcome.value == "approved_with_conditions" else ()
        if self.outcome.value == "approved_with_conditions" and not conditions:
            raise UserError("An approval with conditions needs a condition.", "", "Add one with an owner and a day.")
        return {
            "version": version, "use": use, "to_stage": self.stage.value or "production", "decided_on": decided_on,
            "decided_by": required(self.by.text(), "Who decided"), "outcome": self.outcome.value,
            "review_by": self.review_by.day(), "source": required(self.source.text(), "Where that is written"),
            "document": self.document.path() if self.document.line.text().strip() else None, "conditions": conditions}


def _offered(ws: Workspace) -> Offered:
    from desktop_app.operations import inventory, policies

    published = policies.listing(ws)
    rows = [((r.version, r.use), f"{r.name} {r.label}, {r.purpose}") for r in inventory.overview(ws).rows if r.use]
    return rows, published[0].record.stages if published else ()
