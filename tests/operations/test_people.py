"""People: enrolled with a key, given and taken roles, named where only a name is known; registries are founded once."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import KeyEnrolled, Role
from desktop_app.errors import Refused, UserError
from desktop_app.operations import audit, models, people, registries
from desktop_app.operations.naming import Named
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import create_workspace, open_workspace
from tests.desk import CHEAP, PASSPHRASE, START


def test_everyone_is_listed_by_name_with_roles_and_key(desk):
    found = people.listing(desk.workspace)
    assert [p.name for p in found] == sorted(desk.people)
    rita = next(p for p in found if p.name == "Rita Risk")
    assert (rita.roles, rita.role_titles, rita.key_here, rita.factors) == (
        (Role.MODEL_RISK,), "Model risk manager", True, "passphrase only")


def test_a_name_without_a_key_comes_last_and_may_be_enrolled_later(desk):
    admin = desk.as_("Ann Admin")
    with admin.store.write(admin.me, "x", Id("x")) as write:
        known = Named(admin, write.reader)
        named = known.add(write, "  Aaron   Named ", "inventory")
        assert known.add(write, "aaron named", "inventory") == named
        assert known.add(write, "   ", "inventory") is None
    last = people.listing(admin)[-1]
    assert (last.name, last.key_id, last.origin, last.role_titles) == ("Aaron Named", "", "inventory", "no role")
    assert people.enrol(admin, "Aaron Named", (Role.OWNER,), PASSPHRASE, PASSPHRASE).id == named
    assert len([p for p in people.listing(admin) if p.name == "Aaron Named"]) == 1


def test_nobody_is_enrolled_twice_or_without_a_name(desk):
    admin = desk.as_("Ann Admin")
    with pytest.raises(UserError, match="already enrolled"):
        people.enrol(admin, "rita risk", (), PASSPHRASE, PASSPHRASE)
    with pytest.raises(UserError, match="needs a name"):
        people.enrol(admin, "  ", (), PASSPHRASE, PASSPHRASE)
    with pytest.raises(UserError, match="too short"):
        people.enrol(admin, "New Person", (), "short", PASSPHRASE)
    assert audit.verify(admin).ok


@pytest.mark.parametrize("name", ["Rita Risk ", " rita   Risk", "Rita\u00a0Risk", "RITA\tRISK"])
def test_spaces_do_not_make_a_second_person(desk, name):
    admin = desk.as_("Ann Admin")
    with pytest.raises(UserError, match="already enrolled"):
        people.enrol(admin, name, (Role.COMPLIANCE,), PASSPHRASE, PASSPHRASE)
    assert [p.name for p in people.listing(admin)] == sorted(desk.people)


def test_nor_does_the_way_a_letter_is_made_up(desk):
    admin = desk.as_("Ann Admin")
    made = people.enrol(admin, "  Rene\u0301   Dupont ", (), PASSPHRASE, PASSPHRASE)
    assert made.name == "Ren\u00e9 Dupont"
    with pytest.raises(UserError, match="already enrolled"):
        people.enrol(admin, "Ren\u00e9 dupont", (), PASSPHRASE, PASSPHRASE)


def test_a_founders_name_is_kept_in_the_same_form(tmp_path):
    made = create_workspace(tmp_path / "r.assay", "x", keys=tmp_path, secret_store=NoSecretStore(), cost=CHEAP)
    assert people.listing(registries.found(made, " Ann  Admin ", PASSPHRASE))[0].name == "Ann Admin"
    made.close()


@pytest.mark.parametrize("act", [
    lambda ws, p: people.enrol(ws, "New", (), PASSPHRASE, PASSPHRASE),
    lambda ws, p: people.grant(ws, p, Role.OWNER, PASSPHRASE),
    lambda ws, p: people.revoke(ws, p, Role.VALIDATOR, "x", PASSPHRASE)])
def test_only_an_administrator_may(desk, act):
    head = audit.head_seq(desk.workspace)
    with pytest.raises(Refused, match="Your role does not allow this") as refused:
        act(desk.as_("Rita Risk"), desk.people["Val Idris"])
    assert "administrator; yours: model risk manager" in refused.value.detail
    assert audit.head_seq(desk.workspace) == head


def test_roles_are_granted_and_revoked(desk):
    admin, val = desk.as_("Ann Admin"), desk.people["Val Idris"]
    people.grant(admin, val, Role.AUDITOR, PASSPHRASE)
    with pytest.raises(UserError, match="already holds"):
        people.grant(admin, val, Role.AUDITOR, PASSPHRASE)
    assert next(p for p in people.listing(admin) if p.id == val).roles == (Role.AUDITOR, Role.VALIDATOR)
    people.revoke(admin, val, Role.AUDITOR, "moved", PASSPHRASE)
    with pytest.raises(UserError, match="does not hold"):
        people.revoke(admin, val, Role.AUDITOR, "again", PASSPHRASE)
    people.grant(admin, val, Role.AUDITOR, PASSPHRASE)  # and back
    assert audit.verify(admin).ok


def test_a_role_ends_when_it_was_granted_until(desk):
    admin, val = desk.as_("Ann Admin"), desk.people["Val Idris"]
    until = START + timedelta(days=1)
    people.grant(admin, val, Role.AUDITOR, PASSPHRASE, valid_to=until)
    with admin.store.read() as reader:
        held = [Role.AUDITOR in people.roles_of(reader, val, at)
                for at in (START, until - timedelta(seconds=1), until, until + timedelta(days=1))]
    assert held == [False, True, False, False]


def test_the_last_administrator_stays(desk):
    admin = desk.as_("Ann Admin")
    with pytest.raises(Refused, match="last administrator"):
        people.revoke(admin, admin.me, Role.ADMINISTRATOR, "tired", PASSPHRASE)
    people.grant(admin, desk.people["Val Idris"], Role.ADMINISTRATOR, PASSPHRASE)
    people.revoke(admin, admin.me, Role.ADMINISTRATOR, "tired", PASSPHRASE)
    with pytest.raises(Refused, match="yours: none"):
        people.grant(admin, admin.me, Role.ADMINISTRATOR, PASSPHRASE)


def test_the_keys_are_those_that_were_enrolled(desk):
    with desk.workspace.store.read() as reader:
        enrolled = [k.record for k in reader.all(KeyEnrolled)]
    assert {k.person for k in enrolled} == set(desk.people.values())
    assert {len(base64.b64decode(k.public_key)) for k in enrolled} == {32}
    assert {p.key_id for p in people.listing(desk.workspace)} == {k.key_id for k in enrolled}


def test_a_registry_is_founded_once(desk):
    with pytest.raises(Refused, match="already has an administrator"):
        registries.found(desk.workspace, "Mallory", PASSPHRASE)


def test_a_founder_may_hold_other_roles(tmp_path):
    made = create_workspace(tmp_path / "r.assay", "x", keys=tmp_path, secret_store=NoSecretStore(), cost=CHEAP)
    founder = registries.found(made, "Ann", PASSPHRASE, (Role.OWNER, Role.ADMINISTRATOR))
    assert people.listing(founder)[0].roles == (Role.ADMINISTRATOR, Role.OWNER)
    made.close()


def test_whoever_has_the_only_key_here_acts(tmp_path, desk):
    make = dict.fromkeys(("secret_store",), NoSecretStore())
    path = tmp_path / "registry.assay"
    assert open_workspace(path, keys=tmp_path / "keys", **make).actor is None  # six keys: nobody is guessed
    val = desk.people["Val Idris"]
    for name, wanted in (("Rita Risk", "Rita Risk"), ("rita risk", "Rita Risk"), (val, "Val Idris")):
        opened = open_workspace(path, name, keys=tmp_path / "keys", **make)
        assert opened.me == desk.people[wanted]
        opened.close()
    one = tmp_path / "one"
    one.mkdir()
    file = desk.workspace.signer.key_of(desk.people["Rita Risk"]).path
    (one / file.name).write_bytes(file.read_bytes())
    opened = open_workspace(path, keys=one, **make)
    assert opened.me == desk.people["Rita Risk"]
    opened.close()
    with pytest.raises(UserError, match="no one person called"):
        open_workspace(path, "Nobody", keys=one, **make)


def test_every_change_says_who_made_it(desk):
    with pytest.raises(Refused, match="Nobody is named as acting"):
        models.register(desk.workspace.acting_as(None), "Scorecard")


def test_a_role_may_begin_later_and_the_list_says_from_when_until_when(desk):
    admin, val = desk.as_("Ann Admin"), desk.people["Val Idris"]
    first, end = START + timedelta(days=10), START + timedelta(days=40)
    people.grant(admin, val, Role.AUDITOR, PASSPHRASE, valid_from=first, valid_to=end)
    with admin.store.read() as reader:
        held = [Role.AUDITOR in people.roles_of(reader, val, at)
                for at in (START, first - timedelta(seconds=1), first, end - timedelta(seconds=1), end)]
    assert held == [False, False, True, True, False]
    shown = next(p for p in people.listing(admin) if p.id == val)
    assert shown.roles == (Role.VALIDATOR,)  # now
    (coming,) = [h for h in shown.held if h.to_come]
    assert (coming.role, coming.since, coming.until) == (
        Role.AUDITOR, first.astimezone().date(), (end - timedelta(seconds=1)).astimezone().date())
    assert coming.dates == "from 30 Nov 2026 until 30 Dec 2026"
    with pytest.raises(UserError, match="or will in that time"):
        people.grant(admin, val, Role.AUDITOR, PASSPHRASE)
    people.grant(admin, val, Role.AUDITOR, PASSPHRASE, valid_to=first)  # until then
    people.revoke(admin, val, Role.AUDITOR, "moved", PASSPHRASE)
    assert not [h for h in next(p for p in people.listing(admin) if p.id == val).held if h.role is Role.AUDITOR]
    assert audit.verify(admin).ok


def test_a_role_to_come_can_be_revoked_before_it_begins(desk):
    admin, val = desk.as_("Ann Admin"), desk.people["Val Idris"]
    people.grant(admin, val, Role.AUDITOR, PASSPHRASE, valid_from=START + timedelta(days=10))
    people.revoke(admin, val, Role.AUDITOR, "not needed", PASSPHRASE)
    assert [h.role for h in next(p for p in people.listing(admin) if p.id == val).held] == [Role.VALIDATOR]


def test_a_role_begins_at_the_earliest_now_and_ends_after_it_begins(desk):
    admin, val = desk.as_("Ann Admin"), desk.people["Val Idris"]
    with pytest.raises(UserError, match="end before it begins"):
        people.grant(admin, val, Role.AUDITOR, PASSPHRASE, valid_to=START - timedelta(days=1))
    people.grant(admin, val, Role.AUDITOR, PASSPHRASE, valid_from=START - timedelta(days=100))
    with admin.store.read() as reader:
        assert Role.AUDITOR not in people.roles_of(reader, val, START)


def test_keys_that_ended_are_listed(desk):
    admin = desk.as_("Ann Admin")
    before = next(p.key_id for p in people.listing(admin) if p.name == "Rita Risk")
    people.revoke_key(admin, desk.people["Rita Risk"], before, "laptop lost", PASSPHRASE)
    rita = next(p for p in people.listing(admin) if p.name == "Rita Risk")
    assert (rita.key_id, [(k.key_id, k.reason) for k in rita.ended_keys]) == ("", [(before, "laptop lost")])
