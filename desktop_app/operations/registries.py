"""Registries: how one is founded."""

from __future__ import annotations

from desktop_app.domain.person import Role
from desktop_app.errors import Refused
from desktop_app.operations import people, policies
from desktop_app.trust.keys import check_passphrase
from desktop_app.workspace import Workspace

__all__ = ["check_passphrase", "found"]


def found(workspace: Workspace, name: str, passphrase: str, roles: tuple[Role, ...] = ()) -> Workspace:
    """Enrol the first administrator of a new registry and publish its first policy. Returns who acts from now on.

    roles: what they are besides administrator.
    """
    with workspace.store.read() as reader:
        if reader.head().seq:
            raise Refused("This registry already has an administrator.", "", "Ask them to enrol you.")
    person = workspace.store.new_id()
    acting = workspace.acting_as(person)
    every = (Role.ADMINISTRATOR, *(r for r in roles if r is not Role.ADMINISTRATOR))
    people.add_with_key(acting, person, name, passphrase, every, "registry.founded")
    policies.publish_default(acting)
    return acting
