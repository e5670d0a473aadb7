"""init, people, policy: who there is, and the rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.cli.command import Call, Result, arg, command
from desktop_app.domain.canonical import day_text
from desktop_app.domain.person import LINE_OF_DEFENCE, LINE_TITLES, ROLE_TITLES, Role
from desktop_app.errors import NotFound, UserError

if TYPE_CHECKING:
    from desktop_app.domain.canonical import Id
    from desktop_app.domain.person import KeyRequest
    from desktop_app.operations.people import OnToken, PersonView
    from desktop_app.operations.recertification import Answer, CampaignView
    from desktop_app.workspace import Workspace

MINE = "Your own passphrase, or the PIN of your token: "
_TOKEN = (
    arg("--token", metavar="MODULE", help="make the key on a smart card or USB token: the file of its PKCS#11 module"),
    arg("--slot", metavar="LABEL", default="", help="the label of the token, where more than one is plugged in"),
    arg("--token-key", metavar="ID", default="", help="take the key pair with this hexadecimal id, made there before"),
    arg("--ed25519", action="store_true", help="an Ed25519 key where the token has it; else ECDSA on P-256"),
)
_ROLES = [r.value for r in Role]
NAME = arg("name", help="the person, by name or id")
_ROLE = arg("role", choices=_ROLES, help="the role")


@command("open", "open the window", arg("address", nargs="?", help="the registry to open"))
def open_window(call: Call) -> Result:
    """Handled before anything is opened."""
    raise AssertionError(call)


@command(
    "init",
    "make a registry and enrol its first administrator",
    arg("--name", default="Model registry", help="what the registry is called"),
    arg("--person", dest="founder", required=True, metavar="NAME", help="your name, as printed under signatures"),
    arg("--role", action="append", default=[], choices=_ROLES, help="a role besides administrator"),
)
def init(call: Call) -> Result:
    """Create the registry file, the first key and the first policy."""
    from desktop_app.operations import registries
    from desktop_app.workspace import create_workspace

    passphrase = call.new_passphrase("Choose a passphrase for your key: ")
    registries.check_passphrase(passphrase)
    made = create_workspace(call.registry, call.args.name)
    try:
        acting = registries.found(made, call.args.founder, passphrase, tuple(Role(r) for r in call.args.role))
        factors = acting.signer.key_of(acting.me).factors
        lines = [
            f"Made the registry “{call.args.name}” at {made.store.address}.",
            f"{call.args.founder} is its administrator. The key needs: {factors}.",
            "A local file shows later edits only against digests kept elsewhere: export and keep some."
            if made.store.folder else "Let the others' logins in with: assaydesk registry admit LOGIN.",
        ]
        return Result(
            lines,
            {
                "registry": made.store.info.id,
                "address": made.store.address,
                "person": acting.me,
                "key_factors": factors,
            },
        )
    finally:
        made.close()


def find_person(workspace: Workspace, name: str) -> Id:
    """The person with a name or id. Raises UserError when there is not exactly one."""
    from desktop_app.operations import people

    found = [p for p in people.listing(workspace) if name in (p.id, p.name)]
    if len(found) != 1:
        raise UserError(f"There is no one person called “{name}”.", "", "See: assaydesk people list")
    return found[0].id


@command("people list", "everyone the registry knows",
         arg("--erasable", action="store_true", help="only those who may be erased now"))  # fmt: skip
def people_list(call: Call) -> Result:
    """Names, roles with their dates and line of defence, keys and those that ended; who may be erased."""
    from desktop_app.operations import erasure, people

    with call.workspace() as ws:
        standing = {s.person: s for s in erasure.standings(ws)}
        found = [p for p in people.listing(ws) if not (call.args.erasable and standing[p.id].blocked)]
    lines = []
    for p in found:
        hold = ", on legal hold" if standing[p.id].hold else ""
        lines.append(f"{p.name:28} {p.role_titles:40} {p.key_id or 'no key'}{' (here)' if p.key_here else ''}{hold}")
        lines += [f"  {ROLE_TITLES[h.role]}, {LINE_TITLES[LINE_OF_DEFENCE[h.role]]}, {h.dates}"
                  f"{' (not yet)' if h.to_come else ''}" for h in p.held]
        lines += [f"  key {k.key_id} ended {day_text(k.ended)}: {k.reason}" for k in p.ended_keys]
    return Result(lines or ["Nobody."], {"people": [
        _told(p) | {"erasable": not standing[p.id].blocked, "hold": standing[p.id].hold} for p in found]})


def _told(person: PersonView) -> dict[str, Any]:
    return {
        "id": person.id, "name": person.name, "roles": list(person.roles), "key": person.key_id,
        "key_here": person.key_here,
        "held": [{"role": h.role, "line": LINE_OF_DEFENCE[h.role], "from": h.since.isoformat(),
                  "until": h.until.isoformat() if h.until else None, "to_come": h.to_come} for h in person.held],
        "ended_keys": [{"key": k.key_id, "ended": k.ended.isoformat(), "reason": k.reason}
                       for k in person.ended_keys]}  # fmt: skip


@command(
    "people enrol",
    "add a person with a key made here, or with the one in a request that they sent",
    arg("name", nargs="?", help="the name as it is printed under signatures"),
    arg("--request", type=Path, metavar="FILE", help="what their own machine made with: people request-key"),
    arg("--key", metavar="ID", help="the id of the key in the request, as its holder read it to you"),
    arg("--role", action="append", default=[], choices=_ROLES, help="a role; may be given again"),
)
def people_enrol(call: Call) -> Result:
    """Only an administrator may."""
    from desktop_app.operations import people

    with call.workspace() as ws:
        roles = tuple(Role(r) for r in call.args.role)
        if call.args.request:
            asked = people.read_request(call.args.request)
            _check_key_id(call, asked)
            added = people.enrol_request(ws, asked, roles, call.passphrase(MINE))
        else:
            if not call.args.name:
                raise UserError("Whom?", "", "Give a name, or --request with the file that they sent you.")
            passphrase = call.new_passphrase(f"Passphrase for the key of {call.args.name}: ")
            added = people.enrol(ws, call.args.name, roles, passphrase, call.passphrase(MINE))
    return Result(
        [f"Enrolled {added.name} as {added.role_titles}; key {added.key_id}."],
        {"id": added.id, "key": added.key_id, "roles": list(added.roles)},
    )


def _check_key_id(call: Call, asked: KeyRequest) -> None:
    """The file may have been swapped on its way: its holder says the id by another way, and it must be this one."""
    said = call.args.key
    if said is None and call.at_a_terminal:
        said = input(f"Call {asked.name} and ask for the id of their key. Type it: ")
    if said is None:
        raise UserError("Nobody has compared the key.", f"The request of {asked.name} is for key {asked.key.key_id}.",
                        f"Ask {asked.name} by another way for the id, and give it with --key.")
    if said.strip().lower() != asked.key.key_id:
        raise UserError("This is not the key that its holder made.",
                        f"The request is for key {asked.key.key_id}; you gave {said.strip()}.",
                        "Enrol nothing. Ask for the request again, by a way that nobody can change.")


@command(
    "people request-key",
    "make a key on your own machine and the file that an administrator enrols it from",
    arg("name", help="your name, as it is to be printed under signatures"),
    arg("--out", type=Path, required=True, metavar="FILE", help="where to write the request"),
    *_TOKEN,
)
def people_request_key(call: Call) -> Result:
    """Records nothing; the private half of the key stays here."""
    from desktop_app.operations import people

    with call.workspace() as ws:
        token, secret = _token(call), _new_secret(call, "Choose a passphrase for your key: ")
        asked = people.request_key(ws, call.args.name, secret, call.args.out, token)
    return Result(
        [
            f"Wrote {call.args.out}. Send it to an administrator, who enrols it with:",
            f"  assaydesk people enrol --request FILE --key {asked.key.key_id} --role ROLE",
            f"Tell them the id of the key by another way, so that nobody can slip in another: {asked.key.key_id}",
        ],
        {"person": asked.person, "key": asked.key.key_id, "file": str(call.args.out)},
    )


def _token(call: Call) -> OnToken | None:
    """The token that the key is to be made on, if it is."""
    if not call.args.token:
        return None
    from desktop_app.operations.people import OnToken

    kind = {"algorithm": "ed25519"} if call.args.ed25519 else {}
    return OnToken(call.args.token, call.args.slot, key=call.args.token_key.casefold(), **kind)


def _new_secret(call: Call, prompt: str) -> str:
    return call.new_pin("PIN of the token: ") if call.args.token else call.new_passphrase(prompt)


@command("people renew-key", "a new key for yourself, in place of the one on this machine", *_TOKEN)
def people_renew_key(call: Call) -> Result:
    """The old key signs for the new one and ends."""
    from desktop_app.operations import people

    with call.workspace() as ws:
        new = _new_secret(call, "New passphrase: ")
        change = people.renew_key(ws, call.passphrase("Present passphrase, or PIN: "), new, _token(call))
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


@command(
    "people revoke-key",
    "end a key: an administrator's act, or its holder's",
    NAME,
    arg("--reason", required=True, help="why it ends"),
    arg("--since", metavar="DAY", help="the first day on which somebody else may have had it: 2026-11-20"),
)
def people_revoke_key(call: Call) -> Result:
    """What it signed stays signed; what it signed since --since is marked as doubtful."""
    from desktop_app.operations import people

    with call.workspace() as ws:
        person = find_person(ws, call.args.name)
        key = next(p.key_id for p in people.listing(ws) if p.id == person)
        since = _moment(call.args.since) if call.args.since else None
        change = people.revoke_key(ws, person, key, call.args.reason, call.passphrase(MINE), since)
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


def _moment(day: str, later: int = 0) -> datetime:
    """The beginning of a day where this computer is, or of one some days later."""
    try:
        return (datetime.fromisoformat(day) + timedelta(days=later)).astimezone()
    except ValueError as error:
        raise UserError("This day cannot be read.", day, "Write it as 2026-11-20.") from error


@command(
    "people grant",
    "grant a role",
    NAME,
    _ROLE,
    arg("--from", dest="first", metavar="DAY", help="the first day on which it is held, today or later: 2026-12-01"),
    arg("--until", dest="last", metavar="DAY", help="the last day on which it is held"),
)
def people_grant(call: Call) -> Result:
    """Only an administrator may."""
    from desktop_app.operations import people

    first = _moment(call.args.first) if call.args.first else None
    last = _moment(call.args.last, 1) if call.args.last else None
    with call.workspace() as ws:
        if first and first.date() < ws.today():
            raise UserError("A role does not begin in the past.", call.args.first, "Give today or a later day.")
        change = people.grant(
            ws, find_person(ws, call.args.name), Role(call.args.role), call.passphrase(MINE), last, first)
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


@command("people revoke", "end a role", NAME, _ROLE, arg("--reason", required=True, help="why it ends"))
def people_revoke(call: Call) -> Result:
    """Only an administrator may; the last administrator stays."""
    from desktop_app.operations import people

    with call.workspace() as ws:
        person, role = find_person(ws, call.args.name), Role(call.args.role)
        change = people.revoke(ws, person, role, call.args.reason, call.passphrase(MINE))
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


@command(
    "people recertify",
    "have each role in force confirmed or revoked by somebody else than its holder",
    arg("act", choices=["open", "answer", "status", "close"], help="what to do"),
    arg("campaign", nargs="?", help="which recertification: AR-1; without it, the one that is open"),
    arg("--due", metavar="DAY", help="open: the day by which all is answered: 2026-12-31"),
    arg("--role", action="append", default=[], choices=_ROLES, help="open: only these roles; may be given again"),
    arg("--keep", nargs=2, action="append", default=[], metavar=("NAME", "ROLE"), help="answer: the role is needed"),
    arg("--revoke", nargs=2, action="append", default=[], metavar=("NAME", "ROLE"), help="answer: the role ends"),
    arg("--reason", default="", help="answer: why; needed for --revoke"),
)
def people_recertify(call: Call) -> Result:
    """An administrator or a model risk manager opens, answers and closes; to revoke takes an administrator."""
    from desktop_app.operations import recertification

    with call.workspace() as ws:
        if call.args.act == "status":
            return _recertifications(ws, call.args.campaign)
        if call.args.act == "open":
            if not call.args.due:
                raise UserError("By when?", "", "Give the day: --due 2026-12-31")
            scope = tuple(Role(r) for r in call.args.role)
            due = _moment(call.args.due).date()
            change = recertification.open_campaign(ws, due, scope, call.passphrase(MINE))
        else:
            chosen = _recertification(ws, call.args.campaign)
            if call.args.act == "close":
                change = recertification.close(ws, chosen.id, call.passphrase(MINE))
            else:
                change = recertification.answer(ws, chosen.id, _answers(call, chosen), call.passphrase(MINE))
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


def _recertification(ws: Workspace, label: str | None) -> CampaignView:
    from desktop_app.operations import recertification

    found = [c for c in recertification.listing(ws)
             if (label in (c.label, c.id) if label else c.closed_at is None)]
    if not found:
        raise NotFound(f"There is no {label}." if label else "No recertification is open.", "",
                       "See: assaydesk people recertify status")
    return found[0]


def _answers(call: Call, chosen: CampaignView) -> tuple[Answer, ...]:
    from desktop_app.operations.recertification import Answer

    found = []
    for keep, asked in ((True, call.args.keep), (False, call.args.revoke)):
        for name, role in asked:
            grants = [g for g in chosen.grants if name in (g.name, g.person) and role == g.role and g.state == "open"]
            if not grants:
                raise UserError(f"{name} has no role {role} that waits for an answer.", chosen.label,
                                "See: assaydesk people recertify status")
            found += [Answer(grant=g.grant, keep=keep, reason=call.args.reason) for g in grants]
    return tuple(found)


def _recertifications(ws: Workspace, label: str | None) -> Result:
    from desktop_app.operations import recertification

    shown = [c for c in recertification.listing(ws) if label in (None, c.label, c.id)]
    lines, today = [], ws.today()
    for one in shown:
        lines.append(f"{one.label}: {one.sentence(today)}")
        lines += [f"  {g.name:28} {ROLE_TITLES[g.role]:20} {g.state:8} {f'by {g.by} ' if g.by else ''}{g.reason}"
                  for g in one.grants]
    data = [{"id": c.id, "label": c.label, "due": c.due.isoformat(), "closed": c.closed_at is not None,
             "overdue": c.overdue(today),
             "grants": [{"grant": g.grant, "person": g.person, "name": g.name, "role": g.role, "state": g.state,
                         "by": g.by, "reason": g.reason} for g in c.grants]} for c in shown]
    return Result(lines or ["No recertification yet."], {"recertifications": data})


@command("policy list", "the published versions of the policy")
def policy_list(call: Call) -> Result:
    """Newest first."""
    from desktop_app.operations import policies

    with call.workspace() as ws:
        found = policies.listing(ws)
    return Result(
        [f"{p.record.name}, {p.record.version}: in force from {p.record.effective_from}" for p in found],
        {"policies": [{"name": p.record.name, "version": p.record.version, "sha256": p.digest} for p in found]},
    )


@command("policy publish", "publish a version of a policy from a JSON file",
         arg("file", type=Path, help="the policy as JSON; the one that comes along shows the form"))  # fmt: skip
def policy_publish(call: Call) -> Result:
    """An administrator or a model risk manager may."""
    from desktop_app.operations import policies

    with call.workspace() as ws:
        change = policies.publish_file(ws, call.args.file, call.passphrase(MINE))
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})
