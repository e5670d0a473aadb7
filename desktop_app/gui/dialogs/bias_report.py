"""A new bias report: which table, who is compared with whom, and the criterion, recorded before it is computed."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_app.domain.canonical import Id, number
from desktop_app.domain.evidence import JOIN, METHODS, METRICS, EvidenceKind, FairnessSpec
from desktop_app.domain.model import Pair
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice, Radios, Ticks, beside
from desktop_app.gui.dialogs.number_predicted import NumberPredicted
from desktop_app.gui.dialogs.on_table import TableDialog
from desktop_app.gui.dialogs.resting import RestingNotice
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.pages.version_tabs.tab import empty
from desktop_app.gui.widgets.fields import decimal_field, labelled, number_field
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress

MOST_GROUPS = 60  # values of a column that may be compared as groups
GOOD = ((True, "Good for the person: approved, offered, admitted"), (False, "Bad for the person: rejected, flagged"))
RULES = (
    ("interval", "the whole 95 % interval must satisfy it"),
    ("four_fifths_and_significant", "breached when the point violates it and the difference is significant"),
    ("point", "the point alone, ignoring uncertainty"),
    ("none", "no criterion: only report the numbers"),
)
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
        self._add_refinements()
        self._add_criterion()
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
        self.preset.currentIndexChanged.connect(lambda index: self._preset_changed())
        self.decision.currentIndexChanged.connect(lambda index: self._decision_changed())
        self.positive.currentIndexChanged.connect(lambda index: self._label_changed())
        self.label.currentIndexChanged.connect(lambda index: self._label_changed())
        self.label_positive.currentIndexChanged.connect(lambda index: self._say_pairing())
        self._label_changed()
        self._by_changed()
        self._preset_changed()
        self.sensitive.changed.connect(self._sensitive_changed)
        self.minimum.valueChanged.connect(lambda value: self._say_small())
        self._sensitive_changed()

    def _add_refinements(self) -> None:
        self.strata = Ticks()
        self._strata_part = labelled("Compare also within strata of", self.strata,
                                     "Legitimate factors: is there a gap among people who are alike in these?")
        self.form.addWidget(self._strata_part)
        self.weight: Choice[str] = Choice()
        self.record: Choice[str] = Choice()
        self.before: Choice[str] = Choice()
        self.margin = decimal_field(0.01, 0.0, 0.5, 0.01, 3)
        self._before_part = beside(
            labelled("Compare with the version before", self.before, "What it decided on the same rows, or its score."),
            labelled("A gap may grow by", self.margin, "More is worse; recorded before the run."))
        self.form.addWidget(self._before_part)
        self._weight_part = labelled("Weight of each row", self.weight)
        self.form.addWidget(beside(self._weight_part, labelled(
            "Column that names each row once", self.record, "Rows that are there twice are then refused.")))

    def _add_criterion(self) -> None:
        from desktop_app.operations import presets

        self._presets = {preset.key: preset for preset in presets.listing()}
        self.preset: Choice[str] = Choice([("", "A least impact ratio of my own"), *(
            (key, preset.title) for key, preset in self._presets.items())])
        self._preset_part = labelled("Criteria", self.preset)
        self.form.addWidget(self._preset_part)
        self.preset_words = paragraph("", "note")
        self.form.addWidget(self.preset_words)
        self.threshold = decimal_field(0.80, 0.01, 1.0, 0.05)
        self.minimum = number_field(30, 1, 100_000)
        self.rule: Choice[str] = Choice(RULES)
        self.form.addWidget(self.predicted.criterion)
        ratio, self._minimum_part = labelled("Impact ratio at least", self.threshold), labelled(
            "Smallest group judged, rows", self.minimum)
        self._own = [ratio, labelled("Judged how", self.rule)]
        self.form.addWidget(beside(ratio, self._minimum_part))
        self.form.addWidget(self._own[1])

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
        self.weight.offer([("", "each row counts once"), *numeric])
        self.record.offer([("", "none"), *self.columns()])
        self.before.offer([("", "no comparison"), *self.columns()])
        groups = [c for c in preview.columns if 2 <= c.distinct <= MOST_GROUPS]
        self.strata.offer([c.name for c in groups], {c.name: f"{c.distinct} values" for c in groups})
        self.sensitive.offer([c.name for c in groups], {c.name: f"{c.distinct} values" for c in groups})
        self._decision_changed()
        self._sensitive_changed()

    def _by_changed(self) -> None:
        by = self.by.value
        self._decision_part.setVisible(by == "decision")
        self._score_part.setVisible(by == "score")
        for part in (self.predicted.columns, self.predicted.criterion):
            part.setVisible(by == "prediction")
        for part in (self._favourable_part, self._label_part, self._references_part, self._strata_part,
                     self._before_part, self._weight_part, self._preset_part):  # a number selects nobody
            part.setVisible(by != "prediction")
        self._label_changed()
        self._preset_changed()

    def _preset_changed(self) -> None:
        predicted = self.by.value == "prediction"
        preset = None if predicted else self._presets.get(self.preset.value or "")
        for part in self._own:
            part.setVisible(preset is None and not predicted)
        self._minimum_part.setVisible(preset is None)
        self.preset_words.setText(preset.words if preset else "")
        self.preset_words.setVisible(preset is not None)

    def _decision_changed(self) -> None:
        self.positive.offer(self.values(self.decision.value))
        if "1" in [value for value, _ in self.values(self.decision.value)]:
            self.positive.choose("1")
        self._label_changed()

    def _label_changed(self) -> None:
        """Offer the label's values; the decision's is chosen where it is one of them, else it has to be chosen."""
        values = self.values(self.label.value)
        same = self.positive.value in [value for value, _ in values]
        self.label_positive.offer(values if same else [("", "choose one"), *values])
        self.label_positive.choose(self.positive.value if same else "")
        self._label_value_field.setVisible(bool(self.label.value))
        self._say_pairing()

    def _say_pairing(self) -> None:
        """In words, what is held against what: a value chosen the wrong way round turns every error rate round."""
        label, value = self.label.value, self.label_positive.value
        event = f"{self.score.value} ≥ {self.cut.value():g}" if self.by.value == "score" else \
            f"{self.decision.value} = {self.positive.value}"
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
        self.intersections.offer(JOIN.join(pair) for pair in combinations(chosen, 2))
        self._intersections_row.setVisible(len(chosen) > 1)
        self._say_small()

    def _say_small(self) -> None:
        """Groups that will be too few, before anything is computed."""
        small = [f"{name} “{value}” ({n:,} rows)" for name in self.sensitive.value
                 for value, n in (self.column(name).top if self.column(name) else ()) if n < self.minimum.value()]
        self.note.setText(f"Too few to be judged at this minimum: {', '.join(small)}." if small else "")
        self.note.setVisible(bool(small))

    # --- computing

    def spec(self) -> FairnessSpec:
        """What is asked. Raises UserError for a mapping that does not fit the table."""
        if self.by.value != "prediction":
            return self._of_decisions()
        if not self.sensitive.value:
            raise _no_groups()
        return self.predicted.asked_of(FairnessSpec(
            label=None, decision="", positive="1", favourable=True, sensitive=self.sensitive.value,
            intersections=self._crossed(), record_id=self.record.value or None, minimum_group=self.minimum.value()))

    def _crossed(self) -> tuple[tuple[str, str], ...]:
        first_and_second = (pair.split(JOIN) for pair in self.intersections.value)
        return tuple((first, second) for first, second in first_and_second)

    def _of_decisions(self) -> FairnessSpec:
        from desktop_app.operations import presets

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
        if self.label.value and not self.label_positive.value:
            event = "being selected" if scored else f"{decision} = {positive}"
            raise UserError(f"Which value of “{self.label.value}” goes with {event}?",
                            "Its values are not those of the decision.", "Choose the value that counts beside it.")
        reference = tuple(Pair(key=k, value=c.value) for k, c in self._references.items() if c.value)
        spec = FairnessSpec(
            label=self.label.value or None, decision="" if scored else decision, positive=positive,
            score=decision if scored else None, threshold=number(round(self.cut.value(), 4)) if scored else None,
            strata=self.strata.value, weight=self.weight.value or None, record_id=self.record.value or None,
            before=self.before.value or None, metrics=METRICS, methods=METHODS,
            bootstrap=REPLICATES, favourable=self.favourable.value,
            sensitive=chosen, intersections=self._crossed(),
            label_positive=self.label_positive.value if self.label.value and self.label_positive.value != positive
            else None,
            reference=reference, minimum_group=self.minimum.value())
        preset, rule = self._presets.get(self.preset.value or ""), self.rule.value or "interval"
        if preset is not None:
            spec = presets.applied(preset, replace(spec, threshold=None) if preset.cut else spec)
        elif rule != "none":
            least = number(round(self.threshold.value(), 4))
            spec = replace(spec, criteria=presets.least_ratio(spec, least, rule))
        margin = number(round(self.margin.value(), 4))
        return replace(spec, criteria=(*spec.criteria, *presets.no_worse(spec, margin)))

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


