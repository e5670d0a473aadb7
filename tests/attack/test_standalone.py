"""The stand-alone verifier (packaging/verifier) beside the product's own: both in order, or both with a mismatch.

It runs as an auditor runs it: a process of its own, isolated, that knows nothing of this program.
"""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from desktop_app.domain import approval, basis, canonical
from desktop_app.domain.approval import ChangeClass, PriorDecision, PromotionClosed, PromotionRequest
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dossier import Check, CheckState, Dossier
from desktop_app.domain.finding import Severity
from desktop_app.domain.person import KeyRevoked, Role, RoleGranted, RoleRevoked
from desktop_app.domain.policy import Meaning, Policy
from desktop_app.domain.registry import RegistryRestored
from desktop_app.operations import (
    approvals,
    audit,
    cards,
    checkpoints,
    dossiers,
    evidence,
    findings,
    mandates,
    models,
    people,
    policies,
    prior_decisions,
    signing,
)
from desktop_app.trust.checkpoint import Checkpoint
from desktop_app.trust.installation import Installation
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import open_workspace
from tests.attack import tampering
from tests.desk import PASSPHRASE, START
from tests.operations import test_audit as product
from tests.operations.decided import CONDITION, make_decided, sign, two_decide
from tests.operations.test_audit import edit_body, rewrite

VERIFIER = Path(__file__).parents[2] / "packaging" / "verifier" / "verify_registry.py"


def standalone(source, *arguments):
    """(exit code, report) of the verifier, or (2, what it said)."""
    done = subprocess.run([sys.executable, "-I", VERIFIER, source, "--json", *arguments], capture_output=True,
                          text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def found(report):
    """(check, entry) of every mismatch."""
    return {(c["number"], m["entry"]) for c in report["checks"] for m in c["mismatches"]}


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    made = make_decided(tmp_path_factory.mktemp("decided"))
    yield made
    made.desk.workspace.close()


@pytest.fixture(scope="module")
def exported(decided, tmp_path_factory):
    """An export of a copy: it is a fact, which the registry that is attacked need not hold."""
    folder = tmp_path_factory.mktemp("exported")
    copy = shutil.copy(decided.path, folder / "copy.assay")
    workspace = open_workspace(str(copy), decided.desk.people["Ann Admin"], keys=decided.path.parent / "keys",
                               secret_store=NoSecretStore())
    audit.export(workspace, folder / "log.jsonl")
    workspace.close()
    return folder / "log.jsonl"


@pytest.fixture
def copy(decided, tmp_path):
    return shutil.copy(decided.path, tmp_path / "copy.assay")


@pytest.fixture
def raw(copy):
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = OFF")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


# ---- honest registries


def test_it_needs_nothing_but_the_standard_library_and_cryptography():
    names = set()
    for node in ast.walk(ast.parse(VERIFIER.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module).partition(".")[0])
        else:
            assert getattr(getattr(node, "func", None), "id", "") not in ("__import__", "eval", "exec")
    assert "importlib" not in names
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def test_both_find_an_honest_registry_in_order(decided):
    theirs = audit.recompute(decided.desk.workspace)
    code, report = standalone(decided.path)
    assert (code, found(report), theirs.ok) == (0, set(), True)
    assert (report["entries"], report["head"], report["root"]) == (theirs.entries, theirs.head, theirs.root)
    stages = {(s["version"], s["use"]): (s["stage"], s["basis"]) for s in report["stages"]}
    assert stages[decided.desk.version, decided.desk.use] == ("production", "signed")
    assert sorted(stages.values()) == [("production", "prior decision"), ("production", "signed")]


def test_an_export_says_the_same_without_lists_and_documents(decided, exported):
    code, report = standalone(exported)
    _, whole = standalone(decided.path)
    assert (code, report["stages"], report["root"]) == (0, whole["stages"], whole["root"])
    assert {c["number"] for c in report["checks"] if c["result"].startswith("not checked")} == {8, 12, 14}


def test_it_is_read_only_and_speaks_to_people(decided):
    before = decided.path.read_bytes()
    done = subprocess.run([sys.executable, "-I", VERIFIER, decided.path], capture_output=True, text=True, check=True)
    assert "In order." in done.stdout
    assert "trust begins with entry 1" in done.stdout
    assert decided.path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\n", b"hello\n", b"[]\n", b'{"seq":1}\n', b"\xff\xfe",
                                     b"SQLite format 3\x00..."])
