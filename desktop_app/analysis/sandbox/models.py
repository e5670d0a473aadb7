"""Data-only model files as something that can be scored and explained, for class 1 of two classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from desktop_app.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

LOG_ODDS, PROBABILITY = "log-odds of class 1", "probability of class 1"
_FORESTS = ("DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier")
_BOOSTED = ("GradientBoostingClassifier", "HistGradientBoostingClassifier")
_NATIVE = ("XGBClassifier", "LGBMClassifier")


@dataclass(frozen=True)
class Model:
    """A model ready for use.

    kind: tree | linear | other · features: names in its own order, () when it does not say · estimator: what shap is
    given · transform: table → the numbers it is explained on · names_out: their names · raw: those numbers → the
    output explained · output: its name · probability: table → probability of class 1 · single: it compares values in
    single precision · takes: how many features, 0 when it does not say.
    """

    kind: str
    features: tuple[str, ...]
    estimator: Any
    transform: Callable[[DataFrame], NDArray[Any]]
    names_out: Callable[[list[str]], list[str]]
    raw: Callable[[NDArray[Any]], NDArray[Any]]
    output: str
    probability: Callable[[DataFrame], NDArray[Any]]
    single: bool = True
    takes: int = 0


def load(path: str, kind: str) -> Model:
    """Read a model of a known format. Raises UserError for what is not a two-class model."""
    readers = {"xgboost": _xgboost, "lightgbm": _lightgbm, "skops": _skops, "onnx": _onnx}
    if kind not in readers:
        raise UserError("This kind of model is not opened.", f"Its format: {kind}.", "Export it as skops or ONNX.")
    return readers[kind](path)


def numeric(frame: DataFrame) -> NDArray[Any]:
    """The table as floats. Raises UserError naming a column of text."""
    text = [str(name) for name in frame.columns if is_text(frame, name)]
    if text:
        raise UserError(f"Column “{text[0]}” is text, and this model takes numbers.",
                        f"Columns of text: {', '.join(text[:10])}.",
                        "Give the table as the model gets it, after its preparation, or a model that holds the "
                        "preparation (an sklearn Pipeline in skops).")
    return frame.to_numpy(dtype=float)


def is_text(frame: DataFrame, name: Any) -> bool:
    """Whether a column holds text rather than numbers."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return not (is_numeric_dtype(frame[name].dtype) or is_bool_dtype(frame[name].dtype))


def _same(names: list[str]) -> list[str]:
    return names


def _two_classes(number: int) -> None:
    if number != 2:
        raise UserError("The model does not decide between two classes.", f"It has {number} outputs or classes.",
                        "Explanations and scores are for two-class models.")


def _sigmoid(margin: NDArray[Any]) -> NDArray[Any]:
    from scipy.special import expit

    made: NDArray[Any] = expit(margin)
    return made


def _xgboost(path: str) -> Model:
    import xgboost

    booster = xgboost.Booster(model_file=path)
    return _xgboost_booster(booster)


def _xgboost_booster(booster: Any) -> Model:
    import xgboost

    config = json.loads(booster.save_config())["learner"]
    objective = str(config["objective"]["name"])
    _two_classes(2 if int(config["learner_model_param"]["num_class"]) < 2 else
                 int(config["learner_model_param"]["num_class"]))
    logistic = "logistic" in objective
    names = tuple(booster.feature_names or ())

    def raw(values: NDArray[Any]) -> NDArray[Any]:
        matrix = xgboost.DMatrix(values, feature_names=list(names) or None)
        made: NDArray[Any] = booster.predict(matrix, output_margin=True)
        return made

    return Model("tree", names, booster, numeric, _same, raw, LOG_ODDS if logistic else _plainly(objective),
                 _probability(lambda frame: raw(numeric(frame)), logistic), takes=booster.num_features())


def _lightgbm(path: str) -> Model:
    import lightgbm

    return _lightgbm_booster(lightgbm.Booster(model_file=path))


def _lightgbm_booster(booster: Any) -> Model:
    _two_classes(2 if booster.num_model_per_iteration() == 1 else booster.num_model_per_iteration())
    objective = str(booster.dump_model(num_iteration=1).get("objective", ""))
    binary = objective.startswith(("binary", "cross_entropy"))

    def raw(values: NDArray[Any]) -> NDArray[Any]:
        made: NDArray[Any] = booster.predict(values, raw_score=True)
        return made

    return Model("tree", tuple(booster.feature_name()), booster, numeric, _same, raw,
                 LOG_ODDS if binary else _plainly(objective), _probability(lambda frame: raw(numeric(frame)), binary),
                 single=False)


def _plainly(objective: str) -> str:
    return f"raw output ({objective.partition(' ')[0] or 'no objective stated'})"


def _probability(
    margin: Callable[[DataFrame], NDArray[Any]], known: bool,
) -> Callable[[DataFrame], NDArray[Any]]:
    def probability(frame: DataFrame) -> NDArray[Any]:
        if not known:
            raise UserError("The model gives no probabilities.", "Its objective is not a two-class one.",
                            "Choose a column of the table as the decision instead.")
        return _sigmoid(margin(frame))

    return probability


# ---- skops


