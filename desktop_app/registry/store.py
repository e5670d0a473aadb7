"""Two doors to the registry: `read` (and `snapshot`, for what takes long) cannot write; `write` says who, what and on
what, and leaves one entry.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, insert
from sqlalchemy.exc import NoResultFound
from sqlmodel import SQLModel

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Id
from desktop_app.domain.change import Change
from desktop_app.errors import Unreachable, UserError
from desktop_app.registry import _dialects, projections
from desktop_app.registry._tables import REGISTRY, SCHEMA
from desktop_app.registry.reader import Reader, RegistryInfo
from desktop_app.registry.writer import Write

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Store:
    """An open registry. Safe to use from several threads: each door takes a connection of its own.

    folder: where its file is · clock: now, in UTC · info: what it says it is.
    """

    def __init__(self, url: URL, clock: Clock) -> None:
        self._engine = _dialects.engine(url)
        self._where = url.render_as_string(hide_password=True)
        self.folder = _dialects.sqlite_path(url).parent
        self.clock = clock
        self.info: RegistryInfo = self._identify()

    @property
    def address(self) -> str:
        """Where the registry is, without a password."""
        return self._where

    def _identify(self) -> RegistryInfo:
        try:
            with self.read() as reader:
                info = reader.info()
        except NoResultFound as error:
            raise Unreachable("This file is not a registry.", f"{self._where}: it does not say which registry it is.",
                              "Check the path; restore a backup if it is the right one.") from error
        if info.schema_version > SCHEMA:
            self.close()
            raise Unreachable(
                "This registry was written by a newer version of Assaydesk.",
                f"It has format {info.schema_version}; this program knows formats up to {SCHEMA}.",
                "Install the newer version. Nothing was changed.")
        return info

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent moment of the registry."""
        with _dialects.translated(self._where), self._engine.connect() as connection, connection.begin():
            yield Reader(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """One consistent moment of the registry, read from a copy of its own: for whatever takes long.

        A `read` keeps everybody's writes waiting while it lasts; this one only while the file is copied.
        """
        with _dialects.translated(self._where), tempfile.TemporaryDirectory(prefix="assaydesk-") as folder:
            copied = Path(folder) / "snapshot.assay"
            with self._engine.connect() as connection:
                _dialects.copy(connection, copied)
            engine = _dialects.engine(URL.create("sqlite", database=str(copied)))
            try:
                with engine.connect() as connection, connection.begin():
                    yield Reader(connection)
            finally:
                engine.dispose()

    @contextmanager
    def write(
        self, actor: Id, action: str, subject: Id, *, note: str = "", command: str | None = None,
    ) -> Iterator[Write]:
        """One transaction that adds facts and, on leaving the block, exactly one entry; an exception leaves nothing.

        actor: who · action: past tense, "promotion.signed_off" · subject: the id of what it is about · note: one
        sentence for people · command: client-made id, so that a retry finds its own result (`outcome`).
        """
        with _dialects.translated(self._where), self._engine.connect() as plain:
            connection = plain.execution_options(writing=True)
            with connection.begin():
                write = Write(connection, now=self.clock(), actor=actor, action=action, subject=subject, note=note,
                              command=command or self.new_id())
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

    def rebuild(self) -> None:
        """Make every projection again from the facts."""
        with _dialects.translated(self._where), self._engine.connect() as plain:
            connection = plain.execution_options(writing=True)
            with connection.begin():
                projections.rebuild(connection)

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def open_store(address: str, clock: Clock = system_clock) -> Store:
    """Open the registry at a path or URL. Raises Unreachable, UserError."""
    url = _dialects.parse_url(address)
    path = _dialects.sqlite_path(url)
    if not path.exists():
        raise Unreachable("There is no registry at this address.", str(path),
                          "Check the address, or make a registry with: assaydesk init.")
    if path.is_dir():
        raise Unreachable("This is a folder, not a registry.", str(path), "Give the registry file in it.")
    return Store(url, clock)


def create_store(address: str, name: str, clock: Clock = system_clock) -> Store:
    """Make a new, empty registry. Raises UserError when something is already there."""
    url = _dialects.parse_url(address)
    path = _dialects.sqlite_path(url)
    if path.exists():
        raise UserError("There is already a file at this address.", str(path), "Open it, or choose another path.")
    making = path.with_name(path.name + ".making")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        making.unlink(missing_ok=True)
    except OSError as error:
        raise Unreachable(
            "The folder for the registry cannot be written.", str(error), "Choose another path.") from error
    with _dialects.translated(str(path)):
        engine = _dialects.engine(url.set(database=str(making)), guarded=False)
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            SQLModel.metadata.create_all(connection)
            for statement in _dialects.guards():
                connection.exec_driver_sql(statement)
            connection.execute(insert(REGISTRY), [{
                "id": str(uuid.uuid4()), "name": name, "schema_version": SCHEMA,
                "created": canonical.utc_text(clock())}])
        engine.dispose()
    making.rename(path)
    return Store(url, clock)
