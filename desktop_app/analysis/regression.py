"""Bias reports of a model that predicts a number: means and errors by group, and the gaps between groups.

One pass, by DuckDB over files or in the database of a table that stays there, sums by group the label y and the
prediction p, each less a value near its middle so that no digits are lost, and the powers of the error p − y; every
measure is arithmetic on these sums. Intervals are normal, by the variance of
what is averaged; that of the root mean squared error by the delta method. Weights are not for this.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import in_database, in_files, pairs
from desktop_app.analysis.columns import NO_NUMBER, NONE, as_text, named
from desktop_app.analysis.counts import MAX_GROUPS, natural
from desktop_app.analysis.cube import UNKNOWN, Source
from desktop_app.analysis.in_database import DatabaseTable
from desktop_app.analysis.intervals import z_value
from desktop_app.analysis.pairs import NORMAL, Mean
from desktop_app.analysis.verdicts import CONFIDENCE, Comparison, Judgement, Question
from desktop_app.domain import canonical, words
from desktop_app.domain.canonical import Digest, number
from desktop_app.domain.evidence import JOIN, FairnessSpec, GroupRow, Measure, NamedMeasure
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

DELTA = "delta method 95 %"
MEASURES = ("mean_prediction", "mean_label", "bias", "mean_absolute_error", "root_mean_squared_error", "r_squared")
GAPS = {  # metric of a criterion → the measure compared, how it is said
    "mean_prediction_difference": ("mean_prediction", "the largest difference of mean predictions"),
    "bias_difference": ("bias", "the largest difference of mean errors"),
    "mean_absolute_error_difference": ("mean_absolute_error", "the largest difference of mean absolute errors")}
_BITS = 16  # of what is taken off the label and the prediction
_SUMS = ("n", "y", "p", "yy", "pp", "e", "ae", "ee", "eeee")
_AVERAGED = {"mean_prediction": ("p", "pp"), "mean_label": ("y", "yy"), "bias": ("e", "ee"),
             "mean_absolute_error": ("ae", "ee")}  # the sum of it, the sum of its square


@dataclass(frozen=True)
class Sums:
    """Of one group: how many rows, and sums over them (`_SUMS`). middle: what was taken off each label, prediction."""

    group: str
    values: tuple[float, ...]
    middle: tuple[float, float] = (0.0, 0.0)

    def of(self, name: str) -> float:
        """One of the sums."""
        return self.values[_SUMS.index(name)]

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.values[0])

    def mean(self, measure: str) -> tuple[float, float]:
        """Something averaged over the rows, and the standard error of that (n − 1 in the variance)."""
        one, square = (self.of(name) for name in _AVERAGED[measure])
        value = one / self.n
        taken = {"mean_label": self.middle[0], "mean_prediction": self.middle[1]}.get(measure, 0.0)
        return taken + value, math.sqrt(max(0.0, square / self.n - value**2) / (self.n - 1)) if self.n > 1 else math.inf


@dataclass(frozen=True)
class Summed:
    """A table as sums by group of each attribute; what `counts.Counted` is for decisions."""

    overall: Sums
    groups: dict[str, tuple[Sums, ...]]
    read: int
    notes: tuple[str, ...]
    digest: Digest

    @property
    def rows(self) -> int:
        """Rows that have a label and a prediction."""
        return self.overall.n


def count(source: Source, spec: FairnessSpec, progress: Progress | None = None) -> Summed:
    """Sum a table as a spec asks. Raises UserError for columns that cannot be used; Cancelled."""
    of_decisions = (spec.weight, spec.before, spec.strata, spec.date, spec.by_row, spec.search, spec.group_cut_offs,
                    spec.least_share)
    if spec.label is None or any(of_decisions):
        raise UserError("A prediction of a number is held against a label, row by row.",
                        "A label is needed; weights, strata, a version before, days, searches and measures on the rows "
                        "are for decisions.",
                        "Name the column with what really happened, and leave out the others.")
    attributes = tuple(dict.fromkeys([*spec.sensitive, *(p for parts in spec.intersections for p in parts)]))
    columns = (spec.label, str(spec.prediction))
    for column in (*attributes, *columns):
        named(source, column)
    progress = progress or Progress()
    first, second = progress.part(0.0, 0.4), progress.part(0.4, 1.0)
    if isinstance(source, DatabaseTable):
        middle = _middle(in_database.run(source, in_database.means(source, *columns), first))
        found = in_database.run(source, in_database.sums(source, *columns, attributes, middle), second)
    else:
        middle = _middle(in_files.fetch(source, in_files.means(source, *columns), first))
        found = in_files.fetch(source, in_files.sums(source, *columns, attributes, middle), second)
    return _summed(spec, attributes, found, middle)


def _middle(means: dict[str, NDArray[Any]]) -> tuple[float, float]:
    """Values near the means of the label and of the prediction, with few digits: every engine takes off the same."""
    return _short(means["y"][0]), _short(means["p"][0])


def _short(value: float | None) -> float:
    if value is None or not math.isfinite(value):
        return 0.0
    part, power = math.frexp(value)
    return math.ldexp(round(part * 2**_BITS), power - _BITS)


def _summed(
    spec: FairnessSpec, attributes: tuple[str, ...], found: dict[str, NDArray[Any]], middle: tuple[float, float],
) -> Summed:
    import numpy as np

    kept, notes = np.ones(len(found["n"]), dtype=bool), []
    for kind, column in (("label", spec.label), ("prediction", spec.prediction)):
        state = found[f"{kind}_state"].astype(int)
        if wrong := int(found["n"][state == NO_NUMBER].sum()):
            raise UserError(f"Column “{column}” is not all numbers.", f"{wrong:,} rows have a value that is no finite "
                            "number.", "Choose a numeric column, or correct these values.")
        if gone := int(found["n"][(state == NONE) & kept].sum()):
            notes.append(f"{gone:,} rows were left out: {column} is missing.")
        kept &= state != NONE
    if not kept.any():
        raise UserError("No row has both a label and a prediction.", f"{int(found['n'].sum()):,} rows were read.",
                        "Choose columns that are filled in.")
    table = np.stack([found[name][kept].astype(float) for name in _SUMS], axis=1)
    if not np.isfinite(table).all():
        raise UserError("These numbers are too large to be compared.", f"“{spec.label}” and “{spec.prediction}”.",
                        "Give both in larger units.")
    said = [[_said(value) for value in found[f"a{i}"][kept]] for i in range(len(attributes))]
    groups = {}
    for parts in (*((name,) for name in spec.sensitive), *spec.intersections):
        columns = [said[attributes.index(part)] for part in parts]
        groups[JOIN.join(parts)] = _grouped(columns, table, middle)
    notes += [f"{name}: {s.n:,} rows with no known value, shown as “{UNKNOWN}”, outside the criteria."
              for name, found_ in groups.items() for s in found_ if s.group == UNKNOWN]
    read = int(found["n"].sum())
    digest = hashlib.sha256(canonical.jcs({"read": read, "groups": {
        name: [[s.group, s.n] for s in found_] for name, found_ in groups.items()}}))
    return Summed(Sums("all", tuple(float(v) for v in table.sum(axis=0)), middle), groups, read, tuple(notes),
                  Digest(digest.hexdigest()))


def _said(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - not a number
        return UNKNOWN
    return as_text(value) or UNKNOWN


def _grouped(columns: list[list[str]], table: NDArray[Any], middle: tuple[float, float]) -> tuple[Sums, ...]:
    import numpy as np

    sums: dict[str, NDArray[Any]] = {}
    for values, row in zip(zip(*columns, strict=True), table, strict=True):
        group = UNKNOWN if UNKNOWN in values else JOIN.join(values)
        sums[group] = sums.get(group, np.zeros(len(_SUMS))) + row
    if len(sums) > MAX_GROUPS + 1:
        raise UserError(f"There are {len(sums):,} groups.", f"Groups are compared for up to {MAX_GROUPS} values.",
                        "Put the values into bands first.")
    return tuple(Sums(name, tuple(float(v) for v in sums[name]), middle)
                 for name in sorted(sums, key=lambda g: (g == UNKNOWN, natural(g))))


# ---- measures


def measures(sums: Sums) -> tuple[NamedMeasure, ...]:
    """Every measure of a group with its interval."""
    made = {name: _mean(sums, name) for name in _AVERAGED}
    made |= {"root_mean_squared_error": _rmse(sums), "r_squared": _r_squared(sums)}
    return tuple(NamedMeasure(name=name, measure=made[name]) for name in MEASURES)


def _mean(sums: Sums, name: str) -> Measure:
    value, error = sums.mean(name)
    half = z_value(CONFIDENCE) * error
    if not math.isfinite(half):
        return Measure(value=number(value), method=NORMAL, reason="too few rows for an interval")
    return Measure(value=number(value), low=number(value - half), high=number(value + half), method=NORMAL)


def _rmse(sums: Sums) -> Measure:
    mean = sums.of("ee") / sums.n
    value = math.sqrt(mean)
    if sums.n < 2 or not value:
        return Measure(value=number(value), method=DELTA, reason="too few rows, or no errors")
    spread = max(0.0, sums.of("eeee") / sums.n - mean**2) / (sums.n - 1)
    half = z_value(CONFIDENCE) * math.sqrt(spread) / (2 * value)
    return Measure(value=number(value), low=number(max(0.0, value - half)), high=number(value + half), method=DELTA)


def _r_squared(sums: Sums) -> Measure:
    """Of 1 − Σ(p − y)² / Σ(y − mean)², where the label varies."""
    around = sums.of("yy") - sums.of("y") ** 2 / sums.n
    if around <= 1e-12 * max(1.0, sums.of("yy")):
        return Measure(value=None, reason="the label does not vary")
    return Measure(value=number(1 - sums.of("ee") / around), method="without an interval")


def row(spec: FairnessSpec, attribute: str, sums: Sums, reference: str | None) -> GroupRow:
    """A group of a report: it has measures, and nobody is selected."""
    state = "reference" if sums.group == reference else "too few" if sums.n < spec.minimum_group else \
        UNKNOWN if sums.group == UNKNOWN else "ok"
    return GroupRow(attribute=attribute, group=sums.group, n=sums.n, selected=0, positives=None, true_positives=None,
                    rates=measures(sums), relative_to="", state=state,
                    ratio=Measure(value=None, reason="a prediction of a number selects nobody"))


# ---- gaps


def compared(groups: list[Sums], measure: str, reference: str | None = None) -> list[Comparison]:
    """Groups of two rows or more, by a mean."""
    return pairs.of_means([Mean(g.group, *g.mean(measure), g.n) for g in groups if g.n > 1], reference)


def gap(groups: list[Sums], metric: str) -> Measure:
    """The largest gap over all known groups."""
    found = compared(groups, GAPS[metric][0])
    if not found:
        return Measure(value=None, reason="fewer than two groups have two rows")
    return Judgement(Question(metric, (), "at_most", "interval", 0.0), tuple(found)).measure


def small(spec: FairnessSpec, summed: Summed) -> tuple[str, ...]:
    """Which groups are too few to be judged."""
    return tuple(f"{attribute}: “{s.group}” has {words.counted(s.n, 'row')}, fewer than {spec.minimum_group:,}: "
                 "too few to judge." for attribute, groups in summed.groups.items() for s in groups
                 if s.group != UNKNOWN and s.n < spec.minimum_group)
