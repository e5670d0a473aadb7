"""An installation of the program: a key of its own for checkpoints, and what it remembers of each registry's log.

Both lie in a folder of the user's, readable by that user only. The key signs and cosigns checkpoints; persons' keys
sign decisions only. What is remembered is authenticated with a secret in the system's keyring, or, where there was no
keyring when the key was made, with the key file alone: then whoever can change this user's files can change it too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desktop_app.domain import canonical
from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.trust.checkpoint import NOTE, Checkpoint, Key
from desktop_app.trust.keys import SecretStore
from desktop_app.trust.log import Tree

KEY_FILE = "installation.json"


@dataclass(frozen=True)
class Memory:
    """The log of a registry as this installation last verified it.

    size, peaks: the tree · head: the hash of entry `size` · first, seen: when it was seen for the first and last time.
    """

    registry: str
    size: int
    peaks: tuple[bytes, ...]
    head: str
    first: datetime
    seen: datetime

    def tree(self) -> Tree:
        """The tree, to go on from."""
        return Tree(self.size, list(self.peaks))


class MemoryChanged(Refused):
    """What is remembered was edited past the program, or damaged."""


@dataclass(frozen=True)
class _Own:
    """The key file: seed of the key, and whether a second secret is in the keyring."""

    seed: bytes
    keyring: bool

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


class Installation:
    """See the module. `folder`: the user's data folder."""

    def __init__(self, folder: Path, secret_store: SecretStore) -> None:
        self.folder, self._secrets = folder, secret_store
        self._secret: bytes | None = None

    # ---- the key

    def key(self) -> Key:
        """The public key, made on first use. Raises UserError, Unreachable."""
        public = self._own().private.public_key().public_bytes_raw()
        return Key(f"assaydesk-installation/{hashlib.sha256(public).hexdigest()[:16]}", NOTE, public)

    def sign(self, checkpoint: Checkpoint) -> Checkpoint:
        """With this installation's signature."""
        return checkpoint.signed(self.key(), self._own().private)

    def cosign(self, checkpoint: Checkpoint, at: datetime) -> Checkpoint:
        """With this installation's cosignature: that it saw this, consistent with all it saw before, at this time."""
        return checkpoint.signed(self.key().both()[1], self._own().private, at)

    @property
    def guarded_by(self) -> str:
        """What keeps others from changing what is remembered."""
        return "the system's keyring" if self._own().keyring else "a file of this user only: there was no keyring"

    def _own(self) -> _Own:
        path = self.folder / KEY_FILE
        if not path.exists():
            self._make(path)
        try:
            found = json.loads(path.read_bytes())
            own = _Own(base64.b64decode(found["seed"], validate=True), bool(found["keyring"]))
            if len(own.seed) != 32 or found["v"] != 1:
                raise ValueError("unknown format")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError("The key of this installation is damaged or cannot be read.", f"{path}: {error}",
                            "Restore it from a backup of this user's files. Without it, nothing that this computer "
                            "remembers of a log can be relied on.") from error
        return own

    def _make(self, path: Path) -> None:
        seed, secret = secrets.token_bytes(32), secrets.token_bytes(32)
        name = _secret_name(seed)
        text = {"v": 1, "seed": _b64(seed), "keyring": self._secrets.set(name, secret)}
        save_private(path, canonical.jcs(text), once=True)

    # ---- the memory

    def recall(self, registry: str) -> Memory | None:
        """What is remembered of a registry's log; None when it was never seen here.

        Raises MemoryChanged; Refused when the keyring is locked; UserError when the key is damaged.
        """
        path = self._place(registry)
        try:
            found = json.loads(path.read_bytes())
            mac = found.pop("mac")
            memory = _memory(found)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _changed(path, str(error)) from error
        if memory.registry != registry or not hmac.compare_digest(str(mac), self._mac(found)):
            raise _changed(path, "it does not fit its seal")
        return memory

    def remember(self, memory: Memory) -> None:
        """Keep it in place of what was remembered, whole or not at all. Raises Unreachable."""
        text = {
            "v": 1, "registry": memory.registry, "size": memory.size, "peaks": [p.hex() for p in memory.peaks],
            "head": memory.head, "first": canonical.utc_text(memory.first), "seen": canonical.utc_text(memory.seen)}
        save_private(self._place(memory.registry), canonical.jcs(text | {"mac": self._mac(text)}))

    def set_aside(self, registry: str, at: datetime) -> Path | None:
        """Put what is remembered aside, under another name; where it is now. None when there was nothing."""
        path = self._place(registry)
        if not path.exists():
            return None
        return path.rename(path.with_name(f"{path.stem}.set-aside-{at:%Y%m%dT%H%M%S%f}.json"))

    # ---- seals

    def seal(self, text: dict[str, Any]) -> str:
        """What authenticates a text that this installation keeps; of one kind each, by its field `format`."""
        return self._mac(text)

    def sealed(self, text: dict[str, Any], seal: str) -> bool:
        """Whether this installation sealed a text."""
        return hmac.compare_digest(seal, self._mac(text))

    def _place(self, registry: str) -> Path:
        return self.folder / "logs" / f"{hashlib.sha256(registry.encode()).hexdigest()[:32]}.json"

    def _mac(self, text: dict[str, Any]) -> str:
        return hmac.new(self._sealing_secret(), canonical.jcs(text), hashlib.sha256).hexdigest()

    def _sealing_secret(self) -> bytes:
        if self._secret is None:
            own = self._own()
            second = self._secrets.get(_secret_name(own.seed)) if own.keyring else b""
            if second is None:
                raise Refused("What this computer remembers of the log cannot be checked.",
                              "The secret it is sealed with is no longer in the system's keyring.",
                              "Restore the keyring. If it is lost, compare a checkpoint that somebody else keeps.")
            self._secret = hashlib.sha256(b"assaydesk-memory/v1" + own.seed + second).digest()
        return self._secret


def _secret_name(seed: bytes) -> str:
    return f"installation-{hashlib.sha256(b'name' + seed).hexdigest()[:16]}"


def _memory(found: dict[str, Any]) -> Memory:
    memory = Memory(
        registry=str(found["registry"]), size=int(found["size"]), peaks=tuple(map(bytes.fromhex, found["peaks"])),
        head=str(found["head"]), first=canonical.parse_utc(found["first"]), seen=canonical.parse_utc(found["seen"]))
    if memory.size < 1 or len(memory.peaks) != memory.size.bit_count():
        raise ValueError("a tree of another size")
    return memory


def _changed(path: Path, detail: str) -> MemoryChanged:
    return MemoryChanged(
        "What this computer remembers of the log was changed past the program.", f"{path}: {detail}",
        "Somebody edited or damaged this user's files. Tell whoever audits the registry, and compare the log with a "
        "checkpoint that somebody else keeps.")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def save_private(path: Path, data: bytes, *, once: bool = False) -> None:
    """Write a file for this user only, whole or not at all; `once`: whoever comes second leaves the first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
        made = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            _place(made, path, once=once)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise Unreachable("This user's folder for Assaydesk cannot be written.", f"{path}: {error.strerror or error}",
                          "Free some space, or check who may write there.") from error


def _place(made: Path, path: Path, *, once: bool) -> None:
    if not once:
        made.replace(path)
        return
    try:
        if os.name == "nt":
            made.rename(path)  # refuses by itself there
        else:
            path.hardlink_to(made)
    except FileExistsError:
        return
