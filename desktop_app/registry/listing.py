"""The inventory as it is listed: a page at a time by key, narrowed and ordered by the database, never read whole.

What it goes by is `domain.listing`; the tables `listing` and `alarm` hold it beside the rows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    create_engine,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
)

from desktop_app.domain import canonical
from desktop_app.domain import listing as rules
from desktop_app.domain.canonical import Id
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.listing import InventoryFilter
from desktop_app.registry._tables import ALARM, INVENTORY, LISTING

_row, _alarm = LISTING.c, ALARM.c
_PLACES = select(_row.version, _row.use)
_AT_ONCE = 1_000  # rows in one statement


def put(connection: Connection, rows: Sequence[InventoryRow]) -> None:
    """Add rows of the inventory with what they are listed by."""
    if not rows:
        return
    connection.execute(insert(INVENTORY), [
        {"version": r.version, "use": r.use, "model": r.model, "name": r.name,
         "body": canonical.encode(r).decode("utf-8")} for r in rows])
    connection.execute(insert(LISTING), [_listed(r) for r in rows])
    if wrong := [alarm for r in rows for alarm in _alarms(r)]:
        connection.execute(insert(ALARM), wrong)


def _listed(row: InventoryRow) -> dict[str, Any]:
    return {"version": row.version, "use": row.use, "model": row.model, "entity": row.entity,
            "in_use": int(rules.in_use(row)), "waiting": int(rules.waiting(row)), "words": rules.words(row),
            **{f"by_{key}": of(row) for key, of in rules.ORDERS.items()}}


def _alarms(row: InventoryRow) -> list[dict[str, Any]]:
    return [{"version": row.version, "use": row.use, "model": row.model, "key": a.key, "since": a.since.isoformat(),
             "until": a.until.isoformat()} for a in rules.alarms(row)]


def beside(rows: Iterable[InventoryRow]) -> set[frozenset[tuple[str, Any]]]:
    """What must stand beside some rows, as `Listing.kept` gives what does."""
    return {frozenset(said.items()) for row in rows for said in (_listed(row), *_alarms(row))}


def read_row(body: str) -> InventoryRow:
    """A row of the inventory as it is stored. Raises ValueError."""
    return canonical.build(InventoryRow, json.loads(body))


@contextmanager
def in_memory(bodies: Sequence[str]) -> Iterator[Connection]:
    """The same tables for a registry of the first format, which has only the rows."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            INVENTORY.metadata.create_all(connection, [INVENTORY, LISTING, ALARM])
            put(connection, [read_row(body) for body in bodies])
            yield connection
    finally:
        engine.dispose()


