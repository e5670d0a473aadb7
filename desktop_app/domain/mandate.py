"""A mandate: the signature of whoever had the authority, under what changes people, keys, policies, or the whole log.

Roles, keys and policies decide whose decisions count, and an erasure deletes for ever, so nobody's word for them is
taken: each fact that governs is named, with its digest, in a DSSE envelope over an in-toto statement in its own entry.
The first entry of a registry is signed by the key that it enrols: trust begins there, and paper should say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id, fact
from desktop_app.domain.person import (
    HoldPlaced,
    HoldReleased,
    KeyEnrolled,
    KeyRevoked,
    PersonErased,
    Retention,
    Role,
    RoleGranted,
    RoleRevoked,
)
from desktop_app.domain.policy import Policy
from desktop_app.domain.recertification import (
    RecertificationAnswered,
    RecertificationClosed,
    RecertificationOpened,
)
from desktop_app.domain.registry import RegistryRestored

PREDICATE_TYPE = "urn:assaydesk:attestation:mandate:v1"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
FOUNDING = 1  # the entry that no earlier one can answer for
_RECERTIFYING = (RecertificationOpened, RecertificationAnswered, RecertificationClosed)
_KEEPING = (HoldPlaced, HoldReleased, Retention)
GOVERNING: tuple[type[Any], ...] = (RoleGranted, RoleRevoked, KeyEnrolled, KeyRevoked, Policy, RegistryRestored,
                                    PersonErased, *_KEEPING, *_RECERTIFYING)
_MAY: dict[type[Any], frozenset[Role]] = dict.fromkeys(
    (Policy, *_RECERTIFYING), frozenset({Role.ADMINISTRATOR, Role.MODEL_RISK})) | dict.fromkeys(
    _KEEPING, frozenset({Role.ADMINISTRATOR, Role.COMPLIANCE}))


@fact("mandate")
class Mandate:
    """A signed statement that names every governing fact of its entry."""

    id: Id
    person: Id
    key_id: str
    act: str  # the action of the entry
    statement_digest: Digest
    envelope: str


def may_mandate(governing: Any) -> frozenset[Role]:
    """The roles of which one is needed to sign for a governing fact. A person's own key needs none: see `own_key`."""
    return _MAY.get(type(governing), frozenset({Role.ADMINISTRATOR}))


def own_key(governing: Any, person: Id) -> bool:
    """Whether this is a new key of the signer's own, or the end of one: signed with a key they already have."""
    return isinstance(governing, (KeyEnrolled, KeyRevoked)) and governing.person == person


def subject(governing: Any) -> dict[str, Any]:
    """A governing fact as a subject of the statement."""
    return {"name": f"{canonical.kind_of(governing)}:{governing.id}",
            "digest": {"sha256": canonical.digest(governing)}}


def statement(
    act: str, person: Id, key_id: str, registry: str, command: str, checkpoint: str, signed_at: datetime,
    records: Iterable[Any],
) -> dict[str, Any]:
    """The in-toto Statement/v1 whose canonical bytes are signed. checkpoint: the end of the log that the signer saw."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject(r) for r in records if isinstance(r, GOVERNING)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"act": act, "person": person, "keyId": key_id, "registry": registry, "commandId": command,
                      "checkpoint": checkpoint,
                      "signedAt": canonical.utc_text(signed_at)},
    }
