"""Confusion cells by group, out of the cube: every rate, gap and interval is arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import cube as cubes
from desktop_app.analysis.columns import event_among
from desktop_app.analysis.cube import OWN_VALUE, UNKNOWN, Cube, Source
from desktop_app.analysis.table import Table, texts
from desktop_app.domain.canonical import Digest
from desktop_app.domain.evidence import JOIN, WEIGHED, FairnessSpec
from desktop_app.domain.words import counted as counted_words
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import Series

    from desktop_app.analysis.by_row import Rows

__all__ = ["OWN_VALUE", "RATES", "UNKNOWN", "Cells", "Counted", "count", "event_column", "opposed"]
MAX_GROUPS = 200
TN, FP, FN, TP = range(4)
_ALL, _EVENT, _NO_EVENT, _SELECTED, _OTHERS = (TN, FP, FN, TP), (FN, TP), (TN, FP), (FP, TP), (TN, FN)
RATES: dict[str, tuple[tuple[int, ...], tuple[int, ...], str]] = {  # numerator, denominator, what that counts
    "selection_rate": (_SELECTED, _ALL, "rows"),
    "true_positive_rate": ((TP,), _EVENT, "rows with the event"),
    "false_positive_rate": ((FP,), _NO_EVENT, "rows without the event"),
    "true_negative_rate": ((TN,), _NO_EVENT, "rows without the event"),
    "false_negative_rate": ((FN,), _EVENT, "rows with the event"),
    "precision": ((TP,), _SELECTED, "selected rows"),
    "negative_predictive_value": ((TN,), _OTHERS, "rows that were not selected"),
    "false_discovery_rate": ((FP,), _SELECTED, "selected rows"),
    "false_omission_rate": ((FN,), _OTHERS, "rows that were not selected"),
    "accuracy": ((TN, TP), _ALL, "rows"),
    "prevalence": (_EVENT, _ALL, "rows"),
}


@dataclass(frozen=True)
class Cells:
    """Rows of one group by (label, decision); without a label column everything is counted under label 0.

    tn, fp, fn, tp: rows · w, w2: sums of their weights and of the squares of these, in that order; None: no weights.
    """

    group: str
    tn: int
    fp: int
    fn: int
    tp: int
    labelled: bool
    w: tuple[float, ...] | None = None
    w2: tuple[float, ...] | None = None
    capped: bool = False  # whether they are worth no more rows than Kish's number, as from the second edition on

    @property
    def rows(self) -> tuple[int, ...]:
        """The four counts."""
        return self.tn, self.fp, self.fn, self.tp

    @property
    def weights(self) -> tuple[float, ...]:
        """The four sums that rates are made of."""
        return self.w or tuple(float(n) for n in self.rows)

    @property
    def n(self) -> int:
        """All rows."""
        return sum(self.rows)

    @property
    def selected(self) -> int:
        """Rows the model selects."""
        return self.fp + self.tp

    @property
    def positives(self) -> int:
        """Rows whose label is the event."""
        return self.fn + self.tp

    def favourable(self, selected_is_good: bool) -> tuple[float, float]:
        """(k, n) of the outcome that is good for the person."""
        return self._share(_SELECTED if selected_is_good else _OTHERS, _ALL)

    @property
    def misses(self) -> tuple[float, float]:
        """(k, n): rows with the event that were not selected, of all that were judged wrongly."""
        return self._share((FN,), (FN, FP))

    def rate(self, name: str) -> tuple[float, float, str]:
        """(k, n, what n counts) of a rate by its name in `RATES`: rows, or with weights as many as they are worth."""
        over, under, of = RATES[name]
        return *self._share(over, under), of

    def _share(self, over: tuple[int, ...], under: tuple[int, ...]) -> tuple[float, float]:
        """So many of so many; with weights as `worth`."""
        if self.w is None or self.w2 is None:
            return sum(self.rows[i] for i in over), sum(self.rows[i] for i in under)
        rest = [i for i in under if i not in over]
        ones, zeros, ones2, zeros2 = (sum(part[i] for i in place) for part in (self.w, self.w2)
                                      for place in (over, rest))
        return worth(ones, zeros, ones2, zeros2, capped=self.capped)


def worth(ones: float, zeros: float, ones2: float, zeros2: float, *, capped: bool = True) -> tuple[float, float]:
    """(k, n) of a weighted share from the sums of weights, and of their squares, of rows that have it and that have it
    not. n is the effective number of rows, from the linearised variance of the weighted rate k / n (Särndal, Swensson
    and Wretman 1992, §5.7; Kish 1965 where it is 0 or 1).

    capped: at Kish's number, as from the second edition of the methods on: where few rows have most of the weight, the
    linearised variance is too small, and n could be larger than the rows there are.
    """
    whole = ones + zeros
    if whole <= 0:
        return 0.0, 0.0
    p = ones / whole
    spread = ones2 * (1 - p) ** 2 + zeros2 * p**2
    kish = whole**2 / (ones2 + zeros2)
    n = whole**2 * p * (1 - p) / spread if spread > 0 else kish
    n = min(n, kish) if capped else n
    return p * n, n


@dataclass(frozen=True)
class Counted:
    """The table as counts: cells of each attribute's groups (unknown last), and what was left out."""

    cube: Cube
    overall: Cells
    groups: dict[str, tuple[Cells, ...]]
    notes: tuple[str, ...]
    by_row: Rows | None = None  # where measures are asked for that counts do not make

    @property
    def rows(self) -> int:
        """Rows counted."""
        return self.cube.rows

    @property
    def read(self) -> int:
        """Rows of the whole table."""
        return self.cube.read

    @property
    def days(self) -> tuple[str, str] | None:
        """The first and the last day of the rows, where a column of days is named."""
        return self.cube.days

    @property
    def digest(self) -> Digest:
        """Of what was counted."""
        return self.cube.digest


