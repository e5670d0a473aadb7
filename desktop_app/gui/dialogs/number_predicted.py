"""What a bias report of a predicted number asks: what it is held against, and how far groups may lie apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QCheckBox

from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import FairnessSpec
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import Choice, beside
from desktop_app.gui.widgets.fields import decimal_field, labelled

PREDICTED = ("prediction", "predicted", "y_pred", "y_hat", "estimate")
HAPPENED = ("label", "target", "actual", "y_true", "observed")


class NumberPredicted:
    """See the module. `columns` and `criterion` are its parts of a form."""

    def __init__(self) -> None:
        self.prediction: Choice[str] = Choice()
        self.label: Choice[str] = Choice()
        self.columns = beside(
            labelled("Column with the prediction", self.prediction, "A number that the model predicts."),
            labelled("Column with what really happened", self.label, "A number, in the same units."))
        self.judged = QCheckBox("Judge the largest difference of group means")
        self.judged.setChecked(True)
        self.most = decimal_field(0.0, 0.0, 1e12, 1.0, 4)
        self.judged.toggled.connect(self.most.setEnabled)
        self.criterion = beside(
            labelled("Criterion", self.judged, "Of the predictions, over all groups. Unticked, it is only reported."),
            labelled("Difference at most", self.most, "In the units of what happened; recorded before the run."))

    def offer(self, columns: Iterable[Any]) -> None:
        """Offer the columns that hold numbers; usual names are chosen."""
        names = [c.name for c in columns if c.type == "number"]
        lower = {name.lower(): name for name in names}
        for choice, usual in ((self.prediction, PREDICTED), (self.label, HAPPENED)):
            choice.offer([("", "choose one"), *((name, name) for name in names)])
            choice.choose(next((lower[name] for name in usual if name in lower), ""))

    def asked_of(self, spec: FairnessSpec) -> FairnessSpec:
        """The same groups, compared by the prediction. Raises UserError for what is missing or does not go together."""
        from desktop_app.operations import presets

        prediction, label, most = self.prediction.value, self.label.value, self.most.value()
        if not prediction or not label:
            raise UserError(f"The column with {'what really happened' if prediction else 'the prediction'} is not "
                            "chosen.", "A prediction is held against what really happened, row by row.",
                            "Choose both columns; they hold numbers.")
        if prediction == label:
            raise UserError("The prediction and what really happened are the same column.", label, "Choose another.")
        if taken := next((name for name in (prediction, label) if name in spec.sensitive), None):
            raise UserError(f"“{taken}” cannot be a number that is compared and a group.", "",
                            "Untick it or choose another.")
        if self.judged.isChecked() and not most:
            raise UserError("How far may the means of the groups differ?", f"In the units of “{label}”.",
                            "Write the largest difference, or untick the criterion.")
        return replace(spec, label=label, prediction=prediction, criteria=presets.most_gap(
            spec, number(most) if self.judged.isChecked() else None))
