"""The tables. Facts, entries and blobs are only added; `about`, `inventory`, `listing`, `alarm` and the columns
beside a body are projections that can be rebuilt from the facts; `identity` is the one table whose rows may go.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Column, Dialect, Index, LargeBinary, Table, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

SCHEMA = 1  # of the tables that a registry was made with; today's is in `migrations`
APPEND_ONLY = ("registry", "entry", "fact", "blob")


class Words(TypeDecorator[str]):
    """Text that compares and sorts by its bytes on every engine."""

    impl, cache_ok = Text, True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """PostgreSQL sorts by the server's language unless it is told not to."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()


class RegistryRow(SQLModel, table=True):
    """What this registry is: one row."""

    __tablename__ = "registry"
    __table_args__ = {"sqlite_strict": True}
    id: str = Field(primary_key=True, sa_type=Words)
    name: str = Field(sa_type=Words)
    schema_version: int
    created: str = Field(sa_type=Words)


class EntryRow(SQLModel, table=True):
    """One line of the log. actor, action, subject and note are projections of the body."""

    __tablename__ = "entry"
    __table_args__ = (Index("entry_subject", "subject"), Index("entry_actor", "actor"), {"sqlite_strict": True})
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str = Field(sa_type=Words)
    db_user: str = Field(sa_type=Words)
    command: str = Field(sa_type=Words, unique=True)
    body: str = Field(sa_type=Words)
    prev: str = Field(sa_type=Words, unique=True)
    hash: str = Field(sa_type=Words, unique=True)
    actor: str = Field(sa_type=Words)
    action: str = Field(sa_type=Words)
    subject: str = Field(sa_type=Words)
    note: str = Field(sa_type=Words)


class FactRow(SQLModel, table=True):
    """One fact: its canonical bytes, as UTF-8 text, and their digest."""

    __tablename__ = "fact"
    __table_args__ = (
        UniqueConstraint("kind", "ordinal"), UniqueConstraint("seq", "position"), {"sqlite_strict": True},
    )
    id: str = Field(primary_key=True, sa_type=Words)
    kind: str = Field(sa_type=Words)
    ordinal: int
    seq: int = Field(foreign_key="entry.seq")
    position: int
    digest: str = Field(sa_type=Words)
    body: str = Field(sa_type=Words)


class AboutRow(SQLModel, table=True):
    """Projection: which facts mention an id."""

    __tablename__ = "about"
    __table_args__ = (Index("about_kind", "subject", "kind"), {"sqlite_strict": True})
    subject: str = Field(primary_key=True, sa_type=Words)
    fact: str = Field(primary_key=True, sa_type=Words)
    kind: str = Field(sa_type=Words)


class BlobRow(SQLModel, table=True):
    """A document or array, hashed as stored."""

    __tablename__ = "blob"
    __table_args__ = {"sqlite_strict": True}
    digest: str = Field(primary_key=True, sa_type=Words)
    seq: int = Field(foreign_key="entry.seq")
    size: int
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdentityRow(SQLModel, table=True):
    """Erasable text (names, comments) that facts hold salted digests of, until it is erased; never part of the log."""

    __tablename__ = "identity"
    __table_args__ = {"sqlite_strict": True}
    ref: str = Field(primary_key=True, sa_type=Words)
    salt: str = Field(sa_type=Words)
    text: str = Field(sa_type=Words)


class InventoryTable(SQLModel, table=True):
    """Projection: one row per version and use, as JSON of an InventoryRow."""

    __tablename__ = "inventory"
    __table_args__ = (Index("inventory_model", "model"), {"sqlite_strict": True})
    version: str = Field(primary_key=True, sa_type=Words)
    use: str = Field(primary_key=True, sa_type=Words)
    model: str = Field(sa_type=Words)
    name: str = Field(sa_type=Words, index=True)
    body: str = Field(sa_type=Words)


class ListingTable(SQLModel, table=True):
    """Projection: what orders, narrows and finds each row of the inventory (`domain.listing`)."""

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("version", "use"), Index("listing_model", "model"),
        Index("listing_order", "by_model", "version", "use"), {"sqlite_strict": True},
    )
    place: int | None = Field(primary_key=True, default=None)
    version: str = Field(sa_type=Words)
    use: str = Field(sa_type=Words)
    model: str = Field(sa_type=Words)
    entity: str = Field(sa_type=Words)
    in_use: int
    waiting: int
    by_model: str = Field(sa_type=Words)
    by_tier: str | None = Field(sa_type=Words)
    by_status: str | None = Field(sa_type=Words)
    by_validation: str | None = Field(sa_type=Words)
    by_approval: str | None = Field(sa_type=Words)
    by_finding: str | None = Field(sa_type=Words)
    by_due: str | None = Field(sa_type=Words)
    by_owner: str | None = Field(sa_type=Words)
    by_number: str | None = Field(sa_type=Words)
    by_technique: str | None = Field(sa_type=Words)
    by_vendor: str | None = Field(sa_type=Words)
    words: str = Field(sa_type=Words)


class AlarmTable(SQLModel, table=True):
    """Projection: from which day to which a row of the inventory counts for something that is wrong."""

    __tablename__ = "alarm"
    __table_args__ = (Index("alarm_model", "model"), Index("alarm_key", "key", "since"), {"sqlite_strict": True})
    version: str = Field(primary_key=True, sa_type=Words)
    use: str = Field(primary_key=True, sa_type=Words)
    key: str = Field(primary_key=True, sa_type=Words)
    model: str = Field(sa_type=Words)
    since: str = Field(sa_type=Words)
    until: str = Field(sa_type=Words)


def _table(row: type[SQLModel]) -> Table:
    return cast(Table, row.__table__)  # type: ignore[attr-defined]


REGISTRY, ENTRY, FACT, ABOUT = _table(RegistryRow), _table(EntryRow), _table(FactRow), _table(AboutRow)
BLOB, IDENTITY, INVENTORY = _table(BlobRow), _table(IdentityRow), _table(InventoryTable)
LISTING, ALARM = _table(ListingTable), _table(AlarmTable)
