"""Explanations and scores of data-only models, computed in the worker; what comes back is checked like any input."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop_app.analysis import artefacts
from desktop_app.analysis.sandbox import host
from desktop_app.analysis.sandbox.explaining import check_rows, simple
from desktop_app.analysis.table import Table, column
from desktop_app.domain import canonical
from desktop_app.domain.evidence import ArtefactScan, ExplanationResult, ExplanationSpec
from desktop_app.errors import UserError
from desktop_app.progress import Progress

LIBRARIES = ("shap", "numpy", "pandas", "scikit-learn", "skops", "onnxruntime", "xgboost", "lightgbm")
_MOST_FEATURES = 10_000


def check(
    model_path: Path, scan: ArtefactScan, table: Table, spec: ExplanationSpec, progress: Progress | None = None,
    limits: host.Limits | None = None,
) -> None:
    """Ask the model, in the worker, whether it takes these features; computes nothing.

    Raises UserError: not loadable, features it lacks or does not know, a column or row that the table does not have.
    """
    for name in spec.features:
        column(table, name)
    check_rows(spec, table.input.rows)
    with _copied(model_path, scan) as (folder, model):
        host.run({"task": "check", "model": str(model), "format": scan.format, "features": list(spec.features)},
                 folder, progress or Progress(), limits)


def explain(
    model_path: Path, scan: ArtefactScan, table_path: Path, spec: ExplanationSpec, progress: Progress | None = None,
    limits: host.Limits | None = None,
) -> ExplanationResult:
    """SHAP values of class 1: global importances over `spec.rows` rows, and one record.

    scan: from `artefacts.inspect`. Raises UserError: not loadable, wrong features, crash, time-out, memory, nonsense.
    """
    with _copied(model_path, scan) as (folder, model):
        request = _request("explain", model, scan, table_path) | {"spec": canonical.plain(spec)}
        answer = host.run(request, folder, progress or Progress(), limits)
    try:
        result = canonical.build(ExplanationResult, answer)
    except (canonical.NotCanonical, TypeError, AttributeError) as error:
        raise _nonsense() from error
    _check(result, spec)
    return replace(result, isolation=host.ISOLATION)


def score(
    model_path: Path, scan: ArtefactScan, table_path: Path, features: tuple[str, ...],
    progress: Progress | None = None, limits: host.Limits | None = None,
) -> list[float]:
    """The probability of class 1 for every row of the table, to make a decision column from. Raises as `explain`."""
    with _copied(model_path, scan) as (folder, model):
        request = _request("score", model, scan, table_path) | {"features": list(features)}
        answer = host.run(request, folder, progress or Progress(), limits)
    scores = answer.get("scores")
    if not isinstance(scores, list) or not all(isinstance(s, float) and 0 <= s <= 1 for s in scores):
        raise _nonsense()
    return scores


def features(
    model_path: Path, scan: ArtefactScan, progress: Progress | None = None, limits: host.Limits | None = None,
) -> tuple[str, ...]:
    """The names of the model's features in its own order, () where it does not say. Raises as `explain`."""
    with _copied(model_path, scan) as (folder, model):
        request = {"task": "features", "model": str(model), "format": scan.format}
        answer = host.run(request, folder, progress or Progress(), limits)
    named = answer.get("features")
    if not isinstance(named, list) or len(named) > _MOST_FEATURES \
            or any(not isinstance(name, str) or not 0 < len(name) <= 1_000 for name in named):
        raise _nonsense()
    return tuple(named)


def among(named: tuple[str, ...], columns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the columns that are the features named, in the model's order; the features that no column is)."""
    known = {simple(column): column for column in columns} | {column: column for column in columns}
    found = [known.get(name) or known.get(simple(name)) for name in named]
    return tuple(c for c in found if c), tuple(n for n, c in zip(named, found, strict=True) if not c)


@contextmanager
def _copied(model_path: Path, scan: ArtefactScan) -> Iterator[tuple[Path, Path]]:
    """A scratch folder with a copy of the model, looked at once more: what is opened is what was scanned."""
    if not scan.loadable:
        raise UserError("This model is not opened.", f"Its format: {scan.format}; {scan.reason}.",
                        "Export it as skops, ONNX, XGBoost or LightGBM, or bring in its predictions as a table.")
    with host.scratch() as folder:
        source = artefacts.model_file(model_path, scan)
        copy = folder / ("model.ubj" if ("encoding", "ubj") in ((p.key, p.value) for p in scan.details)
                         else "model.json" if scan.format == "xgboost" else f"model.{scan.format}")
        try:
            shutil.copyfile(source, copy, follow_symlinks=False)
        except OSError as error:
            raise UserError(f"{source.name} cannot be read.", error.strerror or str(error),
                            "Check that it is there and that you may read it.") from error
        _, again = artefacts.inspect(copy)
        if (again.format, again.loadable) != (scan.format, True):
            raise UserError("The model file has changed since it was looked at.", f"Now: {again.reason}.",
                            "Look at the file again.")
        yield folder, copy


def _request(task: str, model: Path, scan: ArtefactScan, table: Path) -> dict[str, Any]:
    return {"task": task, "model": str(model), "format": scan.format, "table": str(table.absolute())}


def _nonsense() -> UserError:
    return UserError("The model could not be run.", "Its process answered in a form that is not understood.",
                     "Look at the file with the people who made it.")


def _check(result: ExplanationResult, spec: ExplanationSpec) -> None:
    """The worker's answer is untrusted: sizes, finite numbers, printable text."""
    local = result.local
    numbers = [result.additivity_residual, local.base, local.output]
    numbers += [i.mean_abs for i in result.importances] + [c.contribution for c in local.contributions]
    numbers += [i.direction for i in result.importances if i.direction is not None]
    words = [result.explainer, result.output, *result.notes, *(i.feature for i in result.importances),
             *(text for c in local.contributions for text in (c.feature, c.value))]
    if local.row != spec.row or not 0 < len(result.importances) <= _MOST_FEATURES \
            or any(not _is_number(n) for n in numbers) or any(len(w) > 1_000 for w in words):
        raise _nonsense()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and repr(float(text)) == text
    except ValueError:
        return False
