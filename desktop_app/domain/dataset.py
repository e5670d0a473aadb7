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
