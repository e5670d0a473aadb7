"""A person's private key in a file (security.md §2.3): Ed25519 wrapped by AES-256-GCM under a key that needs the
passphrase (Argon2id) and, where the system has one, a secret in its keyring. Opened for one signature, then dropped.

The file format is final: a JSON object {v, registry, user_id, key_id, alg, kdf, m, t, p, salt, keyring, nonce, ct};
everything but `ct` is authenticated as additional data.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import PublicKey
from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.trust.attempts import WrongPassphrase

ALGORITHM = "ed25519"
LEAST_PASSPHRASE = 10
_HEADER = {
    "v": int, "registry": str, "user_id": str, "key_id": str, "alg": str, "kdf": str, "m": int, "t": int, "p": int,
    "salt": str, "keyring": bool, "nonce": str,
}


class SecretStore(Protocol):
    """Where a second secret is kept apart from the key file."""

    def get(self, name: str) -> bytes | None:
        """The secret, or None when there is none."""

    def set(self, name: str, secret: bytes) -> bool:
        """Keep a secret; False when this machine cannot."""


class NoSecretStore:
    """A machine without a keyring: the passphrase alone guards the key, with four times the memory per guess."""

    def get(self, name: str) -> bytes | None:  # noqa: ARG002
        """Nothing is kept."""
        return None

    def set(self, name: str, secret: bytes) -> bool:  # noqa: ARG002
        """Nothing can be kept."""
        return False


class SystemKeyring:
    """The keyring of the operating system."""

    service = "assaydesk"

    def get(self, name: str) -> bytes | None:
        """The secret kept under this name."""
        import keyring
        import keyring.errors

        try:
            found = keyring.get_password(self.service, name)
        except keyring.errors.KeyringError as error:
            raise Refused("The system's keyring is locked or cannot be read.", str(error),
                          "Unlock it, then sign again.") from error
        return base64.b64decode(found) if found else None

    def set(self, name: str, secret: bytes) -> bool:
        """Keep the secret if there is a keyring."""
        import keyring
        import keyring.errors

        try:
            keyring.set_password(self.service, name, base64.b64encode(secret).decode("ascii"))
        except keyring.errors.KeyringError:
            return False
        return True


@dataclass(frozen=True)
class Cost:
    """Argon2id parameters: memory in KiB, passes, lanes (RFC 9106)."""

    m: int
    t: int
    p: int


WITH_KEYRING = Cost(m=65_536, t=3, p=4)
PASSPHRASE_ONLY = Cost(m=262_144, t=3, p=4)


@dataclass(frozen=True)
class KeyFile:
    """A locked key on disk."""

    path: Path
    header: dict[str, Any]
    ciphertext: bytes

    @property
    def person(self) -> Id:
        """Whose key it is."""
        return Id(self.header["user_id"])

    @property
    def key_id(self) -> str:
        """The id of the key."""
        return str(self.header["key_id"])

    @property
    def registry(self) -> str:
        """Which registry it is for."""
        return str(self.header["registry"])

    @property
    def factors(self) -> str:
        """What is needed to use it."""
        return "passphrase and keyring" if self.header["keyring"] else "passphrase only"

    def unlock(self, passphrase: str, secret_store: SecretStore) -> Ed25519PrivateKey:
        """The key, to be used at once and dropped. Raises Refused for a wrong passphrase or no keyring secret."""
        secret = b""
        if self.header["keyring"]:
            found = secret_store.get(self.key_id)
            if found is None:
                raise Refused(
                    "The other half of this key is not on this machine.", f"Key {self.key_id} also needs the keyring.",
                    "Sign on the machine where the key was made, or ask an administrator to enrol a new key.")
            secret = found
        try:
            raw = AESGCM(_wrapping_key(passphrase, secret, self.header)).decrypt(
                base64.b64decode(self.header["nonce"]), self.ciphertext, _associated(self.header))
        except InvalidTag as error:
            raise WrongPassphrase from error
        return Ed25519PrivateKey.from_private_bytes(raw)


def key_id_of(public_key: bytes) -> str:
    """The id of a public key: 16 hexadecimal digits of SHA-256 over algorithm and key."""
    return hashlib.sha256(ALGORITHM.encode() + public_key).hexdigest()[:16]


@dataclass(frozen=True)
class NewKey:
    """A key just made: what must be enrolled in the registry."""

    file: KeyFile
    public_key: bytes
    proof: bytes

    def public(self) -> PublicKey:
        """What others are told of it."""
        return PublicKey(key_id=self.file.key_id, algorithm=ALGORITHM, public_key=_b64(self.public_key),
                         factors=self.file.factors, proof=_b64(self.proof))

    def discard(self) -> None:
        """Remove the file of a key that nobody enrolled."""
        self.file.path.unlink(missing_ok=True)


def make_key(
    folder: Path, person: Id, registry: str, passphrase: str, *, secret_store: SecretStore, proof_of: Any,
    cost: Cost | None = None, suffix: str = "",
) -> NewKey:
    """Make a key and its locked file in `folder`. `proof_of(key_id)` gives the bytes of the proof of possession.

    suffix: of the file's name, for a key that waits to take another's place.

    Raises UserError for a passphrase that is too short, Unreachable when the folder cannot be written.
    """
    check_passphrase(passphrase)
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    key_id = key_id_of(public)
    secret = secrets.token_bytes(32)
    kept = secret_store.set(key_id, secret)
    cost = cost or (WITH_KEYRING if kept else PASSPHRASE_ONLY)
    header = {
        "v": 1, "registry": registry, "user_id": person, "key_id": key_id, "alg": ALGORITHM, "kdf": "argon2id",
        "m": cost.m, "t": cost.t, "p": cost.p, "salt": _b64(secrets.token_bytes(16)), "keyring": kept,
        "nonce": _b64(secrets.token_bytes(12)),
    }
    wrapping = AESGCM(_wrapping_key(passphrase, secret if kept else b"", header))
    sealed = wrapping.encrypt(base64.b64decode(str(header["nonce"])), private.private_bytes_raw(), _associated(header))
    file = KeyFile(path=folder / f"{registry}-{person}.key.json{suffix}", header=header, ciphertext=sealed)
    _write(file)
    return NewKey(file=file, public_key=public, proof=private.sign(proof_of(key_id)))


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is too short. Raises UserError."""
    if len(_normal(passphrase)) < LEAST_PASSPHRASE:
        raise UserError("This passphrase is too short.", f"It needs at least {LEAST_PASSPHRASE} characters.",
                        "Take a few words that nobody would guess.")


