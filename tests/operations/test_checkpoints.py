"""The end of the log against what this computer saw and what others keep, on a registry in a file and on a server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_app.domain import audit as rules
from desktop_app.domain.canonical import Id
from desktop_app.domain.policy import Meaning
from desktop_app.domain.use import Use
from desktop_app.errors import NotFound, Refused, Unreachable, UserError
from desktop_app.operations import audit, checkpoints
from desktop_app.registry.reader import Reader
from desktop_app.trust import log
from desktop_app.trust.checkpoint import read_checkpoint, read_proof
from desktop_app.trust.installation import Installation
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import create_workspace
from tests.desk import make_desk
from tests.operations.decided import ask, sign
from tests.registry.conftest import address, engine, now  # noqa: F401 - one suite for both engines


@pytest.fixture
def workspace(address, now, tmp_path):  # noqa: F811
    made = create_workspace(address, "Test", clock=now, keys=tmp_path / "keys", secret_store=NoSecretStore())
    yield made.acting_as(Id("ann"))
    made.close()


def append(workspace, entries=1):
    for _ in range(entries):
        with workspace.store.write(Id("ann"), "x.done", Id("m"), note="é") as write:
            write.add(Use(id=workspace.store.new_id(), model=Id("m"), purpose="p"))


def elsewhere(workspace, tmp_path):
    """The same registry on another computer, which saw nothing yet."""
    return replace(workspace, installation=Installation(tmp_path / "elsewhere", NoSecretStore()))


def root_of(workspace, size=None):
    """The root over the entries as the other reading door gives them."""
    with workspace.store.read() as reader:
        messages = [rules.message(e.seq, e.at, e.user, e.command, e.body) for e in reader.entries(0, size)]
    return rules.merkle_root([log.leaf_hash(m) for m in messages])


def test_a_log_is_learnt_at_first_sight_and_followed_from_there(workspace):
    append(workspace, 3)
    first = checkpoints.check_head(workspace)
    assert (first.state, first.entries, first.remembered, first.since) == ("first", 3, 0, None)
    append(workspace, 4)
    then = checkpoints.check_head(workspace)
    assert (then.state, then.entries, then.remembered) == ("agrees", 7, 3)
    assert then.root == root_of(workspace).hex()
    again = checkpoints.check_head(workspace)
    assert (again.state, again.entries, again.remembered, again.root) == ("agrees", 7, 7, then.root)
    assert workspace.installation.recall(workspace.store.info.id).size == 7


def test_only_the_new_rows_are_read(workspace, monkeypatch):
    append(workspace, 5)
    checkpoints.check_head(workspace)
    append(workspace, 2)
    seen = []

    def rows(self, after, read=Reader.rows):
        for row in read(self, after):
            seen.append(row[0])
            yield row

    monkeypatch.setattr(Reader, "rows", rows)
    assert checkpoints.check_head(workspace).ok
    assert seen == [5, 6, 7]  # the last one known, and those after it


def test_an_empty_log_is_not_remembered(workspace):
    assert checkpoints.check_head(workspace).entries == 0
    assert workspace.installation.recall(workspace.store.info.id) is None
    with pytest.raises(Refused, match="still empty"):
        checkpoints.checkpoint(workspace)
    append(workspace)
    assert checkpoints.check_head(workspace).state == "first"


def test_a_checkpoint_is_signed_by_this_installation_and_of_the_log_as_it_is(workspace):
    append(workspace, 6)
    made = read_checkpoint(checkpoints.checkpoint(workspace).note.write())
    assert (made.registry, made.size, made.root) == (workspace.store.info.id, 6, root_of(workspace))
    assert made.note.holds(workspace.installation.key()) is True


@pytest.mark.parametrize("seq", [1, 4, 7])
def test_an_entry_is_proved_by_a_file_alone(workspace, seq):
    append(workspace, 7)
    read = read_proof(checkpoints.prove(workspace, seq).write())
    assert (read.index, read.holds, read.checkpoint.size) == (seq - 1, True, 7)
    assert read.checkpoint.note.holds(workspace.installation.key()) is True
    with workspace.store.read() as reader:
        (e,) = reader.entries(seq - 1, seq)
    assert read.leaf == log.leaf_hash(rules.message(e.seq, e.at, e.user, e.command, e.body))
    with pytest.raises(NotFound, match="ends at 7"):
        checkpoints.prove(workspace, 8)


def test_another_computer_cosigns_what_is_consistent(workspace, tmp_path):
    append(workspace, 5)
    file = tmp_path / "a.checkpoint"
    file.write_text(checkpoints.checkpoint(workspace).note.write(), encoding="utf-8")
    append(workspace, 4)
    auditor = elsewhere(workspace, tmp_path)
    both = checkpoints.cosign(auditor, file)
    assert both.note.holds(workspace.installation.key()) is True
    assert both.note.holds(auditor.installation.key().both()[1]) is True
    assert (both.size, len(both.note.signatures)) == (5, 2)


def test_nobody_cosigns_what_does_not_fit(workspace, tmp_path):
    append(workspace, 5)
    good = checkpoints.checkpoint(workspace)
    file = tmp_path / "a.checkpoint"
    for other, words in (
            (checkpoints.Checkpoint.of(good.registry, 5, bytes(32)), "does not begin with"),
            (checkpoints.Checkpoint.of(good.registry, 6, good.root), "ahead of the log"),
            (checkpoints.Checkpoint.of("another", 5, good.root), "another registry")):
        file.write_text(workspace.installation.sign(other).note.write(), encoding="utf-8")
        with pytest.raises(Refused, match=words):
            checkpoints.cosign(workspace, file)
    file.write_text("nonsense")
    with pytest.raises(UserError, match="not a checkpoint"):
        checkpoints.cosign(workspace, file)
    with pytest.raises(UserError, match="cannot be read"):
        checkpoints.cosign(workspace, tmp_path / "none")


def test_a_folder_of_the_auditors_gets_every_checkpoint_and_is_held_against_the_log(workspace, tmp_path, monkeypatch):
    folder = tmp_path / "auditors"
    folder.mkdir()
    monkeypatch.setenv("ASSAYDESK_WITNESS_FOLDER", str(folder))
    append(workspace, 2)
    checkpoints.checkpoint(workspace)
    checkpoints.checkpoint(workspace)  # the same again is not written twice
    append(workspace)
    checkpoints.receipt(workspace)
    assert [read_checkpoint(p.read_text(encoding="utf-8")).size for p in sorted(folder.iterdir())] == [2, 3]
    assert [h.size for h in checkpoints.held(workspace)] == [3, 2, 3]
    assert not [h.flaw for h in checkpoints.held(workspace) if h.flaw]
    (folder / f"{workspace.store.info.id}-x.checkpoint").write_text("nonsense")
    assert [h.flaw for h in checkpoints.held(workspace) if h.flaw] == [
        "it cannot be read: no text, an empty line and signatures under it"]
    monkeypatch.setenv("ASSAYDESK_WITNESS_FOLDER", str(tmp_path / "gone"))
    checkpoints.receipt(workspace)  # a sign-off is not undone by it
    with pytest.raises(Unreachable, match="cannot be written"):
        checkpoints.checkpoint(workspace)
    report = audit.verify(workspace)  # out of reach speaks neither for nor against the log
    (doubt,) = [p for p in report.unclear if p.check == "13 checkpoints"]
    assert "is not there" in doubt.sentence
    assert (report.ok, dict(report.checks)["13 checkpoints"]) == (False, "not checked")
    assert not [p for p in report.problems if p.check == "13 checkpoints"]


def test_a_keyring_that_is_locked_is_no_mismatch(workspace):
    append(workspace, 2)
    checkpoints.check_head(workspace)
    own = workspace.installation.folder / "installation.json"
    own.write_text(own.read_text().replace('"keyring":false', '"keyring":true'))
    locked = replace(workspace, installation=Installation(workspace.installation.folder, NoSecretStore()))
    assert checkpoints.check_head(locked).state == "unknown"
    report = audit.verify(locked)
    assert [p.check for p in report.unclear] == ["13 checkpoints"]
    assert "13 checkpoints" not in {p.check for p in report.problems}


def test_a_checkpoint_or_a_proof_is_held_against_the_log(workspace, tmp_path):
    append(workspace, 4)
    file, proof = tmp_path / "a.checkpoint", tmp_path / "a.tlog-proof"
    file.write_text(checkpoints.checkpoint(workspace).note.write(), encoding="utf-8")
    proof.write_text(checkpoints.prove(workspace, 2).write(), encoding="utf-8")
    auditor = elsewhere(workspace, tmp_path)
    key = workspace.installation.key().line
    append(workspace)
    report = audit.verify(auditor, against=(file, proof), keys=(key,))
    assert dict(report.checks)["13 checkpoints"] == "in order"
    assert report.root == root_of(workspace).hex()
    assert "after 4," in report.not_checked[0]
    problems = audit.verify(auditor, against=(file,), keys=(auditor.installation.key().line,)).problems
    assert [p.sentence for p in problems if p.check.startswith("13")] == [
        "a.checkpoint: none of the keys given has signed it"]
    with pytest.raises(UserError, match="not the line of a key"):
        audit.verify(auditor, against=(file,), keys=("x",))


@pytest.mark.parametrize(("change", "words"), [
    (lambda text: text.replace("\n4\n", "\n3\n"), "its signature does not fit it"),
    (lambda text: text.replace("assaydesk/", "assaydesk/x"), "of another registry"),
    (lambda text: text[:40], "cannot be read"),
])
def test_a_checkpoint_that_was_changed_is_named(workspace, tmp_path, change, words):
    append(workspace, 4)
    file = tmp_path / "a.checkpoint"
    file.write_text(change(checkpoints.checkpoint(workspace).note.write()), encoding="utf-8")
    (problem,) = [p for p in audit.verify(workspace, against=(file,)).problems if p.check == "13 checkpoints"]
    assert words in problem.sentence


def test_a_false_root_that_was_signed_is_named_with_its_entries(workspace, tmp_path):
    append(workspace, 4)
    liar = workspace.installation.sign(checkpoints.Checkpoint.of(workspace.store.info.id, 3, bytes(32)))
    file = tmp_path / "a.checkpoint"
    file.write_text(liar.note.write(), encoding="utf-8")
    (problem,) = [p for p in audit.verify(workspace, against=(file,)).problems if p.check == "13 checkpoints"]
    assert problem.seq == 3
    assert "the first 3 entries are not those it was made of" in problem.sentence


def test_a_memory_that_was_changed_is_an_alarm_and_is_not_learnt_anew(workspace):
    append(workspace, 2)
    checkpoints.check_head(workspace)
    (place,) = (workspace.installation.folder / "logs").iterdir()
    place.write_text(place.read_text().replace('"size":2', '"size":1'))
    kept = place.read_text()
    found = checkpoints.check_head(workspace)
    assert (found.state, found.ok) == ("unknown", False)
    assert "changed past the program" in found.title
    assert place.read_text() == kept
    assert "13 checkpoints" in {p.check for p in audit.verify(workspace).problems}
    with pytest.raises(Refused, match="changed past the program"):
        checkpoints.checkpoint(workspace)


def test_nobody_signs_in_a_log_that_is_not_the_one_seen_and_a_signature_is_remembered(tmp_path):
    desk = make_desk(tmp_path)
    request = ask(desk)
    rita, registry = desk.as_("Rita Risk"), desk.workspace.store.info.id
    assert checkpoints.check_head(rita).ok
    memory = rita.installation.recall(registry)
    rita.installation.remember(replace(memory, head="0" * 64))
    with pytest.raises(Refused, match="not the log that this computer saw before"):
        sign(desk, "Rita Risk", request, Meaning.REJECT, comment="No")
    assert audit.head_seq(rita) == memory.size
    rita.installation.remember(memory)
    done = sign(desk, "Rita Risk", request, Meaning.REJECT, comment="No")
    assert rita.installation.recall(registry).size == done.seq == memory.size + 1
    desk.workspace.close()


def test_nothing_is_accepted_that_needs_no_accepting(workspace):
    append(workspace, 2)
    with pytest.raises(UserError, match="Say why"):
        checkpoints.accept(workspace, "  ")
    with pytest.raises(Refused, match="nothing to accept"):
        checkpoints.accept(workspace, "because")


def test_a_log_that_is_accepted_is_learnt_and_what_was_known_is_put_aside(workspace):
    append(workspace, 2)
    checkpoints.check_head(workspace)
    memory = workspace.installation.recall(workspace.store.info.id)
    workspace.installation.remember(replace(memory, head="0" * 64))
    assert checkpoints.check_head(workspace).state == "differs"
    found, aside = checkpoints.accept(workspace, "Backup of Friday restored, agreed with audit")
    assert (found.state, found.entries) == ("first", 2)
    assert aside.exists()
    assert aside.with_suffix(".txt").read_text().startswith("Backup of Friday")
    assert checkpoints.check_head(workspace).state == "agrees"
