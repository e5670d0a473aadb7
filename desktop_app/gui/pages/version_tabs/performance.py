"""Performance: the verdicts first, in sentences; then every measure with its interval, and on what it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import day_text
from desktop_app.domain.evidence import Evidence, EvidenceKind, NamedMeasure, PerformanceSpec
from desktop_app.gui.pages.version_tabs.evidence_tab import EvidenceTab, criterion_words
from desktop_app.gui.pages.version_tabs.measures import measure_words
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import button, section
from desktop_app.gui.record_table import Column

if TYPE_CHECKING:
    from PySide6.QtWidgets import QPushButton

NAMES = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier score", "selection_rate": "Share selected"}


class PerformanceTab(EvidenceTab):
    """See the module."""

    title, letter, evidence_kind = "Performance", "P", EvidenceKind.PERFORMANCE
    none_title = "No performance report yet"
    none_detail = ("A performance report measures a score or a decision against what really happened, on a table the "
                   "model was not trained on. Its threshold is recorded before it is computed.")

    def offers(self, item: Evidence | None) -> list[QPushButton]:
        """A new report; with one, make it again or withdraw it."""
        new = button("New performance report…", self.new_report, primary=item is None)
        return [new] if item is None else [
            button("Re-perform…", lambda: self.reperform(item)), self.withdraw_button(item), new]

    def new_report(self) -> None:
        """Compute a performance report on a table."""
        from desktop_app.gui.dialogs.performance import NewPerformance

        assert self.loaded is not None
        dialog = NewPerformance(self.jobs, self.loaded.version, parent=self)
        dialog.succeeded.connect(lambda result: self.refresh())
        dialog.show()

    def show_report(self, item: Recorded[Evidence], pictures: Any) -> None:
        """Verdicts, notes, what was asked, the measures, how it was made."""
        evidence, column = item.record, self.column
        result, spec = evidence.performance, evidence.performance_spec
        assert result is not None
        assert spec is not None
        self.show_verdicts(evidence)
        self.show_notes(result.notes)
        section(column, "Measures", _asked(spec, day_text(item.at.date())))
        column.addWidget(_measures(evidence, result.measures))
        section(column, "How it was made")
        self.how_made(evidence, column)


def _asked(spec: PerformanceSpec, on: str) -> str:
    columns = [f"the {what} “{name}”" for what, name in (("score", spec.score), ("decision", spec.decision)) if name]
    said = f"Of {' and '.join(columns)}, where {spec.label} = {spec.positive} is the event."
    return said + "".join(f" Criterion: {NAMES.get(c.metric, c.metric)} {criterion_words(c, on)}" for c in spec.criteria
                          if c.threshold is not None)


def _measures(item: Evidence, measures: tuple[NamedMeasure, ...]) -> ShortTable[NamedMeasure]:
    came_to = {v.criterion.metric: v.verdict.value for v in item.verdicts}
    return ShortTable([
        Column(key="name", title="Measure", width=200, stretch=1,
               text=lambda m: NAMES.get(m.name, m.name.replace("_", " ").capitalize())),
        Column(key="value", title="Value", text=lambda m: measure_words(m.measure)[0], align="right", width=90),
        Column(key="interval", title="95 % interval", text=lambda m: measure_words(m.measure)[1], muted=True, width=180,
               stretch=1),
        Column(key="method", title="How", text=lambda m: m.measure.method, muted=True, width=260, stretch=1),
        Column(key="criterion", title="Criterion", text=lambda m: "", width=130,
               chip=lambda m: (came_to[m.name], came_to[m.name].replace("_", " ")) if m.name in came_to else None),
    ], measures, name="Performance measures", most=12)
