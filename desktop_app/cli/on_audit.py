"""audit, pack, verify: read the log, prove it, keep checkpoints of it, check what left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from desktop_app.cli.command import Call, Result, arg, command, find_labelled, find_use, find_version
from desktop_app.domain.audit import LogFilter
from desktop_app.domain.canonical import utc_text
from desktop_app.domain.words import counted
from desktop_app.errors import NotFound, UserError

if TYPE_CHECKING:
    from desktop_app.domain.audit import CheckReport
    from desktop_app.workspace import Workspace

T = TypeVar("T", bound=str)


_FILTERS = (
    arg("--model", metavar="NAME", help="only what concerns a model, with what changed"),
    arg("--by", metavar="PERSON", help="only what a person did"),
    arg("--action", metavar="ACTION", help='only one action, "tier set" or tier.set'),
    arg("--since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="from this day"),
    arg("--until", type=date.fromisoformat, metavar="YYYY-MM-DD", help="to this day"),
    arg("--words", default="", metavar="TEXT", help="only what says every one of these words"),
)


_ROOT = arg("--timestamp-root", type=Path, action="append", default=[], metavar="CA.pem",
            help="the root certificate of a timestamping authority that is trusted; may be repeated")


def _wanted(call: Call, ws: Workspace) -> LogFilter:
    """The filter that the options make. Raises NotFound for what is not there."""
    from desktop_app.operations import entries

    given, known = call.args, entries.choices(ws)
    action = given.action.strip().lower().replace("_", " ").replace(".", " ") if given.action else ""
    return LogFilter(
        words=given.words, first=given.since, last=given.until,
        person=_one(given.by, known.people, "nobody who wrote in this log called"),
        model=_one(given.model, known.models, "no model called"),
        action=_one(action, [(a, said) for a, said in known.actions], "no action called") or "")


def _one(named: str | None, known: Sequence[tuple[T, str]], missing: str) -> T | None:
    if not named:
        return None
    found = [value for value, called in known if named in (value, called)]
    if not found:
        there = ", ".join(called for _, called in known[:12])
        raise NotFound(f"There is {missing} {named}.", f"There are: {there}.", "Write it exactly.")
    if len(found) > 1:
        raise UserError(f"More than one is called {named}.", ", ".join(map(str, found)), "Give the id.")
    return found[0]


@command(
    "audit list",
    "the log, newest first",
    arg("--about", metavar="NAME@LABEL", help="only what concerns a version"),
    *_FILTERS,
    arg("--before", type=int, metavar="ENTRY", help="only entries older than this one"),
    arg("--limit", type=int, default=40, metavar="N", help="how many entries; default: 40"),
)
def audit_list(call: Call) -> Result:
    """Who did what, when, to what."""
    from desktop_app.operations import audit, entries

    with call.workspace() as ws:
        if call.args.about:
            found = audit.listing(ws, about=find_version(ws, call.args.about)[0])[: call.args.limit]
        else:
            wanted = _wanted(call, ws)
            found = entries.page(ws, wanted, call.args.before, max(1, call.args.limit), call.progress).lines
    lines = []
    for e in found:
        lines.append(f"{e.seq:>7,}  {e.at:%Y-%m-%d %H:%M}  {e.actor:22} {e.told}")
        lines += [f"{'':49}{e.changes}"] if e.changes else []
    return Result(lines, {"entries": [{
        "seq": e.seq, "at": utc_text(e.at), "actor": e.actor, "action": e.action, "subject": e.subject, "note": e.note,
        "told": e.told, "changes": e.changes, "hash": e.hash} for e in found]})


@command("audit show", "one entry with what it changed and the facts it added",
         arg("entry", type=int, help="the number of the entry"))  # fmt: skip
def audit_show(call: Call) -> Result:
    """What changed, before and after; and the exact bytes that were recorded."""
    from desktop_app.operations import audit

    with call.workspace() as ws:
        shown = audit.show(ws, call.args.entry)
    lines = [
        f"Entry {shown.entry.seq:,}: {shown.line.told}",
        f"{utc_text(shown.entry.at)} by {shown.line.actor}, written by {shown.entry.user}",
    ]
    for changed in shown.changes:
        of = f", {changed.of}," if changed.of else ""
        lines += ["", f"{changed.label}{of} {'says' if changed.new else 'changed'}:"]
        for d in changed.differences:
            lines.append(f"  {d.what}: {f'{d.before} → ' if d.before else ''}{d.after or 'nothing'}")
    lines += ["", f"hash {shown.entry.hash}", f"prev {shown.entry.prev}", shown.entry.body]
    for label, digest, text in shown.facts:
        lines += ["", f"{label}  sha256 {digest}", text]
    return Result(
        lines,
        {
            "seq": shown.entry.seq,
            "hash": shown.entry.hash,
            "prev": shown.entry.prev,
            "body": shown.entry.body,
            "changes": [{"fact": c.label, "of": c.of, "new": c.new, "what": d.what, "before": d.before,
                         "after": d.after} for c in shown.changes for d in c.differences],
            "facts": [{"label": a, "sha256": b} for a, b, _ in shown.facts],
        },
    )


def _came_to(report: CheckReport, done: str) -> str:
    if report.problems:
        return f"{counted(len(report.problems), 'mismatch', 'mismatches')}; the first is named above."
    return "Nothing was found wrong, but not everything could be judged: see above." if report.unclear else done


def _report(report: CheckReport, done: str) -> Result:
    lines = [f"{name:48} {came_to}" for name, came_to in report.checks]
    found = [("MISMATCH", p) for p in report.problems] + [("NOT JUDGED", p) for p in report.unclear]
    lines += ["", *(f"{word}{f' at entry {p.seq:,}' if p.seq else ''}: {p.check}: {p.sentence}." for word, p in found)]
    lines += [_came_to(report, done), "Not checked:"]
    lines += [f"- {line}" for line in report.not_checked]
    data = {
        "ok": report.ok,
        "entries": report.entries,
        "head": report.head,
        "root": report.root,
        "checks": [{"check": n, "result": r} for n, r in report.checks],
        "problems": [{"check": p.check, "entry": p.seq, "sentence": p.sentence} for p in report.problems],
        "not_judged": [{"check": p.check, "entry": p.seq, "sentence": p.sentence} for p in report.unclear],
        "not_checked": list(report.not_checked),
    }
    return Result(lines, data, 0 if report.ok else 1)


@command(
    "audit verify",
    "recompute what was recorded and name what does not match",
    arg("--from", dest="against", type=Path, action="append", default=[], metavar="FILE",
        help="a checkpoint or a proof that somebody keeps: the log must begin with it; may be repeated"),
    arg("--key", action="append", default=[], metavar="LINE",
        help="the line of a key (assaydesk audit key) that must have signed what --from names; may be repeated"),
    _ROOT,
)  # fmt: skip
def audit_verify(call: Call) -> Result:
    """Entries, chain, facts, documents, signatures, decisions, projections, guards; every checkpoint there is."""
    from desktop_app.operations import audit, timestamps

    against, trusted = tuple(call.args.against), timestamps.roots(tuple(call.args.timestamp_root))
    with call.workspace() as ws:
        report = audit.verify(ws, call.progress, against=against, keys=tuple(call.args.key), trusted=trusted)
    made = _report(report, f"In order: {counted(report.entries, 'entry', 'entries')}, head {report.head}.")
    stamps = [s for file in against if (s := timestamps.of(file, trusted))]
    return Result([*made.lines, *(s.told for s in stamps)], made.data | {"timestamps": [
        {"file": s.file, "at": utc_text(s.at) if s.at else None, "by": s.by, "judged": s.judged, "flaw": s.flaw}
        for s in stamps]}, made.exit_code)


@command(
    "audit checkpoint",
    "print the log's size and root, signed by this installation, to be kept elsewhere",
    arg("--cosign", type=Path, metavar="FILE", help="add this installation's cosignature to somebody's checkpoint"),
    arg("--out", type=Path, metavar="FILE", help="write it to a file"),
    arg("--timestamp", metavar="URL", help="have a timestamping authority (RFC 3161) state when the file existed: "
        "FILE.tsr beside it"),
    _ROOT,
)
def audit_checkpoint(call: Call) -> Result:
    """Only after the log was found to continue what this computer saw of it, and the checkpoint that is cosigned."""
    from desktop_app.operations import checkpoints

    if call.args.timestamp and call.args.out is None:
        raise UserError("Say where the checkpoint is written.", "A timestamp is of the bytes of a file.",
                        "Add --out FILE; the timestamp is written beside it.")
    with call.workspace() as ws:
        made = (checkpoints.cosign(ws, call.args.cosign, call.progress) if call.args.cosign
                else checkpoints.checkpoint(ws, call.progress))
        key = ws.installation.key().line
    text = made.note.write()
    stamped = _timestamped(call, text.encode()) if call.args.timestamp else []
    said = [*_written(text, call.args.out), *stamped] or text.splitlines()
    return Result(said, {"registry": made.registry, "entries": made.size, "root": made.root.hex(), "checkpoint": text,
                         "key": key, "file": str(call.args.out) if call.args.out else None,
                         "timestamp": f"{call.args.out}.tsr" if stamped else None})


def _timestamped(call: Call, data: bytes) -> list[str]:
    """Before the file itself is written: without its timestamp there is neither."""
    from desktop_app.operations import timestamps
    from desktop_app.operations.saving import save_bytes

    response, stamp = timestamps.ask(data, call.args.timestamp, timestamps.roots(tuple(call.args.timestamp_root)))
    place = timestamps.beside(call.args.out)
    save_bytes(place, response)
    return [f"Wrote {place}: {stamp.by} states {utc_text(stamp.at)}"]


@command(
    "audit prove",
    "print a proof that an entry is in the log, which can be checked without the registry",
    arg("entry", type=int, help="the number of the entry"),
    arg("--out", type=Path, metavar="FILE", help="write it to a file, NAME.tlog-proof"),
)
def audit_prove(call: Call) -> Result:
    """The entry's place and leaf hash, the way up to the root, and a checkpoint."""
    from desktop_app.operations import checkpoints

    with call.workspace() as ws:
        made = checkpoints.prove(ws, call.args.entry, call.progress)
    text = made.write()
    said = _written(text, call.args.out) or text.splitlines()
    return Result(said, {"entry": call.args.entry, "leaf": made.leaf.hex(), "entries": made.checkpoint.size,
                         "root": made.checkpoint.root.hex(), "proof": text,
                         "file": str(call.args.out) if call.args.out else None})


