"""What governs is recorded with a signature under it: roles, keys and policies, by whoever has the authority.

`record` is the only way in. It signs before any lock is taken and checks again under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from desktop_app.domain import canonical, mandate
from desktop_app.domain.approval import PAYLOAD_TYPE
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id
from desktop_app.domain.change import Change
from desktop_app.domain.mandate import Mandate
from desktop_app.domain.person import KeyEnrolled, KeyRevoked, Person, RoleGranted, RoleRevoked, Unkept
from desktop_app.errors import Refused
from desktop_app.operations import outbox
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import changed
from desktop_app.trust.authority import Authority
from desktop_app.workspace import Workspace

_OF_PERSON: tuple[type[Any], ...] = (KeyEnrolled, KeyRevoked, RoleGranted, RoleRevoked)
Check = Callable[[Reader], None]


def behind(reader: Reader, persons: Iterable[Id], governing: Iterable[Recorded[Any]] = ()) -> list[Recorded[Any]]:
    """Everything that the standing of some people, policies or restorations rests on: their keys, roles and ends, the
    mandates of these, the people who signed those, and so on to the founding entry.
    """
    found = {f.record.id: f for f in governing}
    signed: set[int] = set()
    known: set[Id] = set()
    waiting = set(persons)
    while waiting or {f.seq for f in found.values()} - signed:
        entries = {f.seq for f in found.values()} - signed
        signed |= entries
        mandates = reader.added(Mandate, entries)
        waiting = (waiting | {m.record.person for m in mandates}) - known
        known |= waiting
        items = [f for kind in _OF_PERSON for f in reader.all_of(kind, waiting)] + list(mandates)
        found |= {f.record.id: f for f in [*items, *reader.facts(Person, waiting)]}
        waiting = set()
    return list(found.values())


def authority(reader: Reader, *persons: Id) -> Authority:
    """Whose word counts, as far as it concerns some people."""
    return Authority(reader.info().id, behind(reader, persons))


def check_key(reader: Reader, key_id: str, person: Id) -> None:
    """Refuse a key whose signatures do not count. Raises Refused."""
    if not authority(reader, person).usable(person, key_id):
        raise Refused("Your key is not enrolled in this registry, or was revoked.", f"Key {key_id}.",
                      "Ask an administrator to enrol a key of yours.")


def record(
    workspace: Workspace, act: str, subject: Id, records: list[Any], passphrase: str, *, note: str, check: Check,
    keep: Iterable[Unkept] = (),
) -> Change:
    """Sign for what governs and record it in one entry. Raises what `check` raises, Refused for a wrong passphrase.

    check: looks whether it may be, first before anybody signs, then again under the lock · keep: erasable text that
    the records refer to.
    """
    store, me, texts = workspace.store, workspace.me, tuple(keep)
    command, key = store.new_id(), workspace.signer.key_of(me).key_id

    def checked(reader: Reader) -> None:
        check(reader)
        if reader.head().seq:  # the founder's key is enrolled by what it signs
            check_key(reader, key, me)

    with store.read() as reader:
        checked(reader)
        seen = reader.head()
    payload = canonical.jcs(mandate.statement(
        act, me, key, store.info.id, command, f"{seen.seq}:{seen.hash}", store.clock(), records))
    envelope = workspace.signer.seal(me, PAYLOAD_TYPE, payload, passphrase)
    signed = Mandate(id=store.new_id(), person=me, key_id=key, act=act, envelope=envelope,
                     statement_digest=canonical.sha256(payload))

    def recorded() -> Change:
        with store.write(me, act, subject, note=note, command=command) as write:
            checked(write.reader)
            for text in texts:
                write.keep(text)
            write.add(*records, signed)
        return changed(write)

    return outbox.until_recorded(workspace, recorded)
