"""Reading without a connection: a copy of a server's registry, verified, sealed, read and never written."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text

from desktop_app import settings
from desktop_app.__main__ import main
from desktop_app.domain.audit import Exported
from desktop_app.domain.canonical import Id
from desktop_app.domain.listing import InventoryFilter
from desktop_app.domain.local_copy import LocalCopy
from desktop_app.domain.model import RegisteredModel
from desktop_app.errors import Lost, NotFound, Refused, UserError
from desktop_app.operations import audit, checkpoints, copies, inventory, models, outbox, registries, signing
from desktop_app.registry.outbox import Sent
from desktop_app.registry.store import plain_address, system_clock
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import open_copy
from tests.desk import make_desk


@pytest.fixture
def address(postgres):
    return postgres.database()


@pytest.fixture
def desk(tmp_path, address):
    made = make_desk(tmp_path, now=system_clock, address=address)
    yield made
    made.workspace.close()


@pytest.fixture
def ann(desk):
    return desk.as_("Ann Admin")


@pytest.fixture
def read(tmp_path, address):
    """Opens the copy, whatever became of the server."""
    opened = []

    def open_it(person="Ann Admin", **more):
        opened.append(open_copy(address, person, keys=tmp_path / "keys", secret_store=NoSecretStore(), **more))
        return opened[-1]

    yield open_it
    for ws in opened:
        ws.close()


def file_of(copy):
    (found,) = (settings.data_folder() / "copies").glob(f"*-{copy.sha256[:16]}.assay")
    return found


def test_a_copy_holds_the_same_log_and_is_recorded(desk, ann, read, address):
    made = copies.take(ann)
    with ann.store.read() as reader:
        (noted,) = reader.all(Exported)
        head = reader.head()
    assert (noted.seq, noted.record.sha256, noted.record.head_seq) == (made.entries + 1, made.sha256, head.seq - 1)
    copy = read()
    assert (copy.store.address, copy.store.folder, copy.store.copied) == (plain_address(address), None, made)
    assert [r.name for r in inventory.page(copy, InventoryFilter()).rows] == ["Scorecard"]
    with copy.store.snapshot() as reader:
        assert reader.head().seq == made.entries
    report = audit.verify(copy)
    assert report.ok
    assert (report.entries, report.root) == (made.entries, made.root)
    assert copies.kept(address) == made
    assert copies.kept(address.replace("://", "+psycopg://").replace("registrar@", "registrar:secret@")) == made


def test_nothing_is_recorded_in_a_copy(desk, ann, read):
    copies.take(ann)
    copy = read()
    attempts = [
        lambda: models.register(copy, "Another"), copy.store.rebuild, copy.store.sweep,
        lambda: copy.store.admit("x"), lambda: copy.store.outcome("x"), lambda: registries.upgrade(copy),
        lambda: checkpoints.checkpoint(copy), lambda: checkpoints.prove(copy, 1), lambda: copies.take(copy),
        lambda: copy.store.write(Id("a"), "b", Id("c")).__enter__(),
        lambda: registries.backup(copy, settings.data_folder() / "x.assay")]
    for attempt in attempts:
        with pytest.raises(Refused, match="This is a copy of the registry: nothing can be recorded in it"):
            attempt()
    with copy.store._database.engine.connect() as plain, pytest.raises(Exception, match=r"readonly|not authorized"):
        plain.execute(text("DELETE FROM entry"))
    assert audit.verify(copy).ok


def test_signing_in_a_copy_is_refused_before_anything_is_read_or_typed(desk, ann, read):
    copies.take(ann)
    with pytest.raises(Refused, match="a copy of the registry"):
        signing.prepare(read(), None, None)  # what was seen is not even looked at


def test_what_is_in_the_outbox_is_left_to_the_registry_itself(desk, ann, read):
    """An entry that a copy does not hold may be in the registry: said to be lost, it would be made twice."""
    copies.take(ann)
    sent = Sent(command="0" * 26, at="2026-11-30T08:00:00.000000Z", actor=ann.me, action="model.registered",
                subject=Id("m"), note="Registered a model", facts=(), texts=(), documents=())
    ann.store._outbox.keep(sent)
    assert outbox.leftovers(read()) == ()
    assert list(ann.store._outbox.unanswered()) == [sent.command]
    (left,) = outbox.leftovers(ann)
    assert left.entry is None


def test_a_copy_older_than_what_was_seen_is_no_alarm_and_changes_no_memory(desk, ann, read):
    copies.take(ann)
    models.register(ann, "Later")
    assert checkpoints.check_head(ann).state == "agrees"
    before = ann.installation.recall(ann.store.info.id)
    copy = read()
    found = checkpoints.check_head(copy)
    assert (found.state, found.ok) == ("copy", True)
    assert audit.verify(copy).ok
    assert ann.installation.recall(ann.store.info.id) == before
    with pytest.raises(Refused, match="nothing to accept"):
        checkpoints.accept(copy, "because")


def test_a_checkpoint_newer_than_the_copy_speaks_neither_for_nor_against_it(desk, ann, read, tmp_path):
    copies.take(ann)
    file = tmp_path / "later.checkpoint"
    file.write_text(checkpoints.checkpoint(ann).note.write(), encoding="utf-8")
    report = audit.verify(read(), against=(file,))
    assert not report.problems
    assert "this copy of the registry ends at" in report.unclear[0].sentence


@pytest.mark.parametrize("what", ["file", "words", "seal", "gone"])
def test_a_copy_that_was_changed_is_not_shown(desk, ann, read, what):
    made = copies.take(ann)
    file = file_of(made)
    said = settings.data_folder() / "copies" / f"{file.name.rpartition('-')[0]}.json"
    if what == "file":
        with closing(sqlite3.connect(file)) as raw:
            raw.execute("UPDATE inventory SET name = 'Forged'")
            raw.commit()
    elif what == "gone":
        file.unlink()
    else:
        told = json.loads(said.read_bytes())
        told["taken" if what == "words" else "mac"] = "2030-01-01T00:00:00.000000Z" if what == "words" else "0" * 64
        said.write_text(json.dumps(told))
    with pytest.raises(Refused, match="damaged, or was changed past the program"):
        read()
    assert copies.delete(made.address)
    with pytest.raises(NotFound, match="no copy of this registry on this computer"):
        read()
    assert list(file.parent.iterdir()) == []


def test_a_copy_taken_anew_takes_the_place_of_the_older_one(desk, ann, read):
    first = copies.take(ann)
    models.register(ann, "Later")
    second = copies.take(ann)
    assert second.entries == first.entries + 2  # the copying is an entry too
    assert [f.name for f in (settings.data_folder() / "copies").glob("*.assay")] == [file_of(second).name]
    copy = read()
    assert copy.store.copied == second
    with copy.store.read() as reader:
        assert [m.record.name for m in reader.all(RegisteredModel)] == ["Scorecard", "Later"]


def test_a_log_that_is_not_in_order_is_not_copied_and_the_older_copy_stays(desk, ann, read, address):
    first = copies.take(ann)
    with closing(psycopg.connect(address, options="-csearch_path=assaydesk", autocommit=True)) as raw:
        raw.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        raw.execute("UPDATE entry SET note = 'forged', body = replace(body, 'Registered', 'Removed') WHERE seq = "
                    "(SELECT min(seq) FROM entry WHERE body LIKE '%Registered%')")
        raw.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    with pytest.raises(UserError):
        copies.take(ann)
    assert copies.kept(address) == first
    assert read().store.copied == first


def test_a_registry_in_a_file_needs_no_copy(tmp_path):
    desk = make_desk(tmp_path)
    with closing(desk.workspace), pytest.raises(UserError, match="needs no copy"):
        copies.take(desk.as_("Ann Admin"))


@pytest.mark.parametrize(("passed", "said"), [
    (timedelta(seconds=59), "less than a minute old"), (timedelta(minutes=1), "1 minute old"),
    (timedelta(minutes=119), "1 hour old"), (timedelta(hours=47), "1 day old"), (timedelta(days=400), "400 days old"),
    (timedelta(days=-1), "less than a minute old")])
def test_the_age_is_said_in_the_largest_unit_that_is_whole(passed, said):
    at = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)
    copy = LocalCopy(address="", registry="", name="Team", taken=at, entries=1, head="", root="", sha256="", size=1)
    assert copy.age(at + passed) == said
    assert said in copy.told(at + passed)


def test_an_address_is_known_without_its_password_and_how_it_is_connected_to():
    assert plain_address("postgresql+psycopg://ann:s%40cret@host/db?sslmode=require") == \
        "postgresql://ann@host/db"
    assert plain_address("/some/file.assay") == "/some/file.assay"


# ---- as a person does it


def test_on_the_command_line_a_server_that_is_away_can_be_read(desk, ann, address, tmp_path, capsys, monkeypatch):
    keys = tmp_path / "keys"
    monkeypatch.setattr("desktop_app.workspace.keys_folder", lambda folder: keys)

    def run(*words):
        code = main(["--registry", address, "--as", "Ann Admin", *words])
        return code, *capsys.readouterr()

    code, said, _ = run("registry", "copy")
    assert code == 0
    assert "recomputed and in order" in said
    code, said, _ = run("--json", "registry", "status")
    assert json.loads(said)["copy"]["entries"] == copies.kept(address).entries
    monkeypatch.setattr("desktop_app.workspace.open_store", _away)
    code, _, wrong = run("inventory")
    assert code == 3
    assert "--offline" in wrong
    code, said, wrong = run("--offline", "inventory")
    assert code == 0
    assert "Scorecard" in said
    assert wrong.startswith("You read a copy of “Test registry” that was taken on ")
    code, said, _ = run("gate", "Scorecard@1", "--offline", "--json")
    assert (code, json.loads(said)["as_of"][:4]) == (1, str(datetime.now(UTC).year))
    code, _, wrong = run("--offline", "model", "add", "Another")
    assert code == 1
    assert "nothing can be recorded in it" in wrong
    assert run("registry", "copy", "--delete")[:2] == (0, "The copy is deleted.\n")
    code, _, wrong = run("--offline", "inventory")
    assert code == 2
    assert "no copy of this registry" in wrong


def _away(address, clock):
    raise Lost("The registry's server cannot be reached.", address, "Try again.")
