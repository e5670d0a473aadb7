"""The criteria of a bias report, of a rule or of one's own, and what other cut-offs are searched for: chosen before the
run.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_app.domain.canonical import Number, number
from desktop_app.domain.evidence import CONFIDENTIALITY, NO_SEARCH, SEARCHES, FairnessSpec
from desktop_app.domain.preset import Preset
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice, beside
from desktop_app.gui.widgets.fields import decimal_field, labelled, number_field, steady
from desktop_app.gui.widgets.prose import paragraph

RULES = (
    ("interval", "the whole 95 % interval must satisfy it"),
    ("four_fifths_and_significant", "breached when the point violates it and the difference is significant"),
    ("point", "the point alone, ignoring uncertainty"),
)
SEARCHED = ((NO_SEARCH, "no search"), *((gap, f"for the {words}") for gap, words in SEARCHES.items()))


class OwnCriteria(QWidget):
    """Any of the criteria that the columns allow, each ticked with its threshold."""

    def __init__(self) -> None:
        from desktop_app.operations import presets

        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.S)
        grid.setColumnStretch(0, 1)
        self.rows: dict[str, tuple[QCheckBox, QDoubleSpinBox]] = {}
        self._needs = {metric: own.needs for metric, own in presets.OWN.items()}
        for i, (metric, own) in enumerate(presets.OWN.items()):
            bound = "at least" if own.direction == "at_least" else "at most"
            tick = QCheckBox(f"{metric.replace('_', ' ').capitalize().replace('Auc', 'AUC')} {bound}")
            field = decimal_field(float(own.usual), 0.0, 1.0, 0.05, 3)
            field.setAccessibleName(tick.text())
            field.setVisible(False)
            tick.toggled.connect(field.setVisible)
            steady(field)
            grid.addWidget(tick, i, 0)
            grid.addWidget(field, i, 1)
            self.rows[metric] = tick, field
        self.rows["impact_ratio"][0].setChecked(True)

    def show_for(self, given: dict[str, bool]) -> None:
        """Show those for which the columns are there."""
        for metric, (tick, field) in self.rows.items():
            tick.setVisible(given[self._needs[metric]])
            field.setVisible(not tick.isHidden() and tick.isChecked())

    def choose(self, metric: str, threshold: float) -> None:
        """Tick one, with its threshold."""
        tick, field = self.rows[metric]
        tick.setChecked(True)
        field.setValue(threshold)

    @property
    def value(self) -> list[tuple[str, Number | None]]:
        """What is ticked and shown: metric and threshold."""
        return [(metric, number(round(field.value(), 4))) for metric, (tick, field) in self.rows.items()
                if tick.isChecked() and not tick.isHidden()]


class Criteria(QWidget):
    """See the module."""

    changed = Signal()  # of what is judged from how many rows on

    def __init__(self) -> None:
        from desktop_app.operations import presets

        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        self._presets = {preset.key: preset for preset in presets.listing()}
        self.preset: Choice[str] = Choice([("", "Criteria of my own"), *(
            (key, preset.title) for key, preset in self._presets.items())])
        self._which = labelled("Criteria", self.preset)
        self.words = paragraph("", "note")
        self.own = OwnCriteria()
        self.minimum = number_field(30, 1, 100_000)
        self.rule: Choice[str] = Choice(RULES)
        self._minimum, self._rule = labelled("Smallest group judged, rows", self.minimum), labelled(
            "Judged how", self.rule)
        self.leave_out = QCheckBox()
        self.because = QLineEdit()
        self.leave_out.toggled.connect(self.because.setEnabled)
        self.because.setEnabled(False)
        self._small = beside(labelled("Very small groups", self.leave_out),
                             labelled("Justification", self.because, "Printed with the report."))
        self.search: Choice[str] = Choice(SEARCHED)
        self.search.choose("impact_ratio")
        self.confidentiality: Choice[str] = Choice(list(CONFIDENTIALITY.items()))
        self.confidentiality.choose("confidential")
        self._search = beside(
            labelled("Search other cut-offs", self.search, "The same for everybody; recorded before the run."),
            labelled("The search is", self.confidentiality, "Printed with it, and told whoever exports it."))
        self.own_cut_offs = QCheckBox("Search cut-offs of their own for groups too")
        self._own_cut_offs = labelled("Cut-offs by group", self.own_cut_offs, "This preset allows the search. Whether "
                                      "such cut-offs may be used is for a lawyer.")
        for part in (self._which, self.words, self.own, beside(self._rule, self._minimum), self._small,
                     self._search, self._own_cut_offs):
            column.addWidget(part)
        self._by, self._labelled = "decision", False
        self.preset.currentIndexChanged.connect(lambda index: self._preset_changed())
        self.minimum.valueChanged.connect(lambda value: self.changed.emit())
        self._preset_changed()

    @property
    def chosen(self) -> Preset | None:
        """The preset, or None for a criterion of one's own."""
        return None if self._by == "prediction" else self._presets.get(self.preset.value or "")

    def show_for(self, by: str, *, labelled: bool, strata: bool, classes: bool) -> None:
        """Show what applies to a decision, a score or a prediction of a number. labelled: held against a label ·
        strata: also within factors · classes: one of many against the rest.
        """
        self._by, self._labelled = by, labelled
        self.own.show_for({"": True, "label": labelled, "score": by == "score" and labelled, "strata": strata,
                           "classes": classes and labelled})
        self._show()

    def _preset_changed(self) -> None:
        if self.chosen is not None and self.search.value != NO_SEARCH:
            self.search.choose(self.chosen.search)
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        preset, predicted = self.chosen, self._by == "prediction"
        searched = self._by == "score" and self._labelled and not (preset and preset.cut)
        for part, shown in (
                (self._which, not predicted), (self.words, preset is not None),
                (self.own, not (preset or predicted)), (self._rule, not (preset or predicted)),
                (self._minimum, preset is None),
                (self._small, bool(preset and preset.least_share)), (self._search, searched),
                (self._own_cut_offs, searched and bool(preset and preset.group_cut_offs))):
            part.setVisible(shown)
        self.words.setText(preset.words if preset else "")
        share = f"{100 * float(preset.least_share):.6g} %" if preset and preset.least_share else ""
        self.leave_out.setText(f"Leave groups under {share} of the rows out of ratios")

    def asked_of(self, spec: FairnessSpec, margin: Number | None) -> FairnessSpec:
        """The same report with its criteria. margin: against the version before. Raises UserError where a preset does
        not fit.
        """
        from desktop_app.operations import presets

        preset = self.chosen
        spec = self._searched(replace(spec, minimum_group=self.minimum.value()))
        if preset is not None:
            spec = presets.applied(preset, replace(spec, threshold=None) if preset.cut else spec)
            if preset.least_share and self.leave_out.isChecked():
                spec = replace(spec, least_share=preset.least_share, least_share_why=self.because.text().strip())
        else:
            spec = replace(spec, criteria=presets.own(spec, self.own.value, self.rule.value or "interval"))
        spec = replace(spec, criteria=(*spec.criteria, *presets.no_worse(spec, margin)))
        presets.check(spec)
        return spec

    def _searched(self, spec: FairnessSpec) -> FairnessSpec:
        if spec.score is None or spec.label is None or self._search.isHidden():
            return spec
        search = self.search.value or NO_SEARCH
        own = self.own_cut_offs.isChecked() and bool(self.chosen and self.chosen.group_cut_offs)
        return replace(spec, search=search, group_cut_offs=own and search != NO_SEARCH,
                       confidentiality=(self.confidentiality.value or "") if search != NO_SEARCH else "")
