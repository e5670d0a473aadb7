"""A person's private key in a file (security.md §2.3): Ed25519 wrapped by AES-256-GCM under a key that needs the
passphrase (Argon2id) and, where the system has one, a secret in its keyring. Opened for one signature, then dropped.

The file format is final: a JSON object {v, registry, user_id, key_id, alg, kdf, m, t, p, salt, keyring, nonce, ct};
everything but `ct` is authenticated as additional data. Of a key on a token (`tokens`) the file only says where it is:
{v, kind: "token", registry, user_id, key_id, alg, public, module, label, serial, object}.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
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
from desktop_app.trust import attempts, tokens
from desktop_app.trust.algorithms import ED25519, P256

LEAST_PASSPHRASE = 10
_HEADER = {
    "v": int, "registry": str, "user_id": str, "key_id": str, "alg": str, "kdf": str, "m": int, "t": int, "p": int,
    "salt": str, "keyring": bool, "nonce": str,
}
_POINTER = {"v": int, "kind": str} | dict.fromkeys(
    ("registry", "user_id", "key_id", "alg", "public", "module", "label", "serial", "object"), str)
Sign = Callable[[bytes], bytes]
Clock = Callable[[], datetime]


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
class AnyKey:
    """A key of this machine: in a locked file, or on a token that a file points to."""

    path: Path
    header: dict[str, Any]

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
    def algorithm(self) -> str:
        """How it signs."""
        return str(self.header["alg"])

    @property
    def factors(self) -> str:
        """What is needed to use it."""
        raise NotImplementedError

    def signing(self, secret: str, secret_store: SecretStore, clock: Clock) -> AbstractContextManager[Sign]:
        """What signs with it as long as the block lasts. secret: the passphrase, or the PIN.

        Raises Refused for a wrong one, and for one that comes too soon after wrong ones.
        """
        raise NotImplementedError

    def written(self) -> dict[str, Any]:
        """What its file holds."""
        return self.header


class TokenKey(AnyKey):
    """A key on a smart card or USB token, which counts wrong PINs by itself."""

    @property
    def factors(self) -> str:
        """What is needed to use it."""
        return "token and PIN"

    @property
    def place(self) -> tokens.OnToken:
        """Where it is."""
        return tokens.OnToken(*(self.header[name] for name in ("module", "label", "serial", "object", "alg")))

    @contextmanager
    def signing(self, secret: str, secret_store: SecretStore, clock: Clock) -> Iterator[Sign]:  # noqa: ARG002
        """Asks the token, with the PIN."""
        with tokens.signing(self.place, secret, base64.b64decode(self.header["public"])) as sign:
            yield sign


@dataclass(frozen=True)
class KeyFile(AnyKey):
    """A locked key on disk."""

    ciphertext: bytes

    def written(self) -> dict[str, Any]:
        """What its file holds."""
        return self.header | {"ct": _b64(self.ciphertext)}

    @property
    def factors(self) -> str:
        """What is needed to use it."""
        return "passphrase and keyring" if self.header["keyring"] else "passphrase only"

    @contextmanager
    def signing(self, secret: str, secret_store: SecretStore, clock: Clock) -> Iterator[Sign]:
        """Opens the file, with a delay after wrong passphrases."""
        with attempts.counted(self.path, self.key_id, clock):
            private = self.unlock(secret, secret_store)
        yield private.sign

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
            raise attempts.WrongPassphrase from error
        return Ed25519PrivateKey.from_private_bytes(raw)


def key_id_of(public_key: bytes, algorithm: str = ED25519) -> str:
    """The id of a public key: 16 hexadecimal digits of SHA-256 over algorithm and key."""
    return hashlib.sha256(algorithm.encode() + public_key).hexdigest()[:16]


@dataclass(frozen=True)
class NewKey:
    """A key just made: what must be enrolled in the registry."""

    file: AnyKey
    public_key: bytes
    proof: bytes
    take_back: Callable[[], None] = lambda: None  # off the token where it was made

    def public(self) -> PublicKey:
        """What others are told of it."""
        return PublicKey(key_id=self.file.key_id, algorithm=self.file.algorithm, public_key=_b64(self.public_key),
                         factors=self.file.factors, proof=_b64(self.proof))

    def discard(self) -> None:
        """Remove a key that nobody enrolled."""
        self.file.path.unlink(missing_ok=True)
        self.take_back()


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
        "v": 1, "registry": registry, "user_id": person, "key_id": key_id, "alg": ED25519, "kdf": "argon2id",
        "m": cost.m, "t": cost.t, "p": cost.p, "salt": _b64(secrets.token_bytes(16)), "keyring": kept,
        "nonce": _b64(secrets.token_bytes(12)),
    }
    wrapping = AESGCM(_wrapping_key(passphrase, secret if kept else b"", header))
    sealed = wrapping.encrypt(base64.b64decode(str(header["nonce"])), private.private_bytes_raw(), _associated(header))
    file = KeyFile(path=_place(folder, registry, person, suffix), header=header, ciphertext=sealed)
    _write(file)
    return NewKey(file=file, public_key=public, proof=private.sign(proof_of(key_id)))


def make_token_key(
    folder: Path, person: Id, registry: str, pin: str, where: tokens.OnToken, *, proof_of: Any, suffix: str = "",
) -> NewKey:
    """As `make_key`, on a token: a new pair, or the one there whose id `where` names. Raises what `tokens` raises."""
    path = _place(folder, registry, person, suffix)
    _check_free(path)
    place, public = (tokens.existing if where.key else tokens.generate)(where, pin)

    def take_back() -> None:
        if not where.key:
            tokens.remove(place, pin)

    file = TokenKey(path=path, header={
        "v": 1, "kind": "token", "registry": registry, "user_id": person, "key_id": key_id_of(public, where.algorithm),
        "alg": where.algorithm, "public": _b64(public), "module": place.module, "label": place.label,
        "serial": place.serial, "object": place.key})
    try:
        with tokens.signing(place, pin, public) as sign:
            proof = sign(proof_of(file.key_id))
        _write(file)
    except BaseException:
        take_back()
        raise
    return NewKey(file=file, public_key=public, proof=proof, take_back=take_back)


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is too short. Raises UserError."""
    if len(_normal(passphrase)) < LEAST_PASSPHRASE:
        raise UserError("This passphrase is too short.", f"It needs at least {LEAST_PASSPHRASE} characters.",
                        "Take a few words that nobody would guess.")


