"""How things stand, for the frame of the window: counts in the rail, sentences about the log in the footer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from desktop_app.domain.canonical import record
from desktop_app.domain.words import counted
from desktop_app.gui.jobs import Workspace
from desktop_app.gui.state import Standing
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.audit import CheckReport
    from desktop_app.operations.checkpoints import HeadCheck
    from desktop_app.operations.recomputing import Recomputed

SMALL = 400  # entries: a log as short as this is verified without being asked


@record
class Verified:
    """What the last verification of a registry's log in this program came to."""

    entries: int
    ok: bool
    unclear: bool  # where it is not ok: nothing was found wrong, but not everything could be judged
    first_problem: str
    at: datetime


_verified: dict[str, Verified] = {}  # by `_which`: the last verification
_recomputed: dict[str, Recomputed] = {}  # by `_which`: how far it was recomputed in the background


def _which(ws: Workspace) -> str:
    """A registry, or one copy of it: what was verified in the one says nothing of the other."""
    return f"{ws.store.info.id} {ws.store.copied.sha256 if ws.store.copied else ''}"


def keep_recomputed(ws: Workspace, found: Recomputed) -> None:
    """Keep how far the log was recomputed in the background, and what does not match."""
    _recomputed[_which(ws)] = found


def recomputed(ws: Workspace) -> str:
    """How far the log was recomputed in the background, in words; "" before the first step."""
    found = _recomputed.get(_which(ws))
    return found.told if found and found.head else ""


def remember(ws: Workspace, report: CheckReport) -> Verified:
    """Keep what a verification came to, for the footer."""
    first = next(iter((*report.problems, *report.unclear)), None)
    found = Verified(entries=report.entries, ok=report.ok, unclear=not report.problems, at=datetime.now(UTC),
                     first_problem=f"entry {first.seq:,}, {first.sentence}" if first else "")
    _verified[_which(ws)] = found
    return found


def standing(ws: Workspace, progress: Progress) -> Standing:
    """Counts and the state of the log. Runs on a worker."""
    from desktop_app.operations import approvals, audit, checkpoints, findings, restoring

    waiting = sum(line.waits_for_me for line in approvals.listing(ws))
    progress.step(0.3)
    lines = findings.listing(ws)
    is_open = sum(line.now.is_open for line in lines)
    mine = sum(line.now.is_open and line.now.finding.owner == ws.actor for line in lines)
    progress.step(0.6)
    head = audit.head_seq(ws)
    found = checkpoints.check_head(ws, progress.part(0.6, 0.8))
    known = _verified.get(_which(ws))
    if known is None and 0 < head <= SMALL:
        known = remember(ws, audit.verify(ws, progress.part(0.8, 1.0)))
    restored = restoring.discontinuity(ws)
    notice = restored.told if restored else ""
    wrong = _mismatch(ws) if found.ok else ""
    return Standing(counts={"approvals": waiting, "findings": is_open, "desk": waiting + mine},
                    log=_sentences(known, head, found) if not wrong else (("breached", wrong),),
                    alarm=wrong or (notice if found.ok else str(found.error())))


def _mismatch(ws: Workspace) -> str:
    """What the recomputing in the background found wrong first, as an alarm."""
    found = _recomputed.get(_which(ws))
    first = next(iter(found.problems), None) if found else None
    if first is None:
        return ""
    where = f"Entry {first.seq:,}: " if first.seq else ""
    return f"The log does not verify. {where}{first.sentence}. Sign nothing in it, and see all of it: Verify the log."


def agreement(found: HeadCheck) -> tuple[str, str]:
    """How the log stands against what this computer saw of it: a state and a sentence."""
    if found.state == "differs":
        return "breached", found.title
    if found.state == "unknown":
        return "undetermined", found.title
    if found.state == "copy" and found.since is not None:
        return "note", f"A copy, as it was on {found.since.astimezone():%d %b %Y, %H:%M}; not the registry itself."
    if found.state == "first" or found.first is None:
        return "note", "Seen for the first time on this computer: nothing to compare it with yet."
    return "note", f"It agrees with all that this computer saw since {found.first.astimezone():%d %b %Y, %H:%M}."


def _sentences(known: Verified | None, head: int, found: HeadCheck) -> tuple[tuple[str, str], ...]:
    seen = agreement(found)
    if not found.ok:
        return (seen,)
    if known is None:
        size = counted(head, "entry", "entries")
        return (("note", f"Log of {size}, not verified since the window was opened."), seen)
    if not known.ok and known.unclear:
        return (("undetermined", f"The log could not be judged wholly: {known.first_problem}."), seen)
    if not known.ok:
        return (("breached", f"The log does not verify: {known.first_problem}."), seen)
    when = f"{known.at.astimezone():%H:%M}"
    more = f", {head - known.entries:,} since" if head > known.entries else ""
    return (("met", f"Log verified to entry {known.entries:,} at {when}{more}"), seen)
