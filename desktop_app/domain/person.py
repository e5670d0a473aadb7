"""People, the roles they hold, the keys they sign with. Actors are pseudonymous ids: names live in the one
table that may be erased, facts hold a salted digest of them (`Erasable`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from desktop_app.domain.canonical import Digest, Id, fact, record


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
    """Someone the registry knows. Without a key they sign nothing: an owner named in an imported inventory."""

    id: Id
    name: Erasable
    origin: str = "enrolled"  # enrolled | inventory | source


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


def key_proof_text(person: Id, key_id: str, registry: str) -> bytes:
    """What a new key signs to show that its holder asked for it, in this registry."""
    return f"assaydesk-key/v1\n{registry}\n{person}\n{key_id}\n".encode()
