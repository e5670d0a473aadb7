"""The log: read, exported, verified; and every way of tampering that the verifier must name, on the real file."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from desktop_app.domain import audit as rules
from desktop_app.domain import canonical
from desktop_app.domain.approval import Condition, PriorDecision, PromotionClosed, PromotionRequest
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.use import Use
from desktop_app.errors import Cancelled, NotFound, Refused
from desktop_app.operations import audit, entries, exports, models
from desktop_app.progress import Progress
from desktop_app.registry._sqlite import guards
from desktop_app.registry.store import open_store
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import open_workspace
from tests.desk import PASSPHRASE, make_desk
from tests.operations.decided import make_decided


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    made = make_decided(tmp_path_factory.mktemp("decided"))
    yield made
    made.desk.workspace.close()


@pytest.fixture
def copy(decided, tmp_path):
    """A copy of the registry, to be attacked."""
    return shutil.copy(decided.path, tmp_path / "copy.assay")


@pytest.fixture
def raw(copy):
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = OFF")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


def guard(copy):
    """Put the triggers back: what an attacker does who wants to leave no trace."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for name, statement in guards().items():
            if name not in there:
                connection.execute(statement)


def verify(copy, tmp_path):
    guard(copy)
    workspace = open_workspace(str(copy), keys=tmp_path / "no keys", secret_store=NoSecretStore())
    try:
        return audit.verify(workspace)
    finally:
        workspace.close()


def seq_of(raw, action):
    return raw.execute("SELECT max(seq) FROM entry WHERE action = ?", [action]).fetchone()[0]


def edit_body(raw, kind, change, *, fix_digest=False):
    """Edit the canonical JSON of the newest fact of a kind; returns its entry."""
    row = raw.execute("SELECT * FROM fact WHERE kind = ? ORDER BY ordinal DESC", [kind]).fetchone()
    value = json.loads(row["body"])
    change(value)
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert body != row["body"]
    digest = hashlib.sha256(body.encode()).hexdigest() if fix_digest else row["digest"]
    raw.execute("UPDATE fact SET body = ?, digest = ? WHERE id = ?", [body, digest, row["id"]])
    return row["seq"]


def first_body(raw, kind):
    return json.loads(raw.execute("SELECT body FROM fact WHERE kind = ? AND ordinal = 1", [kind]).fetchone()[0])


def rewrite(raw, first=1):
    """Do what whoever owns the file can do: compute every root and every hash again."""
    before = raw.execute("SELECT hash FROM entry WHERE seq = ?", [first - 1]).fetchone()
    prev = before["hash"] if before else "0" * 64
    for row in raw.execute("SELECT * FROM entry WHERE seq >= ? ORDER BY seq", [first]).fetchall():
        facts = [r[0] for r in raw.execute("SELECT digest FROM fact WHERE seq = ? ORDER BY position", [row["seq"]])]
        body = json.loads(row["body"]) | {"facts_root": rules.facts_root(facts), "facts": len(facts)}
        text = canonical.encode(body).decode()
        framed = rules.message(row["seq"], canonical.parse_utc(row["at"]), row["db_user"], row["command"], text)
        digest = rules.chain_hash(bytes.fromhex(prev), framed).hex()
        raw.execute("UPDATE entry SET body = ?, prev = ?, hash = ? WHERE seq = ?", [text, prev, digest, row["seq"]])
        prev = digest


# ---- an honest registry


def test_an_honest_registry_is_in_order(decided):
    report = audit.verify(decided.desk.workspace)
    assert report.ok
    assert [result for _, result in report.checks] == ["in order"] * 14
    assert report.entries == audit.head_seq(decided.desk.workspace)
    assert any("were cut " in line for line in report.not_checked)


def test_a_copy_is_in_order_too(copy, tmp_path):
    assert verify(copy, tmp_path).ok


def test_an_empty_registry_is_in_order(tmp_path):
    from desktop_app.workspace import create_workspace

    made = create_workspace(str(tmp_path / "new.assay"), "x", keys=tmp_path, secret_store=NoSecretStore())
    report = audit.verify(made)
    assert (report.ok, report.entries, report.head) == (True, 0, "0" * 64)
    made.close()


# ---- attacks: (what is done, the check that names it, the entry it names)


def change_title(value):
    value["title"] = "Nothing to see"


def attack_edit_fact(raw):
    return edit_body(raw, "finding", change_title)


def attack_edit_fact_and_digest(raw):
    return edit_body(raw, "finding", change_title, fix_digest=True)


def attack_unreadable_fact(raw):
    seq = raw.execute("SELECT seq FROM fact WHERE kind = 'card'").fetchone()[0]
    raw.execute("UPDATE fact SET body = 'not JSON at all' WHERE kind = 'card'")
    return seq


def attack_fact_of_unknown_kind(raw):
    return edit_body(raw, "card", lambda v: v.update(kind="poem"), fix_digest=True)


def attack_digest_that_is_none(raw):
    seq = raw.execute("SELECT seq FROM fact WHERE kind = 'card'").fetchone()[0]
    raw.execute("UPDATE fact SET digest = 'xyz' WHERE kind = 'card'")
    return seq


def attack_edit_entry(raw):
    seq = seq_of(raw, "finding.raised")
    raw.execute("UPDATE entry SET body = replace(body, 'low finding', 'big finding') WHERE seq = ?", [seq])
    return seq


def attack_edit_entry_and_hash(raw):
    seq = attack_edit_entry(raw)
    row = raw.execute("SELECT * FROM entry WHERE seq = ?", [seq]).fetchone()
    framed = rules.message(seq, canonical.parse_utc(row["at"]), row["db_user"], row["command"], row["body"])
    digest = rules.chain_hash(bytes.fromhex(row["prev"]), framed).hex()
    raw.execute("UPDATE entry SET hash = ? WHERE seq = ?", [digest, seq])
    return seq + 1  # the next one does not continue it


