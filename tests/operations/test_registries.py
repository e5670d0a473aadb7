"""Keeping a registry: how it is, backups that are verified, restoring as a ceremony, upgrades, logins."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from desktop_app.__main__ import main
from desktop_app.domain.audit import Exported
from desktop_app.domain.canonical import Id
from desktop_app.domain.model import RegisteredModel
from desktop_app.domain.person import Role
from desktop_app.domain.registry import Admission, RegistryRestored
from desktop_app.domain.use import Use
from desktop_app.errors import Damaged, Refused, StaleError, Unreachable, UserError
from desktop_app.operations import audit, models, people, registries, restoring
from desktop_app.registry import migrations
from desktop_app.registry.store import system_clock
from desktop_app.trust import keys
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import create_workspace, open_workspace
from tests.desk import CHEAP, PASSPHRASE, make_desk
from tests.registry.upgrading import NEXT


@pytest.fixture
def desk(tmp_path):
    """By the system's clock: what restores it goes by that."""
    made = make_desk(tmp_path, now=system_clock)
    yield made
    made.workspace.close()


@pytest.fixture
def ann(desk):
    return desk.as_("Ann Admin")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "registry.assay"


@pytest.fixture
def saved(ann, tmp_path):
    """A backup of the registry before one more model was registered."""
    registries.backup(ann, tmp_path / "saved.assay")
    models.register(ann, "Newer model")
    return tmp_path / "saved.assay"


@pytest.fixture
def team(postgres, tmp_path):
    """A registry on a server with its administrator."""
    made = create_workspace(postgres.database(), "Team", keys=tmp_path / "keys", secret_store=NoSecretStore(),
                            cost=CHEAP)
    yield registries.found(made, "Ann Admin", PASSPHRASE)
    made.close()


def restore(source, place, person="Ann Admin", passphrase=PASSPHRASE, **more):
    return restoring.restore(source, place, person, passphrase, **{"reason": "the disk failed"} | more)


def entries_of(place):
    with closing(sqlite3.connect(place)) as raw:
        return raw.execute("SELECT seq, hash FROM entry ORDER BY seq").fetchall()


# ---- status, rebuild


def test_the_status_says_what_the_file_holds(ann, place, desk):
    found, entries = registries.status(ann), entries_of(place)
    assert (found.entries, found.head) == entries[-1]
    assert (found.format, found.newest, found.guards, found.warnings) == ("0002", "0002", (), ())
    assert found.size == place.stat().st_size
    assert dict(found.settings) == {"journal": "delete", "synchronous": "extra"}
    with closing(sqlite3.connect(place)) as raw:
        raw.execute("DROP TRIGGER fact_no_update")
    assert registries.status(ann).guards == ("fact_no_update",)


def test_the_status_of_a_server_says_what_it_does_not_promise(team):
    found = registries.status(team)  # the tests' server has fsync=off
    assert (found.login, found.entries, dict(found.settings)["fsync"]) == ("registrar", 2, "off")
    assert [w[:12] for w in found.warnings] == ["fsync is off"]
    assert dict(found.settings)["tls"] == "no"


def test_rebuilding_says_what_differed(ann, place):
    assert registries.rebuild(ann) == ()
    with closing(sqlite3.connect(place)) as raw:
        raw.execute("DELETE FROM about WHERE rowid IN (SELECT rowid FROM about LIMIT 3)")
        raw.execute("UPDATE inventory SET name = 'Forged'")
        raw.commit()
    assert not audit.recompute(ann).ok
    said = registries.rebuild(ann)
    assert said[0].startswith("3 of ")
    assert said[1:] == ("1 of 1 rows of the inventory were missing", "1 of 1 rows of the inventory did not belong")
    assert audit.recompute(ann).ok


# ---- backups


