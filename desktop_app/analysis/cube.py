"""The cube: one pass over a table counts its rows by attributes × label × decision × score bin × month, with sums of
weights and of scores. Everything in a bias report is arithmetic on these few numbers.

DuckDB reads CSV and Parquet where they lie, in bounded memory, from a connection that can open the files it was given
and nothing else. Values of columns come back as they are stored and get their meaning here, once a distinct value: what
is missing, which two values a yes-or-no column has, which is the event.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import in_database
from desktop_app.analysis.table import (
    MISSING,
    DatabaseTable,
    Source,
    Table,
    TableFile,
    as_text,
    event_among,
    named,
    one_of,
)
from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest
from desktop_app.domain.evidence import FairnessSpec
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray
    from pandas import Series

UNKNOWN = "unknown"
ABOVE_MEDIAN = "above_median"
BINS = 1024  # of scores, each 1/1024 wide; the decision itself comes from the exact threshold
MAX_CELLS = 4_000_000
POLL = 0.05  # seconds between two looks at whether the person asked to stop
OWN_VALUE = ("Say which of its values goes with the decision's: --label-positive, or “Value that counts” beside its "
             "column.")
_MEMORY = "1GB"  # of DuckDB; a group-by over a few thousand cells needs a few megabytes
_FINE, _MISSING, _NO_NUMBER, _OUTSIDE = in_database.FINE, in_database.NONE, in_database.NO_NUMBER, in_database.OUTSIDE


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
        for part in (self.codes, self.cell, self.n, *(p for p in (self.bin, self.before) if p is not None)):
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
    middle: float | None = None
    if isinstance(source, DatabaseTable):
        if spec.score is not None and spec.cut == ABOVE_MEDIAN:
            middle = in_database.median(source, spec.score, begin)
        found = in_database.run(source, in_database.query(source, spec, attributes, middle), rest)
    else:
        if spec.score is not None and spec.cut == ABOVE_MEDIAN:
            middle = _median(source, spec.score, begin)
        found = fetch(source, _query(source, spec, attributes, middle), rest)
    return _Making(spec, attributes, middle, found).cube()


def duplicates(source: Source, column: str, progress: Progress | None = None) -> int:
    """How many rows have a record id that another row has already. Raises UserError, Cancelled."""
    if isinstance(source, DatabaseTable):
        return in_database.duplicates(source, column, progress or Progress())
    name = quoted(named(source, column))
    query = f"SELECT count({name}) - count(DISTINCT {name}) AS twice FROM {relation(source)}"  # noqa: S608 - quoted
    return int(fetch(source, query, progress or Progress())["twice"][0])


# ---- asking


def _attributes(source: Source, spec: FairnessSpec) -> tuple[str, ...]:
    """The columns that are grouped by. Raises UserError for a column that is asked for and not there."""
    crossed = [part for parts in spec.intersections for part in parts]
    attributes = tuple(dict.fromkeys([*spec.sensitive, *crossed, *spec.strata]))
    decides = spec.score if spec.score is not None else spec.decision
    for column in (*attributes, spec.label, decides, spec.weight, spec.before):
        if column is not None:
            named(source, column)
    return attributes


def _query(source: Source, spec: FairnessSpec, attributes: tuple[str, ...], median: float | None) -> str:
    """What is asked of DuckDB: one row for each combination of what a spec asks for."""
    keys = [f"{quoted(name)} AS a{i}" for i, name in enumerate(attributes)]
    if spec.label is not None:
        keys.append(f"{quoted(spec.label)} AS label")
    numbers, sums = [], ["count(*) AS n"]
    weight = "1.0"
    if spec.weight is not None:
        value, state = _number(source, spec.weight, "weight")
        numbers.append(value)
        keys.append(state)
        weight = "CASE WHEN weight_value >= 0 AND isfinite(weight_value) THEN weight_value END"
        sums += [f"sum({weight}) AS w", f"sum(({weight}) * ({weight})) AS w2", "min(weight_value) AS least_weight"]
    if spec.score is not None and median is not None:
        value, state = _number(source, spec.score, "score")
        numbers.append(value)
        keys += [state, f"CAST(score_value > {median!r} AS TINYINT) AS decision"]
    elif spec.score is not None:
        value, state = _number(source, spec.score, "score", "score_value BETWEEN 0 AND 1")
        numbers.append(value)
        keys += [state,
                 f"CAST(score_value >= {float(spec.threshold or 0)!r} AS TINYINT) AS decision",
                 f"CAST(least({BINS - 1}, greatest(0, floor(score_value * {BINS}))) AS SMALLINT) AS bin"]
        sums += [f"sum({weight} * score_value) AS s", f"sum({weight} * score_value * score_value) AS s2"]
    else:
        keys.append(f"{quoted(spec.decision)} AS decision")
    if spec.before is not None and spec.score is not None:
        cut = float(spec.before_threshold or spec.threshold or 0)
        value, state = _number(source, spec.before, "before", "before_value BETWEEN 0 AND 1")
        numbers.append(value)
        keys += [state, f"CAST(before_value >= {cut!r} AS TINYINT) AS past"]
    elif spec.before is not None:
        keys.append(f"{quoted(spec.before)} AS past")
    inner = f"SELECT *{''.join(', ' + n for n in numbers)} FROM {relation(source)}"  # noqa: S608 - names are quoted
    return f"SELECT {', '.join([*keys, *sums])} FROM ({inner}) GROUP BY ALL"  # noqa: S608 - likewise


def _median(source: Source, column: str, progress: Progress) -> float:
    """The median of all usable scores; the mean of the two in the middle of an even number."""
    value, _ = _number(source, column, "score")
    query = (f"SELECT median(score_value) AS m FROM (SELECT {value} FROM {relation(source)}) "  # noqa: S608 - quoted
             "WHERE isfinite(score_value)")
    value = fetch(source, query, progress)["m"][0]
    if value is None or value != value:  # noqa: PLR0124 - not a number
        raise UserError(f"Column “{column}” has no scores.", "A median needs at least one.", "Choose another column.")
    return float(value)


def quoted(name: str) -> str:
    """A column's name in a query."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(source: Source, column: str, name: str, fits: str = "") -> tuple[str, str]:
    """A column as NAME_value, a double or null, to be selected; and NAME_state, which of the four states each value is.

    Numbers that are stored as such are taken as they are; others are read from their text.
    """
    if isinstance(source, Table | TableFile) and column in source.numeric:
        stored = f"CAST({quoted(column)} AS DOUBLE)"
        value = f"CASE WHEN isnan({stored}) THEN NULL ELSE {stored} END AS {name}_value"
        none, odd = f"{name}_value IS NULL", f"isinf({name}_value)"
    else:
        text = f"lower(trim(CAST({quoted(column)} AS VARCHAR)))"
        value = f"TRY_CAST({text} AS DOUBLE) AS {name}_value, {text} AS {name}_text"
        none, odd = is_missing(f"{name}_text"), f"{name}_value IS NULL OR NOT isfinite({name}_value)"
    outside = f"WHEN NOT ({fits}) THEN {_OUTSIDE} " if fits else ""
    return value, (f"CASE WHEN {none} THEN {_MISSING} WHEN {odd} THEN {_NO_NUMBER} {outside}ELSE {_FINE} END "
                   f"AS {name}_state")


