"""Checkpoints of the log as text: size and root, signed (C2SP tlog-checkpoint, signed-note, tlog-cosignature,
tlog-proof). No I/O; whatever is read is taken for hostile and refused with ValueError unless it is exactly of the form.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from desktop_app.trust import log

PRODUCT = "assaydesk"
NOTE, COSIGNATURE = 0x01, 0x04  # signature types: over the text; over the text and a time
PROOF = "c2sp.org/tlog-proof@v1"
LARGEST, MOST_SIGNATURES, MOST_HASHES = 100_000, 100, 63
_LAST_SECOND = 253_402_300_799  # of the year 9999: a later time is none
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}")
_NAME = re.compile(r"[^\s+]{1,200}")


@dataclass(frozen=True)
class Key:
    """A public Ed25519 key under a name, for one type of signature."""

    name: str
    type: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that say which key signed: SHA-256(name ‖ newline ‖ type ‖ key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]

    @property
    def line(self) -> str:
        """The key as one line of text: name+id+key."""
        return f"{self.name}+{self.id.hex()}+{_b64(bytes([self.type]) + self.public)}"

    def both(self) -> tuple[Key, Key]:
        """The same key for signatures and for cosignatures."""
        return replace(self, type=NOTE), replace(self, type=COSIGNATURE)


def read_key(line: str) -> Key:
    """A key from its line. Raises ValueError."""
    name, _, rest = line.strip().partition("+")
    number, _, text = rest.partition("+")
    data = _unb64(text)
    if not _NAME.fullmatch(name) or len(data) != 33 or data[0] not in (NOTE, COSIGNATURE):
        raise ValueError("this is not the line of an Ed25519 key")
    key = Key(name, data[0], data[1:])
    if key.id.hex() != number:
        raise ValueError("the line of this key does not fit itself: it was changed or cut")
    return key


@dataclass(frozen=True)
class Signature:
    """One signature line: whose (by name and key id), and its bytes; a cosignature's begin with eight of time."""

    name: str
    key_id: bytes
    data: bytes

    def time(self) -> datetime:
        """When it was cosigned."""
        return datetime.fromtimestamp(int.from_bytes(self.data[:8], "big"), UTC)

    def by(self, key: Key) -> bool:
        """Whether it says that this key made it."""
        return (self.name, self.key_id) == (key.name, key.id)


@dataclass(frozen=True)
class SignedNote:
    """Text that ends with a newline, and signatures under it."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def signed(self, key: Key, private: Ed25519PrivateKey, at: datetime | None = None) -> SignedNote:
        """With one signature more; at: the time of a cosignature. One that this key made before is replaced."""
        stamp = b"" if at is None else int(at.timestamp()).to_bytes(8, "big")
        made = Signature(key.name, key.id, stamp + private.sign(_to_sign(self.text, key, stamp)))
        return replace(self, signatures=(*(s for s in self.signatures if not s.by(key)), made))

    def holds(self, key: Key) -> bool | None:
        """Whether the key's signature is good; None when there is none of it."""
        found = [s for s in self.signatures if s.by(key)]
        return all(_good(self.text, key, s.data) for s in found) if found else None

    def write(self) -> str:
        """The text with its signature lines."""
        return self.text + "\n" + "".join(f"— {s.name} {_b64(s.key_id + s.data)}\n" for s in self.signatures)


def _to_sign(text: str, key: Key, stamp: bytes) -> bytes:
    before = f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n" if key.type == COSIGNATURE else ""
    return (before + text).encode()


def _good(text: str, key: Key, data: bytes) -> bool:
    before = 8 if key.type == COSIGNATURE else 0
    if len(data) != before + 64 or int.from_bytes(data[:before], "big") > _LAST_SECOND:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(data[before:], _to_sign(text, key, data[:before]))
    except (InvalidSignature, ValueError):
        return False
    return True


def read_note(written: str) -> SignedNote:
    """A signed note. Raises ValueError."""
    if len(written) > LARGEST or re.search(r"[\x00-\x09\x0b-\x1f]", written):
        raise ValueError("too long, or it holds control characters")
    text, blank, rest = written.rpartition("\n\n")
    lines = rest.split("\n")
    if not blank or not text or lines.pop() or not 1 <= len(lines) <= MOST_SIGNATURES:
        raise ValueError("no text, an empty line and signatures under it")
    return SignedNote(text + "\n", tuple(_signature(line) for line in lines))


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, text = rest.partition(" ")
    data = _unb64(text)
    if dash != "—" or not _NAME.fullmatch(name) or len(data) < 5:
        raise ValueError("a line under the text is no signature")
    return Signature(name, data[:4], data[4:])


@dataclass(frozen=True)
class Checkpoint:
    """The log of a registry at a moment: how many entries, and the root of the tree over them."""

    registry: str
    size: int
    root: bytes
    note: SignedNote

    @classmethod
    def of(cls, registry: str, size: int, root: bytes) -> Checkpoint:
        """A checkpoint that nobody has signed yet."""
        return cls(registry, size, root, SignedNote(f"{PRODUCT}/{registry}\n{size}\n{_b64(root)}\n"))

    def signed(self, key: Key, private: Ed25519PrivateKey, at: datetime | None = None) -> Checkpoint:
        """With one signature more (`SignedNote.signed`)."""
        return replace(self, note=self.note.signed(key, private, at))


def read_checkpoint(written: str) -> Checkpoint:
    """A checkpoint from its text; its signatures are not checked yet. Raises ValueError."""
    note = read_note(written)
    lines = note.text.split("\n")
    product, _, registry = lines[0].partition("/")
    if len(lines) < 4 or product != PRODUCT or not registry or not _DECIMAL.fullmatch(lines[1]) \
            or not all(lines[:-1]):
        raise ValueError("this is not a checkpoint of a registry")
    return Checkpoint(registry, int(lines[1]), _hash(lines[2]), note)


@dataclass(frozen=True)
class EntryProof:
    """That an entry is in the log: its place from 0, its leaf hash, the way up to the root, and a checkpoint."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    @property
    def holds(self) -> bool:
        """Whether the way leads from the leaf to the root of the checkpoint."""
        return log.included(self.leaf, self.index, self.checkpoint.size, self.path, self.checkpoint.root)

    def write(self) -> str:
        """As a tlog-proof; the leaf hash is its extra data."""
        lines = [PROOF, f"extra {_b64(self.leaf)}", f"index {self.index}", *map(_b64, self.path), ""]
        return "\n".join(lines) + "\n" + self.checkpoint.note.write()


def read_proof(written: str) -> EntryProof:
    """A proof from its text; whether it holds is not checked yet. Raises ValueError."""
    above, blank, below = written.partition("\n\n")
    lines = above.split("\n")
    if len(written) > LARGEST or not blank or not 3 <= len(lines) <= 3 + MOST_HASHES or lines[0] != PROOF:
        raise ValueError("this is not a proof of an entry")
    extra, _, leaf = lines[1].partition(" ")
    index, _, place = lines[2].partition(" ")
    if extra != "extra" or index != "index" or not _DECIMAL.fullmatch(place):
        raise ValueError("this proof does not say which entry it is of")
    return EntryProof(int(place), _hash(leaf), tuple(map(_hash, lines[3:])), read_checkpoint(below))


def _hash(text: str) -> bytes:
    data = _unb64(text)
    if len(data) != 32:
        raise ValueError("a hash of another length")
    return data


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("this is not base64") from error
    if _b64(data) != text:  # one way to write it, and no other
        raise ValueError("this is not base64 as it is written")
    return data
