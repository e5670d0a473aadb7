"""A small real registry for tests: people with roles and keys, a model, a version, a use, a tier."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Role
from desktop_app.operations import models, people, registries
from desktop_app.trust.keys import Cost, NoSecretStore
from desktop_app.workspace import Workspace, create_workspace

CHEAP = Cost(m=64, t=1, p=1)  # Argon2id parameters that cost nothing: tests only
PASSPHRASE = "correct horse battery"
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def clock(start: datetime = START):
    """A clock that goes on by a second at each look."""
    ticks = itertools.count()
    return lambda: start + timedelta(seconds=next(ticks))


@dataclass
class Desk:
    """A registry with its people; `as_("Ann")` is the workspace with Ann acting."""

    workspace: Workspace
    people: dict[str, Id] = field(default_factory=dict)
    model: Id = Id("")
    version: Id = Id("")
    use: Id = Id("")

    def as_(self, name: str) -> Workspace:
        return self.workspace.acting_as(self.people[name])


ROLES = {
    "Ann Admin": (), "Dev Patel": (Role.DEVELOPER,), "Olga Owner": (Role.OWNER,), "Val Idris": (Role.VALIDATOR,),
    "Rita Risk": (Role.MODEL_RISK,), "Cora Compliance": (Role.COMPLIANCE,),
}


def make_desk(folder: Path, *, tier: int = 3, now=None, address: str | None = None) -> Desk:
    """A registry in `folder`, or at an address, with six people, one model "Scorecard" version "1" and one use."""
    made = create_workspace(address or folder / "registry.assay", "Test registry", clock=now or clock(),
                            keys=folder / "keys", secret_store=NoSecretStore(), cost=CHEAP)
    admin = registries.found(made, "Ann Admin", PASSPHRASE)
    desk = Desk(admin, {"Ann Admin": admin.me})
    for name, roles in ROLES.items():
        if roles:
            desk.people[name] = people.enrol(admin, name, roles, PASSPHRASE, PASSPHRASE).id
    dev = desk.as_("Dev Patel")
    desk.model = models.register(dev, "Scorecard", description="Scores applicants", owner=desk.people["Olga Owner"])
    desk.version = models.add_version(dev, desk.model, "1", developers=(desk.people["Dev Patel"],))
    desk.use = models.describe_use(dev, desk.model, "Card lending", entity="NL", business_line="Retail")
    models.set_tier(desk.as_("Rita Risk"), desk.use, tier)
    return desk
