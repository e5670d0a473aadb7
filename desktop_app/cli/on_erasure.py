"""people erase, hold, release, retention: who is forgotten, and when."""

from __future__ import annotations

from desktop_app.cli.command import Call, Result, arg, command
from desktop_app.cli.on_people import MINE, NAME, find_person

_REASON = arg("--reason", required=True, help="why, without the name: it stays in the log")


@command(
    "people erase",
    "delete for ever what names a person; what they did stays, under an id",
    NAME,
    _REASON,
    arg("--also", action="append", default=[], metavar="TEXT",
        help="another spelling, user name or mail address of theirs; may be given again"),
    arg("--check", action="store_true", help="only say what would be deleted and what would stay"),
)  # fmt: skip
def people_erase(call: Call) -> Result:
    """An administrator's act. Files that left the registry keep the name: audit PDFs, backups, exports."""
    from desktop_app.operations import erasure

    with call.workspace() as ws:
        person, also = find_person(ws, call.args.name), tuple(call.args.also)
        found = erasure.traces(ws, person, also)
        lines = [found.sentence, *(f"stays: {line}" for line in found.left)]
        data = {"person": person, "texts": len(found.refs), "left": list(found.left), "others": list(found.others)}
        if call.args.check:
            return Result(lines, data)
        change = erasure.erase(ws, person, call.args.reason, call.passphrase(MINE), also)
    return Result([*lines, f"{change.note}, entry {change.seq:,}."], data | {"entry": change.seq})


@command("people hold", "place a legal hold: nothing that names this person is erased", NAME, _REASON)
def people_hold(call: Call) -> Result:
    """An administrator or a compliance officer may."""
    from desktop_app.operations import erasure

    with call.workspace() as ws:
        change = erasure.hold(ws, find_person(ws, call.args.name), call.args.reason, call.passphrase(MINE))
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


@command("people release", "end the legal hold on a person", NAME, _REASON)
def people_release(call: Call) -> Result:
    """An administrator or a compliance officer may."""
    from desktop_app.operations import erasure

    with call.workspace() as ws:
        change = erasure.release(ws, find_person(ws, call.args.name), call.args.reason, call.passphrase(MINE))
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


@command(
    "people retention",
    "how long names are kept after a person's last part; with both options it is set",
    arg("--acted", type=int, metavar="DAYS", help="of who recorded or signed something"),
    arg("--named", type=int, metavar="DAYS", help="of who is only named"),
)
def people_retention(call: Call) -> Result:
    """Nobody is erased before. An administrator or a compliance officer may set it."""
    from desktop_app.errors import UserError
    from desktop_app.operations import erasure

    a = call.args
    with call.workspace() as ws:
        if a.acted is not None and a.named is not None:
            change = erasure.keep_names(ws, a.acted, a.named, call.passphrase(MINE))
            return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})
        if a.acted is not None or a.named is not None:
            raise UserError("Give both periods.", "", "Write: people retention --acted DAYS --named DAYS")
        rule = erasure.kept_for(ws)
    if rule is None:
        return Result(["No period is set: whoever has no key, no role and no legal hold may be erased."],
                      {"acted_days": None, "named_days": None})
    return Result([f"Names of who acted are kept for {rule.acted_days:,} days after their last part, of who is only "
                   f"named for {rule.named_days:,}."], {"acted_days": rule.acted_days, "named_days": rule.named_days})
