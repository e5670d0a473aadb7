"""Projections: what can be rebuilt from the facts, refreshed inside the write that touches it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from desktop_app.domain import canonical
from desktop_app.domain.approval import PromotionRequest
from desktop_app.domain.canonical import Id
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.inventory_rows import rows_of
from desktop_app.domain.model import RegisteredModel
from desktop_app.domain.policy import Policy
from desktop_app.registry import listing
from desktop_app.registry._tables import ABOUT, ALARM, INVENTORY, LISTING
from desktop_app.registry.reader import Reader

_AT_ONCE = 300  # models whose facts are held in memory together
_MADE = {ABOUT: "the index of what facts are about", INVENTORY: "the inventory",
         LISTING: "what the inventory is listed by", ALARM: "what is overdue"}


def refresh(connection: Connection, reader: Reader, records: Iterable[Any]) -> None:
    """Bring the projections up to the facts that a write has just added."""
    records = list(records)
    rows = [{"subject": subject, "fact": item.id, "kind": canonical.kind_of(item)}
            for item in records for subject in sorted(canonical.mentions(item))]
    if rows:
        connection.execute(insert(ABOUT), rows)
    _refresh(connection, reader, _touched(reader, records))


def rebuild(connection: Connection, reader: Reader) -> tuple[str, ...]:
    """Make every projection again from the facts. Returns what differed, a sentence each."""
    before = {table.name: _rows(connection, table) for table in _MADE}
    _make_again(connection, reader)
    said = []
    for table, called in _MADE.items():
        was, now = before[table.name], _rows(connection, table)
        for rows, what in ((now - was, "were missing"), (was - now, "did not belong")):
            if rows:
                said.append(f"{len(rows):,} of {len(now):,} rows of {called} {what}")
    return tuple(said)


def _rows(connection: Connection, table: Table) -> set[tuple[Any, ...]]:
    """What a table says; not in which place."""
    columns = [column for column in table.c if column is not LISTING.c.place]
    return {tuple(row) for row in connection.execute(select(*columns))}


def _make_again(connection: Connection, reader: Reader) -> None:
    for table in _MADE:
        connection.execute(delete(table))
    for row in list(reader.raw_facts()):
        item = canonical.load(row["body"].encode("utf-8"))
        subjects = sorted(canonical.mentions(item))
        if subjects:
            connection.execute(insert(ABOUT), [
                {"subject": s, "fact": row["id"], "kind": row["kind"]} for s in subjects])
    _refresh(connection, reader, {m.record.model for m in reader.all(RegisteredModel)})


def expected(reader: Reader, model: Id) -> tuple[InventoryRow, ...]:
    """The inventory rows of a model as its facts say, whatever the table says."""
    return _expected(reader, (model,))[model]


def _expected(reader: Reader, models: Collection[Id]) -> dict[Id, tuple[InventoryRow, ...]]:
    facts = reader.of_each(models)
    asked = {f.record.policy for own in facts.values() for f in own if isinstance(f.record, PromotionRequest)}
    policies = {i: found.record for i in asked if (found := reader.find(Policy, i))}
    return {model: rows_of(own, policies) for model, own in facts.items()}


def _touched(reader: Reader, records: list[Any]) -> set[Id]:
    models = {item.model for item in records if getattr(item, "model", None)}
    replaced = {i for item in records for name in ("evidence", "supersedes") if (i := getattr(item, name, None))}
    return models | reader.models_about(i for i in replaced if isinstance(i, str))


def _refresh(connection: Connection, reader: Reader, models: Collection[Id]) -> None:
    """Make the inventory rows of some models again, many at once."""
    waiting = sorted(models)
    for chunk in (waiting[n:n + _AT_ONCE] for n in range(0, len(waiting), _AT_ONCE)):
        for table in (INVENTORY, LISTING, ALARM):
            connection.execute(delete(table).where(table.c.model.in_(chunk)))
        listing.put(connection, [row for found in _expected(reader, chunk).values() for row in found])
