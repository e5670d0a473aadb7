"""Findings: raised by the second and third line, closed by somebody who neither owns nor answered them."""

from __future__ import annotations

from datetime import date

import pytest

from desktop_app.domain.finding import FindingState, Severity
from desktop_app.errors import NotFound, Refused, UserError
from desktop_app.operations import audit, findings, inventory

UNTIL = date(2027, 3, 1)


def raise_one(desk, title="Leakage", name="Val Idris", severity=Severity.HIGH, **more):
    return findings.raise_finding(desk.as_(name), desk.version, title=title, description="The target is a feature",
                                  severity=severity, **more)


def move(desk, name, finding, state, **more):
    return findings.move(desk.as_(name), finding, FindingState(state), "Because", **more)


def test_a_finding_has_a_label_an_owner_and_its_events(desk):
    found = raise_one(desk, owner=desk.people["Olga Owner"], due=UNTIL, use=desk.use)
    move(desk, "Olga Owner", found, "answered")
    move(desk, "Val Idris", found, "closed")
    (line,) = findings.listing(desk.workspace)
    assert (line.now.label, line.now.state, line.owner, line.raised_by) == ("F-1", "closed", "Olga Owner", "Val Idris")
    assert [(who, state, comment) for who, _, state, comment in line.events] == [
        ("Olga Owner", "answered", "Because"), ("Val Idris", "closed", "Because")]
    assert (line.model_name, line.version_label, line.now.due) == ("Scorecard", "1", UNTIL)


@pytest.mark.parametrize("name", ["Dev Patel", "Olga Owner", "Ann Admin"])
def test_the_first_line_raises_none(desk, name):
    head = audit.head_seq(desk.workspace)
    with pytest.raises(Refused, match="Your role"):
        raise_one(desk, name=name)
    assert audit.head_seq(desk.workspace) == head


@pytest.mark.parametrize(("owner", "answers", "closes", "words"), [
    ("Val Idris", None, "Val Idris", "own or answered"), (None, "Val Idris", "Val Idris", "own or answered"),
    (None, "Olga Owner", "Olga Owner", "Your role"), (None, "Olga Owner", "Val Idris", None),
    ("Olga Owner", "Olga Owner", "Rita Risk", None)])
@pytest.mark.parametrize("state", ["closed", "accepted"])
def test_nobody_judges_their_own_answer(desk, owner, answers, closes, words, state):
    found = raise_one(desk, owner=desk.people[owner] if owner else None)
    if answers:
        move(desk, answers, found, "answered")
    if words:
        with pytest.raises(Refused, match=words):
            move(desk, closes, found, state, until=UNTIL)
    else:
        move(desk, closes, found, state, until=UNTIL)
    assert findings.listing(desk.workspace)[0].now.state == ((answers and "answered") or "open" if words else state)


def test_a_closed_finding_may_be_opened_again(desk):
    found = raise_one(desk)
    move(desk, "Val Idris", found, "closed")
    move(desk, "Dev Patel", found, "open")
    assert findings.listing(desk.workspace)[0].now.is_open


def test_what_is_missing_is_said(desk):
    found = raise_one(desk)
    with pytest.raises(UserError, match="needs an end"):
        move(desk, "Rita Risk", found, "accepted")
    with pytest.raises(UserError, match="Say what was done"):
        findings.move(desk.as_("Rita Risk"), found, FindingState.CLOSED, "  ")
    with pytest.raises(UserError, match="title and a description"):
        raise_one(desk, title=" ")
    with pytest.raises(NotFound):
        move(desk, "Rita Risk", "nothing", "answered")
    with pytest.raises(NotFound):
        findings.raise_finding(desk.as_("Val Idris"), "nothing", title="t", description="d", severity=Severity.LOW)


def test_the_list_is_open_first_worst_first_oldest_first(desk):
    made = {name: raise_one(desk, name, severity=severity) for name, severity in (
        ("low", Severity.LOW), ("closed", Severity.CRITICAL), ("high", Severity.HIGH), ("critical", Severity.CRITICAL),
        ("high too", Severity.HIGH))}
    move(desk, "Rita Risk", made["closed"], "closed")
    titles = [f.now.finding.title for f in findings.listing(desk.workspace)]
    assert titles == ["critical", "high", "high too", "low", "closed"]
    assert len(findings.listing(desk.workspace, desk.version)) == 5
    assert findings.listing(desk.workspace, "another version") == ()


def test_the_inventory_shows_the_worst_open_one(desk):
    raise_one(desk, "low", severity=Severity.LOW)
    worst = raise_one(desk, "critical", severity=Severity.CRITICAL, due=UNTIL)
    row = inventory.overview(desk.workspace).rows[0]
    assert (row.finding_label, row.finding_severity, row.findings_open) == ("F-2", "critical", 2)
    assert row.finding_due == UNTIL
    move(desk, "Rita Risk", worst, "closed")
    row = inventory.overview(desk.workspace).rows[0]
    assert (row.finding_label, row.findings_open) == ("F-1", 1)
