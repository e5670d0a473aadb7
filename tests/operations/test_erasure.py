"""Erasing a person: the name goes from the registry's own bytes, what they did stays, and the log verifies."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta

import openpyxl
import pytest

from desktop_app.domain.approval import PriorDecision, SignOff, StageChanged, TypedCondition
from desktop_app.domain.model import LEFT_OUT, Pair, RegisteredModel, unnamed
from desktop_app.domain.person import PersonErased, Role, naming
from desktop_app.errors import Refused, UserError
from desktop_app.operations import approvals, audit, erasure, evidence, importing, models, packs, people
from desktop_app.operations.prior_decisions import Taken, record_prior
from desktop_app.registry._sqlite import guards
from desktop_app.registry.store import system_clock
from tests.desk import PASSPHRASE
from tests.operations.decided import Decided, make_decided

NAME = "Wilhelmina Zonderland"


@dataclass
class Place:
    """A decided registry on one engine, and all that its database holds."""

    decided: Decided
    held: object  # () -> bytes

    @property
    def desk(self):
        return self.decided.desk


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        made = make_decided(tmp_path)
        yield Place(made, made.path.read_bytes)
    else:
        server = request.getfixturevalue("postgres")
        address = server.database()
        made = make_decided(tmp_path, address=address, now=system_clock)
        yield Place(made, lambda: rows(server, address))
    made.desk.workspace.close()


def rows(server, address):
    """Every row of every table of the server's registry, as text."""
    name = address.split("@/")[1].split("?")[0]
    tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'assaydesk'", name)
    return "\n".join(str(row) for (table,) in tables
                     for row in server.execute(f"SELECT t::text FROM assaydesk.{table} t", name)).encode()


def hashes(desk):
    with desk.workspace.store.read() as reader:
        return [e.hash for e in reader.entries()]


def retired(desk, name, role):
    """Nobody with a key or a role is erased."""
    ann, person = desk.as_("Ann Admin"), desk.people[name]
    people.revoke(ann, person, role, "left the bank", PASSPHRASE)
    (key,) = [p.key_id for p in people.listing(ann) if p.id == person]
    people.revoke_key(ann, person, key, "left the bank", PASSPHRASE)
    return person


def test_who_signed_is_erased_from_every_byte_and_the_log_verifies(place, tmp_path):
    desk, request, before = place.desk, place.decided.request, hashes(place.desk)
    olga, old, again = desk.as_("Olga Owner"), tmp_path / "old.pdf", tmp_path / "again.pdf"
    packs.export(olga, request, old)
    assert b"Rita Risk" in place.held()
    person = retired(desk, "Rita Risk", Role.MODEL_RISK)
    change = erasure.erase(desk.as_("Ann Admin"), person, "asked for it", PASSPHRASE)
    assert b"Rita Risk" not in place.held()
    assert audit.verify(desk.workspace).problems == ()
    assert hashes(desk)[:len(before)] == before
    with desk.workspace.store.read() as reader:
        (gone,) = [f for f in reader.at(change.seq) if isinstance(f.record, PersonErased)]
        (signed,) = [s for s in reader.all(SignOff) if s.record.person == person]
        assert len(gone.record.refs) == 2  # the name, and the statement that begins with it
        assert reader.text(signed.record.text) is None
        assert reader.text(signed.record.comment) == "Read in full"
    seen = approvals.review(olga, request)
    assert [s.name for s in seen.sign_offs] == ["(erased)", "Cora Compliance"]
    assert packs.verify(olga, old).ok  # it still carries the name
    packs.export(olga, request, again)
    assert packs.verify(olga, again).ok
    assert next((s.text, s.printed_name, s.check) for s in packs.build(olga, request).signatures) == (
        "(erased)", "(erased)", "valid")
    assert any(line.subject_name == "(erased)" for line in audit.listing(desk.workspace))
    assert audit.show(desk.workspace, change.seq).facts


