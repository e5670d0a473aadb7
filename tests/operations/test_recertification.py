"""Access recertification: who answers for whom, what is open and overdue, and a result that is signed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from desktop_app.__main__ import main
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Role, RoleRevoked
from desktop_app.domain.recertification import RecertificationAnswered, RecertificationClosed
from desktop_app.errors import NotFound, Refused, UserError
from desktop_app.operations import audit, mandates, people, recertification
from desktop_app.operations.recertification import Answer
from desktop_app.registry.store import system_clock
from tests.desk import PASSPHRASE, make_desk

DUE = date(2026, 12, 31)


def open_one(desk, *scope, by="Ann Admin"):
    recertification.open_campaign(desk.as_(by), DUE, scope, PASSPHRASE)
    return recertification.listing(desk.workspace)[0]


def grant_of(desk, name):
    (found,) = [g for g in recertification.listing(desk.workspace)[0].grants if g.name == name]
    return found.grant


def answer(desk, name, keep=True, reason="", by="Ann Admin"):
    campaign = recertification.listing(desk.workspace)[0]
    said = Answer(grant=grant_of(desk, name), keep=keep, reason=reason)
    return recertification.answer(desk.as_(by), campaign.id, (said,), PASSPHRASE)


def holds(desk, name):
    return next(p.roles for p in people.listing(desk.workspace) if p.name == name)


def test_it_holds_every_role_in_force_and_is_answered_closed_and_verified(desk):
    campaign = open_one(desk)
    assert campaign.label == "AR-1"
    assert [(g.name, g.role, g.state) for g in campaign.grants] == [
        ("Ann Admin", "administrator", "open"), ("Cora Compliance", "compliance", "open"),
        ("Dev Patel", "developer", "open"), ("Olga Owner", "owner", "open"), ("Rita Risk", "model_risk", "open"),
        ("Val Idris", "validator", "open")]
    assert campaign.sentence(date(2026, 12, 1)) == "6 of 6 roles to be answered, due 31 Dec 2026"
    answers = tuple(Answer(grant=g.grant, keep=g.name != "Dev Patel", reason="left the team")
                    for g in campaign.grants if g.name != "Ann Admin")
    recertification.answer(desk.as_("Ann Admin"), campaign.id, answers, PASSPHRASE)  # five under one signature
    answer(desk, "Ann Admin", by="Rita Risk")
    assert holds(desk, "Dev Patel") == ()
    recertification.close(desk.as_("Rita Risk"), campaign.id, PASSPHRASE)
    (campaign,) = recertification.listing(desk.workspace)
    assert campaign.sentence(DUE) == "closed 20 Nov 2026 by Rita Risk: 5 kept, 1 revoked"
    assert audit.verify(desk.as_("Ann Admin")).ok
    with desk.workspace.store.read() as reader:
        (closed,) = reader.all(RecertificationClosed)
        assert [r.record.reason for r in reader.all(RoleRevoked)] == ["left the team"]
    assert (len(closed.record.kept), len(closed.record.revoked), closed.record.ended) == (5, 1, ())


def test_nobody_answers_for_themselves(desk):
    open_one(desk)
    for name in ("Ann Admin", "Rita Risk"):
        with pytest.raises(Refused, match="their own role"):
            answer(desk, name, by=name)


def test_who_may_do_what(desk):
    with pytest.raises(Refused, match="Your role does not allow"):
        open_one(desk, by="Val Idris")
    campaign = open_one(desk, by="Rita Risk")
    with pytest.raises(Refused, match="Your role does not allow"):
        answer(desk, "Dev Patel", by="Val Idris")
    with pytest.raises(Refused, match="Your role does not allow"):
        answer(desk, "Dev Patel", keep=False, reason="x", by="Rita Risk")  # a revocation is an administrator's
    answer(desk, "Dev Patel", by="Rita Risk")
    with pytest.raises(Refused, match="Not every role") as refused:
        recertification.close(desk.as_("Rita Risk"), campaign.id, PASSPHRASE)
    assert "Val Idris, validator" in refused.value.detail
    assert "Dev Patel" not in refused.value.detail


def test_the_last_administrator_stays(desk):
    people.grant(desk.as_("Ann Admin"), desk.people["Val Idris"], Role.ADMINISTRATOR, PASSPHRASE)
    campaign = open_one(desk, Role.ADMINISTRATOR)
    assert {g.name for g in campaign.grants} == {"Ann Admin", "Val Idris"}
    answer(desk, "Val Idris", keep=False, reason="no longer")
    people.grant(desk.as_("Ann Admin"), desk.people["Rita Risk"], Role.ADMINISTRATOR, PASSPHRASE)
    people.revoke(desk.as_("Ann Admin"), desk.people["Ann Admin"], Role.ADMINISTRATOR, "leaves", PASSPHRASE)
    with pytest.raises(UserError, match="ended already"):
        answer(desk, "Ann Admin", by="Rita Risk")
    recertification.close(desk.as_("Rita Risk"), campaign.id, PASSPHRASE)
    assert recertification.listing(desk.workspace)[0].sentence(DUE).endswith("0 kept, 1 revoked, 1 ended otherwise")
    assert audit.verify(desk.as_("Rita Risk")).ok


def test_the_only_administrators_role_cannot_be_revoked_by_an_answer(desk, monkeypatch):
    open_one(desk)
    monkeypatch.setattr(people, "require", lambda *_: None)  # as if Rita were one who may
    with pytest.raises(Refused, match="last administrator"):
        answer(desk, "Ann Admin", keep=False, reason="x", by="Rita Risk")


@pytest.mark.parametrize(("said", "error", "match"), [
    (lambda g: (), UserError, "Nothing is answered"),
    (lambda g: (Answer(grant=g, keep=True),) * 2, UserError, "answered once"),
    (lambda g: (Answer(grant=g, keep=False),), UserError, "Say why"),
    (lambda g: (Answer(grant=Id("x"), keep=True),), NotFound, "not part of")])
def test_answers_that_are_none(desk, said, error, match):
    campaign = open_one(desk)
    head = audit.head_seq(desk.workspace)
    with pytest.raises(error, match=match):
        recertification.answer(desk.as_("Ann Admin"), campaign.id, said(grant_of(desk, "Dev Patel")), PASSPHRASE)
    assert audit.head_seq(desk.workspace) == head


def test_an_answer_stands(desk):
    campaign = open_one(desk)
    answer(desk, "Dev Patel")
    with pytest.raises(UserError, match="kept already"):
        answer(desk, "Dev Patel", keep=False, reason="x")
    with pytest.raises(Refused, match="open already"):
        open_one(desk)
    with pytest.raises(NotFound):
        recertification.close(desk.as_("Ann Admin"), Id("x"), PASSPHRASE)
    people.grant(desk.as_("Ann Admin"), desk.people["Dev Patel"], Role.AUDITOR, PASSPHRASE)
    assert len(recertification.listing(desk.workspace)[0].grants) == len(campaign.grants)  # as it was opened


def test_it_is_overdue_by_the_day_after(desk):
    campaign = open_one(desk)
    assert not campaign.overdue(DUE)
    assert campaign.overdue(DUE + timedelta(days=1))
    assert "overdue since 31 Dec 2026" in campaign.sentence(DUE + timedelta(days=1))
    with pytest.raises(UserError, match="has passed"):
        recertification.open_campaign(desk.as_("Ann Admin"), date(2026, 11, 1), (), PASSPHRASE)
    with pytest.raises(Refused, match="open already"):
        open_one(desk)


def test_a_role_that_nobody_holds(desk):
    with pytest.raises(UserError, match="Nobody holds"):
        open_one(desk, Role.AUDITOR)


def test_an_answer_that_nobody_signed_for_counts_for_nothing_and_is_named(desk):
    campaign = open_one(desk)
    rita = desk.as_("Rita Risk")
    grant = grant_of(desk, "Rita Risk")
    with rita.store.write(rita.me, "recertification.answered", campaign.id) as write:
        write.add(RecertificationAnswered(id=rita.store.new_id(), campaign=campaign.id, grant=grant, person=rita.me,
                                          keep=True, reason=""))
    assert len(recertification.listing(desk.workspace)[0].open) == 6
    assert not audit.verify(desk.as_("Ann Admin")).ok
    val = desk.as_("Val Idris")
    mandates.record(val, "recertification.answered", campaign.id, [RecertificationAnswered(
        id=val.store.new_id(), campaign=campaign.id, grant=grant_of(desk, "Dev Patel"), person=desk.people["Dev Patel"],
        keep=True, reason="")], PASSPHRASE, note="", check=lambda _: None)  # signed, by somebody who may not
    assert len(recertification.listing(desk.workspace)[0].open) == 6


def test_by_command_line(tmp_path, monkeypatch, capsys):
    make_desk(tmp_path, now=system_clock).workspace.close()
    monkeypatch.setenv("ASSAYDESK_REGISTRY", str(tmp_path / "registry.assay"))
    monkeypatch.setenv("ASSAYDESK_PASSPHRASE", PASSPHRASE)
    (tmp_path / "keys" / "no-keyring").touch()

    def typed(*words, who="Ann Admin"):
        code = main(["--as", who, "people", "recertify", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert typed("status") == (0, "No recertification yet.\n")
    assert typed("answer", "--keep", "Dev Patel", "developer")[0] == 2
    assert typed("open")[0] == 2
    assert typed("open", "--due", "2099-12-31", "--role", "developer", "--role", "validator")[0] == 0
    assert typed("answer", "--keep", "Dev Patel", "owner")[0] == 2
    assert typed("answer", "--keep", "Dev Patel", "developer")[0] == 0
    code, said = typed("answer", "AR-1", "--revoke", "Val Idris", "validator")
    assert (code, "Say why" in said) == (2, True)
    assert typed("answer", "AR-1", "--revoke", "Val Idris", "validator", "--reason", "moved")[0] == 0
    assert "all 2 roles answered, to be closed" in typed("status")[1]
    assert typed("close")[0] == 0
    code, said = typed("status", "AR-1")
    assert "1 kept, 1 revoked" in said
    assert "Val Idris" in said
    assert typed("close")[0] == 2