def count(source: Source, spec: FairnessSpec, progress: Progress | None = None) -> Counted:
    """Count the cells of every attribute and intersection. Raises UserError for columns that cannot be used."""
    found = cubes.count(source, spec, progress)
    wanted = {name: (name,) for name in spec.sensitive} | spec.crossed
    groups = {name: tuple(cells_of(found, parts)) for name, parts in wanted.items()}
    overall = _made("all", [_sums(found, part) for part in (found.n, found.w, found.w2)], found)
    notes = [*_opposed(spec, overall), *(f"{rows:,} rows were left out: {column} is {why}."
                                         for column, rows, why in found.dropped)]
    notes += [f"{name}: {c.n:,} rows with no known value, shown as “{UNKNOWN}”, outside the criteria."
              for name, cells in groups.items() for c in cells if c.group == UNKNOWN]
    if found.median is not None:
        notes.append(f"The median of the scores is {found.median:g}; a row counts as selected strictly above it.")
    notes += [*_reconciled(spec, groups), *_dated(spec, found)]
    if found.weighted and spec.strata and spec.methods < WEIGHED:
        notes.append("Within strata rows are counted, not their weights.")
    if found.weighted:
        notes.append(f"Rates are weighted by {spec.weight}; their intervals go by the effective number of rows.")
    return Counted(found, overall, groups, tuple(notes))


def grouped(cube: Cube, names: tuple[str, ...]) -> tuple[NDArray[Any], list[str]]:
    """Each line's group by some attributes together, and the groups' names, in their order; unknown in any, unknown.
    Without attributes everything is one group, “all”.

    Raises UserError for more groups than are compared.
    """
    import numpy as np

    if not names:
        return np.zeros(len(cube.n), dtype=int), ["all"]
    places = [cube.attributes.index(name) for name in names]
    if len(names) > 1 and (odd := ambiguous(cube, places)):
        raise UserError(f"A value of “{odd[0]}” holds “{JOIN.strip()}”: “{odd[1]}”.",
                        "It stands between the values of an intersection.", "Write that value otherwise.")
    codes, inverse = np.unique(cube.codes[:, places], axis=0, return_inverse=True)
    said = [[cube.values[place][code] for place, code in zip(places, line, strict=True)] for line in codes]
    called = [UNKNOWN if UNKNOWN in words else JOIN.join(words) for words in said]
    order = sorted(set(called), key=lambda g: (g == UNKNOWN, natural(g)))
    if len(order) > MAX_GROUPS + 1:
        what = f"Column “{names[0]}” has {len(order):,} different values." if len(names) == 1 else \
            f"The intersection has {len(order):,} groups."
        raise UserError(what, f"Groups are compared for up to {MAX_GROUPS} values.",
                        "Put it into bands first, for instance ages into under 25, 25–39, 40–61, 62 and over.")
    place_of = {name: i for i, name in enumerate(order)}
    return np.array([place_of[name] for name in called])[inverse.reshape(-1)], order


def ambiguous(cube: Cube, places: list[int]) -> tuple[str, str] | None:
    """An attribute and its value that would make two groups of an intersection one, or None."""
    return next(((cube.attributes[place], value) for place in places for value in cube.values[place] if JOIN in value),
                None)