def everywhere(desk, folder):
    """A person is named in every way a record can name somebody."""
    rita, owner = desk.as_("Rita Risk"), TypedCondition(text="Report", owner=NAME, due=date(2027, 1, 1))
    earlier = models.add_version(desk.as_("Dev Patel"), desk.model, "00")
    record_prior(rita, Taken(
        version=earlier, use=desk.use, to_stage="production", decided_on=date(2025, 3, 12), source="minutes",
        outcome="approved_with_conditions", decided_by=NAME.upper(), review_by=None, conditions=(owner,)), PASSPHRASE)
    paper = folder / "paper.txt"
    paper.write_text("About it")
    evidence.file_document(desk.as_("Dev Patel"), desk.version, paper, checklist="other", author=NAME)
    book = openpyxl.Workbook()
    book.active.append(["Model ID", "Model name", "Version", "Purpose", "Tier", "Owner", "Validation opinion",
                        "Validation date", "Validated by", "Approval date", "Approved by", "Conditions", "Finding",
                        "Finding owner", "Contact person", "Cost centre", "Next review"])
    book.active.append(["M-1", "Mortgage PD", "3", "Mortgages", 1, NAME, "fit", date(2026, 3, 12), NAME,
                        date(2026, 3, 20), NAME, "Monitor it", "Thin file", NAME, NAME, f"4711, {NAME}", NAME])
    book.save(folder / "models.xlsx")
    importing.run(rita, folder / "models.xlsx", passphrase=PASSPHRASE)


def test_whoever_is_named_anywhere_is_one_person_and_is_erased_everywhere(place, tmp_path):
    desk, ann = place.desk, place.desk.as_("Ann Admin")
    everywhere(desk, tmp_path)
    (person,) = [p.id for p in people.listing(ann) if p.name.casefold() == NAME.casefold()]
    with desk.workspace.store.read() as reader:
        decisions = [d.record for d in reader.all(PriorDecision) if d.record.decided_by == person]
        assert [[c.owner for c in d.conditions] for d in decisions] == [[person], [person]]
        (tags,) = [m.record.tags for m in reader.all(RegisteredModel) if m.record.name == "Mortgage PD"]
        assert {(t.key, t.value) for t in tags} == {("Contact person", LEFT_OUT), ("Cost centre", LEFT_OUT)}
    found = erasure.traces(ann, person)
    assert (found.left, found.sentence) == ((), f"2 texts name {found.name}: deleted for ever.")
    erasure.erase(ann, person, "asked for it", PASSPHRASE)
    assert NAME.lower().encode() not in place.held().lower()
    assert audit.verify(desk.workspace).problems == ()
    assert desk.workspace.store.rebuild() == ()


def test_the_owner_of_a_condition_is_erased_with_the_statements_that_print_the_name(place):
    desk, ann = place.desk, place.desk.as_("Ann Admin")
    with desk.workspace.store.read() as reader:
        (effective,) = reader.all(StageChanged)
        (condition,) = effective.record.conditions
        assert reader.names()[condition.owner] == "S. Haddad"
    assert b"S. Haddad" in place.held()
    erasure.erase(ann, condition.owner, "asked for it", PASSPHRASE)
    assert b"S. Haddad" not in place.held()
    assert packs.build(ann, place.decided.request).conditions == ("Report monthly (owner (erased), due 20 Nov 2026)",)
    assert audit.verify(desk.workspace).problems == ()


