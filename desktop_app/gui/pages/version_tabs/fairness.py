"""Fairness: the verdicts first, in sentences; then every group with its number, its interval and the picture of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import day_text
from desktop_app.domain.evidence import Evidence, EvidenceKind, FairnessSpec, GroupRow
from desktop_app.domain.words import counted
from desktop_app.gui.pages.version_tabs.evidence_tab import EvidenceTab, criterion_words
from desktop_app.gui.pages.version_tabs.measures import measure_words, number_words, row_chip, row_picture
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import button, say, section
from desktop_app.gui.record_table import Column

if TYPE_CHECKING:
    from PySide6.QtWidgets import QPushButton

    from desktop_app.gui.pages.version_tabs.measures import Marks

DISCLAIMER = "Meeting a criterion is not a legal conclusion."


class FairnessTab(EvidenceTab):
    """See the module."""

    title, letter, evidence_kind = "Fairness", "F", EvidenceKind.FAIRNESS
    none_title = "No bias report yet"
    none_detail = ("A bias report compares how groups fare, on a table with the model's decisions and the sensitive "
                   "columns. Its thresholds are recorded before it is computed.")

    def offers(self, item: Evidence | None) -> list[QPushButton]:
        """A new report; with one, make it again or withdraw it."""
        new = button("New bias report…", self.new_report, primary=item is None)
        return [new] if item is None else [
            button("Re-perform…", lambda: self.reperform(item)), self.withdraw_button(item), new]

    def new_report(self) -> None:
        """Compute a bias report on a table."""
        from desktop_app.gui.dialogs.bias_report import NewBiasReport

        assert self.loaded is not None
        dialog = NewBiasReport(self.jobs, self.loaded.version, parent=self)
        dialog.succeeded.connect(lambda result: self.refresh())
        dialog.show()

    def pictures(self, item: Evidence) -> Marks:
        """The picture of each group's interval, and its verdict."""
        from desktop_app.operations import evidence

        return evidence.group_marks(item)

    def show_report(self, item: Recorded[Evidence], pictures: Marks) -> None:
        """Verdicts, what was asked, the groups, differences, notes, what was not tested, how it was made."""
        evidence, column = item.record, self.column
        result, spec = evidence.fairness, evidence.fairness_spec
        assert result is not None
        assert spec is not None
        self.show_verdicts(evidence)
        say(column, DISCLAIMER, "muted")
        self.show_notes(result.notes)
        section(column, "Groups", _asked(spec, day_text(item.at.date())))
        column.addWidget(_groups_table(evidence, pictures))
        section(column, "Differences", "The largest gaps between groups, as fairlearn defines them.")
        column.addWidget(ShortTable([
            Column(key="name", title="Difference", text=lambda m: m.name.replace("_", " "), width=360, stretch=2),
            Column(key="value", title="Value", text=lambda m: measure_words(m.measure)[0], align="right", width=90),
            Column(key="interval", title="95 % interval", text=lambda m: measure_words(m.measure)[1], width=180,
                   stretch=1, muted=True),
        ], result.differences, name="Differences between groups"))
        if result.not_tested:
            section(column, "Not tested")
        for line in result.not_tested:
            say(column, f"– {line}", "muted")
        section(column, "How it was made")
        self.how_made(evidence, column)


def _asked(spec: FairnessSpec, on: str) -> str:
    """What was asked, in one or two sentences."""
    good, share = ("good", "selected") if spec.favourable else ("bad", "not selected")
    said = (f"Selected is {spec.decision} = {spec.positive}, which is {good} for the person. The ratio is of the share "
            f"{share}, to that of the named reference group or else of the best one. Groups under "
            f"{counted(spec.minimum_group, 'row')} are not judged.")
    if spec.label is not None:
        said += f" Error rates hold it against {spec.label} = {spec.label_event}."
    return said + "".join(f" Criterion {criterion_words(c, on)}" for c in spec.criteria[:1] if c.threshold is not None)


def _groups_table(item: Evidence, marks: Marks) -> ShortTable[GroupRow]:
    result, spec = item.fairness, item.fairness_spec
    assert result is not None
    assert spec is not None
    thresholds = {v.criterion.threshold for v in item.verdicts if v.criterion.metric == "impact_ratio"} - {None}
    title = f"dotted {number_words(next(iter(thresholds)))}" if len(thresholds) == 1 else ""
    return ShortTable([
        Column(key="attribute", title="Attribute", text=lambda r: r.attribute, width=100, muted=True),
        Column(key="group", title="Group", text=lambda r: r.group, width=170, stretch=1),
        Column(key="n", title="n", text=lambda r: f"{r.n:,}", align="right", width=80, sort=lambda r: r.n),
        Column(key="rate", title="Selected", text=lambda r: _rate(r)[0], align="right", width=76),
        Column(key="rate_interval", title="Interval of selected", text=lambda r: _rate(r)[1], width=124, muted=True,
               hidden=True),
        Column(key="ratio", title="Ratio" if spec.favourable else "Ratio, not selected",
               text=lambda r: "ref." if r.state == "reference" else _ratio(r)[0], width=64 if spec.favourable else 140,
               align="right", sort=lambda r: float(r.ratio.value) if r.ratio.value is not None else None),
        Column(key="interval", title="95 % interval", text=lambda r: "" if r.state == "reference" else _ratio(r)[1],
               width=120, muted=True),
        Column(key="picture", title=title, text=lambda r: "", width=226,
               figure=lambda r: row_picture(r, marks)),
        Column(key="criterion", title="Criterion", text=lambda r: "reference" if r.state == "reference" else "",
               chip=lambda r: row_chip(r, marks), width=130, muted=True),
    ], result.groups, name="Groups compared", most=40)


def _rate(row: GroupRow) -> tuple[str, str]:
    found: Any = next((m.measure for m in row.rates if m.name == "selection_rate"), None)
    return measure_words(found) if found else ("–", "")


def _ratio(row: GroupRow) -> tuple[str, str]:
    return measure_words(row.ratio) if row.ratio.value is not None else ("–", "")


