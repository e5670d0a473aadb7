"""Issue 3's attacks, on a file and on a server, by whoever owns the database: what shows each of them.

The table is asserted, and printed with `pytest -s`. Columns: refused by the database while its guards stand (even to
its owner) · named by the log alone · by the memory of a computer that had seen it · by a checkpoint an auditor keeps.
"""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from desktop_app.domain.approval import SignOff
from desktop_app.domain.canonical import Id
from desktop_app.domain.use import Use
from desktop_app.errors import Refused
from desktop_app.operations import audit, checkpoints
from desktop_app.registry.store import system_clock
from desktop_app.trust.checkpoint import Checkpoint
from desktop_app.trust.installation import Installation
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import open_workspace
from tests.attack import tampering as t
from tests.operations.decided import make_decided

# attack → (database, log, memory, auditor); a pair is (in a file, on a server)
SQL = {
    t.edited_fact: (True, True, False, False),
    t.edited_entry: (True, True, True, True),
    t.rechained_before_a_signature: (True, True, True, True),
    t.rechained_after_the_signatures: (True, False, True, True),
    t.deleted: (True, True, True, True),
    t.deleted_and_renumbered: (True, False, True, True),
    t.reordered: (True, False, True, True),
    t.inserted: (True, False, True, True),
    t.backdated: (True, False, True, True),
    t.tail_cut: (True, False, True, True),
    t.decision_moved: (True, True, True, True),
    t.key_swapped: (True, True, True, True),
    t.role_granted_afterwards: (True, True, True, True),
    t.nothing_but_the_guards: (False, False, False, False),
    t.projection: (False, True, False, False),
    t.fact_without_entry: ((False, True), True, False, False),
}
OTHER = {
    "old backup restored": (False, False, True, True),
    "fork shown to one client": (False, False, True, True),
    "signed decision replayed": (True, None, None, None),
    "signed decision replayed on another request": (False, True, False, False),
    "checkpoint signed over a false root": (False, False, False, True),
    "entries cut that are newer than every checkpoint": (True, False, False, False),
}
HEAD = ("database", "log alone", "memory", "auditor")
LINES: dict[tuple[str, str], tuple] = {}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request):
    return request.param


def fill(store, entries):
    for _ in range(entries):
        with store.write(Id("ann"), "use.described", Id("m")) as write:
            write.add(Use(id=store.new_id(), model=Id("m"), purpose="Something"))


@pytest.fixture(scope="module")
def base(engine, request, tmp_path_factory):
    """(the registry as it was last Friday, as it is now), closed: to be copied."""
    folder = tmp_path_factory.mktemp("base")
    if engine == "sqlite":
        decided = make_decided(folder)
        raw = t.File(str(decided.path))
    else:
        server = request.getfixturevalue("postgres")
        address = server.database()
        decided = make_decided(folder, address=address, now=system_clock)
        raw = t.Server(server, address.split("@/")[1].split("?")[0])
    fill(decided.desk.workspace.store, 1)
    decided.desk.workspace.close()
    friday = raw.copy(folder)
    workspace = open_workspace(raw.address, keys=folder / "none", secret_store=NoSecretStore())
    fill(workspace.store, t.TAIL - 1)
    workspace.close()
    yield friday, raw
    friday.close()
    raw.close()


@pytest.fixture
def place(base, tmp_path):
    made = base[1].copy(tmp_path)
    yield made
    made.close()


@pytest.fixture
def computer(place, tmp_path):
    """Opens the registry on a computer of that name."""
    opened = []

    def on(name):
        workspace = open_workspace(place.address, keys=tmp_path / "none", secret_store=NoSecretStore())
        opened.append(workspace)
        return replace(workspace, installation=Installation(tmp_path / name, NoSecretStore()))

    yield on
    for workspace in opened:
        workspace.close()


@pytest.fixture
def seen(computer, tmp_path):
    """What there is outside before the attack: the memory of “mine”, and the file that the auditor was given."""
    workspace = computer("mine")
    file = tmp_path / "given.checkpoint"
    file.write_text(checkpoints.checkpoint(workspace).note.write(), encoding="utf-8")
    workspace.close()
    return file, workspace.installation.key().line


def refused(place, attack):
    """Whether the database refuses it while its guards stand."""
    try:
        with place.undone():
            attack(place)
    except (psycopg.Error, t.sqlite3.Error):
        return True
    return False