def test_a_backup_holds_the_same_log_and_is_recorded(ann, place, tmp_path):
    before = entries_of(place)
    made = registries.backup(ann, tmp_path / "saved.assay")
    assert entries_of(made.path) == before
    assert (made.entries, made.head) == before[-1]
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256
    with ann.store.read() as reader:
        (noted,) = reader.all(Exported)
    assert (noted.record.what, noted.record.sha256, noted.seq) == ("registry", made.sha256, made.entries + 1)


def test_a_backup_of_a_server_is_a_registry_file_with_the_same_log(team, tmp_path):
    with team.store.write(team.me, "document.kept", Id("m"), note="é €𝄞") as write:
        write.add(Use(id=team.store.new_id(), model=Id("m"), purpose="é €𝄞"))
        write.add_blob(bytes(range(256)))
    made = registries.backup(team, tmp_path / "saved.assay")
    with team.store.read() as reader, closing(open_workspace(made.path, keys=tmp_path / "keys")) as copy, \
            copy.store.read() as copied:
        assert copy.store.info == team.store.info
        assert list(copied.entries()) == [e for e in reader.entries() if e.seq <= made.entries]
        assert list(copied.raw_facts()) == [f for f in reader.raw_facts() if f["seq"] <= made.entries]
        assert list(copied.blobs()) == list(reader.blobs())
        assert copied.names() == reader.names()
    with closing(open_workspace(made.path, keys=tmp_path / "keys")) as copy:
        assert audit.recompute(copy).ok


def test_nothing_is_written_over_by_a_backup(ann, tmp_path):
    (tmp_path / "saved.assay").write_text("mine")
    with pytest.raises(UserError, match="already a file"):
        registries.backup(ann, tmp_path / "saved.assay")
    with pytest.raises(UserError, match="no such folder"):
        registries.backup(ann, tmp_path / "nowhere" / "saved.assay")
    assert (tmp_path / "saved.assay").read_text() == "mine"


def test_a_log_that_is_not_in_order_gives_no_backup(ann, place, tmp_path):
    with closing(sqlite3.connect(place)) as raw:
        raw.execute("DROP TRIGGER entry_no_update")
        raw.execute("UPDATE entry SET note = 'forged' WHERE seq = 2")
        raw.commit()
    with pytest.raises(Damaged, match="not in order") as refused:
        registries.backup(ann, tmp_path / "saved.assay")
    assert "entry 2" in refused.value.detail
    assert not (tmp_path / "saved.assay").exists()


def test_without_somebody_acting_nothing_is_copied(desk, tmp_path):
    with pytest.raises(Refused, match="Nobody is named"):
        registries.backup(desk.workspace.acting_as(None), tmp_path / "saved.assay")
    assert not (tmp_path / "saved.assay").exists()


# ---- restoring


def test_a_restoration_is_the_next_entry_signed_and_says_what_is_gone(desk, ann, place, saved):
    before = entries_of(place)
    done = restore(saved, place, anyway=True)
    kept = entries_of(saved)
    assert entries_of(place)[:-1] == kept
    assert (done.entry, done.replaced_entries, done.lost) == (len(kept) + 1, len(before), 2)
    assert entries_of(done.aside) == before
    gap = restoring.discontinuity(ann)  # a program that had it open goes on with what is there now
    assert (gap.entry, gap.person, gap.reason, gap.signed) == (done.entry, "Ann Admin", "the disk failed", "valid")
    assert gap.replaced_entries == len(before)
    with ann.store.read() as reader:
        (restored,) = reader.all(RegistryRestored)
    assert restored.record.replaced_hash == before[-1][1]
    assert restored.record.backup_hash == kept[-1][1]
    assert restored.record.file_sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert audit.recompute(ann).ok
    models.register(desk.as_("Dev Patel"), "Made afterwards")
    assert entries_of(place)[-1][0] == done.entry + 1
    assert not list(place.parent.glob(".restoring-*"))


