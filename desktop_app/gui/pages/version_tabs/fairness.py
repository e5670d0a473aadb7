"""Fairness: the verdicts first, in sentences; then every group with its number, its interval and the picture of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import day_text
from desktop_app.domain.evidence import JOIN, Evidence, EvidenceKind, FairnessResult, FairnessSpec, GroupRow, Measure
from desktop_app.domain.words import counted
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice
from desktop_app.gui.jobs import Lane, Workspace
from desktop_app.gui.pages.filter_button import FilterButton
from desktop_app.gui.pages.version_tabs.evidence_tab import EvidenceTab, criterion_words
from desktop_app.gui.pages.version_tabs.measures import measure_words, number_words, row_chip, row_picture
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import button, say, section
from desktop_app.gui.record_table import Column
from desktop_app.gui.widgets.column import beside
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.figure_view import FigureView

if TYPE_CHECKING:
    from PySide6.QtWidgets import QPushButton

    from desktop_app.domain.change import Change
    from desktop_app.domain.figure import Figure
    from desktop_app.gui.pages.version import VersionPage
    from desktop_app.gui.pages.version_tabs.measures import Marks

    Pictures = tuple[Marks, tuple[Figure, ...], tuple[Figure, ...], tuple[str, ...]]

T = TypeVar("T")
DISCLAIMER = "Meeting a criterion is not a legal conclusion."


class FairnessTab(EvidenceTab):
    """See the module."""

    title, letter, evidence_kind = "Fairness", "F", EvidenceKind.FAIRNESS
    none_title = "No bias report yet"
    none_detail = ("A bias report compares how groups fare, on a table with the model's decisions and the sensitive "
                   "columns. Its thresholds are recorded before it is computed.")

    def __init__(self, page: VersionPage) -> None:
        super().__init__(page)
        self._attribute = ""  # the one that is shown; "" for all

    def offers(self, item: Evidence | None) -> list[QPushButton]:
        """A new report; with one, make it again or withdraw it."""
        new = button("New bias report…", self.new_report, primary=item is None)
        if item is None:
            return [new]
        counts = item.fairness_spec is not None and item.fairness_spec.prediction is None  # a number selects nobody
        export = [button("Export groups…", lambda: self.ask_export(item))] if counts else []
        return [button("Re-perform…", lambda: self.reperform(item)), *export, self.withdraw_button(item), new]

    def ask_export(self, item: Evidence) -> None:
        """Where the groups are written, for handing on."""
        from PySide6.QtWidgets import QFileDialog

        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export the groups, without small counts", "groups.csv", "CSV (*.csv)")
        if chosen:
            self.export_to(item, Path(chosen))

    def export_to(self, item: Evidence, target: Path) -> None:
        """Write the groups to a file in a job; what was left out is said, and the export is an entry."""
        from desktop_app.gui.dialogs.task import NoteDialog

        def work(ws: Workspace) -> tuple[Change, int]:
            from desktop_app.operations import evidence

            return evidence.export_groups(ws, item.id, target)

        def done(found: tuple[Change, int]) -> None:
            said = f"{counted(found[1], 'count')} left out: small ones, and others that would tell them." if found[1] \
                else "No count was left out."
            NoteDialog(self.jobs, "The groups are written.", f"{target}\n\n{said}", self).open()

        self.jobs.run(self, lambda ws, progress: work(ws), then=done, lane=Lane.WRITE, title="export of groups")

    def new_report(self) -> None:
        """Compute a bias report on a table."""
        from desktop_app.gui.dialogs.bias_report import NewBiasReport

        assert self.loaded is not None
        dialog = NewBiasReport(self.jobs, self.loaded.version, parent=self)
        dialog.succeeded.connect(lambda result: self.refresh())
        dialog.show()

    def pictures(self, item: Evidence) -> Pictures:
        """The picture of each group's interval and its verdict; pictures of scores and over time; what other cut-offs
        would do.
        """
        from desktop_app.operations import evidence

        rows = item.fairness.groups if item.fairness else ()
        if self._attribute not in {row.attribute for row in rows}:
            self._attribute = ""
        said = evidence.alternatives(item.fairness_spec, item.fairness, self._attribute) \
            if item.fairness_spec and item.fairness else ()
        return (evidence.group_marks(item), evidence.score_charts(item, self._attribute),
                evidence.charts_over_time(item, self._attribute), said)

    def show_report(self, item: Recorded[Evidence], pictures: Pictures) -> None:
        """Verdicts, what was asked, the groups, differences, notes, what was not tested, how it was made."""
        evidence, column = item.record, self.column
        marks, charts, over_time, alternatives = pictures
        result, spec = evidence.fairness, evidence.fairness_spec
        assert result is not None
        assert spec is not None
        self.show_verdicts(evidence)
        say(column, DISCLAIMER, "muted")
        if spec.preset_words:
            say(column, spec.preset_words)
        self.show_notes(result.notes)
        section(column, "Groups", _asked(spec, day_text(item.at.date())))
        self._show_choice(result)
        result = self._only(result)
        if spec.prediction is None:
            groups = _groups_table(replace(evidence, fairness=result), marks)
            groups.opened.connect(lambda row: self.show_attribute(row.attribute))
            column.addWidget(groups)
        if spec.metrics or spec.prediction is not None:
            self._show_measures(result)
        self._show_scores(charts, alternatives)
        self._show_cut_offs(result)
        if over_time:
            section(column, "Over time", "The share of each group in each period; periods of few rows are left out.")
        for chart in over_time:
            column.addWidget(FigureView(chart))
        self._show_strata(result)
        self._show_slices(result)
        self._show_changes(result)
        section(column, "Differences", "The largest gaps between groups; what fairlearn has too is as it defines it."
                if spec.prediction is None else f"The largest gaps between groups, in the units of {spec.label}.")
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

    # --- what is shown

    def _show_choice(self, result: FairnessResult) -> None:
        """Which attribute is shown in every table and picture; Enter on a group chooses its own."""
        attributes = list(dict.fromkeys(row.attribute for row in result.groups))
        if len(attributes) < 2:
            return
        which: FilterButton[str] = FilterButton("Show", [("", "All attributes"), *((a, a) for a in attributes)])
        which.show_value(self._attribute)
        which.changed.connect(lambda: self.show_attribute(which.value or ""))
        self.column.addWidget(beside(which))

    def show_attribute(self, attribute: str) -> None:
        """Show the groups of one attribute only, or of all."""
        if attribute != self._attribute:
            self._attribute = attribute
            self._fill()

    def _only(self, result: FairnessResult) -> FairnessResult:
        """The part of a report that is of the attribute shown."""
        if not self._attribute:
            return result

        def of(items: tuple[T, ...]) -> tuple[T, ...]:
            return tuple(item for item in items if getattr(item, "attribute", "") == self._attribute)

        return replace(
            result, slices=tuple(s for s in result.slices if self._attribute in s.attribute.split(JOIN)),
            groups=of(result.groups), strata=of(result.strata), adjusted=of(result.adjusted),
            changes=of(result.changes), frontier=of(result.frontier), group_cut_offs=of(result.group_cut_offs),
            differences=tuple(d for d in result.differences if d.name.endswith(f" {self._attribute}")))

    def _show_measures(self, result: FairnessResult) -> None:
        """Any measure of every group, one at a time, with its interval and how that was made."""
        names = list(dict.fromkeys(m.name for row in result.groups for m in row.rates))
        which: Choice[str] = Choice([(name, measure_title(name)) for name in names])
        which.setMaximumWidth(theme.px(320))
        table = _measures_table()

        def show() -> None:
            table.set_records(_measured(result, which.value or names[0]))

        first = ("true_positive_rate", "mean_score", "mean_prediction")
        which.choose(next((n for n in first if n in names), names[0]))
        which.currentIndexChanged.connect(lambda index: show())
        section(self.column, "Every measure")
        self.column.addWidget(labelled("Measure", which))
        self.column.addWidget(table)
        show()

    def _show_scores(self, charts: tuple[Figure, ...], alternatives: tuple[str, ...]) -> None:
        if charts:
            section(self.column, "Cut-offs and calibration", "How shares move with the cut-off, and whether a score "
                    "means the same in each group. On the dashed diagonal it means what it says.")
        for chart in charts:
            self.column.addWidget(FigureView(chart))
        if alternatives:
            section(self.column, "What could be done", "Other cut-offs. What another model could do is not told by "
                    "this.")
        for sentence in alternatives:
            say(self.column, sentence)

    def _show_cut_offs(self, result: FairnessResult) -> None:
        found = [c for c in result.group_cut_offs if c.cut_offs]
        if found:
            self.column.addWidget(ShortTable([
                Column(key="attribute", title="Attribute", text=lambda c: c.attribute, width=110, muted=True),
                Column(key="gap", title="Gap of at most", text=lambda c: number_words(c.permitted), align="right",
                       width=110),
                Column(key="accuracy", title="Accuracy", text=lambda c: number_words(c.accuracy, 3), align="right",
                       width=90),
                Column(key="cut_offs", title="Cut-offs of the groups", text=lambda c: "; ".join(
                    own.words for own in c.cut_offs), width=420, stretch=1),
            ], found, name="Cut-offs of their own for groups", most=40))

    def _show_strata(self, result: FairnessResult) -> None:
        if not result.adjusted:
            return
        section(self.column, "Within strata", "Each group against all others known, over the strata: the "
                "Mantel–Haenszel difference of shares selected and the Cochran–Mantel–Haenszel test, by Holm.")
        self.column.addWidget(ShortTable([
            Column(key="attribute", title="Attribute", text=lambda a: a.attribute, width=110, muted=True),
            Column(key="group", title="Group", text=lambda a: a.group, width=170, stretch=1),
            Column(key="value", title="Difference", text=lambda a: measure_words(a.difference)[0], align="right",
                   width=96),
            Column(key="interval", title="95 % interval", text=lambda a: measure_words(a.difference)[1], width=150,
                   muted=True),
            Column(key="p", title="p", text=lambda a: number_words(a.p_raw, 4), align="right", width=80),
            Column(key="adjusted", title="p, adjusted", text=lambda a: number_words(a.p_adjusted, 4), align="right",
                   width=96),
        ], result.adjusted, name="Differences within strata", most=40))

    def _show_slices(self, result: FairnessResult) -> None:
        if not result.slices:
            return
        section(self.column, "Intersections that were not named", f"Exploration, without a verdict: of "
                f"{result.sliced:,} that were looked at, those whose share selected is most clearly unlike that of all "
                "others. Adjusted by Benjamini and Hochberg.")
        self.column.addWidget(ShortTable([
            Column(key="attribute", title="Attributes", text=lambda s: s.attribute, width=150, muted=True),
            Column(key="group", title="Group", text=lambda s: s.group, width=190, stretch=1),
            Column(key="n", title="n", text=lambda s: f"{s.n:,}", align="right", width=80, sort=lambda s: s.n),
            Column(key="value", title="Difference", text=lambda s: measure_words(s.difference)[0], align="right",
                   width=96, sort=lambda s: float(s.difference.value or 0)),
            Column(key="interval", title="95 % interval", text=lambda s: measure_words(s.difference)[1], width=150,
                   muted=True),
            Column(key="p", title="p", text=lambda s: number_words(s.p_raw, 4), align="right", width=80),
            Column(key="adjusted", title="p, adjusted", text=lambda s: number_words(s.p_adjusted, 4), align="right",
                   width=96),
        ], result.slices, name="Intersections that were not named"))

    def _show_changes(self, result: FairnessResult) -> None:
        if not result.changes:
            return
        section(self.column, "Against the version before", "Gaps between groups on the same rows: before, now, and by "
                "how much each grew, with a paired interval.")
        self.column.addWidget(ShortTable([
            Column(key="attribute", title="Attribute", text=lambda c: c.attribute, width=110, muted=True),
            Column(key="between", title="Gap between", text=lambda c: f"{c.group} and {c.other}", width=190, stretch=1),
            Column(key="rate", title="Rate", text=lambda c: c.rate.replace("_", " "), width=150, muted=True),
            Column(key="before", title="Before", text=lambda c: number_words(c.before, 3), align="right", width=76),
            Column(key="now", title="Now", text=lambda c: number_words(c.now, 3), align="right", width=76),
            Column(key="change", title="Change", text=lambda c: measure_words(c.change)[0], align="right", width=84,
                   sort=lambda c: float(c.change.value or 0)),
            Column(key="interval", title="95 % interval", text=lambda c: measure_words(c.change)[1], width=150,
                   muted=True),
        ], result.changes, name="Gaps against the version before", most=40))


def measure_title(name: str) -> str:
    """A measure for people."""
    return _TITLES.get(name) or name.replace("_", " ").capitalize()


_TITLES = {"auc": "AUC", "precision": "Precision (positive predictive value)",
           "true_positive_rate": "True positive rate (found of those with the event)",
           "false_positive_rate": "False positive rate (selected of those without it)",
           "false_negative_rate": "False negative rate (missed of those with it)",
           "selection_rate": "Share selected", "r_squared": "R²"}


def _measured(result: FairnessResult, name: str) -> list[tuple[str, str, int, Measure]]:
    found = [("", "all rows", result.rows, m.measure) for m in result.overall if m.name == name]
    return found + [(row.attribute, row.group, row.n, m.measure) for row in result.groups for m in row.rates
                    if m.name == name]


def _measures_table() -> ShortTable[tuple[str, str, int, Measure]]:
    return ShortTable([
        Column(key="attribute", title="Attribute", text=lambda r: r[0], width=110, muted=True),
        Column(key="group", title="Group", text=lambda r: r[1], width=170, stretch=1),
        Column(key="n", title="n", text=lambda r: f"{r[2]:,}", align="right", width=80, sort=lambda r: r[2]),
        Column(key="value", title="Value", text=lambda r: measure_words(r[3])[0], align="right", width=90,
               sort=lambda r: float(r[3].value) if r[3].value is not None else None),
        Column(key="interval", title="95 % interval", text=lambda r: measure_words(r[3])[1], width=190, muted=True),
        Column(key="method", title="How", text=lambda r: r[3].method, width=240, muted=True, stretch=1),
    ], name="Every measure by group", most=40)


def _selected(spec: FairnessSpec) -> str:
    if spec.score is None:
        return f"{spec.decision} = {' or '.join((spec.positive, *spec.also_positive))}"
    cut = "strictly above its median" if spec.cut else f"≥ {number_words(spec.threshold, 3)}"
    return f"{spec.score} {cut}"


def _asked(spec: FairnessSpec, on: str) -> str:
    """What was asked, in one or two sentences."""
    if spec.prediction is not None:
        return (f"{spec.prediction} is held against {spec.label}. Errors are {spec.prediction} less {spec.label}. "
                f"Groups under {counted(spec.minimum_group, 'row')} are not judged." + "".join(
                    f" Criterion {criterion_words(c, on)}" for c in spec.criteria[:1] if c.threshold is not None))
    good, share = ("good", "selected") if spec.favourable else ("bad", "not selected")
    said = (f"Selected is {_selected(spec)}, which is {good} for the person. The ratio is of the share "
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
        Column(key="attribute", title="Attribute", text=lambda r: r.attribute, width=130, muted=True),
        Column(key="group", title="Group", text=lambda r: r.group, width=170, stretch=1),
        Column(key="n", title="n", text=lambda r: f"{r.n:,}", align="right", width=80, sort=lambda r: r.n),
        Column(key="rate", title="Selected", text=lambda r: _rate(r)[0], align="right", width=76),
        Column(key="rate_interval", title="Interval of selected", text=lambda r: _rate(r)[1], width=124, muted=True,
               hidden=True),
        Column(key="ratio", title="Ratio", text=lambda r: "ref." if r.state == "reference" else _ratio(r)[0], width=64,
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


