"""DSSE envelopes: the published vector, and nothing but the very envelope that was sealed."""

from __future__ import annotations

import base64
import json
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.trust import dsse
from desktop_app.trust.dsse import BadEnvelope

KIND = "application/vnd.in-toto+json"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
STATEMENT = b'{"_type":"x","predicate":{"meaning":"approve"}}'
ENVELOPE = dsse.seal(KIND, STATEMENT, "key1", PRIVATE.sign)


def test_the_published_vector():
    """github.com/secure-systems-lab/dsse, protocol.md: PAE of "http://example.com/HelloWorld" and "hello world"."""
    encoded = dsse.pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.text(max_size=30), st.binary(max_size=60))
def test_the_encoding_says_its_lengths_in_bytes(kind, payload):
    head, rest = dsse.pae(kind, payload).split(b" ", 1)
    length, rest = rest.split(b" ", 1)
    name, rest = rest[: int(length)], rest[int(length) + 1:]
    size, body = rest.split(b" ", 1)
    assert (head, name.decode(), int(size), body) == (b"DSSEv1", kind, len(payload), payload)


def test_what_is_sealed_is_opened():
    opened = dsse.open_envelope(ENVELOPE, KIND, {"key1": PUBLIC})
    assert (opened.key_id, opened.payload) == ("key1", STATEMENT)
    assert opened.statement["predicate"]["meaning"] == "approve"


def test_the_envelope_has_the_published_form():
    value = json.loads(ENVELOPE)
    assert sorted(value) == ["payload", "payloadType", "signatures"]
    assert base64.b64decode(value["payload"]) == STATEMENT
    (signature,) = value["signatures"]
    PRIVATE.public_key().verify(base64.b64decode(signature["sig"]), dsse.pae(KIND, STATEMENT))


def opened_by(envelope, kind=KIND, keys=None):
    with pytest.raises(BadEnvelope) as refused:
        dsse.open_envelope(envelope, kind, keys if keys is not None else {"key1": PUBLIC})
    return str(refused.value)


def test_ten_thousand_mutations_are_all_refused():
    chance = random.Random(20261120)
    alphabet = [chr(c) for c in range(32, 127)] + ["é", "\n", "\x00"]
    refused = 0
    while refused < 10_000:
        text = list(ENVELOPE)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            how = chance.randrange(4)
            if how == 0:
                text[at] = chance.choice(alphabet)
            elif how == 1:
                del text[at]
            elif how == 2:
                text.insert(at, chance.choice(alphabet))
            else:
                other = chance.randrange(len(text))
                text[at], text[other] = text[other], text[at]
        if (changed := "".join(text)) == ENVELOPE:
            continue
        with pytest.raises(BadEnvelope):
            dsse.open_envelope(changed, KIND, {"key1": PUBLIC})
        refused += 1


@given(st.text(max_size=200))
def test_no_text_is_taken_for_an_envelope(text):
    assert opened_by(text)


def test_another_payload_type_is_refused_and_not_covered():
    assert "payload type" in opened_by(ENVELOPE, "application/json")
    assert "does not fit" in opened_by(ENVELOPE.replace(KIND, "application/json"), "application/json")


def test_keys_that_are_not_the_signers_are_refused():
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert "not known" in opened_by(ENVELOPE, keys={})
    assert "not known" in opened_by(ENVELOPE, keys={"key2": PUBLIC})
    assert "does not fit" in opened_by(ENVELOPE, keys={"key1": other})
    assert "does not fit" in opened_by(ENVELOPE, keys={"key1": b"short"})


def changed(**values):
    return json.dumps(json.loads(ENVELOPE) | values, sort_keys=True, separators=(",", ":"))


def test_one_signature_neither_none_nor_two():
    (signature,) = json.loads(ENVELOPE)["signatures"]
    for signatures in ([], [signature, signature], "x", None, [signature["sig"]], [{}], [[]]):
        assert "one signature" in opened_by(changed(signatures=signatures))


@pytest.mark.parametrize("other", [
    " " + ENVELOPE, ENVELOPE + "\n", ENVELOPE.replace(":", ": ", 1), changed(more="field"),
    json.dumps(dict(reversed(json.loads(ENVELOPE).items())), separators=(",", ":")),
])
def test_another_writing_of_the_same_envelope_is_refused(other):
    assert "canonical" in opened_by(other)


def test_spare_bits_of_base64_are_refused():
    """Four bits of the last digit of a 64-byte signature mean nothing to a decoder: sixteen writings, one is ours."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sig = json.loads(ENVELOPE)["signatures"][0]["sig"]
    at = digits.index(sig[-3])
    for spare in range(1, 16):
        other = sig[:-3] + digits[at ^ spare] + "=="
        assert base64.b64decode(other, validate=True) == base64.b64decode(sig)
        assert "canonical" in opened_by(ENVELOPE.replace(sig, other))


@pytest.mark.parametrize("payload", [b"[]", b"null", b'{"b":1,"a":1}', b'{"a": 1}', b"\xff", b"", b"{", b"[" * 5000,
                                     b'{"a":1,"a":1}', b'{"a":NaN}'])
def test_a_signed_statement_that_is_not_canonical_is_refused(payload):
    assert "statement" in opened_by(dsse.seal(KIND, payload, "key1", PRIVATE.sign))


def test_an_envelope_has_a_greatest_size():
    assert "too large" in opened_by(" " * (2**20 + 1))