class Listing:
    """What is listed, on a day; `people`: the names of those who own models, to find and order by."""

    def __init__(self, connection: Connection, today: date, people: Mapping[Id, str]) -> None:
        self._connection, self._today, self._people = connection, today.isoformat(), people

    def page(self, wanted: InventoryFilter, after: InventoryRow | None, limit: int) -> list[str]:
        """The bodies of the rows that pass, in order; those behind a row if one is given."""
        key = self._order(wanted)
        plain = wanted.order == "model"  # nobody is without a name: the index gives the order
        place = (_row.by_model, _row.version, _row.use)
        order = [c.desc() if wanted.descending else c for c in place] if plain else [
            key.is_(None), key.desc() if wanted.descending else key, *place]
        query = _PLACES.where(*self._passing(wanted)).order_by(*order).limit(limit)
        if after is not None:
            query = query.where(self._behind(wanted, key, after))
        return self._bodies(query)

    def _bodies(self, query: Select[Any]) -> list[str]:
        """The rows at the places that a query gives, in its order; a second question, since planners join too early."""
        asked = [tuple(place) for place in self._connection.execute(query)]
        kept = INVENTORY.c
        found: dict[tuple[str, str], str] = {}
        for start in range(0, len(asked), _AT_ONCE):
            versions = {version for version, _ in asked[start:start + _AT_ONCE]}  # by pairs SQLite would read every row
            part = select(kept.version, kept.use, kept.body).where(kept.version.in_(versions))
            found |= {(row.version, row.use): str(row.body) for row in self._connection.execute(part)}
        return [found[place] for place in asked if place in found]

    def _order(self, wanted: InventoryFilter) -> ColumnElement[Any]:
        column: ColumnElement[Any] = _row[f"by_{wanted.order}"]
        return case(self._ranks(), value=column) if wanted.order == "owner" and self._people else column

    def _ranks(self) -> dict[Id, int]:
        named = sorted(self._people, key=lambda who: (self._people[who].casefold(), who))
        return {who: rank for rank, who in enumerate(named)}

    def _behind(self, wanted: InventoryFilter, key: ColumnElement[Any], row: InventoryRow) -> ColumnElement[bool]:
        place = tuple_(_row.by_model, _row.version, _row.use)
        there = tuple_(*(literal(part) for part in rules.place(row)))
        if wanted.order == "model":
            return place < there if wanted.descending else place > there
        value: Any = rules.ORDERS[wanted.order](row)
        if wanted.order == "owner" and self._people:
            value = self._ranks().get(value)
        if value is None:
            return key.is_(None) & (place > there)
        beyond = key < value if wanted.descending else key > value
        return or_(key.is_(None), beyond, (key == value) & (place > there))

    def owned(self, person: Id) -> list[str]:
        """The bodies of the rows of somebody's models, by name."""
        return self._bodies(_PLACES.where(_row.by_owner == person).order_by(_row.by_model, _row.version, _row.use))

    def count(self, wanted: InventoryFilter) -> int:
        """How many rows pass."""
        return self._number(select(func.count()).select_from(LISTING).where(*self._passing(wanted)))

    def kept(self, models: Collection[Id]) -> dict[str, set[frozenset[tuple[str, Any]]]]:
        """What stands beside the rows of some models, by model."""
        found: dict[str, set[frozenset[tuple[str, Any]]]] = defaultdict(set)
        for table in (LISTING, ALARM):
            columns = [column for column in table.c if column is not _row.place]
            for said in self._connection.execute(select(*columns).where(table.c.model.in_(models))).mappings():
                found[said["model"]].add(frozenset(dict(said).items()))
        return found

    def sizes(self) -> tuple[int, int]:
        """How many rows are listed, and how many alarms there are."""
        return self.count(InventoryFilter()), self._number(select(func.count()).select_from(ALARM))

    def models(self) -> int:
        """How many models have a row."""
        return self._number(select(func.count(_row.model.distinct())))

    def _number(self, query: Select[Any]) -> int:
        return int(self._connection.execute(query).scalar_one())

    def counts(self) -> dict[str, int]:
        """How many rows count for each alarm today."""
        query = select(_alarm.key, func.count()).where(self._sounds()).group_by(_alarm.key)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def tiers(self) -> tuple[int, ...]:
        """The tiers there are."""
        return tuple(int(tier) for tier in self._distinct(_row.by_tier))

    def entities(self) -> tuple[str, ...]:
        """The legal entities there are."""
        return tuple(self._distinct(_row.entity))

    def _distinct(self, column: ColumnElement[Any]) -> list[str]:
        found = self._connection.execute(select(column).distinct()).scalars()
        return sorted(value for value in found if value)

    # ---- what passes

    def _sounds(self) -> ColumnElement[bool]:
        return (_alarm.since <= self._today) & (_alarm.until >= self._today)

    def _passing(self, wanted: InventoryFilter) -> list[ColumnElement[bool]]:
        where: list[ColumnElement[bool]] = [self._says(part) for part in wanted.words.casefold().split()]
        if wanted.tier:
            where.append(_row.by_tier == str(wanted.tier))
        if wanted.entity:
            where.append(_row.entity == wanted.entity)
        if wanted.alarm:
            where.append(self._wrong(_alarm.key == wanted.alarm))
        return where + self._in_view(wanted.view)

    def _in_view(self, view: str) -> list[ColumnElement[bool]]:
        views: dict[str, ColumnElement[bool]] = {
            rules.ATTENTION: self._wrong(), rules.USED: _row.in_use == 1, rules.WAITING: _row.waiting == 1}
        return [views[view]] if view in views else []

    def _wrong(self, *more: ColumnElement[bool]) -> ColumnElement[bool]:
        same = (_alarm.version == _row.version) & (_alarm.use == _row.use)
        return exists().where(same, self._sounds(), *more).correlate(LISTING)

    def _says(self, part: str) -> ColumnElement[bool]:
        """The row says a word, or is of somebody whose name does."""
        part = part.replace("\0", "")
        owners = [who for who, name in self._people.items() if part in name.casefold()]
        said = _row.words.contains(part, autoescape=True)
        return or_(said, _row.by_owner.in_(owners)) if owners else said
