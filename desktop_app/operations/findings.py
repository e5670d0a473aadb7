"""Findings: raise, answer, accept, close."""

from __future__ import annotations

from datetime import date

from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.finding import Finding, FindingEvent, FindingNow, FindingState, Severity, may_close
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.person import Role
from desktop_app.errors import Refused, UserError
from desktop_app.operations import people
from desktop_app.operations.called import Called
from desktop_app.operations.people import changed
from desktop_app.workspace import Workspace

_RAISERS = (Role.VALIDATOR, Role.MODEL_RISK, Role.COMPLIANCE, Role.AUDITOR)


@record
class FindingLine:
    """A finding as lists show it."""

    now: FindingNow
    model_name: str
    version_label: str
    owner: str
    raised_by: str
    events: tuple[tuple[str, date, FindingState, str], ...]  # (who, when, state, comment)


def raise_finding(
    workspace: Workspace, version: Id, *, title: str, description: str, severity: Severity, use: Id | None = None,
    owner: Id | None = None, due: date | None = None, remediation: str = "", evidence: Id | None = None,
) -> Id:
    """Record something wrong with a version. Validators, model risk, compliance and auditors may."""
    if not title.strip() or not description.strip():
        raise UserError("A finding needs a title and a description.", "", "Say what is wrong and how you know.")
    store, finding = workspace.store, workspace.store.new_id()
    note = f"Raised a {severity.value} finding: {title.strip()[:120]}"
    with store.write(workspace.me, "finding.raised", finding, note=note) as write:
        people.require(write.reader, workspace, *_RAISERS)
        exact = write.reader.get(ModelVersion, version).record
        write.add(Finding(
            id=finding, model=exact.model, version=version, use=use, title=title.strip(), severity=severity,
            description=description.strip(), owner=owner, due=due, remediation=remediation, evidence=evidence))
    return finding


def move(
    workspace: Workspace, finding: Id, state: FindingState, comment: str, *, until: date | None = None,
    due: date | None = None,
) -> Change:
    """Answer, accept, close or reopen a finding. Its owner, and whoever answered it, cannot close it.

    until: how long an accepted risk is accepted; then it needs a date.
    """
    if not comment.strip():
        raise UserError("Say what was done or decided.", "", "Write a comment.")
    if state is FindingState.ACCEPTED and until is None:
        raise UserError("An accepted risk needs an end.", "", "Give the date until which it is accepted.")
    store = workspace.store
    note = f"Finding {state.value}: {comment.strip()[:120]}"
    with store.write(workspace.me, "finding.moved", finding, note=note) as write:
        found = write.reader.get(Finding, finding)
        events = write.reader.all(FindingEvent, finding)
        answered = frozenset(e.by for e in events if e.record.state is FindingState.ANSWERED)
        if state in (FindingState.CLOSED, FindingState.ACCEPTED):
            people.require(write.reader, workspace, *_RAISERS)
            if not may_close(found.record.owner, answered, workspace.me):
                raise Refused("You own or answered this finding.", "Somebody else must judge whether it is resolved.",
                              "Ask the validator or a model risk manager.")
        write.add(FindingEvent(id=store.new_id(), model=found.record.model, finding=finding, state=state,
                               comment=comment.strip(), until=until, due=due))
    return changed(write)


def listing(workspace: Workspace, version: Id | None = None) -> tuple[FindingLine, ...]:
    """Findings, open ones first, worst and oldest first."""
    with workspace.store.read() as reader:
        history = History([*reader.all(Finding), *reader.all(FindingEvent)])
        found_on = {i for f in history.all(Finding) for i in (f.record.model, f.record.version)}
        called = Called(reader, found_on)
        names, models, versions = called.names, called.models, called.labels
        lines = []
        for found in history.all(Finding):
            if version is not None and found.record.version != version:
                continue
            lines.append(FindingLine(
                now=history.finding_now(found), model_name=models.get(found.record.model, ""),
                version_label=versions.get(found.record.version, ""),
                owner=names.get(found.record.owner, "") if found.record.owner else "",
                raised_by=names.get(found.by, ""),
                events=tuple((names.get(e.by, ""), e.at.date(), e.record.state, e.record.comment)
                             for e in history.all(FindingEvent, finding=found.record.id))))
    rank = list(reversed(Severity))
    return tuple(sorted(lines, key=lambda f: (not f.now.is_open, rank.index(f.now.finding.severity), f.now.opened_on)))
