"""A registry in which a promotion was decided by two persons: what attackers of the log and of packs start from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from desktop_app.domain.approval import ChangeClass, TypedCondition
from desktop_app.domain.canonical import Id
from desktop_app.domain.finding import Severity
from desktop_app.domain.model import UseState
from desktop_app.domain.policy import Meaning
from desktop_app.operations import approvals, cards, evidence, findings, models, policies, prior_decisions, signing
from desktop_app.settings import resource
from tests.desk import PASSPHRASE, START, Desk, make_desk

DECIDING = (("Rita Risk", Meaning.APPROVE_WITH_CONDITIONS), ("Cora Compliance", Meaning.CONCUR))
CONDITION = TypedCondition(text="Report monthly", owner="S. Haddad", due=START.date())


@dataclass
class Decided:
    """The desk, the request, and the file the registry is in."""

    desk: Desk
    request: Id
    path: Path

    @property
    def keys(self) -> Path:
        """Where everybody's keys are."""
        return self.desk.workspace.signer.folder


def two_decide() -> dict[str, object]:
    """The policy that comes with the program, asking for two decisions in tier 3."""
    policy = json.loads(resource("policies/default.json").read_text("utf-8")) | {"version": "two decide"}
    for transition in policy["transitions"]:
        if transition["to_stage"] == "production" and transition["tiers"] == [3]:
            transition["decisions"].append({"role": "compliance", "meaning": "concur", "count": 1})
    return policy


def ask(desk: Desk) -> Id:
    """A request for production by the developer."""
    return approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better than before",
                             change_class=ChangeClass.NEW, to_stage="production")


def sign(desk: Desk, name: str, request: Id, meaning: Meaning, **decision):
    """One person's decision."""
    ws = desk.as_(name)
    seen = approvals.review(ws, request)
    if meaning is Meaning.APPROVE_WITH_CONDITIONS:
        decision["conditions"] = (CONDITION,)
    prepared = signing.prepare(ws, seen, signing.Decision(meaning=meaning, declared=True, **decision))
    return signing.sign_off(ws, seen, prepared, PASSPHRASE)


def make_decided(folder: Path, **where) -> Decided:
    """Documents, a card, a finding, a request and its two signatures; where: as `make_desk` takes it."""
    desk = make_desk(folder, **where)
    policies.publish(desk.as_("Rita Risk"), two_decide(), PASSPHRASE)
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "Scores applicants"}, seen=0)
    paper = folder / "development.txt"
    paper.write_text("How it was developed")
    evidence.file_document(desk.as_("Dev Patel"), desk.version, paper, checklist="development")
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Small sample", description="Few defaults",
                           severity=Severity.LOW)
    models.state_use(desk.as_("Dev Patel"), desk.version, desk.use, UseState.PILOT)
    earlier = models.add_version(desk.as_("Dev Patel"), desk.model, "0")
    prior_decisions.record_prior(desk.as_("Rita Risk"), prior_decisions.Taken(
        version=earlier, use=desk.use, to_stage="production", decided_on=date(2025, 3, 12), outcome="approved",
        decided_by="Cre\u0301dit board", review_by=date(2026, 3, 12), source="minutes"), PASSPHRASE)
    request = ask(desk)
    for name, meaning in DECIDING:
        sign(desk, name, request, meaning, comment="Read in full")
    return Decided(desk, request, folder / "registry.assay")
