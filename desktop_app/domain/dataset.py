"""A table that something was computed on or trained from."""

from __future__ import annotations

from urllib.parse import quote, unquote

from desktop_app.domain.canonical import Digest, Id, fact, record

_SECRET = ("password", "sslpassword")  # what may be asked in an address and is nobody else's business


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
        address, _, table = location.partition(" ")
        return cls(address=address, table=table) if address.startswith(("postgresql://", "postgres://")) else None

    @property
    def plain_address(self) -> str:
        """The address without a password."""
        start, login, at, place, asked = self._parts()
        open_ = "&".join(part for part in asked if unquote(part.partition("=")[0]) not in _SECRET)
        return f"{start}://{login.partition(':')[0]}{at}{place}{'?' + open_ if open_ else ''}"

    @property
    def password(self) -> str:
        """The password in the address; empty without one."""
        _, login, _, _, asked = self._parts()
        given = dict(part.partition("=")[::2] for part in asked)
        return unquote(given.get("password", login.partition(":")[2]))

    def with_password(self, password: str) -> InDatabase:
        """The same place, for somebody who logs in with a password; without one as it is."""
        if not password:
            return self
        plain = self.plain_address
        return InDatabase(address=f"{plain}{'&' if '?' in plain else '?'}password={quote(password, safe='')}",
                          table=self.table)

    def _parts(self) -> tuple[str, str, str, str, list[str]]:
        """Scheme, login, the @ if there is one, what lies between, and what is asked after a question mark."""
        start, _, rest = self.address.partition("://")
        login, at, place = rest.rpartition("@")
        place, _, asked = place.partition("?")
        return start, login, at, place, asked.split("&") if asked else []

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.table