def cells_of(cube: Cube, names: tuple[str, ...], where: NDArray[Any] | None = None) -> Iterable[Cells]:
    """The cells of the groups by some attributes; where: only these lines of the cube."""
    import numpy as np

    codes, order = grouped(cube, names)
    place = codes * 4 + cube.cell
    parts = [part if where is None else part * where for part in (cube.n, cube.w, cube.w2)]
    tables = [np.bincount(place, weights=part, minlength=4 * len(order)).reshape(-1, 4) for part in parts]
    for i, name in enumerate(order):
        made = _made(name, [table[i] for table in tables], cube)
        if made.n:
            yield made


def _sums(cube: Cube, part: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.bincount(cube.cell, weights=part, minlength=4)


def _made(group: str, sums: list[NDArray[Any]], cube: Cube) -> Cells:
    """From the four sums of rows, of weights and of their squares."""
    n, w, w2 = sums
    tn, fp, fn, tp = (int(v) for v in n)
    if not cube.weighted:
        return Cells(group, tn, fp, fn, tp, cube.labelled)
    return Cells(group, tn, fp, fn, tp, cube.labelled, tuple(float(v) for v in w), tuple(float(v) for v in w2),
                 cube.methods >= WEIGHED)


def _reconciled(spec: FairnessSpec, groups: dict[str, tuple[Cells, ...]]) -> list[str]:
    """Where the table of an attribute and that of an intersection with it do not add up to the same, and how far."""
    if not spec.metrics:
        return []
    found = []
    for parts in spec.intersections:
        crossed = JOIN.join(parts)
        for place, attribute in enumerate(parts):
            within: dict[str, list[int]] = {}
            for c in groups[crossed]:
                if c.group != UNKNOWN:
                    sums = within.setdefault(c.group.split(JOIN)[place], [0, 0])
                    sums[0], sums[1] = sums[0] + c.n, sums[1] + c.selected
            for c in groups.get(attribute, ()):
                n, selected = within.get(c.group, (0, 0))
                if c.group != UNKNOWN and (n, selected) != (c.n, c.selected):
                    found.append(f"{attribute} “{c.group}” has {c.n:,} rows, {c.selected:,} selected; in {crossed} "
                                 f"{n:,} and {selected:,}: the others have no known value of another attribute.")
    return found


def _dated(spec: FairnessSpec, cube: Cube) -> list[str]:
    if cube.when is None or cube.days is None:
        return []
    without = int(cube.n[cube.when == len(cube.periods)].sum())
    missing = f"Without a day in {spec.date}, and in no {spec.period}: {counted_words(without, 'row')}."
    return [f"By {spec.date} the rows are from {cube.days[0]} to {cube.days[1]}.", *([missing] if without else [])]


def _opposed(spec: FairnessSpec, overall: Cells) -> list[str]:
    if spec.label is None or not opposed(overall):
        return []
    share = (overall.tp + overall.tn) / overall.n
    event = f"“{spec.decision}” = {spec.positive}" if spec.score is None else f"“{spec.score}” ≥ {spec.threshold}"
    return [f"Look whether the two events belong together: {event} agrees with "
            f"“{spec.label}” = {spec.label_event} in {share:.0%} of the rows. If they mean opposite things, the error "
            "rates by group are turned round: make the report again with the other value of the label."]


def opposed(cells: Cells) -> bool:
    """Whether decision and label agree in fewer than half of the rows, or their correlation (phi) is under −0.2."""
    spread = math.sqrt(cells.selected * (cells.n - cells.selected) * cells.positives * (cells.n - cells.positives))
    phi = (cells.tp * cells.tn - cells.fp * cells.fn) / spread if spread else 0.0
    return 2 * (cells.tp + cells.tn) < cells.n or phi < -0.2


def event_column(table: Table, name: str, event: str, remedy: str = "") -> Series[Any]:
    """True where the column has the event, False where not, None where missing. Raises UserError as `event_among`."""
    words = texts(table, name)
    here = event_among(name, sorted({str(w) for w in words.dropna().unique()}), event, remedy)
    return words.map(lambda w: None if w is None else w == here)


def natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """Sorts 2 before 10."""
    out: list[tuple[int, float, str]] = []
    for part in text.split(JOIN):
        try:
            out.append((0, float(part), ""))
        except ValueError:
            out.append((1, 0.0, part))
    return tuple(out)