def test_what_is_no_registry_is_said_to_be_none(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    code, said = standalone(tmp_path / "x")
    assert code == 2, said
    assert standalone(tmp_path / "nothing")[0] == 2


# ---- an honest registry in which much happened


@pytest.fixture
def lively(tmp_path):
    """Roles that ended, keys that were renewed and revoked, requests withdrawn, rejected and returned."""
    made = make_decided(tmp_path)
    yield made
    made.desk.workspace.close()


def asked(desk, version):
    return approvals.request(desk.as_("Dev Patel"), version, desk.use, rationale="Once more", to_stage="production",
                             change_class=ChangeClass.MINOR)


def test_what_people_may_do_is_in_order(lively, tmp_path):
    desk = lively.desk
    admin, dev = desk.as_("Ann Admin"), desk.as_("Dev Patel")
    more = [models.add_version(dev, desk.model, label, developers=(dev.me,)) for label in ("2", "3", "4", "5")]
    paper = tmp_path / "development.txt"
    for version in more:
        cards.save(dev, version, {"summary": "Another"}, seen=0)
        evidence.file_document(dev, version, paper, checklist="development")
    approvals.withdraw(dev, asked(desk, more[0]), "Too early")
    for meaning in (Meaning.REJECT, Meaning.RETURN):
        sign(desk, "Rita Risk", asked(desk, more[1]), meaning, comment="No")
    second = people.enrol(admin, "Otto Other", (Role.MODEL_RISK, Role.ADMINISTRATOR), PASSPHRASE, PASSPHRASE).id
    desk.people["Otto Other"] = second
    people.renew_key(desk.as_("Cora Compliance"), PASSPHRASE, PASSPHRASE)
    waits = asked(desk, more[2])
    sign(desk, "Rita Risk", waits, Meaning.RECUSE, comment="A friend's")
    sign(desk, "Cora Compliance", waits, Meaning.CONCUR)
    sign(desk, "Otto Other", waits, Meaning.APPROVE)
    people.revoke(admin, desk.people["Rita Risk"], Role.MODEL_RISK, "left", PASSPHRASE)
    key = desk.workspace.signer.key_of(desk.people["Val Idris"]).key_id
    people.revoke_key(admin, desk.people["Val Idris"], key, "lost", PASSPHRASE, compromised_since=START)
    people.grant(desk.as_("Otto Other"), desk.people["Olga Owner"], Role.AUDITOR, PASSPHRASE,
                 valid_to=START + timedelta(days=9))
    policies.publish(desk.as_("Otto Other"), two_decide() | {"version": "third"}, PASSPHRASE)
    theirs = audit.recompute(desk.workspace)
    code, report = standalone(lively.path)
    assert (theirs.problems, code, found(report)) == ((), 0, set())
    now = {s["version"]: s["stage"] for s in report["stages"]}
    assert (now[more[2]], more[1] in now) == ("production", False)


def test_a_key_that_was_in_other_hands_is_a_doubt_also_of_what_it_mandated(lively):
    desk = lively.desk
    people.enrol(desk.as_("Ann Admin"), "Otto Other", (Role.ADMINISTRATOR,), PASSPHRASE, PASSPHRASE)
    desk.people["Otto Other"] = next(p.id for p in people.listing(desk.workspace) if p.name == "Otto Other")
    key = desk.workspace.signer.key_of(desk.people["Ann Admin"]).key_id
    people.revoke_key(desk.as_("Otto Other"), desk.people["Ann Admin"], key, "stolen", PASSPHRASE,
                      compromised_since=START)
    code, report = standalone(lively.path)
    assert code == 0
    theirs = audit.recompute(desk.workspace)
    assert theirs.ok
    for said in (report["not_checked"], theirs.not_checked):
        assert any(line.startswith("whether the mandate in entry 2 is its signer's") for line in said)


def test_both_doubt_a_prior_decision_recorded_with_a_key_in_other_hands(lively):
    desk = lively.desk
    rita = desk.people["Rita Risk"]
    key = desk.workspace.signer.key_of(rita).key_id
    people.revoke_key(desk.as_("Ann Admin"), rita, key, "stolen", PASSPHRASE, compromised_since=START)
    prior = next(f for f in facts_at(desk.workspace, PriorDecision))
    code, report = standalone(lively.path)
    theirs = audit.recompute(desk.workspace)
    assert (code, theirs.ok) == (0, True)
    assert any(f"the prior_decision in entry {prior.seq} " in line for line in report["not_checked"])
    assert any(f"the prior decision in entry {prior.seq} " in line for line in theirs.not_checked)


# ---- attacks that both must name


@pytest.mark.parametrize("name", sorted(product.ATTACKS.keys() - product.LISTS.keys()))
def test_both_find_a_mismatch_where_the_registry_was_tampered_with(raw, copy, tmp_path, name):
    attack, _ = product.ATTACKS[name]
    seq = attack(raw)
    theirs = product.verify(copy, tmp_path)
    code, report = standalone(copy)
    assert (theirs.ok, code) == (False, 1)
    assert seq is None or seq in {entry for _, entry in found(report)}, report["checks"]


def lines_of(exported):
    return [json.loads(line) for line in exported.read_text("utf-8").splitlines()]


def an_edited_fact(lines):
    lines[12]["facts"][0] = lines[12]["facts"][0].replace("Scores", "Scored")


def a_fact_left_out(lines):
    lines[6]["facts"].pop()


def a_fact_too_many(lines):
    lines[6]["facts"].append(lines[5]["facts"][0])


def an_entry_left_out(lines):
    del lines[9]


def entries_swapped(lines):
    lines[9], lines[10] = lines[10], lines[9]


def an_edited_note(lines):
    lines[3]["body"] = lines[3]["body"].replace("Enrolled", "enrolled")


def another_time(lines):
    lines[3]["at"] = lines[3]["at"].replace("2026", "2025")


@pytest.mark.parametrize("attack", [an_edited_fact, a_fact_left_out, a_fact_too_many, an_entry_left_out,
                                    entries_swapped, an_edited_note, another_time], ids=lambda a: a.__name__)
def test_an_export_that_was_edited_is_named(exported, tmp_path, attack):
    lines = lines_of(exported)
    attack(lines)
    edited = tmp_path / "edited.jsonl"
    edited.write_text("".join(canonical.jcs(line).decode() + "\n" for line in lines), encoding="utf-8")
    assert edited.read_bytes() != exported.read_bytes()
    assert standalone(edited)[0] == 1


# ---- checkpoints


@pytest.fixture
def kept(decided, tmp_path):
    """(a checkpoint, a proof of entry 5, the line of the key) as an auditor was given them."""
    workspace = replace(decided.desk.workspace, installation=Installation(tmp_path / "mine", NoSecretStore()))
    files = tmp_path / "given.checkpoint", tmp_path / "five.proof"
    made = checkpoints.checkpoint(workspace)
    files[0].write_text(workspace.installation.cosign(made, START).note.write(), encoding="utf-8")
    files[1].write_text(checkpoints.prove(workspace, 5).write(), encoding="utf-8")
    return *files, workspace.installation.key().line


def test_a_checkpoint_and_a_proof_hold(kept, copy, exported):
    given = ("--checkpoint", kept[0], "--checkpoint", kept[1])
    for source in (copy, exported):
        assert standalone(source, *given, "--key", kept[2])[0] == 0
        code, report = standalone(source, *given)
        assert (code, sum("no key was given" in line for line in report["not_checked"])) == (0, 2)


@pytest.mark.parametrize("attack", [tampering.tail_cut, tampering.rechained_before_a_signature],
                         ids=lambda a: a.__name__)
def test_a_log_cut_or_rewritten_is_not_that_of_the_checkpoint(kept, copy, attack):
    place = tampering.File(str(copy))
    place.unguard()
    attack(place)
    place.close()
    for file in kept[:2]:
        code, report = standalone(copy, "--checkpoint", file, "--key", kept[2])
        assert (code, (13, 0) in found(report)) == (1, True)


def with_line(number, change):
    """The text with one of its lines changed."""
    def changed(text):
        lines = text.split("\n")
        lines[number] = change(lines[number])
        return "\n".join(lines)
    return changed


ZEROS = "A" * 43 + "="


def cut(signature):
    return signature[:-8] + "AAAAAAA="


@pytest.mark.parametrize(("which", "change"), [
    (0, with_line(1, lambda s: str(int(s) - 1))), (0, with_line(2, lambda _: ZEROS)),
    (0, with_line(0, lambda s: s + "x")),
    (0, with_line(4, cut)), (0, with_line(5, cut)), (0, lambda t: t.partition("\n\n")[0] + "\n\n"),
    (0, lambda _: "nonsense"), (0, lambda _: ""), (1, with_line(2, lambda _: "index 5")),
    (1, with_line(3, lambda _: ZEROS)), (1, with_line(1, lambda _: "extra AAAA")),
    (1, with_line(2, lambda _: "index 999")),
    (1, with_line(2, lambda _: "index -1")),
])
def test_a_checkpoint_that_was_changed_is_named(kept, copy, which, change):
    text = kept[which].read_text("utf-8")
    assert change(text) != text
    kept[which].write_text(change(text), encoding="utf-8")
    code, report = standalone(copy, "--checkpoint", kept[which], "--key", kept[2])
    assert (code, found(report)) == (1, {(13, 0)})


def test_a_checkpoint_over_a_false_root_is_named_though_its_signature_is_good(decided, copy, tmp_path):
    own = Installation(tmp_path / "liar", NoSecretStore())
    lie = own.sign(Checkpoint.of(decided.desk.workspace.store.info.id, 5, bytes(32)))
    (tmp_path / "lie").write_text(lie.note.write(), encoding="utf-8")
    assert standalone(copy, "--checkpoint", tmp_path / "lie", "--key", own.key().line)[0] == 1


def test_checkpoints_and_keys_that_cannot_be_read(kept, copy, tmp_path):
    assert standalone(copy, "--checkpoint", tmp_path / "nothing")[0] == 2
    assert standalone(copy, "--checkpoint", kept[0], "--key", "nonsense")[0] == 2
    assert standalone(copy, "--checkpoint", kept[0], "--key", kept[2].replace("+", "+0", 1))[0] == 2


# ---- what whoever owns the file, or has a program of their own, could do after the last signature; each was first
# found here, in the reading of the format; the product's own verifier names each since


@pytest.fixture
def after(lively):
    """(desk, a function that gives the file past its guards, whose list is made again when the attack is done)."""
    opened = []

    def raw():
        if not opened:
            place = tampering.File(str(lively.path))
            place.unguard()
            opened.append(place.raw)
        return opened[0]

    yield lively.desk, raw
    for connection in opened:
        connection.close()


def facts_at(workspace, cls):
    with workspace.store.read() as reader:
        return reader.all(cls)


def facts_of(workspace, cls):
    return [f.record for f in facts_at(workspace, cls)]


def edit_last(raw, **changes):
    """Other words in the body of the last entry, and in the columns beside it."""
    row = raw.execute("SELECT * FROM entry ORDER BY seq DESC").fetchone()
    body = json.loads(row["body"]) | changes
    raw.execute("UPDATE entry SET body = ?, action = ? WHERE seq = ?",
                [canonical.encode(body).decode(), body["action"], row["seq"]])
    rewrite(raw)


def edit_newest(raw, kind, change):
    edit_body(raw, kind, change, fix_digest=True)
    rewrite(raw)


def record_prior(desk, name):
    version = models.add_version(desk.as_("Dev Patel"), desk.model, "old")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "require", lambda *_: None)
        patch.setattr(prior_decisions, "check_recordable", lambda *_: None)
        prior_decisions.record_prior(desk.as_(name), prior_decisions.Taken(
            version=version, use=desk.use, to_stage="production", decided_on=START.date(), decided_by="Board",
            outcome="approved_with_conditions", review_by=None, source="minutes", conditions=(CONDITION,)), PASSPHRASE)


