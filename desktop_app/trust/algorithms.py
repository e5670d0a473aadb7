"""The signatures that a registry takes. Which one a key makes is said where the key is enrolled, never by a signature.

Ed25519 (RFC 8032): public key 32 bytes, signature 64. ECDSA on P-256 with SHA-256 (FIPS 186-5), as most smart cards
have it: public key the uncompressed point (SEC 1, 65 bytes), signature the DER of (r, s) with s in the lower half of
the group, so that one signature has one writing.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

ED25519 = "ed25519"
P256 = "ecdsa-p256-sha256"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, SP 800-186 §3.2.1.3


def verified(algorithm: str, public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is good under a public key enrolled for this algorithm; by an unknown one none is."""
    try:
        if algorithm == ED25519:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        elif algorithm == P256 and len(public) == 65:
            if decode_dss_signature(signature)[1] > _ORDER // 2:
                return False
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public).verify(
                signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def p256_signature(raw: bytes) -> bytes:
    """The one writing of a signature that a token gave as r ‖ s."""
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    return encode_dss_signature(r, min(s, _ORDER - s))
