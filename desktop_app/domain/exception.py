"""Exceptions from policy and overlays on a model's output: time-boxed, with an owner and an exit."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from desktop_app.domain.canonical import Id, fact


class ExceptionKind(StrEnum):
    """What is departed from."""

    USE_BEFORE_VALIDATION = "use_before_validation"
    OUTSIDE_APPROVED_USE = "outside_approved_use"
    OVERDUE_REVIEW = "overdue_review"
    OTHER = "other"


@fact("exception")
class PolicyException:
    """A time-boxed permission to depart from policy."""

    id: Id
    model: Id
    version: Id
    use: Id
    exception_kind: ExceptionKind
    reason: str
    controls: str
    valid_from: date
    valid_to: date
    authority: str  # who permitted it and where that is recorded


@fact("overlay")
class Overlay:
    """An adjustment of a model's output (SS1/23 principle 5)."""

    id: Id
    model: Id
    version: Id
    use: Id
    amount: str
    reason: str
    owner: Id | None
    review_by: date
    exit: str
