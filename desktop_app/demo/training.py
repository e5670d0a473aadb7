"""Trains the demo's models and scores their hold-out tables: five versions of three models, in four file formats.

Every number that the demo tells of them is measured later, by the registry's own evidence, on the tables written
here. A seed fixes data and training; the cut of each version is the training score above which a quarter lies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.demo import generator
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from pandas import DataFrame, Series

SCORECARD, THIN_FILE, ARREARS = "Card default scorecard", "Thin-file applicants", "Collections early arrears"
AFFORDABILITY = ("income", "employment_years", "debt_ratio", "utilisation", "prior_defaults", "open_loans",
                 "enquiries_6m", "months_at_bank")
THIN = ("income", "employment_years", "debt_ratio", "enquiries_6m")
ACCOUNT = ("days_past_due", "balance", "missed_before", "contacted_before", "salary_in")
SEED = 20_260
DECLINED_SHARE = 0.25


@dataclass(frozen=True)
class Plan:
    """One version to train. `target`: what it is fitted to · `outcome`: what it is judged on."""

    model: str
    label: str
    technique: str
    features: tuple[str, ...]
    target: str
    outcome: str
    decision: str
    fit: Callable[[DataFrame, Series[Any]], Any]
    save: Callable[[Any, Path, tuple[str, ...]], Path]
    params: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """A trained version: its file, its tables, what it was trained with. `score` and the decision are columns of
    `holdout`; `cut`: the score from which on the decision is made; `example`: a row it decides against, from 0.
    """

    plan: Plan
    artefact: Path
    train: Path
    holdout: Path
    train_rows: int
    holdout_rows: int
    cut: float
    example: int
    train_auc: float

    @property
    def label(self) -> str:
        """The version's label."""
        return self.plan.label


