"""What Aequitas and AIF360 make of a table. Run by fairness.py, in environments where nothing of ours is installed:

    python fairness_peers.py aequitas|aif360 TABLE.parquet ROUNDS

Prints JSON: the seconds of the best round, and what was found as lines of attribute, group, name and value. Imports,
reading, and turning the table into what the library takes are apart. Groups are those of sex, of race and of both; each
has six rates, and the ratio of its selection rate to that of the first group.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

BOTH = "sex × race"
Line = tuple[str, str, str, float]


def aequitas(rows: pd.DataFrame) -> Callable[[], Iterator[Line]]:
    """All its rates and disparities in one table. It knows no intersections: both attributes are a third column. Its
    `pprev` is the selection rate; `ppr` is a group's share of all who are selected.
    """
    from aequitas.bias import Bias
    from aequitas.group import Group

    words = rows[["sex", "race"]].astype(str).astype(object)
    table = words.assign(score=rows.d, label_value=rows.y, **{BOTH: words.sex + " × " + words.race})
    first = {"sex": "0", "race": "0", BOTH: "0 × 0"}
    names = {"pprev": "selection_rate", "tpr": "true_positive_rate", "fpr": "false_positive_rate",
             "fnr": "false_negative_rate", "precision": "precision", "accuracy": "accuracy", "pprev_disparity": "ratio"}

    def run() -> Iterator[Line]:
        counted, _ = Group().get_crosstabs(table, attr_cols=list(first))
        found = Bias().get_disparity_predefined_groups(counted, table, first)
        return ((row["attribute_name"], row["attribute_value"], name, float(row[theirs]))
                for _, row in found.iterrows() for theirs, name in names.items())
    return run


def aif360(rows: pd.DataFrame) -> Callable[[], Iterator[Line]]:
    """A metric for each group beside the first one: all its rates at once, and its disparate impact."""
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import ClassificationMetric

    truth = BinaryLabelDataset(df=rows[["sex", "race", "y"]], label_names=["y"],
                               protected_attribute_names=["sex", "race"])
    decided = truth.copy(deepcopy=True)
    decided.labels = rows[["d"]].to_numpy(dtype=float)
    sexes, races = ([{name: value} for value in sorted(rows[name].unique())] for name in ("sex", "race"))
    groups = {"sex": sexes, "race": races, BOTH: [sex | race for sex in sexes for race in races]}
    names = {"TPR": "true_positive_rate", "FPR": "false_positive_rate", "FNR": "false_negative_rate",
             "PPV": "precision", "ACC": "accuracy"}

    def of(metric: Any, attribute: str, group: dict[str, int], privileged: bool) -> Iterator[Line]:
        said = " × ".join(str(value) for value in group.values())
        rates = metric.performance_measures(privileged=privileged)
        yield attribute, said, "selection_rate", float(metric.selection_rate(privileged=privileged))
        yield from ((attribute, said, name, float(rates[theirs])) for theirs, name in names.items())
        if not privileged:
            yield attribute, said, "ratio", float(metric.disparate_impact())

    def run() -> Iterator[Line]:
        for attribute, (first, *others) in groups.items():
            metrics = [ClassificationMetric(truth, decided, [group], [first]) for group in others]
            yield from of(metrics[0], attribute, first, privileged=True)
            for group, metric in zip(others, metrics, strict=True):
                yield from of(metric, attribute, group, privileged=False)
    return run


def main() -> None:
    """The best of some rounds."""
    warnings.simplefilter("ignore")
    logging.disable()  # AIF360 tells of its extras that are not installed
    name, path, rounds = sys.argv[1:]
    run: Any = {"aequitas": aequitas, "aif360": aif360}[name](pd.read_parquet(path))
    taken = []
    for _ in range(int(rounds)):
        began = time.perf_counter()
        found = list(run())
        taken.append(time.perf_counter() - began)
    print(json.dumps({"seconds": min(taken), "found": found}))


if __name__ == "__main__":
    main()
