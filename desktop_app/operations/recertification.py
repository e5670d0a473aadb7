"""Access recertification: opened, answered role by role by somebody else than the holder, closed; all of it signed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.person import ROLE_TITLES, Person, Role, RoleGranted, RoleRevoked
from desktop_app.domain.recertification import RecertificationAnswered, RecertificationClosed, RecertificationOpened
from desktop_app.errors import NotFound, Refused, UserError
from desktop_app.operations import mandates, people
from desktop_app.registry.reader import Reader
from desktop_app.trust.authority import VALID, Authority
from desktop_app.workspace import Workspace

REVIEWERS = (Role.ADMINISTRATOR, Role.MODEL_RISK)


@record
class Answer:
    """What a reviewer says of a grant. reason: needed where it ends."""

    grant: Id
    keep: bool
    reason: str = ""


@record
class GrantView:
    """A grant of a campaign. state: "open", "kept", "revoked", or "ended" when it ended otherwise."""

    grant: Id
    person: Id
    name: str
    role: Role
    since: datetime
    until: datetime | None
    state: str
    by: str = ""
    reason: str = ""


@record
class CampaignView:
    """A campaign as lists show it."""

    id: Id
    label: str
    due: date
    scope: tuple[Role, ...]
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str
    grants: tuple[GrantView, ...]

    @property
    def open(self) -> tuple[GrantView, ...]:
        """What nobody has answered yet."""
        return tuple(g for g in self.grants if g.state == "open")

    def overdue(self, today: date) -> bool:
        """Whether it should be closed by now and is not."""
        return self.closed_at is None and today > self.due

    def sentence(self, today: date) -> str:
        """How it stands, in words."""
        if self.closed_at is not None:
            count = {s: sum(g.state == s for g in self.grants) for s in ("kept", "revoked", "ended")}
            ended = f", {count['ended']} ended otherwise" if count["ended"] else ""
            return (f"closed {canonical.day_text(self.closed_at.astimezone().date())} by {self.closed_by}: "
                    f"{count['kept']} kept, {count['revoked']} revoked{ended}")
        when = f"{'overdue since' if self.overdue(today) else 'due'} {canonical.day_text(self.due)}"
        left = f"{len(self.open)} of {len(self.grants)} roles to be answered" if self.open else \
            f"all {len(self.grants)} roles answered, to be closed"
        return f"{left}, {when}"


def listing(workspace: Workspace) -> tuple[CampaignView, ...]:
    """Every campaign, newest first."""
    with workspace.store.read() as reader:
        return tuple(reversed(_campaigns(workspace, reader)))


def open_campaign(workspace: Workspace, due: date, scope: tuple[Role, ...], passphrase: str) -> Change:
    """Open a campaign over the grants in force. An administrator or a model risk manager may; one is open at a time."""
    store = workspace.store

    def check(reader: Reader) -> None:
        people.require(reader, workspace, *REVIEWERS)
        if due < workspace.today():
            raise UserError("The day by which it is due has passed.", canonical.day_text(due), "Give a later one.")
        if waiting := [c for c in _campaigns(workspace, reader) if c.closed_at is None]:
            raise Refused("A recertification is open already.", f"{waiting[0].label}: "
                          f"{waiting[0].sentence(workspace.today())}.", "Answer and close it first.")

    with store.read() as reader:
        check(reader)
        grants = [g.record.id for g in _in_force(workspace, reader) if not scope or g.record.role in scope]
    if not grants:
        raise UserError("Nobody holds any of these roles.", "", "Choose others.")
    opened = RecertificationOpened(id=store.new_id(), due=due, scope=tuple(sorted(scope)), grants=tuple(grants))
    return mandates.record(workspace, "recertification.opened", opened.id, [opened], passphrase, check=check,
                           note=f"Opened a recertification of {len(grants)} roles, due {canonical.day_text(due)}")


def answer(workspace: Workspace, campaign: Id, answers: tuple[Answer, ...], passphrase: str) -> Change:
    """Confirm or revoke grants of a campaign, under one signature. Nobody answers for themselves.

    A model risk manager may confirm; to revoke takes an administrator. Raises Refused, UserError.
    """
    store = workspace.store

    def check(reader: Reader) -> None:
        people.require(reader, workspace, *REVIEWERS)
        asked = {g.grant: g for g in _open_one(workspace, reader, campaign).grants}
        for one in answers:
            _check_answer(workspace, asked.get(one.grant), one)
        if ends := {a.grant for a in answers if not a.keep}:
            people.require(reader, workspace, Role.ADMINISTRATOR)
            if not any(g.record.role is Role.ADMINISTRATOR and g.record.id not in ends
                       for g in _in_force(workspace, reader)):
                raise Refused("The last administrator cannot be removed.", "", "Grant the role to somebody else first.")

    if not answers or len({a.grant for a in answers}) != len(answers):
        raise UserError("Each role is answered once." if answers else "Nothing is answered.", "", "Answer some roles.")
    with store.read() as reader:
        check(reader)
        asked = {g.grant: g for g in _open_one(workspace, reader, campaign).grants}
    records: list[Any] = []
    for one in answers:
        held = asked[one.grant]
        records.append(RecertificationAnswered(id=store.new_id(), campaign=campaign, grant=one.grant,
                                               person=held.person, keep=one.keep, reason=one.reason.strip()))
        if not one.keep:
            records.append(RoleRevoked(id=store.new_id(), grant=one.grant, person=held.person, role=held.role,
                                       reason=one.reason.strip()))
    kept = sum(a.keep for a in answers)
    return mandates.record(workspace, "recertification.answered", campaign, records, passphrase, check=check,
                           note=f"Recertified roles: {kept} kept, {len(answers) - kept} revoked")


def _check_answer(workspace: Workspace, held: GrantView | None, said: Answer) -> None:
    if held is None:
        raise NotFound("This role is not part of the recertification.", "", "Look at its list again.")
    who = f"{held.name}, {ROLE_TITLES[held.role].lower()}"
    if held.state != "open":
        raise UserError(f"This role is {held.state} already.", who, "Look at the list again.")
    if held.person == workspace.me:
        raise Refused("Nobody confirms or revokes their own role here.", who,
                      "Ask another administrator or model risk manager to answer for you.")
    if not said.keep and not said.reason.strip():
        raise UserError("Say why the role ends.", who, "Write a reason.")


def close(workspace: Workspace, campaign: Id, passphrase: str) -> Change:
    """Close a campaign of which every grant is answered; the result is recorded and signed. Raises Refused."""
    store = workspace.store

    def check(reader: Reader) -> None:
        people.require(reader, workspace, *REVIEWERS)
        if left := _open_one(workspace, reader, campaign).open:
            raise Refused("Not every role is answered yet.",
                          "\n".join(f"{g.name}, {ROLE_TITLES[g.role].lower()}" for g in left), "Answer them first.")

    with store.read() as reader:
        check(reader)
        grants = _open_one(workspace, reader, campaign).grants
    result = {state: tuple(g.grant for g in grants if g.state == state) for state in ("kept", "revoked", "ended")}
    closed = RecertificationClosed(id=store.new_id(), campaign=campaign, **result)
    return mandates.record(workspace, "recertification.closed", campaign, [closed], passphrase, check=check,
                           note=f"Closed the recertification: {len(closed.kept)} kept, {len(closed.revoked)} revoked")


# ---- reading


def _open_one(workspace: Workspace, reader: Reader, campaign: Id) -> CampaignView:
    found = next((c for c in _campaigns(workspace, reader) if campaign == c.id), None)
    if found is None:
        raise NotFound("There is no such recertification.", campaign, "See: assaydesk people recertify status")
    if found.closed_at is not None:
        raise Refused("This recertification is closed.", f"{found.label}: {found.sentence(workspace.today())}.",
                      "Open another one.")
    return found


def _in_force(workspace: Workspace, reader: Reader) -> list[Recorded[RoleGranted]]:
    everybody = [p.record.id for p in reader.all(Person)]
    standing = mandates.authority(reader, *everybody)
    return [g for person in everybody for g in standing.grants(person, workspace.store.clock())]


def _campaigns(workspace: Workspace, reader: Reader) -> list[CampaignView]:
    """Oldest first, as far as they were signed for."""
    opened = reader.all(RecertificationOpened)
    if not opened:
        return []
    answered, closed = reader.all(RecertificationAnswered), reader.all(RecertificationClosed)
    judge = Authority(reader.info().id, mandates.behind(reader, (), [*opened, *answered, *closed]))
    names, in_force = reader.names(), {g.record.id for g in _in_force(workspace, reader)}
    granted = {g.record.id: g.record for g in reader.all(RoleGranted)}
    said: dict[tuple[Id, Id], Recorded[RecertificationAnswered]] = {}
    for item in answered:
        if judge.mandated(item) == VALID:
            said.setdefault((item.record.campaign, item.record.grant), item)
    ends = {c.record.campaign: c for c in closed if judge.mandated(c) == VALID}
    return [_campaign(o, [granted[g] for g in o.record.grants if g in granted], said, ends.get(o.record.id), names,
                      in_force) for o in opened if judge.mandated(o) == VALID]


def _campaign(
    opened: Recorded[RecertificationOpened], grants: list[RoleGranted],
    said: dict[tuple[Id, Id], Recorded[RecertificationAnswered]], closed: Recorded[RecertificationClosed] | None,
    names: dict[Id, str], in_force: Collection[Id],
) -> CampaignView:
    views = []
    for grant in grants:
        answer = said.get((opened.record.id, grant.id))
        state = ("kept" if answer.record.keep else "revoked") if answer else "open" if grant.id in in_force else "ended"
        if closed is not None and answer is None:
            state = "ended"  # whatever became of it since
        views.append(GrantView(
            grant=grant.id, person=grant.person, name=names.get(grant.person, grant.person), role=grant.role,
            since=grant.valid_from, until=grant.valid_to, state=state, reason=answer.record.reason if answer else "",
            by=names.get(answer.by, answer.by) if answer else ""))
    return CampaignView(
        id=opened.record.id, label=opened.label, due=opened.record.due, scope=opened.record.scope,
        opened_by=names.get(opened.by, opened.by), opened_at=opened.at, closed_at=closed.at if closed else None,
        closed_by=names.get(closed.by, closed.by) if closed else "",
        grants=tuple(sorted(views, key=lambda g: (g.name.casefold(), g.role))))
