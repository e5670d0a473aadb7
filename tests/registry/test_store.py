"""The two doors of the registry: one entry per write, nothing on an exception, nothing else at all."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from desktop_app.domain import audit, canonical
from desktop_app.domain.canonical import Digest, Id, NotCanonical
from desktop_app.domain.finding import Finding, Severity
from desktop_app.domain.model import Artefact, DigestOf, ModelVersion, Pair, SourceIdentity, SourceRun
from desktop_app.domain.person import Erasable, Person, erasable_digest, fits
from desktop_app.domain.use import Use
from desktop_app.errors import NotFound, Refused, UserError
from desktop_app.registry import writer
from desktop_app.registry.store import create_store, open_store
from tests.desk import START, clock

ANN = Id("ann")


def use(store, purpose="Card lending", model="m"):
    return Use(id=store.new_id(), model=Id(model), purpose=purpose)


def add(store, *facts, command=None, note="Described a use"):
    with store.write(ANN, "use.described", Id("m"), note=note, command=command) as write:
        write.add(*(facts or (use(store),)))
    return write.change


def log(store):
    with store.read() as reader:
        return list(reader.entries())


def test_a_new_registry_is_empty_and_says_what_it_is(store, engine):
    with store.read() as reader:
        assert (reader.head().seq, reader.head().hash) == (0, "0" * 64)
        assert list(reader.entries()) == list(reader.raw_facts()) == list(reader.blobs()) == []
        assert reader.inventory() == ()
    assert (store.info.name, store.info.schema_version) == ("Test registry", 1)
    assert canonical.utc_text(canonical.parse_utc(store.info.created)) == store.info.created
    assert store.address.split(":")[0] == engine
    assert (store.folder is None) == (engine == "postgresql")


def test_every_write_leaves_one_entry(store):
    changes = [add(store) for _ in range(3)]
    assert [c.seq for c in changes] == [e.seq for e in log(store)] == [1, 2, 3]
    assert changes[0].kinds == {"use"}
    assert (changes[0].subject, changes[0].note) == ("m", "Described a use")


def test_an_entry_says_who_what_when_and_what_was_added(store):
    first, second = use(store), use(store, "Mortgages")
    add(store, first, second)
    (entry,) = log(store)
    body = entry.read()
    assert (body.actor, body.action, body.subject, body.facts) == ("ann", "use.described", "m", 2)
    assert body.kinds == ("use",)
    assert body.registry == store.info.id
    leaves = [hashlib.sha256(b"\x00" + hashlib.sha256(canonical.encode(f)).digest()).digest() for f in (first, second)]
    assert body.facts_root == hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).hexdigest()


def test_the_chain_by_hand(store):
    add(store)
    add(store)
    before = bytes(32)
    for entry in log(store):
        at = canonical.utc_text(entry.at)
        framed = "\n".join(["assaydesk-event/v1", str(entry.seq), at, entry.user, entry.command, entry.body])
        assert entry.prev == before.hex()
        before = hashlib.sha256(b"\x02" + before + framed.encode()).digest()
        assert entry.hash == before.hex()


def test_an_exception_leaves_nothing(store):
    def half_way(write):
        write.add(use(store))
        write.add_blob(b"document")
        write.add_text("Rita Risk")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"), store.write(ANN, "a", Id("m")) as write:
        half_way(write)
    with store.read() as reader:
        assert list(reader.entries()) == list(reader.raw_facts()) == list(reader.blobs()) == []
        assert reader.about_rows() == set()
    assert write.change is None


def test_a_failure_while_finishing_leaves_nothing(store):
    kept = use(store)
    add(store, kept)
    with pytest.raises(Exception, match=r"only added|duplicate key"), store.write(ANN, "a", Id("m")) as write:
        write.add(use(store), kept)  # the same fact again
    assert len(log(store)) == 1
    with store.read() as reader:
        assert reader.count(Use) == 1


@pytest.mark.parametrize("count", [0, 1001])
def test_a_write_holds_one_to_a_thousand_facts(store, count):
    with pytest.raises(ValueError, match="1 to 1000 facts"), store.write(ANN, "a", Id("m")) as write:
        write.add(*(use(store) for _ in range(count)))
    assert log(store) == []


def test_a_thousand_facts_are_one_entry(store):
    add(store, *(use(store, str(n)) for n in range(1000)))
    with store.read() as reader:
        assert [f.record.purpose for f in reader.at(1)] == [str(n) for n in range(1000)]
        assert [f.ordinal for f in reader.all(Use)] == list(range(1, 1001))


def test_only_facts_are_added(store):
    with pytest.raises(TypeError, match="Pair is not a fact"), store.write(ANN, "a", Id("m")) as write:
        write.add(Pair(key="k", value="v"))


@pytest.mark.parametrize("text", ["\ud800", "half \udfff surrogate"])
def test_text_that_has_no_bytes_is_refused_before_anything_is_written(store, text):
    with pytest.raises(NotCanonical):
        add(store, use(store, text))
    with pytest.raises(NotCanonical):
        add(store, note=text)
    assert log(store) == []


def test_text_is_stored_and_listed_in_one_form(store):
    """A decomposed é, as file names have it on macOS, is the same é in the body and in the columns beside it."""
    add(store, use(store, "Cafe\u0301"), note="Filed cafe\u0301.pdf")
    with store.read() as reader:
        (columns,) = reader.entry_columns()
        assert columns["note"] == log(store)[0].read().note == "Filed caf\u00e9.pdf"
        assert reader.all(Use)[0].record.purpose == "Caf\u00e9"


def test_what_is_stored_is_what_was_digested(store):
    fact = use(store, "€ \u2028 𝄞")
    add(store, fact)
    with store.read() as reader:
        (row,) = reader.raw_facts()
        assert row["body"].encode() == canonical.encode(fact)
        assert row["digest"] == hashlib.sha256(row["body"].encode()).hexdigest()
        found = reader.get(Use, fact.id)
        assert (found.record, found.by, found.seq, found.ordinal) == (fact, ANN, 1, 1)
        assert reader.body(fact.id).encode() == canonical.encode(fact)


# ---- reading


def test_facts_are_found_by_what_they_are_about(store):
    one, two = use(store, "one", "m1"), use(store, "two", "m2")
    add(store, one)
    add(store, two)
    finding = Finding(id=store.new_id(), model=Id("m1"), version=Id("v"), use=one.id, title="t", description="d",
                      severity=Severity.LOW)
    add(store, finding)
    with store.read() as reader:
        assert [f.record for f in reader.about("m1")] == [one, finding]
        assert [f.record for f in reader.about(one.id)] == [finding]
        assert [f.record for f in reader.all(Use, "m2")] == [two]
        assert reader.last(Use, "m1").record == one
        assert reader.last(Finding, "m2") is None
        assert [e.seq for e in reader.entries(about="m1")] == [1, 3]
        assert [e.seq for e in reader.entries(about="m")] == [1, 2, 3]  # their subject
        assert [e.seq for e in reader.entries(after=1, until=2)] == [2]
        assert reader.models_about([one.id]) == {"m1"}


def test_what_is_not_there_is_said(store):
    with store.read() as reader:
        assert reader.find(Use, Id("nothing")) is None
        assert reader.find(Use, None) is None
        with pytest.raises(NotFound, match="no use with this id"):
            reader.get(Use, Id("nothing"))
        with pytest.raises(NotFound):
            reader.body(Id("nothing"))
        with pytest.raises(NotFound):
            reader.blob("ab" * 32)


def test_the_kind_must_be_right_too(store):
    fact = use(store)
    add(store, fact)
    with store.read() as reader:
        assert reader.find(Finding, fact.id) is None


def test_the_reading_door_sees_one_moment(store, address):
    add(store)
    with store.read() as reader:
        assert reader.head().seq == 1
        facts = reader.count(Use)
        with ThreadPoolExecutor(1) as pool, closing(open_store(address)) as second, second.read() as other:
            assert other.head().seq == 1
            assert pool.submit(lambda: facts).result() == 1
        assert reader.count(Use) == facts


def test_a_write_sees_the_registry_as_it_is_before_it(store):
    add(store)
    with store.write(ANN, "a", Id("m")) as write:
        write.add(use(store))
        assert write.reader.count(Use) == 1
    assert write.change.seq == 2


# ---- commands, order, clocks


def test_a_command_is_found_by_what_it_did(store):
    made = add(store, command="cmd-1")
    assert store.outcome("cmd-1") == made
    assert store.outcome("cmd-2") is None
    with store.read() as reader:
        assert reader.outcome("cmd-1").seq == 1


def test_a_command_is_done_once(store):
    add(store, command="cmd-1")
    with pytest.raises(Exception, match="command"):
        add(store, command="cmd-1")
    assert len(log(store)) == 1


def check_order(entries, count):
    assert [e.seq for e in entries] == list(range(1, count + 1))
    before = audit.GENESIS.hex()
    for entry in entries:
        assert entry.prev == before
        framed = audit.message(entry.seq, entry.at, entry.user, entry.command, entry.body)
        before = audit.chain_hash(bytes.fromhex(entry.prev), framed).hex()
        assert entry.hash == before


def test_eight_threads_leave_a_log_without_gaps(store):
    def work(worker):
        for n in range(25):
            add(store, use(store, f"{worker}/{n}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    check_order(log(store), 200)
    with store.read() as reader:
        assert {f.record.purpose for f in reader.all(Use)} == {f"{w}/{n}" for w in range(8) for n in range(25)}
        assert [f.ordinal for f in reader.all(Use)] == list(range(1, 201))


def write_many(address, worker, count):
    other = open_store(address)
    for n in range(count):
        add(other, use(other, f"{worker}/{n}"))
    other.close()


def test_four_processes_leave_a_log_without_gaps(store, address):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_many, args=(address, w, 20)) for w in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [w.exitcode for w in workers] == [0, 0, 0, 0]
    check_order(log(store), 80)
    with store.read() as reader:
        assert len({f.record.purpose for f in reader.all(Use)}) == 80


def test_two_stores_on_one_registry_see_each_others_work(store, address):
    other = open_store(address)
    try:
        mine, theirs = add(store), add(other)
        assert (mine.seq, theirs.seq) == (1, 2)
        assert other.info == store.info
        assert [e.hash for e in log(store)] == [e.hash for e in log(other)]
    finally:
        other.close()


def test_time_in_the_log_never_runs_back(tmp_path):
    moments = [START]
    store = create_store(str(tmp_path / "registry.assay"), "x", lambda: moments[-1])
    for minutes in (0, 5, 0, 1):
        moments.append(START + timedelta(minutes=minutes))
        add(store)
    late = START + timedelta(minutes=5)
    assert [e.at for e in log(store)] == [START, late, late, late]
    assert [e.read().client_time for e in log(store)] == moments[1:]  # what the writer's clock said is kept
    store.close()


def test_a_clock_far_behind_the_log_writes_nothing(tmp_path):
    moments = [START]
    store = create_store(str(tmp_path / "registry.assay"), "x", lambda: moments[-1])
    moments.append(START + timedelta(minutes=6))
    add(store)
    moments.append(START)
    with pytest.raises(Refused, match="clock of this machine is behind the registry") as refused:
        add(store)
    assert "2026-11-20T09:00:00" in refused.value.detail
    assert "2026-11-20T09:06:00" in refused.value.detail
    assert refused.value.remedy
    assert len(log(store)) == 1
    moments.append(START + timedelta(days=3650))  # forwards nothing is refused: nobody else's clock says so
    add(store)
    store.close()


def test_a_run_behind_versions_of_two_models_is_found_with_both(store):
    def named(kind):
        return SourceIdentity(source="mlflow", name=kind, version="", created="")

    run = SourceRun(id=store.new_id(), model=Id("m1"), source=named("run"), name="train", status="FINISHED")
    versions = {m: ModelVersion(id=store.new_id(), model=Id(m), label="1", run=run.id, source=named(m),
                                artefact=Artefact(digest=Digest("ab" * 32), of=DigestOf.SOURCE))
                for m in ("m1", "m2")}
    other = use(store, "later", "m2")
    add(store, use(store, "first", "m2"), run, *versions.values())
    add(store, other)
    with store.read() as reader:
        assert [f.record for f in reader.of(Id("m1"))] == [run, versions["m1"]]
        assert [f.record for f in reader.of(Id("m2"))][1:] == [run, versions["m2"], other]


def test_the_newest_entry_on_a_subject_is_found(store):
    add(store)
    with store.write(ANN, "a", Id("other")) as write:
        write.add(use(store))
    with store.read() as reader:
        assert [reader.last_on(s) for s in ("m", "other", "nothing")] == [1, 2, 0]


# ---- documents and people's words


def test_the_same_document_is_kept_once(store):
    for n in range(2):
        with store.write(ANN, "document.filed", Id("m")) as write:
            digest = write.add_blob(b"%PDF-1.7 the same")
            if n:
                assert write.add_blob(b"another") != digest
            write.add(use(store))
    assert digest == hashlib.sha256(b"%PDF-1.7 the same").hexdigest()
    with store.read() as reader:
        assert next((d, seq) for d, seq, _ in reader.blobs()) == (digest, 1)
        assert sorted(data for _, _, data in reader.blobs()) == [b"%PDF-1.7 the same", b"another"]
        assert reader.blob(digest) == b"%PDF-1.7 the same"
    assert [len(e.read().blobs) for e in log(store)] == [1, 2]


def test_a_document_has_a_greatest_size(store, monkeypatch):
    monkeypatch.setattr(writer, "MOST_BLOB", 10)
    with pytest.raises(UserError, match="larger than the registry keeps"), store.write(ANN, "a", Id("m")) as write:
        write.add_blob(b"eleven byte")


def test_names_are_beside_the_facts(store):
    with store.write(ANN, "person.enrolled", Id("p")) as write:
        name = write.add_text("Rita Risk")
        write.add(Person(id=Id("p"), name=name))
    with store.read() as reader:
        assert reader.names() == {"p": "Rita Risk"}
        assert reader.text(name) == "Rita Risk"
        assert "Rita" not in reader.body(Id("p"))
        assert "Rita" not in log(store)[0].body


def test_text_that_does_not_fit_its_digest_is_not_shown(store):
    with store.write(ANN, "person.enrolled", Id("p")) as write:
        name = write.add_text("Rita Risk")
        write.add(Person(id=Id("p"), name=Erasable(ref=name.ref, digest=erasable_digest(b"", "someone"))))
    with store.read() as reader:
        assert reader.names() == {"p": "(erased)"}
        assert reader.text(Erasable(ref=name.ref, digest=Digest("0" * 64))) is None
        assert reader.text(Erasable(ref="nowhere", digest=name.digest)) is None


def test_a_salt_that_is_none_hides_the_text(store):
    with store.write(ANN, "person.enrolled", Id("p")) as write:
        name = write.add_text("Rita Risk")
        write.add(Person(id=Id("p"), name=name))
    with store.read() as reader:
        (salt, text), held = reader.salted(name), reader.get(Person, Id("p")).record.name
        assert (text, fits(salt, text, held.digest)) == ("Rita Risk", True)
    assert not fits("no hexadecimal", "Rita Risk", held.digest)


def test_a_user_the_system_does_not_know_may_write(store, engine, monkeypatch):
    def unknown():
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", unknown)
    add(store)
    assert log(store)[0].user == {"sqlite": "unknown", "postgresql": "registrar"}[engine]  # the server knows who


def test_a_clock_is_asked_not_the_system(tmp_path):
    store = create_store(str(tmp_path / "registry.assay"), "x", clock(START))
    add(store)
    assert START <= log(store)[0].at < START + timedelta(minutes=1)
    store.close()


@pytest.mark.parametrize("command", ["", "two\nlines", "a\x00b"])
def test_a_command_is_one_line(store, command):
    """What is hashed of an entry is lines: a command with a break could pass for another entry's."""
    with pytest.raises(ValueError, match="one line of text"):
        add(store, command=command or "\n")
    assert log(store) == []


def test_a_user_with_a_line_break_is_not_written_down(tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ann\nforged")
    with closing(create_store(str(tmp_path / "registry.assay"), "x", clock(START))) as store:
        add(store)
        assert log(store)[0].user == "unknown"
