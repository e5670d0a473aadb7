"""SHAP and scores inside the worker: what is asked comes as a request, what is found goes back as plain records."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import table as tables
from desktop_app.analysis.sandbox import models
from desktop_app.analysis.sandbox.models import Model
from desktop_app.domain import canonical
from desktop_app.domain.canonical import Number, number
from desktop_app.domain.evidence import (
    Contribution,
    ExplanationResult,
    ExplanationSpec,
    Importance,
    LocalExplanation,
)
from desktop_app.domain.words import counted
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

_CHUNK = 100  # rows explained between two reports of progress


def features(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """{"features": the model's own names in its order}; none where it does not say or a library made them up."""
    progress.step(0.5, "Opening the model")
    model = models.load(request["model"], request["format"])
    return {"features": [] if all(_made_up(name) for name in model.features) else list(model.features)}


def check(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """{}, where the model takes the features asked."""
    progress.step(0.5, "Opening the model")
    _ordered(models.load(request["model"], request["format"]), tuple(request["features"]))
    return {}


def score(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """{"scores": probabilities of class 1, one per row}."""
    table = tables.load(Path(request["table"]), progress.part(0, 0.5))
    model = models.load(request["model"], request["format"])
    progress.step(0.6, "Scoring")
    frame = _frame(table, _ordered(model, tuple(request["features"])))
    return {"scores": [float(p) for p in model.probability(frame)]}


def explain(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The plain form of an ExplanationResult."""
    spec = canonical.build(ExplanationSpec, request["spec"])
    table = tables.load(Path(request["table"]), progress.part(0, 0.2))
    progress.step(0.2, "Opening the model")
    model = models.load(request["model"], request["format"])
    check_rows(spec, table.input.rows)
    frame = _frame(table, _ordered(model, spec.features))
    chosen, background = _samples(spec, len(frame))
    work = _Black(model, frame) if model.kind == "other" else _White(model, frame)
    rows = work.values(frame.iloc[[*chosen, spec.row]])
    progress.step(0.3, "Computing contributions")
    base, phi, used, note = work.shap(rows, work.values(frame.iloc[background]), spec.seed, progress.part(0.3, 0.95))
    output = work.output(rows)
    found = _result(spec, work, used, (base, phi, output), rows)
    notes = (f"{len(chosen):,} rows explained against a background of {len(background):,} rows, both drawn with seed "
             f"{spec.seed}.", *_cut(spec, len(frame)), *work.notes, *note)
    return canonical.plain(canonical.build(ExplanationResult, found | {"notes": list(notes)}))  # type: ignore[no-any-return]


def _cut(spec: ExplanationSpec, rows: int) -> tuple[str, ...]:
    """Says that fewer rows were taken than were asked for."""
    asked = [f"{n:,} {what}" for n, what in ((spec.rows, "rows explained"), (spec.background, "background rows"))
             if n > rows]
    return (f"{' and '.join(asked)} were asked for; the table has {rows:,}, and all of them were taken.",) \
        if asked else ()


def check_rows(spec: ExplanationSpec, rows: int) -> None:
    """Raises UserError for a record that a table of so many rows does not have, or no rows at all."""
    if not 0 <= spec.row < rows:
        raise UserError(f"There is no row {spec.row + 1:,}.", f"The table has {rows:,} rows.", "Choose one of them.")
    if spec.rows < 1 or spec.background < 1:
        raise UserError("An explanation needs rows and a background.", "Both must be at least one.",
                        "Ask for about 1,000 rows and a background of 100 to 1,000.")


def _ordered(model: Model, features: tuple[str, ...]) -> tuple[str, ...]:
    """The chosen features in the model's own order. Raises UserError when the model names others."""
    if not features:
        raise UserError("No features were chosen.", "", "Choose the columns that the model was trained on.")
    if not model.features:
        if model.takes not in (0, len(features)):
            raise UserError(f"The model takes {counted(model.takes, 'feature')}.", f"{len(features):,} were chosen.",
                            "Choose the columns that the model was trained on, in its order.")
        return features
    known = {simple(name): name for name in features}  # LightGBM writes underscores for blanks
    missing = [name for name in model.features if simple(name) not in known]
    if missing and len(model.features) == len(features) and all(_made_up(name) for name in model.features):
        return features
    wanted = {simple(name) for name in model.features}
    surplus = [name for name in features if simple(name) not in wanted]
    if missing or surplus:
        raise UserError("The features are not those of the model.",
                        f"Missing: {_listed(missing)}. Unknown to it: {_listed(surplus)}.",
                        "Choose the columns that the model was trained on.")
    return tuple(known[simple(name)] for name in model.features)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return (", ".join(names[:10]) or "none") + more


def simple(name: str) -> str:
    """A name as libraries write it that take letters, digits and underscores only."""
    return re.sub(r"\W", "_", name)


def _made_up(name: str) -> bool:
    """Names such as Column_3, f3 or x3 that libraries give when they got none."""
    return name.rstrip("0123456789") in ("Column_", "f", "x", "feature_", "X")


def _frame(table: tables.Table, features: tuple[str, ...]) -> DataFrame:
    """The features: numbers where every value is one, else text as it stands."""
    import pandas as pd

    made: dict[str, Any] = {}
    for name in features:
        try:
            made[name] = tables.numbers(table, name)
        except UserError:
            made[name] = tables.column(table, name).astype(object).to_numpy(dtype=object)
    return pd.DataFrame(made)


def _samples(spec: ExplanationSpec, rows: int) -> tuple[list[int], list[int]]:
    import numpy as np

    generator = np.random.default_rng(spec.seed)
    first, second = (sorted(int(i) for i in generator.choice(rows, min(n, rows), replace=False))
                     for n in (spec.rows, spec.background))
    return first, second


_Shap = tuple[float, "NDArray[Any]", str, tuple[str, ...]]


class _White:
    """Trees and linear models, explained on the numbers that reach them."""

    def __init__(self, model: Model, frame: DataFrame) -> None:
        self.model = model
        self.names = model.names_out([str(n) for n in frame.columns])
        self.notes: tuple[str, ...] = ()
        self.words: dict[str, list[str]] = {}  # features that are text: they have no direction
        self.scale = model.output

    def values(self, frame: DataFrame) -> NDArray[Any]:
        return self.model.transform(frame)

    def output(self, rows: NDArray[Any]) -> NDArray[Any]:
        return self.model.raw(rows)

    def shown(self, rows: NDArray[Any], row: int, column: int) -> str:
        return f"{rows[row, column]:.6g}"

    def shap(self, rows: NDArray[Any], background: NDArray[Any], seed: int, progress: Progress) -> _Shap:
        import shap

        masker = shap.maskers.Independent(background, max_samples=len(background))  # 100 rows unless it is said
        if self.model.kind == "linear":
            explainer = shap.LinearExplainer(self.model.estimator, masker)
            return (*_in_chunks(explainer.shap_values, explainer, rows, progress), "linear", ())
        try:
            explainer = shap.TreeExplainer(self.model.estimator, masker, feature_perturbation="interventional",
                                           model_output="raw")
            coded = _code(explainer, self.model.single)
            return (*_in_chunks(lambda x: explainer.shap_values(coded(x), check_additivity=False), explainer, rows,
                                progress), "tree", ())
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001  # shap cannot read every tree: categorical splits, new versions
            base, phi = _permutation(self.model.raw, rows, masker, seed, progress)
            return base, phi, "permutation", (f"TreeExplainer could not read this model ({type(error).__name__}); the "
                                              "permutation explainer was used.",)


class _Black:
    """Any other model, from outside: probabilities while features are exchanged. Text travels as codes."""

    def __init__(self, model: Model, frame: DataFrame) -> None:
        self.model, self.columns = model, list(frame.columns)
        self.names = [str(n) for n in frame.columns]
        self.words = {str(name): sorted({str(w) for w in frame[name]}) for name in frame.columns
                      if models.is_text(frame, name)}
        self.codes = {name: {word: i for i, word in enumerate(words)} for name, words in self.words.items()}
        self.notes = (("Text features were exchanged as whole categories.",) if self.words else ())
        self.scale = models.PROBABILITY

    def values(self, frame: DataFrame) -> NDArray[Any]:
        import numpy as np

        return np.column_stack([
            frame[name].map(lambda w, codes=self.codes[name]: codes[str(w)]) if name in self.words else frame[name]
            for name in self.columns]).astype(float)

    def output(self, rows: NDArray[Any]) -> NDArray[Any]:
        import pandas as pd

        back = {name: [self.words[name][int(c)] for c in rows[:, i]] if name in self.words else rows[:, i]
                for i, name in enumerate(self.columns)}
        frame = pd.DataFrame(back).astype(dict.fromkeys(self.words, object))
        return self.model.probability(frame)

    def shown(self, rows: NDArray[Any], row: int, column: int) -> str:
        name, value = self.columns[column], rows[row, column]
        return self.words[name][int(value)] if name in self.words else f"{value:.6g}"

    def shap(self, rows: NDArray[Any], background: NDArray[Any], seed: int, progress: Progress) -> _Shap:
        import shap

        masker = shap.maskers.Independent(background, max_samples=len(background))
        return (*_permutation(self.output, rows, masker, seed, progress), "permutation", ())


def _code(explainer: Any, single: bool) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Let trees compare ranks among their own thresholds instead of values; gives the function from values to ranks.

    shap's interventional walk holds thresholds in single precision, so a value next to a threshold goes the other way
    than in the model and contributions no longer add up (0.09 log-odds seen). x ≤ t holds exactly when their ranks do.
    single: the model itself compares values in single precision.
    """
    import numpy as np

    trees = explainer.model
    if np.any(trees.threshold_types == 1):  # categorical splits have no order
        return lambda values: values
    kind = np.float32 if single else np.float64
    cuts = {}
    for feature in range(explainer.data.shape[1]):
        here = trees.features == feature
        cuts[feature] = np.unique(trees.thresholds[here])
        trees.thresholds[here] = np.searchsorted(cuts[feature], trees.thresholds[here])

    def ranks(values: NDArray[Any]) -> NDArray[Any]:
        exact = values.astype(kind).astype(float)
        made = np.column_stack([np.searchsorted(cut, exact[:, i]) for i, cut in cuts.items()]).astype(float)
        return np.where(np.isnan(exact), np.nan, made)

    explainer.data = ranks(explainer.data)
    return ranks


def _in_chunks(function: Any, explainer: Any, rows: NDArray[Any], progress: Progress) -> tuple[float, NDArray[Any]]:
    import numpy as np

    parts = []
    for start in range(0, len(rows), _CHUNK):
        progress.step(start / len(rows), f"{start:,} of {len(rows):,} rows explained")
        part = function(rows[start:start + _CHUNK])
        part = part[1] if isinstance(part, list) else np.asarray(part)
        parts.append(part[..., 1] if part.ndim == 3 else part)
    return float(np.ravel(explainer.expected_value)[-1]), np.concatenate(parts)


def _permutation(
    function: Any, rows: NDArray[Any], masker: Any, seed: int, progress: Progress,
) -> tuple[float, NDArray[Any]]:
    import numpy as np
    import shap

    explainer = shap.PermutationExplainer(function, masker, seed=seed)
    parts, base, small = [], 0.0, 10
    for start in range(0, len(rows), small):
        progress.step(start / len(rows), f"{start:,} of {len(rows):,} rows explained")
        made = explainer(rows[start:start + small], max_evals=2 * rows.shape[1] + 1, silent=True)
        parts.append(np.asarray(made.values))
        base = float(np.ravel(made.base_values)[0])
    return base, np.concatenate(parts)


def _result(
    spec: ExplanationSpec, work: _White | _Black, explainer: str, found: tuple[float, NDArray[Any], NDArray[Any]],
    rows: NDArray[Any],
) -> dict[str, Any]:
    import numpy as np

    base, phi, output = found
    if not (np.isfinite(phi).all() and np.isfinite(output).all() and np.isfinite(base)):
        raise UserError("The explanation is not finite.", "A contribution or an output is not a number.",
                        "Look for missing or extreme values in the features.")
    residual = float(np.abs(base + phi.sum(axis=1) - output).max())
    last, several = len(rows) - 1, phi[:-1]
    mean = np.abs(several).mean(axis=0)
    order = sorted(range(len(mean)), key=lambda i: (-mean[i], work.names[i]))
    local = sorted(range(len(mean)), key=lambda i: (-abs(phi[last, i]), work.names[i]))
    result = ExplanationResult(
        explainer=explainer, output=work.scale, isolation="", additivity_residual=_finite(residual),
        importances=tuple(Importance(feature=work.names[i], mean_abs=_finite(mean[i]),
                                     direction=None if work.names[i] in work.words else
                                     _direction(rows[:-1, i], several[:, i])) for i in order),
        local=LocalExplanation(row=spec.row, base=_finite(base), output=_finite(output[last]), contributions=tuple(
            Contribution(feature=work.names[i], value=work.shown(rows, last, i), contribution=_finite(phi[last, i]))
            for i in local)))
    return canonical.plain(result)  # type: ignore[no-any-return]


def _finite(value: float) -> Number:
    return number(float(value)) or Number("0.0")


def _direction(values: NDArray[Any], phi: NDArray[Any]) -> Number | None:
    """Pearson correlation of value and contribution; None where one of them does not vary."""
    import numpy as np

    known = np.isfinite(values)
    if known.sum() < 3 or np.ptp(values[known]) == 0 or np.ptp(phi[known]) == 0:
        return None
    return number(float(np.corrcoef(values[known], phi[known])[0, 1]))
