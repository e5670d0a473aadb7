"""A table in memory or in files: DuckDB counts it where it lies, in bounded memory.

The connection can open the files it was given and nothing else, and nothing about it can be set otherwise afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from desktop_app.analysis.columns import (
    BINS,
    FINE,
    MAX_CELLS,
    MISSING,
    NO_NUMBER,
    NONE,
    OUTSIDE,
    named,
    too_many,
    values_of,
)
from desktop_app.analysis.table import Table
from desktop_app.analysis.table_file import TableFile
from desktop_app.domain.evidence import PERIODS, WEIGHED, FairnessSpec
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

InFiles = Table | TableFile
POLL = 0.05  # seconds between two looks at whether the person asked to stop
_MEMORY = "1GB"  # of DuckDB; a group-by over a few thousand cells needs a few megabytes


def query(source: InFiles, spec: FairnessSpec, attributes: tuple[str, ...], median: float | None) -> str:
    """What is asked of DuckDB: one row for each combination of what a spec asks for.

    The inner query names every column that is needed anew, so that no name of the table can stand for another's.
    """
    chosen = [f"{quoted(name)} AS a{i}" for i, name in enumerate(attributes)]
    keys, sums, weight = [f"a{i}" for i in range(len(attributes))], ["count(*) AS n"], "1.0"
    if spec.label is not None:
        chosen.append(f"{quoted(spec.label)} AS label")
        keys.append("label")
    if spec.weight is not None:
        value, state = number(source, spec.weight, "weight")
        chosen.append(value)
        keys.append(state)
        if spec.methods >= WEIGHED:
            keys.append("coalesce(weight_value = 0, false) AS weightless")
        weight = "CASE WHEN weight_value >= 0 AND isfinite(weight_value) THEN weight_value END"
        sums += [f"sum({weight}) AS w", f"sum(({weight}) * ({weight})) AS w2", "min(weight_value) AS least_weight"]
    if spec.score is not None and median is not None:
        value, state = number(source, spec.score, "score")
        chosen.append(value)
        keys += [state, f"CAST(score_value > {median!r} AS TINYINT) AS decision"]
    elif spec.score is not None:
        value, state = number(source, spec.score, "score", "score_value BETWEEN 0 AND 1")
        chosen.append(value)
        keys += [state,
                 f"CAST(score_value >= {float(spec.threshold or 0)!r} AS TINYINT) AS decision",
                 f"CAST(least({BINS - 1}, greatest(0, floor(score_value * {BINS}))) AS SMALLINT) AS bin"]
        sums += [f"sum({weight} * score_value) AS s", f"sum({weight} * score_value * score_value) AS s2"]
    else:
        chosen.append(f"{quoted(spec.decision)} AS decision")
        keys.append("decision")
    if spec.before is not None and spec.score is not None:
        cut = float(spec.before_threshold or spec.threshold or 0)
        value, state = number(source, spec.before, "before", "before_value BETWEEN 0 AND 1")
        chosen.append(value)
        keys += [state, f"CAST(before_value >= {cut!r} AS TINYINT) AS past"]
    elif spec.before is not None:
        chosen.append(f"{quoted(spec.before)} AS past")
        keys.append("past")
    if spec.date is not None:
        assert spec.period in PERIODS
        chosen.append(f"{_day(spec.date)} AS day")
        keys.append(f"{_written(f'date_trunc({_text(spec.period)}, day)')} AS period")
        sums += [f"{_written('min(day)')} AS first_day", f"{_written('max(day)')} AS last_day"]
    inner = f"SELECT {', '.join(chosen)} FROM {relation(source)}"  # noqa: S608 - names are quoted
    return f"SELECT {', '.join([*keys, *sums])} FROM ({inner}) GROUP BY ALL"  # noqa: S608 - likewise


def median(source: InFiles, column: str, progress: Progress) -> float:
    """The median of all usable scores; the mean of the two in the middle of an even number."""
    value, _ = number(source, column, "score")
    asked = (f"SELECT median(score_value) AS m FROM (SELECT {value} FROM {relation(source)}) "  # noqa: S608 - quoted
             "WHERE isfinite(score_value)")
    value = fetch(source, asked, progress)["m"][0]
    if value is None or value != value:  # noqa: PLR0124 - not a number
        raise UserError(f"Column “{column}” has no scores.", "A median needs at least one.", "Choose another column.")
    return float(value)


def _day(column: str) -> str:
    """A column's days as they are written (in UTC, where moments with a time zone are stored); null for what is none,
    and outside the years 1 to 9999.
    """
    text = f"trim(CAST({quoted(column)} AS VARCHAR))"
    written = f"regexp_matches({text}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ][0-9:.,+Z -]*)?$')"
    day = f"TRY_CAST(CASE WHEN {written} THEN left({text}, 10) END AS DATE)"
    return f"CASE WHEN year({day}) BETWEEN 1 AND 9999 THEN {day} END"


def _written(day: str) -> str:
    return f"strftime({day}, '%Y-%m-%d')"


def means(source: InFiles, label: str, prediction: str) -> str:
    """What is asked first for predictions of numbers: the means of the usable labels and predictions."""
    return ("SELECT avg(label_value) FILTER (isfinite(label_value)) AS y, "  # noqa: S608 - names are quoted
            "avg(prediction_value) FILTER (isfinite(prediction_value)) AS p "
            f"FROM {_with_numbers(source, label, prediction)[0]}")


def sums(
    source: InFiles, label: str, prediction: str, attributes: tuple[str, ...], middle: tuple[float, float],
) -> str:
    """What is asked then: by group, sums of the label and the prediction, each less its middle, and of errors."""
    inner, states = _with_numbers(source, label, prediction, attributes)
    y, p = f"(label_value - {middle[0]!r})", f"(prediction_value - {middle[1]!r})"
    e = "(prediction_value - label_value)"
    keys = [f"a{i}" for i in range(len(attributes))]
    return (f"SELECT {', '.join([*keys, *states])}, count(*) AS n, sum({y}) AS y, sum({p}) AS p, "  # noqa: S608
            f"sum({y} * {y}) AS yy, sum({p} * {p}) AS pp, sum({e}) AS e, sum(abs({e})) AS ae, sum({e} * {e}) AS ee, "
            f"sum(({e} * {e}) * ({e} * {e})) AS eeee FROM {inner} GROUP BY ALL")


def _with_numbers(
    source: InFiles, label: str, prediction: str, attributes: tuple[str, ...] = (),
) -> tuple[str, tuple[str, str]]:
    (y, y_state), (p, p_state) = number(source, label, "label"), number(source, prediction, "prediction")
    chosen = [*(f"{quoted(name)} AS a{i}" for i, name in enumerate(attributes)), y, p]
    return f"(SELECT {', '.join(chosen)} FROM {relation(source)})", (y_state, p_state)  # noqa: S608 - names are quoted


def rows(source: InFiles, spec: FairnessSpec, attributes: tuple[str, ...]) -> str:
    """What is asked where measures are of rows: attributes, label, score, weight and the version before of each."""
    chosen = [*(f"{quoted(name)} AS a{i}" for i, name in enumerate(attributes)), f"{quoted(str(spec.label))} AS label"]
    keys = [*(f"a{i}" for i in range(len(attributes))), "label"]
    for column, name in ((spec.score, "score"), (spec.weight, "weight"), (spec.before, "before")):
        if column is not None:
            chosen.append(number(source, column, name)[0])
            keys.append(f"{name}_value")
    inner = f"SELECT {', '.join(chosen)} FROM {relation(source)}"  # noqa: S608 - names are quoted
    return f"SELECT {', '.join(keys)} FROM ({inner})"  # noqa: S608 - likewise


def quoted(name: str) -> str:
    """A column's name in a query."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def number(source: InFiles, column: str, name: str, fits: str = "") -> tuple[str, str]:
    """A column as NAME_value, a double or null, to be selected; and NAME_state, which of the four states each value is.

    Numbers that are stored as such are taken as they are; others are read from their text.
    """
    if column in source.numeric:
        stored = f"CAST({quoted(column)} AS DOUBLE)"
        value = f"CASE WHEN isnan({stored}) THEN NULL ELSE {stored} END AS {name}_value"
        none, odd = f"{name}_value IS NULL", f"isinf({name}_value)"
    else:
        text = f"lower(trim(CAST({quoted(column)} AS VARCHAR)))"
        value = f"TRY_CAST({text} AS DOUBLE) AS {name}_value, {text} AS {name}_text"
        none, odd = is_missing(f"{name}_text"), f"{name}_value IS NULL OR NOT isfinite({name}_value)"
    outside = f"WHEN NOT ({fits}) THEN {OUTSIDE} " if fits else ""
    return value, (f"CASE WHEN {none} THEN {NONE} WHEN {odd} THEN {NO_NUMBER} {outside}ELSE {FINE} END "
                   f"AS {name}_state")


