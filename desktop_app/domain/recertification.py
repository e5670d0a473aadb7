"""Access recertification: at times each role in force is confirmed or revoked by somebody else than its holder.

A campaign is opened over the grants in force at that moment, answered grant by grant, and closed. Every one of these
facts is signed for (`domain.mandate`); a revocation is a `role.revoked` of its own in the same entry.
"""

from __future__ import annotations

from datetime import date

from desktop_app.domain.canonical import Id, fact
from desktop_app.domain.person import Role


@fact("recertification.opened")
class RecertificationOpened:
    """A campaign. scope: the roles it is about, none for all · grants: those in force when it was opened."""

    id: Id
    due: date
    scope: tuple[Role, ...]
    grants: tuple[Id, ...]


@fact("recertification.answered")
class RecertificationAnswered:
    """What a reviewer said of one grant: that its holder still needs it, or that it ends."""

    id: Id
    campaign: Id
    grant: Id
    person: Id  # who holds it
    keep: bool
    reason: str


@fact("recertification.closed")
class RecertificationClosed:
    """The end of a campaign and its result: each of its grants is in one of the three.

    ended: those that ended otherwise before anybody answered.
    """

    id: Id
    campaign: Id
    kept: tuple[Id, ...]
    revoked: tuple[Id, ...]
    ended: tuple[Id, ...]
