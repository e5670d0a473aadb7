"""The log recomputed in small steps: it comes to the end, goes on with what is new, stops for others, names what was
edited, and begins anew in a log that is another one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from desktop_app.operations import audit, evidence, models, recomputing
from desktop_app.operations.recomputing import Recomputing
from tests.desk import make_desk


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    (tmp_path / "plan.txt").write_text("plan")
    evidence.file_document(made.as_("Dev Patel"), made.version, tmp_path / "plan.txt", checklist="other")
    yield made
    made.workspace.close()


def past_the_program(tmp_path, *statements):
    with closing(sqlite3.connect(tmp_path / "registry.assay", isolation_level=None)) as raw:
        kept = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        for _, made in kept:
            raw.execute(made)


def to_the_end(work, desk):
    for _ in range(100):
        found = work.step(desk.workspace)
        if found.whole:
            return found
    raise AssertionError("it does not come to the end")


def test_it_comes_to_the_end_in_steps_and_goes_on_with_what_is_new(desk, monkeypatch):
    monkeypatch.setattr(recomputing, "STEP", 3)
    work, head = Recomputing(), audit.head_seq(desk.workspace)
    first = work.step(desk.workspace)
    assert 0 < first.entries < head == first.head
    assert not first.whole
    found = to_the_end(work, desk)
    assert (found.entries, found.problems) == (head, ())
    assert found.told == f"Recomputed up to entry {head:,} of {head:,} at {found.at.astimezone():%H:%M}"
    assert work.step(desk.workspace).at == found.at  # nothing was recomputed since
    models.add_version(desk.as_("Dev Patel"), desk.model, "2")
    assert work.step(desk.workspace).entries == head + 1


def test_it_agrees_with_a_verification_about_the_tree(desk, monkeypatch):
    monkeypatch.setattr(recomputing, "STEP", 2)
    work = Recomputing()
    to_the_end(work, desk)
    report = audit.verify(desk.workspace)
    assert work._verifier._tree.root().hex() == report.root


def test_it_stops_for_whoever_waits_and_goes_on_where_it_was(desk):
    work, asked, head = Recomputing(), [], audit.head_seq(desk.workspace)
    found = work.step(desk.workspace, lambda: len(asked) > head + 2 or asked.append(1))  # asked while reading too
    assert 0 < found.entries < head
    assert work.step(desk.workspace, lambda: True).entries == found.entries
    assert to_the_end(work, desk).problems == ()


@pytest.mark.parametrize(("statement", "check"), [
    ("UPDATE entry SET body = replace(body, 'Card', 'Kard') WHERE note LIKE '%Card lending%'", "3 chain"),
    ("UPDATE fact SET body = replace(body, 'Scores applicants', 'Scores people') WHERE kind = 'model'", "6 facts"),
    ("UPDATE blob SET data = x'00'", "8 documents"),
    ("DELETE FROM blob", "8 documents"),
    ("UPDATE entry SET body = 'x' WHERE seq = 3", "2 canonical"),
    ("UPDATE entry SET at = 'x' WHERE seq = 3", "2 canonical"),
])
def test_it_names_what_was_edited(desk, tmp_path, statement, check):
    past_the_program(tmp_path, statement)
    problems = to_the_end(Recomputing(), desk).problems
    assert any(p.check.startswith(check) for p in problems)


def test_an_edit_behind_it_is_found_in_the_next_round_and_stays_until_one_is_over_without_it(desk, tmp_path):
    work = Recomputing()
    assert to_the_end(work, desk).problems == ()
    past_the_program(tmp_path, "UPDATE entry SET db_user = 'x' || db_user WHERE seq = 2")
    assert work.step(desk.workspace).problems == ()
    work.again()
    found = to_the_end(work, desk).problems
    assert [(p.check, p.seq) for p in found] == [("3 chain of hashes", 2)]
    past_the_program(tmp_path, "UPDATE entry SET db_user = substr(db_user, 2) WHERE seq = 2")
    work.again()
    assert work.step(desk.workspace, lambda: True).problems == found
    assert to_the_end(work, desk).problems == ()


def test_a_log_that_was_cut_is_gone_through_anew(desk, tmp_path):
    work = Recomputing()
    head = to_the_end(work, desk).head
    audit.verify(desk.workspace)  # this computer remembers
    past_the_program(tmp_path, f"DELETE FROM fact WHERE seq = {head}", f"DELETE FROM blob WHERE seq = {head}",
                     f"DELETE FROM entry WHERE seq = {head}")
    found = to_the_end(work, desk)
    assert found.head == head - 1
    assert [p.check for p in found.problems] == ["13 checkpoints"]


def test_a_missing_end_of_the_steps_reading_does_not_hold_it_up(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(recomputing, "STEP", 2)
    past_the_program(tmp_path, "DELETE FROM entry WHERE seq BETWEEN 3 AND 8")
    assert any(p.sentence.startswith("entry 3 is missing") for p in to_the_end(Recomputing(), desk).problems)
