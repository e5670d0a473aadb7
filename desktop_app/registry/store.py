"""Two doors to the registry: `read` (and `snapshot`, for what takes long) cannot write; `write` says who, what and on
what, and leaves one entry.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, exc, insert, make_url
from sqlalchemy.exc import NoResultFound

from desktop_app.domain import canonical
from desktop_app.domain.audit import Entry
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.change import Change
from desktop_app.domain.local_copy import LocalCopy
from desktop_app.domain.registry import Admission, RegistryUpgraded
from desktop_app.errors import Damaged, Lost, Pending, Refused, Unreachable
from desktop_app.registry import migrations, projections
from desktop_app.registry._database import Condition, Database, check_format, database
from desktop_app.registry._sqlite import SQLite
from desktop_app.registry._tables import REGISTRY, SCHEMA
from desktop_app.registry.outbox import Leftover, Outbox, Patience
from desktop_app.registry.reader import Head, Reader, RegistryInfo
from desktop_app.registry.writer import Write
from desktop_app.settings import data_folder

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Store:
    """An open registry. Safe to use from several threads: each door takes a connection of its own.

    address: where it is, without a password · folder: where its file is, if it is one · clock: now, in UTC · info: what
    it says it is · patience: how long a registry that went away is asked again, unless it is `given_up` · copied: of
    which registry this is a copy for reading only; None: it is the registry itself.
    """

    def __init__(self, database: Database, clock: Clock, copied: LocalCopy | None = None) -> None:
        self._database, self.copied = database, copied
        self.address = copied.address if copied else database.address
        self.folder, self.clock = None if copied else database.folder, clock
        self.info: RegistryInfo = self._identify()
        self.patience = Patience()
        self._outbox = Outbox(data_folder() / "outbox" / self.info.id)
        self._sending: set[str] = set()  # commands that this program has sent and still asks about
        self.given_up = threading.Event()

    def check_original(self) -> None:
        """Nothing is recorded in a copy. Raises Refused."""
        if self.copied:
            raise Refused("This is a copy of the registry: nothing can be recorded in it.",
                          f"It was taken on {self.copied.taken_at} ({self.copied.age(self.clock())}).",
                          "Connect to the registry itself first.")

    def _identify(self) -> RegistryInfo:
        try:
            with self.read() as reader:
                revision = reader.revision()
                if revision not in migrations.KNOWN:
                    raise Unreachable(
                        "This registry was written by a newer version of Assaydesk.",
                        f"It has format {revision}; this program knows formats up to {migrations.KNOWN[-1]}.",
                        "Install the newer version. Nothing was changed.")
                return reader.info()
        except NoResultFound as error:
            raise Unreachable("This is not a registry.", f"{self.address}: it does not say which registry it is.",
                              "Check the address; restore a backup if it is the right one.") from error

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent moment of the registry."""
        with self._database.reading() as connection:
            yield Reader(connection, self._database)

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """One consistent moment of the registry that keeps nobody waiting: for whatever takes long."""
        opened = self._database.reading if self.copied else self._database.snapshot  # nobody writes in a copy
        with opened() as connection:
            yield Reader(connection, self._database)

    @contextmanager
    def write(
        self, actor: Id, action: str, subject: Id, *, note: str = "", command: str | None = None,
    ) -> Iterator[Write]:
        """One transaction that adds facts and, on leaving the block, exactly one entry; an exception leaves nothing.

        actor: who · action: past tense, "promotion.signed_off" · subject: the id of what it is about · note: one
        sentence for people · command: client-made id, so that a retry finds its own result (`outcome`).
        What is sent lies in the outbox before. When the connection goes away between sending and answer the registry is
        asked what became of it. Raises Lost when nothing was recorded, Pending when that is not known yet, Refused in a
        copy.
        """
        self.check_original()
        command, sent = command or self.new_id(), False
        try:
            with self._database.writing() as connection:
                check_format(self._database.revision(connection))
                write = Write(self._database, connection, now=self.clock(), actor=actor, action=action, subject=subject,
                              note=note, command=command)
                yield write
                head = write.reader.head()
                self._outbox.keep(write.sent())
                sent = True
                self._sending.add(command)
                write.finish()
        except Lost as lost:
            if not sent:
                raise
            self._learn(write, command, head, lost)
        except Exception:
            if sent:
                self._outbox.forget(command)  # the registry answered: it was not recorded
            raise
        finally:
            self._sending.discard(command)
        self._outbox.forget(command)

    def _learn(self, write: Write, command: str, head: Head, lost: Unreachable) -> None:
        """What became of a write whose answer did not come; sent again where nothing was written since.

        Raises Lost when it was not recorded, Pending when that cannot be learned for now.
        """
        for _ in self.patience.attempts(self.given_up):
            try:
                with self._database.writing() as connection:  # the lost one is over: it held this lock
                    reader = Reader(connection, self._database)
                    if (entry := reader.outcome(command)) is not None:
                        write.change = _change(entry)
                        return
                    if not self._outbox.holds(command):
                        raise Refused("This was not recorded, as another window of yours has told already.", write.note,
                                      "Look, and do it again.")
                    if reader.head() != head:
                        break
                    write.again(connection)
                    write.finish()
                return
            except Refused:
                self._outbox.forget(command)
                raise
            except Unreachable as again:
                lost = again
        else:
            raise Pending(
                "It is not known yet whether this was recorded.",
                f"{write.note or 'It'}: the connection went away before the registry answered. {lost.detail}",
                "It is kept on this computer. When the registry can be reached again you are told whether it was "
                "recorded; until then do not do it again.") from lost
        self._outbox.forget(command)
        raise Lost("The connection went away, and this was not recorded.",
                   "Others' work was recorded meanwhile, so it was not sent again.", "Look, and do it again.") from lost

    def leftovers(self) -> tuple[Leftover, ...]:
        """What became of writes, of this program or of one that ended, whose answer never came: until `told`.

        Raises Lost while the registry is away. A copy, which may be older than they are, cannot tell.
        """
        if self.copied:
            return ()
        if any(command not in self._sending for command in self._outbox.unanswered()):
            with self._database.writing() as connection:  # nobody is between sending and answer now
                reader = Reader(connection, self._database)
                for command in self._outbox.unanswered():
                    if command not in self._sending:
                        entry = reader.outcome(command)
                        self._outbox.settle(command, entry.seq if entry else None)
        return self._outbox.answered()

    def told(self, command: str) -> None:
        """Somebody was told what became of it."""
        self._outbox.forget(command)

    def give_up(self) -> None:
        """Wait no longer for a registry that is away: the program ends. What is pending stays in the outbox."""
        self.given_up.set()

    @contextmanager
    def upgrading(self, actor: Id) -> Iterator[Write]:
        """A write, `registry.upgraded`, in whose transaction the schema was brought to today's format before, and every
        projection made again.

        Raises Refused when there is nothing to upgrade, Damaged when its guards are not as the scripts leave them.
        """
        self.check_original()
        to = migrations.KNOWN[-1]
        with self._database.upgrading() as (connection, since):
            write = Write(self._database, connection, now=self.clock(), actor=actor, action="registry.upgraded",
                          subject=Id(self.info.id), note=f"Upgraded the registry from format {since} to {to}",
                          command=self.new_id())
            write.add(RegistryUpgraded(id=self.new_id(), since=since, to=to, scripts_sha256=Digest(
                migrations.digest(since))))
            projections.rebuild(connection, write.reader)
            if missing := write.reader.guards_missing():
                raise Damaged("What guards this registry is not as it was made; it was not upgraded.",
                              f"{self.address}: {', '.join(missing)}",
                              "Have whoever audits the registry run: assaydesk audit verify.")
            yield write
            write.finish()

    def outcome(self, command: str) -> Change | None:
        """What a command has already done, if it was committed. One that may be on its way is waited for.

        Raises Refused in a copy, which cannot tell.
        """
        self.check_original()
        door = self._database.writing if self._outbox.holds(command) else self._database.reading
        with door() as connection:
            entry = Reader(connection, self._database).outcome(command)
        return _change(entry) if entry else None

    def new_id(self) -> Id:
        """A new client-made id."""
        return canonical.new_id(self.clock())

    def rebuild(self) -> tuple[str, ...]:
        """Make every projection again from the facts. Returns what differed, a sentence each."""
        self.check_original()
        with self._database.writing() as connection:
            check_format(self._database.revision(connection))
            return projections.rebuild(connection, Reader(connection, self._database))

    def condition(self) -> Condition:
        """How the database under the registry is."""
        with self._database.reading() as connection:
            return self._database.condition(connection)

    def backup(self, target: Path) -> None:
        """The whole registry, at one moment, as a new registry file; of a server's registry too. Raises UserError."""
        self._database.backup(target)

    def sweep(self) -> None:
        """Leave nothing of erased texts in the file, where the registry is one. Raises Unreachable."""
        self.check_original()
        self._database.sweep()

    def admit(self, login: str, may: Admission = Admission.WRITE) -> None:
        """Let a login of the server use the registry. Raises UserError, Refused."""
        self.check_original()
        self._database.admit(login, may)

    def close(self) -> None:
        """Let go of all connections."""
        self._database.engine.dispose()


