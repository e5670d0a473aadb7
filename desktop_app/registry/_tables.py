"""The tables. Facts, entries and blobs are only added; `about`, `inventory` and the columns beside a body are
projections that can be rebuilt from the facts; `identity` is the one table whose rows may change.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Column, Index, LargeBinary, Table, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

SCHEMA = 1  # of these tables; a registry with a greater number is refused
APPEND_ONLY = ("registry", "entry", "fact", "blob")


class RegistryRow(SQLModel, table=True):
    """What this registry is: one row."""

    __tablename__ = "registry"
    __table_args__ = {"sqlite_strict": True}
    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    schema_version: int
    created: str = Field(sa_type=Text)


class EntryRow(SQLModel, table=True):
    """One line of the log. actor, action, subject and note are projections of the body."""

    __tablename__ = "entry"
    __table_args__ = (Index("entry_subject", "subject"), Index("entry_actor", "actor"), {"sqlite_strict": True})
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str = Field(sa_type=Text)
    db_user: str = Field(sa_type=Text)
    command: str = Field(sa_type=Text, unique=True)
    body: str = Field(sa_type=Text)
    prev: str = Field(sa_type=Text, unique=True)
    hash: str = Field(sa_type=Text, unique=True)
    actor: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    note: str = Field(sa_type=Text)


class FactRow(SQLModel, table=True):
    """One fact: its canonical bytes, as UTF-8 text, and their digest."""

    __tablename__ = "fact"
    __table_args__ = (
        UniqueConstraint("kind", "ordinal"), UniqueConstraint("seq", "position"), {"sqlite_strict": True},
    )
    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    ordinal: int
    seq: int = Field(foreign_key="entry.seq")
    position: int
    digest: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)


class AboutRow(SQLModel, table=True):
    """Projection: which facts mention an id."""

    __tablename__ = "about"
    __table_args__ = (Index("about_kind", "subject", "kind"), {"sqlite_strict": True})
    subject: str = Field(primary_key=True, sa_type=Text)
    fact: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)


class BlobRow(SQLModel, table=True):
    """A document or array, hashed as stored."""

    __tablename__ = "blob"
    __table_args__ = {"sqlite_strict": True}
    digest: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(foreign_key="entry.seq")
    size: int
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdentityRow(SQLModel, table=True):
    """Erasable text (names, comments) that facts hold salted digests of. May change; never part of the log."""

    __tablename__ = "identity"
    __table_args__ = {"sqlite_strict": True}
    ref: str = Field(primary_key=True, sa_type=Text)
    salt: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)


class InventoryTable(SQLModel, table=True):
    """Projection: one row per version and use, as JSON of an InventoryRow."""

    __tablename__ = "inventory"
    __table_args__ = (Index("inventory_model", "model"), {"sqlite_strict": True})
    version: str = Field(primary_key=True, sa_type=Text)
    use: str = Field(primary_key=True, sa_type=Text)
    model: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text, index=True)
    body: str = Field(sa_type=Text)


def _table(row: type[SQLModel]) -> Table:
    return cast(Table, row.__table__)  # type: ignore[attr-defined]


REGISTRY, ENTRY, FACT, ABOUT = _table(RegistryRow), _table(EntryRow), _table(FactRow), _table(AboutRow)
BLOB, IDENTITY, INVENTORY = _table(BlobRow), _table(IdentityRow), _table(InventoryTable)
