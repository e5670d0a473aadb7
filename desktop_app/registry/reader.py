"""The reading door: one consistent moment of the registry; nothing can be written through it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select
from sqlalchemy.exc import DBAPIError

from desktop_app.domain import canonical, kinds
from desktop_app.domain.audit import LETTERS, Entry, LogFilter, Recorded
from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.person import ERASED, Erasable, Person, fits
from desktop_app.errors import Damaged, NotFound
from desktop_app.registry._database import Database
from desktop_app.registry._tables import ABOUT, BLOB, ENTRY, FACT, IDENTITY, INVENTORY, REGISTRY
from desktop_app.registry.listing import Listing, in_memory, read_row
from desktop_app.registry.migrations import FIRST

R = TypeVar("R")
assert kinds.MODULES  # every kind of fact is known before one is read
_entry, _fact, _about = ENTRY.c, FACT.c, ABOUT.c
MOST_IDS = 10_000  # in one statement: SQLite takes 32,766 values, PostgreSQL 65,535
_PARTS = ("version", "use", "card", "evidence", "finding", "validation", "promotion.requested", "stage.changed",
          "prior_decision")  # kinds of a model's own things: what names one of them is about the model
_FACT_COLUMNS = (_fact.body, _fact.digest, _fact.seq, _fact.ordinal, _entry.at, _entry.actor)


@record
class RegistryInfo:
    """What a registry says it is."""

    id: str
    name: str
    schema_version: int  # of the tables that it was made with
    created: str


@record
class Head:
    """The end of the log."""

    seq: int
    hash: Digest


class Reader:
    """Reads facts, the log and the projections at one moment."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection, self._database = connection, database

    def info(self) -> RegistryInfo:
        """What this registry is."""
        row = self._connection.execute(select(REGISTRY)).mappings().one()
        return RegistryInfo(**row)

    def revision(self) -> str:
        """The format of its tables now."""
        return self._database.revision(self._connection)

    def head(self) -> Head:
        """The last entry; seq 0 for an empty log."""
        row = self._connection.execute(
            select(_entry.seq, _entry.hash).order_by(_entry.seq.desc()).limit(1)).first()
        return Head(seq=row.seq, hash=Digest(row.hash)) if row else Head(seq=0, hash=Digest("0" * 64))

    # ---- facts

    def get(self, cls: type[R], fact_id: Id) -> Recorded[R]:
        """The fact with this id. Raises NotFound when there is none of this kind."""
        found = self.find(cls, fact_id)
        if found is None:
            raise NotFound(f"There is no {canonical.kind_of(cls)} with this id.", fact_id, "Refresh and try again.")
        return found

    def find(self, cls: type[R], fact_id: Id | None) -> Recorded[R] | None:
        """The fact with this id, or None."""
        rows = self._facts(_fact.id == fact_id, _fact.kind == canonical.kind_of(cls))
        return rows[0] if rows else None

    def all(self, cls: type[R], about: str | None = None) -> list[Recorded[R]]:
        """The facts of a kind in the order of the log, those that mention `about` if it is given."""
        kind = canonical.kind_of(cls)
        if about is None:
            return self._facts(_fact.kind == kind)
        return self._facts(_fact.kind == kind, _fact.id.in_(
            select(_about.fact).where(_about.subject == about, _about.kind == kind)))

    def facts(self, cls: type[R], ids: Collection[Id]) -> list[Recorded[R]]:
        """The facts of a kind with these ids."""
        return self._some(cls, ids, _fact.id.in_)

    def all_of(self, cls: type[R], subjects: Collection[str]) -> list[Recorded[R]]:
        """The facts of a kind that mention one of these ids."""
        kind = canonical.kind_of(cls)
        return self._some(cls, subjects, lambda part: _fact.id.in_(
            select(_about.fact).where(_about.subject.in_(part), _about.kind == kind)))

    def _some(
        self, cls: type[R], ids: Collection[str], where: Callable[[Collection[str]], ColumnElement[bool]],
    ) -> list[Recorded[R]]:
        """The facts of a kind that some ids lead to, asked for in parts that a statement can hold."""
        asked, kind = sorted(set(ids)), canonical.kind_of(cls)
        parts = [self._facts(_fact.kind == kind, where(asked[n:n + MOST_IDS])) for n in range(0, len(asked), MOST_IDS)]
        found = {f.record.id: f for part in parts for f in part}
        return sorted(found.values(), key=lambda f: f.ordinal)

    def saying(self, cls: type[R], name: str, value: str) -> list[Recorded[R]]:
        """The facts of a kind in which a field of text says exactly this."""
        said = canonical.jcs({name: value}).decode("utf-8")[1:-1]
        found = self._facts(_fact.kind == canonical.kind_of(cls), _fact.body.contains(said, autoescape=True))
        return [f for f in found if getattr(f.record, name) == value]

    def added(self, cls: type[R], seqs: Collection[int]) -> list[Recorded[R]]:
        """The facts of a kind that some entries added."""
        return self._facts(_fact.kind == canonical.kind_of(cls), _fact.seq.in_(seqs))

    def last(self, cls: type[R], about: str) -> Recorded[R] | None:
        """The newest fact of a kind that mentions `about`."""
        found = self.all(cls, about)
        return found[-1] if found else None

    def about(self, subject: str) -> list[Recorded[Any]]:
        """Every fact that mentions an id, in the order of the log."""
        return self._facts(_fact.id.in_(select(_about.fact).where(_about.subject == subject)))

    def of(self, model: Id) -> list[Recorded[Any]]:
        """The facts that are a model's own, in the order of the log: not those of models that only refer to it.

        The runs of its versions are its own too, though a run behind versions of two models names only one.
        """
        return self.of_each((model,))[model]

    def of_each(self, models: Collection[Id]) -> dict[Id, list[Recorded[Any]]]:
        """The facts of each of some models, as `of` gives them, in two queries for all of them."""
        mentioned = _fact.id.in_(select(_about.fact).where(_about.subject.in_(models)))
        own, runs = self._own(self._facts(mentioned), models), set()
        for model, items in own.items():
            there = {f.record.id for f in items}
            runs |= {(model, f.record.run) for f in items if isinstance(f.record, ModelVersion)
                     and f.record.run and f.record.run not in there}
        if runs:
            every = self._facts(mentioned | _fact.id.in_({run for _, run in runs}))
            own = self._own(every, models, runs)
        return own

    @staticmethod
    def _own(
        items: list[Recorded[Any]], models: Collection[Id], runs: Collection[tuple[Id, Id]] = (),
    ) -> dict[Id, list[Recorded[Any]]]:
        found: dict[Id, list[Recorded[Any]]] = {model: [] for model in models}
        also: dict[Id, list[Id]] = {}
        for model, run in runs:
            also.setdefault(run, []).append(model)
        for item in items:
            for model in {getattr(item.record, "model", None), *also.get(item.record.id, ())}:
                if model in found:
                    found[model].append(item)
        return found

    def at(self, *seqs: int) -> list[Recorded[Any]]:
        """The facts that an entry added, or some entries."""
        return self._facts(_fact.seq.in_(seqs))

    def labels(self, ids: Collection[Id] | None = None, seqs: Collection[int] = ()) -> Iterator[tuple[Id, int, str]]:
        """(fact, entry, label) of every fact that people call by a letter and number, in the order of the log.

        ids: only these, and those that the entries `seqs` added.
        """
        query = (select(_fact.id, _fact.seq, _fact.kind, _fact.ordinal)
                 .where(_fact.kind.in_(LETTERS)).order_by(_fact.seq, _fact.position))
        if ids is not None:
            query = query.where(_fact.id.in_(ids) | _fact.seq.in_(seqs))
        for row in self._connection.execute(query):
            yield Id(row.id), row.seq, f"{LETTERS[row.kind]}-{row.ordinal}"

    def body(self, fact_id: Id) -> str:
        """The canonical JSON of a fact, exactly as stored."""
        found = self._connection.execute(select(_fact.body).where(_fact.id == fact_id)).scalar()
        if found is None:
            raise NotFound("There is no fact with this id.", fact_id)
        return str(found)

    def _facts(self, *where: Any) -> list[Recorded[Any]]:
        query = (select(*_FACT_COLUMNS).join_from(FACT, ENTRY)
                 .where(*where).order_by(_fact.seq, _fact.position))
        return [_recorded(row) for row in self._connection.execute(query).mappings()]

    def blob(self, digest: str) -> bytes:
        """The bytes of a stored document. Raises NotFound."""
        found = self._connection.execute(
            select(BLOB.c.data).where(BLOB.c.digest == digest)).scalar()
        if found is None:
            raise NotFound("The registry does not hold this document.", digest)
        return bytes(found)

    # ---- people's words

    def text(self, erasable: Erasable) -> str | None:
        """Erasable text; None when it was erased, or does not fit the digest that the facts hold."""
        found = self.salted(erasable)
        return found[1] if found else None

    def salted(self, erasable: Erasable) -> tuple[str, str] | None:
        """(salt in hexadecimal, text) of erasable text, as `text` gives it."""
        row = self._connection.execute(select(IDENTITY).where(IDENTITY.c.ref == erasable.ref)).mappings().first()
        if row is None or not fits(row["salt"], row["text"], erasable.digest):
            return None
        return str(row["salt"]), str(row["text"])

    def names(self) -> dict[Id, str]:
        """The printed names of all people; an erased name reads "(erased)"."""
        texts = {row.ref: row for row in self._connection.execute(select(IDENTITY))}
        people = (p.record for p in self.all(Person))
        return {p.id: _name(p, texts.get(p.name.ref)) for p in people}

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """(reference, salt in hexadecimal, text) of every erasable text, streamed."""
        for row in self._stream(select(IDENTITY).order_by(IDENTITY.c.ref)):
            yield row["ref"], row["salt"], row["text"]

    def last_parts(self, without: Collection[str]) -> dict[str, datetime]:
        """By person, or whatever else facts mention: the time of the newest entry that they made or are named in.

        without: kinds of facts that do not count.
        """
        named = (select(ABOUT.c.subject, func.max(_entry.at)).join(FACT, _fact.id == ABOUT.c.fact)
                 .join(ENTRY, _entry.seq == _fact.seq).where(ABOUT.c.kind.not_in(without)).group_by(ABOUT.c.subject))
        acted = select(_entry.actor, func.max(_entry.at)).group_by(_entry.actor)
        found: dict[str, str] = {}
        for query in (named, acted):
            for who, at in self._connection.execute(query):
                found[who] = max(at, found.get(who, ""))
        return {who: canonical.parse_utc(at) for who, at in found.items()}

    def actors(self) -> set[str]:
        """Everybody who recorded something."""
        return set(self._connection.execute(select(_entry.actor).distinct()).scalars())

    # ---- the log

    def entries(self, after: int = 0, until: int | None = None, about: str | None = None) -> Iterator[Entry]:
        """Entries with seq > after (and ≤ until), oldest first, streamed.

        about: only those that added facts mentioning this id, or whose subject it is.
        """
        query = select(ENTRY).where(_entry.seq > after).order_by(_entry.seq)
        if until is not None:
            query = query.where(_entry.seq <= until)
        if about is not None:
            named = select(_fact.seq).where(_fact.id.in_(select(_about.fact).where(_about.subject == about)))
            query = query.where((_entry.subject == about) | _entry.seq.in_(named))
        yield from map(_read_entry, self._stream(query))

    def listed(self, wanted: LogFilter, before: int | None, limit: int) -> list[RowMapping]:
        """seq, actor, action, subject, note of the newest entries that pass a filter's columns, newest first.

        before: only those with seq < before · the words of the filter are the caller's to look for.
        """
        query = select(_entry.seq, _entry.actor, _entry.action, _entry.subject, _entry.note).where(*_passing(wanted))
        if before is not None:
            query = query.where(_entry.seq < before)
        return list(self._connection.execute(query.order_by(_entry.seq.desc()).limit(limit)).mappings())

    def passing(self, wanted: LogFilter) -> int:
        """How many entries pass a filter's columns."""
        query = select(func.count()).select_from(ENTRY).where(*_passing(wanted))
        return int(self._connection.execute(query).scalar_one())

    def entries_at(self, seqs: Collection[int]) -> list[Entry]:
        """Some entries, newest first."""
        rows = self._connection.execute(select(ENTRY).where(_entry.seq.in_(seqs)).order_by(_entry.seq.desc()))
        return [_read_entry(row) for row in rows.mappings()]

    def said_of_log(self) -> tuple[tuple[Id, ...], tuple[str, ...]]:
        """Who wrote an entry ever, and every action there is: the choices of a filter."""
        actors, actions = ([str(v) for v in self._connection.execute(select(column).distinct()).scalars()]
                           for column in (_entry.actor, _entry.action))
        return tuple(map(Id, actors)), tuple(sorted(actions))

    def rows(self, after: int = 0) -> Iterator[Any]:
        """(seq, at, user, command, body, prev, hash) of entries with seq > after, as stored, oldest first, streamed.

        Read past the rows of SQLAlchemy, which take longer to make than to verify.
        """
        columns = (_entry.seq, _entry.at, _entry.db_user, _entry.command, _entry.body, _entry.prev, _entry.hash)
        query = select(*columns).where(_entry.seq > after).order_by(_entry.seq)
        dialect = self._connection.dialect
        text = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        on_server = ("rows",) if dialect.name == "postgresql" else ()  # a cursor with a name is one of the server
        cursor, wrong = self._connection.connection.cursor(*on_server), dialect.loaded_dbapi.Error
        try:
            cursor.execute(text)
            while part := cursor.fetchmany(5000):
                yield from part
        except wrong as error:
            raise DBAPIError.instance(text, None, error, wrong) from error
        finally:
            with suppress(wrong):  # who stopped early may have left the registry already
                cursor.close()

    def _stream(self, query: Select[Any], at_once: int = 1000) -> Iterator[RowMapping]:
        with self._connection.execute(query.execution_options(yield_per=at_once)) as rows:
            yield from rows.mappings()

    def bodies_at(self, seqs: Collection[int]) -> dict[int, list[str]]:
        """The canonical JSON of the facts that some entries added, as stored, by entry."""
        found: dict[int, list[str]] = {seq: [] for seq in seqs}
        query = select(_fact.seq, _fact.body).where(_fact.seq.in_(seqs)).order_by(_fact.seq, _fact.position)
        for row in self._connection.execute(query):
            found[row.seq].append(row.body)
        return found

    def outcome(self, command: str) -> Entry | None:
        """The entry that a command left, if it was committed."""
        query = select(ENTRY).where(_entry.command == command)
        row = self._connection.execute(query).mappings().first()
        return _read_entry(row) if row else None

    def raw_facts(self, after: int = 0, until: int | None = None) -> Iterator[RowMapping]:
        """Fact rows as stored (id, kind, ordinal, seq, position, digest, body) with seq > after (≤ until), streamed."""
        query = (select(FACT).where(_fact.seq > after)
                 .order_by(_fact.seq, _fact.position))
        if until is not None:
            query = query.where(_fact.seq <= until)
        yield from self._stream(query)

    def entry_columns(self) -> Iterator[RowMapping]:
        """seq, actor, action, subject, note of every entry: projections of its body."""
        query = select(_entry.seq, _entry.actor, _entry.action, _entry.subject, _entry.note).order_by(_entry.seq)
        yield from self._stream(query)

    def last_on(self, subject: str) -> int:
        """The newest entry with this subject; 0 when there is none."""
        return self._connection.execute(select(func.max(_entry.seq)).where(_entry.subject == subject)).scalar() or 0

    def guards_missing(self) -> tuple[str, ...]:
        """Names of what keeps rows from being changed that is missing, or is not as it was made."""
        return self._database.guards_missing(self._connection)

    def blobs(self, after: int = 0, until: int | None = None) -> Iterator[tuple[Digest, int, bytes]]:
        """(digest, entry, bytes) of every stored document, of entries with seq > after (≤ until)."""
        query = select(BLOB).where(BLOB.c.seq > after).order_by(BLOB.c.seq)
        if until is not None:
            query = query.where(BLOB.c.seq <= until)
        for row in self._stream(query, 1):
            yield Digest(row["digest"]), row["seq"], bytes(row["data"])

    def about_rows(self) -> set[tuple[str, str]]:
        """(subject, fact) of the projection."""
        return {(row.subject, row.fact) for row in self._connection.execute(select(_about.subject, _about.fact))}

    # ---- the inventory

    def inventory(self) -> tuple[InventoryRow, ...]:
        """Every row of the inventory, by name."""
        return tuple(row for _, row in self.kept_inventory())

    def kept_inventory(self) -> Iterator[tuple[tuple[str, ...], InventoryRow]]:
        """(model, version, use, name as they are kept beside it, row) of every row of the inventory, by name."""
        kept = INVENTORY.c
        query = select(kept.model, kept.version, kept.use, kept.name, kept.body).order_by(
            kept.name, kept.version, kept.use)
        for row in self._connection.execute(query):
            yield tuple(row)[:4], inventory_row(row.body)

    @contextmanager
    def listing(self, today: date, people: Mapping[Id, str]) -> Iterator[Listing]:
        """The inventory a page at a time, on a day; `people`: the names to find owners by and to order them by."""
        if self.revision() == FIRST:
            bodies = list(self._connection.execute(select(INVENTORY.c.body)).scalars())
            with _readable("a row of the inventory"), in_memory(bodies) as held:
                yield Listing(held, today, people)
        else:
            yield Listing(self._connection, today, people)

    def inventory_of(self, model: Id) -> tuple[InventoryRow, ...]:
        """The rows of one model."""
        rows = self._connection.execute(
            select(INVENTORY.c.body).where(INVENTORY.c.model == model).order_by(INVENTORY.c.version, INVENTORY.c.use))
        return tuple(inventory_row(row.body) for row in rows)

    def models_about(self, subjects: Iterable[str]) -> set[Id]:
        """The models of all facts that mention one of these ids."""
        found: set[Id] = set()
        for subject in subjects:
            found |= {f.record.model for f in self.about(subject) if getattr(f.record, "model", None)}
        return found

    def count(self, cls: type[Any]) -> int:
        """How many facts of a kind there are."""
        return int(self._connection.execute(
            select(func.count()).where(_fact.kind == canonical.kind_of(cls))).scalar_one())