def is_missing(column: str) -> str:
    """Whether a column, as it is written in a query, has no value or one that means there is none."""
    return f"{column} IS NULL OR lower(trim(CAST({column} AS VARCHAR))) IN ({', '.join(map(_text, sorted(MISSING)))})"


def relation(source: Source) -> str:
    """The table in the words of DuckDB."""
    if isinstance(source, Table):
        return "held"
    assert isinstance(source, TableFile)
    files = "[" + ", ".join(_text(str(path)) for path in source.paths) + "]"
    if source.delimiter is None:
        return f"read_parquet({files})"
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in source.names)
    return (f"read_csv({files}, columns={{{columns}}}, delim={_text(source.delimiter)}, header=true, quote='\"', "
            "escape='\"', auto_detect=false, strict_mode=true)")


@contextmanager
def _connected(source: Source) -> Iterator[DuckDBPyConnection]:
    """A connection that can read these files and nothing else; nothing in it can be set otherwise afterwards."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        if isinstance(source, Table):
            connection.register("held", source.frame)
        elif isinstance(source, TableFile):
            allowed = ", ".join(_text(str(path)) for path in source.paths)
            connection.execute(f"SET allowed_paths=[{allowed}]")
        for setting in ("enable_external_access=false", "autoinstall_known_extensions=false",
                        "autoload_known_extensions=false", "allow_community_extensions=false",
                        "preserve_insertion_order=false", f"memory_limit='{_MEMORY}'", "lock_configuration=true"):
            connection.execute(f"SET {setting}")
        yield connection


def fetch(source: Source, query: str, progress: Progress) -> dict[str, Any]:
    """The columns of a result, by name. The query runs in a thread, so that the person can stop it.

    Raises UserError for a table that cannot be read, Cancelled.
    """
    import duckdb

    answer: dict[str, Any] = {}

    def run() -> None:
        try:
            answer["found"] = connection.sql(query).to_arrow_table()
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            answer["wrong"] = error

    with _connected(source) as connection:
        worker = threading.Thread(target=run, name="counting")
        worker.start()
        try:
            while worker.is_alive():
                worker.join(POLL)
                progress.step(max(0.0, min(1.0, connection.query_progress() / 100)), "counting rows")
        except BaseException:
            connection.interrupt()
            worker.join()
            raise
    if (wrong := answer.get("wrong")) is not None:
        raise (_ours(source, wrong) if isinstance(wrong, duckdb.Error) else wrong) from wrong
    table = answer["found"]
    if table.num_rows > MAX_CELLS:
        raise _too_many(table.num_rows)
    return {name: values_of(table.column(name).to_pandas()) for name in table.column_names}


def values_of(column: Series[Any]) -> NDArray[Any]:
    """Values as they are in a frame: moments as such, not as numpy writes them."""
    return (column.astype(object) if column.dtype.kind == "M" else column).to_numpy()


def _too_many(cells: int) -> UserError:
    return UserError("The columns chosen have too many different values together.",
                     f"They make {cells:,} combinations; up to {MAX_CELLS:,} are counted.",
                     "Leave out columns that name single people or things, or put them into bands first.")


def _ours(source: Source, error: Exception) -> UserError:
    import duckdb

    said = str(error).split("\n\n")[0][:400]
    name = source.input.name
    if isinstance(error, duckdb.OutOfMemoryException):
        return _too_many(MAX_CELLS)
    if "unicode" in said or "utf-8" in said.lower():
        return UserError(f"{name} is not in UTF-8.", said, "Save the table as “CSV UTF-8” and choose that file.")
    if "CSV Error" in said:
        return UserError(f"{name} is not a well-formed CSV file.", said,
                         "Open the file at that line, correct it, or export it again.")
    return UserError(f"{name} cannot be counted.", said, "Copy or export it again.")


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
        self._usable("score", spec.score)
        before = self._before()
        decision = self.found["decision"] if spec.score is not None else self._event(
            "decision", spec.decision, spec.positive, also=spec.also_positive)
        label = self._event("label", spec.label, spec.label_event, OWN_VALUE) if spec.label is not None else None
        if not self.n[self.kept].sum():
            raise UserError("No row has both a decision and a label.", f"{int(self.n.sum()):,} rows were read.",
                            "Choose columns that are filled in.")
        columns = [self._coded(f"a{i}", name) for i, name in enumerate(self.attributes)]
        kept = self.kept
        cell = decision[kept].astype(np.int64)
        if label is not None:
            cell = cell + 2 * label[kept].astype(np.int64)
        keys = [codes[kept] for codes, _ in columns] + [cell]
        binned = "bin" in self.found
        if binned:
            keys.append(self.found["bin"][kept].astype(np.int64))
        if before is not None:
            keys.append(before[kept].astype(np.int64))
        sums = {name: self._sum(name)[kept] for name in ("w", "w2", "s", "s2")}
        lines, added = _merged(np.stack(keys, axis=1), [self.n[kept], *sums.values()])
        count = len(columns)
        return Cube(
            attributes=self.attributes, values=tuple(values for _, values in columns), codes=lines[:, :count],
            cell=lines[:, count], bin=lines[:, count + 1] if binned else None, n=added[0], w=added[1], w2=added[2],
            s=added[3], s2=added[4], labelled=label is not None, weighted=spec.weight is not None,
            read=int(self.n.sum()), dropped=tuple(self.dropped), median=self.median,
            before=lines[:, -1] if before is not None else None)

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
        for wrong, what in ((_NO_NUMBER, "not a finite number"), (_OUTSIDE, "outside 0 to 1")):
            if rows := int(self.n[state == wrong].sum()):
                used = "a weight" if kind == "weight" else "a score"
                raise UserError(f"Column “{column}” cannot be used as {used}.",
                                f"{rows:,} rows have a value that is {what}.",
                                "Correct them, or choose another column." if wrong == _NO_NUMBER else
                                "Scores are probabilities from 0 to 1: divide, or give the decision instead.")
        if kind == "weight" and self.found["least_weight"].size:
            least = self._finite_least()
            if least < 0:
                raise UserError(f"Column “{column}” cannot be used as a weight.", f"Its least value is {least:g}.",
                                "Weights are zero or more.")
        self._drop(state == _MISSING, column, "missing")

    def _finite_least(self) -> float:
        import numpy as np

        return float(np.nanmin(self.found["least_weight"].astype(np.float64), initial=np.inf))

    def _event(
        self, key: str, column: str, event: str, remedy: str = "", also: tuple[str, ...] = (),
    ) -> NDArray[Any]:
        """1 where the column has the event; rows where it is missing are dropped."""
        import numpy as np

        codes, texts = _texts(self.found[key])
        used = {t for t in texts if t is not None}
        here = {event_among(column, sorted(used), event, remedy)} if not also else {
            one_of(column, sorted(used), value) for value in (event, *also)}
        self._drop(np.array([t is None for t in texts], dtype=bool)[codes], column, "missing")
        events: NDArray[Any] = np.array([t in here for t in texts], dtype=np.int64)
        return events[codes]  # type: ignore[no-any-return]

    def _coded(self, key: str, column: str) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Each line's place among the texts of a column; what is missing is a value of its own, the last."""
        import numpy as np

        codes, texts = _texts(self.found[key])
        known = sorted({t for t in texts if t is not None})
        if not known:
            raise UserError(f"Column “{column}” has no known value.", "Every value is missing.",
                            "Choose another sensitive attribute.")
        place = {text: i for i, text in enumerate(known)}
        values = (*known, UNKNOWN) if UNKNOWN not in place else tuple(known)
        places = np.array([place.get(t, len(values) - 1) if t is not None else len(values) - 1 for t in texts])
        return places[codes], values


def _texts(column: NDArray[Any]) -> tuple[NDArray[Any], list[str | None]]:
    """Codes of a column's lines into its distinct values as text; the last is None, a missing value."""
    import pandas as pd

    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    return codes, [*(as_text(value) for value in uniques), None]


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
