"""The end of the log, held against what was seen before: by this computer, and by whoever keeps checkpoints.

Only what lies outside the registry shows that its log was cut, rewritten or forked (security.md §1.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app import settings
from desktop_app.domain.canonical import Digest, record
from desktop_app.errors import Cancelled, NotFound, Refused, Unreachable, UserError
from desktop_app.operations import timestamps
from desktop_app.operations.saving import save_bytes
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.trust import log
from desktop_app.trust.checkpoint import Checkpoint, EntryProof, Key, read_checkpoint, read_key, read_proof
from desktop_app.trust.installation import Memory, MemoryChanged
from desktop_app.trust.log import Broken, Tree
from desktop_app.trust.verify import Held
from desktop_app.workspace import Workspace

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SUFFIX = ".checkpoint"
LARGEST = 1_000_000  # bytes of a file that may be a checkpoint
WHOM = ("Sign nothing in it. Show this to whoever audits the registry, and not only to whoever runs it: they can find "
        "out what happened from a checkpoint kept elsewhere. If a backup was restored with their knowledge, tell this "
        "computer so: assaydesk audit accept --because REASON")


@record
class HeadCheck:
    """How a log stands against what this computer remembers of it.

    state: first (never seen here before), agrees, differs (an alarm), unknown (what is remembered cannot be read), copy
    (of a registry, for reading: as it was at `since`) · entries: how many it has now · remembered: how many this
    computer had seen, last at `since`, first at `first`
    · title, detail, remedy: for a person, of an alarm.
    """

    state: str
    entries: int
    root: Digest
    remembered: int = 0
    since: datetime | None = None
    first: datetime | None = None
    title: str = ""
    detail: str = ""
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the log."""
        return self.state in ("first", "agrees", "copy")

    def error(self) -> Refused:
        """An alarm, as an error."""
        return Refused(self.title, self.detail, self.remedy)


def check_head(workspace: Workspace, progress: Progress | None = None) -> HeadCheck:
    """Hold the log against what this computer remembers of it, then remember the new end.

    Reads only the entries that are new here. When it differs, nothing is remembered anew; nor is anything of a copy,
    which is older than what this computer saw of the registry since.
    """
    if (copied := workspace.store.copied) is not None:
        return HeadCheck(state="copy", entries=copied.entries, root=copied.root, since=copied.taken)
    try:
        memory = workspace.installation.recall(workspace.store.info.id)
    except UserError as error:
        return _unknown(error)
    found, later = _followed(workspace, memory, progress or Progress())
    if later is not None:
        try:
            workspace.installation.remember(later)
        except UserError as error:
            return _unknown(error)
    return found


def _unknown(error: UserError) -> HeadCheck:
    return HeadCheck(state="unknown", entries=0, root=Digest(""), title=error.title, detail=error.detail,
                     remedy=error.remedy)


def _followed(workspace: Workspace, memory: Memory | None, progress: Progress) -> tuple[HeadCheck, Memory | None]:
    store = workspace.store
    opened = store.read if memory else store.snapshot  # the first look is a long one
    with opened() as reader:
        head = reader.head()
        if memory is not None and (alarm := _changed(reader, memory, head.seq)):
            return alarm, None
        tree = memory.tree() if memory else Tree()
        try:
            last = log.follow(tree, memory.head if memory else "0" * 64, _told(reader, tree.size, head.seq, progress))
        except Broken as error:
            return _alarm(memory, head.seq, "The log is broken.", f"{str(error).capitalize()}."), None
    now = store.clock()
    if not tree.size:
        return HeadCheck(state="first", entries=0, root=Digest(tree.root().hex())), None
    seen = HeadCheck(state="agrees" if memory else "first", entries=tree.size, root=Digest(tree.root().hex()),
                     remembered=memory.size if memory else 0, since=memory.seen if memory else None,
                     first=memory.first if memory else now)
    if memory is not None and memory.size == tree.size:
        return seen, None
    return seen, Memory(store.info.id, tree.size, tuple(tree.peaks), last, memory.first if memory else now, now)


def _told(reader: Reader, after: int, last: int, progress: Progress) -> Iterator[log.Row]:
    for row in reader.rows(after):
        if row[0] % 1000 == 0:
            progress.step((row[0] - after) / max(1, last - after), f"entry {row[0]:,} of {last:,}")
        yield row


def _changed(reader: Reader, memory: Memory, last: int) -> HeadCheck | None:
    """Whether the entry that was the last one is still there as it was."""
    if last < memory.size:
        gone = memory.size - last
        return _alarm(memory, last, "This log is shorter than it was.",
                      f"It has {last:,} entries now: {gone:,} {'is' if gone == 1 else 'are'} gone from its end. "
                      "Entries were removed, or an older copy was put in its place.")
    row = next(reader.rows(memory.size - 1))
    if row[0] == memory.size and row[6] == memory.head and log.fits(row):
        return None
    return _alarm(memory, last, "This is not the log that this computer saw before.",
                  f"Entry {memory.size:,} is another than it was, or was edited. What was recorded before it was "
                  "rewritten, or this is a copy that went its own way.")


