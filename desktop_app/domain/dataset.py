"""A table that something was computed on or trained from."""

from __future__ import annotations

from desktop_app.domain.canonical import Digest, Id, fact, record


@record
class Column:
    """A column as it was found."""

    name: str
    type: str


@fact("dataset")
class Dataset:
    """A dataset in one exact state. `digest` is over the file, or what the source calls its digest."""

    id: Id
    name: str
    digest: str
    model: Id | None = None
    source: str = ""
    rows: int | None = None
    columns: tuple[Column, ...] = ()


@record
class TableInput:
    """A data file that evidence was computed on, and where it is kept."""

    name: str
    digest: Digest  # SHA-256 of the file
    rows: int
    columns: int
    location: str = ""
    retained_until: str = "not stated"


@record
class InDatabase:
    """A table or a view that stays in its database. address: postgresql://USER@HOST/DATABASE · table: SCHEMA.NAME."""

    address: str
    table: str

    @classmethod
    def at(cls, location: str) -> InDatabase | None:
        """From what evidence says of where its table is; None where that is no database."""
        address, _, table = location.rpartition(" ")
        return cls(address=address, table=table) if address.startswith(("postgresql://", "postgres://")) else None

    @property
    def plain_address(self) -> str:
        """The address without a password."""
        start, _, rest = self.address.partition("://")
        login, at, host = rest.rpartition("@")
        return f"{start}://{login.partition(':')[0]}{at}{host}"

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.table
