"""Several decisions under one passphrase: each its own statement and entry, all signed before the first is recorded."""

from __future__ import annotations

import base64
import json

import pytest

from desktop_app.__main__ import main
from desktop_app.domain.approval import ChangeClass, SignOff
from desktop_app.domain.policy import Meaning
from desktop_app.errors import Refused, UserError
from desktop_app.operations import approvals, audit, models, policies, signing
from desktop_app.registry.store import system_clock
from desktop_app.settings import resource
from tests.desk import PASSPHRASE, make_desk


def allow(desk, schedule=True):
    policy = json.loads(resource("policies/default.json").read_text("utf-8"))
    policy |= {"version": "schedules"} | ({"schedule": True} if schedule else {})
    policies.publish(desk.as_("Rita Risk"), policy, PASSPHRASE)


def ask(desk, label):
    """A request of its own: another model, version and use."""
    dev = desk.as_("Dev Patel")
    model = models.register(dev, f"Model {label}", description="x", owner=desk.people["Olga Owner"])
    version = models.add_version(dev, model, "1", developers=(desk.people["Dev Patel"],))
    use = models.describe_use(dev, model, "Lending", entity="NL", business_line="Retail")
    models.set_tier(desk.as_("Rita Risk"), use, 3)
    return approvals.request(dev, version, use, rationale="Better", change_class=ChangeClass.NEW, to_stage="production")


def ready(desk, request, name="Rita Risk", declared=True):
    ws = desk.as_(name)
    seen = approvals.review(ws, request)
    return seen, signing.prepare(ws, seen, signing.Decision(
        meaning=Meaning.RETURN, comment="Not complete", declared=declared))


def sign_offs(desk):
    with desk.workspace.store.read() as reader:
        return reader.all(SignOff)


def test_each_decision_has_a_statement_and_an_entry_of_its_own(desk):
    allow(desk)
    asked = [ask(desk, n) for n in "AB"]
    schedule = [ready(desk, request) for request in asked]
    outcomes = signing.sign_schedule(desk.as_("Rita Risk"), schedule, PASSPHRASE)
    assert [o.label for o in outcomes] == ["R-1", "R-2"]
    assert len({o.change.seq for o in outcomes}) == 2
    signed = sign_offs(desk)
    said = [json.loads(base64.b64decode(json.loads(s.record.envelope)["payload"])) for s in signed]
    assert said[0]["subject"] != said[1]["subject"]
    assert [s.record.request for s in signed] == asked
    assert audit.verify(desk.as_("Ann Admin")).ok
    again = signing.sign_schedule(desk.as_("Rita Risk"), schedule, PASSPHRASE)  # a retry finds its own result
    assert [o.change.seq for o in again] == [o.change.seq for o in outcomes]
    assert len(sign_offs(desk)) == 2


def test_only_where_the_policy_allows_it(desk):
    allow(desk, schedule=False)
    schedule = [ready(desk, ask(desk, n)) for n in "AB"]
    with pytest.raises(Refused, match="passphrase at every decision"):
        signing.sign_schedule(desk.as_("Rita Risk"), schedule, PASSPHRASE)
    assert not sign_offs(desk)


def test_the_policy_under_which_each_was_requested_counts(desk):
    allow(desk, schedule=False)
    before = ready(desk, ask(desk, "A"))
    policy = json.loads(resource("policies/default.json").read_text("utf-8")) | {"version": "later", "schedule": True}
    policies.publish(desk.as_("Rita Risk"), policy, PASSPHRASE)
    with pytest.raises(Refused, match="passphrase at every decision") as refused:
        signing.sign_schedule(desk.as_("Rita Risk"), [before, ready(desk, ask(desk, "B"))], PASSPHRASE)
    assert "R-1" in refused.value.detail


def test_a_wrong_passphrase_or_a_missing_declaration_records_none(desk):
    allow(desk)
    asked = [ask(desk, n) for n in "AB"]
    with pytest.raises(Refused, match="passphrase is not right"):
        signing.sign_schedule(desk.as_("Rita Risk"), [ready(desk, r) for r in asked], "not the passphrase")
    with pytest.raises(UserError, match="declaration is not made"):
        signing.sign_schedule(desk.as_("Rita Risk"), [ready(desk, asked[0]), ready(desk, asked[1], declared=False)],
                              PASSPHRASE)
    with pytest.raises(UserError, match="named twice"):
        signing.sign_schedule(desk.as_("Rita Risk"), [ready(desk, asked[0])] * 2, PASSPHRASE)
    with pytest.raises(Refused, match="somebody else"):
        signing.sign_schedule(desk.as_("Cora Compliance"), [ready(desk, r) for r in asked], PASSPHRASE)
    assert not sign_offs(desk)


def test_what_changed_under_one_refuses_that_one_only(desk):
    allow(desk)
    asked = [ask(desk, n) for n in "AB"]
    schedule = [ready(desk, request) for request in asked]
    approvals.withdraw(desk.as_("Dev Patel"), asked[0], "not now")
    first, second = signing.sign_schedule(desk.as_("Rita Risk"), schedule, PASSPHRASE)
    assert first.change is None
    assert first.refused
    assert second.change is not None
    assert [s.record.request for s in sign_offs(desk)] == [asked[1]]


def test_a_policy_without_the_permission_keeps_its_bytes(desk):
    from desktop_app.domain import canonical

    with desk.workspace.store.read() as reader:
        policy = policies.current(reader)
    assert not policy.record.schedule
    assert b"schedule" not in canonical.encode(policy.record)


def test_by_command_line(tmp_path, monkeypatch, capsys):
    desk = make_desk(tmp_path, now=system_clock)
    allow(desk)
    for n in "AB":
        ask(desk, n)
    desk.workspace.close()
    (tmp_path / "keys" / "no-keyring").touch()
    monkeypatch.setenv("ASSAYDESK_REGISTRY", str(tmp_path / "registry.assay"))
    monkeypatch.setenv("ASSAYDESK_PASSPHRASE", PASSPHRASE)
    words = ["--as", "Rita Risk", "--json", "sign", "R-1", "R-2", "return", "--comment", "Not complete"]
    assert main(words) == 2  # nobody declared
    assert "declaration is not made" in capsys.readouterr().err
    assert main([*words, "--declare"]) == 0
    said = capsys.readouterr()
    first, second = json.loads(said.out)["decisions"]
    assert (first["request"], second["request"]) == ("R-1", "R-2")
    assert first["statement"] in said.err
    assert second["statement"] in said.err
    assert main([*words, "--declare"]) == 1  # decided meanwhile
