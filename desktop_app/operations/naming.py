"""Whoever a record names, a person or a body such as a committee, is a person of the registry: it holds their id."""

from __future__ import annotations

from collections.abc import Iterable

from desktop_app.domain.approval import Condition, PriorDecision, TypedCondition
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Person, Unkept
from desktop_app.operations.people import by_name, printed
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import Write, unkept
from desktop_app.workspace import Workspace


class Named:
    """People by printed name. Who is not known yet has an id at once, which may be signed before anything is written,
    and is added, without a key, with the record that names them.
    """

    def __init__(self, workspace: Workspace, reader: Reader) -> None:
        self._new_id, self._clock = workspace.store.new_id, workspace.store.clock
        self._waiting: dict[Id, tuple[Person, Unkept]] = {}
        self._ids: dict[str, Id] = {}  # by casefolded name
        self._write: Write | None = None
        self._here: set[Id] = set()  # added by that write
        self.meet(reader)

    def meet(self, reader: Reader) -> None:
        """Know everybody the registry knows by now."""
        waiting = {name: i for name, i in self._ids.items() if i in self._waiting}
        self._ids = by_name(reader) | waiting

    def id_of(self, name: str, origin: str) -> Id | None:
        """The id of whoever is called so; None for an empty name. origin: see `Person`."""
        name = printed(name)
        if not name:
            return None
        if name.casefold() not in self._ids:
            text, person = unkept(self._clock(), name), self._new_id()
            self._waiting[person] = (Person(id=person, name=text.reference(), origin=origin), text)
            self._ids[name.casefold()] = person
        return self._ids[name.casefold()]

    def conditions(self, typed: Iterable[TypedCondition]) -> tuple[Condition, ...]:
        """Conditions as they are recorded."""
        return tuple(Condition(text=c.text, owner=self.id_of(c.owner, "condition"), due=c.due) for c in typed)

    def texts(self) -> dict[Id, str]:
        """The printed names of those who are not recorded yet."""
        return {person: text.text for person, (_, text) in self._waiting.items()}

    def keep(self, write: Write, *people: Id | None) -> None:
        """Add those of some people whom the registry does not know yet, again where an earlier write failed."""
        if write is not self._write:
            self._write, self._here = write, set()
        for person in people:
            if person in self._waiting and person not in self._here and write.reader.find(Person, person) is None:
                made, text = self._waiting[person]
                self._here.add(person)
                write.keep(text)
                write.add(made)

    def add(self, write: Write, name: str, origin: str) -> Id | None:
        """The id of whoever is called so, added where the registry does not know them yet."""
        person = self.id_of(name, origin)
        self.keep(write, person)
        return person


def named_in(decision: PriorDecision) -> tuple[Id | None, ...]:
    """Whom a prior decision names."""
    return decision.decided_by, *(c.owner for c in decision.conditions)
