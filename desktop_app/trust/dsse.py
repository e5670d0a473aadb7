"""DSSE envelopes (github.com/secure-systems-lab/dsse, protocol v1.0.2): what is signed is PAE(type, payload)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from desktop_app.domain import canonical
from desktop_app.trust import algorithms

MOST_BYTES = 2**20


class BadEnvelope(ValueError):
    """The envelope is malformed, or its signature does not verify."""


@dataclass(frozen=True)
class Opened:
    """A verified envelope."""

    key_id: str
    payload: bytes
    statement: Mapping[str, Any]


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload_type: str, payload: bytes, key_id: str, sign: Callable[[bytes], bytes]) -> str:
    """The envelope, as canonical JSON, of a payload signed by one key."""
    return _written(payload_type, payload, key_id, sign(pae(payload_type, payload)))


def _written(payload_type: str, payload: bytes, key_id: str, signature: bytes) -> str:
    return canonical.jcs({
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode("ascii"),
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode("ascii")}],
    }).decode("utf-8")


def open_envelope(
    envelope: str, payload_type: str, public_keys: Mapping[str, bytes], algorithm: str = algorithms.ED25519,
) -> Opened:
    """Verify an envelope against public keys (key id → bytes) enrolled for one algorithm. Raises BadEnvelope."""
    kind, payload, key_id, signature = _parts(envelope)
    if kind != payload_type:
        raise BadEnvelope(f"the payload type is {kind!r}")
    if key_id not in public_keys:
        raise BadEnvelope(f"key {key_id} is not known")
    if not algorithms.verified(algorithm, public_keys[key_id], signature, pae(kind, payload)):
        raise BadEnvelope("the signature does not fit the statement")
    return Opened(key_id=key_id, payload=payload, statement=_statement(payload))


def _parts(envelope: str) -> tuple[str, bytes, str, bytes]:
    if len(envelope) > MOST_BYTES:
        raise BadEnvelope("the envelope is too large")
    try:
        value = json.loads(envelope)
        (signature,) = value["signatures"]
        found = (str(value["payloadType"]), base64.b64decode(value["payload"], validate=True),
                 str(signature["keyid"]), base64.b64decode(signature["sig"], validate=True))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise BadEnvelope(f"not a DSSE envelope with one signature: {error}") from error
    if _written(*found) != envelope:  # one signature has one writing, though base64 and JSON have many
        raise BadEnvelope("the envelope is not in canonical form")
    return found


def _statement(payload: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(payload)
        if not isinstance(value, dict) or canonical.jcs(value) != payload:
            raise BadEnvelope("the statement is not in canonical form")
    except (ValueError, RecursionError) as error:
        raise BadEnvelope(f"the statement cannot be read: {error}") from error
    return value
