"""How fast a bias report is, against fairlearn and a bare count in the same process. Run by hand:

    python benchmarks/fairness.py [--rows 100000000] [--folder DIR]

Prints ratios: replicates against MetricFrame(n_boot=1000) on 10,000 rows; counting and a whole report against
MetricFrame on the rows of a million; a report on many rows of Parquet against a bare DuckDB count of the same cells,
with the memory that was resident (--only-large: in a process of its own). Imports and the file's digest are apart.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from fairlearn import metrics
from sklearn.metrics import accuracy_score, precision_score

from desktop_app.analysis import bootstrap, cube, fairness, intervals
from desktop_app.analysis.table_file import open_file
from desktop_app.domain.evidence import Criterion, FairnessSpec

SIX = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "precision", "accuracy")
THEIRS: dict[str, Any] = {
    **{name: getattr(metrics, name) for name in SIX[:4]}, "precision": precision_score, "accuracy": accuracy_score}


def people(rows: int, seed: int = 1) -> pd.DataFrame:
    """Rows with two attributes, a label and a decision."""
    made = np.random.default_rng(seed)
    group = made.integers(0, 7, rows).astype(np.int8)
    label = (made.random(rows) < .3).astype(np.int8)
    return pd.DataFrame({"sex": made.integers(0, 2, rows).astype(np.int8), "race": group, "y": label,
                         "d": (made.random(rows) < .2 + .4 * label + .02 * group).astype(np.int8)})


def spec(**changes: Any) -> FairnessSpec:
    """Two attributes crossed, six metrics, an impact ratio for each."""
    base: dict[str, Any] = {
        "label": "y", "decision": "d", "positive": "1", "favourable": True, "sensitive": ("sex", "race"),
        "intersections": (("sex", "race"),), "metrics": SIX, "criteria": tuple(
            Criterion(metric="impact_ratio", attribute=a, threshold="0.8", direction="at_least")
            for a in ("sex", "race", "sex × race"))}
    return FairnessSpec(**(base | changes))


def seconds(run: Callable[[], object], rounds: int = 3) -> float:
    """The best of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found)


def frame_of(rows: pd.DataFrame, **more: Any) -> Any:
    """What fairlearn makes of the rows."""
    return metrics.MetricFrame(metrics=THEIRS, y_true=rows.y, y_pred=rows.d,
                               sensitive_features=rows[["sex", "race"]], **more)


def replicates(rows: pd.DataFrame, count: int) -> dict[str, np.ndarray[Any, Any]]:
    """The six rates of all fourteen groups in so many replicates, with their percentile limits, from rows in memory."""
    place = ((rows.sex.to_numpy() * 7 + rows.race.to_numpy()) * 2 + rows.y.to_numpy()) * 2 + rows.d.to_numpy()
    drawn = bootstrap.draws(np.bincount(place, minlength=56), count, 1).reshape(count, 14, 4).astype(np.float32)
    tn, fp, fn, tp = (drawn[..., i] for i in range(4))
    n = tn + fp + fn + tp
    with np.errstate(divide="ignore", invalid="ignore"):
        made = {"selection_rate": (fp + tp) / n, "true_positive_rate": tp / (tp + fn),
                "false_positive_rate": fp / (fp + tn), "false_negative_rate": fn / (tp + fn),
                "precision": tp / (tp + fp), "accuracy": (tn + tp) / n}
    return {name: np.nanquantile(values, (.025, .975), axis=0) for name, values in made.items()}


def against_their_bootstrap() -> None:
    """1,000 replicates on 10,000 rows."""
    rows = people(10_000)
    ours = seconds(lambda: replicates(rows, 1000), 5)
    counts = np.bincount(((rows.sex * 7 + rows.race) * 4 + rows.y * 2 + rows.d).to_numpy(), minlength=56)
    drawing = seconds(lambda: bootstrap.draws(counts, 1000, 1), 5)
    small = seconds(lambda: frame_of(rows, n_boot=20, ci_quantiles=[.025, .975], random_state=1), 1)
    large = seconds(lambda: frame_of(rows, n_boot=60, ci_quantiles=[.025, .975], random_state=1), 1)
    theirs = large + (large - small) / 40 * 940
    print(f"10,000 rows, 1,000 replicates of six rates in fourteen groups: {ours * 1e3:.2f} ms, of which drawing "
          f"{drawing * 1e3:.2f} ms; fairlearn {theirs:.0f} s (from 20 and 60 replicates): {theirs / ours:,.0f}×, "
          f"drawing alone {theirs / drawing:,.0f}× (asked 20,000)")


def whole_report(folder: Path) -> None:
    """100,000 rows, two attributes crossed, six metrics, 2,000 replicates."""
    path = folder / "small.parquet"
    people(100_000).to_parquet(path)
    file, asked = open_file(path), spec(bootstrap=2000)
    print(f"100,000 rows, whole report with 2,000 replicates: {seconds(lambda: fairness.report(file, asked)):.2f} s "
          "(asked under 1)")


def against_their_frame(folder: Path) -> None:
    """A million rows without intervals."""
    rows, path = people(1_000_000), folder / "million.parquet"
    rows.to_parquet(path)
    file, asked = open_file(path), spec()
    theirs = seconds(lambda: frame_of(rows), 1)
    counting, report = seconds(lambda: cube.count(file, asked), 5), seconds(lambda: fairness.report(file, asked))
    print(f"1,000,000 rows: fairlearn {theirs:.1f} s; counting {counting:.3f} s, {theirs / counting:,.0f}× (asked "
          f"1,000); the whole report {report:.3f} s, {theirs / report:,.0f}× (asked 150)")


def against_a_bare_count(folder: Path, rows: int) -> None:
    """Many rows of Parquet: counts, intervals and verdicts against a bare count of the same cells."""
    path = folder / "large.parquet"
    if not path.exists():
        part = 10_000_000
        with duckdb.connect() as connection:
            for i in range(max(1, rows // part)):
                connection.register("part", people(min(part, rows), i))
                connection.execute("INSERT INTO whole SELECT * FROM part" if i else
                                   "CREATE TABLE whole AS SELECT * FROM part")
            connection.execute(f"COPY whole TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    digest = time.perf_counter()
    file = open_file(path)
    digest = time.perf_counter() - digest
    asked = spec()
    bare = seconds(lambda: duckdb.sql(
        f"SELECT sex, race, y, d, count(*) FROM read_parquet('{path}') GROUP BY ALL").fetchall())
    ours = seconds(lambda: fairness.report(file, asked))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{rows:,} rows of Parquet ({path.stat().st_size >> 20:,} MiB): bare count {bare:.2f} s, report {ours:.2f} s,"
          f" {ours / bare:.2f}× (asked 1.5); digest {digest:.2f} s; resident at most {peak >> 10:,} MiB, before "
          f"{before >> 10:,} (asked under 500)")


def main() -> None:
    """All of them."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only-large", action="store_true", help="in a process of its own, for the memory")
    given = parser.parse_args()
    intervals.wilson(1, 2)
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        if not given.only_large:
            against_their_bootstrap()
            whole_report(folder)
            against_their_frame(folder)
        against_a_bare_count(folder, given.rows)


if __name__ == "__main__":
    main()
