"""A table that stays in its database: the same cells as `analysis.cube` counts, asked for as one Ibis expression.

Ibis says it in the words of the engine; PostgreSQL is connected to here, read-only. Only counts and sums leave the
database. The tests ask the same expression of DuckDB and, where it is installed, of Spark.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
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
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import InDatabase, TableInput
from desktop_app.domain.evidence import WEIGHED, FairnessSpec
from desktop_app.errors import Unreachable, UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

POLL = 0.05
_DAY = "%Y-%m-%d"
LAST_YEAR = 9999
TINY = 1e-150  # its square can still be told from nought


@dataclass(frozen=True)
class DatabaseTable:
    """A table that is counted in its database. expression: the Ibis table · input: digest and rows are known after."""

    names: tuple[str, ...]
    expression: Any
    input: TableInput


def connect(where: InDatabase) -> DatabaseTable:
    """Open a table or a view of a PostgreSQL database, for reading. Raises UserError, Unreachable."""
    import ibis
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    if not where.address.startswith(("postgresql://", "postgres://")):
        raise UserError("This address of a database cannot be used.", where.plain_address,
                        "Write it as postgresql://USER@HOST/DATABASE.")
    try:
        given = conninfo_to_dict(where.address)
        port = int(given.pop("port", None) or 5432)
    except (psycopg.ProgrammingError, ValueError) as error:
        said = where.plain_address if where.password else str(error).strip()  # which may quote a part of the address
        raise UserError("This address of a database cannot be used.", said,
                        "Write it as postgresql://USER@HOST/DATABASE.") from error
    host = str(given.get("host") or "")
    local = not host or host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")
    given.setdefault("sslmode", "prefer" if local else "verify-full")
    if given["sslmode"] == "verify-full":
        given.setdefault("sslrootcert", "system")
    given |= {"options": "-c default_transaction_read_only=on -c timezone=UTC", "application_name": "assaydesk",
              "connect_timeout": 10}
    known = {"user": given.pop("user", None), "password": given.pop("password", None), "host": given.pop("host", None),
             "port": port, "database": given.pop("dbname", None)}
    schema, _, name = where.table.rpartition(".")
    connection: Any = None
    try:
        connection = ibis.postgres.connect(**known, **given)
        return of(connection.table(name, database=schema or None), where)
    except psycopg.Error as error:
        _let_go(connection)
        raise Unreachable("The database cannot be read.", str(error).strip(),
                          "Check the address, your rights and the network.") from error
    except ibis.common.exceptions.TableNotFound as error:
        near = get_close_matches(name.lower(), connection.list_tables(database=schema or None), 1, 0.5)
        _let_go(connection)
        meant = f"Did you mean {schema + '.' if schema else ''}{near[0]}?" if near else \
            "Write it as SCHEMA.TABLE; a view will do."
        raise UserError(f"There is no table {where.table} in this database.", where.plain_address, meant) from error


@contextmanager
def connected(where: InDatabase) -> Iterator[DatabaseTable]:
    """The same, for as long as a block lasts."""
    there = connect(where)
    try:
        yield there
    finally:
        there.expression.get_backend().disconnect()


def _let_go(connection: Any) -> None:
    if connection is not None:
        connection.disconnect()


def of(table: ir.Table, where: InDatabase) -> DatabaseTable:
    """An Ibis table as a source of a report."""
    return DatabaseTable(names=tuple(table.columns), expression=table, input=TableInput(
        name=where.table, digest=Digest(""), rows=0, columns=len(table.columns),
        location=f"{where.plain_address} {where.table}"))


def query(source: DatabaseTable, spec: FairnessSpec, attributes: tuple[str, ...], median: float | None) -> ir.Table:
    """The expression that counts: one row for each combination of what a spec asks for."""
    import ibis

    t = source.expression
    keys = [stored(t, name).name(f"a{i}") for i, name in enumerate(attributes)]
    weight: Any = ibis.literal(1.0)
    added: dict[str, Any] = {"n": t.count()}
    if spec.label is not None:
        keys.append(stored(t, spec.label).name("label"))
    if spec.weight is not None:
        value, state = _number(t, spec.weight, "weight")
        keys.append(state.name("weight_state"))
        if spec.methods >= WEIGHED:
            keys.append((value == 0).fill_null(False).name("weightless"))
        weight = ibis.ifelse((state == FINE) & (value >= 0), value, None)
        added |= {"w": weight.sum(), "w2": (weight * weight).sum(), "least_weight": value.min()}
    if spec.score is not None:
        value, state = _number(t, spec.score, "score", within=median is None)
        over = value > median if median is not None else value >= float(spec.threshold or 0)
        keys += [state.name("score_state"), ibis.ifelse(over, 1, 0).name("decision")]
        if median is None:
            place = ibis.greatest(0, ibis.least(BINS - 1, (value * BINS).floor().cast("int64")))
            keys.append(ibis.ifelse(state == FINE, place, 0).name("bin"))
            added |= {"s": (weight * value).sum(), "s2": (weight * _squared(value)).sum()}
    else:
        keys.append(stored(t, spec.decision).name("decision"))
    if spec.before is not None and spec.score is not None:
        value, state = _number(t, spec.before, "before")
        cut = float(spec.before_threshold or spec.threshold or 0)
        keys += [state.name("before_state"), ibis.ifelse(value >= cut, 1, 0).name("past")]
    elif spec.before is not None:
        keys.append(stored(t, spec.before).name("past"))
    if spec.date is not None:
        day, unit = _day(t, spec.date), {"month": "M", "quarter": "Q", "year": "Y"}[spec.period]
        keys.append(day.truncate(unit).strftime(_DAY).name("period"))
        added |= {"first_day": day.min().strftime(_DAY), "last_day": day.max().strftime(_DAY)}
    return t.group_by(keys).aggregate(**added)


def stored(t: ir.Table, column: str) -> Any:
    """A column as its values can leave the database: as they are, where they are texts, numbers, moments or yes-or-no.

    Decimals without a number of digits would get nine.
    """
    there, kind = t[column], t[column].type()
    if kind.is_decimal() and kind.scale is None:
        return there.cast("float64")
    return there if kind.is_string() or kind.is_numeric() or kind.is_boolean() or kind.is_temporal() else \
        there.cast("string")


def means(source: DatabaseTable, label: str, prediction: str) -> ir.Table:
    """What is asked first for predictions of numbers: the means of the usable labels and predictions."""
    t = _with_numbers(source, label, prediction)
    return t.aggregate(y=t.label_value.mean(), p=t.prediction_value.mean())


def sums(
    source: DatabaseTable, label: str, prediction: str, attributes: tuple[str, ...], middle: tuple[float, float],
) -> ir.Table:
    """What is asked then: by group, sums of the label and the prediction, each less its middle, and of errors."""
    t = _with_numbers(source, label, prediction, attributes)
    t = t.mutate(y=t.label_value - middle[0], p=t.prediction_value - middle[1], e=t.prediction_value - t.label_value)
    t = t.mutate(ee=_squared(t.e))
    return t.group_by([*(f"a{i}" for i in range(len(attributes))), "label_state", "prediction_state"]).aggregate(
        n=t.count(), y=t.y.sum(), p=t.p.sum(), yy=_squared(t.y).sum(), pp=_squared(t.p).sum(), e=t.e.sum(),
        ae=t.e.abs().sum(), ee=t.ee.sum(), eeee=_squared(t.ee).sum())


def _with_numbers(source: DatabaseTable, label: str, prediction: str, attributes: tuple[str, ...] = ()) -> ir.Table:
    t = source.expression
    (y, y_state), (p, p_state) = (_number(t, column, "numbers", within=False) for column in (label, prediction))
    keys = (stored(t, name).name(f"a{i}") for i, name in enumerate(attributes))
    return t.select(*keys, label_value=y, label_state=y_state, prediction_value=p, prediction_state=p_state)


def _squared(value: Any) -> Any:
    """The square of a number; nought where PostgreSQL would refuse it as too small to be told from nought."""
    import ibis

    return ibis.ifelse(value.abs() < TINY, 0.0, value * value)


def _day(t: ir.Table, column: str) -> Any:
    """Its days, in UTC where moments have a time zone; null outside the years 1 to 9999."""
    import ibis

    stored = t[column]
    if not (stored.type().is_date() or stored.type().is_timestamp()):
        raise UserError(f"Column “{column}” cannot be used as a day.", f"It is stored as {stored.type()}.",
                        "Choose a column of dates, or a view that casts it.")
    moment = stored.cast("timestamp")
    return ibis.ifelse((moment.year() >= 1) & (moment.year() <= LAST_YEAR), moment, None)


def _number(t: ir.Table, column: str, kind: str, *, within: bool = True) -> tuple[Any, Any]:
    """A column as floats (null where it is none), and in which of the four states each value is.

    kind: what it is used as, weight, score, before or numbers.
    """
    import ibis

    there = t[column]
    if not (there.type().is_numeric() or there.type().is_boolean()):
        raise UserError(f"Column “{column}” is not all numbers." if kind == "numbers" else
                        f"Column “{column}” cannot be used as {'a weight' if kind == 'weight' else 'a score'}.",
                        f"It is stored as {there.type()}.", "Choose a numeric column, or a view that casts it.")
    value = (there.cast("int64") if there.type().is_boolean() else there).cast("float64")
    known = value.nullif(math.nan)
    outside = (known < 0) | (known > 1) if kind != "weight" and within else ibis.literal(False)
    state = ibis.cases((known.isnull(), NONE), (known.isinf(), NO_NUMBER), (outside, OUTSIDE), else_=FINE)
    return known.nullif(math.inf).nullif(-math.inf), state


def median(source: DatabaseTable, column: str, progress: Progress) -> float:
    """The median of all usable scores. Raises UserError where there is none."""
    value, _ = _number(source.expression, column, "score", within=False)
    found = run(source, source.expression.aggregate(m=value.median()), progress)["m"][0]
    if found is None or found != found:  # noqa: PLR0124 - not a number
        raise UserError(f"Column “{column}” has no scores.", "A median needs at least one.", "Choose another column.")
    return float(found)


def duplicates(source: DatabaseTable, column: str, progress: Progress) -> int:
    """How many rows have a record id that another row has already. Raises UserError."""
    value = source.expression[named(source, column)]
    return int(run(source, source.expression.aggregate(twice=value.count() - value.nunique()), progress)["twice"][0])


def first_rows(source: DatabaseTable, rows: int) -> ir.Table:
    """Some rows as texts, in columns c0, c1…, to be shown."""
    import ibis

    t = source.expression
    return t.limit(rows).select(**{
        f"c{i}": ibis.literal("…") if t[name].type().is_binary() else t[name].cast("string")
        for i, name in enumerate(source.names)})


def values(source: DatabaseTable, column: str, few: int) -> ir.Table:
    """The different values of a column with their rows, the most frequent first; where they are more than few, only
    how many there are. gone: whether a value means that there is none · missing: rows without one.
    """
    import ibis

    t, v = source.expression, stored(source.expression, column)
    gone = v.isnull()
    if v.type().is_string():
        text = v + ""  # of an enumeration too
        gone |= text.strip().lower().isin(sorted(MISSING))
    elif v.type().is_floating():
        gone |= v.isnan()
    by = t.group_by(v=v, gone=gone).aggregate(n=t.count())
    by = by.mutate(missing=ibis.ifelse(by.gone, by.n, 0).sum().over(ibis.window()),
                   different=by.n.count(where=~by.gone).over(ibis.window()))
    return by.mutate(v=ibis.ifelse(by.different <= few, by.v, None)).order_by(by.gone, by.n.desc()).limit(2 * few)


def run(
    source: DatabaseTable, asked: ir.Table, progress: Progress, doing: str = "counting in the database",
) -> dict[str, NDArray[Any]]:
    """The columns of a result, by name. In a thread, so that the person can stop it.

    Raises UserError for more than `MAX_CELLS` rows, Unreachable, Cancelled.
    """
    answer: dict[str, Any] = {}

    def work() -> None:
        try:
            answer["found"] = asked.limit(MAX_CELLS + 1).to_pyarrow()
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            answer["wrong"] = error

    worker = threading.Thread(target=work, name="counting in a database")
    worker.start()
    try:
        while worker.is_alive():
            worker.join(POLL)
            progress.step(0.5, doing)
    except BaseException:
        if (cancel := getattr(source.expression.get_backend().con, "cancel", None)) is not None:
            cancel()
        worker.join()
        raise
    wrong = answer.get("wrong")
    if wrong is not None:
        raise _ours(source, wrong) from wrong
    table = answer["found"]
    if table.num_rows > MAX_CELLS:
        raise too_many(table.num_rows)
    return {str(name): values_of(table.column(name).to_pandas()) for name in table.column_names}


def _ours(source: DatabaseTable, error: Exception) -> Exception:
    """What went wrong in the database, in the words of whoever asked."""
    import psycopg
    import pyarrow as pa

    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return Unreachable(f"You may not read {source.input.name}.", str(error.diag.message_primary),
                           "Ask whoever runs the database for the right: USAGE on the schema, SELECT on the table.")
    if isinstance(error, psycopg.Error):
        return Unreachable("The database could not count.", str(error).strip(), "Try again, or ask whoever runs it.")
    if isinstance(error, pa.ArrowException):
        return UserError("What the database answers cannot be read here.", str(error)[:400],
                         "Choose other columns, or a view that casts them.")
    return error
