"""A signature is recorded once whatever the connection does, and a program that was killed tells what became of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_app.domain.approval import SignOff
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Role
from desktop_app.domain.policy import Meaning
from desktop_app.domain.use import Use
from desktop_app.errors import Lost, Pending
from desktop_app.operations import audit, outbox, people
from desktop_app.registry.outbox import Patience
from desktop_app.registry.store import system_clock
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import NO_KEYRING_MARK, open_workspace
from tests.cutting import APPEND, COMMIT
from tests.desk import CHEAP, PASSPHRASE, Desk, make_desk
from tests.operations.decided import ask, sign


@pytest.fixture
def near(postgres, tmp_path):
    made = make_desk(tmp_path, now=system_clock, address=postgres.database())
    yield made
    made.workspace.close()


@pytest.fixture
def address(near, line):
    place = near.workspace.store.address
    name, user = place.split("@/")[1].split("?")[0], place.split("//")[1].split("@")[0]
    return f"postgresql://{user}@127.0.0.1:{line.port}/{name}?sslmode=disable"


@pytest.fixture
def far(near, address, tmp_path):
    """The same desk by a line that can be cut."""
    opened = open_workspace(address, "Rita Risk", keys=tmp_path / "keys", secret_store=NoSecretStore(), cost=CHEAP)
    opened.store.patience = Patience(first=0.01, most=0.05, total=20)
    yield Desk(opened, near.people, near.model, near.version, near.use)
    opened.close()


def signed(desk):
    with desk.workspace.store.read() as reader:
        return reader.all(SignOff)


def somebody_writes(desk):
    with desk.as_("Dev Patel").store.write(desk.people["Dev Patel"], "use.described", Id("else")) as write:
        write.add(Use(id=desk.workspace.store.new_id(), model=Id("else"), purpose="other"))


@pytest.mark.parametrize(("words", "since"), [(b"lock_log()", b""), (APPEND, b""), (COMMIT, APPEND)])
@pytest.mark.parametrize("how", ["at", "after"])
def test_a_signature_is_recorded_once_though_others_write_meanwhile(near, far, line, how, words, since):
    request = ask(near)
    getattr(line, f"cut_{how}")(words, since)
    line.then = lambda: somebody_writes(near)
    change = sign(far, "Rita Risk", request, Meaning.APPROVE)
    assert line.cuts == 1
    assert [(s.seq, s.by) for s in signed(near)] == [(change.seq, near.people["Rita Risk"])]
    assert audit.verify(near.workspace).ok
    assert outbox.leftovers(far.workspace) == ()


@pytest.mark.parametrize("how", ["at", "after"])
def test_what_governs_is_recorded_once_as_well(near, far, line, how):
    getattr(line, f"cut_{how}")(COMMIT, APPEND)
    line.then = lambda: somebody_writes(near)
    people.grant(far.as_("Ann Admin"), near.people["Val Idris"], Role.AUDITOR, PASSPHRASE)
    assert line.cuts == 1
    assert Role.AUDITOR in next(p for p in people.listing(near.workspace) if p.name == "Val Idris").roles
    assert audit.verify(near.workspace).ok


@pytest.mark.parametrize("how", ["at", "after"])
def test_the_same_statement_signed_again_after_a_pending_outcome_is_one_decision(near, far, line, how):
    from desktop_app.operations import approvals, signing

    request, rita = ask(near), far.as_("Rita Risk")
    seen = approvals.review(rita, request)
    prepared = signing.prepare(rita, seen, signing.Decision(meaning=Meaning.APPROVE, declared=True))
    far.workspace.store.patience = Patience(first=0.01, most=0.01, total=0.05)
    getattr(line, f"cut_{how}")(COMMIT, APPEND)
    line.then = lambda: setattr(line, "down", True)
    with pytest.raises(Pending, match="not known yet"):
        signing.sign_off(rita, seen, prepared, PASSPHRASE)
    with pytest.raises(Lost):
        signing.sign_off(rita, seen, prepared, PASSPHRASE)
    line.down = False
    change = signing.sign_off(rita, seen, prepared, PASSPHRASE)
    assert [s.seq for s in signed(near)] == [change.seq]


@pytest.mark.parametrize(("how", "told"), [("at", "was not recorded"), ("after", "was recorded after all, as entry")])
def test_killed_between_sending_and_answer_the_next_start_tells(near, address, line, tmp_path, how, told):
    ask(near)
    (tmp_path / "keys" / NO_KEYRING_MARK).touch()
    (tmp_path / "home").mkdir()
    (tmp_path / "keys").rename(tmp_path / "home" / "keys")
    environment = os.environ | {
        "ASSAYDESK_HOME": str(tmp_path / "home"), "ASSAYDESK_PASSPHRASE": PASSPHRASE, "ASSAYDESK_REGISTRY": address}

    root = Path(__file__).parents[2]

    def assaydesk(*words):
        return subprocess.Popen([sys.executable, "-m", "desktop_app", "--as", "Rita Risk", *words], env=environment,
                                cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    getattr(line, f"cut_{how}")(COMMIT, APPEND)
    line.then = lambda: signing.kill()  # noqa: PLW0108 - it is not started yet
    signing = assaydesk("sign", "R-1", "approve", "--declare")
    said = signing.communicate(timeout=60)
    assert (line.cuts, signing.returncode) == (1, -9), said
    again = assaydesk("registry", "status")
    out, err = again.communicate(timeout=60)
    assert (again.returncode, told in err, "sent by Rita Risk" in err) == (0, True, True), err
    assert len(signed(near)) == (how == "after")
    third = assaydesk("registry", "status")
    assert third.communicate(timeout=60)[1] == ""  # told once
    line.down = True
    line.cut()
    away = assaydesk("registry", "status")
    assert "cannot be reached" in away.communicate(timeout=60)[1]
    assert away.returncode == 3


def test_what_was_written_after_an_entry_is_told_oldest_first(near):
    head = audit.head_seq(near.workspace)
    request = ask(near)
    sign(near, "Rita Risk", request, Meaning.APPROVE)
    assert [(c.seq, c.subject, sorted(c.kinds)) for c in audit.changes_since(near.workspace, head)] == [
        (head + 1, request, ["dossier", "promotion.requested"]),
        (head + 2, request, ["promotion.signed_off", "stage.changed"])]
