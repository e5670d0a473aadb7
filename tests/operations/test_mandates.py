"""Roles, keys and policies count as far as somebody with the authority signed for them, and no further."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from desktop_app.domain import canonical
from desktop_app.domain.mandate import Mandate
from desktop_app.domain.person import KeyEnrolled, KeyRevoked, Role, RoleGranted, RoleRevoked
from desktop_app.domain.policy import Policy
from desktop_app.errors import Refused, UserError
from desktop_app.operations import audit, people, policies
from desktop_app.trust.keys import NoSecretStore
from desktop_app.trust.signer import Signer
from tests.desk import CHEAP, PASSPHRASE, make_desk


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()


def command(workspace):
    """The command of the next entry."""
    return f"c{audit.head_seq(workspace) + 1}"


def forge(workspace, *facts, action="role.granted", signed=()):
    """Add facts through the door for writing, as somebody with a login to the database might."""
    with workspace.store.write(workspace.me, action, workspace.me, command=command(workspace)) as write:
        write.add(*facts, *signed)


def roles(desk, name):
    with desk.workspace.store.read() as reader:
        return people.roles_of(reader, desk.people[name], desk.workspace.store.clock())


def granted(desk, name="Dev Patel", role=Role.MODEL_RISK):
    store = desk.workspace.store
    return RoleGranted(id=store.new_id(), person=desk.people[name], role=role, valid_from=store.clock())


def wrong(desk):
    return [p.sentence for p in audit.verify(desk.workspace).problems]


def last(desk, cls):
    with desk.workspace.store.read() as reader:
        return reader.all(cls)[-1].record


def test_a_registry_as_it_was_made_is_in_order(desk):
    assert wrong(desk) == []
    with desk.workspace.store.read() as reader:
        signed = reader.all(Mandate)
        acts = [m.record.act for m in signed]
    assert acts == ["registry.founded", "policy.published", *["person.enrolled"] * 5]
    assert signed[0].seq == 1


def test_a_role_that_nobody_signed_for_is_held_by_nobody(desk):
    forge(desk.as_("Dev Patel"), granted(desk))
    assert roles(desk, "Dev Patel") == {Role.DEVELOPER}
    assert wrong(desk) == ["role.granted 7 is not signed by anybody who may: nobody signed for it"]


def signature(desk, name, *facts, act="role.granted", registry=None):
    """A mandate as the program makes it, by somebody who may have no authority."""
    from desktop_app.domain import mandate
    from desktop_app.domain.approval import PAYLOAD_TYPE

    ws = desk.as_(name)
    key = ws.signer.key_of(ws.me).key_id
    with ws.store.read() as reader:
        seen = reader.head()
    payload = canonical.jcs(mandate.statement(
        act, ws.me, key, registry or ws.store.info.id, command(ws), f"{seen.seq}:{seen.hash}", ws.store.clock(), facts))
    return Mandate(id=ws.store.new_id(), person=ws.me, key_id=key, act=act,
                   envelope=ws.signer.seal(ws.me, PAYLOAD_TYPE, payload, PASSPHRASE),
                   statement_digest=canonical.sha256(payload))


@pytest.mark.parametrize(("by", "recorded_by", "change", "sentence"), [
    ("Dev Patel", "Dev Patel", {}, "who signed for it had no authority to"),
    ("Rita Risk", "Rita Risk", {}, "who signed for it had no authority to"),  # policies she may sign for, roles not
    ("Ann Admin", "Dev Patel", {}, "it was recorded by somebody else than who signed for it"),
    ("Ann Admin", "Ann Admin", {"act": "role.revoked"}, "what was signed for it names another act"),
    ("Ann Admin", "Ann Admin", {"statement_digest": "0" * 64}, "what was signed for it names another digest"),
    ("Ann Admin", "Ann Admin", {"key_id": "0" * 16}, "what was signed for it does not hold: the key is not that"),
    ("Ann Admin", "Ann Admin", {"envelope": "{}"}, "what was signed for it does not hold: "),
])
def test_a_signature_without_the_authority_is_none(desk, by, recorded_by, change, sentence):
    fact = granted(desk)
    forge(desk.as_(recorded_by), fact, signed=[replace(signature(desk, by, fact), **change)])
    assert roles(desk, "Dev Patel") == {Role.DEVELOPER}
    assert any(f"not signed by anybody who may: {sentence}" in line for line in wrong(desk))


def test_a_signature_for_another_registry_or_another_grant_is_none(desk):
    mine, other = granted(desk), granted(desk, role=Role.COMPLIANCE)
    forge(desk.as_("Ann Admin"), mine, signed=[signature(desk, "Ann Admin", mine, registry="another")])
    forge(desk.as_("Ann Admin"), other, signed=[signature(desk, "Ann Admin", mine)])
    assert roles(desk, "Dev Patel") == {Role.DEVELOPER}
    assert [line.split(": ")[1] for line in wrong(desk) if "not signed" in line] == [
        "what was signed for it names another registry", "what was signed for it names another record"]


def test_a_role_granted_to_oneself_does_not_answer_for_itself(desk):
    fact = granted(desk, role=Role.ADMINISTRATOR)
    forge(desk.as_("Dev Patel"), fact, signed=[signature(desk, "Dev Patel", fact)])
    assert roles(desk, "Dev Patel") == {Role.DEVELOPER}


def test_an_administrator_whose_role_had_ended_signs_for_nobody(desk):
    admin = desk.as_("Ann Admin")
    people.grant(admin, desk.people["Val Idris"], Role.ADMINISTRATOR, PASSPHRASE)
    people.revoke(desk.as_("Val Idris"), admin.me, Role.ADMINISTRATOR, "left", PASSPHRASE)
    fact = granted(desk)
    forge(admin, fact, signed=[signature(desk, "Ann Admin", fact)])
    assert roles(desk, "Dev Patel") == {Role.DEVELOPER}
    assert roles(desk, "Rita Risk") == {Role.MODEL_RISK}  # what she signed for before stays


def test_a_role_that_nobody_ended_is_still_held(desk):
    with desk.workspace.store.read() as reader:
        held = reader.all(RoleGranted, desk.people["Rita Risk"])[0].record
    forge(desk.as_("Dev Patel"), RoleRevoked(id=desk.workspace.store.new_id(), grant=held.id, person=held.person,
                                             role=held.role, reason="mischief"), action="role.revoked")
    assert roles(desk, "Rita Risk") == {Role.MODEL_RISK}
    assert "role.revoked 1 is not signed by anybody who may: nobody signed for it" in wrong(desk)


def test_a_key_that_nobody_signed_for_signs_nothing(desk, tmp_path):
    dev = desk.as_("Dev Patel")
    rogue = Signer(tmp_path / "rogue", dev.store.info.id, NoSecretStore(), CHEAP)
    key = rogue.make(desk.people["Rita Risk"], PASSPHRASE).public()
    forge(dev, KeyEnrolled(id=dev.store.new_id(), person=desk.people["Rita Risk"], key_id=key.key_id,
                           algorithm="ed25519", public_key=key.public_key, factors=key.factors, proof=key.proof),
          action="person.enrolled")
    rita = replace(desk.as_("Rita Risk"), signer=rogue)
    text = canonical.plain(last(desk, Policy)) | {"version": "lax"}
    for name in ("kind", "v", "id", "policy", "effective_from"):
        text.pop(name)
    with pytest.raises(Refused, match="not enrolled in this registry"):
        policies.publish(rita, text, PASSPHRASE)
    assert any("not signed by anybody" in line for line in wrong(desk))


def test_a_policy_that_nobody_signed_for_decides_nothing(desk):
    lax = replace(last(desk, Policy), id=desk.workspace.store.new_id(), version="lax")
    forge(desk.as_("Dev Patel"), lax, action="policy.published")
    with desk.workspace.store.read() as reader, pytest.raises(Refused, match="not published by anybody who may"):
        policies.current(reader)


def elsewhere_of(admin, tmp_path):
    """Somebody's own machine: none of the keys here."""
    return replace(admin, actor=None, signer=Signer(tmp_path / "laptop", admin.store.info.id, NoSecretStore(), CHEAP))


