"""People, the roles they hold, the keys they sign with. Actors are pseudonymous ids: names live in the one
table that may be erased, facts hold a salted digest of them (`Erasable`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from desktop_app.domain.canonical import Digest, Id, fact, record

ERASED = "(erased)"  # what is read where a name or a text was


class Role(StrEnum):
    """What a person may decide; the first word of the help is the line of defence."""

    ADMINISTRATOR = "administrator"
    DEVELOPER = "developer"
    OWNER = "owner"
    VALIDATOR = "validator"
    MODEL_RISK = "model_risk"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"


ROLE_TITLES = {
    Role.ADMINISTRATOR: "Administrator", Role.DEVELOPER: "Developer", Role.OWNER: "Model owner",
    Role.VALIDATOR: "Validator", Role.MODEL_RISK: "Model risk manager",
    Role.COMPLIANCE: "Compliance officer", Role.AUDITOR: "Auditor",
}
LINE_OF_DEFENCE = {
    Role.ADMINISTRATOR: 0, Role.DEVELOPER: 1, Role.OWNER: 1, Role.VALIDATOR: 2, Role.MODEL_RISK: 2,
    Role.COMPLIANCE: 2, Role.AUDITOR: 3,
}


LINE_TITLES = {0: "outside the three lines", 1: "first line", 2: "second line", 3: "third line"}


@record
class Erasable:
    """Text that a person may have erased: the registry keeps it beside the facts under `ref`, with its salt."""

    ref: str
    digest: Digest  # SHA-256 over salt (16 bytes) ‖ UTF-8 text


def erasable_digest(salt: bytes, text: str) -> Digest:
    """The digest a fact keeps of erasable text (security.md §1.4, personal data)."""
    return Digest(hashlib.sha256(salt + text.encode("utf-8")).hexdigest())


def fits(salt: str, text: str, digest: Digest) -> bool:
    """Whether a text, with its salt in hexadecimal, is the one that a fact holds this digest of."""
    try:
        return erasable_digest(bytes.fromhex(salt), text) == digest
    except ValueError:
        return False


@record
class Unkept:
    """Erasable text on its way to the registry: made before a signature, kept by the write that records it."""

    ref: str
    salt: str  # hexadecimal
    text: str

    def reference(self) -> Erasable:
        """What a fact may hold of it."""
        return Erasable(ref=self.ref, digest=erasable_digest(bytes.fromhex(self.salt), self.text))


@fact("person")
class Person:
    """Someone the registry knows. Without a key they sign nothing: an owner named in an imported inventory, a committee
    that decided, the author of a document. Wherever a fact names somebody, it holds this id.
    """

    id: Id
    name: Erasable
    origin: str = "enrolled"  # enrolled | inventory | source | decision | condition | document


@fact("role.granted")
class RoleGranted:
    """A role held from a moment to a moment (or until revoked)."""

    id: Id
    person: Id
    role: Role
    valid_from: datetime
    valid_to: datetime | None = None


@fact("role.revoked")
class RoleRevoked:
    """The end of a grant."""

    id: Id
    grant: Id
    person: Id
    role: Role
    reason: str


@fact("person.erased")
class PersonErased:
    """What named a person was deleted: the registry deletes the erasable texts under `refs`, and only these, in the
    transaction that adds this fact. What they did stays, under their id.
    """

    id: Id
    person: Id
    refs: tuple[str, ...]
    reason: str


@fact("hold.placed")
class HoldPlaced:
    """A legal hold: nothing that names this person is erased until it is released."""

    id: Id
    person: Id
    reason: str


@fact("hold.released")
class HoldReleased:
    """The end of a legal hold."""

    id: Id
    hold: Id
    person: Id
    reason: str


@fact("retention.set")
class Retention:
    """How long names must be kept, in days after the last record that a person made or is named in.

    acted_days: of who recorded or signed something here · named_days: of who is only named.
    """

    id: Id
    acted_days: int
    named_days: int


@fact("key.enrolled")
class KeyEnrolled:
    """A public key bound to a person. `proof` is the key's own signature over `key_proof_text`."""

    id: Id
    person: Id
    key_id: str  # first 16 hexadecimal digits of SHA-256 over algorithm ‖ public key
    algorithm: str  # "ed25519" | "ecdsa-p256-sha256": what its signatures are verified by
    public_key: str  # base64 of the raw 32 bytes, or of the uncompressed point
    factors: str  # "passphrase and keyring" | "passphrase only" | "token and PIN"
    proof: str  # base64


@fact("key.revoked")
class KeyRevoked:
    """The end of a key. What it signed before stays signed, but for what was signed since it may have been stolen."""

    id: Id
    person: Id
    key_id: str
    reason: str
    compromised_since: datetime | None = None


@record
class PublicKey:
    """A key as others see it. `proof` is its own signature over `key_proof_text`."""

    key_id: str
    algorithm: str
    public_key: str  # base64
    factors: str
    proof: str  # base64


@record
class KeyRequest:
    """What a person sends to an administrator: a key that they made on their own machine."""

    registry: str
    person: Id
    name: str
    key: PublicKey


def naming(*spellings: str) -> Callable[[str], bool]:
    """Tells whether a text holds one of some spellings of a name, as words of their own, in whatever case."""
    every = ["\\s+".join(map(re.escape, s.split())) for s in spellings if s.strip()]
    found = re.compile(rf"(?<!\w)(?:{'|'.join(every)})(?!\w)", re.IGNORECASE)
    return lambda text: bool(every) and found.search(unicodedata.normalize("NFC", text)) is not None


def erasables(value: Any) -> Iterator[Erasable]:
    """The erasable texts that a fact refers to."""
    return (part for part in vars(value).values() if isinstance(part, Erasable))


def key_proof_text(person: Id, key_id: str, registry: str) -> bytes:
    """What a new key signs to show that its holder asked for it, in this registry."""
    return f"assaydesk-key/v1\n{registry}\n{person}\n{key_id}\n".encode()
