"""A new performance report: discrimination and calibration of a score, rates of a decision, on a table."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QCheckBox, QWidget

from desktop_app.domain.canonical import Id, number
from desktop_app.domain.evidence import Criterion, EvidenceKind, PerformanceSpec
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import Choice, beside
from desktop_app.gui.dialogs.on_table import TableDialog
from desktop_app.gui.dialogs.resting import RestingNotice
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.widgets.fields import decimal_field, labelled
from desktop_app.progress import Progress


class NewPerformance(TableDialog):
    """See the module."""

    def __init__(self, jobs: Jobs, version: Id, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "New performance report", action="Compute", parent=parent,
                         lead="On a table the model was not trained on. The threshold is recorded before the run.")
        self._version = version
        RestingNotice(self).ask(version, EvidenceKind.PERFORMANCE, title="Performance")
        self.label: Choice[str] = Choice()
        self.positive: Choice[str] = Choice()
        self.form.addWidget(beside(labelled("Column with what really happened", self.label),
                                   labelled("Value that is the event", self.positive)))
        self.score: Choice[str] = Choice()
        self.decision: Choice[str] = Choice()
        self.form.addWidget(beside(labelled("Column with the score", self.score, "Higher: the event is more likely."),
                                   labelled("Column with the decision", self.decision)))
        self.judged = QCheckBox("Judge the AUC")
        self.judged.setChecked(True)
        self.least = decimal_field(0.70, 0.5, 1.0, 0.01, digits=3)
        self.judged.toggled.connect(self.least.setEnabled)
        self.form.addWidget(beside(labelled("Criterion", self.judged), labelled("AUC at least", self.least)))
        self.add_period()
        self.form.addStretch(1)
        self.label.currentIndexChanged.connect(lambda index: self._label_changed())

    def offer(self, preview: Any) -> None:
        """Offer its columns."""
        self.label.offer([("", "choose one"), *self.columns()])
        for choice, none in ((self.score, "no score"), (self.decision, "no decision")):
            choice.offer([("", none), *self.columns()])
        names = {c.name.lower(): c.name for c in preview.columns}
        self.score.choose(next((names[n] for n in ("score", "probability", "p", "pd") if n in names), ""))
        usual = ("label", "target", "actual", "y_true", "default")
        self.label.choose(next((names[n] for n in usual if n in names), ""))
        self._label_changed()

    def _label_changed(self) -> None:
        self.positive.offer(self.values(self.label.value))
        if "1" in [value for value, _ in self.values(self.label.value)]:
            self.positive.choose("1")

    def run(self) -> None:
        """Record the question, compute, file."""
        version, table, spec, period = self._version, self.table(), self.spec(), (self.begin.day(), self.end.day())

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import evidence

            made = evidence.report(ws, version, table, spec, period=period, progress=progress)
            return written(ws, made, about=version)

        self.start(work, "performance report", lane=Lane.COMPUTE)

    def spec(self) -> PerformanceSpec:
        """What is asked. Raises UserError where something is missing."""
        if not self.label.value or self.positive.value is None:
            raise UserError("What really happened is not chosen.", "", "Choose its column and the event.")
        if not self.score.value and not self.decision.value:
            raise UserError("There is nothing to measure.", "", "Choose the column of the score or of the decision.")
        judged = self.judged.isChecked() and bool(self.score.value)
        criteria = (Criterion(metric="auc", attribute="", threshold=number(round(self.least.value(), 4)),
                              direction="at_least"),) if judged else ()
        return PerformanceSpec(label=self.label.value, positive=self.positive.value, score=self.score.value or None,
                               decision=self.decision.value or None, criteria=criteria)