def mandated(desk, *records):
    admin = desk.as_("Ann Admin")
    mandates.record(admin, "role.revoked", admin.me, list(records), PASSPHRASE, note="", check=lambda _: None)


def ended(desk, name, **changes):
    admin = desk.as_("Ann Admin")
    grant = next(g for g in facts_of(admin, RoleGranted) if g.person == desk.people["Rita Risk"])
    return RoleRevoked(id=admin.store.new_id(), grant=grant.id, person=desk.people[name], role=grant.role, reason="x")


def another_version(desk, folder):
    dev = desk.as_("Dev Patel")
    version = models.add_version(dev, desk.model, "9", developers=(dev.me,))
    cards.save(dev, version, {"summary": "Another"}, seen=0)
    evidence.file_document(dev, version, folder / "development.txt", checklist="development")
    return version


def forged(desk, version, who="Dev Patel", policy=None, **dossier):
    """A request with a dossier of the requester's own making."""
    workspace = desk.as_(who)
    store, request = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "promotion.requested", request) as write:
        now = dossiers.basis_now(workspace, write.reader, version, desk.use, "production")
        policy = policy or now.policy.record.id
        frozen = replace(dossiers.freeze(workspace, now), policy=policy, **dossier)
        write.add(frozen, PromotionRequest(
            id=request, model=desk.model, version=version, use=desk.use, from_stage=now.stage, to_stage="production",
            change_class=ChangeClass.NEW, rationale="x", dossier=frozen.id, dossier_digest=canonical.digest(frozen),
            policy=policy))
    return request