def test_a_key_made_on_the_holders_own_machine_is_enrolled_from_its_request(desk, tmp_path):
    admin = desk.as_("Ann Admin")
    elsewhere = elsewhere_of(admin, tmp_path)
    asked = people.request_key(elsewhere, "Nora New", "three words more", tmp_path / "nora.json")
    added = people.enrol_request(admin, people.read_request(tmp_path / "nora.json"), (Role.ADMINISTRATOR,), PASSPHRASE)
    assert (added.id, added.key_id, added.key_here) == (asked.person, asked.key.key_id, False)
    nora = elsewhere.acting_as(added.id)
    people.grant(nora, desk.people["Dev Patel"], Role.AUDITOR, "three words more")
    assert wrong(desk) == []
    with pytest.raises(UserError, match="already enrolled"):
        people.enrol_request(admin, people.read_request(tmp_path / "nora.json"), (), PASSPHRASE)


def test_a_request_that_was_changed_on_its_way_is_refused(desk, tmp_path):
    admin = desk.as_("Ann Admin")
    elsewhere = elsewhere_of(admin, tmp_path)
    people.request_key(elsewhere, "Nora New", "three words more", tmp_path / "nora.json")
    said = (tmp_path / "nora.json").read_text()
    for changed in (said.replace('"person":"0', '"person":"1'), said[:-20], "", "[]"):
        (tmp_path / "changed.json").write_text(changed)
        with pytest.raises(UserError, match="request"):
            people.read_request(tmp_path / "changed.json")
    (tmp_path / "other.json").write_text(said.replace(admin.store.info.id, "0" * 36))
    with pytest.raises(UserError, match="changed on its way"):
        people.read_request(tmp_path / "other.json")