def _change(entry: Entry) -> Change:
    body = entry.read()
    return Change(kinds=frozenset(body.kinds), subject=body.subject, note=body.note, seq=entry.seq)


def open_store(address: str, clock: Clock = system_clock) -> Store:
    """Open the registry at a path or URL. Raises Unreachable, UserError."""
    return _opened(database(address), clock)


def plain_address(address: str) -> str:
    """A registry's address as it may be written down: which database on which server, as whom, without a password and
    without how it is connected to. Whatever cannot be read as an address of a server stays as it is.
    """
    try:
        url = make_url(address)
        server = url.get_backend_name() == "postgresql"
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError):
        return address
    where = {name: value for name, value in url.query.items() if name in ("host", "port")}
    plain = url.set(drivername="postgresql", query=where)._replace(password=None)
    return plain.render_as_string() if server else address


def create_store(address: str, name: str, clock: Clock = system_clock) -> Store:
    """Make a new, empty registry. Raises UserError when something is already there."""
    row = {"id": str(uuid.uuid4()), "name": name, "schema_version": SCHEMA, "created": canonical.utc_text(clock())}

    def fill(connection: Connection) -> None:
        connection.execute(insert(REGISTRY), [row])

    made = database(address)
    try:
        made.make(fill)
    except BaseException:
        made.engine.dispose()
        raise
    return _opened(made, clock)


def open_copy(copied: LocalCopy, file: Path, clock: Clock = system_clock) -> Store:
    """Open a copy of a registry for reading. Raises Unreachable."""
    return _opened(SQLite(file, only_read=True), clock, copied)


def _opened(found: Database, clock: Clock, copied: LocalCopy | None = None) -> Store:
    try:
        return Store(found, clock, copied)
    except BaseException:
        found.engine.dispose()
        raise