def test_entries_are_not_lost_without_being_asked_for(place, saved):
    before = place.read_bytes()
    with pytest.raises(Refused, match="entries that the backup does not") as refused:
        restore(saved, place)
    assert "2 of them would be lost" in refused.value.detail
    assert place.read_bytes() == before
    assert sorted(p.name for p in place.parent.glob("*.assay")) == ["registry.assay", "saved.assay"]


def test_a_log_that_went_its_own_way_is_lost_from_there_on(desk, place, saved, tmp_path):
    with closing(open_workspace(saved, "Ann Admin", keys=tmp_path / "keys")) as other:
        models.register(other, "In the copy only")
        models.register(other, "And another")
    with pytest.raises(Refused) as refused:
        restore(saved, place)
    assert "2 of them would be lost" in refused.value.detail


def test_an_older_registry_gives_way_to_a_newer_backup_without_loss(desk, place, saved, tmp_path):
    registries.backup(desk.as_("Ann Admin"), tmp_path / "newer.assay")
    desk.workspace.close()
    place.write_bytes(saved.read_bytes())
    assert restore(tmp_path / "newer.assay", place).lost == 0


@pytest.mark.parametrize("there", ["nothing", "damaged", "a journal"])
def test_what_cannot_be_read_is_put_aside(desk, place, saved, there):
    desk.workspace.close()
    if there == "nothing":
        place.unlink()
    else:
        place.write_bytes(b"\xff" * 5000)
    if there == "a journal":
        place.with_name("registry.assay-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\xff" * 4000)
    done = restore(saved, place)
    assert entries_of(place)[:-1] == entries_of(saved)
    assert bool(done.aside) == (there != "nothing")
    if done.aside:
        assert Path(done.aside).read_bytes() == b"\xff" * 5000
    assert not place.with_name("registry.assay-journal").exists()


def damage(path):
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TRIGGER fact_no_update")
        raw.execute("UPDATE fact SET body = replace(body, 'Scorecard', 'Scorecurd')")
        raw.commit()


