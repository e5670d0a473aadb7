"""Signed notes against the published example of Go's checksum database; checkpoints and proofs against hostile text."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.trust import checkpoint as rules
from desktop_app.trust import log
from desktop_app.trust.checkpoint import Checkpoint, EntryProof, Key, SignedNote, read_checkpoint, read_key, read_note

# golang.org/x/mod/sumdb/note: the key, its private half, and the note in the documentation of the package.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = GO_TEXT + (
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n")

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Key("auditor.example/1", rules.NOTE, PRIVATE.public_key().public_bytes_raw())
ROOT = hashlib.sha256(b"root").digest()
AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def signed(size=5):
    return Checkpoint.of("r1", size, ROOT).signed(KEY, PRIVATE)


def test_the_published_note_is_read_signed_and_verified():
    key, note = read_key(GO_KEY), read_note(GO_NOTE)
    assert (key.name, key.id.hex(), key.line) == ("PeterNeumann", "c74f20a3", GO_KEY)
    assert note.text == GO_TEXT
    assert note.holds(key) is True
    assert note.write() == GO_NOTE
    seed = base64.b64decode(GO_PRIVATE.split("+", 4)[4])[1:]
    again = SignedNote(GO_TEXT).signed(key, Ed25519PrivateKey.from_private_bytes(seed))
    assert again.write() == GO_NOTE


def test_a_note_that_was_changed_does_not_hold():
    key = read_key(GO_KEY)
    assert read_note(GO_NOTE.replace("answer", "Answer")).holds(key) is False
    assert read_note(GO_NOTE.replace("PeterNeumann", "EnochRoot")).holds(key) is None


@pytest.mark.parametrize("line", [  # those with another name or id are of the package's own tests
    "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
    "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "PeterNeumann+c74f20a3", "", "+++", "é"])
def test_a_line_that_is_no_key_is_refused(line):
    with pytest.raises(ValueError):
        read_key(line)


def test_a_checkpoint_is_the_three_lines_of_the_format():
    made = signed()
    assert made.note.text == f"assaydesk/r1\n5\n{base64.b64encode(ROOT).decode()}\n"
    assert read_checkpoint(made.note.write()) == made
    assert made.note.holds(KEY) is True


def test_a_cosignature_says_when_and_signs_it():
    _, cosigner = KEY.both()
    made = signed().signed(cosigner, PRIVATE, AT)
    read = read_checkpoint(made.note.write())
    line = read.note.signatures[-1]
    assert line.time() == AT
    assert len(line.data) == 72
    assert line.key_id == hashlib.sha256(KEY.name.encode() + b"\n\x04" + KEY.public).digest()[:4]
    PRIVATE.public_key().verify(line.data[8:], f"cosignature/v1\ntime {AT.timestamp():.0f}\n{made.note.text}".encode())
    assert (read.note.holds(KEY), read.note.holds(cosigner)) == (True, True)
    later = rules.replace(line, data=(int(AT.timestamp()) + 1).to_bytes(8, "big") + line.data[8:])
    assert rules.replace(read.note, signatures=(later,)).holds(cosigner) is False
    short = rules.replace(line, data=line.data[:-1])
    assert rules.replace(read.note, signatures=(short,)).holds(cosigner) is False
    assert rules.replace(read.note, signatures=(line, later)).holds(cosigner) is False


def test_signing_again_replaces_ones_own_signature_only():
    _, cosigner = KEY.both()
    twice = signed().signed(cosigner, PRIVATE, AT).signed(cosigner, PRIVATE, AT.replace(hour=11))
    assert [s.key_id for s in twice.note.signatures] == [KEY.id, cosigner.id]
    assert twice.note.signatures[-1].time().hour == 11


def test_a_key_of_small_order_or_no_key_verifies_nothing():
    assert signed().note.holds(Key(KEY.name, rules.NOTE, bytes(32))) is None
    note = rules.replace(signed().note, signatures=(rules.replace(
        signed().note.signatures[0], key_id=Key(KEY.name, rules.NOTE, b"\xff" * 32).id),))
    assert note.holds(Key(KEY.name, rules.NOTE, b"\xff" * 32)) is False


GOOD = signed().note.write()
LINES = GOOD.split("\n")
HOSTILE = {
    "nothing": "", "no signature": signed().note.text, "no signature under the line": signed().note.text + "\n",
    "no newline at the end": GOOD[:-1], "a carriage return": GOOD.replace("\n", "\r\n"), "a nul": GOOD + "\0",
    "another product": GOOD.replace("assaydesk/", "other/"), "no registry": GOOD.replace("assaydesk/r1", "assaydesk/"),
    "a size with a zero before": GOOD.replace("\n5\n", "\n05\n"), "a size with a sign": GOOD.replace("\n5\n", "\n+5\n"),
    "a size that is huge": GOOD.replace("\n5\n", f"\n{'9' * 40}\n"), "no size": GOOD.replace("\n5\n", "\nx\n"),
    "another digit": GOOD.replace("\n5\n", "\n٥\n"), "no root": GOOD.replace(LINES[2], ""),
    "a short root": GOOD.replace(LINES[2], "AAAA"), "a root that is no base64": GOOD.replace(LINES[2], "@" * 44),
    "a root written another way": GOOD.replace(LINES[2], LINES[2][:-2] + chr(ord(LINES[2][-2]) + 1) + "="),
    "a hyphen": GOOD.replace("—", "-"), "a name with a plus": GOOD.replace("auditor", "audi+tor"),
    "a signature of nothing": GOOD.rsplit(" ", 1)[0] + " AAAA\n",
    "words under the signatures": GOOD + "and more\n", "too many signatures": GOOD + f"{LINES[-2]}\n" * 100,
    "very long": GOOD.replace("r1", "r" * 200_000), "two lines only": "\n".join(LINES[:2]) + "\n\n" + LINES[-2] + "\n",
    "an empty line in it": GOOD.replace("\n5\n", "\n\n5\n"), "an extension after an empty line":
        GOOD.replace(LINES[2], LINES[2] + "\n\nmore"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_text_that_is_no_checkpoint_is_refused(name):
    assert HOSTILE[name] != GOOD
    with pytest.raises(ValueError):
        read_checkpoint(HOSTILE[name])


def test_a_line_more_is_an_extension_and_is_signed_too():
    longer = signed().note.text + "more\n"
    made = SignedNote(longer).signed(KEY, PRIVATE)
    read = read_checkpoint(made.write())
    assert (read.size, read.root, read.note.holds(KEY)) == (5, ROOT, True)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text):
    for written in (text, GOOD + text, GOOD[:60] + text + GOOD[60:], text + GOOD):
        for read in (read_checkpoint, rules.read_proof, read_note, read_key):
            try:
                read(written)
            except ValueError:
                continue


@given(st.integers(0, len(GOOD.encode()) - 1), st.integers(0, 7))
def test_a_single_bit_changed_never_holds(at, bit):
    data = bytearray(GOOD.encode())
    data[at] ^= 1 << bit
    try:
        read = read_checkpoint(data.decode())
    except ValueError:
        return
    assert not read.note.holds(KEY)


# ---- proofs of an entry


def proof(size=9, index=4):
    leaves = [log.leaf_hash(bytes([n])) for n in range(size)]
    made = Checkpoint.of("r1", size, log.Tree().extend(leaves).root()).signed(KEY, PRIVATE)
    return EntryProof(index, leaves[index], log.inclusion_proof(leaves, index, size), made)


@pytest.mark.parametrize(("size", "index"), [(1, 0), (9, 0), (9, 4), (9, 8)])
def test_a_proof_comes_back_from_its_text_and_holds(size, index):
    made = proof(size, index)
    assert made.write().startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert f"\nindex {index}\n" in made.write()
    read = rules.read_proof(made.write())
    assert read == made
    assert read.holds
    assert read.checkpoint.note.holds(KEY) is True


def test_a_proof_of_another_entry_does_not_hold():
    made = proof()
    assert not rules.replace(made, leaf=log.leaf_hash(b"forged")).holds
    assert not rules.replace(made, index=5).holds
    assert not rules.replace(made, path=made.path[:-1]).holds


@pytest.mark.parametrize("change", [
    ("index 4", "index 04"), ("index 4", "index -4"), ("index", "place"), ("extra", "other"), ("@v1", "@v2"),
    ("\n\n", "\n"), ("extra ", "extra A")])
def test_text_that_is_no_proof_is_refused(change):
    with pytest.raises(ValueError):
        rules.read_proof(proof().write().replace(*change))


def test_a_proof_with_too_many_hashes_is_refused():
    made = rules.replace(proof(), path=(ROOT,) * 64)
    with pytest.raises(ValueError):
        rules.read_proof(made.write())