def _written(text: str, out: Path | None) -> list[str]:
    from desktop_app.operations.saving import save_bytes

    if out is None:
        return []
    save_bytes(out, text.encode())
    return [f"Wrote {out}", "Keep it where whoever runs the registry cannot change it."]


@command("audit key", "print the key of this installation, which signs its checkpoints")
def audit_key(call: Call) -> Result:
    """The line that others give to audit verify --key, and what guards what this computer remembers."""
    with call.workspace() as ws:
        line, guarded = ws.installation.key().line, ws.installation.guarded_by
    said = f"What this computer remembers of logs is guarded by {guarded}."
    return Result([line, said], {"key": line, "memory_guarded_by": guarded})


@command(
    "audit accept",
    "after an alarm: learn a log anew that was restored with the auditors' knowledge",
    arg("--because", required=True, metavar="REASON", help="who restored what, when, and who agreed"),
)
def audit_accept(call: Call) -> Result:
    """What this computer remembered is put aside with the reason, not thrown away."""
    from desktop_app.operations import checkpoints

    with call.workspace() as ws:
        found, aside = checkpoints.accept(ws, call.args.because, call.progress)
    lines = [f"This computer now knows this log with {counted(found.entries, 'entry', 'entries')}."]
    lines += [f"What it knew before is kept in {aside}."] if aside else []
    return Result(lines, {"entries": found.entries, "root": found.root, "set_aside": str(aside) if aside else None})