BAD = {
    "not the administrator": ({"person": "Dev Patel"}, Refused, "role does not allow"),
    "a wrong passphrase": ({"passphrase": "not the passphrase"}, Refused, "passphrase"),
    "no reason": ({"reason": "  "}, UserError, "Say why"),
    "an unknown person": ({"person": "Nobody"}, UserError, "no one person"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused_changes_nothing(place, saved, case):
    options, error, title = BAD[case]
    before = place.read_bytes()
    with pytest.raises(error, match=title):
        restore(saved, place, anyway=True, **options)
    assert place.read_bytes() == before
    assert sorted(p.name for p in place.parent.glob("*.assay")) == ["registry.assay", "saved.assay"]
    assert not list(place.parent.glob(".restoring-*"))


def test_a_backup_that_was_edited_is_not_restored(place, saved):
    damage(saved)
    with pytest.raises(Damaged, match="not in order"):
        restore(saved, place, anyway=True)


def test_a_backup_of_another_registry_is_not_restored_here(place, desk, tmp_path):
    (tmp_path / "other").mkdir()
    other = make_desk(tmp_path / "other", now=system_clock)
    other.workspace.close()
    with pytest.raises(Refused, match="backup of another registry"):
        restore(tmp_path / "other" / "registry.assay", place, keys=tmp_path / "other" / "keys", anyway=True)


def test_the_file_must_be_a_backup(place, saved, tmp_path):
    for source, title in ((tmp_path / "none.assay", "no such file"), (place, "the registry itself")):
        with pytest.raises(UserError, match=title):
            restore(source, place)
    saved.with_name("saved.assay-journal").touch()
    with pytest.raises(UserError, match="middle of a write"):
        restore(saved, place)


def test_what_is_written_while_it_is_agreed_to_is_not_lost(place, saved, ann, monkeypatch):
    inner = restoring.restoring.replace

    def late(*arguments):
        models.register(ann, "At the last moment")
        inner(*arguments)

    monkeypatch.setattr(restoring.restoring, "replace", late)
    with pytest.raises(StaleError, match="written to the registry meanwhile"):
        restore(saved, place, anyway=True)
    with ann.store.read() as reader:
        assert "At the last moment" in {m.name for m in models_of(reader)}
    assert not list(place.parent.glob("*replaced*"))


def models_of(reader):
    return [m.record for m in reader.all(RegisteredModel)]


def test_a_restoration_that_somebody_else_signed_is_told(ann, desk):
    with ann.store.write(ann.me, "registry.restored", Id("r"), note="x") as write:
        write.add(RegistryRestored(id=ann.store.new_id(), backup_seq=1, backup_hash="0" * 64, replaced_seq=9,
                                   replaced_hash="1" * 64, file_sha256="0" * 64, reason="none"))
    assert "nobody signed for it" in restoring.discontinuity(ann).signed


# ---- upgrades


@pytest.fixture
def next_format(monkeypatch):
    monkeypatch.setattr(migrations, "KNOWN", ("0001", "0002", "0003"))
    monkeypatch.setattr(migrations, "FOLDERS", (*migrations.FOLDERS, NEXT))


def test_an_upgrade_is_tried_on_a_copy_and_recorded(ann, place, next_format):
    before = entries_of(place)
    done = registries.upgrade(ann)
    assert (done.since, done.to, done.entry) == ("0002", "0003", len(before) + 1)
    assert entries_of(place)[:-1] == before
    assert audit.recompute(ann).problems == ()


def test_a_log_that_is_not_in_order_is_not_upgraded(ann, place, next_format):
    damage(place)
    before = place.read_bytes()
    with pytest.raises(Damaged):
        registries.upgrade(ann)
    assert place.read_bytes() == before


def test_only_an_administrator_upgrades(desk, place, next_format):
    before = place.read_bytes()
    with pytest.raises(Refused, match="role does not allow"):
        registries.upgrade(desk.as_("Dev Patel"))
    assert place.read_bytes() == before


def test_an_upgrade_on_a_server_takes_the_owners_right(team, postgres, next_format, tmp_path):
    name = team.store.address.split("/")[-1].split("?")[0]
    postgres.login("joost")
    postgres.execute("GRANT assaydesk_app TO joost")
    with closing(open_workspace(postgres.address(name, "joost"), "Ann Admin", keys=tmp_path / "keys")) as other, \
            pytest.raises(Unreachable, match="login does not allow"):
        registries.upgrade(other)
    assert registries.status(team).format == "0002"
    assert registries.upgrade(team).to == "0003"
    assert registries.status(team).format == "0003"


# ---- logins


@pytest.mark.parametrize("login", ["eva", 'e"va', "e'va; DROP SCHEMA assaydesk", "100%s", "e:va", "Ëva B"])
def test_a_login_is_let_in_whatever_its_name(team, postgres, login):
    quoted = '"' + login.replace('"', '""') + '"'
    if not postgres.execute("SELECT 1 FROM pg_roles WHERE rolname = '" + login.replace("'", "''") + "'"):
        postgres.execute(f"CREATE ROLE {quoted} LOGIN")
    registries.admit(team, login)
    found = postgres.execute(
        "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member "
        "JOIN pg_roles g ON g.oid = m.roleid WHERE g.rolname = 'assaydesk_app'")
    assert (login,) in found


def test_an_auditor_reads_and_does_not_write(team, postgres, tmp_path):
    name = team.store.address.split("/")[-1].split("?")[0]
    postgres.login("oda")
    registries.admit(team, "oda", Admission.READ)
    with closing(open_workspace(postgres.address(name, "oda"), "Ann Admin", keys=tmp_path / "keys")) as oda:
        assert audit.recompute(oda).ok
        with pytest.raises(Unreachable, match="login does not allow"):
            people.enrol(oda, "Eve", (Role.ADMINISTRATOR,), PASSPHRASE, PASSPHRASE)
        with pytest.raises(Refused, match="may not admit others") as refused:
            registries.admit(oda, "registrar")
        assert "GRANT assaydesk_app TO registrar;" in refused.value.remedy


def test_who_has_no_login_is_not_let_in(team, ann):
    with pytest.raises(UserError, match="no login “nobody_here”"):
        registries.admit(team, "nobody_here")
    with pytest.raises(UserError, match="no logins"):
        registries.admit(ann, "eva")


# ---- as it is typed


def typed(place, *words):
    out, err = io.StringIO(), io.StringIO()
    settings = {"ASSAYDESK_PASSPHRASE": PASSPHRASE, "ASSAYDESK_REGISTRY": str(place)}
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.setattr("sys.argv", ["assaydesk", "--as", "Ann Admin", *map(str, words)])
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code or 0
    return code, out.getvalue(), err.getvalue()


def test_the_commands(desk, place, saved, tmp_path):
    code, out, _ = typed(place, "registry", "status", "--json")
    assert (code, json.loads(out)["guards_missing"], json.loads(out)["restored"]) == (0, [], None)
    code, out, _ = typed(place, "registry", "backup", tmp_path / "b.assay", "--json")
    assert (code, json.loads(out)["entries"]) == (0, len(entries_of(tmp_path / "b.assay")))
    assert typed(place, "registry", "rebuild")[:2] == (
        0, "Nothing differed.\nEvery list and index was made again from the facts.\n")
    assert "Nothing to do" in typed(place, "registry", "upgrade")[1]
    assert typed(place, "registry", "admit", "eva")[0] == 2
    assert typed(place, "registry", "restore", saved, "--reason", "x")[0] == 1
    code, out, _ = typed(place, "registry", "restore", saved, "--reason", "x", "--anyway", "--json")
    assert (code, json.loads(out)["lost"]) == (0, 3)
    assert "RESTORED at entry" in typed(place, "registry", "status")[1]


def test_a_registry_on_a_server_is_made_as_it_is_typed(postgres, monkeypatch):
    monkeypatch.setattr(keys, "PASSPHRASE_ONLY", CHEAP)
    address = postgres.database()
    code, out, err = typed(address, "init", "--name", "Team", "--person", "Ann Admin")
    assert code == 0, err
    assert out.endswith("Let the others' logins in with: assaydesk registry admit LOGIN.\n")
    postgres.login("jun")
    assert typed(address, "registry", "admit", "jun")[0] == 0
    name = address.split("@/")[1].split("?")[0]
    theirs = postgres.address(name, "jun")
    assert typed(theirs, "people", "enrol", "Jun Park", "--role", "developer")[0] == 0
    code, out, _ = typed(theirs, "audit", "verify", "--json")
    assert (code, json.loads(out)["entries"]) == (0, 3)
    assert postgres.execute("SELECT seq, db_user FROM assaydesk.entry ORDER BY 1", name) == [
        (1, "registrar"), (2, "registrar"), (3, "jun")]


def test_an_upgrade_as_it_is_typed(desk, place, next_format):
    code, out, err = typed(place, "registry", "upgrade")
    assert code == 0, err
    kept = place.with_name("registry.format-0002.assay")
    assert f"Wrote the backup {kept}" in out
    assert "Upgraded from format 0002 to 0003" in out
    assert len(entries_of(place)) == len(entries_of(kept)) + 1


def test_on_a_server_somebody_must_say_that_there_is_a_backup(team, next_format, postgres, monkeypatch, tmp_path):
    name = team.store.address.split("/")[-1].split("?")[0]
    address = postgres.address(name, "registrar")
    monkeypatch.setenv("ASSAYDESK_HOME", str(tmp_path))
    code, _, err = typed(address, "registry", "upgrade")
    assert (code, "pg_dump" in err) == (1, True)
    assert registries.status(team).format == "0002"
    code, out, err = typed(address, "registry", "upgrade", "--no-backup")
    assert (code, "Upgraded from format 0002 to 0003" in out) == (0, True), err