def conditions_of_a_prior_decision_dropped(desk, raw, folder):
    record_prior(desk, "Rita Risk")
    edit_newest(raw(), "prior_decision", lambda v: v.update(conditions=[]))


def a_prior_decision_by_somebody_without_a_role(desk, raw, folder):
    record_prior(desk, "Olga Owner")


def a_prior_decision_recorded_again(desk, raw, folder):
    rita = desk.as_("Rita Risk")
    with rita.store.write(rita.me, "decision.recorded", desk.version) as write:
        write.add(replace(facts_of(rita, PriorDecision)[0], id=rita.store.new_id()))


def a_revocation_taken_out_of_what_was_signed(desk, raw, folder):
    rita = desk.people["Rita Risk"]
    mandated(desk, ended(desk, "Rita Risk"), KeyRevoked(
        id=desk.workspace.store.new_id(), person=rita, reason="x", key_id=desk.workspace.signer.key_of(rita).key_id))
    raw().execute("DELETE FROM fact WHERE kind = 'role.revoked'")
    edit_last(raw(), kinds=["key.revoked", "mandate"])


def a_revocation_of_anothers_grant(desk, raw, folder):
    mandated(desk, ended(desk, "Val Idris"))


def a_restoration_from_nowhere(desk, raw, folder):
    mandated(desk, RegistryRestored(id=desk.workspace.store.new_id(), backup_seq=5, backup_hash=Digest("0" * 64),
                                    replaced_seq=0, replaced_hash="", file_sha256=Digest("0" * 64), reason="x"))


