"""registry: how it is, upgrades, backups, who may log in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.cli.command import Call, Result, arg, command
from desktop_app.domain.canonical import utc_text
from desktop_app.errors import Refused, UserError

if TYPE_CHECKING:
    from desktop_app.operations.registries import Status
    from desktop_app.workspace import Workspace


def _size(count: int) -> str:
    return f"{count:,} bytes" if count < 1 << 20 else f"{count / (1 << 20):,.1f} MB"


@command("registry status", "where it is, how large, and what the database under it promises")
def registry_status(call: Call) -> Result:
    """Recomputes nothing: that is `audit verify`."""
    from desktop_app.operations import copies, registries, restoring

    with call.workspace() as ws:
        found, gap = registries.status(ws), restoring.discontinuity(ws)
    lines = _status_lines(found)
    kept = copies.kept(found.address)
    if kept:
        lines.append(f"{'Copy here':20} {kept.entries:,} entries, taken on {kept.taken_at}, {_size(kept.size)}: "
                     "--offline reads it")
    data = {
        "registry": found.id, "name": found.name, "address": found.address, "engine": found.engine,
        "login": found.login, "size": found.size, "entries": found.entries, "head": found.head,
        "format": found.format, "newest_format": found.newest, "guards_missing": list(found.guards),
        "settings": dict(found.settings), "warnings": list(found.warnings), "restored": None,
        "copy": {"taken": utc_text(kept.taken), "entries": kept.entries} if kept else None}
    if gap:
        gone = f"; the log it replaced had {gap.replaced_entries:,}" if gap.replaced_entries else ""
        lines.append(f"RESTORED at entry {gap.entry:,} by {gap.person} from a backup of {gap.backup_entries:,} entries"
                     f"{gone}: {gap.reason} (signature: {gap.signed})")
        data["restored"] = {"entry": gap.entry, "by": gap.person, "backup_entries": gap.backup_entries,
                            "replaced_entries": gap.replaced_entries, "reason": gap.reason, "signature": gap.signed}
    return Result(lines, data, 1 if found.guards else 0)


def _status_lines(found: Status) -> list[str]:
    known = "" if found.format == found.newest else f"; this program writes {found.newest}: assaydesk registry upgrade"
    at = f", the last at {found.last_at}" if found.last_at else ""
    rows = [
        ("Registry", f"{found.name} ({found.id})"), ("Where", found.address), ("Engine", found.engine),
        ("Logged in as", found.login), ("Size", _size(found.size)), ("Entries", f"{found.entries:,}{at}"),
        ("Head", found.head), ("Format", found.format + known),
        ("Guards", "in order" if not found.guards else f"NOT as they were made: {', '.join(found.guards)}"),
        *((name.replace("_", " "), value) for name, value in found.settings)]
    return [f"{name:20} {value}" for name, value in rows] + [f"WARNING: {w}" for w in found.warnings]


@command(
    "registry backup", "copy the registry, of a server too, to a registry file, and recompute its log there",
    arg("file", type=Path, help="the file that is made, NAME.assay"),
)
def registry_backup(call: Call) -> Result:
    """The copy is itself recorded."""
    from desktop_app.operations import registries

    with call.workspace() as ws:
        made = registries.backup(ws, call.args.file, call.progress)
    return Result(
        [f"Wrote {made.path} ({made.size:,} bytes): {made.entries:,} entries, recomputed and in order.",
         f"head   {made.head}", f"sha256 {made.sha256}", "Keep the digest elsewhere than the file."],
        {"file": str(made.path), "size": made.size, "sha256": made.sha256, "entries": made.entries, "head": made.head})


@command(
    "registry copy", "keep a copy of a shared registry on this computer, for reading without a connection",
    arg("--delete", action="store_true", help="delete the copy instead"),
)
def registry_copy(call: Call) -> Result:
    """Verified as it is taken, sealed, and recorded; read it with --offline."""
    from desktop_app.operations import copies

    if call.args.delete:
        gone = copies.delete(call.registry)
        return Result(["The copy is deleted." if gone else "There was no copy."], {"deleted": gone})
    with call.workspace() as ws:
        made = copies.take(ws, call.progress)
    return Result(
        [f"Copied “{made.name}” to this computer on {made.taken_at} ({_size(made.size)}): {made.entries:,} entries, "
         "recomputed and in order.", f"head   {made.head}",
         "Read it with --offline. What is erased in the registry later stays in it: take another then, or delete it "
         "with --delete."],
        {"registry": made.registry, "taken": utc_text(made.taken), "entries": made.entries, "head": made.head,
         "root": made.root, "sha256": made.sha256, "size": made.size})


@command(
    "registry restore", "put a backup in the registry's place; the log will tell",
    arg("file", type=Path, help="what `registry backup` wrote"),
    arg("--reason", required=True, help="why, for the log"),
    arg("--anyway", action="store_true", help="although entries are lost by it"),
)
def registry_restore(call: Call) -> Result:
    """A ceremony of an administrator: the next entry says what was replaced, signed."""
    from desktop_app import settings
    from desktop_app.operations import restoring

    address = call.registry or str(settings.default_registry())
    on_server = "://" in address and not address.startswith("sqlite:///")
    if on_server and call.args.anyway:
        raise UserError("On a server nothing is replaced.", "--anyway is for a registry in a file.",
                        "Restore into a database without a registry, and leave --anyway out.")
    who, key, why, progress = call.args.person, call.passphrase(), call.args.reason, call.progress
    if on_server:
        place = "the registry on the server"
        done = restoring.restore_to_server(call.args.file, address, who, key, reason=why, progress=progress)
    else:
        path = Path(address.removeprefix("sqlite:///")).expanduser().absolute()
        place = str(path)
        done = restoring.restore(call.args.file, path, who, key, reason=why, anyway=call.args.anyway, progress=progress)
    lines = [f"Restored {place} from a backup of {done.backup_entries:,} entries; entry {done.entry:,} says so."]
    if done.aside:
        lines.append(f"What was there is kept as {done.aside}.")
    if done.lost:
        lines.append(f"{done.lost:,} of its {done.replaced_entries:,} entries are not in the log now.")
    return Result(lines, {"entry": done.entry, "backup_entries": done.backup_entries, "lost": done.lost,
                          "replaced_entries": done.replaced_entries, "kept_as": done.aside})


@command(
    "registry upgrade", "bring the tables of an older registry to this program's format",
    arg("--backup", type=Path, metavar="FILE", help="where the backup is written first"),
    arg("--no-backup", action="store_true", help="there is one already"),
)
def registry_upgrade(call: Call) -> Result:
    """A backup first; a file is tried on a copy; then one transaction, with its entry."""
    from desktop_app.operations import registries

    with call.workspace() as ws:
        before = registries.status(ws)
        if before.format == before.newest:
            return Result([f"Nothing to do: the registry has format {before.format}, as this program."],
                          {"since": before.format, "to": before.format, "entry": None})
        lines = _backup_first(call, ws, before)
        done = registries.upgrade(ws, call.progress)
    lines += [f"Upgraded from format {done.since} to {done.to}; entry {done.entry:,} says so.",
              "Other programs that have it open must be of this version to write."]
    return Result(lines, {"since": done.since, "to": done.to, "entry": done.entry})


def _backup_first(call: Call, workspace: Workspace, before: Status) -> list[str]:
    """A backup, or somebody's word that there is one. Raises Refused."""
    from desktop_app.operations import registries

    if call.args.no_backup:
        return []
    if workspace.store.folder is not None:
        name = Path(before.address.removeprefix("sqlite:///"))
        target = call.args.backup or name.with_name(f"{name.stem}.format-{before.format}{name.suffix}")
        made = registries.backup(workspace, target, call.progress)
        return [f"Wrote the backup {made.path} (sha256 {made.sha256})."]
    line = f"pg_dump --format=custom --schema=assaydesk --file=registry.dump '{before.address}'"
    print(f"Make a backup first:\n  {line}", file=sys.stderr)
    if call.at_a_terminal and input("Is there one now? (yes/no) ").strip().lower() in ("y", "yes"):
        return []
    raise Refused("Nothing was upgraded.", "There is no backup yet.", f"Run: {line}\nThen repeat with --no-backup.")