def attack_another_author(raw):
    seq = seq_of(raw, "finding.raised")
    raw.execute("UPDATE entry SET db_user = 'mallory' WHERE seq = ?", [seq])
    return seq


def attack_unreadable_entry(raw):
    seq = seq_of(raw, "finding.raised")
    raw.execute("UPDATE entry SET body = '{}' WHERE seq = ?", [seq])
    return seq


def attack_prev_that_is_no_hash(raw):
    raw.execute("UPDATE entry SET prev = 'zz' WHERE seq = 5")
    return 5


def attack_time_that_is_none(raw):
    raw.execute("UPDATE entry SET at = 'last week' WHERE seq = 5")
    return 5


def attack_delete_entry(raw):
    seq = seq_of(raw, "finding.raised")
    raw.execute("DELETE FROM fact WHERE seq = ?", [seq])
    raw.execute("DELETE FROM entry WHERE seq = ?", [seq])
    return seq + 1


def attack_delete_only_the_entry(raw):
    seq = seq_of(raw, "finding.raised")
    raw.execute("DELETE FROM entry WHERE seq = ?", [seq])
    return seq


def attack_delete_first(raw):
    raw.execute("DELETE FROM entry WHERE seq = 1")
    return 2


def attack_swap_entries(raw):
    for a, b in ((4, -1), (5, 4), (-1, 5)):
        raw.execute("UPDATE entry SET seq = ? WHERE seq = ?", [b, a])
        raw.execute("UPDATE fact SET seq = ? WHERE seq = ?", [b, a])
    return 4


def attack_insert_entry(raw):
    raw.execute("UPDATE fact SET seq = -seq - 1 WHERE seq > 4")
    raw.execute("UPDATE entry SET seq = -seq - 1 WHERE seq > 4")
    raw.execute("UPDATE fact SET seq = -seq WHERE seq < 0")
    raw.execute("UPDATE entry SET seq = -seq WHERE seq < 0")
    raw.execute("INSERT INTO entry SELECT 5, at, db_user, 'forged', body, 'f', 'f', actor, action, subject, note "
                "FROM entry WHERE seq = 4")
    return 5


def attack_back_date(raw):
    """The owner of the file computes the chain again but leaves an entry dated before the one in front of it."""
    seq = seq_of(raw, "finding.raised")
    raw.execute("UPDATE entry SET at = '2026-01-01T00:00:00.000000Z' WHERE seq = ?", [seq])
    rewrite(raw)
    return seq


def attack_command_twice(raw):
    raw.execute("CREATE TABLE loose AS SELECT * FROM entry")
    raw.execute("DROP TABLE entry")
    raw.execute("ALTER TABLE loose RENAME TO entry")
    raw.execute("UPDATE entry SET command = (SELECT command FROM entry WHERE seq = 3) WHERE seq = 6")
    rewrite(raw)
    return 6


def attack_fact_without_entry(raw):
    row = raw.execute("SELECT * FROM fact WHERE kind = 'finding'").fetchone()
    raw.execute("INSERT INTO fact VALUES ('forged', 'finding', 99, 9999, 0, ?, ?)", [row["digest"], row["body"]])
    return 9999


def attack_fact_under_an_old_entry(raw):
    row = raw.execute("SELECT * FROM fact WHERE kind = 'finding'").fetchone()
    raw.execute("INSERT INTO fact VALUES ('forged', 'finding', 99, 4, 9, ?, ?)", [row["digest"], row["body"]])
    return 4


def attack_delete_fact(raw):
    seq = raw.execute("SELECT seq FROM fact WHERE kind = 'finding'").fetchone()[0]
    raw.execute("DELETE FROM fact WHERE kind = 'finding'")
    return seq


def attack_order_of_facts(raw):
    raw.execute("UPDATE fact SET position = 99 WHERE seq = 1 AND position = 0")
    return 1


def attack_relabel_fact(raw):
    seq = raw.execute("SELECT seq FROM fact WHERE kind = 'finding'").fetchone()[0]
    raw.execute("UPDATE fact SET kind = 'overlay' WHERE kind = 'finding'")
    return seq


def attack_inventory(raw):
    raw.execute("""UPDATE inventory SET body = replace(body, '"findings_open":1', '"findings_open":0')""")


def attack_inventory_unreadable(raw):
    raw.execute("UPDATE inventory SET body = '{}'")


def attack_inventory_row_of_nothing(raw):
    body = """replace(replace(body, '"model":"' || model, '"model":"m2'), '"version":"' || version, '"version":"v2')"""
    raw.execute(f"INSERT INTO inventory SELECT 'v2', use, 'm2', name, {body} FROM inventory LIMIT 1")


def attack_listing(raw):
    raw.execute("UPDATE listing SET waiting = 1 - waiting")


def attack_listing_words(raw):
    raw.execute("UPDATE listing SET words = ''")


def attack_listing_emptied(raw):
    raw.execute("DELETE FROM listing")


def attack_listing_of_nothing(raw):
    raw.execute("INSERT INTO alarm VALUES ('v2', 'u2', 'review_overdue', 'm2', '0001-01-01', '9999-12-31')")


def attack_alarm_put_off(raw):
    assert raw.execute("UPDATE alarm SET since = '9999-12-30'").rowcount > 0


def attack_inventory_emptied(raw):
    raw.execute("DELETE FROM inventory")


def attack_about(raw):
    raw.execute("DELETE FROM about WHERE kind = 'finding'")


def attack_actor_column(raw):
    raw.execute("UPDATE entry SET actor = 'mallory' WHERE seq = 5")
    return 5