def an_act_that_was_not_signed(desk, raw, folder):
    mandated(desk, ended(desk, "Rita Risk"))
    edit_last(raw(), action="use.described")


def a_change_of_stage_left_out(desk, raw, folder):
    raw().execute("DELETE FROM fact WHERE kind = 'stage.changed'")
    edit_last(raw(), kinds=["promotion.signed_off"])


def an_entry_without_a_command(desk, raw, folder):
    raw().execute("UPDATE entry SET command = '' WHERE seq = (SELECT max(seq) FROM entry)")
    rewrite(raw())


def kinds_that_an_entry_does_not_hold(desk, raw, folder):
    edit_last(raw(), kinds=["poem"])


def a_fact_twice(desk, raw, folder):
    raw().executescript("CREATE TABLE loose AS SELECT * FROM fact; DROP TABLE fact; ALTER TABLE loose RENAME TO fact")
    raw().execute("INSERT INTO fact SELECT id, kind, 2, (SELECT max(seq) FROM entry), 2, digest, body FROM fact "
                  "WHERE kind = 'tier'")
    edit_last(raw(), kinds=["promotion.signed_off", "stage.changed", "tier"])


def another_text_as_what_was_signed(desk, raw, folder):
    text = {"ref": "other", "digest": hashlib.sha256(bytes(16) + b"I approve everything").hexdigest()}
    raw().execute("INSERT INTO identity VALUES ('other', ?, 'I approve everything')", [bytes(16).hex()])
    edit_newest(raw(), "promotion.signed_off", lambda v: v.update(text=text))


