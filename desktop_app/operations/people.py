"""People: who they are, what roles they hold, the keys they sign with."""

from __future__ import annotations

import base64
import unicodedata
from datetime import datetime

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.person import ROLE_TITLES, KeyEnrolled, Person, Role, RoleGranted, RoleRevoked
from desktop_app.errors import Refused, UserError
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import Write
from desktop_app.workspace import Workspace


@record
class PersonView:
    """A person as lists show them."""

    id: Id
    name: str
    roles: tuple[Role, ...]
    key_id: str
    factors: str
    origin: str
    key_here: bool

    @property
    def role_titles(self) -> str:
        """The roles in words."""
        return ", ".join(ROLE_TITLES[r] for r in self.roles) or "no role"


def roles_of(reader: Reader, person: Id, at: datetime) -> frozenset[Role]:
    """The roles a person holds at a moment."""
    revoked = {r.record.grant for r in reader.all(RoleRevoked, person)}
    return frozenset(
        g.record.role for g in reader.all(RoleGranted, person)
        if g.record.id not in revoked and g.record.valid_from <= at
        and (g.record.valid_to is None or at < g.record.valid_to))


def require(reader: Reader, workspace: Workspace, *roles: Role) -> None:
    """Refuse when who acts holds none of these roles. Raises Refused."""
    held = roles_of(reader, workspace.me, workspace.store.clock())
    if not held & set(roles):
        wanted = " or ".join(ROLE_TITLES[r].lower() for r in roles)
        yours = ", ".join(ROLE_TITLES[r].lower() for r in sorted(held)) or "none"
        raise Refused("Your role does not allow this.", f"It takes the role of {wanted}; yours: {yours}.",
                      "Ask somebody with the role, or ask an administrator to grant it.")


def enrol(workspace: Workspace, name: str, roles: tuple[Role, ...], passphrase: str) -> PersonView:
    """Add a person with a key made on this machine, and grant roles. Only an administrator may."""
    with workspace.store.read() as reader:
        require(reader, workspace, Role.ADMINISTRATOR)
        known = by_name(reader)
        keyed = {k.record.person for k in reader.all(KeyEnrolled)}
    name = printed(name)
    if not name:
        raise UserError("A person needs a name.", "", "Type the name as it should be printed under signatures.")
    person = known.get(name.casefold())
    if person in keyed:
        raise UserError(f"{name} is already enrolled.", "", "Grant roles instead, or give the full name.")
    person = person or workspace.store.new_id()
    add_with_key(workspace, person, name, passphrase, roles, "person.enrolled", known=name.casefold() in known)
    return next(p for p in listing(workspace) if p.id == person)


def add_with_key(
    workspace: Workspace, person: Id, name: str, passphrase: str, roles: tuple[Role, ...], action: str,
    *, known: bool = False,
) -> Change:
    """Make a key on this machine and record it with the roles; `known`: the person is already in the registry."""
    key = workspace.signer.make(person, passphrase)
    store = workspace.store
    titles = " and ".join(ROLE_TITLES[role].lower() for role in roles)
    with store.write(workspace.me, action, person, note=f"Enrolled as {titles}, with a key") as write:
        if not known:
            write.add(Person(id=person, name=write.add_text(printed(name))))
        write.add(KeyEnrolled(
            id=store.new_id(), person=person, key_id=key.file.key_id, algorithm="ed25519",
            public_key=base64.b64encode(key.public_key).decode("ascii"), factors=key.file.factors,
            proof=base64.b64encode(key.proof).decode("ascii")))
        for role in roles:
            write.add(RoleGranted(id=store.new_id(), person=person, role=role, valid_from=store.clock()))
    return changed(write)


def changed(write: Write) -> Change:
    """What a finished write touched."""
    if write.change is None:
        raise RuntimeError("the write has not finished")
    return write.change


