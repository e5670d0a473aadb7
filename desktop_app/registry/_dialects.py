"""What differs between database engines: how a connection is opened, how a write begins, what guards the tables.

SQLite settings are those that security.md §1.4 and §5 found safe: our own BEGIN IMMEDIATE, rollback journal with
synchronous=EXTRA, recursive_triggers so that INSERT OR REPLACE cannot delete, an authorizer that refuses changes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from desktop_app.errors import Unreachable, UserError
from desktop_app.registry._tables import APPEND_ONLY

_PRAGMAS = (
    "journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON", "recursive_triggers=ON", "trusted_schema=OFF",
    "cell_size_check=ON", "busy_timeout=30000",
)
_REFUSED = {
    sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_TRIGGER,
    sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_ALTER_TABLE, sqlite3.SQLITE_CREATE_TRIGGER,
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
}


def parse_url(text: str) -> URL:
    """A registry address: a path, or sqlite:///PATH. Raises UserError for anything else."""
    if re.match(r"[a-z][a-z0-9+]+://", text):
        try:
            url = make_url(text)
        except (exc.ArgumentError, ValueError) as error:
            raise UserError(
                "This registry address cannot be read.", str(error), "Write it as sqlite:///PATH.") from error
        if url.get_backend_name() != "sqlite":
            raise UserError(
                f"Registries on {url.get_backend_name()} cannot be opened by this version.", text,
                "Give the path of a registry file, or sqlite:///PATH.")
        return url
    return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))


def sqlite_path(url: URL) -> Path:
    """The file of a SQLite registry."""
    if not url.database or url.database == ":memory:":
        raise UserError("A registry needs a file.", str(url), "Give a path.")
    return Path(url.database)


def engine(url: URL, *, guarded: bool = True) -> Engine:
    """An engine whose connections have our settings; `guarded=False` only while the schema is made."""
    made = create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(made, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's and sqlite3's own BEGIN lose updates (security.md §5.2)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if guarded:
            connection.set_authorizer(_authorize)

    @event.listens_for(made, "begin")
    def _begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return made


def _authorize(action: int, what: str | None, value: str | None, *_where: str | None) -> int:
    changing = action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and what in APPEND_ONLY
    schema = what == "sqlite_master" and action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
    setting = action == sqlite3.SQLITE_PRAGMA and value is not None  # ours are set; none is changed afterwards
    return sqlite3.SQLITE_DENY if changing or schema or setting or action in _REFUSED else sqlite3.SQLITE_OK


def guards() -> list[str]:
    """The statements that make the append-only triggers."""
    keys = {"registry": "id", "entry": "seq", "fact": "id", "blob": "digest"}
    refuse, made = "BEGIN SELECT RAISE(ABORT, '{} rows are only added'); END", []
    for table, key in keys.items():
        for verb in ("UPDATE", "DELETE"):
            made.append(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refuse.format(table)}")
        same = "" if table == "registry" else f" WHERE {key} = NEW.{key}"  # a registry says once what it is
        known = f"WHEN EXISTS (SELECT 1 FROM {table}{same})"  # noqa: S608 - our own names
        made.append(f"CREATE TRIGGER {table}_once BEFORE INSERT ON {table} {known} {refuse.format(table)}")
    return made


def guards_missing(connection: Connection) -> tuple[str, ...]:
    """Names of the append-only triggers that are not there, or say something else than `guards`."""
    wanted = {statement.split()[2]: statement for statement in guards()}
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    there = {row.name: row.sql for row in connection.exec_driver_sql(query)}
    return tuple(name for name, statement in wanted.items() if there.get(name) != statement)


def copy(connection: Connection, target: Path) -> None:
    """The whole database into a new file, as it is at one moment (SQLite's online backup, all pages in one step)."""

    def step(status: int, _left: int, _pages: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):  # sqlite3 would wait for ever
            raise sqlite3.OperationalError("database is locked")

    made = sqlite3.connect(target)
    try:
        source: Any = connection.connection.dbapi_connection
        source.backup(made, progress=step)
    except sqlite3.OperationalError as error:
        raise exc.OperationalError("backup", None, error) from error
    except sqlite3.DatabaseError as error:
        raise exc.DatabaseError("backup", None, error) from error
    finally:
        made.close()


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the database's environment errors into ours; programming errors stay what they are: bugs."""
    try:
        yield
    except exc.OperationalError as error:
        text = str(error.orig)
        title, remedy = _environment(text)
        raise Unreachable(title, f"{where}: {text}", remedy) from error
    except exc.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise Unreachable("This file is not a registry, or it is damaged.", f"{where}: {error.orig}",
                              "Check the path; restore a backup if it is the right one.") from error
        raise


def _environment(text: str) -> tuple[str, str]:
    if "readonly" in text or "unable to open" in text:
        return "The registry file cannot be opened for writing.", "Check that the folder exists and is yours to write."
    if "full" in text:
        return "The disk is full; nothing was written.", "Free some space and try again."
    if "locked" in text or "busy" in text:
        return "Another program is writing to the registry.", "Wait a moment and try again."
    if "no such table" in text:
        return "This file is not a registry.", "Check the path, or make one with: assaydesk init."
    return "The registry could not be read or written; nothing was changed.", "Try again; keep the detail for support."