def another_name(desk, raw, folder):
    raw().execute("UPDATE identity SET text = 'Somebody Else' WHERE text = 'Val Idris'")


def a_request_closed_by_nobody(desk, raw, folder):
    dev, version = desk.as_("Dev Patel"), another_version(desk, folder)
    request = asked(desk, version)
    with dev.store.write(dev.me, "promotion.signed_off", request) as write:
        write.add(PromotionClosed(id=dev.store.new_id(), model=desk.model, version=version, request=request,
                                  outcome="rejected", reason="x"))


def a_dossier_of_a_lower_tier(desk, raw, folder):
    forged(desk, another_version(desk, folder), tier=4)


def a_dossier_that_leaves_out_a_finding(desk, raw, folder):
    version = another_version(desk, folder)
    findings.raise_finding(desk.as_("Val Idris"), version, title="Bad", description="x", severity=Severity.LOW)
    honest = facts_of(desk.workspace, Dossier)[0].members
    forged(desk, version, members=tuple(m for m in honest if m.role == "policy"))


def a_request_under_an_older_policy(desk, raw, folder):
    forged(desk, another_version(desk, folder), policy=facts_of(desk.workspace, Policy)[0].id)


def a_request_by_somebody_without_a_role(desk, raw, folder):
    forged(desk, another_version(desk, folder), who="Ann Admin")


def what_stands_in_the_way_approved(desk, raw, folder):
    check = Check(key="x", title="x", state=CheckState.BLOCKING, sentence="x")
    request = forged(desk, another_version(desk, folder), checks=(check,))
    with pytest.MonkeyPatch.context() as patch:
        for module in (approvals, signing):
            patch.setattr(module, "blocking_of", lambda *_: ())
        sign(desk, "Rita Risk", request, Meaning.APPROVE)