def _alarm(memory: Memory | None, entries: int, title: str, detail: str) -> HeadCheck:
    before = f"This computer saw {memory.size:,} entries on {_when(memory.seen)}. " if memory else ""
    return HeadCheck(
        state="differs", entries=entries, root=Digest(""), remembered=memory.size if memory else 0,
        since=memory.seen if memory else None, title=title, detail=before + detail, remedy=WHOM)


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%d %b %Y, %H:%M}".lstrip("0")


def accept(workspace: Workspace, because: str, progress: Progress | None = None) -> tuple[HeadCheck, Path | None]:
    """Learn the log anew because a person says why (a backup was restored with the auditors' knowledge).

    What was remembered is put aside, never thrown away; where it is now comes back. Raises UserError without a reason,
    Refused when the log agrees as it is, or is broken in itself.
    """
    if not because.strip():
        raise UserError("Say why.", "A computer does not forget what it saw of a log without a reason.",
                        "Name who restored what, when, and who agreed.")
    installation, registry = workspace.installation, workspace.store.info.id
    if check_head(workspace, progress).ok:
        raise Refused("There is nothing to accept.", "The log agrees with what this computer remembers of it.")
    found, memory = _followed(workspace, None, progress or Progress())
    if not found.ok:
        raise found.error()
    at = workspace.store.clock()
    aside = installation.set_aside(registry, at)
    if aside is not None:
        save_bytes(aside.with_suffix(".txt"), f"{because.strip()}\n".encode())
    if memory is not None:
        installation.remember(memory)
    return found, aside


# ---- checkpoints


def checkpoint(workspace: Workspace, progress: Progress | None = None) -> Checkpoint:
    """The log as it is now, signed by this installation, and laid into the folder of checkpoints if there is one.

    Raises Refused when the log does not agree with what this computer remembers, or is empty.
    """
    found = _agreed(workspace, progress)
    made = workspace.installation.sign(Checkpoint.of(
        workspace.store.info.id, found.entries, bytes.fromhex(found.root)))
    lay_down(workspace, made)
    return made


def _agreed(workspace: Workspace, progress: Progress | None) -> HeadCheck:
    workspace.store.check_original()  # no checkpoint of a log that may have gone on since
    found = check_head(workspace, progress)
    if not found.ok:
        raise found.error()
    if not found.entries:
        raise Refused("This log is still empty.", "There is nothing to make a checkpoint of.")
    return found


def lay_down(workspace: Workspace, made: Checkpoint) -> Path | None:
    """Write a checkpoint into the folder that auditors own, if one is named; never over another. Raises Unreachable."""
    folder = settings.witness_folder()
    if folder is None:
        return None
    mine = workspace.installation.key().name.rpartition("/")[2]
    target = folder / f"{made.registry}-{made.size:09d}-{made.root.hex()[:8]}-{mine}{SUFFIX}"
    try:
        with target.open("x", encoding="utf-8", newline="\n") as out:
            out.write(made.note.write())
    except FileExistsError:
        return target
    except OSError as error:
        raise Unreachable("The folder of checkpoints cannot be written.", f"{folder}: {error.strerror or error}",
                          "Check the folder that ASSAYDESK_WITNESS_FOLDER names.") from error
    return target


def receipt(workspace: Workspace) -> None:
    """After a sign-off: this computer remembers the log with it in, and so does the folder of checkpoints.

    Never fails: what was recorded is recorded. What is wrong is said where the log's state is shown.
    """
    try:
        found = check_head(workspace)
        if found.ok and found.entries and settings.witness_folder():
            lay_down(workspace, workspace.installation.sign(Checkpoint.of(
                workspace.store.info.id, found.entries, bytes.fromhex(found.root))))
    except (UserError, Cancelled):
        return


def cosign(workspace: Workspace, file: Path, progress: Progress | None = None) -> Checkpoint:
    """Add this installation's cosignature to somebody's checkpoint, after the log here was found to begin with it.

    Raises Refused when the log does not, or does not agree with what this computer remembers.
    """
    given = _checkpoint_in(file)
    if given.registry != workspace.store.info.id:
        raise Refused("This checkpoint is of another registry.", f"It is of {given.registry}.")
    now = _agreed(workspace, progress)
    if given.size > now.entries:
        raise Refused("This checkpoint is ahead of the log.",
                      f"It is of {given.size:,} entries; the log here has {now.entries:,}.", WHOM)
    with workspace.store.snapshot() as reader:
        leaves = _leaves(reader, now.entries)
    proof = log.consistency_proof(leaves, given.size, now.entries)
    if not given.size or not log.consistent(given.size, given.root, now.entries, bytes.fromhex(now.root), proof):
        raise Refused("The log here does not begin with this checkpoint.",
                      f"The first {given.size:,} entries are not those it was made of.", WHOM)
    return workspace.installation.cosign(given, workspace.store.clock())


def _leaves(reader: Reader, size: int) -> list[bytes]:
    return [log.leaf_hash(log.framed(row)) for row in islice(reader.rows(), size)]


