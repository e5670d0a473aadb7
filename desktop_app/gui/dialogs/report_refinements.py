"""What a bias report may be asked beyond its groups: strata, weights, the version before, time, measures of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from desktop_app.domain.canonical import Number, number
from desktop_app.domain.evidence import ROW_METRICS, FairnessSpec
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice, Ticks, beside
from desktop_app.gui.widgets.fields import decimal_field, labelled

PERIODS = (("month", "months"), ("quarter", "quarters"), ("year", "years"))
_BY_ROW = {"log_loss": "Log loss", "brier_score": "Brier score", "average_precision": "Average precision"}


class Refinements(QWidget):
    """See the module. What does not apply is hidden, and not asked."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        self.strata = Ticks()
        self.weight: Choice[str] = Choice()
        self.record: Choice[str] = Choice()
        self.before: Choice[str] = Choice()
        self.before_cut = decimal_field(0.0, 0.0, 1.0, 0.05, 3)
        self.before_cut.setSpecialValueText("the same")
        self.margin_field = decimal_field(0.01, 0.0, 0.5, 0.01, 3)
        self.date: Choice[str] = Choice()
        self.period: Choice[str] = Choice(PERIODS)
        self.explore = QCheckBox("Look through intersections that are not ticked above")
        self.explore.setChecked(True)
        self.by_row = Ticks(_BY_ROW.values())
        weight = labelled("Weight of each row", self.weight)
        record = labelled("Column that names each row once", self.record, "Rows that are there twice are then refused.")
        scored = labelled("Measured on the rows themselves", self.by_row,
                          "Of the score, not in a database. Slow: minutes for 100,000 rows.")
        before_cut = labelled("Its cut-off", self.before_cut, "Of the score before.")
        self._of_decisions = [
            labelled("Compare also within strata of", self.strata,
                     "Legitimate factors: is there a gap among people who are alike in these?"),
            beside(labelled("Compare with the version before", self.before,
                            "What it decided on the same rows, or its score."),
                   before_cut,
                   labelled("A gap may grow by", self.margin_field, "More is worse; recorded before the run.")),
            beside(labelled("Day of each row", self.date, "Shares are told over time too."),
                   labelled("In", self.period)),
            labelled("Exploration", self.explore, "Where shares are most unlike all others: told, without a verdict."),
            weight]
        self._of_scores = [scored, before_cut]
        for part in (*self._of_decisions[:-1], scored, beside(weight, record)):
            column.addWidget(part)

    @property
    def margin(self) -> Number | None:
        """By how much a gap may grow against the version before."""
        return number(round(self.margin_field.value(), 4))

    def offer(self, columns: list[Any], choices: list[tuple[str, str]], groups: dict[str, str]) -> None:
        """Offer a table's columns. choices: (name, words) of each · groups: name and words of those with few values."""
        numeric = [(c.name, c.name) for c in columns if c.type == "number"]
        self.weight.offer([("", "each row counts once"), *numeric])
        self.record.offer([("", "none"), *choices])
        self.before.offer([("", "no comparison"), *choices])
        self.date.offer([("", "not over time"), *((c.name, c.name) for c in columns if c.type in ("time", "text"))])
        self.strata.offer(list(groups), groups)

    def show_for(self, by: str) -> None:
        """Show what applies to a decision, a score or a prediction of a number."""
        for part in self._of_decisions:
            part.setVisible(by != "prediction")
        for part in self._of_scores:
            part.setVisible(by == "score")

    def asked_of(self, spec: FairnessSpec) -> FairnessSpec:
        """The same report, refined."""
        spec = replace(spec, record_id=self.record.value or None)
        if spec.prediction is not None:
            return spec
        chosen = [name for name in ROW_METRICS if _BY_ROW[name] in self.by_row.value]
        return replace(
            spec, strata=self.strata.value, weight=self.weight.value or None, before=self.before.value or None,
            before_threshold=number(round(self.before_cut.value(), 4))
            if self.before.value and spec.score is not None and self.before_cut.value() else None,
            date=self.date.value or None, period=(self.period.value or "") if self.date.value else "",
            explore=self.explore.isChecked(), by_row=tuple(chosen) if spec.score is not None else ())
