"""Keys on a token (SoftHSM): made there, enrolled, signed with, and everything that goes wrong with one."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from desktop_app.__main__ import main
from desktop_app.domain import canonical
from desktop_app.domain.mandate import Mandate
from desktop_app.domain.person import KeyEnrolled, Role
from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.operations import audit, gates, packs, people, recertification
from desktop_app.operations.people import OnToken
from desktop_app.registry.store import system_clock
from desktop_app.trust import algorithms, dsse, tokens
from desktop_app.trust.keys import NoSecretStore, TokenKey
from desktop_app.trust.signer import Signer
from tests import softhsm
from tests.desk import CHEAP, PASSPHRASE, make_desk
from tests.operations import decided
from tests.softhsm import PIN

pytestmark = pytest.mark.skipif(bool(softhsm.why_not()), reason=softhsm.why_not() or "-")


@pytest.fixture
def plugged(tmp_path_factory):
    made = softhsm.Tokens(tmp_path_factory.mktemp("softhsm"))
    made.plug("Nora's card")
    yield made
    made.close()


@pytest.fixture
def card(plugged):
    return OnToken(plugged.module, "Nora's card")


def on_own_machine(desk, tmp_path):
    """The workspace of somebody on a machine of their own."""
    from dataclasses import replace

    signer = Signer(tmp_path / "nora", desk.workspace.store.info.id, NoSecretStore(), CHEAP)
    return replace(desk.workspace, signer=signer, actor=None)


def enrolled(desk, tmp_path, card, *roles):
    """Nora, with a key on her token; her workspace."""
    hers = on_own_machine(desk, tmp_path)
    asked = people.request_key(hers, "Nora New", PIN, tmp_path / "nora.json", card)
    people.enrol_request(desk.as_("Ann Admin"), people.read_request(tmp_path / "nora.json"), roles, PASSPHRASE)
    return hers.acting_as(asked.person)


def objects(card):
    """How many keys the token holds."""
    with tokens._session(card, PIN) as (session, _):
        return len(list(session.get_objects()))


def last(desk, kind):
    with desk.workspace.store.read() as reader:
        return reader.all(kind)[-1].record


@pytest.mark.parametrize("algorithm", ["ecdsa-p256-sha256", "ed25519"])
def test_a_key_on_a_token_is_enrolled_and_signs(desk, tmp_path, card, algorithm):
    nora = enrolled(desk, tmp_path, OnToken(card.module, card.label, algorithm=algorithm), Role.ADMINISTRATOR)
    key = last(desk, KeyEnrolled)
    assert (key.algorithm, key.factors, len(base64.b64decode(key.public_key))) == (
        algorithm, "token and PIN", 65 if algorithm != "ed25519" else 32)
    people.grant(nora, desk.people["Val Idris"], Role.AUDITOR, PIN)
    assert last(desk, Mandate).key_id == key.key_id
    assert audit.verify(desk.as_("Ann Admin")).ok
    text = nora.signer.key_of(nora.me).path.read_text()
    assert PIN not in text
    assert json.loads(text)["kind"] == "token"


def test_the_signature_of_a_token_is_good_for_another_library_too(desk, tmp_path, card):
    nora = enrolled(desk, tmp_path, card, Role.ADMINISTRATOR)
    people.grant(nora, desk.people["Val Idris"], Role.AUDITOR, PIN)
    envelope, key = json.loads(last(desk, Mandate).envelope), last(desk, KeyEnrolled)
    payload = base64.b64decode(envelope["payload"])
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.b64decode(key.public_key)).verify(
        base64.b64decode(envelope["signatures"][0]["sig"]), dsse.pae(envelope["payloadType"], payload),
        ec.ECDSA(hashes.SHA256()))


def test_the_algorithm_comes_from_the_enrolment_and_from_nothing_else(tmp_path, card):
    signer = Signer(tmp_path, "r", NoSecretStore(), CHEAP)
    made = signer.make("p", PIN, token=card)
    envelope = signer.seal("p", "t", b"{}", PIN)
    assert dsse.open_envelope(envelope, "t", {made.file.key_id: made.public_key}, "ecdsa-p256-sha256").payload == b"{}"
    for other in ("ed25519", "none", "", "ecdsa-p256-sha384", "ECDSA-P256-SHA256"):
        with pytest.raises(dsse.BadEnvelope, match="does not fit"):
            dsse.open_envelope(envelope, "t", {made.file.key_id: made.public_key}, other)


def test_one_signature_has_one_writing(tmp_path, card):
    signer = Signer(tmp_path, "r", NoSecretStore(), CHEAP)
    made = signer.make("p", PIN, token=card)
    order = algorithms._ORDER
    for n in range(8):  # half of what a token gives has s in the upper half
        (signature,) = json.loads(signer.seal("p", "t", canonical.jcs({"n": n}), PIN))["signatures"]
        r, s = algorithms.decode_dss_signature(base64.b64decode(signature["sig"]))
        assert s <= order // 2
        message = dsse.pae("t", canonical.jcs({"n": n}))
        assert algorithms.verified("ecdsa-p256-sha256", made.public_key, base64.b64decode(signature["sig"]), message)
        other = algorithms.encode_dss_signature(r, order - s)
        made_public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), made.public_key)
        made_public.verify(other, message, ec.ECDSA(hashes.SHA256()))  # as good to mathematics
        assert not algorithms.verified("ecdsa-p256-sha256", made.public_key, other, message)


def test_a_key_that_is_there_already_may_be_taken(desk, tmp_path, card):
    made, public = tokens.generate(card, PIN)
    nora = enrolled(desk, tmp_path, OnToken(card.module, card.label, key=made.key))
    assert base64.b64decode(last(desk, KeyEnrolled).public_key) == public
    nora.signer.check(nora.me, PIN)
    assert objects(card) == 2  # the pair, once


def test_an_id_that_is_none_is_said(card):
    with pytest.raises(UserError, match="cannot be read"):
        tokens.existing(OnToken(card.module, card.label, key="xyz"), PIN)
    with pytest.raises(Refused, match="key is not on this token"):
        tokens.existing(OnToken(card.module, card.label, key="01ab"), PIN)


def test_renewed_from_a_file_to_a_token_and_back(desk, card):
    val = desk.as_("Val Idris")
    people.renew_key(val, PASSPHRASE, PIN, card)
    assert isinstance(val.signer.key_of(val.me), TokenKey)
    people.renew_key(val, PIN, "some other words")
    val.signer.check(val.me, "some other words")
    assert audit.verify(desk.as_("Ann Admin")).ok


def test_a_promotion_approved_with_a_token_passes_the_gate_and_its_paper_verifies(tmp_path, plugged, monkeypatch):
    plugged.plug("Rita's card", PASSPHRASE)
    sign = decided.sign

    def with_token(desk, name, request, meaning, **more):
        if name == "Rita Risk":
            people.renew_key(desk.as_(name), PASSPHRASE, PASSPHRASE, OnToken(plugged.module, "Rita's card"))
        return sign(desk, name, request, meaning, **more)

    monkeypatch.setattr(decided, "sign", with_token)
    made = decided.make_decided(tmp_path)
    desk = made.desk
    assert last(desk, KeyEnrolled).algorithm == "ecdsa-p256-sha256"
    assert gates.gate(desk.as_("Ann Admin"), desk.version, desk.use).allowed
    packs.export(desk.as_("Olga Owner"), made.request, tmp_path / "pack.pdf")
    for workspace in (None, desk.as_("Ann Admin")):
        assert packs.verify(workspace, tmp_path / "pack.pdf").ok
    assert audit.verify(desk.as_("Ann Admin")).ok
    desk.workspace.close()


# ---- what goes wrong


def untouched(desk, do, error, match):
    head = audit.head_seq(desk.workspace)
    with pytest.raises(error, match=match) as refused:
        do()
    assert audit.head_seq(desk.workspace) == head
    return str(refused.value)


def test_a_wrong_pin_is_said_with_what_the_token_says_of_tries(desk, tmp_path, card):
    nora = enrolled(desk, tmp_path, card, Role.ADMINISTRATOR)
    val = desk.people["Val Idris"]
    said = untouched(desk, lambda: people.grant(nora, val, Role.AUDITOR, "999999"), Refused, "PIN of the token is not")
    assert "does not say how many" in said  # SoftHSM sets CKF_USER_PIN_COUNT_LOW after a wrong one
    untouched(desk, lambda: people.grant(nora, val, Role.AUDITOR, "1"), Refused, "PIN of the token is not right")
    untouched(desk, lambda: people.grant(nora, val, Role.AUDITOR, ""), UserError, "PIN of the token is missing")
    people.grant(nora, val, Role.AUDITOR, PIN)
    assert not list(nora.signer.folder.glob("*.tries"))  # the token counts


def test_a_token_pulled_out_before_or_while_it_signs(desk, tmp_path, card, plugged):
    nora = enrolled(desk, tmp_path, card, Role.ADMINISTRATOR)
    val, key = desk.people["Val Idris"], nora.signer.key_of(nora.me)
    with key.signing(PIN, NoSecretStore(), None) as sign:
        assert sign(b"before")
        plugged.pull(seen=False)
        with pytest.raises(Unreachable, match="went away or stopped"):
            sign(b"after")
    plugged.look_again()
    said = untouched(desk, lambda: people.grant(nora, val, Role.AUDITOR, PIN), Unreachable, "token is not there")
    assert "Nora's card" in said


def test_another_token_of_the_same_name_is_not_taken(desk, tmp_path, card, plugged):
    nora = enrolled(desk, tmp_path, card, Role.ADMINISTRATOR)
    plugged.pull()
    plugged.plug("Nora's card")
    untouched(desk, lambda: people.grant(nora, desk.people["Val Idris"], Role.AUDITOR, PIN),
              Unreachable, "token is not there")


def test_a_key_taken_off_the_token(desk, tmp_path, card):
    nora = enrolled(desk, tmp_path, card, Role.ADMINISTRATOR)
    tokens.remove(nora.signer.key_of(nora.me).place, PIN)
    untouched(desk, lambda: people.grant(nora, desk.people["Val Idris"], Role.AUDITOR, PIN),
              Refused, "key is not on this token")


def test_a_pointer_to_another_key_is_noticed(desk, tmp_path, card):
    nora = enrolled(desk, tmp_path, card, Role.ADMINISTRATOR)
    other, _ = tokens.generate(card, PIN)
    path = nora.signer.key_of(nora.me).path
    path.write_text(json.dumps(json.loads(path.read_text()) | {"object": other.key}))
    untouched(desk, lambda: people.grant(nora, desk.people["Val Idris"], Role.AUDITOR, PIN),
              Refused, "another key than the one enrolled")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"public": base64.b64encode(b"x" * 65).decode()}))
    with pytest.raises(UserError, match="damaged or not of this program"):
        nora.signer.keys()


def test_no_module_or_another_file(tmp_path, card):
    signer = Signer(tmp_path, "r", NoSecretStore(), CHEAP)
    with pytest.raises(UserError, match="no PKCS#11 module here"):
        signer.make("p", PIN, token=OnToken(str(tmp_path / "nothing.so"), ""))
    (tmp_path / "text.so").write_text("not a library")
    with pytest.raises(UserError, match="not a PKCS#11 module"):
        signer.make("p", PIN, token=OnToken(str(tmp_path / "text.so"), ""))
    with pytest.raises(Unreachable, match="token is not there") as refused:
        signer.make("p", PIN, token=OnToken(card.module, "Somebody's"))
    assert "Found: “Nora's card”" in refused.value.detail
    assert not signer.keys()


def test_of_two_tokens_one_is_named(tmp_path, card, plugged):
    plugged.plug("Another")
    with pytest.raises(UserError, match="Which token"):
        Signer(tmp_path, "r", NoSecretStore(), CHEAP).make("p", PIN, token=OnToken(card.module, ""))


def test_without_the_library_it_says_what_to_install(tmp_path, card, monkeypatch):
    signer = Signer(tmp_path, "r", NoSecretStore(), CHEAP)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pkcs11", None)
        with pytest.raises(UserError, match="not installed") as refused:
            signer.make("p", PIN, token=card)
    assert "assaydesk[token]" in refused.value.remedy


def test_locked_and_other_states_in_words(card):
    from pkcs11 import exceptions

    def said(name, flags=0):
        return str(tokens._in_words(getattr(exceptions, name)(), card, flags))

    assert "locked" in said("PinLocked")
    assert "PUK" in said("PinLocked")
    assert "locked" in said("PinIncorrect", tokens._flag("USER_PIN_LOCKED"))
    assert "One more wrong PIN locks" in said("PinIncorrect", tokens._flag("USER_PIN_FINAL_TRY"))
    assert "tries" not in said("PinIncorrect")
    assert "must be changed" in said("PinExpired")
    assert "another program" in said("UserAlreadyLoggedIn")
    assert "went away" in said("DeviceRemoved")
    for name in ("PinLocked", "PinIncorrect", "PinExpired", "DeviceRemoved", "GeneralError"):
        assert "Nothing was signed" in said(name)


def test_a_failed_request_or_renewal_leaves_no_key_on_the_token(desk, tmp_path, card, monkeypatch):
    hers = on_own_machine(desk, tmp_path)
    with pytest.raises(Unreachable):
        people.request_key(hers, "Nora New", PIN, tmp_path / "no folder" / "nora.json", card)
    val = desk.as_("Val Idris")
    with pytest.raises(Refused, match="passphrase is not right"):
        people.renew_key(val, "not the passphrase", PIN, card)
    assert objects(card) == 0
    assert not hers.signer.keys()
    val.signer.check(val.me, PASSPHRASE)


def test_by_command_line(tmp_path, plugged, monkeypatch, capsys):
    desk = make_desk(tmp_path, now=system_clock)
    monkeypatch.setenv("ASSAYDESK_REGISTRY", str(tmp_path / "registry.assay"))
    monkeypatch.setenv("ASSAYDESK_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("ASSAYDESK_NEW_PASSPHRASE", PIN)
    before = desk.as_("Val Idris").signer.key_of(desk.people["Val Idris"]).key_id
    desk.workspace.close()
    (tmp_path / "keys" / "no-keyring").touch()
    assert main(["--as", "Val Idris", "people", "renew-key", "--token", plugged.module, "--slot", "Nora's card"]) == 0
    assert before in capsys.readouterr().out
    monkeypatch.setenv("ASSAYDESK_PASSPHRASE", "999999")
    monkeypatch.setenv("ASSAYDESK_NEW_PASSPHRASE", "some other words")
    assert main(["--as", "Val Idris", "people", "renew-key"]) == 1
    assert "The PIN of the token is not right." in capsys.readouterr().err
    assert main(["people", "request-key", "Nora New", "--out", str(tmp_path / "n.json"), "--token", "/nowhere.so"]) == 2
    assert "no PKCS#11 module" in capsys.readouterr().err


def test_the_stand_alone_verifier_reads_tokens_and_recertifications(tmp_path, plugged):
    plugged.plug("Val's card", PASSPHRASE)
    desk = make_desk(tmp_path)
    people.grant(desk.as_("Ann Admin"), desk.people["Val Idris"], Role.ADMINISTRATOR, PASSPHRASE)
    people.renew_key(desk.as_("Val Idris"), PASSPHRASE, PASSPHRASE, OnToken(plugged.module, "Val's card"))
    val = desk.as_("Val Idris")
    recertification.open_campaign(val, date(2026, 12, 31), (Role.DEVELOPER, Role.MODEL_RISK), PASSPHRASE)
    for name, keep, by in (("Dev Patel", False, val), ("Rita Risk", True, desk.as_("Ann Admin"))):
        (campaign,) = recertification.listing(val)
        grant = next(g.grant for g in campaign.grants if g.name == name)
        said = recertification.Answer(grant=grant, keep=keep, reason="left")
        recertification.answer(by, campaign.id, (said,), PASSPHRASE)
    recertification.close(desk.as_("Rita Risk"), campaign.id, PASSPHRASE)
    desk.workspace.close()
    verifier = Path(__file__).parents[2] / "packaging" / "verifier" / "verify_registry.py"
    done = subprocess.run([sys.executable, str(verifier), str(tmp_path / "registry.assay")], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
