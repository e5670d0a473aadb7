"""Timestamps (RFC 3161): that some bytes existed at a time, signed by a timestamping authority. No I/O here.

What is kept is the authority's whole response in DER, as it came: `openssl ts -verify -data FILE -in FILE.tsr -CAfile
ROOT.pem` says the same of it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from desktop_app.domain.canonical import record

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

LARGEST = 1 << 20  # bytes of a response
_HASHES = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}


@record
class Stamp:
    """What an authority stated: the time (UTC), give or take `accuracy`; by: who signed, as the certificate says."""

    at: datetime
    accuracy: timedelta
    by: str


def request(data: bytes) -> tuple[bytes, int]:
    """What to send to an authority (DER, SHA-256 of the data, certificates wanted), and the nonce it must repeat."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    made = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).cert_request(cert_request=True) \
        .nonce(nonce=True).build()
    assert made.nonce is not None
    return made.as_bytes(), made.nonce


def roots_in(pem: bytes) -> tuple[Certificate, ...]:
    """The certificates in a PEM file. Raises ValueError."""
    from cryptography.x509 import load_pem_x509_certificates

    return tuple(load_pem_x509_certificates(pem))


def read(response: bytes, data: bytes, nonce: int | None = None, roots: tuple[Certificate, ...] = ()) -> Stamp:
    """The stamp in a response, which must be of these bytes and repeat the nonce where one is given.

    roots: of the authorities that are trusted; without any the authority's signature is not judged. Its certificates
    must have been valid at the time of the stamp (RFC 3161 §2.4.2, RFC 5280). Raises ValueError, which says why not.
    """
    from rfc3161_client import decode_timestamp_response

    if len(response) > LARGEST:
        raise ValueError("it is too large for a timestamp")
    try:
        found = decode_timestamp_response(_sorted(response))
        if found.status != 0:
            said = "; ".join(found.status_string)[:200]
            raise ValueError(f"the authority granted none: {said or f'status {found.status}'}")
        info = found.tst_info
        algorithm = _HASHES.get(info.message_imprint.hash_algorithm.dotted_string, "")
        imprint, accuracy, at = info.message_imprint.message, info.accuracy, info.gen_time
    except ValueError as error:
        if str(error).startswith("the authority"):
            raise
        raise ValueError(f"it cannot be read: {error}") from error
    if not algorithm or imprint != hashlib.new(algorithm, data).digest():
        raise ValueError("it is of other bytes")
    if nonce is not None and info.nonce != nonce:
        raise ValueError("it answers another request")
    by = _signer(found, roots)
    seconds, thousandths, millionths = (getattr(accuracy, part, None) or 0 for part in ("seconds", "millis", "micros"))
    return Stamp(at=at.astimezone(UTC), by=by, accuracy=timedelta(
        seconds=seconds, milliseconds=thousandths, microseconds=millionths))


def _sorted(response: bytes) -> bytes:
    """The same with its certificates in the order of DER (X.690 §11.6), which authorities that use OpenSSL leave to
    chance and our reader demands. They are under no signature; whatever cannot be read stays as it is.
    """
    from asn1crypto.cms import CertificateChoices, CertificateSet
    from asn1crypto.tsp import TimeStampResp

    with suppress(ValueError, TypeError, KeyError, AttributeError):
        found = TimeStampResp.load(response)
        signed = found["time_stamp_token"]["content"]
        certificates = [choice.dump() for choice in signed["certificates"]]
        if certificates != sorted(certificates):
            signed["certificates"] = CertificateSet([CertificateChoices.load(one) for one in sorted(certificates)])
            return bytes(found.dump())
    return response


def _signer(found: TimeStampResponse, roots: tuple[Certificate, ...]) -> str:
    """Who signed it; judged where roots are given. Raises ValueError."""
    from cryptography import x509
    from rfc3161_client import VerificationError, VerifierBuilder

    if roots:
        builder = VerifierBuilder()
        for root in dict.fromkeys(roots):
            builder = builder.add_root_certificate(root)
        try:
            builder.build().verify(found, found.tst_info.message_imprint.message)
        except (VerificationError, ValueError) as error:
            raise ValueError(f"its signature does not hold under the roots given: {error}") from error
    signers = {(s.issuer, s.serial_number) for s in found.signed_data.signer_infos}
    for der in found.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) in signers:
            return certificate.subject.rfc4514_string()
    return "an authority that did not send its certificate"
