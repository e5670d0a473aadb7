"""Measures of scores that are not made of counts: fairlearn's MetricFrame computes them on the rows, by group.

Slower than everything else here by orders of magnitude, so they are asked for by name, and their replicates are fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import in_files
from desktop_app.analysis.columns import coded, event_among
from desktop_app.analysis.cube import OWN_VALUE, UNKNOWN, Source
from desktop_app.analysis.in_database import DatabaseTable
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import JOIN, ROW_METRICS, FairnessSpec, Measure
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ROWS = 2_000_000
MAX_REPLICATES = 200
_NO_EVENT = {"average_precision": "no rows with the event"}
Measures = dict[str, dict[str, dict[str, Measure]]]  # attribute ("" for all rows) → group → name → measure


@dataclass(frozen=True)
class Rows:
    """The rows that have a label, a score and (where asked for) a weight. groups: attribute → the group of each row."""

    label: NDArray[Any]
    score: NDArray[Any]
    weight: NDArray[Any] | None
    groups: dict[str, NDArray[Any]]


def load(source: Source, spec: FairnessSpec, rows: int, progress: Progress) -> Rows | None:
    """The rows of a table, where a spec asks for such measures. rows: how many it has, as counted before.

    Raises UserError where they cannot be computed, Cancelled.
    """
    import numpy as np

    if not spec.by_row:
        return None
    if unknown := [name for name in spec.by_row if name not in ROW_METRICS]:
        raise UserError(f"“{unknown[0]}” is not known here.", f"Known: {', '.join(ROW_METRICS)}.",
                        "Choose among these.")
    if spec.score is None or spec.label is None:
        raise UserError("These measures are of scores, held against what really happened.", ", ".join(spec.by_row),
                        "Name a column of scores and one with what really happened.")
    if spec.cut:
        raise UserError("These measures are of scores that are probabilities.", "A score whose median decides may be "
                        "anything.", "Leave them out.")
    if isinstance(source, DatabaseTable):
        raise UserError("These measures need the rows, and rows stay in their database.", ", ".join(spec.by_row),
                        "Leave them out, or export the columns that are needed to a file.")
    if rows > MAX_ROWS:
        raise UserError("The table is too large for measures that are computed on the rows.",
                        f"It has {rows:,} rows; up to {MAX_ROWS:,} are taken.", "Leave them out.")
    attributes = tuple(dict.fromkeys([*spec.sensitive, *(p for parts in spec.intersections for p in parts)]))
    found = in_files.fetch(source, in_files.rows(source, spec, attributes), progress)
    kept = np.isfinite(found["score_value"].astype(float))
    codes, texts = coded(found["label"])
    kept &= np.array([t is not None for t in texts])[codes]
    event = event_among(spec.label, sorted({t for t in texts if t is not None}), spec.label_event, OWN_VALUE)
    if spec.weight is not None:
        kept &= found["weight_value"].astype(float) > 0
    if spec.before is not None:
        kept &= np.isfinite(found["before_value"].astype(float))
    if not kept.any():
        return None
    said = {name: _said(found[f"a{i}"][kept]) for i, name in enumerate(attributes)}
    wanted = {name: (name,) for name in spec.sensitive} | spec.crossed
    return Rows(label=np.array([t == event for t in texts], dtype=int)[codes][kept],
                score=found["score_value"][kept].astype(float),
                weight=found["weight_value"][kept].astype(float) if spec.weight is not None else None,
                groups={name: _together([said[part] for part in parts]) for name, parts in wanted.items()})


def _said(column: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    codes, texts = coded(column)
    words: NDArray[Any] = np.array([UNKNOWN if t is None else t for t in texts], dtype=object)[codes]
    return words


def _together(columns: list[NDArray[Any]]) -> NDArray[Any]:
    import numpy as np

    if len(columns) == 1:
        return columns[0]
    return np.array([UNKNOWN if UNKNOWN in values else JOIN.join(values) for values in zip(*columns, strict=True)],
                    dtype=object)


# ---- measuring


def measures(rows: Rows, spec: FairnessSpec, progress: Progress) -> Measures:
    """Each measure of each group, and of all rows, with percentile limits of replicates of the whole table."""
    import numpy as np

    functions = _functions(spec.by_row)
    replicates = min(spec.bootstrap, MAX_REPLICATES)
    places = np.arange(len(rows.label))
    random = np.random.default_rng(spec.seed)
    drawn: list[dict[tuple[str, str, str], float]] = []
    first = dict(_values(rows, functions, places))
    for i in range(replicates):
        progress.step((i + 1) / (replicates + 1), f"measuring on the rows, replicate {i + 1} of {replicates}")
        drawn.append(dict(_values(rows, functions, random.integers(0, len(places), len(places)))))
    found: Measures = {}
    for key, value in first.items():
        attribute, group, name = key
        again = np.array([replicate.get(key, np.nan) for replicate in drawn])
        found.setdefault(attribute, {}).setdefault(group, {})[name] = _measure(
            name, value, again[np.isfinite(again)], len(drawn), spec.seed)
    return found


def _functions(names: tuple[str, ...]) -> dict[str, Callable[..., float]]:
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

    def precision(label: NDArray[Any], score: NDArray[Any], **more: Any) -> float:
        return float(average_precision_score(label, score, **more)) if label.any() else float("nan")

    known: dict[str, Callable[..., float]] = {
        "log_loss": partial(log_loss, labels=[0, 1]), "brier_score": partial(brier_score_loss, labels=[0, 1]),
        "average_precision": precision}
    return {name: known[name] for name in names}


def _values(
    rows: Rows, functions: dict[str, Callable[..., float]], places: NDArray[Any],
) -> Iterator[tuple[tuple[str, str, str], float]]:
    """(attribute, group, name) and the value, over some rows."""
    import pandas as pd
    from fairlearn.metrics import MetricFrame

    weights = {} if rows.weight is None else {"sample_params": {
        name: {"sample_weight": rows.weight[places]} for name in functions}}
    for i, (attribute, groups) in enumerate(rows.groups.items()):
        frame = MetricFrame(metrics=functions, y_true=rows.label[places], y_pred=rows.score[places],
                            sensitive_features=pd.Series(groups[places], name="group"), **weights)
        if i == 0:
            yield from ((("", "all", name), float(frame.overall[name])) for name in functions)
        for group, line in frame.by_group.iterrows():
            yield from (((attribute, str(group), name), float(line[name])) for name in functions)


def _measure(name: str, value: float, again: NDArray[Any], replicates: int, seed: int) -> Measure:
    import numpy as np

    if not np.isfinite(value):
        return Measure(value=None, reason=_NO_EVENT.get(name, "it has no value on these rows"))
    if len(again) < max(1, replicates / 2):
        return Measure(value=number(value), method="on the rows, without an interval")
    without = f", {replicates - len(again):,} without a value" if replicates > len(again) else ""
    low, high = np.quantile(again, (0.025, 0.975))
    return Measure(value=number(value), low=number(float(low)), high=number(float(high)),
                   method=f"on the rows, {replicates:,} replicates, seed {seed}{without}")
