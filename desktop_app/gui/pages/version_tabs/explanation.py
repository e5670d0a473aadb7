"""Explanation: what drives the model on the whole, and what drove it for one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_app.domain.audit import Recorded
from desktop_app.domain.evidence import Evidence, EvidenceKind
from desktop_app.domain.figure import Figure
from desktop_app.domain.model import DigestOf
from desktop_app.gui.pages.version_tabs.evidence_tab import EvidenceTab
from desktop_app.gui.pages.version_tabs.measures import number_words
from desktop_app.gui.pages.version_tabs.tab import button, say, section
from desktop_app.gui.widgets.figure_view import FigureView
from desktop_app.gui.widgets.label import tip

if TYPE_CHECKING:
    from PySide6.QtWidgets import QPushButton


class ExplanationTab(EvidenceTab):
    """See the module."""

    title, letter, evidence_kind = "Explanation", "E", EvidenceKind.EXPLANATION
    none_title = "No explanation yet"

    @property
    def none_detail(self) -> str:  # type: ignore[override]
        """What an explanation takes, and what is in its way."""
        said = ("SHAP values of the version's own artefact, computed apart from this program, on rows of a table you "
                "choose. Formats that hold data only are opened: skops, ONNX, XGBoost, LightGBM.")
        scan = self._scan()
        if scan is not None and scan.scan is not None and not scan.scan.loadable:
            return f"The artefact of this version is not opened: {scan.scan.reason}"
        if self.loaded is not None and self.loaded.view.artefact.of is not DigestOf.ARTEFACT:
            return f"{said} The artefact has not been read yet: do that first, on the Overview tab."
        return said

    def _scan(self) -> Evidence | None:
        found = self.loaded.view.evidence if self.loaded else ()
        return next((e.record for e in reversed(found) if e.record.evidence_kind is EvidenceKind.ARTEFACT_SCAN), None)

    def offers(self, item: Evidence | None) -> list[QPushButton]:
        """A new one, or withdraw this one."""
        new = button("New explanation…", self.new_report, primary=item is None)
        scan = self._scan()
        if scan is not None and scan.scan is not None and not scan.scan.loadable:
            new.setEnabled(False)
            new.setToolTip(tip(scan.scan.reason))
        return [new] if item is None else [self.withdraw_button(item), new]

    def new_report(self) -> None:
        """Compute an explanation."""
        from desktop_app.gui.dialogs.explanation import NewExplanation

        assert self.loaded is not None
        dialog = NewExplanation(self.jobs, self.loaded.version, parent=self)
        dialog.succeeded.connect(lambda result: self.refresh())
        dialog.show()

    def pictures(self, item: Evidence) -> tuple[Figure, ...]:
        """The importances and the waterfall."""
        from desktop_app.operations import evidence

        return evidence.charts(item)

    def show_report(self, item: Recorded[Evidence], pictures: tuple[Figure, ...]) -> None:
        """Both charts, how exact they are, how the model was kept apart, notes, how it was made."""
        result, column = item.record.explanation, self.column
        assert result is not None
        importance, waterfall = pictures
        section(column, "What drives it", f"Mean absolute contribution to the output ({result.output}), "
                f"{result.explainer} explainer.")
        column.addWidget(FigureView(importance))
        local = result.local
        section(column, f"One record: row {local.row + 1:,} of the table, counted from 1",
                f"From the base {number_words(local.base, 3)} to the output {number_words(local.output, 3)}, "
                "contribution by contribution.")
        column.addWidget(FigureView(waterfall))
        section(column, "How exact it is")
        say(column, f"Base and contributions differ from the output by at most "
            f"{number_words(result.additivity_residual, 6)} over the explained rows.")
        say(column, result.isolation, "muted")
        for note in result.notes:
            say(column, f"– {note}")
        section(column, "How it was made")
        self.how_made(item.record, column)
