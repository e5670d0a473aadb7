"""Whose word counted when: keys, roles and their ends, each only as far as somebody with the authority signed for it.

Judged from facts alone. `Authority` needs the people's facts, those of whoever signed for them, and so on to the
founding entry; facts that nobody with the authority signed for are there and count for nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from desktop_app.domain import canonical, mandate
from desktop_app.domain.approval import PAYLOAD_TYPE
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id
from desktop_app.domain.mandate import FOUNDING, Mandate
from desktop_app.domain.person import (
    KeyEnrolled,
    KeyRevoked,
    PublicKey,
    Role,
    RoleGranted,
    RoleRevoked,
    key_proof_text,
)
from desktop_app.trust import dsse
from desktop_app.trust.algorithms import verified
from desktop_app.trust.keys import key_id_of

VALID = "valid"
_LATER = 2**62


class Authority:
    """Judges keys, roles and mandates."""

    def __init__(
        self, registry: str, facts: Iterable[Recorded[Any]], commands: Mapping[int, str] | None = None,
    ) -> None:
        """commands: the command of each entry by its number; of an entry that is not there it is not asked."""
        self._registry, self._commands = registry, commands or {}
        self._mandates: dict[int, list[Recorded[Mandate]]] = defaultdict(list)
        self._keys: dict[str, Recorded[KeyEnrolled]] = {}
        self._revoked: dict[str, list[Recorded[KeyRevoked]]] = defaultdict(list)
        self._grants: dict[Id, list[Recorded[RoleGranted]]] = defaultdict(list)
        self._ends: dict[Id, list[Recorded[RoleRevoked]]] = defaultdict(list)
        self._judged: dict[Id, str] = {}
        for item in facts:
            self._index(item)

    def _index(self, item: Recorded[Any]) -> None:
        match item.record:
            case Mandate():
                self._mandates[item.seq].append(item)
            case KeyEnrolled(key_id=key_id):
                self._keys.setdefault(key_id, item)
            case KeyRevoked(key_id=key_id):
                self._revoked[key_id].append(item)
            case RoleGranted(person=person):
                self._grants[person].append(item)
            case RoleRevoked(grant=grant):
                self._ends[grant].append(item)

    # ---- what was signed for

    def mandated(self, item: Recorded[Any]) -> str:
        """Whether somebody with the authority signed for a governing fact: "valid", or what is wrong."""
        known = self._judged.get(item.record.id)
        if known is None:
            self._judged[item.record.id] = "it answers for itself"  # while it is judged: no circle makes authority
            known = self._judged[item.record.id] = self._mandated(item)
        return known

    def _mandated(self, item: Recorded[Any]) -> str:
        wrong = "nobody signed for it"
        for signed in self._mandates[item.seq]:
            wrong = self._by(signed, item)
            if wrong == VALID:
                break
        return wrong

    def _by(self, signed: Recorded[Mandate], item: Recorded[Any]) -> str:
        if item.by != signed.record.person or signed.by != signed.record.person:
            return "it was recorded by somebody else than who signed for it"
        said = self.opened(signed.record.person, signed.record.key_id, signed.record.envelope, signed.seq)
        if isinstance(said, str):
            return f"what was signed for it does not hold: {said}"
        if wrong := self._misfit(said, signed):
            return wrong
        if mandate.subject(item.record) not in said.statement.get("subject", []):
            return "what was signed for it names another record"
        allowed = signed.seq == FOUNDING or mandate.own_key(item.record, signed.record.person) \
            or any(self.held(signed.record.person, role, signed.seq, signed.at)
                   for role in mandate.may_mandate(item.record))
        return VALID if allowed else "who signed for it had no authority to"

    def _misfit(self, said: dsse.Opened, signed: Recorded[Mandate]) -> str:
        predicate = said.statement.get("predicate")
        if not isinstance(predicate, dict) or not isinstance(said.statement.get("subject"), list):
            return "what was signed for it does not have the form of a statement"
        expected = [
            ("form", (said.statement.get("_type"), said.statement.get("predicateType")),
             (mandate.STATEMENT_TYPE, mandate.PREDICATE_TYPE)),
            ("registry", predicate.get("registry"), self._registry),
            ("person", predicate.get("person"), signed.record.person),
            ("act", predicate.get("act"), signed.record.act),
            ("digest", canonical.sha256(said.payload), signed.record.statement_digest),
        ]
        if command := self._commands.get(signed.seq):
            expected.append(("command", predicate.get("commandId"), command))
        wrong = [name for name, found, wanted in expected if found != wanted]
        return f"what was signed for it names another {wrong[0]}" if wrong else ""

    # ---- keys

    def opened(self, person: Id, key_id: str, envelope: str, seq: int) -> dsse.Opened | str:
        """What a person signed by an entry, or why it cannot be taken as theirs."""
        key = self._keys.get(key_id)
        if key is None or key.record.person != person:
            return "the key is not that person's"
        if key.seq >= seq and not key.seq == seq == FOUNDING:
            return "the key was enrolled after the signature"
        if not key.seq == seq == FOUNDING and (wrong := self.mandated(key)) != VALID:
            return f"the key was not enrolled by anybody who may: {wrong}"
        if self._ended(self._revoked.get(key_id, ()), seq):
            return "the key had been revoked"
        try:
            public = base64.b64decode(key.record.public_key, validate=True)
            if key_id_of(public, key.record.algorithm) != key_id:
                return "the key is not the one its id names"
            return dsse.open_envelope(envelope, PAYLOAD_TYPE, {key_id: public}, key.record.algorithm)
        except (dsse.BadEnvelope, binascii.Error) as error:
            return str(error)

    def usable(self, person: Id, key_id: str) -> bool:
        """Whether what a person signs with a key from now on counts."""
        key = self._keys.get(key_id)
        return key is not None and key.record.person == person and self.mandated(key) == VALID \
            and not self._ended(self._revoked.get(key_id, ()), _LATER)

    def doubt(self, key_id: str, at: datetime) -> str:
        """Why a signature that verifies may still be somebody else's; empty when nothing says so."""
        since = [r.record.compromised_since for r in self._revoked.get(key_id, ())
                 if r.record.compromised_since and self.mandated(r) == VALID]
        if since and at >= min(since):
            return f"the key may have been in other hands since {canonical.day_text(min(since).date())}"
        return ""

    def _ended(self, ends: Iterable[Recorded[Any]], seq: int) -> bool:
        """Whether one of these ends counted before an entry. Only earlier ones are judged: no circle can arise."""
        return any(e.seq < seq and self.mandated(e) == VALID for e in ends)

    # ---- roles

    def held(self, person: Id, role: Role, seq: int, at: datetime) -> bool:
        """Whether a role was held when an entry was made."""
        return any(g.record.role is role for g in self._standing(person, seq, at))

    def roles(self, person: Id, at: datetime) -> frozenset[Role]:
        """The roles held now."""
        return frozenset(g.record.role for g in self._standing(person, _LATER, at))

    def grants(self, person: Id, at: datetime) -> list[Recorded[RoleGranted]]:
        """The grants in force now."""
        return self._standing(person, _LATER, at)

    def to_come(self, person: Id, at: datetime) -> list[Recorded[RoleGranted]]:
        """The grants that begin later."""
        return [g for g in self._grants.get(person, ()) if g.record.valid_from > at and self.mandated(g) == VALID
                and not self._ended(self._ends.get(g.record.id, ()), _LATER)]

    def ended_keys(self, person: Id) -> list[Recorded[KeyRevoked]]:
        """The ends of the keys that a person had."""
        return [end for ends in self._revoked.values() for end in ends
                if end.record.person == person and self.mandated(end) == VALID]

    def _standing(self, person: Id, seq: int, at: datetime) -> list[Recorded[RoleGranted]]:
        return [
            g for g in self._grants.get(person, ())
            if g.seq < seq and g.record.valid_from <= at and (g.record.valid_to is None or at < g.record.valid_to)
            and self.mandated(g) == VALID and not self._ended(self._ends.get(g.record.id, ()), seq)]

    def governing(self) -> Iterable[Recorded[Any]]:
        """Every key, grant and end that was fed; policies are asked about one by one."""
        for many in (self._grants, self._ends, self._revoked):
            for items in many.values():
                yield from items
        yield from self._keys.values()


def proved(key: KeyEnrolled | PublicKey, person: Id, registry: str) -> bool:
    """Whether a key shows by its own signature that its holder asked for it, in this registry."""
    try:
        raw = base64.b64decode(key.public_key, validate=True)
        text = key_proof_text(person, key.key_id, registry)
        signed = verified(key.algorithm, raw, base64.b64decode(key.proof, validate=True), text)
    except (ValueError, binascii.Error):
        return False
    return signed and key_id_of(raw, key.algorithm) == key.key_id
