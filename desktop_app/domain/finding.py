"""Findings: something wrong, with severity, owner, due date; their states are events."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from desktop_app.domain.canonical import Id, fact, record


class Severity(StrEnum):
    """How bad; in this order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITIES = tuple(Severity)


class FindingState(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    ANSWERED = "answered"
    ACCEPTED = "accepted"  # risk accepted until a date
    CLOSED = "closed"


@fact("finding")
class Finding:
    """Something wrong with a version (in a use, if it is about one)."""

    id: Id
    model: Id
    version: Id
    title: str
    description: str
    severity: Severity
    use: Id | None = None
    owner: Id | None = None
    due: date | None = None
    remediation: str = ""
    evidence: Id | None = None
    opened_on: date | None = None
    number: str = ""  # its number in the inventory it came from


@fact("finding.event")
class FindingEvent:
    """Something that happened to a finding."""

    id: Id
    model: Id
    finding: Id
    state: FindingState
    comment: str
    until: date | None = None
    due: date | None = None


@record
class FindingNow:
    """A finding with where it stands."""

    finding: Finding
    state: FindingState
    due: date | None
    opened_on: date
    label: str

    @property
    def is_open(self) -> bool:
        """Whether it still stands against the model (an accepted risk does)."""
        return self.state is not FindingState.CLOSED


def may_close(finding_owner: Id | None, answered_by: frozenset[Id], who: Id) -> bool:
    """A finding is closed by someone who neither owns it nor answered it."""
    return who != finding_owner and who not in answered_by