def attack_note_column(raw):
    raw.execute("UPDATE entry SET note = 'nothing' WHERE seq = 5")
    return 5


def attack_public_key(raw):
    """Swap the public key of a signer and make all hashes fit again."""
    stranger = first_body(raw, "key.enrolled")
    seq = raw.execute("SELECT seq FROM fact WHERE kind = 'key.enrolled' AND ordinal = 6").fetchone()[0]
    edit_body(raw, "key.enrolled", lambda v: v.update(public_key=stranger["public_key"]), fix_digest=True)
    rewrite(raw)
    return seq


def attack_swap_envelopes(raw):
    rows = raw.execute("SELECT * FROM fact WHERE kind = 'promotion.signed_off' ORDER BY ordinal").fetchall()
    bodies = [json.loads(r["body"]) for r in rows]
    bodies[0]["envelope"], bodies[1]["envelope"] = bodies[1]["envelope"], bodies[0]["envelope"]
    for row, body in zip(rows, bodies, strict=True):
        data = canonical.encode(body)
        raw.execute("UPDATE fact SET body = ?, digest = ? WHERE id = ?",
                    [data.decode(), hashlib.sha256(data).hexdigest(), row["id"]])
    rewrite(raw)
    return rows[0]["seq"]


def resigned(**changes):
    """An attack that edits the newest sign-off and makes all hashes fit again."""
    def attack(raw):
        seq = edit_body(raw, "promotion.signed_off", lambda v: v.update(changes), fix_digest=True)
        rewrite(raw)
        return seq
    return attack


def attack_blob(raw):
    raw.execute("UPDATE blob SET data = x'00'")
    return raw.execute("SELECT seq FROM blob").fetchone()[0]


def attack_blob_and_its_digest(raw):
    raw.execute("UPDATE blob SET data = x'00', digest = ?", [hashlib.sha256(b"\x00").hexdigest()])
    return raw.execute("SELECT seq FROM blob").fetchone()[0]


def attack_blob_gone(raw):
    seq = raw.execute("SELECT seq FROM blob").fetchone()[0]
    raw.execute("DELETE FROM blob")
    return seq


def attack_other_registry(raw):
    raw.execute("UPDATE registry SET id = 'another'")
    return 1


def stage_edited(**changes):
    """An attack that edits the change of stage and makes all hashes fit again."""
    def attack(raw):
        seq = edit_body(raw, "stage.changed", lambda v: v.update(changes), fix_digest=True)
        rewrite(raw)
        return seq
    return attack


def attack_stage_with_one_signature(raw):
    first = raw.execute("SELECT id FROM fact WHERE kind = 'promotion.signed_off' ORDER BY ordinal").fetchone()[0]
    return stage_edited(sign_offs=[first])(raw)


def attack_weaker_policy(raw):
    """Let the policy ask for nobody."""
    def weaken(value):
        for transition in value["transitions"]:
            transition["decisions"] = []

    seq = raw.execute("SELECT seq FROM fact WHERE kind = 'stage.changed'").fetchone()[0]
    edit_body(raw, "policy", weaken, fix_digest=True)
    rewrite(raw)
    return seq


def attack_requester_is_approver(raw):
    """Say that the approver made the request: the entry's actor is rewritten with the chain."""
    approver = first_body(raw, "promotion.signed_off")["person"]
    seq = seq_of(raw, "promotion.requested")
    body = json.loads(raw.execute("SELECT body FROM entry WHERE seq = ?", [seq]).fetchone()[0]) | {"actor": approver}
    raw.execute("UPDATE entry SET actor = ?, body = ? WHERE seq = ?", [approver, canonical.encode(body).decode(), seq])
    rewrite(raw)
    return raw.execute("SELECT seq FROM fact WHERE kind = 'promotion.signed_off'").fetchone()[0]


def rewritten(kind, **changes):
    """An attack that edits the newest fact of a kind and makes all hashes fit again."""
    def attack(raw):
        seq = edit_body(raw, kind, lambda v: v.update(changes), fix_digest=True)
        rewrite(raw)
        return seq
    return attack


def attack_request_without_policy(raw):
    rewritten("promotion.requested", policy="nothing")(raw)
    return raw.execute("SELECT seq FROM fact WHERE kind = 'stage.changed'").fetchone()[0]


def attack_key_that_is_none(raw):
    """The first of two signers: what else is signed with the key is named too."""
    signer = first_body(raw, "promotion.signed_off")["key_id"]
    keys = raw.execute("SELECT * FROM fact WHERE kind = 'key.enrolled'").fetchall()
    row = next(r for r in keys if signer in r["body"])
    data = canonical.encode(json.loads(row["body"]) | {"public_key": "A"})
    raw.execute("UPDATE fact SET body = ?, digest = ? WHERE id = ?",
                [data.decode(), hashlib.sha256(data).hexdigest(), row["id"]])
    rewrite(raw)
    return raw.execute("SELECT seq FROM fact WHERE kind = 'promotion.signed_off'").fetchone()[0]


def attack_key_enrolled_afterwards(raw):
    signed = first_body(raw, "promotion.signed_off")
    last = raw.execute("SELECT max(seq) FROM entry").fetchone()[0]
    raw.execute("UPDATE fact SET seq = ?, position = 50 WHERE kind = 'key.enrolled' AND body LIKE ?",
                [last, f"%{signed['key_id']}%"])
    rewrite(raw)
    return raw.execute("SELECT seq FROM fact WHERE kind = 'promotion.signed_off'").fetchone()[0]