def _passing(wanted: LogFilter) -> list[Any]:
    where: list[Any] = []
    if wanted.person:
        where.append(_entry.actor == wanted.person)
    if wanted.action:
        where.append(_entry.action == wanted.action)
    if (since := wanted.since) is not None:
        where.append(_entry.at >= canonical.utc_text(since))
    if (until := wanted.until) is not None:
        where.append(_entry.at < canonical.utc_text(until))
    if wanted.model:
        parts = select(_about.fact).where(_about.subject == wanted.model, _about.kind.in_(_PARTS))
        whose = (_about.subject == wanted.model) | _about.subject.in_(parts)
        named = select(_fact.seq).where(_fact.id.in_(select(_about.fact).where(whose)))
        where.append((_entry.subject == wanted.model) | _entry.subject.in_(parts) | _entry.seq.in_(named))
    return where


def _name(person: Person, row: Any) -> str:
    return str(row.text) if row is not None and fits(row.salt, row.text, person.name.digest) else ERASED


def _recorded(row: RowMapping) -> Recorded[Any]:
    with _readable(f"a record of entry {row['seq']:,}"):
        return Recorded(
            record=canonical.read(row["body"]), digest=Digest(row["digest"]), seq=row["seq"],
            at=canonical.parse_utc(row["at"]), by=Id(row["actor"]), ordinal=row["ordinal"])


def _read_entry(row: RowMapping) -> Entry:
    with _readable(f"entry {row['seq']:,}"):
        return Entry(
            seq=row["seq"], at=canonical.parse_utc(row["at"]), user=row["db_user"], command=row["command"],
            body=row["body"], prev=Digest(row["prev"]), hash=Digest(row["hash"]))


def inventory_row(body: str) -> InventoryRow:
    """A row of the inventory as it is stored. Raises Damaged."""
    with _readable("a row of the inventory"):
        return read_row(body)


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """What was edited past the program or damaged is the file's fault, not a bug."""
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise Damaged("This registry holds something that cannot be read.", f"{what}: {error}",
                      "Find out where: assaydesk audit verify. Restore a backup.") from error
