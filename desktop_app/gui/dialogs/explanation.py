"""A new explanation: which rows of a table, against which background, and the one record to explain.

The columns ticked are those that the model itself names as its features.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from desktop_app.domain.canonical import Id
from desktop_app.domain.evidence import EvidenceKind, ExplanationSpec
from desktop_app.domain.words import counted
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Ticks, beside
from desktop_app.gui.dialogs.on_table import TableDialog
from desktop_app.gui.dialogs.resting import RestingNotice
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.widgets.fields import labelled, number_field
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.operations.artefacts import ModelFeatures


class NewExplanation(TableDialog):
    """See the module."""

    def __init__(self, jobs: Jobs, version: Id, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "New explanation", action="Compute", parent=parent,
                         lead="SHAP values of the version's own artefact, computed in a process apart from this one. "
                              "Pickles are refused: opening one runs whatever is in it.")
        self._version = version
        RestingNotice(self).ask(version, EvidenceKind.EXPLANATION, title="Explanation")
        self.rows, self.background = number_field(500, 2, 20_000), number_field(100, 1, 1_000)
        self.row, self.seed = number_field(1, 1, 1), number_field(1, 0, 2_000_000_000)
        for field in (self.rows, self.background, self.row, self.seed):
            field.setGroupSeparatorShown(True)
        self.note = paragraph("", "undetermined")
        self.note.hide()
        self.form.addWidget(self.note)
        self.form.addWidget(beside(
            labelled("Rows explained", self.rows, "Drawn from the table; the others are left out."),
            labelled("Background rows", self.background, "Drawn too: what each row is compared with.")))
        self.form.addWidget(beside(
            labelled("Record to explain, by its row", self.row, "The first row below the names is 1."),
            labelled("Seed", self.seed, "The same seed draws the same rows.")))
        self.features = Ticks()
        self.form.addWidget(labelled("Feature columns", self.features))
        self.form.addStretch(1)

    def offer(self, preview: Any) -> None:
        """Offer its columns, and ask the model which of them it takes; until it answers nothing can be computed."""
        version, columns = self._version, tuple(c.name for c in preview.columns)
        self.features.offer(columns, {c.name: c.type for c in preview.columns})
        self.features.tick()
        self.row.setMaximum(preview.input.rows)
        self.rows.setMaximum(min(20_000, preview.input.rows))
        for field in (self.rows, self.background, self.row):
            field.setSuffix(f" of {preview.input.rows:,}")
        self.primary.setEnabled(False)
        self._say("Asking the model which columns it takes…", "muted")

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import artefacts

            return artefacts.model_features(ws, version, columns, progress)

        self.jobs.run(self, work, then=self._tick, failed=self._not_known, lane=Lane.COMPUTE, key="features",
                      title="features of the model")

    def _tick(self, found: ModelFeatures) -> None:
        """Tick exactly what the model takes; say what the table lacks of it."""
        self.primary.setEnabled(not self.running)
        if found.missing:
            self._say(f"The model takes {counted(len(found.missing), 'feature')} that this table does not have: "
                      f"{', '.join(found.missing)}. It can be explained only on a table that has them all.")
        elif found.columns:
            self._say(f"The {counted(len(found.columns), 'feature')} that the model names are ticked.", "muted")
        if found.columns or found.missing:
            self.features.tick(*found.columns)
        else:
            self._tick_numbers("The model does not name its features.")

    def _not_known(self, error: Exception) -> None:
        self.primary.setEnabled(not self.running)
        self._tick_numbers(" ".join(part for part in (error.title, error.remedy) if part)
                           if isinstance(error, UserError) else "The model could not be asked for its features.")

    def _tick_numbers(self, why: str) -> None:
        self.features.tick(*[c.name for c in self.preview.columns if c.type in ("number", "yes/no")])
        self._say(f"{why} Every column of numbers is ticked: untick what the model does not take, such as the outcome.")

    def _say(self, text: str, tone: str = "undetermined") -> None:
        self.note.setText(text)
        theme.dress(self.note, tone)
        self.note.show()

    def run(self) -> None:
        """Record the question, compute apart, file."""
        if not self.features.value:
            raise UserError("No feature is chosen.", "", "Tick the columns the model takes.")
        version, table = self._version, self.table()
        assert isinstance(table, Path)  # `databases` is not set
        spec = ExplanationSpec(features=self.features.value, rows=self.rows.value(), background=self.background.value(),
                               row=self.row.value() - 1, seed=self.seed.value())

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import evidence

            return written(ws, evidence.explanation(ws, version, table, spec, progress=progress), about=version)

        self.start(work, "explanation", lane=Lane.COMPUTE)

