"""The signer of a workspace: the keys on this machine, and who may be asked for a passphrase."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import key_proof_text
from desktop_app.errors import Refused
from desktop_app.trust import attempts, dsse
from desktop_app.trust.keys import Cost, KeyFile, NewKey, SecretStore, load_keys, make_key

_NEW = ".new"  # of the file of a key that is not enrolled yet


class Signer:
    """Makes and uses the keys for one registry in one folder."""

    def __init__(
        self, folder: Path, registry: str, secret_store: SecretStore, cost: Cost | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder, self._registry, self._secrets, self._cost = folder, registry, secret_store, cost
        self._clock = clock

    def keys(self) -> tuple[KeyFile, ...]:
        """The key files on this machine for this registry."""
        return load_keys(self.folder, self._registry)

    def key_of(self, person: Id) -> KeyFile:
        """The key of a person. Raises Refused when it is not on this machine."""
        found = [key for key in self.keys() if key.person == person]
        if not found:
            raise Refused("There is no key of yours on this machine.", f"Looked in {self.folder}.",
                          "Enrol a key here: assaydesk people enrol.")
        return found[0]

    def make(self, person: Id, passphrase: str, *, beside: KeyFile | None = None) -> NewKey:
        """A new key for a person, with its proof of possession.

        beside: the key whose place it is to take (`adopt`) once it is enrolled.
        """
        if beside:
            self._waiting(beside.path).unlink(missing_ok=True)  # of an attempt that failed
        return make_key(
            self.folder, person, self._registry, passphrase, secret_store=self._secrets, cost=self._cost,
            proof_of=lambda key_id: key_proof_text(person, key_id, self._registry), suffix=_NEW if beside else "")

    def adopt(self, made: KeyFile) -> None:
        """Put a new key in the place of the old one, which is kept beside it: it opens nothing any more."""
        place = made.path.with_name(made.path.name.removesuffix(_NEW))
        place.replace(place.with_name(f"{place.name}.old"))
        made.path.replace(place)

    def adopt_enrolled(self, enrolled: Container[str]) -> None:
        """Adopt keys that were enrolled just before the program or the machine went down."""
        for made in load_keys(self.folder, self._registry, _NEW):
            if made.key_id in enrolled:
                self.adopt(made)

    @staticmethod
    def _waiting(place: Path) -> Path:
        return place.with_name(place.name + _NEW)

    def seal(self, person: Id, payload_type: str, payload: bytes, passphrase: str) -> str:
        """A DSSE envelope signed by the person's key. Raises Refused for a wrong passphrase, or one too soon."""
        return self.seal_each(person, payload_type, [payload], passphrase)[0]

    def seal_each(self, person: Id, payload_type: str, payloads: list[bytes], passphrase: str) -> list[str]:
        """One envelope for each payload of a schedule, under one unlocking of the key."""
        key = self.key_of(person)
        private = self._unlocked(key, passphrase)
        return [dsse.seal(payload_type, payload, key.key_id, private.sign) for payload in payloads]

    def check(self, person: Id, passphrase: str) -> None:
        """Whether a passphrase opens the key of a person; nothing is signed. Raises as `seal`."""
        self._unlocked(self.key_of(person), passphrase)

    def _unlocked(self, key: KeyFile, passphrase: str) -> Ed25519PrivateKey:
        with attempts.counted(key.path, key.key_id, self._clock):
            return key.unlock(passphrase, self._secrets)