def _skops(path: str) -> Model:
    import skops.io

    from desktop_app.analysis.artefacts import SKOPS_TRUSTED

    found = set(skops.io.get_untrusted_types(file=path))
    if found - SKOPS_TRUSTED:
        raise UserError("The model holds types that are not on the trusted list.",
                        ", ".join(sorted(found - SKOPS_TRUSTED)[:5]), "Export it from standard scikit-learn parts.")
    return _sklearn(skops.io.load(path, trusted=sorted(found)))


def _sklearn(estimator: Any) -> Model:
    if not hasattr(estimator, "predict_proba") or not hasattr(estimator, "classes_"):
        raise UserError("The model gives no probabilities.", f"It is a {type(estimator).__name__}.",
                        "Export a classifier with predict_proba.")
    _two_classes(len(estimator.classes_))
    steps = getattr(estimator, "steps", None)
    final = steps[-1][1] if steps else estimator
    prepare = estimator[:-1] if steps and len(steps) > 1 else None
    features = tuple(str(n) for n in getattr(estimator, "feature_names_in_", ()))
    return replace(_explainable(estimator, final, prepare, features), takes=getattr(estimator, "n_features_in_", 0))


def _explainable(estimator: Any, final: Any, prepare: Any, features: tuple[str, ...]) -> Model:
    """Forests, boosting and logistic regression are explained after the preparation, the rest from outside."""
    fit_on_names = bool(features)

    def table(frame: DataFrame) -> Any:
        return frame if fit_on_names or prepare is not None else numeric(frame)

    def probability(frame: DataFrame) -> NDArray[Any]:
        made: NDArray[Any] = estimator.predict_proba(table(frame))[:, 1]
        return made

    def transform(frame: DataFrame) -> NDArray[Any]:
        return _dense(prepare.transform(frame)) if prepare is not None else numeric(frame)

    def names_out(names: list[str]) -> list[str]:
        return [str(n) for n in prepare.get_feature_names_out()] if prepare is not None else names

    kind, raw, output = _how(final)
    if kind == "other":
        return Model(kind, features, estimator, numeric, _same, raw, PROBABILITY, probability)
    if type(final).__name__ in _NATIVE:
        native = _xgboost_booster(final.get_booster()) if type(final).__name__ == "XGBClassifier" else (
            _lightgbm_booster(final.booster_))
        return Model("tree", features or native.features, native.estimator, transform, names_out, native.raw,
                     native.output, probability, native.single)
    return Model(kind, features, final, transform, names_out, raw, output, probability,
                 single=type(final).__name__ != "HistGradientBoostingClassifier")


def _how(final: Any) -> tuple[str, Callable[[NDArray[Any]], NDArray[Any]], str]:
    name = type(final).__name__
    if name in _FORESTS:
        return "tree", lambda x: final.predict_proba(x)[:, 1], PROBABILITY
    if name in _BOOSTED:
        return "tree", final.decision_function, LOG_ODDS
    if name == "LogisticRegression":
        return "linear", final.decision_function, LOG_ODDS
    return "tree" if name in _NATIVE else "other", lambda x: x, PROBABILITY


def _dense(values: Any) -> NDArray[Any]:
    import numpy as np

    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=float)


# ---- ONNX

_CASTS = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(int32)": "int32",
          "tensor(bool)": "bool"}


def _onnx(path: str) -> Model:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = [(i.name, i.type, i.shape) for i in session.get_inputs()]
    features = tuple(name for name, _, _ in inputs) if len(inputs) > 1 else ()

    def probability(frame: DataFrame) -> NDArray[Any]:
        return _class_one(session.run(None, _feed(frame, inputs)))

    shape = inputs[0][2]
    takes = shape[1] if len(inputs) == 1 and len(shape) == 2 and isinstance(shape[1], int) else len(features)
    return Model("other", features, None, numeric, _same, lambda x: x, PROBABILITY, probability, takes=takes)


def _feed(frame: DataFrame, inputs: list[tuple[str, str, Any]]) -> dict[str, Any]:
    if len(inputs) == 1:
        name, kind, _ = inputs[0]
        return {name: numeric(frame).astype(_CASTS.get(kind, "float32"))}
    pairs = zip(inputs, frame.columns, strict=True)  # in one order; input names have underscores for odd characters
    return {name: _onnx_column(frame, str(column), kind) for (name, kind, _), column in pairs}


def _onnx_column(frame: DataFrame, name: str, kind: str) -> NDArray[Any]:
    values = frame[[name]]
    if kind == "tensor(string)":
        return values.astype(str).to_numpy(dtype=object)
    return numeric(values).astype(_CASTS.get(kind, "float32"))


def _class_one(outputs: list[Any]) -> NDArray[Any]:
    """The probability of class 1 out of what a classifier gives: an array of two columns, or ZipMap's dicts."""
    import numpy as np

    for values in reversed(outputs):
        if isinstance(values, list) and values and isinstance(values[0], dict):
            _two_classes(len(values[0]))
            last = sorted(values[0])[-1]
            return np.array([row[last] for row in values], dtype=float)
        if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind == "f":
            _two_classes(2 if values.shape[1] == 1 else values.shape[1])
            return values[:, -1].astype(float)
    raise UserError("The model gives no probabilities.", "No output of the graph has one column per class.",
                    "Export the classifier with its probabilities.")