def grant(workspace: Workspace, person: Id, role: Role, valid_to: datetime | None = None) -> Change:
    """Grant a role. Only an administrator may."""
    store = workspace.store
    with store.write(workspace.me, "role.granted", person, note=f"Granted {ROLE_TITLES[role].lower()}") as write:
        require(write.reader, workspace, Role.ADMINISTRATOR)
        if role in roles_of(write.reader, person, store.clock()):
            raise UserError("This person already holds the role.", ROLE_TITLES[role], "Nothing needs to be done.")
        write.add(RoleGranted(id=store.new_id(), person=person, role=role, valid_from=store.clock(), valid_to=valid_to))
    return changed(write)


def revoke(workspace: Workspace, person: Id, role: Role, reason: str) -> Change:
    """End a role. The last administrator cannot be removed."""
    store = workspace.store
    note = f"Revoked {ROLE_TITLES[role].lower()}: {reason}"
    with store.write(workspace.me, "role.revoked", person, note=note) as write:
        require(write.reader, workspace, Role.ADMINISTRATOR)
        held = [p for p in _people(write.reader) if role in roles_of(write.reader, p, store.clock())]
        if person not in held:
            raise UserError("This person does not hold the role.", ROLE_TITLES[role], "Refresh and try again.")
        if role is Role.ADMINISTRATOR and held == [person]:
            raise Refused("The last administrator cannot be removed.", "", "Grant the role to somebody else first.")
        ended = {r.record.grant for r in write.reader.all(RoleRevoked, person)}
        for g in write.reader.all(RoleGranted, person):
            if g.record.role is role and g.record.id not in ended:
                write.add(RoleRevoked(id=store.new_id(), grant=g.record.id, person=person, role=role, reason=reason))
    return changed(write)


def _people(reader: Reader) -> list[Id]:
    return [p.record.id for p in reader.all(Person)]


def listing(workspace: Workspace) -> tuple[PersonView, ...]:
    """Everyone the registry knows, enrolled people first, by name."""
    here = {file.key_id for file in workspace.signer.keys()}  # noqa: SIM118 - not a mapping
    now = workspace.store.clock()
    with workspace.store.read() as reader:
        names = reader.names()
        keys = {k.record.person: k.record for k in reader.all(KeyEnrolled)}
        views = [_view(p.record, names, keys.get(p.record.id), roles_of(reader, p.record.id, now), here)
                 for p in reader.all(Person)]
    return tuple(sorted(views, key=lambda v: (not v.key_id, v.name.casefold())))


def _view(person: Person, names: dict[Id, str], key: KeyEnrolled | None, roles: frozenset[Role], here: set[str]) \
        -> PersonView:
    return PersonView(
        id=person.id, name=names[person.id], roles=tuple(sorted(roles)), key_id=key.key_id if key else "",
        factors=key.factors if key else "", origin=person.origin, key_here=key is not None and key.key_id in here)


def public_keys(reader: Reader) -> dict[str, tuple[Id, bytes, int]]:
    """Every enrolled key: key id → (person, raw public key, entry it was enrolled by)."""
    return {k.record.key_id: (k.record.person, base64.b64decode(k.record.public_key), k.seq)
            for k in reader.all(KeyEnrolled)}


def printed(name: str) -> str:
    """A name as it is kept and compared: one space between its words, its letters in one form (NFC)."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def by_name(reader: Reader) -> dict[str, Id]:
    """Everybody by their printed name, casefolded."""
    return {printed(name).casefold(): person for person, name in reader.names().items()}


def named(write: Write, name: str, known: dict[str, Id], origin: str) -> Id | None:
    """The person with a printed name, added without a key when the registry does not know them yet.

    known: casefolded name → id; extended in place.
    """
    name = printed(name)
    if not name:
        return None
    if name.casefold() not in known:
        person = Id(canonical.new_id(write.now))
        write.add(Person(id=person, name=write.add_text(name), origin=origin))
        known[name.casefold()] = person
    return known[name.casefold()]