def shown_by(computer, seen, place, *, rebuild=True):
    """(log, memory, auditor)."""
    file, key = seen
    if rebuild:  # a careful attacker leaves lists that fit
        workspace = computer("attacker")
        workspace.store.rebuild()
        workspace.close()
    log = not audit.recompute(computer("anybody")).ok
    mine = computer("mine")
    told = not checkpoints.check_head(mine).ok
    memory = told or _thirteen(audit.verify(mine))
    return log, memory, _thirteen(audit.verify(computer("auditor"), against=(file,), keys=(key,)))


def _thirteen(report):
    return any(p.check.startswith("13") for p in report.problems)


def agree(name, engine, found, wanted):
    LINES[name, engine] = found
    at = ("sqlite", "postgresql").index(engine)
    assert found == tuple(w[at] if isinstance(w, tuple) else w for w in wanted)


@pytest.mark.parametrize("attack", SQL, ids=lambda a: a.__name__)
def test_an_attack_by_whoever_owns_the_database(attack, engine, place, computer, seen):
    stopped = refused(place, attack)
    place.unguard()
    attack(place)
    place.guard()
    careful = attack not in (t.projection, t.fact_without_entry, t.deleted)
    agree(attack.__name__, engine, (stopped, *shown_by(computer, seen, place, rebuild=careful)), SQL[attack])


@pytest.mark.parametrize("attack", [a for a in SQL if a is not t.nothing_but_the_guards], ids=lambda a: a.__name__)
def test_a_person_who_may_only_write_can_do_none_of_it(attack, engine, place):
    if engine == "sqlite":
        pytest.skip("whoever may write a file owns it")
    place.server.login("joost")
    place.run("GRANT assaydesk_app TO joost")
    joost = t.Server(place.server, place.name, "joost")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attack(joost)
    joost.close()


def test_an_old_backup_put_in_place(engine, place, base, computer, seen):
    place.put_back(base[0])
    agree("old backup restored", engine, (False, *shown_by(computer, seen, place)), OTHER["old backup restored"])


def test_a_fork_that_is_longer_than_what_was_seen(engine, place, base, computer, seen):
    place.put_back(base[0])
    workspace = computer("attacker")
    fill(workspace.store, t.TAIL + 3)
    workspace.close()
    name = "fork shown to one client"
    agree(name, engine, (False, *shown_by(computer, seen, place)), OTHER[name])


def replayed(workspace, **changes):
    with workspace.store.read() as reader:
        signed = reader.all(SignOff)[0].record
    with workspace.store.write(Id(signed.person), "promotion.signed_off", signed.request) as write:
        write.add(replace(signed, id=workspace.store.new_id(), **changes))


def test_a_signed_decision_replayed(engine, place, computer, seen):
    with pytest.raises(Refused):
        replayed(computer("attacker"))
    agree("signed decision replayed", engine, (True, None, None, None), OTHER["signed decision replayed"])
    replayed(computer("attacker"), request=Id("another"))
    name = "signed decision replayed on another request"
    agree(name, engine, (False, *shown_by(computer, seen, place)), OTHER[name])


def test_a_checkpoint_signed_over_a_false_root(engine, place, computer, seen):
    mine = computer("mine")
    liar = mine.installation.sign(Checkpoint.of(mine.store.info.id, 5, bytes(32)))
    seen[0].write_text(liar.note.write(), encoding="utf-8")
    name = "checkpoint signed over a false root"
    agree(name, engine, (False, *shown_by(computer, seen, place)), OTHER[name])


def test_what_is_newer_than_every_checkpoint_can_be_cut(engine, place, computer, seen):
    """The limit that the help states."""
    workspace = computer("attacker")
    fill(workspace.store, 2)
    workspace.close()
    stopped = refused(place, t.tail_cut)
    place.unguard()
    t.tail_cut(place)
    place.guard()
    name = "entries cut that are newer than every checkpoint"
    agree(name, engine, (stopped, *shown_by(computer, seen, place)), OTHER[name])


def test_the_table():
    """Every attack on every engine that ran; read it with -s."""
    say = {True: "found", False: "-", None: ""}
    print(f"\n{'attack':50} {'on':10} " + " ".join(f"{h:>10}" for h in HEAD))  # noqa: T201
    for (name, engine), found in LINES.items():
        print(f"{name.replace('_', ' '):50} {engine:10} " + " ".join(f"{say[f]:>10}" for f in found))  # noqa: T201