def attack_role_taken_back(raw):
    """Let the roles of the last signer begin to end before the signature."""
    person = json.loads(raw.execute(
        "SELECT body FROM fact WHERE kind = 'promotion.signed_off' ORDER BY ordinal DESC").fetchone()[0])["person"]
    for row in raw.execute("SELECT * FROM fact WHERE kind = 'role.granted'").fetchall():
        value = json.loads(row["body"])
        if value["person"] == person:
            data = canonical.encode(value | {"valid_to": "2026-11-20T09:00:30.000000Z"})
            raw.execute("UPDATE fact SET body = ?, digest = ? WHERE id = ?",
                        [data.decode(), hashlib.sha256(data).hexdigest(), row["id"]])
    rewrite(raw)
    return seq_of(raw, "promotion.signed_off")


def attack_recorded_by_another(raw):
    """The last sign-off's entry says that somebody else wrote it."""
    seq = seq_of(raw, "promotion.signed_off")
    body = json.loads(raw.execute("SELECT body FROM entry WHERE seq = ?", [seq]).fetchone()[0]) | {"actor": "mallory"}
    raw.execute("UPDATE entry SET actor = 'mallory', body = ? WHERE seq = ?", [canonical.encode(body).decode(), seq])
    rewrite(raw)
    return seq


def attack_another_command(raw):
    seq = seq_of(raw, "promotion.signed_off")
    raw.execute("UPDATE entry SET command = 'replayed' WHERE seq = ?", [seq])
    rewrite(raw)
    return seq


def attack_rationale(raw):
    rewritten("promotion.requested", rationale="Because")(raw)
    return seq_of(raw, "promotion.signed_off")


def attack_closed_before(raw):
    """The finding's entry closes the request instead, long before the stage changed."""
    request = first_body(raw, "promotion.requested")
    seq = seq_of(raw, "promotion.requested")
    fact = canonical.encode({"id": "closed", "kind": "promotion.closed", "model": request["model"], "reason": "no",
                             "outcome": "rejected", "request": request["id"], "v": 1, "version": request["version"]})
    raw.execute("INSERT INTO fact VALUES ('closed', 'promotion.closed', 1, ?, 9, ?, ?)",
                [seq, hashlib.sha256(fact).hexdigest(), fact.decode()])
    rewrite(raw)
    return raw.execute("SELECT seq FROM fact WHERE kind = 'stage.changed'").fetchone()[0]


def attack_kind_in_the_index(raw):
    raw.execute("UPDATE about SET kind = 'x' WHERE kind = 'role.granted'")


def attack_inventory_model(raw):
    raw.execute("UPDATE inventory SET model = 'zzz'")


