"""A registry in a SQLite file.

The settings are those that security.md §1.4 and §5 found safe: our own BEGIN IMMEDIATE, rollback journal with
synchronous=EXTRA, recursive_triggers so that INSERT OR REPLACE cannot delete, an authorizer that refuses changes.
"""

from __future__ import annotations

import getpass
import json
import os
import sqlite3
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, bindparam, create_engine, delete, event, exc, func, insert, select

from desktop_app.domain import audit, canonical
from desktop_app.domain.person import PersonErased
from desktop_app.domain.registry import Admission
from desktop_app.errors import Damaged, Refused, Unreachable, UserError
from desktop_app.registry import migrations
from desktop_app.registry._database import ALREADY, CLOCKS_DIFFER, Condition, Draft, older_format
from desktop_app.registry._places import check_place
from desktop_app.registry._tables import APPEND_ONLY, BLOB, ENTRY, FACT, IDENTITY

_PRAGMAS = (
    "journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON", "recursive_triggers=ON", "trusted_schema=OFF",
    "cell_size_check=ON", "busy_timeout=30000", "secure_delete=ON",  # what is erased is overwritten
)
_FIELD = "substr(body, instr(body, '\"{0}\":\"') + {1}, 26)"  # JSON functions are not allowed in a schema here
SIGNED_ONCE = (  # nobody decides twice on one request, whatever the program says
    f"CREATE UNIQUE INDEX signed_once ON fact ({_FIELD.format('request', 11)}, {_FIELD.format('person', 10)}) "
    "WHERE kind = 'promotion.signed_off'")
ERASED_ONLY = {  # names and texts: never changed, and deleted only with the record that says so
    "identity_no_update": "CREATE TRIGGER identity_no_update BEFORE UPDATE ON identity "
    "BEGIN SELECT RAISE(ABORT, 'identity rows are only added and erased'); END",
    "identity_no_delete": "CREATE TRIGGER identity_no_delete BEFORE DELETE ON identity WHEN NOT EXISTS ("
    "SELECT 1 FROM fact WHERE kind = 'person.erased' AND instr(body, '\"' || OLD.ref || '\"')) "
    "BEGIN SELECT RAISE(ABORT, 'identity rows are only erased with their record'); END"}
_REFUSED = {
    sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_TRIGGER,
    sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_ALTER_TABLE, sqlite3.SQLITE_CREATE_TRIGGER,
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
}


WAIT = 30.0  # seconds for the lock of a write
_writers: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


