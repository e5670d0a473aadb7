"""The signer of a workspace: the keys on this machine, and who may be asked for a passphrase."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import UTC, datetime
from pathlib import Path

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import key_proof_text
from desktop_app.errors import Refused
from desktop_app.trust import dsse
from desktop_app.trust.keys import AnyKey, Cost, NewKey, SecretStore, load_keys, make_key, make_token_key
from desktop_app.trust.tokens import OnToken

_NEW = ".new"  # of the file of a key that is not enrolled yet


class Signer:
    """Makes and uses the keys for one registry in one folder."""

    def __init__(
        self, folder: Path, registry: str, secret_store: SecretStore, cost: Cost | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder, self._registry, self._secrets, self._cost = folder, registry, secret_store, cost
        self._clock = clock

    def keys(self) -> tuple[AnyKey, ...]:
        """The keys on this machine for this registry."""
        return load_keys(self.folder, self._registry)

    def has_key(self, person: Id) -> bool:
        """Whether a key of this person is on this machine."""
        return any(key.person == person for key in self.keys())

    def key_of(self, person: Id) -> AnyKey:
        """The key of a person. Raises Refused when it is not on this machine."""
        found = [key for key in self.keys() if key.person == person]
        if not found:
            raise Refused("There is no key of yours on this machine.", f"Looked in {self.folder}.",
                          "Enrol a key here: assaydesk people enrol.")
        return found[0]

    def make(
        self, person: Id, secret: str, *, beside: AnyKey | None = None, token: OnToken | None = None,
    ) -> NewKey:
        """A new key for a person, with its proof of possession: in a file under a passphrase, or on a token.

        secret: the passphrase, or the PIN of the token · beside: the key whose place it is to take (`adopt`) once it
        is enrolled.
        """
        def proof_of(key_id: str) -> bytes:
            return key_proof_text(person, key_id, self._registry)

        if beside:
            self._waiting(beside.path).unlink(missing_ok=True)  # of an attempt that failed
        suffix = _NEW if beside else ""
        if token:
            return make_token_key(self.folder, person, self._registry, secret, token, proof_of=proof_of,
                                  suffix=suffix)
        return make_key(self.folder, person, self._registry, secret, secret_store=self._secrets, cost=self._cost,
                        proof_of=proof_of, suffix=suffix)

    def adopt(self, made: AnyKey) -> None:
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

    def seal(self, person: Id, payload_type: str, payload: bytes, secret: str) -> str:
        """A DSSE envelope signed by the person's key. Raises Refused for a wrong passphrase or PIN, or one too soon."""
        return self.seal_each(person, payload_type, [payload], secret)[0]

    def seal_each(self, person: Id, payload_type: str, payloads: list[bytes], secret: str) -> list[str]:
        """One envelope for each payload of a schedule, under one passphrase or PIN: all of them or none."""
        key = self.key_of(person)
        with key.signing(secret, self._secrets, self._clock) as sign:
            return [dsse.seal(payload_type, payload, key.key_id, sign) for payload in payloads]

    def check(self, person: Id, secret: str) -> None:
        """Whether a passphrase or PIN opens the key of a person; nothing is signed. Raises as `seal`."""
        with self.key_of(person).signing(secret, self._secrets, self._clock):
            pass
