"""The only wiring: a registry, the keys on this machine, this installation, and who acts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from desktop_app import settings
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import KeyEnrolled
from desktop_app.errors import Damaged, Refused, UserError
from desktop_app.registry.store import Clock, Store, create_store, open_store, plain_address, system_clock
from desktop_app.registry.store import open_copy as open_store_copy
from desktop_app.trust.copies import Copies
from desktop_app.trust.installation import Installation
from desktop_app.trust.keys import Cost, NoSecretStore, SecretStore, SystemKeyring
from desktop_app.trust.signer import Signer

NO_KEYRING_MARK = "no-keyring"  # an empty file in the key folder: this registry's keys do without the keyring


@dataclass(frozen=True)
class Workspace:
    """What every operation is given. `actor` is None until somebody acts."""

    store: Store
    signer: Signer
    installation: Installation
    actor: Id | None = None

    @property
    def me(self) -> Id:
        """Who acts: somebody whose key is on this machine. Raises Refused when nobody does, or in a copy."""
        self.store.check_original()
        if self.actor is None:
            raise Refused("Nobody is named as acting.", "Every change says who made it.",
                          "Choose the person: --as PERSON, or the menu at the top right of the window.")
        if not self.signer.has_key(self.actor):
            raise Refused("Nobody acts for somebody else.", "The key of this person is not on this machine.",
                          "Act as yourself: --as YOUR NAME. A key for this machine: assaydesk people request-key.")
        return self.actor

    def acting_as(self, person: Id | None) -> Workspace:
        """The same workspace with somebody else acting."""
        return replace(self, actor=person)

    def today(self) -> date:
        """The day by the workspace's clock, in local time."""
        return self.store.clock().astimezone().date()

    def give_up(self) -> None:
        """Wait no longer for a registry that is away: the program ends."""
        self.store.give_up()

    def close(self) -> None:
        """Let go of the registry."""
        self.store.close()


def open_workspace(
    registry: str | Path | None = None, person: str | None = None, *, clock: Clock = system_clock,
    keys: Path | None = None, secret_store: SecretStore | None = None, cost: Cost | None = None,
) -> Workspace:
    """Open a registry and the keys for it on this machine.

    person: an id or a printed name; without it, the only person whose key is here. Raises Unreachable, UserError.
    """
    store = open_store(str(registry or settings.default_registry()), clock)
    workspace = _wired(store, keys, secret_store, cost)
    try:
        return workspace.acting_as(_who(workspace, person))
    except Damaged:
        if person:
            store.close()
            raise
        return workspace  # nobody acts, so that the log can be verified
    except BaseException:
        store.close()
        raise


def open_copy(
    registry: str, person: str | None = None, *, clock: Clock = system_clock, keys: Path | None = None,
    secret_store: SecretStore | None = None,
) -> Workspace:
    """Open the copy of a shared registry that this computer keeps (`operations.copies`), for reading.

    registry: the address of the registry itself. Raises NotFound where none is kept, Refused when it was changed.
    """
    installation = _installation(secret_store)
    copied, file = Copies(installation).find(plain_address(registry))
    store = open_store_copy(copied, file, clock)
    workspace = Workspace(store=store, signer=_signer(store, keys, secret_store, None), installation=installation)
    try:
        return workspace.acting_as(_who(workspace, person))
    except BaseException:
        store.close()
        raise


def create_workspace(
    registry: str | Path | None, name: str, *, clock: Clock = system_clock, keys: Path | None = None,
    secret_store: SecretStore | None = None, cost: Cost | None = None,
) -> Workspace:
    """Make a registry. Nobody acts in it yet: `operations.people.found` enrols its first administrator."""
    store = create_store(str(registry or settings.default_registry()), name, clock)
    return _wired(store, keys, secret_store, cost)


def _wired(store: Store, keys: Path | None, secret_store: SecretStore | None, cost: Cost | None) -> Workspace:
    return Workspace(store=store, signer=_signer(store, keys, secret_store, cost),
                     installation=_installation(secret_store))


def _installation(secret_store: SecretStore | None) -> Installation:
    return Installation(settings.data_folder(), secret_store or SystemKeyring())


def _signer(store: Store, keys: Path | None, secret_store: SecretStore | None, cost: Cost | None) -> Signer:
    folder = keys or keys_folder(store.folder)
    if secret_store is None:
        secret_store = NoSecretStore() if (folder / NO_KEYRING_MARK).exists() else SystemKeyring()
    return Signer(folder, store.info.id, secret_store, cost, store.clock)


def keys_folder(registry: Path | None) -> Path:
    """Beside a registry file that brings its keys with it (a demo); in the user's own folder otherwise.

    registry: the folder of the registry's file, if it is one.
    """
    beside = registry / "keys" if registry else None
    return beside if beside and beside.is_dir() else settings.data_folder() / "keys"


def _who(workspace: Workspace, person: str | None) -> Id | None:
    with workspace.store.read() as reader:
        names = reader.names()
        enrolled = {k.record.key_id for k in reader.all(KeyEnrolled)}
    workspace.signer.adopt_enrolled(enrolled)
    if person:
        found = [i for i, n in names.items() if person == i or n.casefold() == person.casefold()]
        if len(found) != 1:
            known = ", ".join(sorted(names.values()))
            raise UserError(f"There is no one person called “{person}”.", f"The registry knows: {known}.",
                            "Give the name in full, or the id.")
        return found[0]
    here = [key.person for key in workspace.signer.keys() if key.key_id in enrolled]  # noqa: SIM118 - not a mapping
    return here[0] if len(here) == 1 else None
