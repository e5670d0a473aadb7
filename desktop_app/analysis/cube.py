"""The cube: one pass over a table counts its rows by attributes × label × decision × score bin, with sums of weights
and of scores. Everything in a bias report is arithmetic on these few numbers.

Tables in files are counted by DuckDB (`in_files`), tables in a database there (`in_database`). Values of columns come
back as they are stored and get their meaning here, once a distinct value: what is missing, which two values a yes-or-no
column has, which is the event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import in_database, in_files
from desktop_app.analysis.columns import ABOVE_MEDIAN, NO_NUMBER, NONE, OUTSIDE, coded, event_among, named, one_of
from desktop_app.analysis.in_database import DatabaseTable
from desktop_app.analysis.in_files import InFiles
from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest
from desktop_app.domain.evidence import CLASS_METRICS, FairnessSpec
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

Source = InFiles | DatabaseTable
UNKNOWN = "unknown"
MAX_CLASSES = 100
MAX_PERIODS = 120
OWN_VALUE = ("Say which of its values goes with the decision's: --label-positive, or “Value that counts” beside its "
             "column.")


@dataclass(frozen=True)
class Cube:
    """Counts of rows. One line for each combination that occurs; arrays have a value for each line.

    attributes, values: the columns grouped by, and the texts of each; `codes` [lines × attributes] points into them
    · cell: 0 neither selected nor an event, 1 selected, 2 event, 3 both · bin: of the score, None without one
    · n: rows · w, w2: sums of weights and of their squares (n where there are none) · s, s2: sums of weighted scores
    and of their squares · read: rows of the whole table · dropped: (column, rows, why) of rows left out.
    """

    attributes: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: NDArray[Any]
    cell: NDArray[Any]
    bin: NDArray[Any] | None
    n: NDArray[Any]
    w: NDArray[Any]
    w2: NDArray[Any]
    s: NDArray[Any]
    s2: NDArray[Any]
    labelled: bool
    weighted: bool
    read: int
    dropped: tuple[tuple[str, int, str], ...] = ()
    before: NDArray[Any] | None = None  # 1 where the version before selected the row
    classes: tuple[str, ...] = ()  # of label and decision, where measures over all of them are asked for
    true: NDArray[Any] | None = None  # the place of the label among them
    seen: NDArray[Any] | None = None  # that of the decision
    periods: tuple[str, ...] = ()  # first days of the periods that occur, in order
    when: NDArray[Any] | None = None  # the place of the row's period among them; past the last, no day
    days: tuple[str, str] | None = None  # the first and the last day of all rows
    methods: int = 1  # the edition by which they are understood
    median: float | None = None  # above which a row was selected, where the sample's median decides

    @property
    def rows(self) -> int:
        """Rows counted."""
        return int(self.n.sum())

    @property
    def digest(self) -> Digest:
        """Over its attributes, their values and the rows of every line: stands for a table that stays in a database.

        Sums of weights and scores are left out: their last digits depend on the order in which rows are added.
        """
        sha = hashlib.sha256(canonical.jcs({"attributes": list(self.attributes), "read": self.read,
                                            "values": [list(v) for v in self.values]}))
        further = (self.bin, self.before, self.true, self.seen, self.when)
        for part in (self.codes, self.cell, self.n, *(p for p in further if p is not None)):
            sha.update(part.astype("<i8").tobytes())
        return Digest(sha.hexdigest())


def count(source: Source, spec: FairnessSpec, progress: Progress | None = None) -> Cube:
    """Count a table as a spec asks: its attributes, strata, label, decision or score, weight.

    Raises UserError for columns that cannot be used: not there, empty, not yes-or-no, not numbers, scores outside 0 to
    1, negative weights, more combinations than can be kept; Cancelled.
    """
    progress = progress or Progress()
    attributes = _attributes(source, spec)
    begin, rest = progress.part(0.0, 0.1), progress.part(0.1, 1.0)
    by_median = spec.score if spec.cut == ABOVE_MEDIAN else None
    middle: float | None = None
    if isinstance(source, DatabaseTable):
        if by_median is not None:
            middle = in_database.median(source, by_median, begin)
        found = in_database.run(source, in_database.query(source, spec, attributes, middle), rest)
    else:
        if by_median is not None:
            middle = in_files.median(source, by_median, begin)
        found = in_files.fetch(source, in_files.query(source, spec, attributes, middle), rest)
    return _Making(spec, attributes, middle, found).cube()


def duplicates(source: Source, column: str, progress: Progress | None = None) -> int:
    """How many rows have a record id that another row has already. Raises UserError, Cancelled."""
    if isinstance(source, DatabaseTable):
        return in_database.duplicates(source, column, progress or Progress())
    return in_files.duplicates(source, column, progress or Progress())


# ---- asking


def _attributes(source: Source, spec: FairnessSpec) -> tuple[str, ...]:
    """The columns that are grouped by. Raises UserError for a column that is asked for and not there."""
    crossed = [part for parts in spec.intersections for part in parts]
    attributes = tuple(dict.fromkeys([*spec.sensitive, *crossed, *spec.strata]))
    decides = spec.score if spec.score is not None else spec.decision
    for column in (*attributes, spec.label, decides, spec.weight, spec.before, spec.date):
        if column is not None:
            named(source, column)
    return attributes


# ---- understanding what came


class _Making:
    """Gives the values their meaning and drops what cannot be counted."""

    def __init__(
        self, spec: FairnessSpec, attributes: tuple[str, ...], median: float | None, found: dict[str, Any],
    ) -> None:
        import numpy as np

        self.spec, self.attributes, self.median, self.found = spec, attributes, median, found
        self.n = found["n"].astype(np.float64)
        if not self.n.sum():
            raise UserError("The table has no rows.", "There is nothing to count.", "Choose the file with the data.")
        self.kept = np.ones(len(self.n), dtype=bool)
        self.dropped: list[tuple[str, int, str]] = []

    def cube(self) -> Cube:
        """The cube. Raises UserError."""
        import numpy as np

        spec = self.spec
        self._usable("weight", spec.weight)
        if "weightless" in self.found:
            self._drop(self.found["weightless"].astype(bool), str(spec.weight), "nought")
        self._usable("score", spec.score)
        before = self._before()
        decision = self.found["decision"] if spec.score is not None else self._event(
            "decision", spec.decision, spec.positive, also=spec.also_positive)
        label = self._event("label", spec.label, spec.label_event, OWN_VALUE) if spec.label is not None else None
        if not self.n[self.kept].sum():
            weight = " and a weight above nought" if spec.weight is not None else ""
            raise UserError(f"No row has both a decision and a label{weight}.", f"{int(self.n.sum()):,} rows were "
                            "read.", "Choose columns that are filled in.")
        columns = [self._coded(f"a{i}", name) for i, name in enumerate(self.attributes)]
        kept = self.kept
        cell = decision[kept].astype(np.int64)
        if label is not None:
            cell = cell + 2 * label[kept].astype(np.int64)
        classes, by_class = self._classes()
        periods, when = self._periods()
        wanted = {"bin": self.found.get("bin"), "before": before, "when": when} | by_class
        further: dict[str, NDArray[Any]] = {name: part for name, part in wanted.items() if part is not None}
        keys = [*(codes[kept] for codes, _ in columns), cell, *(p[kept].astype(np.int64) for p in further.values())]
        sums = {name: self._sum(name)[kept] for name in ("w", "w2", "s", "s2")}
        lines, added = _merged(np.stack(keys, axis=1), [self.n[kept], *sums.values()])
        count = len(columns)
        places = {name: lines[:, count + 1 + i] for i, name in enumerate(further)}
        return Cube(
            attributes=self.attributes, values=tuple(values for _, values in columns), codes=lines[:, :count],
            cell=lines[:, count], bin=places.pop("bin", None), n=added[0], w=added[1], w2=added[2], s=added[3],
            s2=added[4], labelled=label is not None, weighted=spec.weight is not None, read=int(self.n.sum()),
            dropped=tuple(self.dropped), median=self.median, classes=classes,
            periods=periods, days=self._days(), methods=spec.methods, **places)

    def _classes(self) -> tuple[tuple[str, ...], dict[str, NDArray[Any]]]:
        """The classes of label and decision, and the place of each line's among them, where they are asked for."""
        import numpy as np

        spec = self.spec
        asked = set(spec.metrics) & set(CLASS_METRICS)
        if not asked or not spec.one_against_rest or spec.score is not None or spec.label is None:
            return (), {}
        made = {"true": coded(self.found["label"]), "seen": coded(self.found["decision"])}
        classes = sorted({text for codes, texts in made.values() for text in (texts[i] for i in set(codes[self.kept]))
                          if text is not None})
        if len(classes) > MAX_CLASSES:
            raise UserError(f"“{spec.label}” and “{spec.decision}” have {len(classes):,} classes.",
                            f"Measures over all classes are for up to {MAX_CLASSES}.", "Put rare classes together.")
        place = {text: i for i, text in enumerate(classes)}
        return tuple(classes), {name: np.array([place.get(t or "", 0) for t in texts])[codes]
                                for name, (codes, texts) in made.items()}

    def _periods(self) -> tuple[tuple[str, ...], NDArray[Any] | None]:
        """The periods that occur, and the place of each line's among them."""
        import numpy as np

        if self.spec.date is None:
            return (), None
        codes, texts = coded(self.found["period"])
        periods = sorted(t for t in texts if t is not None)
        if not periods:
            raise UserError(f"Column “{self.spec.date}” has no days.", "None of its values is a day.",
                            "Days are written as 2026-11-30. Choose another column, or leave it out.")
        if len(periods) > MAX_PERIODS:
            raise UserError(f"The rows are of {len(periods):,} periods of a {self.spec.period}.",
                            f"Up to {MAX_PERIODS} are told.", "Choose quarters or years.")
        place = {text: i for i, text in enumerate(periods)}
        return tuple(periods), np.array([place.get(t or "", len(periods)) for t in texts])[codes]

    def _days(self) -> tuple[str, str] | None:
        if self.spec.date is None:
            return None
        found = [[str(day) for day in self.found[name] if isinstance(day, str)] for name in ("first_day", "last_day")]
        return min(found[0]), max(found[1])

    def _before(self) -> NDArray[Any] | None:
        """1 where the version before selected the row; rows where that is missing are dropped."""
        spec = self.spec
        if spec.before is None:
            return None
        if spec.score is None:
            return self._event("past", spec.before, spec.positive, also=spec.also_positive)
        self._usable("before", spec.before)
        past: NDArray[Any] = self.found["past"]
        return past

    def _sum(self, name: str) -> NDArray[Any]:
        import numpy as np

        if name in self.found:
            found: NDArray[Any] = np.nan_to_num(self.found[name].astype(np.float64))
            return found
        return self.n if name in ("w", "w2") else np.zeros(len(self.n))

    def _drop(self, where: NDArray[Any], column: str, why: str) -> None:
        if (rows := int(self.n[where & self.kept].sum())):
            self.dropped.append((column, rows, why))
        self.kept &= ~where

    def _usable(self, kind: str, column: str | None) -> None:
        """Numbers, and in their range; rows without one are dropped. Raises UserError."""
        if column is None:
            return
        state = self.found[f"{kind}_state"].astype(int)
        for wrong, what in ((NO_NUMBER, "not a finite number"), (OUTSIDE, "outside 0 to 1")):
            if rows := int(self.n[state == wrong].sum()):
                used = "a weight" if kind == "weight" else "a score"
                raise UserError(f"Column “{column}” cannot be used as {used}.",
                                f"{rows:,} rows have a value that is {what}.",
                                "Correct them, or choose another column." if wrong == NO_NUMBER else
                                "Scores are probabilities from 0 to 1: divide, or give the decision instead.")
        if kind == "weight" and self.found["least_weight"].size:
            least = self._finite_least()
            w, w2 = (self.found[name].astype(float) for name in ("w", "w2"))
            if not (w2[w > 0] > 0).all() or not (w2[w > 0] < float("inf")).all():
                raise UserError(f"Column “{column}” cannot be used as a weight.", "Its values are too large, or too "
                                "small, to be squared.", "Divide all of them by a number of their size.")
            if least < 0:
                raise UserError(f"Column “{column}” cannot be used as a weight.", f"Its least value is {least:g}.",
                                "Weights are zero or more.")
        self._drop(state == NONE, column, "missing")

    def _finite_least(self) -> float:
        import numpy as np

        return float(np.nanmin(self.found["least_weight"].astype(np.float64), initial=np.inf))

    def _event(
        self, key: str, column: str, event: str, remedy: str = "", also: tuple[str, ...] = (),
    ) -> NDArray[Any]:
        """1 where the column has the event; rows where it is missing are dropped."""
        import numpy as np

        codes, texts = coded(self.found[key])
        used = {t for t in texts if t is not None}
        here = {event_among(column, sorted(used), event, remedy)} if not (also or self.spec.one_against_rest) else {
            one_of(column, sorted(used), value, remedy) for value in (event, *also)}
        self._drop(np.array([t is None for t in texts], dtype=bool)[codes], column, "missing")
        events: NDArray[Any] = np.array([t in here for t in texts], dtype=np.int64)
        return events[codes]  # type: ignore[no-any-return]

    def _coded(self, key: str, column: str) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Each line's place among the texts of a column; what is missing is a value of its own, the last."""
        import numpy as np

        codes, texts = coded(self.found[key])
        known = sorted({t for t in texts if t is not None})
        if not known:
            raise UserError(f"Column “{column}” has no known value.", "Every value is missing.",
                            "Choose another sensitive attribute.")
        place = {text: i for i, text in enumerate(known)}
        values = (*known, UNKNOWN) if UNKNOWN not in place else tuple(known)
        places = np.array([place.get(t, len(values) - 1) if t is not None else len(values) - 1 for t in texts])
        return places[codes], values


def _merged(keys: NDArray[Any], sums: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """The distinct lines of keys, in order, and the sums over each: values stored differently may mean the same."""
    import numpy as np

    sizes = keys.max(axis=0) + 1
    if np.prod(sizes.astype(float)) < 2.0**62:
        one = np.ravel_multi_index(tuple(keys.T), tuple(sizes))
        whole, inverse = np.unique(one, return_inverse=True)
        lines = np.stack(np.unravel_index(whole, tuple(sizes)), axis=1)
    else:
        lines, inverse = np.unique(keys, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    return lines, [np.bincount(inverse, weights=part, minlength=len(lines)) for part in sums]
