"""A new bias report: which table, who is compared with whom, and the criterion, recorded before it is computed."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from desktop_app.domain.canonical import Id, number
from desktop_app.domain.evidence import JOIN, METHODS, METRICS, EvidenceKind, FairnessSpec
from desktop_app.domain.model import Pair
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice, Radios, Ticks, beside
from desktop_app.gui.dialogs.number_predicted import NumberPredicted
from desktop_app.gui.dialogs.on_table import TableDialog
from desktop_app.gui.dialogs.report_criteria import Criteria
from desktop_app.gui.dialogs.report_refinements import Refinements
from desktop_app.gui.dialogs.resting import RestingNotice
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.pages.version_tabs.tab import empty
from desktop_app.gui.widgets.fields import decimal_field, labelled
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress

MOST_GROUPS = 60  # values of a column that may be compared as groups
GOOD = ((True, "Good for the person: approved, offered, admitted"), (False, "Bad for the person: rejected, flagged"))
DECIDED = (("decision", "A decision in the table"), ("score", "A score with a cut-off"),
           ("prediction", "A number that is predicted"))
REPLICATES = 2_000
USUAL = {"score": ("score", "probability", "pd", "proba", "p"),
         "decision": ("decision", "approved", "prediction", "predicted", "y_pred", "outcome"),
         "label": ("label", "target", "actual", "y_true", "repaid", "default")}


class NewBiasReport(TableDialog):
    """See the module."""

    folders = databases = True

    def __init__(self, jobs: Jobs, version: Id, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "New bias report", action="Compute", parent=parent,
                         lead="The question with its threshold is written into the log before anything is computed.")
        self._version = version
        RestingNotice(self).ask(version, EvidenceKind.FAIRNESS, title="Bias report")
        self._add_what_decides()
        self._add_groups()
        self.refinements, self.criteria = Refinements(), Criteria()
        for part in (self.refinements, self.criteria, self.predicted.criterion):
            self.form.addWidget(part)
        self.add_period()
        self.form.addStretch(1)
        self.note = paragraph("", "undetermined")
        self.form.addWidget(self.note)
        self._connect()

    def _add_what_decides(self) -> None:
        self.by: Radios[str] = Radios(DECIDED, "decision")
        self.form.addWidget(labelled("What decides", self.by))
        self.decision: Choice[str] = Choice()
        self.positive: Choice[str] = Choice()
        self._decision_part = beside(
            labelled("Column with the decision", self.decision, "What the model decided or selected."),
            labelled("Value that counts", self.positive, "The event that is counted."))
        self.form.addWidget(self._decision_part)
        self.rest = QCheckBox("Held against all its other values together")
        self._rest_part = labelled("It has more than two values", self.rest, "Measures over all classes are told too.")
        self.form.addWidget(self._rest_part)
        self.score: Choice[str] = Choice()
        self.cut = decimal_field(0.5, 0.0, 1.0, 0.05, 3)
        self._score_part = beside(
            labelled("Column with the score", self.score, "From 0 to 1."),
            labelled("Selected from", self.cut, "A row is selected when its score is at least this."))
        self.form.addWidget(self._score_part)
        self.predicted = NumberPredicted()
        self.form.addWidget(self.predicted.columns)
        self.favourable: Radios[bool] = Radios(GOOD, True)
        self._favourable_part = labelled("Being selected is", self.favourable)
        self.form.addWidget(self._favourable_part)
        self.label: Choice[str] = Choice()
        self.label_positive: Choice[str] = Choice()
        self._label_value_field = labelled("Value that counts", self.label_positive, "What the decision is to find.")
        self._label_part = beside(
            labelled("Column with what really happened", self.label, "With it, error rates by group are reported too."),
            self._label_value_field)
        self.form.addWidget(self._label_part)
        self.pairing = paragraph("", "note")
        self.form.addWidget(self.pairing)

    def _add_groups(self) -> None:
        self.sensitive = Ticks()
        self.form.addWidget(labelled(
            "Compare groups by", self.sensitive, f"Columns with at most {MOST_GROUPS} values."))
        self._references: dict[str, Choice[str]] = {}
        self._references_part = QWidget()
        self._reference_column = QVBoxLayout(self._references_part)
        self._reference_column.setContentsMargins(0, 0, 0, 0)
        self._reference_column.setSpacing(theme.M)
        self.form.addWidget(self._references_part)
        self.intersections = Ticks()
        self._intersections_row = labelled("And their intersections", self.intersections)
        self.form.addWidget(self._intersections_row)

    def _connect(self) -> None:
        self.by.changed.connect(self._by_changed)
        self.decision.currentIndexChanged.connect(lambda index: self._decision_changed())
        self.rest.toggled.connect(lambda on: self._label_changed())
        self.positive.currentIndexChanged.connect(lambda index: self._label_changed())
        self.label.currentIndexChanged.connect(lambda index: self._label_changed())
        self.label_positive.currentIndexChanged.connect(lambda index: self._say_pairing())
        self._label_changed()
        self._by_changed()
        self.sensitive.changed.connect(self._sensitive_changed)
        self.criteria.changed.connect(self._say_small)
        self.refinements.strata.changed.connect(self._show_criteria)
        self._sensitive_changed()

    # --- the table

    def offer(self, preview: Any) -> None:
        """Offer its columns; usual names are chosen."""
        names = [c.name for c in preview.columns]
        self.decision.offer([("", "choose one"), *self.columns()])
        self.label.offer([("", "not in this table"), *self.columns()])
        self.decision.choose(_usual(names, "decision") or "")
        self.label.choose(_usual(names, "label") or "")
        numeric = [(c.name, c.name) for c in preview.columns if c.type == "number"]
        self.score.offer([("", "choose one"), *numeric])
        self.score.choose(_usual(names, "score") or "")
        self.predicted.offer(preview.columns)
        groups = {c.name: f"{c.distinct} values" for c in preview.columns if 2 <= c.distinct <= MOST_GROUPS}
        self.refinements.offer(preview.columns, self.columns(), groups)
        self.sensitive.offer(list(groups), groups)
        self._decision_changed()
        self._sensitive_changed()

    def _by_changed(self) -> None:
        by = self.by.value
        self._decision_part.setVisible(by == "decision")
        found = self.column(self.decision.value)
        self._rest_part.setVisible(by == "decision" and bool(found) and found.distinct > 2)
        self._score_part.setVisible(by == "score")
        for part in (self.predicted.columns, self.predicted.criterion):
            part.setVisible(by == "prediction")
        for part in (self._favourable_part, self._label_part):  # a number selects nobody
            part.setVisible(by != "prediction")
        self.refinements.show_for(by)
        self._label_changed()

    def _decision_changed(self) -> None:
        self.positive.offer(self.values(self.decision.value))
        if "1" in [value for value, _ in self.values(self.decision.value)]:
            self.positive.choose("1")
        self._by_changed()

    def _label_changed(self) -> None:
        """Offer the label's values; the decision's is chosen where it is one of them, else it has to be chosen."""
        values = self.values(self.label.value)
        same = self.positive.value in [value for value, _ in values]
        self.label_positive.offer(values if same else [("", "choose one"), *values])
        self.label_positive.choose(self.positive.value if same else "")
        self._label_value_field.setVisible(bool(self.label.value) and not self._against_rest)
        self._show_criteria()
        self._say_pairing()

    def _show_criteria(self) -> None:
        self.criteria.show_for(self.by.value, labelled=bool(self.label.value),
                               strata=bool(self.refinements.strata.value), classes=self._against_rest)

    @property
    def _against_rest(self) -> bool:
        return self.by.value == "decision" and not self._rest_part.isHidden() and self.rest.isChecked()

    def _say_pairing(self) -> None:
        """In words, what is held against what: a value chosen the wrong way round turns every error rate round."""
        label, value = self.label.value, self.label_positive.value
        event = f"{self.score.value} ≥ {self.cut.value():g}" if self.by.value == "score" else \
            f"{self.decision.value} = {self.positive.value}"
        value = self.positive.value if self._against_rest else value
        said = f"{event} is held against {label} = {value}."
        self.pairing.setText(said if label and value and self.by.value != "prediction" else "")
        self.pairing.setVisible(bool(self.pairing.text()))

    def _sensitive_changed(self) -> None:
        chosen = self.sensitive.value
        before = {name: choice.value for name, choice in self._references.items()}
        empty(self._reference_column)
        self._references = {}
        for name in chosen:
            choice: Choice[str] = Choice([("", "the best group"), *self.values(name)])
            choice.choose(before.get(name, ""))
            self._references[name] = choice
            self._reference_column.addWidget(labelled(f"Reference group of {name}", choice))
        self.intersections.offer(JOIN.join(parts) for size in (2, 3) for parts in combinations(chosen, size))
        self._intersections_row.setVisible(len(chosen) > 1)
        self._say_small()

    def _say_small(self) -> None:
        """Groups that will be too few, before anything is computed."""
        preset = self.criteria.chosen
        least = preset.minimum_group if preset else self.criteria.minimum.value()
        small = [f"{name} “{value}” ({n:,} rows)" for name in self.sensitive.value
                 for value, n in (self.column(name).top if self.column(name) else ()) if n < least]
        self.note.setText(f"Too few to be judged at this minimum: {', '.join(small)}." if small else "")
        self.note.setVisible(bool(small))

    # --- computing

    def spec(self) -> FairnessSpec:
        """What is asked. Raises UserError for a mapping that does not fit the table."""
        if self.by.value != "prediction":
            return self._of_decisions()
        if not self.sensitive.value:
            raise _no_groups()
        return self.refinements.asked_of(self.predicted.asked_of(FairnessSpec(
            label=None, decision="", positive="1", favourable=True, sensitive=self.sensitive.value,
            intersections=self._crossed(), reference=self._reference(), methods=METHODS,
            minimum_group=self.criteria.minimum.value())))

    def _reference(self) -> tuple[Pair, ...]:
        return tuple(Pair(key=k, value=c.value) for k, c in self._references.items() if c.value)

    def _crossed(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(parts.split(JOIN)) for parts in self.intersections.value)

    def _of_decisions(self) -> FairnessSpec:
        scored = self.by.value == "score"
        decision, positive, chosen = self.decision.value, self.positive.value, self.sensitive.value
        if scored:
            decision, positive = self.score.value, "1"
        if not decision or positive is None:
            raise UserError(f"The {'score' if scored else 'decision'} is not chosen.", "",
                            "Choose its column and the value from which on a row is selected." if scored else
                            "Choose its column and the value that counts.")
        if not chosen:
            raise _no_groups()
        for name, role in ((decision, "the decision"), (self.label.value, "what really happened")):
            if name and name in chosen:
                raise UserError(f"“{name}” cannot be both {role} and a group.", "", "Untick it or choose another.")
        if self.label.value == decision:
            raise UserError("The decision and what really happened are the same column.", decision, "Choose another.")
        if self.label.value and not self.label_positive.value and not self._against_rest:
            event = "being selected" if scored else f"{decision} = {positive}"
            raise UserError(f"Which value of “{self.label.value}” goes with {event}?",
                            "Its values are not those of the decision.", "Choose the value that counts beside it.")
        own = self.label_positive.value if self.label.value and self.label_positive.value != positive else None
        spec = self.refinements.asked_of(FairnessSpec(
            label=self.label.value or None, decision="" if scored else decision, positive=positive,
            score=decision if scored else None, threshold=number(round(self.cut.value(), 4)) if scored else None,
            metrics=METRICS, methods=METHODS, bootstrap=REPLICATES, favourable=self.favourable.value,
            sensitive=chosen, intersections=self._crossed(), one_against_rest=self._against_rest,
            label_positive=None if self._against_rest else own, reference=self._reference()))
        return self.criteria.asked_of(spec, self.refinements.margin)

    def run(self) -> None:
        """Record the question, compute, file."""
        version, table, spec, period = self._version, self.table(), self.spec(), (self.begin.day(), self.end.day())

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import evidence

            made = evidence.report(ws, version, table, spec, period=period, progress=progress)
            return written(ws, made, about=version)

        self.start(work, "bias report", lane=Lane.COMPUTE)


def _no_groups() -> UserError:
    return UserError("No groups are chosen.", "", "Tick at least one column to compare by.")


def _usual(names: list[str], role: str) -> str | None:
    lower = {name.lower(): name for name in names}
    return next((lower[usual] for usual in USUAL[role] if usual in lower), None)


