"""The people of the demo: who they are, what they may, and the one passphrase they all use, shown on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Role
from desktop_app.operations import people, registries
from desktop_app.trust.keys import Cost, NoSecretStore
from desktop_app.workspace import NO_KEYRING_MARK, Workspace, create_workspace

BANK = "Noordzee Bank"
PASSPHRASE = "assay the model first"  # noqa: S105 - everybody's, and shown on the screen
COST = Cost(m=19_456, t=2, p=1)  # a real Argon2id cost (OWASP's least), kept low for a demo that signs fifty times

RISK, DEVELOPER, OWNER = "Marit Hoekstra", "Daan Visser", "Sanne Kuiper"
VALIDATOR, COMPLIANCE, AUDITOR = "Bram van Dijk", "Femke Bakker", "Joost Smit"
ROLES = {DEVELOPER: Role.DEVELOPER, OWNER: Role.OWNER, VALIDATOR: Role.VALIDATOR, COMPLIANCE: Role.COMPLIANCE,
         AUDITOR: Role.AUDITOR}


@dataclass(frozen=True)
class Cast:
    """The registry and everyone in it."""

    workspace: Workspace
    people: dict[str, Id]

    def acting(self, name: str) -> Workspace:
        """The registry with this person acting."""
        return self.workspace.acting_as(self.people[name])


def found(folder: Path) -> Cast:
    """Make the registry with its people; their keys lie in the folder and do without the user's keyring."""
    keys = folder / "keys"
    keys.mkdir()
    (keys / NO_KEYRING_MARK).touch()
    made = create_workspace(folder / "registry.assay", f"{BANK} (demo)", keys=keys, secret_store=NoSecretStore(),
                            cost=COST)
    admin = registries.found(made, RISK, PASSPHRASE, (Role.MODEL_RISK,))
    named = {RISK: admin.me}
    for name, role in ROLES.items():
        named[name] = people.enrol(admin, name, (role,), PASSPHRASE, PASSPHRASE).id
    return Cast(admin, named)