def train_all(folder: Path, applicants: int, progress: Progress) -> tuple[Trained, ...]:
    """Train every version into `folder`. applicants: rows drawn for the scorecard, 60 % of them for training."""
    tables, models = folder / "tables", folder / "models"
    tables.mkdir(parents=True, exist_ok=True)
    models.mkdir(parents=True, exist_ok=True)
    drawn = {SCORECARD: generator.applicants(applicants, SEED),
             THIN_FILE: generator.applicants(max(600, applicants // 20), SEED + 1),
             ARREARS: generator.accounts(max(900, applicants // 4), SEED + 2)}
    made = []
    for n, plan in enumerate(plans()):
        progress.step(n / 5, f"training {plan.model}, version {plan.label}")
        made.append(_train(plan, drawn[plan.model], tables, models))
    return tuple(made)


def plans() -> tuple[Plan, ...]:
    """What is trained, in the order in which it is registered."""
    declined = {"target": "default_12m", "outcome": "default_12m", "decision": "declined"}
    return (
        Plan(SCORECARD, "1", "logistic regression (scikit-learn)", AFFORDABILITY, fit=_logistic, save=_skops,
             params={"C": 1.0, "scaling": "standard"}, **declined),
        Plan(SCORECARD, "2", "gradient boosted trees (XGBoost)", (*AFFORDABILITY, "part_time"), fit=_xgboost,
             save=_xgboost_json, params=_XGBOOST, **(declined | {"target": "referred"})),
        Plan(SCORECARD, "3", "gradient boosted trees (LightGBM)", AFFORDABILITY, fit=_lightgbm, save=_lightgbm_text,
             params=_LIGHTGBM, **declined),
        Plan(ARREARS, "1", "gradient boosted trees (scikit-learn)", ACCOUNT, "rolls_60d", "rolls_60d", "called",
             fit=_boosting, save=_onnx, params=_BOOSTING),
        Plan(THIN_FILE, "1", "random forest (scikit-learn)", THIN, fit=_forest, save=_skops, params=_FOREST,
             **declined),
    )


def _train(plan: Plan, drawn: DataFrame, tables: Path, models: Path) -> Trained:
    split = int(len(drawn) * 0.6)
    train, holdout = drawn.iloc[:split], drawn.iloc[split:]
    model = plan.fit(train[list(plan.features)], train[plan.target])
    fitted = _scores(model, train[list(plan.features)])
    cut = round(float(fitted.quantile(1 - DECLINED_SHARE)), 6)
    name = f"{plan.model.lower().replace(' ', '_').replace('-', '_')}_{plan.label}"
    score = _scores(model, holdout[list(plan.features)]).round(6)  # as written: a cut of it decides
    paths = tables / f"{name}_train.csv", tables / f"{name}_holdout.csv"
    train.to_csv(paths[0], index=False)
    holdout.assign(score=score, **{plan.decision: (score >= cut).astype(int)}).to_csv(paths[1], index=False)
    return Trained(plan=plan, artefact=plan.save(model, models / name, plan.features), train=paths[0],
                   holdout=paths[1], train_rows=len(train), holdout_rows=len(holdout), cut=cut,
                   example=int((score >= cut).to_numpy().argmax()), train_auc=_auc(train[plan.target], fitted))


def _scores(model: Any, features: DataFrame) -> Series[Any]:
    import pandas as pd

    return pd.Series(model.predict_proba(features)[:, 1], index=features.index, dtype=float)


def _auc(outcome: Series[Any], score: Series[Any]) -> float:
    from sklearn.metrics import roc_auc_score

    return round(float(roc_auc_score(outcome, score)), 6)


# ---- fitting

_XGBOOST: dict[str, Any] = {"n_estimators": 120, "max_depth": 3, "learning_rate": 0.1, "n_jobs": 1, "random_state": 1}
_LIGHTGBM: dict[str, Any] = {"n_estimators": 90, "num_leaves": 8, "learning_rate": 0.06, "n_jobs": 1,
                             "random_state": 1, "deterministic": True, "force_row_wise": True, "verbose": -1}
_BOOSTING: dict[str, Any] = {"n_estimators": 60, "max_depth": 2, "learning_rate": 0.1, "random_state": 1}
_FOREST: dict[str, Any] = {"n_estimators": 60, "max_depth": 4, "min_samples_leaf": 5, "random_state": 1}


def _logistic(x: DataFrame, y: Series[Any]) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=1.0)).fit(x, y)


def _xgboost(x: DataFrame, y: Series[Any]) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(**_XGBOOST).fit(x, y)


def _lightgbm(x: DataFrame, y: Series[Any]) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(**_LIGHTGBM).fit(x, y)


def _boosting(x: DataFrame, y: Series[Any]) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(**_BOOSTING).fit(x, y)


def _forest(x: DataFrame, y: Series[Any]) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**_FOREST).fit(x, y)


# ---- saving, in formats that hold data only


def _skops(model: Any, stem: Path, features: tuple[str, ...]) -> Path:  # noqa: ARG001
    import skops.io

    path = stem.with_suffix(".skops")
    path.write_bytes(skops.io.dumps(model))
    return path


def _xgboost_json(model: Any, stem: Path, features: tuple[str, ...]) -> Path:  # noqa: ARG001
    path = stem.with_suffix(".json")
    model.get_booster().save_model(path)
    return path


def _lightgbm_text(model: Any, stem: Path, features: tuple[str, ...]) -> Path:  # noqa: ARG001
    path = stem.with_suffix(".txt")
    model.booster_.save_model(path)
    return path


def _onnx(model: Any, stem: Path, features: tuple[str, ...]) -> Path:
    """ONNX; skops where skl2onnx is not installed (extra “demo”)."""
    try:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType
    except ImportError:
        return _skops(model, stem, features)
    graph = convert_sklearn(model, initial_types=[("features", FloatTensorType([None, len(features)]))],
                            options={id(model): {"zipmap": False}})
    path = stem.with_suffix(".onnx")
    path.write_bytes(graph.SerializeToString())
    return path