def prove(workspace: Workspace, seq: int, progress: Progress | None = None) -> EntryProof:
    """That an entry is in the log, against a checkpoint of now. Raises NotFound, Refused."""
    made = checkpoint(workspace, progress)
    if not 1 <= seq <= made.size:
        raise NotFound(f"There is no entry {seq:,}.", "", f"The log ends at {made.size:,}.")
    with workspace.store.snapshot() as reader:
        leaves = _leaves(reader, made.size)
    proof = EntryProof(seq - 1, leaves[seq - 1], log.inclusion_proof(leaves, seq - 1, made.size), made)
    if not proof.holds:
        raise Refused("This entry cannot be proved.", "Entries that this computer saw before are not as they were.",
                      WHOM)
    return proof


# ---- what others keep, held against the log


def held(
    workspace: Workspace, files: tuple[Path, ...] = (), keys: tuple[str, ...] = (),
    trusted: tuple[Certificate, ...] = (),
) -> tuple[Held, ...]:
    """Every checkpoint there is to hold the log against: remembered here, in the auditors' folder, in `files`.

    files: checkpoints or proofs · keys: lines of the public keys one of which must have signed each of `files` ·
    trusted: roots of timestamping authorities, which the timestamps beside files are held against.
    """
    known = _keys(workspace, keys)
    if (copied := workspace.store.copied) is not None:
        sealed = Held(f"the copy as it was taken on {_when(copied.taken)}", copied.entries, bytes.fromhex(copied.root))
        return (sealed, *(_within(_held(workspace, path, known, trusted, must=bool(keys)), copied.entries)
                          for path in files))
    found = [*_remembered(workspace)]
    folder = settings.witness_folder()
    if folder is not None:
        if not folder.is_dir():
            found.append(Held("the folder of checkpoints", 0, b"", f"{folder} is not there", out_of_reach=True))
        there = sorted(folder.glob(f"{workspace.store.info.id}-*{SUFFIX}"))
        found += [_held(workspace, path, known, trusted, must=False) for path in there]
    return (*found, *(_held(workspace, path, known, trusted, must=bool(keys)) for path in files))


def _within(held: Held, entries: int) -> Held:
    """A checkpoint that is newer than a copy speaks neither for nor against it."""
    if held.flaw or held.size <= entries:
        return held
    return replace(held, flaw=f"it is of {held.size:,} entries; this copy of the registry ends at {entries:,}",
                   out_of_reach=True)


def _remembered(workspace: Workspace) -> list[Held]:
    try:
        memory = workspace.installation.recall(workspace.store.info.id)
    except UserError as error:
        said = f"{error.title} {error.detail}".rstrip(".")
        return [Held("what this computer remembers", 0, b"", said, not isinstance(error, MemoryChanged))]
    if memory is None:
        return []
    return [Held(f"what this computer saw on {_when(memory.seen)}", memory.size, memory.tree().root())]


def _keys(workspace: Workspace, lines: tuple[str, ...]) -> list[Key]:
    try:
        given = [key for line in lines for key in read_key(line).both()]
    except ValueError as error:
        raise UserError("This is not the line of a key.", str(error), "Give it whole, as it was printed.") from error
    return given if given else [*workspace.installation.key().both()]


def _held(
    workspace: Workspace, path: Path, keys: list[Key], trusted: tuple[Certificate, ...], *, must: bool,
) -> Held:
    """A checkpoint, or the one in a proof; must: one of the keys has to have signed it."""
    try:
        text = _text(path)
        proof = read_proof(text) if text.startswith("c2sp.org/") else None
        read = proof.checkpoint if proof else read_checkpoint(text)
    except (ValueError, UserError) as error:
        return Held(path.name, 0, b"", f"it cannot be read: {error}")
    flaw = _flaw(read, keys, must=must)
    if read.registry != workspace.store.info.id:
        flaw = f"it is of another registry, {read.registry}"
    elif proof and not proof.holds:
        flaw = "its proof does not lead to its own checkpoint: it was changed"
    stamped = timestamps.of(path, trusted)
    if stamped and stamped.flaw and not flaw:
        flaw = f"its timestamp: {stamped.flaw}"
    return Held(path.name, read.size, read.root, flaw, entry=(proof.index + 1, proof.leaf) if proof else None,
                stamped=stamped.at if stamped and stamped.judged else None)


def _flaw(read: Checkpoint, keys: list[Key], *, must: bool) -> str:
    verdicts = [v for key in keys if (v := read.note.holds(key)) is not None]
    if False in verdicts:
        return "its signature does not fit it: its text was changed"
    return "none of the keys given has signed it" if must and not verdicts else ""


def _checkpoint_in(file: Path) -> Checkpoint:
    try:
        return read_checkpoint(_text(file))
    except ValueError as error:
        raise UserError("This file is not a checkpoint.", f"{file}: {error}",
                        "Give a file that assaydesk audit checkpoint wrote.") from error


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError("This file cannot be read.", f"{file}: {error.strerror or error}", "Check its name.") from error