def an_approval_for_fifty_years(desk, raw, folder):
    request = asked(desk, another_version(desk, folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basis, "review_by", lambda *_: date(2076, 1, 1))
        sign(desk, "Rita Risk", request, Meaning.APPROVE)


def a_person_who_decides_twice(desk, raw, folder):
    request = asked(desk, another_version(desk, folder))
    sign(desk, "Rita Risk", request, Meaning.RECUSE)
    rule = approval.check_may_sign
    raw().execute("DROP INDEX signed_once")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(approval, "check_may_sign", lambda *a, **k: rule(*a[:4], False, *a[5:], **k))
        sign(desk, "Rita Risk", request, Meaning.APPROVE)


FIRST_FOUND_HERE = {  # the check that names it here · the product's own check, and what it says
    conditions_of_a_prior_decision_dropped: (10, 9, "under a prior decision: the statement says something else"),
    a_prior_decision_by_somebody_without_a_role: (11, 9, "whoever recorded it had no role to"),
    a_prior_decision_recorded_again: (10, 9, "is recorded again under the signature of entry"),
    a_revocation_taken_out_of_what_was_signed: (9, 9, "something that was signed for in this entry is not there"),
    a_revocation_of_anothers_grant: (9, 9, "the grant that it ends is not there, or is another's"),
    a_restoration_from_nowhere: (9, 9, "the backup that it was restored from is not what stands before it"),
    an_act_that_was_not_signed: (9, 9, "what was signed for is role.revoked, the entry says use.described"),
    a_change_of_stage_left_out: (11, 10, "the policy's quorum was met and the stage did not change"),
    an_entry_without_a_command: (10, 2, "its user or its command is not one line of text"),
    kinds_that_an_entry_does_not_hold: (6, 6, "the kinds of its facts are not those it names"),
    a_fact_twice: (6, 6, "tier 2 was recorded already, in entry"),
    another_text_as_what_was_signed: (9, 9, "the statement names another text"),
    another_name: (14, 14, "a name or text of it was changed"),
    a_request_closed_by_nobody: (11, 10, "the request was closed as rejected by nobody who could"),
    a_dossier_of_a_lower_tier: (11, 10, "the dossier names tier 4, the use had tier 3"),
    a_dossier_that_leaves_out_a_finding: (11, 10, "the dossier leaves out what was recorded then: Finding F-2 Bad"),
    a_request_under_an_older_policy: (11, 10, "the request names another policy than the one in force"),
    a_request_by_somebody_without_a_role: (11, 10, "whoever made the request had no role to"),
    what_stands_in_the_way_approved: (11, 10, "it was given though the policy did not allow it: x"),
    an_approval_for_fifty_years: (11, 10, "it holds until 1 Jan 2076, longer than the policy allows"),
    a_person_who_decides_twice: (11, 10, "somebody decided twice on one request"),
}


@pytest.mark.parametrize("attack", FIRST_FOUND_HERE, ids=lambda a: a.__name__)
def test_what_the_second_reading_of_the_format_found(after, lively, tmp_path, attack):
    desk, raw = after
    attack(desk, raw, tmp_path)
    here, number, sentence = FIRST_FOUND_HERE[attack]
    code, report = standalone(lively.path)
    assert code == 1
    checks = {check for check, _ in found(report)}
    assert here in checks, report["checks"]
    assert checks <= {here, 5, 12}, report["checks"]  # and nothing else, but for the lists beside
    problems = audit.recompute(desk.workspace).problems
    named = [p for p in problems if p.check.startswith(f"{number} ") and sentence in p.sentence]
    assert named, problems
    assert {p.seq for p in named} & {seq for check, seq in found(report) if check == here}  # at the same entry


@pytest.mark.parametrize("change", [
    {"version": {"developers": 5}}, {"version": {"run": [[]]}}, {"evidence": {"supersedes": {}}},
    {"finding": {"use": 1}}, {"promotion.requested": {"dossier": []}}, {"stage.changed": {"review_by": "soon"}},
    {"promotion.signed_off": {"text": {"ref": [], "digest": {}}}}, {"dossier": {"members": [1]}},
    {"person": {"name": None}}, {"prior_decision": {"envelope": "[" * 100_000}}, {"model": {"v": True}},
    {"card": {"x": "\ud800"}},
], ids=lambda c: ascii(c)[:60])
def test_it_stumbles_over_nothing_that_somebody_wrote(raw, copy, change):
    """A mismatch, never a trace: whoever owns the file may write anything into it, and make all hashes fit."""
    (kind, fields), = change.items()
    row = raw.execute("SELECT * FROM fact WHERE kind = ? ORDER BY ordinal DESC", [kind]).fetchone()
    body = json.dumps(json.loads(row["body"]) | fields, sort_keys=True, separators=(",", ":"),
                      ensure_ascii="x" in fields)
    raw.execute("UPDATE fact SET body = ?, digest = ? WHERE id = ?",
                [body, hashlib.sha256(body.encode()).hexdigest(), row["id"]])
    rewrite(raw)
    code, report = standalone(copy)
    assert (code, (2, row["seq"]) in found(report)) == (1, "envelope" not in fields)


@pytest.mark.parametrize("change", [{"seq": "1"}, {"command": []}, {"facts": [5]}, {"facts": None}, {"at": "\ud800"}],
                         ids=ascii)
def test_a_line_of_another_form_is_no_export(exported, tmp_path, change):
    lines = lines_of(exported)
    lines[3] |= change
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert standalone(tmp_path / "x.jsonl")[0] == 2
