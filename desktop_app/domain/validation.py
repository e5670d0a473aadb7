"""Validation: assigned work with scope, and the opinion it comes to."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from desktop_app.domain.canonical import Id, fact


class Opinion(StrEnum):
    """What a validation concluded."""

    FIT = "fit"
    FIT_WITH_CONDITIONS = "fit_with_conditions"
    NOT_FIT = "not_fit"


@fact("validation")
class Validation:
    """Validation work that was assigned."""

    id: Id
    model: Id
    version: Id
    use: Id
    validator: Id
    scope: str
    due: date | None = None


@fact("validation.concluded")
class ValidationConcluded:
    """The opinion, with the report it stands on (evidence) and what was not tested."""

    id: Id
    model: Id
    version: Id
    use: Id
    validation: Id | None
    opinion: Opinion
    summary: str
    not_tested: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    report: Id | None = None
    concluded_on: date | None = None
    given_by: Id | None = None  # only for opinions taken over from an inventory
    basis: str = "concluded_here"  # concluded_here | inventory