@command("audit export", "write the log, or the part of it that passes a filter, to a file",
         arg("file", type=Path, help="NAME.jsonl, or NAME.csv for reading"), *_FILTERS)  # fmt: skip
def audit_export(call: Call) -> Result:
    """The export is itself recorded, with the filter."""
    from desktop_app.operations import audit

    with call.workspace() as ws:
        digest = audit.export(ws, call.args.file, call.progress, wanted=_wanted(call, ws))
    return Result([f"Wrote {call.args.file}", f"sha256 {digest}"], {"file": str(call.args.file), "sha256": digest})


@command(
    "pack",
    "write the audit PDF of a request or of a version's last request",
    arg("what", metavar="R-N|NAME@LABEL", help="a request, or a version: then its last request"),
    arg("--use", help="which use, when there are several"),
    arg("--out", type=Path, required=True, metavar="FILE.pdf", help="where it is written"),
)
def pack(call: Call) -> Result:
    """The export is itself recorded."""
    from desktop_app.domain.approval import PromotionRequest
    from desktop_app.operations import packs

    with call.workspace() as ws:
        if "@" in call.args.what:
            model, version = find_version(ws, call.args.what)
            request = packs.latest_request(ws, version, find_use(ws, model, call.args.use))
        else:
            request = find_labelled(ws, PromotionRequest, call.args.what)
        report = packs.export(ws, request, call.args.out, call.progress)
    return Result(
        [f"Wrote {report.path} ({report.size:,} bytes)", f"sha256 {report.sha256}", *filter(None, [report.words])],
        {"file": str(report.path), "sha256": report.sha256, "size": report.size, "handling": list(report.handling)},
    )


@command("verify", "check an audit PDF, against the registry when --registry is given",
         arg("file", type=Path, help="the audit PDF"))  # fmt: skip
def verify(call: Call) -> Result:
    """Draws the pages again from what is embedded and compares; digests every record; checks every signature."""
    from desktop_app.operations import packs

    if call.registry is None:
        report = packs.verify(None, call.args.file, call.progress)
        return _report(report, "In order, by itself. Give --registry to hold it against the registry.")
    with call.workspace() as ws:
        report = packs.verify(ws, call.args.file, call.progress)
    return _report(report, "In order: the PDF says what the registry holds.")