def test_who_may_not_be_erased(place):
    desk, ann = place.desk, place.desk.as_("Ann Admin")
    dev = desk.people["Dev Patel"]

    def erase(person=dev, ws=ann, reason="asked for it"):
        return erasure.erase(ws, person, reason, PASSPHRASE)

    with pytest.raises(Refused) as refused:
        erase()
    assert "has a key in use" in refused.value.detail
    (key,) = [p.key_id for p in people.listing(ann) if p.id == dev]
    people.revoke_key(ann, dev, key, "left", PASSPHRASE)
    with pytest.raises(Refused) as refused:
        erase()
    assert "holds a role" in refused.value.detail
    people.revoke(ann, dev, Role.DEVELOPER, "left", PASSPHRASE)
    with pytest.raises(UserError, match="without the name"):
        erase(reason="dev  PATEL asked for it")
    with pytest.raises(Refused, match="role does not allow"):
        erase(ws=desk.as_("Cora Compliance"))
    erasure.hold(desk.as_("Cora Compliance"), dev, "a claim of a customer", PASSPHRASE)
    with pytest.raises(UserError, match="stands already"):
        erasure.hold(ann, dev, "again", PASSPHRASE)
    with pytest.raises(Refused) as refused:
        erase()
    assert "legal hold" in refused.value.detail
    erasure.release(ann, dev, "the claim is settled", PASSPHRASE)
    with pytest.raises(UserError, match="No legal hold"):
        erasure.release(ann, dev, "again", PASSPHRASE)
    erasure.keep_names(ann, 365, 30, PASSPHRASE)
    with pytest.raises(Refused) as refused:
        erase()
    until = desk.workspace.store.clock() + timedelta(days=365)
    assert f"names are kept until {until.day} Nov 2027" in refused.value.detail
    erasure.keep_names(ann, 0, 30, PASSPHRASE)
    standing = {s.person: s.blocked for s in erasure.standings(ann)}
    assert standing[dev] == ""
    assert sum(not why for why in standing.values()) == 1  # those only named wait for 30 days
    erase()
    with pytest.raises(UserError, match="erased already"):
        erase()
    with pytest.raises(UserError, match="erased already"):
        erasure.hold(ann, dev, "too late", PASSPHRASE)
    assert audit.verify(desk.workspace).problems == ()


def test_an_erased_name_may_be_somebody_elses_later(place):
    desk, ann = place.desk, place.desk.as_("Ann Admin")
    with desk.workspace.store.read() as reader:
        haddad = people.by_name(reader)["s. haddad"]
    erasure.erase(ann, haddad, "asked for it", PASSPHRASE)
    with desk.workspace.store.read() as reader:
        assert not {"s. haddad", "(erased)"} & people.by_name(reader).keys()
    another = people.enrol(ann, "S. Haddad", (), PASSPHRASE, PASSPHRASE)
    assert another.id != haddad
    assert audit.verify(desk.workspace).problems == ()


def test_what_names_somebody_in_running_text_is_told_before(place):
    desk, ann = place.desk, place.desk.as_("Ann Admin")
    person = retired(desk, "Val Idris", Role.VALIDATOR)
    models.revise(desk.as_("Rita Risk"), desk.model, description="Ask vidris@bank.example")
    assert erasure.traces(ann, person).left == ()
    found = erasure.traces(ann, person, ("vidris@bank.example",))
    assert len(found.left) == 1
    assert "1 record of the log also names them in running text; these cannot be changed." in found.sentence


def test_who_is_known_twice_is_erased_twice_or_together(place, tmp_path):
    desk, ann = place.desk, place.desk.as_("Ann Admin")
    paper = tmp_path / "paper.txt"
    paper.write_text("About it")
    evidence.file_document(
        desk.as_("Dev Patel"), desk.version, paper, checklist="other", author="S. Haddad, Noord Bank")
    with desk.workspace.store.read() as reader:
        haddad = people.by_name(reader)["s. haddad"]
    found = erasure.traces(ann, haddad)
    assert "Kept as other people: S. Haddad, Noord Bank. Erase those who are the same." in found.sentence
    assert erasure.traces(ann, haddad, ("s. haddad, noord bank",)).others == ()
    erasure.erase(ann, haddad, "asked for it", PASSPHRASE, ("S. Haddad, Noord Bank",))
    assert b"S. Haddad" not in place.held()
    assert audit.verify(desk.workspace).problems == ()


# ---- who gets round it is named


def sentences(desk, check="14"):
    return [p.sentence for p in audit.verify(desk.workspace).problems if p.check.split()[0] == check]