class SQLite:
    """A registry in a file of its own. The registry's order, time and user are those of the machine that writes."""

    def __init__(self, path: Path, *, only_read: bool = False) -> None:
        """only_read: nothing in the file is ever changed."""
        self.path = path
        self.address = f"sqlite:///{path}"
        self.engine = _engine(path, only_read=only_read)

    @property
    def folder(self) -> Path | None:
        """Where the file is."""
        return self.path.parent

    @classmethod
    def at(cls, url: URL) -> SQLite:
        """The file that an address names. Raises UserError."""
        if not url.database or url.database == ":memory:":
            raise UserError("A registry needs a file.", str(url), "Give a path.")
        return cls.on(Path(url.database))

    @classmethod
    def on(cls, path: Path) -> SQLite:
        """The file at a path of this machine's own disk. Raises Refused."""
        check_place(path)
        return cls(path)

    def make(self, fill: Callable[[Connection], None]) -> None:
        """The file is made beside its place and moved there whole."""
        if self.path.exists():
            raise UserError("There is already a file at this address.", str(self.path),
                            "Open it, or choose another path.")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(".making", self.path.name, self.path.parent)
            os.close(number)
        except OSError as error:
            raise Unreachable(
                "The folder for the registry cannot be written.", str(error), "Choose another path.") from error
        making = Path(name)
        try:
            self._fill(making, fill)
            move_new(making, self.path)
        except FileExistsError as error:
            raise UserError("Somebody has just made a file at this address.", str(self.path),
                            "Open it, or choose another path.") from error
        finally:
            making.unlink(missing_ok=True)

    def _fill(self, making: Path, fill: Callable[[Connection], None]) -> None:
        engine = _engine(making, guarded=False)
        try:
            with self._translated(), engine.connect().execution_options(writing=True) as connection, \
                    connection.begin():
                migrations.migrate(connection)
                fill(connection)
        finally:
            engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent moment; writes wait while it lasts."""
        with self._opened() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One consistent moment, read from a copy: writes wait only while the file is copied."""
        with tempfile.TemporaryDirectory(prefix="assaydesk-") as folder:
            copied = Path(folder) / "snapshot.assay"
            with self._opened() as connection:
                copy(connection, copied)
            engine = _engine(copied)
            try:
                with self._translated(), engine.connect() as connection, connection.begin():
                    yield connection
            finally:
                engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the file's write lock from its beginning; one at a time of this program."""
        with self._alone(), self._opened() as plain:
            connection = plain.execution_options(writing=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """SQLite lets whoever asks at the right moment in, and others wait for seconds; a lock is first come."""
        lock = _writers[self.path.resolve()]
        if not lock.acquire(timeout=WAIT):
            title, remedy = _environment("locked")
            raise Unreachable(title, f"{self.address}: another write of this program has not ended.", remedy)
        try:
            yield
        finally:
            lock.release()

    def revision(self, connection: Connection) -> str:
        """The format of the registry."""
        there = "SELECT 1 FROM sqlite_master WHERE name = ?"
        if not connection.exec_driver_sql(there, (migrations.TABLE,)).scalar():
            return migrations.KNOWN[0]
        query = f"SELECT version_num FROM {migrations.TABLE}"  # noqa: S608 - our own name
        return str(connection.exec_driver_sql(query).scalar())

    @contextmanager
    def upgrading(self) -> Iterator[tuple[Connection, str]]:
        """One transaction that holds the file: what fails or is killed leaves the registry as it was.

        In place: programs that hold the file open go on with the same file, and see its new format.
        """
        engine = _engine(self.path, guarded=False)
        try:
            with self._translated(), engine.connect().execution_options(writing=True) as connection, \
                    connection.begin():
                since = older_format(self.revision(connection))
                migrations.migrate(connection, since)
                yield connection, since
        finally:
            engine.dispose()

    def condition(self, connection: Connection) -> Condition:
        """How the file is."""
        found = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
                 for name in ("journal_mode", "synchronous", "page_count", "page_size", "quick_check")}
        damage = () if found["quick_check"] == "ok" else (f"the file is damaged: {found['quick_check']}",)
        return Condition(
            engine=f"SQLite {sqlite3.sqlite_version}", size=int(found["page_count"]) * int(found["page_size"]),
            login=_system_user(), settings={
                "journal": found["journal_mode"],
                "synchronous": ("off", "normal", "full", "extra")[int(found["synchronous"])]}, warnings=damage)

    def backup(self, target: Path) -> None:
        """A copy of the file, checked by SQLite."""
        if target.exists():
            raise UserError("There is already a file at this address.", str(target), "Choose another name.")
        with self._opened() as connection:
            copy(connection, target)
        with translated(str(target)), raw_errors(), closing(sqlite3.connect(target)) as made:
            if (said := made.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise Damaged("The registry's file is damaged; the backup is not good.", f"{self.path}: {said}",
                              "Keep the file as it is, and restore an older backup.")

    def admit(self, login: str, may: Admission) -> None:  # noqa: ARG002 - a file has no logins
        """Whoever may write the file may use the registry."""
        raise UserError("A registry in a file has no logins.", str(self.path),
                        "Whoever may read and write the file may use it. Enrol people with: assaydesk people enrol.")

    def sweep(self) -> None:
        """Write the whole file anew: `secure_delete` leaves pieces of deleted rows where SQLite had moved them before
        (three of 6,000 in a trial).
        """
        with self._alone(), self._translated(), raw_errors(), \
                closing(sqlite3.connect(self.path, isolation_level=None)) as plain:
            for pragma in _PRAGMAS:
                plain.execute(f"PRAGMA {pragma}")
            plain.execute("VACUUM")

    @contextmanager
    def _opened(self) -> Iterator[Connection]:
        if not self.path.exists():
            raise Unreachable("There is no registry at this address.", str(self.path),
                              "Check the address, or make a registry with: assaydesk init.")
        if self.path.is_dir():
            raise Unreachable("This is a folder, not a registry.", str(self.path), "Give the registry file in it.")
        with self._translated(), self.engine.connect() as connection:
            yield connection

    def append(self, connection: Connection, draft: Draft) -> int:
        """Append with this machine's time and user; the write lock is held."""
        seq = _append_entry(connection, draft)
        _append_facts(connection, draft, seq)
        _erase(connection, draft)
        _append_blobs(connection, draft, seq)
        return seq

    def guards_missing(self, connection: Connection) -> tuple[str, ...]:
        """Names of the guards that are not there, or say something else than `guards`."""
        query = "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'index')"
        there = {row.name: row.sql for row in connection.exec_driver_sql(query)}
        return tuple(name for name, statement in guards().items() if there.get(name) != statement)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self.address)


