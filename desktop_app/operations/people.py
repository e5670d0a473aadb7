"""People: who they are, what roles they hold, the keys they sign with."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Id, NotCanonical, record
from desktop_app.domain.change import Change
from desktop_app.domain.person import (
    ERASED,
    ROLE_TITLES,
    KeyEnrolled,
    KeyRequest,
    KeyRevoked,
    Person,
    PublicKey,
    Role,
    RoleGranted,
    RoleRevoked,
    Unkept,
)
from desktop_app.errors import Refused, UserError
from desktop_app.operations import mandates
from desktop_app.operations.saving import save_bytes
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import changed as changed  # noqa: PLC0414 - other verbs take it from here
from desktop_app.registry.writer import unkept
from desktop_app.trust.authority import Authority, proved
from desktop_app.trust.tokens import OnToken as OnToken  # noqa: PLC0414 - the command line takes it from here
from desktop_app.workspace import Workspace


@record
class Held:
    """A role of a person, from one day to another. since, until: the first and the last day · to_come: not yet."""

    role: Role
    since: date
    until: date | None
    to_come: bool = False

    @property
    def dates(self) -> str:
        """“from 20 Nov 2026 until 31 Dec 2026”."""
        return f"from {canonical.day_text(self.since)}" + (f" until {canonical.day_text(self.until)}"
                                                           if self.until else "")


@record
class EndedKey:
    """A key that a person had."""

    key_id: str
    ended: date
    reason: str


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
    held: tuple[Held, ...] = ()
    ended_keys: tuple[EndedKey, ...] = ()

    @property
    def role_titles(self) -> str:
        """The roles in words."""
        return ", ".join(ROLE_TITLES[r] for r in self.roles) or "no role"


def roles_of(reader: Reader, person: Id, at: datetime) -> frozenset[Role]:
    """The roles a person holds at a moment, as far as they were signed for."""
    return mandates.authority(reader, person).roles(person, at)


def require(reader: Reader, workspace: Workspace, *roles: Role) -> None:
    """Refuse when who acts holds none of these roles. Raises Refused."""
    held = roles_of(reader, workspace.me, workspace.store.clock())
    if not held & set(roles):
        wanted = " or ".join(ROLE_TITLES[r].lower() for r in roles)
        yours = ", ".join(ROLE_TITLES[r].lower() for r in sorted(held)) or "none"
        raise Refused("Your role does not allow this.", f"It takes the role of {wanted}; yours: {yours}.",
                      "Ask somebody with the role, or ask an administrator to grant it.")


def enrol(workspace: Workspace, name: str, roles: tuple[Role, ...], passphrase: str, mine: str) -> PersonView:
    """Add a person with a key made on this machine, and grant roles. Only an administrator may.

    passphrase: of the new key, typed by its holder · mine: the administrator's own, who signs for it.
    """
    name = _checked_name(name)
    with workspace.store.read() as reader:
        person = _to_enrol(reader, workspace, name) or workspace.store.new_id()
    key = workspace.signer.make(person, passphrase)
    try:
        _enrol(workspace, person, name, key.public(), roles, mine)
    except BaseException:
        key.discard()  # nobody enrolled it; it would stand in the way of the next attempt
        raise
    return next(p for p in listing(workspace) if p.id == person)


def request_key(
    workspace: Workspace, name: str, secret: str, target: Path, token: OnToken | None = None,
) -> KeyRequest:
    """Make a key on this machine, and the file that an administrator enrols it from; nothing is recorded yet.

    secret: the passphrase of its file, or the PIN of the token that it is made on.
    """
    name = _checked_name(name)
    with workspace.store.read() as reader:
        person = by_name(reader).get(name.casefold()) or workspace.store.new_id()
        _check_no_key(reader, person, name)
    key = workspace.signer.make(person, secret, token=token)
    try:
        asked = KeyRequest(registry=workspace.store.info.id, person=person, name=name, key=key.public())
        save_bytes(target, canonical.encode(asked) + b"\n")
    except BaseException:
        key.discard()
        raise
    return asked


def read_request(path: Path) -> KeyRequest:
    """The request in a file that somebody sent. Raises UserError for anything else."""
    try:
        asked = canonical.build(KeyRequest, canonical.parse(path.read_bytes()[:2**16].strip()))
    except (OSError, NotCanonical) as error:
        raise UserError("This is not a request for a key.", f"{path}: {error}",
                        "Ask for the file that their machine wrote: assaydesk people request-key.") from error
    if not proved(asked.key, asked.person, asked.registry):
        raise UserError("The request does not hold together: it was changed on its way.", str(path),
                        "Ask for it again, and compare the key's id by voice.")
    return asked


def enrol_request(workspace: Workspace, asked: KeyRequest, roles: tuple[Role, ...], mine: str) -> PersonView:
    """Enrol a key that its holder made on their own machine. Only an administrator may.

    Who enrols makes sure, by voice or in person, that the holder's machine shows the same key id.
    """
    if asked.registry != workspace.store.info.id:
        raise UserError("This request is for another registry.", asked.registry, "Ask for one made for this registry.")
    name = _checked_name(asked.name)
    with workspace.store.read() as reader:
        known = _to_enrol(reader, workspace, name)
        if known not in (None, asked.person) or (known is None and reader.find(Person, asked.person)):
            raise UserError(f"The registry knows another {name}.", "The request names another person's id.",
                            "Have the request made again with the registry open.")
    _enrol(workspace, asked.person, name, asked.key, roles, mine)
    return next(p for p in listing(workspace) if p.id == asked.person)


def _checked_name(name: str) -> str:
    name = printed(name)
    if not name:
        raise UserError("A person needs a name.", "", "Type the name as it should be printed under signatures.")
    return name


def _to_enrol(reader: Reader, workspace: Workspace, name: str) -> Id | None:
    """Who the registry knows by this name, without a key; None when nobody. Raises UserError, Refused."""
    require(reader, workspace, Role.ADMINISTRATOR)
    person = by_name(reader).get(name.casefold())
    if person:
        _check_no_key(reader, person, name)
    return person


def _check_no_key(reader: Reader, person: Id, name: str) -> None:
    if _usable_keys(reader, person):
        raise UserError(f"{name} is already enrolled.", "",
                        "Grant roles instead, revoke the key first if it is lost, or give the full name.")


def _usable_keys(reader: Reader, person: Id) -> list[KeyEnrolled]:
    standing = mandates.authority(reader, person)
    return [k.record for k in reader.all(KeyEnrolled, person) if standing.usable(person, k.record.key_id)]


def _enrol(
    workspace: Workspace, person: Id, name: str, key: PublicKey, roles: tuple[Role, ...], mine: str,
) -> Change:
    store = workspace.store

    def check(reader: Reader) -> None:
        if _to_enrol(reader, workspace, name) not in (None, person):
            raise UserError(f"Somebody else called {name} was added meanwhile.", "", "Look at the people, then decide.")

    with store.read() as reader:
        known = reader.find(Person, person) is not None
    text = None if known else unkept(store.clock(), name)
    titles = ", ".join(ROLE_TITLES[r].lower() for r in roles) or "nobody who decides"
    return mandates.record(
        workspace, "person.enrolled", person, _enrolment(workspace, person, text, key, roles), mine,
        note=f"Enrolled as {titles}, with key {key.key_id}", check=check, keep=[text] if text else [])


def _enrolment(
    workspace: Workspace, person: Id, text: Unkept | None, key: PublicKey, roles: tuple[Role, ...],
) -> list[Any]:
    store = workspace.store
    return [
        *([Person(id=person, name=text.reference())] if text else []), _key_fact(store.new_id(), person, key),
        *(RoleGranted(id=store.new_id(), person=person, role=role, valid_from=store.clock()) for role in roles)]


def _key_fact(fact: Id, person: Id, key: PublicKey) -> KeyEnrolled:
    return KeyEnrolled(id=fact, person=person, key_id=key.key_id, algorithm=key.algorithm, public_key=key.public_key,
                       factors=key.factors, proof=key.proof)


def found(workspace: Workspace, name: str, passphrase: str, roles: tuple[Role, ...]) -> Workspace:
    """Enrol the first administrator of an empty registry, who signs for themselves. Returns who acts from now on."""
    person = workspace.store.new_id()
    acting, name = workspace.acting_as(person), _checked_name(name)
    key = workspace.signer.make(person, passphrase)
    text = unkept(workspace.store.clock(), name)
    try:
        mandates.record(acting, "registry.founded", person, _enrolment(acting, person, text, key.public(), roles),
                        passphrase, note=f"Founded the registry with key {key.file.key_id}", check=_check_empty,
                        keep=[text])
    except BaseException:
        key.discard()
        raise
    return acting


def _check_empty(reader: Reader) -> None:
    if reader.head().seq:
        raise Refused("This registry already has an administrator.", "", "Ask them to enrol you.")


def grant(
    workspace: Workspace, person: Id, role: Role, passphrase: str, valid_to: datetime | None = None,
    valid_from: datetime | None = None,
) -> Change:
    """Grant a role, signed. Only an administrator may.

    valid_from: when it begins (now; never earlier) · valid_to: the moment from which it is no longer held.
    """
    store = workspace.store
    begins = max(valid_from or store.clock(), store.clock())
    if valid_to is not None and valid_to <= begins:
        raise UserError("The role would end before it begins.", "", "Give a later last day.")

    def check(reader: Reader) -> None:
        require(reader, workspace, Role.ADMINISTRATOR)
        standing = mandates.authority(reader, person)
        others = [*standing.grants(person, store.clock()), *standing.to_come(person, store.clock())]
        if any(g.record.role is role and (valid_to is None or g.record.valid_from < valid_to)
               and (g.record.valid_to is None or begins < g.record.valid_to) for g in others):
            raise UserError("This person already holds the role, or will in that time.", ROLE_TITLES[role],
                            "Revoke it first to give it other dates.")

    granted = RoleGranted(id=store.new_id(), person=person, role=role, valid_from=begins, valid_to=valid_to)
    dates = f", {_held(granted, to_come=False).dates}" if valid_from or valid_to else ""
    return mandates.record(workspace, "role.granted", person, [granted], passphrase,
                           note=f"Granted {ROLE_TITLES[role].lower()}{dates}", check=check)


def _held(granted: RoleGranted, *, to_come: bool) -> Held:
    last = (granted.valid_to - timedelta(microseconds=1)).astimezone().date() if granted.valid_to else None
    return Held(role=granted.role, since=granted.valid_from.astimezone().date(), until=last, to_come=to_come)


def revoke(workspace: Workspace, person: Id, role: Role, reason: str, passphrase: str) -> Change:
    """End a role, signed. The last administrator cannot be removed."""
    store = workspace.store

    def check(reader: Reader) -> None:
        require(reader, workspace, Role.ADMINISTRATOR)
        everybody = _people(reader)
        standing = mandates.authority(reader, *everybody)
        held = [p for p in everybody if role in standing.roles(p, store.clock())]
        coming = mandates.authority(reader, person).to_come(person, store.clock())
        if person not in held and not any(g.record.role is role for g in coming):
            raise UserError("This person does not hold the role.", ROLE_TITLES[role], "Refresh and try again.")
        if role is Role.ADMINISTRATOR and held == [person]:
            raise Refused("The last administrator cannot be removed.", "", "Grant the role to somebody else first.")

    with store.read() as reader:
        check(reader)
        ended = {r.record.grant for r in reader.all(RoleRevoked, person)}
        grants = [g.record.id for g in reader.all(RoleGranted, person)
                  if g.record.role is role and g.record.id not in ended]
    ends = [RoleRevoked(id=store.new_id(), grant=g, person=person, role=role, reason=reason) for g in grants]
    return mandates.record(workspace, "role.revoked", person, ends, passphrase,
                           note=f"Revoked {ROLE_TITLES[role].lower()}: {reason}", check=check)


def recognise(workspace: Workspace, person: Id, passphrase: str) -> None:
    """Whether somebody at this machine is a person whose key is here. Raises Refused when the passphrase is not right,
    or comes too soon after wrong ones. Nothing is signed or recorded.
    """
    workspace.signer.check(person, passphrase)


def renew_key(workspace: Workspace, old: str, new: str, token: OnToken | None = None) -> Change:
    """A new key for who acts, in place of the one on this machine, which signs for it and ends.

    old, new: the passphrases of the two, or PINs · token: what the new one is made on, if not a file. A lost key or a
    forgotten passphrase is an administrator's matter.
    """
    me, store, before = workspace.me, workspace.store, workspace.signer.key_of(workspace.me)

    def check(reader: Reader) -> None:
        if before.key_id not in {k.key_id for k in _usable_keys(reader, me)}:
            raise Refused("Your key on this machine is not enrolled, or was revoked.", f"Key {before.key_id}.",
                          "Ask an administrator to enrol a new one.")

    made = workspace.signer.make(me, new, beside=before, token=token)
    try:
        change = mandates.record(
            workspace, "key.renewed", me,
            [_key_fact(store.new_id(), me, made.public()),
             KeyRevoked(id=store.new_id(), person=me, key_id=before.key_id, reason="renewed")],
            old, note=f"Renewed key {before.key_id} by {made.file.key_id}", check=check)
    except BaseException:
        made.discard()
        raise
    workspace.signer.adopt(made.file)
    return change


def revoke_key(
    workspace: Workspace, person: Id, key_id: str, reason: str, passphrase: str,
    compromised_since: datetime | None = None,
) -> Change:
    """End a key: an administrator's, or its holder's own act. What it signed stays signed, but for what was signed
    since `compromised_since`: that is marked as doubtful.
    """
    def check(reader: Reader) -> None:
        if person != workspace.me:
            require(reader, workspace, Role.ADMINISTRATOR)
        if key_id not in {k.key_id for k in _usable_keys(reader, person)}:
            raise UserError("This key is not in use.", key_id, "See: assaydesk people list")
        others = [p for p in _people(reader) if p != person and _usable_keys(reader, p)
                  and Role.ADMINISTRATOR in roles_of(reader, p, workspace.store.clock())]
        if not others and Role.ADMINISTRATOR in roles_of(reader, person, workspace.store.clock()):
            raise Refused("This is the key of the last administrator.", "Nobody could enrol another one.",
                          "Renew it instead, or enrol a second administrator first.")

    ended = KeyRevoked(id=workspace.store.new_id(), person=person, key_id=key_id, reason=reason,
                       compromised_since=compromised_since)
    return mandates.record(workspace, "key.revoked", person, [ended], passphrase,
                           note=f"Revoked key {key_id}: {reason}", check=check)


def _people(reader: Reader) -> list[Id]:
    return [p.record.id for p in reader.all(Person)]


def listing(workspace: Workspace) -> tuple[PersonView, ...]:
    """Everyone the registry knows, enrolled people first, by name."""
    here = {file.key_id for file in workspace.signer.keys()}  # noqa: SIM118 - not a mapping
    now = workspace.store.clock()
    with workspace.store.read() as reader:
        names, everybody = reader.names(), reader.all(Person)
        standing = mandates.authority(reader, *(p.record.id for p in everybody))
        keys = {k.record.person: k.record for k in reader.all(KeyEnrolled)
                if standing.usable(k.record.person, k.record.key_id)}
        views = [_view(p.record, names, keys.get(p.record.id), standing, now, here) for p in everybody]
    return tuple(sorted(views, key=lambda v: (not v.key_id, v.name.casefold())))


def _view(
    person: Person, names: dict[Id, str], key: KeyEnrolled | None, standing: Authority, now: datetime, here: set[str],
) -> PersonView:
    held = [*(_held(g.record, to_come=False) for g in standing.grants(person.id, now)),
            *(_held(g.record, to_come=True) for g in standing.to_come(person.id, now))]
    ended = [EndedKey(key_id=e.record.key_id, ended=e.at.astimezone().date(), reason=e.record.reason)
             for e in standing.ended_keys(person.id)]
    return PersonView(
        id=person.id, name=names[person.id], roles=tuple(sorted(standing.roles(person.id, now))),
        key_id=key.key_id if key else "", factors=key.factors if key else "", origin=person.origin,
        key_here=key is not None and key.key_id in here, held=tuple(held), ended_keys=tuple(ended))


def printed(name: str) -> str:
    """A name as it is kept and compared: one space between its words, its letters in one form (NFC)."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def by_name(reader: Reader) -> dict[str, Id]:
    """Everybody by their printed name, casefolded, but for the erased."""
    return {printed(name).casefold(): person for person, name in reader.names().items() if name != ERASED}