def test_an_erasure_that_nobody_signed_for_is_named(place):
    desk, dev = place.desk, place.desk.as_("Dev Patel")
    store = dev.store
    with store.write(dev.me, "person.erased", dev.me) as write:
        ref = write.reader.get(people.Person, desk.people["Rita Risk"]).record.name.ref
        write.add(PersonErased(id=store.new_id(), person=desk.people["Rita Risk"], refs=(ref,), reason="mischief"))
    assert sentences(desk) == []
    assert sentences(desk, "9") == ["person.erased 1 is not signed by anybody who may: nobody signed for it"]


def test_an_erasure_under_a_legal_hold_is_named(place, monkeypatch):
    desk, ann = place.desk, place.desk.as_("Ann Admin")
    with desk.workspace.store.read() as reader:
        haddad = people.by_name(reader)["s. haddad"]
    erasure.hold(ann, haddad, "a claim", PASSPHRASE)
    monkeypatch.setattr(erasure, "_holds", lambda reader: {})
    erasure.erase(ann, haddad, "asked for it", PASSPHRASE)
    assert sentences(desk) == ["somebody was erased while a legal hold stood"]


@pytest.fixture
def raw(tmp_path):
    made = make_decided(tmp_path)
    with closing(sqlite3.connect(made.path, isolation_level=None)) as connection:
        for name in ("identity_no_update", "identity_no_delete"):
            connection.execute(f"DROP TRIGGER {name}")
        yield made.desk, connection, lambda: [connection.execute(guards()[n]) for n in (
            "identity_no_update", "identity_no_delete")]
    made.desk.workspace.close()


@pytest.mark.parametrize(("statement", "sentence"), [
    ("DELETE FROM identity WHERE text = 'S. Haddad'", "a name or text of it was deleted, and no erasure says so"),
    ("UPDATE identity SET text = 'S. Holmes' WHERE text = 'S. Haddad'", "a name or text of it was changed"),
    ("INSERT INTO identity VALUES ('more', '00', 'S. Haddad')", "1 texts are kept that no record refers to"),
])
def test_names_that_were_edited_past_the_program_are_named(raw, statement, sentence):
    desk, connection, guard = raw
    connection.execute(statement)
    guard()
    assert sentences(desk) == [sentence]


def test_a_name_that_was_put_back_is_named(raw):
    desk, connection, guard = raw
    row = connection.execute("SELECT * FROM identity WHERE text = 'S. Haddad'").fetchone()
    guard()
    with desk.workspace.store.read() as reader:
        haddad = people.by_name(reader)["s. haddad"]
    erasure.erase(desk.as_("Ann Admin"), haddad, "asked for it", PASSPHRASE)
    connection.execute("INSERT INTO identity VALUES (?, ?, ?)", row)
    assert sentences(desk) == ["a text that was erased is there again"]


# ---- rules


@pytest.mark.parametrize(("text", "found"), [
    ("Asked by ANN de\nVries.", True), ("(Ann de Vries)", True), ("Ann de Vriesland", False), ("Hanna de Vries", False),
    ("Ann Vries", False), ("", False), ("signed: Ann de Vries's", True),
])
def test_a_name_is_found_as_words_of_its_own(text, found):
    assert naming("Ann de Vries", "")(text) is found
    assert not naming("")(text)


@pytest.mark.parametrize(("key", "value", "kept"), [
    ("mlflow.user", "jan", False), ("mlflow.source.name", "/home/jan/train.py", False), ("modelOwner", "risk", False),
    ("Contact person", "x", False), ("note", "ask jan@bank.example", False), ("mlflow.runName", "calm-finch", True),
    ("team", "credit risk", True), ("usertype", "retail", True), ("owner", "", True), ("git", "january", True),
])
def test_what_names_people_is_left_out_of_foreign_tags(key, value, kept):
    assert unnamed([Pair(key=key, value=value)], "jan", "") == (Pair(key=key, value=value if kept else LEFT_OUT),)