LISTS = {  # what orders, finds and counts the rows of the inventory
    "what a list passes": (attack_listing, 11), "what is found": (attack_listing_words, 11),
    "an empty list": (attack_listing_emptied, 11), "an alarm of nothing": (attack_listing_of_nothing, 11),
    "an alarm put off": (attack_alarm_put_off, 11),
}
ATTACKS = LISTS | {
    "edit a fact": (attack_edit_fact, 6), "edit a fact and its digest": (attack_edit_fact_and_digest, 6),
    "a fact that is no JSON": (attack_unreadable_fact, 2),
    "a fact of an unknown kind": (attack_fact_of_unknown_kind, 6),
    "a digest that is none": (attack_digest_that_is_none, 6), "edit an entry": (attack_edit_entry, 3),
    "edit an entry and its hash": (attack_edit_entry_and_hash, 3), "another database user": (attack_another_author, 3),
    "an entry that is no entry": (attack_unreadable_entry, 2), "a prev that is none": (attack_prev_that_is_no_hash, 3),
    "a time that is none": (attack_time_that_is_none, 2), "delete an entry": (attack_delete_entry, 1),
    "delete an entry, keep its facts": (attack_delete_only_the_entry, 7), "delete the first": (attack_delete_first, 1),
    "swap two entries": (attack_swap_entries, 3), "insert an entry": (attack_insert_entry, 3),
    "back-date": (attack_back_date, 4), "a command twice": (attack_command_twice, 5),
    "a fact without entry": (attack_fact_without_entry, 7),
    "a fact under an old entry": (attack_fact_under_an_old_entry, 6), "delete a fact": (attack_delete_fact, 6),
    "reorder facts": (attack_order_of_facts, 6), "relabel a fact": (attack_relabel_fact, 11),
    "the inventory": (attack_inventory, 11), "an unreadable inventory": (attack_inventory_unreadable, 11),
    "an inventory row of nothing": (attack_inventory_row_of_nothing, 11),
    "empty inventory": (attack_inventory_emptied, 11),
    "the index of subjects": (attack_about, 11), "the actor beside the body": (attack_actor_column, 11),
    "the note beside the body": (attack_note_column, 11), "a public key": (attack_public_key, 9),
    "swap two envelopes": (attack_swap_envelopes, 9),
    "another meaning": (resigned(meaning="approve"), 9), "another role": (resigned(role="model_risk"), 9),
    "another person": (resigned(person="mallory"), 9), "another key": (resigned(key_id="0" * 16), 9),
    "another request": (resigned(request="nothing"), 9), "another version": (resigned(version="v9"), 9),
    "another statement digest": (resigned(statement_digest="0" * 64), 9),
    "no envelope": (resigned(envelope="{}"), 9), "a role that had ended": (attack_role_taken_back, 9),
    "a document": (attack_blob, 8), "a document and its digest": (attack_blob_and_its_digest, 8),
    "a document gone": (attack_blob_gone, 8), "the identity of the registry": (attack_other_registry, 2),
    "a stage with one signature": (attack_stage_with_one_signature, 10),
    "a stage with none": (stage_edited(sign_offs=[]), 10), "a stage without request": (stage_edited(request="no"), 10),
    "a stage with a missing signature": (stage_edited(sign_offs=["no", "no"]), 10),
    "another stage": (stage_edited(to_stage="retired"), 10), "a stage in another use": (stage_edited(use="u9"), 10),
    "a policy that asks for nobody": (attack_weaker_policy, 10),
    "a request without its policy": (attack_request_without_policy, 10),
    "a key that is none": (attack_key_that_is_none, 9),
    "a key enrolled afterwards": (attack_key_enrolled_afterwards, 9),
    "a prior decision by another board": (rewritten("prior_decision", decided_by="01jd000000000000000000000x"), 9),
    "a prior decision that holds longer": (rewritten("prior_decision", review_by="2099-01-01"), 9),
    "a prior decision of another recorder": (rewritten("prior_decision", recorded_by="mallory"), 9),
    "a prior decision without envelope": (rewritten("prior_decision", envelope="{}"), 9),
    "the requester approves": (attack_requester_is_approver, 10),
    "a later review than was signed": (resigned(review_by="2099-01-01"), 9),
    "conditions that nobody signed": (resigned(conditions=[{"due": "2027-01-01", "owner": "x", "text": "y"}]), 9),
    "conflicts that nobody stated": (resigned(conflicts={"digest": "0" * 64, "ref": "r"}), 9),
    "another comment": (resigned(comment=None), 9),
    "another recorder of a signature": (attack_recorded_by_another, 9),
    "another command": (attack_another_command, 9),
    "a request for another reason": (attack_rationale, 9),
    "a longer approval": (stage_edited(review_by="2099-01-01"), 10),
    "an approval from before it was decided": (stage_edited(effective_from="1990-01-01"), 10),
    "an approval without its condition": (stage_edited(conditions=[]), 10),
    "a stage from elsewhere": (stage_edited(from_stage="retired"), 10),
    "a stage of another version": (stage_edited(version="v9"), 10),
    "a stage after the request was closed": (attack_closed_before, 10),
    "the kind in the index": (attack_kind_in_the_index, 11),
    "the model beside an inventory row": (attack_inventory_model, 11),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_tampering_is_named_with_its_check_and_entry(raw, copy, tmp_path, name):
    attack, check = ATTACKS[name]
    seq = attack(raw)
    report = verify(copy, tmp_path)
    assert not report.ok
    found = [(int(p.check.split()[0]), p.seq) for p in report.problems]
    assert (check, seq) in found if seq is not None else check in [c for c, _ in found], report.problems
    assert all(p.sentence for p in report.problems)
    failed = {p.check for p in report.problems}
    assert {n for n, result in report.checks if result == "mismatch"} == failed


FIRST = {"edit a fact": 6, "edit an entry": 3, "delete an entry": 1, "a document": 8, "a public key": 9}


@pytest.mark.parametrize("name", FIRST)
def test_the_first_problem_is_the_one_that_was_made(raw, copy, tmp_path, name):
    seq = ATTACKS[name][0](raw)
    first = verify(copy, tmp_path).problems[0]
    assert (int(first.check.split()[0]), first.seq) == (FIRST[name], seq)


@pytest.mark.parametrize("payload", [b'{"predicate":5}', b"{}", b'{"predicate":{"signer":[]},"subject":{"a":1}}',
                                     b'{"predicate":{"meaning":{},"transition":7},"subject":[]}',
                                     b'{"predicate":{"recorder":1.5},"subject":[{"digest":{"sha256":""},"name":""}]}'])
@pytest.mark.parametrize("kind", ["promotion.signed_off", "prior_decision"])
def test_a_statement_of_another_form_is_named_though_its_signature_is_good(raw, copy, tmp_path, decided, payload, kind):
    """Whoever holds a key may sign anything with it: the verifier must not stumble over it."""
    signer = first_body(raw, kind).get("recorded_by") or decided.desk.people["Cora Compliance"]
    envelope = decided.desk.workspace.signer.seal(signer, "application/vnd.in-toto+json", payload, PASSPHRASE)
    changes = {"envelope": envelope}
    if kind == "promotion.signed_off":
        changes["statement_digest"] = hashlib.sha256(payload).hexdigest()
    seq = rewritten(kind, **changes)(raw)
    found = {(p.check, p.seq) for p in verify(copy, tmp_path).problems}
    assert ("9 keys and signatures", seq) in found


# ---- what a log alone cannot show


def test_a_cut_tail_is_not_noticed_by_the_log_alone_but_by_a_digest_kept_elsewhere(raw, copy, tmp_path, decided):
    """DESIGN §5: a local file is tamper-evident only against what is kept elsewhere; the report says so itself."""
    kept = audit.verify(decided.desk.workspace)
    last = raw.execute("SELECT max(seq) FROM entry").fetchone()[0]
    for table in ("fact", "blob", "entry"):
        raw.execute(f"DELETE FROM {table} WHERE seq = ?", [last])
    store = open_store(str(copy))
    store.rebuild()
    store.close()
    assert [p.sentence for p in verify(copy, tmp_path).problems] == ["2 texts are kept that no record refers to"]
    raw.execute("DROP TRIGGER identity_no_delete")
    raw.execute("DELETE FROM identity WHERE NOT EXISTS (SELECT 1 FROM fact WHERE instr(body, identity.ref))")
    report = verify(copy, tmp_path)
    assert report.ok
    assert (report.entries, report.head) != (kept.entries, kept.head)
    assert any("cut from the end, or the log rewritten" in line for line in report.not_checked)


def test_a_log_rewritten_before_a_signature_does_not_fit_what_the_signer_saw(raw, copy, tmp_path, decided):
    """An unsigned fact edited by whoever owns the file, with every hash after it made again: each signature quotes the
    end of the log that its signer had seen."""
    edit_body(raw, "in_use", lambda v: v.update(note="forged"), fix_digest=True)
    rewrite(raw)
    report = verify(copy, tmp_path)
    assert {p.check for p in report.problems} == {"9 keys and signatures"}
    assert "had seen another log" in report.problems[0].sentence
    assert len(report.problems) == 2


def test_a_log_rewritten_after_the_last_signature_is_not_noticed_by_the_log_alone(raw, copy, tmp_path, acting):
    guard(copy)
    with acting.store.write(acting.me, "x", Id("m")) as write:
        write.add(Use(id=acting.store.new_id(), model=Id("m"), purpose=""))
    before = audit.recompute(acting)
    raw.execute("DROP TRIGGER entry_no_update")
    raw.execute("UPDATE entry SET db_user = 'mallory' WHERE seq = ?", [before.entries])
    rewrite(raw, before.entries)
    report = verify(copy, tmp_path)
    assert (before.ok, report.ok) == (True, True)
    assert report.head != before.head


def test_projections_that_were_edited_come_back_from_the_facts(raw, copy, tmp_path):
    for attack in (attack_inventory, attack_about, attack_inventory_row_of_nothing):
        attack(raw)
    before = verify(copy, tmp_path)
    store = open_store(str(copy))
    store.rebuild()
    store.close()
    assert (before.ok, verify(copy, tmp_path).ok) == (False, True)


def test_a_name_that_went_without_an_erasure_is_named(raw, copy, tmp_path):
    raw.execute("DELETE FROM identity WHERE text = 'Val Idris'")
    (problem,) = verify(copy, tmp_path).problems
    assert (problem.check.split()[0], problem.sentence) == (
        "14", "a name or text of it was deleted, and no erasure says so")


def test_a_guard_that_was_taken_away_or_weakened_is_named(raw, copy, tmp_path):
    guard(copy)
    raw.execute("DROP TRIGGER fact_no_update")
    raw.execute("DROP TRIGGER entry_once")
    raw.execute("CREATE TRIGGER entry_once BEFORE INSERT ON entry BEGIN SELECT 1; END")
    workspace = open_workspace(str(copy), keys=tmp_path / "no keys", secret_store=NoSecretStore())
    found = {(p.check, p.sentence.split()[0]) for p in audit.verify(workspace).problems}
    workspace.close()
    assert found == {("12 guards of the tables", "fact_no_update"), ("12 guards of the tables", "entry_once")}


def test_a_signature_does_not_wait_for_a_verification(copy, tmp_path, decided):
    """A long verification reads a copy: somebody writes in the middle of it."""
    workspace = open_workspace(
        str(copy), decided.desk.people["Ann Admin"], keys=decided.keys, secret_store=NoSecretStore())
    written = []

    def meanwhile(_fraction, status):
        if status == "checking signatures" and not written:
            with workspace.store.write(workspace.me, "x", Id("m")) as write:
                write.add(Use(id=workspace.store.new_id(), model=Id("m"), purpose=""))
            written.append(status)

    head = audit.head_seq(workspace)
    report = audit.verify(workspace, Progress(meanwhile))
    assert (report.ok, report.entries, audit.head_seq(workspace)) == (True, head, head + 1)
    workspace.close()


# ---- clocks


def test_a_writer_whose_clock_is_off_is_named(raw, copy, tmp_path):
    seq = seq_of(raw, "finding.raised")
    body = json.loads(raw.execute("SELECT body FROM entry WHERE seq = ?", [seq]).fetchone()[0])
    raw.execute("UPDATE entry SET body = ? WHERE seq = ?",
                [canonical.encode(body | {"client_time": "2026-11-20T10:00:00.000000Z"}).decode(), seq])
    rewrite(raw)
    problem = verify(copy, tmp_path).problems[0]
    assert (problem.check, problem.seq) == ("4 order of times", seq)


# ---- reading and exporting


def test_the_listing_is_newest_first_and_names_people(decided):
    lines = audit.listing(decided.desk.workspace)
    assert [line.seq for line in lines] == list(range(len(lines), 0, -1))
    assert (lines[0].actor, lines[0].action) == ("Cora Compliance", "promotion.signed_off")
    assert "in production from" in lines[0].note
    assert {"promotion.signed_off", "stage.changed"} <= set(lines[0].kinds)


def test_the_listing_of_a_model_and_of_a_stretch(decided):
    ws, model = decided.desk.workspace, decided.desk.model
    about = audit.listing(ws, about=model)
    assert 0 < len(about) < len(audit.listing(ws))
    assert {line.subject_name for line in about if line.subject == model} == {"Scorecard"}
    assert [line.seq for line in audit.listing(ws, after=2, until=4)] == [4, 3]


def test_one_entry_whole(decided):
    ws = decided.desk.workspace
    last = audit.head_seq(ws)
    shown = audit.show(ws, last)
    assert shown.line.seq == shown.entry.seq == last
    assert [label for label, _, _ in shown.facts] == ["promotion.signed_off 2", "A-1"]
    for _, digest, text in shown.facts:
        assert canonical.digest(canonical.load(canonical.encode(json.loads(text)))) == digest
    with pytest.raises(NotFound, match="no entry 9,999"):
        audit.show(ws, 9999)


@pytest.fixture
def acting(copy, tmp_path, decided):
    workspace = open_workspace(
        str(copy), decided.desk.people["Ann Admin"], keys=decided.keys, secret_store=NoSecretStore())
    yield workspace
    workspace.close()


def test_an_exported_log_holds_every_entry_as_stored_and_is_a_fact(acting, tmp_path):
    target = tmp_path / "log.jsonl"
    digest = audit.export(acting, target)
    data = target.read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest
    lines = [canonical.parse(line) for line in data.splitlines()]
    facts = [line.pop("facts") for line in lines]
    entries = [canonical.build(rules.Entry, line) for line in lines]
    before = rules.GENESIS.hex()
    for entry, bodies in zip(entries, facts, strict=True):
        assert rules.facts_root(canonical.sha256(body.encode()) for body in bodies) == entry.read().facts_root
        framed = rules.message(entry.seq, entry.at, entry.user, entry.command, entry.body)
        assert rules.chain_hash(bytes.fromhex(before), framed).hex() == entry.hash
        before = entry.hash
    assert audit.listing(acting)[0].action == "log.exported"
    (_, _, fact), = audit.show(acting, audit.head_seq(acting)).facts
    assert json.loads(fact)["head_seq"] == len(entries) == audit.head_seq(acting) - 1
    assert json.loads(fact)["sha256"] == digest


def test_a_log_for_reading_is_safe_in_a_spreadsheet(acting, tmp_path):
    with acting.store.write(acting.me, "=cmd()", Id("@x"), note="-1+1") as write:
        write.add(Use(id=acting.store.new_id(), model=Id("m"), purpose=""))
    audit.export(acting, tmp_path / "log.csv")
    with (tmp_path / "log.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["entry", "time", "who", "action", "subject", "note", "hash"]
    assert rows[-1][3:6] == ["'=cmd()", "'@x", "'-1+1"]
    assert len(rows) == audit.head_seq(acting)  # a head line more, the export's own entry less


@pytest.mark.parametrize(("text", "safe"), [
    ("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("  =1", "'  =1"), ("\t1", "'\t1"), ("\r1", "'\r1"),
    ("\uff1d1", "'\uff1d1"), ("fine", "fine"), ("a=1", "a=1"), ("", ""), ("'x", "'x"),
])
def test_no_text_is_taken_for_a_formula(text, safe):
    assert exports.spreadsheet_safe(text) == safe


def test_cancelling_stops_and_writes_nothing(acting, tmp_path):
    head = audit.head_seq(acting)
    stopped = Progress(cancelled=lambda: True)
    with pytest.raises(Cancelled):
        audit.verify(acting, stopped)
    with pytest.raises(Cancelled):
        audit.export(acting, tmp_path / "log.jsonl", stopped)
    assert not (tmp_path / "log.jsonl").exists()
    assert audit.head_seq(acting) == head


def test_an_export_needs_somebody_and_leaves_nothing_without(acting, tmp_path):
    with pytest.raises(Refused, match="Nobody is named"):
        audit.export(replace(acting, actor=None), tmp_path / "log.jsonl")
    assert [p.name for p in tmp_path.iterdir() if "log" in p.name] == []


def test_verification_says_how_far_it_is(acting):
    seen = []
    audit.verify(acting, Progress(lambda fraction, status: seen.append((fraction, status))))
    assert [f for f, _ in seen] == sorted(f for f, _ in seen)
    assert {status for _, status in seen} >= {"checking documents", "checking signatures"}


def test_a_long_log_reports_on_the_way(tmp_path):
    from desktop_app.registry.store import create_store
    from tests.desk import clock

    store = create_store(str(tmp_path / "long.assay"), "x", clock())
    for _ in range(200):
        with store.write(Id("a"), "x", Id("m")) as write:
            write.add(Use(id=store.new_id(), model=Id("m"), purpose=""))
    store.close()
    workspace = open_workspace(str(tmp_path / "long.assay"), keys=tmp_path, secret_store=NoSecretStore())
    seen = []
    assert audit.verify(workspace, Progress(lambda _, status: seen.append(status))).ok
    assert "entry 200 of 200" in seen
    assert Digest(audit.verify(workspace).head) == audit.listing(workspace)[0].hash
    workspace.close()


# ---- entries in words


def test_every_entry_says_what_it_is_about(decided):
    lines = {line.action: line.told for line in reversed(audit.listing(decided.desk.workspace))}
    assert lines["promotion.signed_off"].startswith("A-1, R-1 · ")  # the last one took effect
    assert lines["promotion.requested"].startswith("R-1 · Requested ")
    assert lines["finding.raised"] == "F-1 · Raised a low finding: Small sample"
    assert lines["document.filed"].startswith("E-")
    assert lines["decision.recorded"].startswith("P-1, ")
    on = {line.action: line.subject_name for line in audit.listing(decided.desk.workspace)}
    assert (on["promotion.requested"], on["finding.raised"], on["person.enrolled"]) == ("R-1", "F-1", "Dev Patel")
    assert "role(s)" not in " ".join(lines.values())
    enrolled = [line.told for line in audit.listing(decided.desk.workspace) if line.action == "person.enrolled"]
    assert sum(line.startswith("Val Idris · Enrolled as validator, with key ") for line in enrolled) == 1


def test_a_name_that_was_erased_is_not_told(decided, copy, raw):
    raw.execute("DELETE FROM identity")
    guard(copy)
    with closing(open_store(str(copy))) as store:
        workspace = replace(decided.desk.workspace, store=store)
        told = " ".join(line.told for line in audit.listing(workspace))
    assert "Val Idris" not in told


# ---- written by a newer program


@pytest.fixture
def newer(decided, copy):
    """A registry in which a newer program wrote a fact of a kind that this one does not know."""

    @canonical.fact("committee.met")
    class CommitteeMet:
        id: Id
        model: Id

    with closing(open_store(str(copy))) as store:
        workspace = replace(decided.desk.as_("Rita Risk"), store=store)
        with store.write(workspace.me, "committee.met", decided.desk.model) as write:
            write.add(CommitteeMet(id=store.new_id(), model=decided.desk.model))
        del canonical.FACTS["committee.met"]
        yield workspace


def test_a_fact_of_a_newer_program_is_not_judged_and_no_mismatch(newer):
    report = audit.verify(newer)
    assert report.problems == ()
    assert not report.ok
    results = dict(report.checks)
    assert results["2 canonical form"] == "not checked"
    assert results["3 chain of hashes"] == results["6 facts against their entries"] == "in order"
    assert "committee.met 1 is of a kind or form that this program does not know" in report.unclear[0].sentence


def test_a_known_fact_rewritten_as_an_unknown_one_is_a_mismatch(decided, copy, raw):
    body = '{"id":"' + "0" * 26 + '","kind":"committee.met","v":1}'
    raw.execute("UPDATE fact SET body = ?, digest = ? WHERE kind = 'finding'",
                (body, hashlib.sha256(body.encode()).hexdigest()))
    guard(copy)
    with closing(open_store(str(copy))) as store:
        report = audit.verify(replace(decided.desk.workspace, store=store))
    assert any(p.check == "6 facts against their entries" for p in report.problems)


# ---- what a second implementation found


def at_the_tail(decided, copy, *facts, action, by="Ann Admin"):
    """Facts added by a program of one's own, through the door for writing."""
    with closing(open_workspace(str(copy), decided.desk.people[by], keys=decided.keys,
                                secret_store=NoSecretStore())) as workspace:
        with workspace.store.write(workspace.me, action, workspace.me) as write:
            write.add(*facts)
        return [p.sentence for p in audit.verify(workspace).problems]


def last_of(decided, kind):
    with decided.desk.workspace.store.read() as reader:
        return reader.all(kind)[-1].record


def test_a_prior_decision_recorded_again_or_without_its_conditions_is_named(decided, copy):
    prior, store = last_of(decided, PriorDecision), decided.desk.workspace.store
    by = next(name for name, person in decided.desk.people.items() if person == prior.recorded_by)
    again = replace(prior, id=store.new_id())
    assert any("recorded again" in line for line in at_the_tail(decided, copy, again, action="x", by=by))
    more = replace(prior, id=store.new_id(), conditions=(Condition(
        text="Watch it", owner="somebody", due=prior.decided_on),))
    assert any("says something else" in line for line in at_the_tail(decided, copy, more, action="x", by=by))


def test_a_request_closed_by_nobody_is_named(decided, copy):
    asked, store = last_of(decided, PromotionRequest), decided.desk.workspace.store
    closed = PromotionClosed(id=store.new_id(), model=asked.model, version=asked.version, request=asked.id,
                             outcome="rejected", reason="none")
    assert any("by nobody who could" in line for line in at_the_tail(decided, copy, closed, action="x"))


# ---- read by people


def test_an_entry_tells_what_it_changed(tmp_path):
    desk = make_desk(tmp_path)
    risk = desk.as_("Rita Risk")
    models.set_tier(risk, desk.use, 1)
    shown = audit.show(risk, audit.head_seq(risk))
    assert [(c.label, c.of, c.new, [d.told for d in c.differences]) for c in shown.changes] == [
        ("tier 2", "Scorecard", False, ["Tier: 3 → 1"])]
    assert (shown.model, shown.model_name) == (desk.model, "Scorecard")
    first = audit.show(risk, 1)
    assert any(d.told.startswith("Role of Ann Admin: Administrator, from ")
               for c in first.changes for d in c.differences)
    assert first.model is None
    desk.workspace.close()


def test_the_timeline_of_a_model_leaves_other_models_out(tmp_path):
    desk = make_desk(tmp_path)
    dev = desk.as_("Dev Patel")
    other = models.register(dev, "Other", family=desk.model)
    models.revise(desk.as_("Rita Risk"), other, technique="GLM")
    page = entries.page(dev, rules.LogFilter(model=desk.model))
    assert [line.note for line in page.lines if "Other" in line.note and line.changes] == []
    mine = entries.page(dev, rules.LogFilter(model=other)).lines
    assert [(line.action, line.changes) for line in mine] == [
        ("model.revised", "Technique: GLM"), ("model.registered", "")]
    desk.workspace.close()


def test_pages_follow_each_other_and_words_are_found_beyond_the_first(tmp_path, monkeypatch):
    desk = make_desk(tmp_path)
    head, seen, before = audit.head_seq(desk.workspace), [], None
    monkeypatch.setattr(entries, "_AT_ONCE", 3)
    while True:
        page = entries.page(desk.workspace, rules.LogFilter(), before, 5)
        seen += [line.seq for line in page.lines]
        assert (page.entries, page.passing) == (head, head)
        if not page.more:
            break
        before = seen[-1]
    assert seen == list(range(head, 0, -1))
    found = entries.page(desk.workspace, rules.LogFilter(words="ADMIN registered"))
    assert found.passing == len(found.lines)
    found = entries.page(desk.workspace, rules.LogFilter(words="dev scorecard registered"))
    assert [line.action for line in found.lines] == ["model.registered"]
    desk.workspace.close()


def test_a_part_of_the_log_is_exported_exactly_and_the_entry_says_which(acting, tmp_path, decided):
    wanted = rules.LogFilter(person=decided.desk.people["Rita Risk"])
    audit.export(acting, tmp_path / "part.jsonl", wanted=wanted)
    lines = [json.loads(line) for line in (tmp_path / "part.jsonl").read_text().splitlines()]
    mine = [e for e in audit.listing(acting) if e.actor == "Rita Risk"]
    assert [line["hash"] for line in lines] == [e.hash for e in reversed(mine)]
    assert all(line["facts"] for line in lines)
    (_, _, fact), = audit.show(acting, audit.head_seq(acting)).facts
    assert json.loads(fact)["filter"] == "by Rita Risk"
    assert audit.listing(acting)[0].note == f"Exported the log as part.jsonl: {len(mine)} entries, by Rita Risk"