def is_missing(column: str) -> str:
    """Whether a column, as it is written in a query, has no value or one that means there is none."""
    return f"{column} IS NULL OR lower(trim(CAST({column} AS VARCHAR))) IN ({', '.join(map(_text, sorted(MISSING)))})"


def relation(source: InFiles) -> str:
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
def _connected(source: InFiles) -> Iterator[DuckDBPyConnection]:
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


def fetch(source: InFiles, query: str, progress: Progress) -> dict[str, Any]:
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
        raise too_many(table.num_rows)
    return {name: values_of(table.column(name).to_pandas()) for name in table.column_names}


def _ours(source: InFiles, error: Exception) -> UserError:
    import duckdb

    said = str(error).split("\n\n")[0][:400]
    name = source.input.name
    if isinstance(error, duckdb.OutOfMemoryException):
        return too_many(MAX_CELLS)
    if "unicode" in said or "utf-8" in said.lower():
        return UserError(f"{name} is not in UTF-8.", said, "Save the table as “CSV UTF-8” and choose that file.")
    if "CSV Error" in said:
        return UserError(f"{name} is not a well-formed CSV file.", said,
                         "Open the file at that line, correct it, or export it again.")
    return UserError(f"{name} cannot be counted.", said, "Copy or export it again.")


def duplicates(source: InFiles, column: str, progress: Progress) -> int:
    """How many rows have a record id that another row has already. Raises UserError, Cancelled."""
    name = quoted(named(source, column))
    asked = f"SELECT count({name}) - count(DISTINCT {name}) AS twice FROM {relation(source)}"  # noqa: S608 - quoted
    return int(fetch(source, asked, progress)["twice"][0])