def test_a_renewed_key_takes_the_place_of_the_old_one(desk):
    val = desk.as_("Val Idris")
    before = val.signer.key_of(val.me)
    people.renew_key(val, PASSPHRASE, "some other words")
    after = val.signer.key_of(val.me)
    assert after.key_id != before.key_id
    assert next(p.key_id for p in people.listing(val) if p.id == val.me) == after.key_id
    people.renew_key(val, "some other words", PASSPHRASE)
    assert wrong(desk) == []
    with pytest.raises(Refused, match="passphrase is not right"):
        people.renew_key(val, "not the passphrase", "some other words")
    assert val.signer.key_of(val.me).path.exists()
    assert not list(val.signer.folder.glob("*.new"))


def test_a_key_that_was_enrolled_just_before_a_crash_is_found(desk, monkeypatch):
    from desktop_app.workspace import open_workspace

    val = desk.as_("Val Idris")
    monkeypatch.setattr(Signer, "adopt", lambda *_: None)  # the machine goes down
    people.renew_key(val, PASSPHRASE, "some other words")
    monkeypatch.undo()
    again = open_workspace(val.store.folder / "registry.assay", "Val Idris", keys=val.signer.folder,
                           secret_store=NoSecretStore(), clock=val.store.clock)
    people.renew_key(again, "some other words", PASSPHRASE)
    again.close()


def test_a_revoked_key_signs_nothing_more(desk):
    admin, rita = desk.as_("Ann Admin"), desk.as_("Rita Risk")
    key = rita.signer.key_of(rita.me).key_id
    with pytest.raises(Refused, match="role does not allow"):
        people.revoke_key(desk.as_("Dev Patel"), rita.me, key, "mischief", PASSPHRASE)
    people.revoke_key(admin, rita.me, key, "laptop lost", PASSPHRASE)
    with pytest.raises(Refused, match="was revoked"):
        people.renew_key(rita, PASSPHRASE, "some other words")
    with pytest.raises(UserError, match="not in use"):
        people.revoke_key(admin, rita.me, key, "again", PASSPHRASE)
    assert wrong(desk) == []


def test_the_last_administrators_key_stays(desk):
    admin = desk.as_("Ann Admin")
    with pytest.raises(Refused, match="last administrator"):
        people.revoke_key(admin, admin.me, admin.signer.key_of(admin.me).key_id, "lost", PASSPHRASE)


def test_a_failed_enrolment_leaves_no_key_behind(desk):
    admin = desk.as_("Ann Admin")
    before = sorted(admin.signer.folder.glob("*.key.json*"))
    with pytest.raises(Refused, match="passphrase is not right"):
        people.enrol(admin, "Nora New", (), "three words more", "not the passphrase")
    assert sorted(admin.signer.folder.glob("*.key.json*")) == before


def test_what_was_signed_since_a_key_may_have_been_stolen_is_doubtful(desk):
    admin, rita = desk.as_("Ann Admin"), desk.as_("Rita Risk")
    text = canonical.plain(last(desk, Policy)) | {"version": "2027"}
    for name in ("kind", "v", "id", "policy", "effective_from"):
        text.pop(name)
    policies.publish(rita, text, PASSPHRASE)
    at = rita.store.clock()
    key = rita.signer.key_of(rita.me).key_id
    people.revoke_key(admin, rita.me, key, "stolen", PASSPHRASE, at - timedelta(hours=1))
    with admin.store.read() as reader:
        from desktop_app.operations import mandates

        standing = mandates.authority(reader, rita.me)
    assert "other hands" in standing.doubt(key, at)
    assert standing.doubt(key, at - timedelta(days=1)) == ""
    assert last(desk, KeyRevoked).compromised_since is not None


def test_something_that_was_signed_for_and_left_out_is_named(desk):
    here, left_out = granted(desk), granted(desk, role=Role.COMPLIANCE)
    forge(desk.as_("Ann Admin"), here, signed=[signature(desk, "Ann Admin", here, left_out)])
    assert wrong(desk) == ["something that was signed for in this entry is not there"]


def test_an_act_that_is_not_the_entrys_is_named(desk):
    fact = granted(desk)
    forge(desk.as_("Ann Admin"), fact, action="model.registered", signed=[signature(desk, "Ann Admin", fact)])
    assert wrong(desk) == ["what was signed for is role.granted, the entry says model.registered"]