def load_keys(folder: Path, registry: str, suffix: str = "") -> tuple[AnyKey, ...]:
    """The key files for a registry in a folder; a damaged file raises UserError."""
    return tuple(_read(path) for path in sorted(folder.glob(f"{registry}-*.key.json{suffix}")))


def _normal(passphrase: str) -> str:
    """A passphrase in the one form of its text: systems disagree on how an é that is typed is made up."""
    return unicodedata.normalize("NFC", passphrase)


def _place(folder: Path, registry: str, person: Id, suffix: str) -> Path:
    return folder / f"{registry}-{person}.key.json{suffix}"


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


def _check_free(path: Path) -> None:
    if path.exists():
        raise UserError("This person already has a key on this machine.", str(path),
                        "Use it, or move the file away first.")


def _write(file: AnyKey) -> None:
    text = canonical.jcs(file.written())
    _check_free(file.path)
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


def _read(path: Path) -> AnyKey:
    try:
        header = json.loads(path.read_bytes())
        if header.get("kind") == "token":
            return _pointer(path, header)
        ciphertext = base64.b64decode(header.pop("ct"), validate=True)
        if {name: type(value) for name, value in header.items()} != _HEADER:
            raise ValueError("unknown format")
        if header["v"] != 1 or header["alg"] != ED25519 or header["kdf"] != "argon2id":
            raise ValueError("unknown format")
        if not (1 <= header["p"] <= 64 and 8 * header["p"] <= header["m"] <= 2**22 and 1 <= header["t"] <= 64):
            raise ValueError("unreasonable Argon2id parameters")
        if [len(base64.b64decode(header[name], validate=True)) for name in ("salt", "nonce")] != [16, 12]:
            raise ValueError("a salt or nonce of another length")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise UserError("A key file is damaged or not of this program.", f"{path.name}: {error}",
                        "Restore it from a backup, or enrol a new key.") from error
    return KeyFile(path=path, header=header, ciphertext=ciphertext)


def _pointer(path: Path, header: dict[str, Any]) -> TokenKey:
    if {name: type(value) for name, value in header.items()} != _POINTER or header["v"] != 1 \
            or header["alg"] not in (ED25519, P256):
        raise ValueError("unknown format")
    bytes.fromhex(header["object"])
    if key_id_of(base64.b64decode(header["public"], validate=True), header["alg"]) != header["key_id"]:
        raise ValueError("its public key is not the one its id names")
    return TokenKey(path=path, header=header)
