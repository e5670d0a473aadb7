"""What a model is for, how much hangs on it, and what is really done with a version: three small dialogs."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.domain.model import UseState
from desktop_app.domain.use import Use
from desktop_app.gui.dialogs.form import Choice, DayField, GrowingText, Radios, beside, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled

LEVELS = (("", "not stated"), ("low", "low"), ("medium", "medium"), ("high", "high"))
TIERS = ((1, "Tier 1, highest"), (2, "Tier 2"), (3, "Tier 3, lowest"))


class DescribeUse(TaskDialog):
    """One purpose in one legal entity and business line, with limits."""

    def __init__(self, jobs: Jobs, model: Id, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Describe a use", action="Describe", parent=parent,
                         lead="Decisions are about a version and a use. A use that is recorded does not change; "
                              "describe another one instead.")
        self._model = model
        self.purpose: QLineEdit = self.add("Purpose", QLineEdit(), "What the model is for, in a few words.")
        self.entity, self.line = QLineEdit(), QLineEdit()
        self.form.addWidget(beside(labelled("Legal entity", self.entity), labelled("Business line", self.line)))
        self.limits: GrowingText = self.add("Limits", GrowingText(), "Where it may be used, and up to what.")
        self.prohibited: GrowingText = self.add("Not for", GrowingText(), "What it must not be used for.")

    def run(self) -> None:
        """Record the use."""
        model, purpose = self._model, required(self.purpose.text(), "The purpose")
        said: dict[str, Any] = {
            "entity": self.entity.text().strip(), "business_line": self.line.text().strip(),
            "limits": self.limits.toPlainText().strip(), "prohibited": self.prohibited.toPlainText().strip()}

        def work(ws: Workspace) -> Any:
            from desktop_app.gui.dialogs.written import written
            from desktop_app.operations import models

            return written(ws, models.describe_use(ws, model, purpose, **said))

        self.start(lambda ws, progress: work(ws), "describing a use")


class SetTier(TaskDialog):
    """Materiality × inherent risk, as a tier with its reason."""

    def __init__(self, jobs: Jobs, use: Use, tier: int | None, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Set the tier", action="Set the tier", lead=f"Of the use: {use.purpose}.", parent=parent)
        self._use = use.id
        self.tier: Radios[int] = self.add("Tier", Radios(TIERS, tier or 2), "The policy asks different things of them.")
        self.materiality: Choice[str] = Choice(LEVELS)
        self.risk: Choice[str] = Choice(LEVELS)
        self.form.addWidget(beside(labelled("Materiality", self.materiality), labelled("Inherent risk", self.risk)))
        self.reason: GrowingText = self.add("Reason", GrowingText())

    def run(self) -> None:
        """Record the tier."""
        use, tier, reason = self._use, self.tier.value, required(self.reason.toPlainText(), "The reason")
        materiality, risk = self.materiality.value or "", self.risk.value or ""

        def work(ws: Workspace) -> Any:
            from desktop_app.operations import models

            return models.set_tier(ws, use, tier, materiality=materiality, inherent_risk=risk, reason=reason)

        self.start(lambda ws, progress: work(ws), "setting the tier")


class StateUse(TaskDialog):
    """What is really done with a version, apart from what was decided."""

    def __init__(self, jobs: Jobs, version: Id, use: Use, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "State what is in use", action="State", parent=parent,
                         lead=f"For {use.purpose}. This says what is, not what is allowed.")
        self._version, self._use = version, use.id
        states = [(state, state.value.replace("_", " ")) for state in UseState]
        self.state: Radios[UseState] = self.add("State", Radios(states, UseState.IN_USE))
        self.since: DayField = self.add("Since", DayField(), "Empty: today.")
        self.note: QLineEdit = self.add("Note", QLineEdit(), "How you know.")

    def run(self) -> None:
        """Record it."""
        version, use, state, since = self._version, self._use, self.state.value, self.since.day()
        note = self.note.text().strip()

        def work(ws: Workspace) -> Any:
            from desktop_app.operations import models

            return models.state_use(ws, version, use, state, since=since, note=note)

        self.start(lambda ws, progress: work(ws), "stating what is in use")
