"""What the two doors need of a database engine, and which one an address means."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, exc, make_url

from desktop_app.domain.canonical import Digest
from desktop_app.domain.registry import Admission
from desktop_app.errors import Refused, UserError
from desktop_app.registry import migrations

ALREADY = "This person has already decided on this request."
CLOCKS_DIFFER = timedelta(minutes=5)  # by which the clocks of two writers may


@dataclass(frozen=True)
class NewFact:
    """A fact that is about to be added: its canonical JSON and its digest."""

    id: str
    kind: str
    digest: Digest
    body: str


@dataclass(frozen=True)
class Draft:
    """What a write is about to append: one entry (its body as plain values), its facts and its new documents."""

    command: str
    now: datetime
    body: dict[str, Any]
    facts: list[NewFact]
    blobs: dict[Digest, bytes]


@dataclass(frozen=True)
class Condition:
    """How the database under a registry is, for whoever keeps it.

    size: bytes · login: who the database or the system says is there · settings: name → value · warnings: sentences.
    """

    engine: str
    size: int
    login: str
    settings: dict[str, str]
    warnings: tuple[str, ...] = ()


class Database(Protocol):
    """One registry in one database. Every door translates what the environment does wrong into our errors."""

    address: str  # without a password
    engine: Engine

    @property
    def folder(self) -> Path | None:
        """Where its file is, of a registry that is a file."""

    def make(self, fill: Callable[[Connection], None]) -> None:
        """Make the tables and their guards, then `fill`: all or nothing. Raises UserError where something is."""

    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent moment."""

    def snapshot(self) -> AbstractContextManager[Connection]:
        """One consistent moment that keeps nobody's writes waiting, however long it takes."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction in which nobody else appends; committed on leaving, unless by an exception."""

    def append(self, connection: Connection, draft: Draft) -> int:
        """Append an entry with its facts and documents. Returns its number."""

    def revision(self, connection: Connection) -> str:
        """The format of the registry (`migrations.KNOWN`), of one that a newer program made too."""

    def upgrading(self) -> AbstractContextManager[tuple[Connection, str]]:
        """A transaction in which the schema was brought to today's format, and which it had; nobody else appends.

        Raises Refused when it has today's.
        """

    def condition(self, connection: Connection) -> Condition:
        """How the database is."""

    def backup(self, target: Path) -> None:
        """The whole registry, at one moment, as a new SQLite file. Raises UserError where something is."""

    def admit(self, login: str, may: Admission) -> None:
        """Let a login of the server use the registry. Raises UserError."""

    def sweep(self) -> None:
        """Leave nothing of deleted rows in the file, where the registry is one. Raises Unreachable."""

    def guards_missing(self, connection: Connection) -> tuple[str, ...]:
        """Names of what keeps rows from being changed that is not there, or not as it was made."""


def check_format(there: str) -> None:
    """Nothing is written in another format than the registry has. Raises Refused."""
    if there == migrations.KNOWN[-1]:
        return
    detail = f"It has format {there}; this program writes format {migrations.KNOWN[-1]}."
    if there in migrations.KNOWN:
        raise Refused("This registry has an older format; nothing was written.", detail,
                      "An administrator brings it up to date with: assaydesk registry upgrade.")
    raise Refused("This registry was brought to a newer format; nothing was written.", detail,
                  "Install the newer version of Assaydesk.")


def older_format(there: str) -> str:
    """The format of a registry that an upgrade is asked for. Raises Refused."""
    if there in migrations.KNOWN[:-1]:
        return there
    raise Refused("There is nothing to upgrade.", f"The registry has format {there}; so has this program."
                  if there in migrations.KNOWN else f"The registry has format {there}, which is newer.")


def database(address: str) -> Database:
    """The registry database at a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE.

    Raises UserError, Refused for a file where none is safe.
    """
    from desktop_app.registry._sqlite import SQLite

    if not re.match(r"[a-z][a-z0-9+]+://", address):
        return SQLite.on(Path(address).expanduser().absolute())
    try:
        url = make_url(address)
        backend = url.get_backend_name()
    except (exc.ArgumentError, ValueError) as error:
        raise UserError("This registry address cannot be read.", str(error),
                        "Write it as sqlite:///PATH or postgresql://USER@HOST/DATABASE.") from error
    if backend == "sqlite":
        return SQLite.at(url)
    if backend == "postgresql":
        from desktop_app.registry._postgres import PostgreSQL

        return PostgreSQL(url)
    raise UserError(f"Registries on {backend} cannot be opened.", url.render_as_string(hide_password=True),
                    "Give the path of a registry file, sqlite:///PATH or postgresql://USER@HOST/DATABASE.")
