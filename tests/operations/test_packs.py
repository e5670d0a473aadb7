"""Audit PDFs: exported, checked again, and every way of forging one that the check must name."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest

from desktop_app.domain.model import UseState
from desktop_app.domain.policy import Meaning
from desktop_app.errors import Cancelled, Refused, Unreachable, UserError
from desktop_app.operations import audit, models, packs
from desktop_app.progress import Progress
from desktop_app.registry._sqlite import guards
from desktop_app.trust.checkpoint import read_proof
from desktop_app.trust.installation import Installation
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import open_workspace
from tests.attack.tampering import File, rewrite
from tests.operations.decided import ask, make_decided, sign


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    made = make_decided(tmp_path_factory.mktemp("decided"))
    yield made
    made.desk.workspace.close()


@pytest.fixture(scope="module")
def pdf(decided):
    target = decided.path.parent / "pack.pdf"
    packs.export(decided.desk.as_("Olga Owner"), decided.request, target)
    return target


@pytest.fixture
def forged(pdf, tmp_path):
    return Path(shutil.copy(pdf, tmp_path / "forged.pdf"))


def problems(workspace, path):
    report = packs.verify(workspace, path)
    assert not report.ok
    return {(int(p.check.split()[0]), p.sentence) for p in report.problems}


def named(found, check, words):
    return any(number == check and words in sentence for number, sentence in found)


def embed(path, name, change):
    """Edit an embedded file as somebody with a PDF library would."""
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        spec = document.attachments[name].get_file()
        data = change(spec.read_bytes())
        spec.obj.write(data)
        document.save(path)


def edit_pack(path, change):
    """Edit the record inside, and write it canonically again."""
    def edited(data):
        value = json.loads(data)
        change(value)
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    embed(path, "pack.json", edited)


def test_an_exported_pack_is_in_order_by_itself_and_against_the_registry(decided, pdf):
    alone, held = packs.verify(None, pdf), packs.verify(decided.desk.workspace, pdf)
    assert alone.ok
    assert held.ok
    assert {r for _, r in held.checks} == {"in order"}
    assert [name.split()[0] for name, r in alone.checks if r == "not checked"] == ["8", "9"]
    assert any("registry" in line for line in alone.not_checked)


def test_the_export_is_a_fact_with_the_digest_of_the_file(decided, pdf):
    (line,) = [e for e in packs.listing(decided.desk.workspace) if e.file_name == "pack.pdf"]
    assert line.sha256 == hashlib.sha256(pdf.read_bytes()).hexdigest()
    assert (line.what, line.by, line.subject) == ("audit_pdf", "Olga Owner", decided.request)


def test_the_dossier_and_the_statements_lie_in_the_file(decided, pdf):
    with pikepdf.open(pdf) as document:
        files = {name: document.attachments[name].get_file().read_bytes() for name in document.attachments}
    assert {"pack.json", "dossier.json", "statements.intoto.jsonl"} <= set(files)
    envelopes = [json.loads(line) for line in files["statements.intoto.jsonl"].splitlines()]
    meanings = [json.loads(base64.b64decode(e["payload"]))["predicate"]["meaning"] for e in envelopes]
    assert meanings == ["approve_with_conditions", "concur"]
    assert json.loads(files["dossier.json"])["version"] == decided.desk.version


def test_the_checkpoint_and_the_proof_of_the_decision_lie_in_the_file_and_on_its_last_page(decided, pdf):
    """An outsider needs neither the registry nor this program: the note, the proof and the entry are in the file."""
    with pikepdf.open(pdf) as document:
        files = {name: document.attachments[name].get_file().read_bytes() for name in document.attachments}
    pack = json.loads(files["pack.json"])
    proof = read_proof(files["decision.tlog-proof"].decode())
    assert files["log.checkpoint"].decode() == proof.checkpoint.note.write() == pack["checkpoint"]
    (entry,) = [e for e in pack["entries"] if e["seq"] == proof.index + 1]
    framed = "\n".join(("assaydesk-event/v1", str(entry["seq"]), entry["at"], entry["user"], entry["command"],
                        entry["body"])).encode()
    assert proof.leaf == hashlib.sha256(b"\0" + framed).digest()
    assert json.loads(entry["body"])["action"] == "promotion.signed_off"
    assert proof.holds
    assert proof.checkpoint.size == pack["head_seq"] == pack["integrity"]["entries"]
    assert proof.checkpoint.root.hex() == pack["integrity"]["root"]
    assert proof.checkpoint.note.holds(decided.desk.workspace.installation.key()) is True


OF_THE_LOG = {
    "the checkpoint": ("log.checkpoint", lambda data: data.replace(b"assaydesk/", b"assaydesk/x"),
                       "is not the one that the pages show"),
    "the proof": ("decision.tlog-proof", lambda data: data.replace(b"index ", b"index 1"),
                  "is not the one that the pages show"),
    "the root": ("pack.json", lambda data: _edited(data, checkpoint=lambda t: t.replace("\n— ", "A\n— ")),
                 "does not lead to the checkpoint"),
    "the place": ("pack.json", lambda data: _edited(data, proof=lambda t: t.replace("index ", "index 1")),
                  "not of the entry of the decision"),
    "the text of the proof": ("pack.json", lambda data: _edited(data, proof=lambda t: "nonsense"), "cannot be read"),
    "the checkpoint gone": ("pack.json", lambda data: _edited(data, checkpoint=lambda t: "", proof=lambda t: ""),
                            "is not the one that the pages show"),
}


def _edited(data, **changes):
    value = json.loads(data)
    value |= {name: change(value[name]) for name, change in changes.items()}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("name", OF_THE_LOG)
def test_a_checkpoint_or_proof_that_was_forged_is_named(forged, name):
    file, change, words = OF_THE_LOG[name]
    embed(forged, file, change)
    assert named(problems(None, forged), 12, words)


def test_a_log_rewritten_after_the_last_signature_does_not_fit_the_pdf_in_an_auditors_hands(decided, tmp_path):
    """The one thing that the log alone cannot show (security.md §1.3): unsigned entries rewritten, every hash anew."""
    place = File(shutil.copy(decided.path, tmp_path / "owned.assay"))
    theirs = open_workspace(
        place.address, decided.desk.people["Olga Owner"], keys=decided.keys, secret_store=NoSecretStore())
    models.state_use(theirs, decided.desk.version, decided.desk.use, UseState.IN_USE)
    packs.export(theirs, decided.request, tmp_path / "pack.pdf")
    place.unguard()
    place.run("UPDATE entry SET db_user = 'mallory' WHERE action = 'use.stated' AND seq = (SELECT max(seq) FROM entry "
              "WHERE action = 'use.stated')")
    rewrite(place)
    place.guard()
    place.close()
    elsewhere = replace(theirs, installation=Installation(tmp_path / "auditor", NoSecretStore()))
    assert audit.recompute(theirs).ok
    found = problems(elsewhere, tmp_path / "pack.pdf")
    assert named(found, 9, "13 checkpoints: the checkpoint in this file: the first ")
    theirs.close()


def test_two_exports_of_one_moment_are_the_same_bytes(decided):
    from desktop_app.reports import pack as paper

    made = packs.build(decided.desk.as_("Olga Owner"), decided.request)
    figures = packs._figures(made)
    assert paper.render(made, figures, Progress()) == paper.render(made, figures, Progress())


# ---- forgeries


def test_a_flipped_byte_is_noticed(decided, pdf, forged):
    data = bytearray(pdf.read_bytes())
    for at in range(len(data) // 10, len(data), len(data) // 7):
        forged.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        with suppress(UserError):  # broken so that no reader opens it
            report = packs.verify(decided.desk.workspace, forged)
            assert any("never exported" in p.sentence for p in report.problems), at


def test_an_edited_dossier_file_is_named(forged):
    embed(forged, "dossier.json", lambda data: data.replace(b"production", b"pilot"))
    assert named(problems(None, forged), 3, "dossier.json is not the dossier")


def test_a_removed_file_is_named(forged):
    with pikepdf.open(forged, allow_overwriting_input=True) as document:
        del document.attachments["pack.json"]
        document.save(forged)
    report = packs.verify(None, forged)
    assert [(p.check[0], p.seq) for p in report.problems] == [("1", 0)]
    assert "not an audit PDF of this program" in report.problems[0].sentence
    assert [name[0] for name, _ in report.checks] == ["1"]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a":1}', b"\xff", b'{"a": 1}'])
def test_a_pack_that_is_none_is_named(forged, data):
    embed(forged, "pack.json", lambda _: data)
    assert named(problems(None, forged), 2, "pack.json cannot be read")


EDITS = {
    "outcome": (lambda p: p.update(outcome="approved for everything"), 7, "page 1 does not say"),
    "open findings": (lambda p: p.update(open_findings=[]), 7, "does not say"),
    "a record": (lambda p: p["records"][0].update(body=p["records"][0]["body"] + " "), 4, "does not fit"),
    "a record's label": (lambda p: p["records"][0].update(id="other"), 4, "labelled as something it is not"),
    "a record left out": (lambda p: p.update(records=[r for r in p["records"] if r["kind"] != "card"]), 5,
                          "is not the record that was frozen"),
    "the dossier's digest": (lambda p: p["dossier"].update(digest="0" * 64), 3, "does not fit its digest"),
    "a dossier that is none": (lambda p: p["dossier"].update(body="{}"), 3, "the dossier cannot be read"),
    "a dossier that is another record": (lambda p: p.update(dossier=p["records"][0]), 3, "is not a dossier"),
    "what was signed": (lambda p: p["signatures"][0].update(text="I approve everything"), 6,
                        "not the text that was signed"),
    "an envelope": (lambda p: p["signatures"][0].update(envelope="{}"), 6, "not the text that was signed"),
    "a signature unprinted": (lambda p: p.update(signatures=p["signatures"][1:]), 6, "is not printed"),
    "a signature invented": (lambda p: p["signatures"].append(p["signatures"][0] | {"sign_off": "new"}), 6,
                             "printed but not in the pack"),
    "a sign-off left out": (lambda p: p.update(
        records=[r for r in p["records"] if r["kind"] != "promotion.signed_off"]), 6, "printed but not in the pack"),
    "a key left out": (lambda p: p.update(records=[r for r in p["records"] if r["kind"] != "key.enrolled"]), 6,
                       "the key is not that person's"),
    "another registry": (lambda p: p.update(registry="other"), 6, "names another registry"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_pack_is_named(forged, name):
    change, check, words = EDITS[name]
    edit_pack(forged, change)
    found = problems(None, forged)
    assert named(found, check, words), found


@pytest.mark.parametrize("page", [0, 1, -1])
def test_an_edited_page_is_named(decided, forged, page):
    with pikepdf.open(forged, allow_overwriting_input=True) as document:
        target = document.pages[page]
        target.contents_add(b"BT /F1 12 Tf 100 100 Td (approved) Tj ET", prepend=False)
        number = len(document.pages) if page < 0 else page + 1
        document.save(forged)
    assert named(problems(None, forged), 7, f"page {number} does not say what the pack says")


def test_a_note_laid_over_a_page_is_named(forged):
    with pikepdf.open(forged, allow_overwriting_input=True) as document:
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FreeText, Rect=[0, 0, 99, 99],
                                  Contents=pikepdf.String("approved"))
        document.pages[0].Annots = document.make_indirect(pikepdf.Array([note]))
        document.save(forged)
    assert named(problems(None, forged), 7, "page 1 does not say")


@pytest.mark.parametrize("how", ["removed", "added"])
def test_a_page_more_or_less_is_named(forged, how):
    with pikepdf.open(forged, allow_overwriting_input=True) as document:
        if how == "removed":
            del document.pages[-1]
        else:
            document.pages.append(document.pages[0])
        document.save(forged)
    assert named(problems(None, forged), 7, "pages, the pack makes")


def written_anew(path):
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.save(path)


def other_title(path):
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        with document.open_metadata() as metadata:
            metadata["dc:title"] = "Approved for everything"
        document.save(path)


def appended(path):
    path.write_bytes(path.read_bytes() + b"hello\n")


def incremental(path):
    at = path.read_bytes().rindex(b"startxref")
    previous = path.read_bytes()[at:].split()[1].decode()
    text = f"\n9999 0 obj\n(more)\nendobj\nxref\n0 0\ntrailer\n<< /Prev {previous} >>\nstartxref\n1\n%%EOF\n"
    path.write_bytes(path.read_bytes() + text.encode())


@pytest.mark.parametrize(("change", "words"), [
    (written_anew, "the file around them is not"), (other_title, "the file around them is not"),
    (appended, "6 bytes were added at its end")])
def test_a_change_beside_the_pages_is_named_without_the_registry(forged, change, words):
    change(forged)
    assert [(int(p.check.split()[0]), words in p.sentence) for p in packs.verify(None, forged).problems] == [(11, True)]


def test_an_incremental_update_is_named_or_refused(forged):
    incremental(forged)
    with pytest.raises(UserError, match="broken"):
        packs.verify(None, forged)


def test_a_file_hidden_beside_the_three_is_named(forged):
    with pikepdf.open(forged, allow_overwriting_input=True) as document:
        document.attachments["approval.txt"] = b"approved"
        document.save(forged)
    assert named(problems(None, forged), 1, "approval.txt is embedded")


def test_statements_that_are_not_those_shown_are_named(forged):
    embed(forged, "statements.intoto.jsonl", lambda data: data.replace(b"payloadType", b"payloadtype", 1))
    assert named(problems(None, forged), 6, "statements.intoto.jsonl is not")


@pytest.mark.parametrize("change", [
    lambda e: e.update(body=e["body"].replace("Better", "Worse").replace("Requested", "Declined")),
    lambda e: e.update(at="2020-01-01T00:00:00.000000Z"), lambda e: e.update(hash="0" * 64),
    lambda e: e.update(body="{}"), lambda e: e.update(prev="zz")])
def test_an_edited_entry_of_the_log_is_named_without_the_registry(forged, change):
    redrawn(forged, lambda p: change(next(e for e in p["entries"] if "promotion.requested" in e["body"])))
    assert named(problems(None, forged), 4, "of the log does not fit its hash")


def test_a_record_by_somebody_else_than_its_entry_says_is_named(forged):
    def other(pack):
        asked = next(r for r in pack["records"] if r["kind"] == "promotion.requested")
        asked["by"] = next(n["key"] for n in pack["names"] if n["key"] != asked["by"])

    redrawn(forged, other)
    assert named(problems(None, forged), 4, "is not dated and named as entry")


def test_a_label_that_the_registry_does_not_give_is_named(decided, forged):
    redrawn(forged, lambda p: p.update(about=[a.replace("R-1", "R-9") for a in p["about"]]))
    assert packs.verify(None, forged).ok  # by itself nobody can know, and the report says so
    assert any("labels in the log" in line for line in packs.verify(None, forged).not_checked)
    assert named(problems(decided.desk.workspace, forged), 8, "is not about R-9")


def test_the_file_written_anew_is_not_the_one_exported(decided, forged):
    written_anew(forged)
    assert named(problems(decided.desk.workspace, forged), 8, "never exported")


def test_a_pdf_of_another_registry_is_named(pdf, tmp_path):
    from tests.desk import make_desk

    other = make_desk(tmp_path)
    assert named(problems(other.workspace, pdf), 8, "made from another registry")
    other.workspace.close()


@pytest.fixture
def edited(decided, pdf, tmp_path):
    """A copy of the registry, and a function that edits it past the program."""
    copy = shutil.copy(decided.path, tmp_path / "copy.assay")

    def run(statement):
        with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                raw.execute(f"DROP TRIGGER {name}")
            raw.execute(statement)
            for name, guard in guards().items():
                if name != "signed_once":
                    raw.execute(guard)
        opened.append(open_workspace(str(copy), keys=decided.keys, secret_store=NoSecretStore()))
        return opened[-1]

    opened = []
    yield run
    for workspace in opened:
        workspace.close()


@pytest.mark.parametrize(("statement", "check", "words"), [
    ("UPDATE fact SET body = replace(body, 'Small', 'No') WHERE kind = 'finding'", 8, "another finding"),
    ("UPDATE fact SET body = 'gibberish' WHERE kind = 'finding'", 8, "another finding"),
    ("UPDATE fact SET body = 'gibberish' WHERE kind = 'exported'", 8, "cannot be read"),
    ("DELETE FROM fact WHERE kind = 'finding'", 8, "does not hold the finding"),
    ("UPDATE entry SET hash = 'forged' WHERE action = 'finding.raised'", 8, "is not, or no longer, what the PDF shows"),
    ("UPDATE entry SET at = 'never' WHERE action = 'finding.raised'", 8, "cannot be read"),
    ("UPDATE entry SET hash = 'x' WHERE seq = (SELECT max(seq) - 1 FROM entry)", 8, "no longer contains"),
    ("UPDATE entry SET note = 'x' WHERE seq = 3", 9, "11 projections"),
    ("UPDATE blob SET data = x'00'", 9, "8 documents"),
])
def test_a_registry_that_was_edited_since_is_named(edited, pdf, statement, check, words):
    found = problems(edited(statement), pdf)
    assert named(found, check, words), found


def test_work_since_the_export_is_no_mismatch(decided, pdf, edited):
    workspace = edited("SELECT 1")
    again = workspace.acting_as(decided.desk.people["Olga Owner"])
    with again.store.write(again.me, "x", decided.request) as write:
        write.add(replace(write.reader.all(type(seen_use(write)))[0].record, id=again.store.new_id()))
    assert packs.verify(workspace, pdf).ok


def seen_use(write):
    from desktop_app.domain.use import Use

    return write.reader.all(Use)[0].record


# ---- what stops an export


def nothing_left(folder, workspace, head):
    assert [p.name for p in folder.iterdir()] == []
    assert audit.head_seq(workspace) == head


def test_a_full_disk_leaves_no_file_and_no_fact(decided, tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    head = audit.head_seq(decided.desk.workspace)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="disk is full"):
        packs.export(decided.desk.as_("Olga Owner"), decided.request, tmp_path / "pack.pdf")
    nothing_left(tmp_path, decided.desk.workspace, head)


@pytest.mark.parametrize("after", [0.0, 0.1, 0.35, 0.41, 0.6, 0.94])
def test_cancelling_leaves_nothing(decided, tmp_path, after):
    at = [0.0]
    head = audit.head_seq(decided.desk.workspace)
    progress = Progress(lambda fraction, _: at.append(fraction), lambda: max(at) >= after)
    with pytest.raises(Cancelled):
        packs.export(decided.desk.as_("Olga Owner"), decided.request, tmp_path / "pack.pdf", progress)
    nothing_left(tmp_path, decided.desk.workspace, head)


def test_nobody_exports_nothing(decided, tmp_path):
    head = audit.head_seq(decided.desk.workspace)
    with pytest.raises(Refused, match="Nobody is named"):
        packs.export(replace(decided.desk.workspace, actor=None), decided.request, tmp_path / "pack.pdf")
    nothing_left(tmp_path, decided.desk.workspace, head)


def test_a_place_that_cannot_be_written_is_named(decided, tmp_path):
    ws = decided.desk.as_("Olga Owner")
    with pytest.raises(UserError, match="This is a folder"):
        packs.export(ws, decided.request, tmp_path)
    with pytest.raises(Unreachable, match="cannot be written there"):
        packs.export(ws, decided.request, tmp_path / "nowhere" / "pack.pdf")


def test_an_older_file_of_that_name_is_replaced_whole(decided, tmp_path):
    target = tmp_path / "pack.pdf"
    target.write_text("old")
    packs.export(decided.desk.as_("Olga Owner"), decided.request, target)
    assert packs.verify(decided.desk.workspace, target).ok
    assert [p.name for p in tmp_path.iterdir()] == ["pack.pdf"]


# ---- other states of a request


@pytest.mark.parametrize(("decide", "words", "state"), [
    (None, "not decided: 0 of 2", "undetermined"), (Meaning.REJECT, "reject", "breached"),
    (Meaning.RETURN, "return", "none")])
def test_a_request_in_any_state_can_leave(tmp_path, decide, words, state):
    made = make_decided(tmp_path)
    request = ask(made.desk)
    if decide:
        sign(made.desk, "Rita Risk", request, decide, comment="Not yet")
    ws = made.desk.as_("Olga Owner")
    pack = packs.build(ws, request)
    assert words in pack.outcome.lower()
    assert pack.outcome_state == state
    packs.export(ws, request, tmp_path / "p.pdf")
    assert packs.verify(ws, tmp_path / "p.pdf").ok
    made.desk.workspace.close()


def test_the_last_request_stands_for_a_version(decided, tmp_path):
    desk = decided.desk
    assert packs.latest_request(desk.workspace, desk.version, desk.use) == decided.request
    with pytest.raises(Refused, match="Nothing was decided here yet"):
        packs.latest_request(desk.workspace, desk.version, "another use")


@pytest.mark.parametrize("data", [b"", b"not a PDF", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\x00" * 1000])
def test_a_file_that_is_no_pdf_is_said(tmp_path, data):
    path = tmp_path / "x.pdf"
    path.write_bytes(data)
    with pytest.raises(UserError) as refused:
        packs.verify(None, path)
    assert refused.value.remedy
    assert "BytesIO" not in f"{refused.value.title} {refused.value.detail}"
    with pytest.raises(UserError, match="cannot be read"):
        packs.verify(None, tmp_path / "nothing.pdf")


def test_another_pdf_is_not_an_audit_pdf(tmp_path):
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(tmp_path / "x.pdf")
    assert named(problems(None, tmp_path / "x.pdf"), 1, "not an audit PDF of this program")


# ---- made by another version of the program, or said to be


def unclear(workspace, path):
    report = packs.verify(workspace, path)
    assert not report.ok
    results = dict(report.checks)
    found = {int(p.check.split()[0]) for p in report.unclear}
    assert all(results[p.check] in ("not checked", "mismatch") for p in report.unclear)
    return found, report


OLDER = {"an older one": lambda p: (p.pop("made_with"), p.pop("about"), p.update(application="assaydesk 0.0.9")),
         "another build": lambda p: p.update(made_with="0" * 64),
         "a newer one": lambda p: p.update(application="assaydesk 99.0")}


@pytest.mark.parametrize("name", OLDER)
def test_a_file_of_another_version_is_not_a_mismatch_and_not_in_order(forged, name):
    edit_pack(forged, OLDER[name])
    found, report = unclear(None, forged)
    assert (found, report.problems) == ({7}, ())
    assert "check the file with the version that made it" in report.unclear[0].sentence.lower()


def test_pages_drawn_alike_by_another_version_are_in_order_and_its_bytes_too(forged):
    redrawn(forged, OLDER["another build"])
    assert packs.verify(None, forged).ok


def test_a_newer_pack_with_more_in_it_is_read_without_that(forged):
    edit_pack(forged, lambda p: p.update(application="assaydesk 99.0", committee="all"))
    found, report = unclear(None, forged)
    assert (found, report.problems) == ({2, 7}, ())
    assert dict(report.checks)["6 signatures and what they are about"] == "in order"


def test_a_newer_pack_that_cannot_be_read_is_said(forged):
    edit_pack(forged, lambda p: (p.update(application="assaydesk 99.0"), p.pop("entries")))
    found, report = unclear(None, forged)
    assert (found, report.problems) == ({2}, ())


def test_a_newer_record_is_not_a_mismatch_where_its_digest_fits(forged):
    def newer(pack):
        body = '{"id":"' + "0" * 26 + '","kind":"committee.met","v":1}'
        pack["records"].append(pack["records"][0] | {
            "id": "0" * 26, "kind": "committee.met", "body": body, "digest": hashlib.sha256(body.encode()).hexdigest()})
        pack.update(application="assaydesk 99.0")

    edit_pack(forged, newer)
    found, report = unclear(None, forged)
    assert 4 in found
    assert report.problems == ()


@pytest.mark.parametrize("name", ["a record", "the dossier's digest", "what was signed", "a signature unprinted",
                                  "a key left out", "another registry"])
def test_a_forgery_that_names_another_version_is_named_all_the_same(forged, name):
    change, check, words = EDITS[name]
    edit_pack(forged, lambda p: (change(p), p.update(application="assaydesk 99.0", made_with="0" * 64)))
    assert named(problems(None, forged), check, words)


@pytest.mark.parametrize("claim", ["outcome", "conditions", "open_findings", "outcome_state", "review_by", "blobs"])
def test_a_claim_of_another_version_that_does_not_follow_is_never_in_order(forged, claim):
    value, _ = CLAIMS[claim]
    redrawn(forged, lambda p: p.update({claim: value, "made_with": "0" * 64}))
    report = packs.verify(None, forged)
    assert not report.ok
    assert dict(report.checks)["10 the summary follows from the records"] != "in order"
    assert bool(report.problems) == (claim in ("outcome_state", "review_by", "blobs"))


def test_an_edited_page_of_a_pack_of_another_version_is_never_in_order(decided, forged):
    edit_pack(forged, lambda p: p.update(made_with="0" * 64))
    with pikepdf.open(forged, allow_overwriting_input=True) as document:
        document.pages[0].contents_add(b"BT /F1 12 Tf 100 100 Td (approved) Tj ET", prepend=False)
        document.save(forged)
    found, report = unclear(None, forged)
    assert 7 in found
    assert dict(report.checks)["7 the pages say what the pack says"] == "not checked"
    assert dict(report.checks)["11 nothing else was changed in the file"] == "not checked"


def test_what_draws_is_one_digest_that_follows_every_file(monkeypatch, tmp_path):
    from desktop_app.reports import renderer

    names = {name for name, _ in renderer._files()}
    assert {"reports/pack.py", "domain/pack.py", "fonts/IBMPlexSans-Regular.ttf", "themes/tokens.json",
            "analysis/figures.py", "operations/pack_summary.py", "card/fields.json"} <= names
    (tmp_path / "a.py").write_text("x")
    monkeypatch.setattr(renderer, "_FILES", ((tmp_path, "*.py"),))
    seen = set()
    for text in ("x", "y", "x\ny", "x\r\ny"):
        (tmp_path / "a.py").write_bytes(text.encode())
        seen.add(renderer.digest.__wrapped__())
    assert len(seen) == 3  # the ends of lines are not the text


CLAIMS = {
    "outcome": ("Approved, in production from 1 January 2020.", "the outcome is not"),
    "outcome_state": ("breached", "the colour of the outcome"), "model_name": ("Another model", "the model name"),
    "version_label": ("2", "the version label"), "use_text": ("Everything", "the use text"),
    "use_limits": ("No limits", "the use limits"), "stage": ("Retired", "the stage is not"),
    "authority": ("The board", "the authority"), "effective_from": ("2020-01-01", "the date it takes effect from"),
    "review_by": ("2099-01-01", "the date of review"), "conditions": ([], "the conditions"),
    "opinion": ("V-1, fit", "the opinion"), "open_findings": ([], "the list of open findings"),
    "not_tested": (["Nothing"], "the not tested"), "blobs": ([], "the list of files"), "card": ([], "the card"),
}
BESIDE = {"role": "Validator", "meaning": "conclude", "key_id": "0" * 16, "public_key": "AAAA", "check": "fine",
          "statement_digest": "0" * 64, "signed_at": "2020-01-01T00:00:00.000000Z", "printed_name": "The board"}


def redrawn(path, change):
    """Forge as well as one can: edit the record inside, then draw the pages of it and seal them."""
    from desktop_app.domain import canonical
    from desktop_app.domain.pack import Pack
    from desktop_app.reports import pack as paper

    with pikepdf.open(path) as document:
        value = json.loads(document.attachments["pack.json"].get_file().read_bytes())
    change(value)
    made = canonical.build(Pack, value)
    path.write_bytes(paper.render(made, packs._figures(made), Progress()))


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_that_does_not_follow_from_the_records_is_named(forged, name):
    claim, words = CLAIMS[name]
    edit_pack(forged, lambda p: p.update({name: claim}))
    found = problems(None, forged)
    assert named(found, 10, words), found


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_printed_beside_a_signature_and_is_not_its_own_is_named(forged, name):
    edit_pack(forged, lambda p: p["signatures"][0].update({name: BESIDE[name]}))
    found = problems(None, forged)
    assert named(found, 6, "beside the signature of"), found


def test_a_well_drawn_forgery_is_named_by_its_records(forged):
    redrawn(forged, lambda p: p.update(conditions=[], open_findings=[], outcome_state="met"))
    found = problems(None, forged)
    assert {number for number, _ in found} == {10}


def test_a_rejection_drawn_as_an_approval_is_named(tmp_path):
    made = make_decided(tmp_path)
    request = ask(made.desk)
    sign(made.desk, "Rita Risk", request, Meaning.REJECT, comment="Not yet")
    path = tmp_path / "p.pdf"
    packs.export(made.desk.as_("Olga Owner"), request, path)
    redrawn(path, lambda p: p.update(outcome="Approved, in production.", outcome_state="met"))
    assert named(problems(None, path), 10, "the outcome is not")
    made.desk.workspace.close()


def test_prior_decisions_that_the_records_do_not_hold_are_named(forged):
    redrawn(forged, lambda p: p.update(prior_decisions=[{"text": "approved by all", "recorded_by": "x", "seq": 1}]))
    assert named(problems(None, forged), 10, "the prior decisions")


def test_a_record_moved_to_another_moment_is_named_by_the_registry(decided, forged):
    redrawn(forged, lambda p: p["records"][0].update(at="2020-01-01T00:00:00.000000Z"))
    found = problems(decided.desk.workspace, forged)
    assert any(number == 8 and "the registry holds another" in sentence for number, sentence in found)
