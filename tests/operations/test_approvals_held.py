"""Approvals that must not be had: what came after the freeze, parts written away, wording that hides matter."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from desktop_app.domain.approval import ChangeClass, TypedCondition
from desktop_app.domain.finding import FindingState, Severity
from desktop_app.domain.policy import Meaning
from desktop_app.domain.validation import Opinion
from desktop_app.errors import Refused, UserError
from desktop_app.operations import (
    approvals,
    audit,
    cards,
    findings,
    gates,
    models,
    policies,
    prior_decisions,
    signing,
    validations,
)
from desktop_app.settings import resource
from tests.desk import PASSPHRASE, START, clock, make_desk


class Watch:
    """A clock that can be put forward."""

    def __init__(self):
        self._tick, self.ahead = clock(), timedelta()

    def __call__(self):
        return self._tick() + self.ahead


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def desk(tmp_path, watch):
    made = make_desk(tmp_path, now=watch)
    yield made
    made.workspace.close()


def ask(desk):
    return approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better",
                             change_class=ChangeClass.NEW, to_stage="production")


def prepare(ws, request, meaning=Meaning.APPROVE, **more):
    seen = approvals.review(ws, request)
    return seen, signing.prepare(ws, seen, signing.Decision(meaning=meaning, declared=True, **more))


def sign(ws, request, meaning=Meaning.APPROVE, **more):
    seen, prepared = prepare(ws, request, meaning, **more)
    return signing.sign_off(ws, seen, prepared, PASSPHRASE)


def test_a_finding_raised_after_the_request_is_in_the_statement_and_blocks(desk):
    request = ask(desk)
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Leak", description="It leaks",
                           severity=Severity.CRITICAL)
    ws = desk.as_("Rita Risk")
    seen = approvals.review(ws, request)
    assert seen.matter.open_findings == ("F-1 Leak (critical, open)",)
    assert [c.title for c in seen.blocking] == ["Critical finding F-1"]
    with pytest.raises(Refused, match="requirements are not met"):
        prepare(ws, request)
    assert "Open at signing: F-1 Leak" in prepare(ws, request, Meaning.REJECT, comment="no")[1].text


def test_an_acceptance_that_ends_before_the_signature_blocks(desk, watch):
    finding = findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Leak", description="It leaks",
                                     severity=Severity.CRITICAL)
    findings.move(desk.as_("Cora Compliance"), finding, FindingState.ACCEPTED, "for a week",
                  until=(START + timedelta(days=7)).date())
    request = ask(desk)
    ws = desk.as_("Rita Risk")
    seen, prepared = prepare(ws, request)
    watch.ahead = timedelta(days=10)
    with pytest.raises(Refused, match="no longer met"):
        signing.sign_off(ws, seen, prepared, PASSPHRASE)


def test_a_part_is_not_written_away(desk):
    model = models.register(desk.as_("Dev Patel"), "Second", owner=desk.people["Rita Risk"])
    version = models.add_version(desk.as_("Dev Patel"), model, "1")
    use = models.describe_use(desk.as_("Dev Patel"), model, "Cards")
    models.set_tier(desk.as_("Rita Risk"), use, 3)
    models.revise(desk.as_("Rita Risk"), model, owner=None)
    request = approvals.request(desk.as_("Dev Patel"), version, use, rationale="x", change_class=ChangeClass.NEW,
                                to_stage="production")
    assert "recorded part" in approvals.review(desk.as_("Rita Risk"), request).refusal.title


def test_only_who_may_revises_a_model(desk):
    with pytest.raises(Refused, match="role"):
        models.revise(desk.as_("Val Idris"), desk.model, description="mine now")


def test_wording_does_not_hide_matter(desk):
    dev = desk.as_("Dev Patel")
    cards.save(dev, desk.version, {"summary": "first"}, seen=0)
    request = ask(desk)
    cards.save(dev, desk.version, {"summary": "quite another"}, seen=1)
    cards.save(dev, desk.version, {"summary": "quite another."}, seen=2, editorial=True)
    assert approvals.review(desk.as_("Rita Risk"), request).news.reconsider


def test_validation_does_not_conclude_over_what_blocks(tmp_path, watch):
    desk = make_desk(tmp_path / "tier1", tier=1, now=watch)
    request = ask(desk)
    with pytest.raises(Refused, match="requirements are not met"):
        prepare(desk.as_("Val Idris"), request, Meaning.CONCLUDE)
    desk.workspace.close()


def test_not_fit_after_the_request_is_to_reconsider(desk):
    validations.conclude(desk.as_("Val Idris"), desk.version, desk.use, opinion=Opinion.FIT, summary="fine")
    request = ask(desk)
    validations.conclude(desk.as_("Val Idris"), desk.version, desk.use, opinion=Opinion.NOT_FIT, summary="not fine")
    with pytest.raises(Refused):
        prepare(desk.as_("Rita Risk"), request)


@pytest.mark.parametrize("decision", [{"role": "model_risk", "meaning": "recuse"},
                                      {"role": "model_risk", "meaning": "approve", "count": 0}])
def test_a_policy_that_nobody_can_decide_under_is_refused(desk, decision):
    text = json.loads(resource("policies/default.json").read_text("utf-8")) | {"version": "odd"}
    text["transitions"][0]["decisions"] = [decision]
    with pytest.raises(UserError, match="nobody can make"):
        policies.publish(desk.as_("Ann Admin"), text, PASSPHRASE)


def test_a_statement_is_signed_by_whom_it_was_prepared_for(desk):
    request = ask(desk)
    seen, prepared = prepare(desk.as_("Rita Risk"), request)
    with pytest.raises(Refused, match="somebody else"):
        signing.sign_off(desk.as_("Cora Compliance"), seen, prepared, PASSPHRASE)


def test_a_command_is_not_used_for_another_decision(desk):
    from dataclasses import replace

    request = ask(desk)
    ws = desk.as_("Rita Risk")
    seen, prepared = prepare(ws, request)
    other = prepare(ws, request, Meaning.REJECT, comment="no")[1]
    signing.sign_off(ws, seen, prepared, PASSPHRASE)
    with pytest.raises(Refused, match="another decision"):
        signing.sign_off(ws, seen, replace(other, command=prepared.command), PASSPHRASE)


def test_a_prior_decision_does_not_stand_beside_one_asked_for_here(desk):
    request = ask(desk)
    sign(desk.as_("Rita Risk"), request, Meaning.REJECT, comment="no")
    taken = prior_decisions.Taken(version=desk.version, use=desk.use, to_stage="production", outcome="approved",
                                  decided_on=START.date(), decided_by="A committee", review_by=None, source="minutes")
    with pytest.raises(Refused, match="asked for here"):
        prior_decisions.record_prior(desk.as_("Cora Compliance"), taken, PASSPHRASE)
    assert not gates.gate(desk.workspace, desk.version, desk.use).allowed


def test_a_condition_closes_the_gate_when_late_and_opens_it_when_met(desk, watch):
    condition = TypedCondition(text="Report monthly", owner="S. Haddad", due=(START + timedelta(days=5)).date())
    sign(desk.as_("Rita Risk"), ask(desk), Meaning.APPROVE_WITH_CONDITIONS, conditions=(condition,))
    assert gates.gate(desk.workspace, desk.version, desk.use).allowed
    watch.ahead = timedelta(days=6)
    assert not gates.gate(desk.workspace, desk.version, desk.use).allowed
    (found,) = models.version(desk.workspace, desk.version, desk.use).conditions
    with pytest.raises(Refused, match="role"):
        models.settle_condition(desk.as_("Dev Patel"), found, comment="done")
    models.settle_condition(desk.as_("Cora Compliance"), found, comment="First report received")
    assert gates.gate(desk.workspace, desk.version, desk.use).allowed
    assert audit.verify(desk.workspace).problems == ()
