"""A backup becomes a registry on a server: every entry as it was, the next one says so, signed; all or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from desktop_app.__main__ import main
from desktop_app.domain.registry import RegistryRestored
from desktop_app.errors import Damaged, Refused, Unreachable, UserError
from desktop_app.operations import audit, models, registries, restoring
from desktop_app.registry.store import system_clock
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import open_workspace
from tests.desk import PASSPHRASE, make_desk

ENTRIES = "SELECT seq, at, db_user, command, body, prev, hash FROM entry ORDER BY seq"


@pytest.fixture(params=["sqlite", "postgresql"])
def saved(request, tmp_path):
    """A backup, of a file and of a server's registry."""
    address = request.getfixturevalue("postgres").database() if request.param == "postgresql" else None
    desk = make_desk(tmp_path, now=system_clock, address=address)
    registries.backup(desk.as_("Ann Admin"), tmp_path / "saved.assay")
    desk.workspace.close()
    return tmp_path / "saved.assay"


@pytest.fixture
def kept(tmp_path):
    """A backup of a file."""
    desk = make_desk(tmp_path, now=system_clock)
    registries.backup(desk.as_("Ann Admin"), tmp_path / "saved.assay")
    desk.workspace.close()
    return tmp_path / "saved.assay"


@pytest.fixture
def address(postgres):
    return postgres.database()


def restore(saved, address, person="Ann Admin", passphrase=PASSPHRASE, reason="the server burnt"):
    return restoring.restore_to_server(saved, address, person, passphrase, reason=reason, keys=saved.parent / "keys")


def opened(saved, address):
    return closing(open_workspace(address, "Ann Admin", keys=saved.parent / "keys", secret_store=NoSecretStore()))


def nothing_at(address):
    with closing(psycopg.connect(address)) as raw:
        return raw.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'assaydesk'").fetchone() == (0,)


def test_every_entry_is_what_it_was_and_the_next_says_so(saved, address):
    done = restore(saved, address)
    with closing(sqlite3.connect(saved)) as raw:
        before = raw.execute(ENTRIES).fetchall()
    with closing(psycopg.connect(address, options="-csearch_path=assaydesk")) as raw:
        there = raw.execute(ENTRIES).fetchall()
        head = raw.execute("SELECT seq, at, hash FROM head").fetchall()
    assert there[:-1] == before
    assert done.entry == len(there) == done.backup_entries + 1
    assert head == [(there[-1][0], there[-1][1], there[-1][6])]
    with opened(saved, address) as ann:
        assert registries.status(ann).guards == ()
        report = audit.verify(ann)
        assert report.ok, report.problems
        gap = restoring.discontinuity(ann)
        assert (gap.entry, gap.person, gap.reason, gap.signed) == (
            done.entry, "Ann Admin", "the server burnt", "valid")
        with ann.store.read() as reader:
            (restored,) = reader.all(RegistryRestored)
        assert restored.record.backup_hash == before[-1][6]
        assert registries.rebuild(ann) == ()
        models.register(ann, "Made afterwards")
        assert audit.recompute(ann).entries == done.entry + 1


def test_rows_of_the_log_are_guarded_from_their_owner_too(kept, address):
    restore(kept, address)
    with closing(psycopg.connect(address)) as raw:
        raw.execute("SET ROLE assaydesk_owner")
        with pytest.raises(psycopg.errors.Error, match="only added"):
            raw.execute("DELETE FROM assaydesk.fact")


def test_a_registry_that_is_there_stays(kept, address):
    restore(kept, address)
    with pytest.raises(UserError, match="already a registry"):
        restore(kept, address)
    with opened(kept, address) as ann:
        assert audit.recompute(ann).ok


def test_a_damaged_backup_leaves_nothing(kept, address):
    with closing(sqlite3.connect(kept)) as raw:
        raw.execute("DROP TRIGGER fact_no_update")
        raw.execute("UPDATE fact SET body = replace(body, 'Card lending', 'Mortgages')")
        raw.commit()
    with pytest.raises((Damaged, Unreachable)):
        restore(kept, address)
    assert nothing_at(address)


def test_a_newer_format_leaves_nothing(kept, address):
    with closing(sqlite3.connect(kept)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    with pytest.raises(Unreachable, match="newer version"):
        restore(kept, address)
    assert nothing_at(address)


@pytest.mark.parametrize("wrong", [{"person": "Dev Patel"}, {"passphrase": "not this one"}, {"reason": " "}])
def test_who_may_not_or_says_not_why_leaves_nothing(kept, address, wrong):
    with pytest.raises(UserError):
        restore(kept, address, **wrong)
    assert nothing_at(address)


def test_a_login_that_may_not_make_a_schema_leaves_nothing(kept, address, postgres):
    postgres.login("passerby")
    name = address.split("@/")[1].split("?")[0]
    with pytest.raises(Unreachable, match="does not allow"):
        restore(kept, postgres.address(name, "passerby"))
    assert nothing_at(address)


def test_a_server_whose_clock_is_behind_the_log_is_told(tmp_path, address):
    make_desk(tmp_path, now=system_clock).workspace.close()
    ahead = open_workspace(tmp_path / "registry.assay", "Ann Admin", clock=lambda: system_clock() + timedelta(days=1),
                           keys=tmp_path / "keys", secret_store=NoSecretStore())
    registries.backup(ahead, tmp_path / "none.assay")  # its entry is a day ahead
    ahead.close()
    with pytest.raises(Refused, match="clock"):
        restore(tmp_path / "registry.assay", address)
    assert nothing_at(address)


def test_as_it_is_typed(kept, address, monkeypatch, capsys):
    for name, value in (("HOME", str(kept.parent)), ("PASSPHRASE", PASSPHRASE), ("REGISTRY", address)):
        monkeypatch.setenv(f"ASSAYDESK_{name}", value)
    words = ["assaydesk", "--as", "Ann Admin", "registry", "restore", str(kept), "--reason", "the server burnt"]
    monkeypatch.setattr("sys.argv", words)
    assert main() == 0
    assert "Restored the registry on the server from a backup of" in capsys.readouterr().out


def test_anyway_is_refused_on_a_server_before_a_passphrase_is_asked_for(kept, address, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["assaydesk", "--registry", address, "registry", "restore", str(kept),
                                     "--reason", "x", "--anyway"])
    assert main() == 2
    assert "On a server nothing is replaced." in capsys.readouterr().err
    assert nothing_at(address)
