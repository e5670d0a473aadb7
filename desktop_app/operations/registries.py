"""Registries: how one is founded."""

from __future__ import annotations

from desktop_app.domain.person import Role
from desktop_app.operations import people, policies
from desktop_app.trust.keys import check_passphrase
from desktop_app.workspace import Workspace

__all__ = ["check_passphrase", "found"]


def found(workspace: Workspace, name: str, passphrase: str, roles: tuple[Role, ...] = ()) -> Workspace:
    """Enrol the first administrator of a new registry and publish its first policy. Returns who acts from now on.

    roles: what they are besides administrator.
    """
    every = (Role.ADMINISTRATOR, *(r for r in roles if r is not Role.ADMINISTRATOR))
    acting = people.found(workspace, name, passphrase, every)
    policies.publish_default(acting, passphrase)
    return acting