def load_keys(folder: Path, registry: str, suffix: str = "") -> tuple[KeyFile, ...]:
    """The key files for a registry in a folder; a damaged file raises UserError."""
    return tuple(_read(path) for path in sorted(folder.glob(f"{registry}-*.key.json{suffix}")))


def _normal(passphrase: str) -> str:
    """A passphrase in the one form of its text: systems disagree on how an é that is typed is made up."""
    return unicodedata.normalize("NFC", passphrase)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _associated(header: dict[str, Any]) -> bytes:
    return canonical.jcs(header)


def _wrapping_key(passphrase: str, secret: bytes, header: dict[str, Any]) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    stretched = hash_secret_raw(
        _normal(passphrase).encode("utf-8"), base64.b64decode(header["salt"]), time_cost=header["t"],
        memory_cost=header["m"], parallelism=header["p"], hash_len=32, type=Type.ID)
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"assaydesk-key/v1").derive(stretched + secret)


def _write(file: KeyFile) -> None:
    text = canonical.jcs(file.header | {"ct": _b64(file.ciphertext)})
    if file.path.exists():
        raise UserError("This person already has a key on this machine.", str(file.path),
                        "Use it, or move the file away first.")
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            _fill(out, file.path, text)
    except OSError as error:
        raise Unreachable("The key file cannot be written.", str(error), "Check the folder.") from error


def _fill(out: BinaryIO, path: Path, text: bytes) -> None:
    try:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    except OSError:
        path.unlink(missing_ok=True)  # half a key would stand in the way of the next attempt
        raise


def _read(path: Path) -> KeyFile:
    try:
        header = json.loads(path.read_bytes())
        ciphertext = base64.b64decode(header.pop("ct"), validate=True)
        if {name: type(value) for name, value in header.items()} != _HEADER:
            raise ValueError("unknown format")
        if header["v"] != 1 or header["alg"] != ALGORITHM or header["kdf"] != "argon2id":
            raise ValueError("unknown format")
        if not (1 <= header["p"] <= 64 and 8 * header["p"] <= header["m"] <= 2**22 and 1 <= header["t"] <= 64):
            raise ValueError("unreasonable Argon2id parameters")
        if [len(base64.b64decode(header[name], validate=True)) for name in ("salt", "nonce")] != [16, 12]:
            raise ValueError("a salt or nonce of another length")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise UserError("A key file is damaged or not of this program.", f"{path.name}: {error}",
                        "Restore it from a backup, or enrol a new key.") from error
    return KeyFile(path=path, header=header, ciphertext=ciphertext)
