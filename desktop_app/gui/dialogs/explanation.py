"""A new explanation: which rows of a table, against which background, and the one record to explain."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QSpinBox, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.domain.evidence import ExplanationSpec
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import Ticks, beside
from desktop_app.gui.dialogs.on_table import TableDialog
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.widgets.fields import labelled
from desktop_app.progress import Progress


class NewExplanation(TableDialog):
    """See the module."""

    def __init__(self, jobs: Jobs, version: Id, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "New explanation", action="Compute", parent=parent,
                         lead="SHAP values of the version's own artefact, computed in a process apart from this one. "
                              "Pickles are refused: opening one runs whatever is in it.")
        self._version = version
        self.features = Ticks()
        self.form.addWidget(labelled("Feature columns, in the order the model takes them", self.features))
        self.rows, self.background = _number(2, 20_000, 500), _number(1, 1_000, 100)
        self.row, self.seed = _number(1, 1, 1), _number(0, 2_000_000_000, 1)
        self.form.addWidget(beside(labelled("Rows explained", self.rows), labelled("Background rows", self.background)))
        self.form.addWidget(beside(labelled("Record to explain, by its row", self.row),
                                   labelled("Seed", self.seed, "The same seed draws the same rows.")))
        self.form.addStretch(1)

    def offer(self, preview: Any) -> None:
        """Offer its columns; numeric ones are ticked."""
        self.features.offer([c.name for c in preview.columns], {c.name: c.type for c in preview.columns})
        self.features.tick(*[c.name for c in preview.columns if c.type in ("number", "yes/no")])
        self.row.setMaximum(preview.input.rows)
        self.rows.setMaximum(min(20_000, preview.input.rows))

    def run(self) -> None:
        """Record the question, compute apart, file."""
        if not self.features.value:
            raise UserError("No feature is chosen.", "", "Tick the columns the model takes.")
        version, table = self._version, self.table()
        spec = ExplanationSpec(features=self.features.value, rows=self.rows.value(), background=self.background.value(),
                               row=self.row.value() - 1, seed=self.seed.value())

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import evidence

            return written(ws, evidence.explanation(ws, version, table, spec, progress=progress), about=version)

        self.start(work, "explanation", lane=Lane.COMPUTE)


def _number(least: int, most: int, value: int) -> QSpinBox:
    field = QSpinBox()
    field.setRange(least, most)
    field.setValue(value)
    field.setGroupSeparatorShown(True)
    return field
