"""Two doors to the registry: `read` (and `snapshot`, for what takes long) cannot write; `write` says who, what and on
what, and leaves one entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert
from sqlalchemy.exc import NoResultFound

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.change import Change
from desktop_app.domain.registry import RegistryUpgraded
from desktop_app.errors import Damaged, Unreachable
from desktop_app.registry import migrations, projections
from desktop_app.registry._database import Condition, Database, check_format, database
from desktop_app.registry._tables import REGISTRY, SCHEMA
from desktop_app.registry.reader import Reader, RegistryInfo
from desktop_app.registry.writer import Write

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Store:
    """An open registry. Safe to use from several threads: each door takes a connection of its own.

    address: where it is, without a password · folder: where its file is, if it is one · clock: now, in UTC · info: what
    it says it is.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.address, self.folder, self.clock = database.address, database.folder, clock
        self.info: RegistryInfo = self._identify()

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
        with self._database.snapshot() as connection:
            yield Reader(connection, self._database)

    @contextmanager
    def write(
        self, actor: Id, action: str, subject: Id, *, note: str = "", command: str | None = None,
    ) -> Iterator[Write]:
        """One transaction that adds facts and, on leaving the block, exactly one entry; an exception leaves nothing.

        actor: who · action: past tense, "promotion.signed_off" · subject: the id of what it is about · note: one
        sentence for people · command: client-made id, so that a retry finds its own result (`outcome`).
        """
        with self._database.writing() as connection:
            check_format(self._database.revision(connection))
            write = Write(self._database, connection, now=self.clock(), actor=actor, action=action, subject=subject,
                          note=note, command=command or self.new_id())
            yield write
            write.finish()

    @contextmanager
    def upgrading(self, actor: Id) -> Iterator[Write]:
        """A write, `registry.upgraded`, in whose transaction the schema was brought to today's format before, and every
        projection made again.

        Raises Refused when there is nothing to upgrade, Damaged when its guards are not as the scripts leave them.
        """
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
        """What a command has already done, if it was committed."""
        with self.read() as reader:
            entry = reader.outcome(command)
        if entry is None:
            return None
        body = entry.read()
        return Change(kinds=frozenset(body.kinds), subject=body.subject, note=body.note, seq=entry.seq)

    def new_id(self) -> Id:
        """A new client-made id."""
        return canonical.new_id(self.clock())

    def rebuild(self) -> tuple[str, ...]:
        """Make every projection again from the facts. Returns what differed, a sentence each."""
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

    def admit(self, login: str, *, auditor: bool = False) -> None:
        """Let a login of the server use the registry, or only read it. Raises UserError, Refused."""
        self._database.admit(login, auditor=auditor)

    def close(self) -> None:
        """Let go of all connections."""
        self._database.engine.dispose()


def open_store(address: str, clock: Clock = system_clock) -> Store:
    """Open the registry at a path or URL. Raises Unreachable, UserError."""
    return _opened(database(address), clock)


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


def _opened(found: Database, clock: Clock) -> Store:
    try:
        return Store(found, clock)
    except BaseException:
        found.engine.dispose()
        raise
