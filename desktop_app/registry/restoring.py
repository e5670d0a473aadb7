"""A prepared registry file takes the place of another, whole or not at all; what was there is kept beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from desktop_app.errors import Refused, StaleError, Unreachable, UserError
from desktop_app.registry._database import database
from desktop_app.registry._sqlite import SQLite, busy, move_new, raw_errors, translated


def replace(place: Path, prepared: Path, aside: Path, head: str) -> None:
    """Put `prepared` where `place` is, and keep what was there as `aside`.

    head: the hash of the last entry that the registry at `place` had when its loss was agreed to. Programs that have
    the file open go on with what is now in it: SQLite writes it page by page under its own locks and journal, so that
    a crash leaves the old registry or the new one. Raises StaleError, Unreachable.
    """
    with translated(str(place)), raw_errors(), _held(place) as (there, last):
        if last != head:
            raise StaleError("Somebody has written to the registry meanwhile; nothing was restored.",
                             (f"Its log ended with {head[:16]}; now it ends with {last[:16]}.",), "Try again.")
        with closing(sqlite3.connect(aside)) as kept:
            there.backup(kept, progress=busy)
        with closing(sqlite3.connect(prepared)) as made:
            made.backup(there, progress=busy)


@contextmanager
def _held(place: Path) -> Iterator[tuple[sqlite3.Connection, str]]:
    """The file, which nobody else can read or write while the block lasts, and the hash of its last entry."""
    with closing(sqlite3.connect(place, isolation_level=None, timeout=30)) as there:
        for pragma in ("synchronous=EXTRA", "locking_mode=EXCLUSIVE"):
            there.execute(f"PRAGMA {pragma}")
        there.execute("BEGIN EXCLUSIVE")
        found = there.execute("SELECT hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        there.execute("COMMIT")  # the lock stays: that is what locking_mode=EXCLUSIVE means
        yield there, found[0] if found else ""


def put(place: Path, prepared: Path, aside: Path) -> None:
    """Put `prepared` where nothing is, or where something is that is no longer a registry, and keep that as `aside`."""
    try:
        for ending in ("", "-journal", "-wal", "-shm"):  # a journal left behind would be rolled into the new file
            old = place.with_name(place.name + ending)
            if old.exists():
                old.rename(aside.with_name(aside.name + ending))
        move_new(prepared, place)
        if os.name != "nt":
            prepared.unlink()
    except OSError as error:
        raise Unreachable("The registry could not be put in its place.", f"{place}: {error}",
                          "Close every program that has it open, and try again.") from error


def load(prepared: Path, address: str) -> None:
    """Every row of `prepared` into a new registry on a server, as it is, in the transaction that makes the registry.

    Raises UserError where there is a registry already, Refused, Unreachable: nothing is left on the server then.
    """
    from desktop_app.registry._postgres import PostgreSQL, copy_rows

    made, source = database(address), SQLite(prepared)
    try:
        if not isinstance(made, PostgreSQL):
            raise UserError("This is not the address of a server.", made.address, "Write it as postgresql://…")
        with source.reading() as rows:
            def fill(fresh: Connection) -> None:
                copy_rows(rows, fresh)
                _set_head(fresh)

            made.make(fill)
    finally:
        source.engine.dispose()
        made.engine.dispose()


def _set_head(fresh: Connection) -> None:
    """The log goes on after its last entry, which the server's clock must not be behind (`append` would refuse)."""
    fresh.exec_driver_sql("UPDATE assaydesk.head SET (seq, hash, at) = "
                          "(SELECT seq, hash, at FROM assaydesk.entry ORDER BY seq DESC LIMIT 1)")
    at, now, ahead = fresh.exec_driver_sql(
        "SELECT at, clock_timestamp()::text, extract(epoch FROM at::timestamptz - clock_timestamp()) > 300 "
        "FROM assaydesk.head").one()
    if ahead:
        raise Refused("The server's clock is behind the end of the log; nothing was restored.",
                      f"The server says {now}; the last entry was made at {at}.",
                      "Set the clock that is wrong: this machine's or the server's.")
