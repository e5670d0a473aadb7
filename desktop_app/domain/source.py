"""Where models come from, and what was taken in from there."""

from __future__ import annotations

from desktop_app.domain.canonical import Digest, Id, fact, record
from desktop_app.domain.person import Erasable


@fact("source.synced")
class SourceSynced:
    """A source was read: how far, and what was new."""

    id: Id
    source: str  # identity of the source
    address: str  # without credentials
    watermark: int  # newest change seen, milliseconds since 1970
    models: int
    versions: int
    runs: int
    alias_moves: int


@record
class RowProblem:
    """What was wrong in a cell of an imported file, and what was done. What the cell held is left out: it may name
    somebody, and the file with this digest says it.
    """

    row: int
    column: str
    what: str
    done: str


@fact("inventory.imported")
class InventoryImported:
    """An inventory file was taken in, with its reconciliation."""

    id: Id
    source: str
    file_name: str
    digest: Digest
    mapping: str  # canonical JSON of column → field
    rows: int
    added: int
    updated: int
    unchanged: int
    refused: int
    blank: int
    problems: tuple[RowProblem, ...]
    missing: tuple[str, ...]  # numbers that an earlier import from this source had, and this one has not


@fact("inventory.row")
class InventoryRecord:
    """What one row of an imported inventory said, and what it became here; the next import compares with it."""

    id: Id
    source: str
    key: str  # its number, or name, version and purpose where it has none
    model: Id
    version: Id
    use: Id
    content: Erasable  # canonical JSON of the row as it was read; it names people
