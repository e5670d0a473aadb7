"""The connection is cut at every stage of a write: it is recorded once or not at all, and what is said is true."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Person
from desktop_app.domain.use import Use
from desktop_app.errors import Lost, Pending, Refused, Unreachable
from desktop_app.registry.outbox import Outbox, Patience, Sent
from desktop_app.registry.store import create_store, open_store
from desktop_app.settings import data_folder
from tests.cutting import APPEND, COMMIT

COMMAND = "01kaf3zq0g00000000000command"
QUICK = Patience(first=0.01, most=0.05, total=20)
SHORT = Patience(first=0.01, most=0.02, total=0.05)


@pytest.fixture
def near(postgres):
    """The registry by a way that nobody cuts."""
    made = create_store(postgres.database(), "Test registry")
    yield made
    made.close()


@pytest.fixture
def far(near, line):
    """The same registry by the line."""
    name, user = near.address.split("@/")[1].split("?")[0], near.address.split("//")[1].split("@")[0]
    opened = open_store(f"postgresql://{user}@127.0.0.1:{line.port}/{name}?sslmode=disable")
    opened.patience = QUICK
    write(opened, "before", command=None)  # the guards are looked at once, before anything is cut
    yield opened
    opened.close()


def write(store, purpose="Card lending", command=COMMAND):
    with store.write(Id("ann"), "use.described", Id("m"), note=f"Described {purpose}", command=command) as written:
        written.add(Use(id=store.new_id(), model=Id("m"), purpose=purpose),
                    Person(id=store.new_id(), name=written.add_text("Ann")))
        written.add_blob(b"a document")
    return written.change


def refuse(store):
    with store.write(Id("ann"), "use.described", Id("m")) as written:
        written.add(Use(id=Id("u"), model=Id("m"), purpose="p"))
        raise Refused("No.")


def recorded(store):
    """What was recorded under the command."""
    with store.read() as reader:
        return [e.seq for e in reader.entries() if e.command == COMMAND]


def kept(store):
    return sorted(f.name for f in (data_folder() / "outbox" / store.info.id).glob("*"))


STAGES = [("at", APPEND), ("after", APPEND), ("at", COMMIT), ("after", COMMIT)]


@pytest.mark.parametrize(("how", "words"), STAGES)
def test_a_cut_line_is_mended_and_the_write_recorded_once(near, far, line, how, words):
    getattr(line, f"cut_{how}")(words)
    change = write(far)
    assert (line.cuts, recorded(near), kept(far)) == (1, [change.seq], [])
    with near.read() as reader:
        assert [u.record.purpose for u in reader.all(Use)] == ["before", "Card lending"]
        assert sorted(reader.names().values()) == ["Ann", "Ann"]


@pytest.mark.parametrize("words", [b"lock_log()", b"BEGIN"])
def test_cut_before_anything_is_sent_nothing_is_recorded_and_that_is_said(near, far, line, words):
    line.cut_at(words)
    with pytest.raises(Lost):
        write(far)
    assert (line.cuts, recorded(near), kept(far)) == (1, [], [])
    assert write(far).seq == 2  # by a new connection, without opening the registry again


@pytest.mark.parametrize(("how", "words"), STAGES)
def test_while_the_registry_is_away_a_write_is_pending_and_later_the_truth_is_told(near, far, line, how, words):
    far.patience = SHORT
    getattr(line, f"cut_{how}")(words)
    line.then = lambda: setattr(line, "down", True)
    with pytest.raises(Pending) as said:
        write(far)
    assert said.value.exit_code == 3
    assert kept(far) == [f"{COMMAND}.json"]
    with pytest.raises(Lost):
        far.leftovers()
    line.down = False
    (leftover,) = far.leftovers()
    there = [2] if (how, words) == ("after", COMMIT) else []
    assert recorded(near) == there == [leftover.entry][:len(there)]
    assert leftover.sent.note == "Described Card lending"
    assert far.leftovers() == (leftover,)  # until somebody was told
    far.told(COMMAND)
    assert (far.leftovers(), kept(far)) == ((), [])


@pytest.mark.parametrize(("how", "words", "there"), [("at", COMMIT, False), ("after", COMMIT, True)])
def test_others_work_meanwhile_is_never_overtaken_unseen(near, far, line, how, words, there):
    getattr(line, f"cut_{how}")(words)
    line.then = lambda: write(near, "by somebody else", command=None)
    if there:
        assert write(far).seq == 2
    else:
        with pytest.raises(Lost, match="was not recorded"):
            write(far)
    assert (recorded(near), kept(far)) == ([2] if there else [], [])


def test_another_program_that_told_is_not_made_a_liar(near, far, line):
    line.cut_at(COMMIT)
    told = []

    def elsewhere():
        with closing(open_store(near.address)) as other:
            told.extend(other.leftovers())

    line.then = elsewhere
    with pytest.raises(Refused, match="was not recorded"):
        write(far)
    assert ([t.entry for t in told], recorded(near)) == ([None], [])


def test_a_client_that_vanished_does_not_keep_the_log_for_long(near):
    setting = "SHOW idle_in_transaction_session_timeout"
    with near.write(Id("ann"), "use.described", Id("m")) as written:
        assert written._connection.exec_driver_sql(setting).scalar() == "20s"
        written.add(Use(id=near.new_id(), model=Id("m"), purpose="p"))
    with near.read() as reader:
        assert reader._connection.exec_driver_sql(setting).scalar() == "1min"


def test_the_same_command_again_after_an_unknown_outcome_finds_its_own_result(near, far, line):
    far.patience = SHORT
    line.cut_after(COMMIT)
    line.then = lambda: setattr(line, "down", True)
    with pytest.raises(Pending):
        write(far)
    line.down = False
    assert far.outcome(COMMAND).seq == 2
    assert near.outcome("another") is None


def test_a_program_that_ends_waits_no_longer(far, line):
    line.cut_at(COMMIT)
    line.then = lambda: (setattr(line, "down", True), far.give_up())
    with pytest.raises(Pending):
        write(far)
    assert kept(far) == [f"{COMMAND}.json"]


def test_what_is_sent_lies_on_the_disk_before_it_is_sent(near, far, line):
    line.cut_at(APPEND)
    found = []
    line.then = lambda: found.append(json.loads(
        (data_folder() / "outbox" / far.info.id / f"{COMMAND}.json").read_text("utf-8")))
    write(far)
    sent = found[0]["sent"]
    assert (sent["command"], sent["actor"], sent["action"], sent["note"]) == (
        COMMAND, "ann", "use.described", "Described Card lending")
    with near.read() as reader:
        there = [fact["body"] for fact in reader.raw_facts() if fact["seq"] == 2]
    assert [body for _, body in sent["facts"]] == there
    assert ([t[2] for t in sent["texts"]], len(sent["documents"])) == (["Ann"], 1)


def test_what_the_registry_refuses_is_not_pending(store):
    first = write(store)
    with pytest.raises(Refused):
        refuse(store)
    assert (first.seq, kept(store), store.leftovers()) == (1, [], ())


def test_nothing_is_sent_that_cannot_be_kept_first(store):
    folder = data_folder() / "outbox"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(Unreachable, match="nothing was sent"):
        write(store)
    folder.unlink()
    assert recorded(store) == []


def test_a_leftover_of_a_killed_program_is_settled_on_either_engine(store):
    change = write(store)
    outbox = Outbox(data_folder() / "outbox" / store.info.id)
    for command in (COMMAND, "never sent"):  # as a program leaves it that is killed between sending and answer
        outbox.keep(Sent(command=command, at="2026-11-20T09:00:00.000000Z", actor=Id("ann"), action="use.described",
                         subject=Id("m"), note="n", facts=(), texts=(), documents=()))
    (data_folder() / "outbox" / store.info.id / "torn.json").write_text('{"v": 1, "se')
    assert [(left.sent.command, left.entry) for left in store.leftovers()] == [
        (COMMAND, change.seq), ("never sent", None)]