@command("registry rebuild", "make every list and index again from the facts, and say what differed")
def registry_rebuild(call: Call) -> Result:
    """Facts and entries are not touched."""
    from desktop_app.operations import registries

    with call.workspace() as ws:
        differed = registries.rebuild(ws)
    lines = [f"Differed: {line}." for line in differed] or ["Nothing differed."]
    return Result([*lines, "Every list and index was made again from the facts."], {"differed": list(differed)})


@command(
    "registry admit", "let a login of the database server use the registry",
    arg("login", help="the login, as the server knows it"),
    arg("--auditor", dest="may", action="store_const", const="read", default="write", help="only to read"),
    arg("--may-erase", dest="may", action="store_const", const="erase", help="also to erase people"),
)
def registry_admit(call: Call) -> Result:
    """People are enrolled besides: `people enrol`."""
    from desktop_app.domain.registry import Admission
    from desktop_app.operations import registries

    login, may = call.args.login, Admission(call.args.may)
    with call.workspace() as ws:
        registries.admit(ws, login, may)
    said = {Admission.READ: "read", Admission.WRITE: "read and add to",
            Admission.ERASE: "read, add to and erase people from"}[may]
    roles = {Admission.READ: "auditor", Admission.WRITE: "application", Admission.ERASE: "eraser"}
    return Result([f"{login} may {said} the registry.", "Enrol the person too, if they sign: assaydesk people enrol."],
                  {"login": login, "role": roles[may]})
