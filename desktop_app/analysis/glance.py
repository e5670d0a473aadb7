"""What a large table holds, for choosing its columns: DuckDB looks at files where they lie, a database at its own.

Out of a database come counts, the values of columns that have few, and the first rows. In files, numbers of different
values are estimates (HyperLogLog); counts of frequent values and of missing ones are exact.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from desktop_app.analysis import in_database
from desktop_app.analysis.columns import as_text
from desktop_app.analysis.in_database import DatabaseTable
from desktop_app.analysis.in_files import fetch, is_missing, quoted, relation
from desktop_app.analysis.table import ColumnPreview, TablePreview
from desktop_app.analysis.table_file import TableFile
from desktop_app.domain.dataset import TableInput
from desktop_app.errors import Unreachable, UserError
from desktop_app.progress import Progress

FEW = 200  # values: a column with more is not grouped by
SHOWN = 12
HEAD = 20


def glance(file: TableFile, progress: Progress | None = None) -> TablePreview:
    """The preview of a table in files. Raises UserError, Cancelled."""
    progress = progress or Progress()
    table = relation(file)
    head = fetch(file, f"SELECT * FROM {table} LIMIT {HEAD}", progress.part(0.0, 0.1))  # noqa: S608 - quoted
    sums = ["count(*) AS n"]
    for i, name in enumerate(file.names):
        sums += _sums(quoted(name), str(head[name].dtype), i)
    found = fetch(file, f"SELECT {', '.join(sums)} FROM {table}", progress.part(0.1, 0.6))  # noqa: S608 - likewise
    rows = int(found["n"][0])
    columns = []
    for i, name in enumerate(file.names):
        distinct, missing_rows = int(found[f"d{i}"][0]), int(found[f"m{i}"][0])
        part = progress.part(0.6 + 0.4 * i / len(file.names), 0.6 + 0.4 * (i + 1) / len(file.names))
        top = _top(file, name, part) if distinct <= FEW else ()
        numeric = int(found[f"f{i}"][0]) == rows - missing_rows
        columns.append(ColumnPreview(name, _type(head[name], numeric=numeric), len(top) or distinct, missing_rows,
                                     top[:SHOWN]))
    given = TableInput(name=file.input.name, digest=file.input.digest, rows=rows, columns=len(file.names),
                       location=file.input.location)
    lines = zip(*(head[name] for name in file.names), strict=True)
    return TablePreview(given, tuple(columns), tuple(
        tuple("" if value is None or value != value else str(value) for value in line)  # noqa: PLR0124 - NaN
        for line in lines))


def _sums(column: str, kind: str, place: int) -> list[str]:
    """Different values, missing ones and numbers of a column; numbers that are stored as such need no look at text."""
    distinct = f"approx_count_distinct({column}) AS d{place}"
    if kind.startswith(("int", "uint", "float")):
        there = f"count({column})" + (f" FILTER (NOT isnan({column}))" if kind.startswith("float") else "")
        return [distinct, f"count(*) - {there} AS m{place}", f"{there} AS f{place}"]
    missing = is_missing(column)
    return [distinct, f"count(*) FILTER ({missing}) AS m{place}",
            f"count(TRY_CAST({column} AS DOUBLE)) FILTER (NOT ({missing})) AS f{place}"]


def _top(file: TableFile, name: str, progress: Progress) -> tuple[tuple[str, int], ...]:
    """Each value with its rows, the most frequent first."""
    found = fetch(file, f"SELECT {quoted(name)} AS v, count(*) AS n FROM {relation(file)} GROUP BY 1",  # noqa: S608
                  progress)
    return _as_texts(found["v"], found["n"])


def _as_texts(values: Any, rows: Any) -> tuple[tuple[str, int], ...]:
    """Values that mean the same put together, the most frequent first."""
    counts: dict[str, int] = {}
    for value, n in zip(values, rows, strict=True):
        text = None if value is None or value != value else as_text(value)  # noqa: PLR0124 - NaN
        if text is not None:
            counts[text] = counts.get(text, 0) + int(n)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _type(values: Any, *, numeric: bool) -> str:
    if str(values.dtype) == "bool":
        return "yes/no"
    if any(hasattr(value, "isoformat") for value in values):
        return "time"
    return "number" if numeric else "text"


# ---- in a database


def glance_there(there: DatabaseTable, progress: Progress | None = None) -> TablePreview:
    """The preview of a table in a database. Raises UserError, Unreachable, Cancelled."""
    progress = progress or Progress()
    t, names = there.expression, there.names
    rows = int(in_database.run(there, t.aggregate(n=t.count()), progress.part(0.0, 0.1))["n"][0])
    if not rows:
        raise UserError(f"{there.input.name} has no rows.", there.input.location, "Choose the table with the data.")
    head = in_database.run(there, in_database.first_rows(there, HEAD), progress.part(0.1, 0.2), "fetching a few rows")
    columns = tuple(
        _column_there(there, name, progress.part(0.2 + 0.8 * i / len(names), 0.2 + 0.8 * (i + 1) / len(names)))
        for i, name in enumerate(names))
    return TablePreview(replace(there.input, rows=rows), columns, tuple(
        tuple("" if value is None or value != value else value for value in line)  # noqa: PLR0124 - NaN
        for line in zip(*(head[f"c{i}"] for i in range(len(names))), strict=True)))


def _column_there(there: DatabaseTable, name: str, progress: Progress) -> ColumnPreview:
    """What a column holds; one of bytes, or of a kind that is not known here, is no use and is not looked at."""
    kind = there.expression[name].type()
    try:
        if kind.is_binary():
            raise UserError("Bytes are not compared.")
        found = in_database.run(there, in_database.values(there, name, FEW), progress, f"looking at {name}")
    except Unreachable:
        raise
    except UserError:
        return ColumnPreview(name, "not readable", 0, 0, ())
    known, different = ~found["gone"].astype(bool), int(found["different"][0])
    top = _as_texts(found["v"][known], found["n"][known]) if different <= FEW else ()
    words = "yes/no" if kind.is_boolean() else "number" if kind.is_numeric() else \
        "time" if kind.is_temporal() else "text"
    return ColumnPreview(name, words, len(top) or different, int(found["missing"][0]), top[:SHOWN])