def _engine(path: Path, *, guarded: bool = True, only_read: bool = False) -> Engine:
    """An engine whose connections have our settings; `guarded=False` only while the schema is made."""
    made = create_engine(URL.create("sqlite", database=str(path)), connect_args={"check_same_thread": False})

    @event.listens_for(made, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's and sqlite3's own BEGIN lose updates (security.md §5.2)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if only_read:
            connection.execute("PRAGMA query_only=ON")
        if guarded:
            connection.set_authorizer(_authorize)

    @event.listens_for(made, "begin")
    def _begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return made


def move_new(made: Path, place: Path) -> None:
    """Give a file its name unless another has it. Raises FileExistsError."""
    if os.name == "nt":
        made.rename(place)  # refuses by itself there
    else:
        place.hardlink_to(made)


def _authorize(action: int, what: str | None, value: str | None, *_where: str | None) -> int:
    changing = action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and what in (*APPEND_ONLY, migrations.TABLE)
    changing |= action == sqlite3.SQLITE_INSERT and what == migrations.TABLE
    schema = what == "sqlite_master" and action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
    setting = action == sqlite3.SQLITE_PRAGMA and value is not None  # ours are set; none is changed afterwards
    return sqlite3.SQLITE_DENY if changing or schema or setting or action in _REFUSED else sqlite3.SQLITE_OK


def guards() -> dict[str, str]:
    """The statements, by name, that make what keeps rows from being changed."""
    keys = {"registry": "id", "entry": "seq", "fact": "id", "blob": "digest"}
    refuse, made = "BEGIN SELECT RAISE(ABORT, '{} rows are only added'); END", {"signed_once": SIGNED_ONCE}
    for table, key in keys.items():
        same = "" if table == "registry" else f" WHERE {key} = NEW.{key}"  # a registry says once what it is
        known = f"WHEN EXISTS (SELECT 1 FROM {table}{same})"  # noqa: S608 - our own names
        for name, moment in (("no_update", "UPDATE"), ("no_delete", "DELETE"), ("once", "INSERT")):
            when = f" {known}" if moment == "INSERT" else ""
            made[f"{table}_{name}"] = (
                f"CREATE TRIGGER {table}_{name} BEFORE {moment} ON {table}{when} {refuse.format(table)}")
    return made | ERASED_ONLY


def _append_entry(connection: Connection, draft: Draft) -> int:
    newest = select(ENTRY.c.seq, ENTRY.c.hash, ENTRY.c.at).order_by(ENTRY.c.seq.desc()).limit(1)
    last = connection.execute(newest).first()
    seq, prev = (last.seq + 1, last.hash) if last else (1, audit.GENESIS.hex())
    at = _after(canonical.parse_utc(last.at), draft.now) if last else draft.now
    said, body, user = draft.body, canonical.jcs(draft.body).decode("utf-8"), _system_user()
    framed = audit.message(seq, at, user, draft.command, body)
    connection.execute(insert(ENTRY), [{
        "seq": seq, "at": canonical.utc_text(at), "db_user": user, "command": draft.command, "body": body,
        "prev": prev, "hash": audit.chain_hash(bytes.fromhex(prev), framed).hex(), "actor": said["actor"],
        "action": said["action"], "subject": said["subject"], "note": said["note"]}])
    return seq


def _after(last: datetime, now: datetime) -> datetime:
    """The time of an entry: the log's time never runs back, and does not follow a clock that is wrong."""
    if last - now > CLOCKS_DIFFER:
        raise Refused(
            "The clock of this machine is behind the registry.",
            f"This machine says {canonical.utc_text(now)}; the last entry was made at {canonical.utc_text(last)}.",
            "Set the clock of this machine. If it is right, the last entry was made with a clock that was ahead: "
            "tell an administrator.")
    return max(now, last)


def _append_facts(connection: Connection, draft: Draft, seq: int) -> None:
    query = (select(FACT.c.kind, func.max(FACT.c.ordinal))
             .where(FACT.c.kind.in_({f.kind for f in draft.facts})).group_by(FACT.c.kind))
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    rows = []
    for position, fact in enumerate(draft.facts):
        counts[fact.kind] = counts.get(fact.kind, 0) + 1
        rows.append({"id": fact.id, "kind": fact.kind, "ordinal": counts[fact.kind], "seq": seq,
                     "position": position, "digest": fact.digest, "body": fact.body})
    connection.execute(insert(FACT), rows)


def _erase(connection: Connection, draft: Draft) -> None:
    """Delete the erasable texts that the draft says are erased."""
    erased = [json.loads(f.body)["refs"] for f in draft.facts if f.kind == canonical.kind_of(PersonErased)]
    if rows := [{"gone": ref} for refs in erased for ref in refs]:
        connection.execute(delete(IDENTITY).where(IDENTITY.c.ref == bindparam("gone")), rows)


def _append_blobs(connection: Connection, draft: Draft, seq: int) -> None:
    if not draft.blobs:
        return
    kept = set(connection.execute(select(BLOB.c.digest).where(BLOB.c.digest.in_(draft.blobs))).scalars())
    rows = [{"digest": d, "seq": seq, "size": len(data), "data": data}
            for d, data in draft.blobs.items() if d not in kept]
    if rows:
        connection.execute(insert(BLOB), rows)


def _system_user() -> str:
    """Who the operating system says writes."""
    try:
        found = getpass.getuser()
        return found if audit.frames(found) else "unknown"
    except (OSError, KeyError, ImportError):  # no such user in the system's tables, as in some containers
        return "unknown"


def busy(status: int, _left: int, _pages: int) -> None:
    """For `sqlite3.Connection.backup`, which would wait for ever for somebody else's lock."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("database is locked")


def copy(connection: Connection, target: Path) -> None:
    """The whole database into a new file, as it is at one moment (SQLite's online backup, all pages in one step)."""
    source: Any = connection.connection.dbapi_connection
    with raw_errors(), closing(sqlite3.connect(target)) as made:
        source.backup(made, progress=busy)


@contextmanager
def raw_errors() -> Iterator[None]:
    """What sqlite3 itself raises, as SQLAlchemy would."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise exc.OperationalError("", None, error) from error
    except sqlite3.DatabaseError as error:
        raise exc.DatabaseError("", None, error) from error


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the database's environment errors into ours; programming errors stay what they are: bugs."""
    try:
        yield
    except exc.OperationalError as error:
        text = str(error.orig)
        title, remedy = _environment(text)
        raise Unreachable(title, f"{where}: {text}", remedy) from error
    except exc.IntegrityError as error:
        if "signed_once" in str(error.orig):
            raise Refused(ALREADY, where, "Nothing was recorded a second time.") from error
        raise
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
