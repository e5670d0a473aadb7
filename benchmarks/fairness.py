"""How fast a bias report is, against fairlearn and a bare count in the same process. Run by hand:

    python benchmarks/fairness.py [--rows 100000000] [--folder DIR] [--peers]

Prints ratios: replicates against MetricFrame(n_boot=1000) on 10,000 rows; counting and a whole report against
MetricFrame on the rows of a million; a report on many rows of Parquet against a bare DuckDB count of the same cells,
with the memory that was resident (--only-large: in a process of its own). Imports and the file's digest are apart.
--peers compares with fairlearn, Aequitas and AIF360 instead: the last two in environments that are made for them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import fairlearn
import numpy as np
import pandas as pd
from fairlearn import metrics
from sklearn.metrics import accuracy_score, precision_score

from desktop_app.analysis import bootstrap, cube, fairness, intervals
from desktop_app.analysis.table_file import open_file
from desktop_app.domain.evidence import JOIN, Criterion, FairnessResult, FairnessSpec
from desktop_app.domain.model import Pair

SIX = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "precision", "accuracy")
THEIRS: dict[str, Any] = {
    **{name: getattr(metrics, name) for name in SIX[:4]}, "precision": precision_score, "accuracy": accuracy_score}

PEERS = {  # what was found to work together on Python 3.11
    "aequitas": ("aequitas==1.1.0", "pandas==2.3.3", "numpy==2.4.6", "pyarrow==26.0.1"),
    "aif360": ("aif360==0.6.1", "pandas==3.1.1", "numpy==2.4.6", "scikit-learn==1.9.1", "pyarrow==26.0.1")}
FIRST = {"sex": "0", "race": "0", "sex × race": "0 × 0"}  # the groups that ratios are relative to, for every peer
Found = dict[tuple[str, str, str], float]  # by attribute, group and name


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


def numbers(result: FairnessResult) -> Found:
    """The rates of all groups, and the ratios of all but the first of each attribute."""
    rates = {(row.attribute, row.group, m.name): m.measure for row in result.groups for m in row.rates}
    ratios = {(row.attribute, row.group, "ratio"): row.ratio for row in result.groups if row.state != "reference"}
    return {at: float(measure.value or "nan") for at, measure in (rates | ratios).items()}


def of_fairlearn(table: pd.DataFrame) -> Found:
    """A frame for each attribute and one for both; ratios of selection rates to the first group's by hand."""
    found: Found = {}
    for attribute, first in FIRST.items():
        frame = metrics.MetricFrame(metrics=THEIRS, y_true=table.y, y_pred=table.d,
                                    sensitive_features=table[attribute.split(JOIN)]).by_group
        frame.index = [JOIN.join(map(str, group if isinstance(group, tuple) else [group])) for group in frame.index]
        rates = frame.assign(ratio=frame.selection_rate / frame.selection_rate[first])
        found |= {(attribute, group, name): value for name in rates for group, value in rates[name].items()}
    return found


def environment(name: str, folder: Path) -> Path:
    """The interpreter of an environment with a peer in it."""
    made = folder / f"with-{name}"
    python = made / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", made], check=True)
    subprocess.run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *PEERS[name]], check=True)
    return python


def compare(name: str, taken: float, found: Found, mine: Found, counting: float, report: float) -> None:
    """One line about a peer. Ends the run where a number differs."""
    off = max((abs(found.get(at, math.nan) - value) for at, value in mine.items()), key=lambda x: (math.isnan(x), x))
    if not off <= 1e-9:
        raise SystemExit(f"{name}: its numbers differ from ours by up to {off}.")
    print(f"  {name}: {taken:.3f} s, {taken / counting:,.1f}× the counting, {taken / report:,.1f}× the report; numbers "
          f"differ by {off:g} at most")


def against_their_peers(folder: Path, rows: int) -> None:
    """The same groups, rates and ratios by every library, which must be equal before times are compared.

    Ours reads the file and adds intervals and verdicts; theirs start from what they take, in memory. Where nothing is
    there to divide by, we say why, Aequitas and AIF360 have nan, and fairlearn 0: these rows have no such group.
    """
    table, path = people(rows), folder / f"peers-{rows}.parquet"
    table.to_parquet(path)
    file, asked = open_file(path), spec(reference=tuple(Pair(key=a, value=g) for a, g in FIRST.items()))
    mine = numbers(fairness.report(file, asked)[0])
    counting, report = seconds(lambda: cube.count(file, asked)), seconds(lambda: fairness.report(file, asked))
    print(f"{rows:,} rows, {len(mine)} numbers of groups: counting {counting:.3f} s, the whole report {report:.3f} s")
    found: Found = {}
    taken = seconds(lambda: found.update(of_fairlearn(table)), 1)
    compare(f"fairlearn=={fairlearn.__version__}", taken, found, mine, counting, report)
    for name, pins in PEERS.items():
        done = subprocess.run([environment(name, folder), Path(__file__).with_name("fairness_peers.py"), name, path,
                               "3"], check=True, stdout=subprocess.PIPE)
        told = json.loads(done.stdout)
        compare(pins[0], told["seconds"], {tuple(line[:3]): line[3] for line in told["found"]}, mine, counting, report)


def main() -> None:
    """All of them."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only-large", action="store_true", help="in a process of its own, for the memory")
    parser.add_argument("--peers", action="store_true",
                        help="against Aequitas and AIF360 instead: 1.3 GB of packages, kept where a folder is given")
    given = parser.parse_args()
    intervals.wilson(1, 2)
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        if given.peers:
            against_their_peers(folder, 100_000)
            against_their_peers(folder, 1_000_000)
            return
        if not given.only_large:
            against_their_bootstrap()
            whole_report(folder)
            against_their_frame(folder)
        against_a_bare_count(folder, given.rows)


if __name__ == "__main__":
    main()
