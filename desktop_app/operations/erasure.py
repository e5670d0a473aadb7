"""Erasing a person: what names them is deleted, what they did stays under their id, and the log still verifies.

Who may be erased: nobody with a key in use or a role, nobody on legal hold, nobody before the period ends for which
names are to be kept. An administrator signs for it. Texts that a person wrote (comments, reasons) are records of the
business and stay, unless they name them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.change import Change
from desktop_app.domain.person import (
    ERASED,
    HoldPlaced,
    HoldReleased,
    KeyEnrolled,
    Person,
    PersonErased,
    Retention,
    Role,
    naming,
)
from desktop_app.domain.words import counted
from desktop_app.errors import Refused, StaleError, Unreachable, UserError
from desktop_app.operations import mandates, people
from desktop_app.registry.reader import Reader
from desktop_app.trust.authority import VALID, Authority
from desktop_app.workspace import Workspace

R = TypeVar("R")
MAY_HOLD = (Role.ADMINISTRATOR, Role.COMPLIANCE)
_NO_PART = ("hold.placed", "hold.released", "person.erased")  # facts that do not make a name needed for longer


@record
class Standing:
    """Whether a person may be erased."""

    person: Id
    erased: bool
    hold: str  # why a legal hold stands on them; empty where none does
    last_part: datetime | None  # when they last made a record or were named in one
    keep_until: datetime | None  # the end of the period for which names are to be kept; None where none is set
    blocked: str  # why they may not be erased now; empty when they may


@record
class Traces:
    """What names a person: what an erasure deletes, and what it cannot."""

    name: str
    refs: tuple[str, ...]  # of the erasable texts that go
    left: tuple[str, ...]  # records and notes whose text names them: they are part of the log
    others: tuple[str, ...]  # names of other people that hold the name: who is the same is erased on their own

    @property
    def sentence(self) -> str:
        """What is deleted and what stays, for whoever is about to sign."""
        kept = counted(len(self.left), "record of the log also names", "records of the log also name")
        stays = f" {kept} them in running text; these cannot be changed." if self.left else ""
        more = f" Kept as other people: {'; '.join(self.others)}. Erase those who are the same." if self.others else ""
        return f"{counted(len(self.refs), 'text names', 'texts name')} {self.name}: deleted for ever.{stays}{more}"


def retention(reader: Reader) -> Retention | None:
    """How long names are to be kept, as last signed for; None where nobody said."""
    found = _signed(reader, reader.all(Retention))
    return found[-1].record if found else None


def kept_for(workspace: Workspace) -> Retention | None:
    """How long names are to be kept; None where nobody said."""
    with workspace.store.read() as reader:
        return retention(reader)


def standings(workspace: Workspace) -> tuple[Standing, ...]:
    """Everybody the registry knows, with whether they may be erased now and why not."""
    now = workspace.store.clock()
    with workspace.store.read() as reader:
        return _standings(reader, now)


def _standings(reader: Reader, now: datetime) -> tuple[Standing, ...]:
    names, holds, rule = reader.names(), _holds(reader), retention(reader)
    parts, acted = reader.last_parts(_NO_PART), reader.actors()
    everybody = [p.record.id for p in reader.all(Person)]
    authority = mandates.authority(reader, *everybody)
    keyed = {k.record.person for k in reader.all(KeyEnrolled) if authority.usable(k.record.person, k.record.key_id)}
    found = []
    for person in everybody:
        last, days = parts.get(person), 0
        if rule:
            days = rule.acted_days if person in acted else rule.named_days
        until = last + timedelta(days=days) if rule and last else None
        hold = holds[person].record.reason if person in holds else ""
        erased = names[person] == ERASED
        blocked = "already erased" if erased else "has a key in use" if person in keyed \
            else "holds a role" if authority.roles(person, now) or authority.to_come(person, now) \
            else "a legal hold stands" if person in holds \
            else f"names are kept until {day_text(until.date())}" if until and until > now else ""
        found.append(Standing(person=person, erased=erased, hold=hold, last_part=last, keep_until=until,
                              blocked=blocked))
    return tuple(found)


def _signed(reader: Reader, items: Iterable[Recorded[R]]) -> list[Recorded[R]]:
    """Those that somebody with the authority signed for."""
    items = list(items)
    authority = Authority(reader.info().id, mandates.behind(reader, (), items))
    return [f for f in items if authority.mandated(f) == VALID]


def _holds(reader: Reader) -> dict[Id, Recorded[HoldPlaced]]:
    """The legal holds that stand, by person."""
    ended = {f.record.hold for f in _signed(reader, reader.all(HoldReleased))}
    return {f.record.person: f for f in _signed(reader, reader.all(HoldPlaced)) if f.record.id not in ended}


def traces(workspace: Workspace, person: Id, also: tuple[str, ...] = ()) -> Traces:
    """What names a person. also: other spellings, user names, mail addresses. Raises NotFound, UserError."""
    with workspace.store.read() as reader:
        return _traces(reader, person, also, left=True)


def _traces(reader: Reader, person: Id, also: tuple[str, ...], *, left: bool) -> Traces:
    found = reader.get(Person, person)
    name = reader.text(found.record.name)
    if name is None:
        raise UserError("This person is erased already.", "", "Nothing needs to be done.")
    named = naming(name, *also)
    # whoever is only named is told apart by the name alone: two called the same are one
    names, apart = reader.names(), {k.record.person for k in reader.all(KeyEnrolled)} | _holds(reader).keys()
    same = {people.printed(spelling).casefold() for spelling in (name, *also)}
    others = {p.record.name.ref: names[p.record.id] for p in reader.all(Person) if p.record.id != person and (
        p.record.id in apart or names[p.record.id].casefold() not in same)}
    refs = {found.record.name.ref} | {ref for ref, _, text in reader.texts() if ref not in others and named(text)}
    stays = []
    if left:
        stays = [f"entry {f['seq']:,}, {f['kind']} {f['ordinal']}" for f in reader.raw_facts() if named(f["body"])]
        stays += [f"entry {e.seq:,}, its note or login" for e in reader.entries() if named(e.body) or named(e.user)]
    return Traces(name=name, refs=tuple(sorted(refs)), left=tuple(stays),
                  others=tuple(sorted(filter(named, others.values()))))


def erase(
    workspace: Workspace, person: Id, reason: str, passphrase: str, also: tuple[str, ...] = (),
) -> Change:
    """Delete for ever what names a person, signed. Only an administrator may.

    also: other spellings of the name whose texts go too. Raises Refused where they may not be erased now.
    """
    store = workspace.store
    with store.read() as reader:
        people.require(reader, workspace, Role.ADMINISTRATOR)
        planned = _traces(reader, person, also, left=False)
    _check_reason(reason, planned.name, *also)

    def check(reader: Reader) -> None:
        people.require(reader, workspace, Role.ADMINISTRATOR)
        (standing,) = [s for s in _standings(reader, store.clock()) if s.person == person]
        if standing.blocked:
            raise Refused("This person may not be erased now.", f"Why: {standing.blocked}.", _REMEDIES.get(
                standing.blocked, "Wait until then, or change the period: assaydesk people retention."))
        if _traces(reader, person, also, left=False).refs != planned.refs:
            raise StaleError("Somebody named this person meanwhile.", ("Another text names them.",), "Erase again.")

    gone = PersonErased(id=store.new_id(), person=person, refs=planned.refs, reason=reason.strip())
    change = mandates.record(workspace, "person.erased", person, [gone], passphrase, check=check,
                             note=f"Erased a person, {counted(len(planned.refs), 'text')}: {gone.reason}")
    try:
        store.sweep()
    except Unreachable as error:
        raise UserError("The person is erased; but pieces of the name may still lie in the file's unused space.",
                        f"{error.title} {error.detail}", "Write the file anew: assaydesk registry rebuild.") from error
    return change


_REMEDIES = {
    "has a key in use": "Revoke the key first, then the roles: assaydesk people revoke-key, people revoke.",
    "holds a role": "Revoke the roles first: assaydesk people revoke.",
    "a legal hold stands": "Whoever placed the hold knows why. When it has ended: assaydesk people release.",
    "already erased": "Nothing needs to be done.",
}


def hold(workspace: Workspace, person: Id, reason: str, passphrase: str) -> Change:
    """Place a legal hold on a person, signed: nothing that names them is erased. Administrators and compliance may."""
    def check(reader: Reader) -> None:
        people.require(reader, workspace, *MAY_HOLD)
        if reader.names().get(person, ERASED) == ERASED:
            raise UserError("This person is erased already.", "", "There is nothing left to hold.")
        if person in _holds(reader):
            raise UserError("A legal hold stands already.", _holds(reader)[person].record.reason, "Nothing is needed.")
        _check_reason(reason, reader.names()[person])

    placed = HoldPlaced(id=workspace.store.new_id(), person=person, reason=reason.strip())
    return mandates.record(workspace, "hold.placed", person, [placed], passphrase, check=check,
                           note=f"Placed a legal hold: {placed.reason}")


def release(workspace: Workspace, person: Id, reason: str, passphrase: str) -> Change:
    """End the legal hold on a person, signed. Administrators and compliance may."""
    def check(reader: Reader) -> None:
        people.require(reader, workspace, *MAY_HOLD)
        if person not in _holds(reader):
            raise UserError("No legal hold stands on this person.", "", "Nothing needs to be done.")
        _check_reason(reason, reader.names()[person])

    with workspace.store.read() as reader:
        check(reader)
        standing = _holds(reader)[person].record
    ended = HoldReleased(id=workspace.store.new_id(), hold=standing.id, person=person, reason=reason.strip())
    return mandates.record(workspace, "hold.released", person, [ended], passphrase, check=check,
                           note=f"Released a legal hold: {ended.reason}")


def keep_names(workspace: Workspace, acted_days: int, named_days: int, passphrase: str) -> Change:
    """Say, signed, for how many days names are to be kept after a person's last part: of who acted, of who is only
    named. Administrators and compliance may.
    """
    if min(acted_days, named_days) < 0 or max(acted_days, named_days) > 36525:
        raise UserError("This period cannot be meant.", f"{acted_days:,} and {named_days:,} days",
                        "Give whole days, up to a hundred years.")

    def check(reader: Reader) -> None:
        people.require(reader, workspace, *MAY_HOLD)

    rule = Retention(id=workspace.store.new_id(), acted_days=acted_days, named_days=named_days)
    return mandates.record(
        workspace, "retention.set", Id(workspace.store.info.id), [rule], passphrase, check=check,
        note=f"Names are kept for {acted_days:,} days after the last part of who acted, {named_days:,} of who is named")


def _check_reason(reason: str, *spellings: str) -> None:
    if not reason.strip() or naming(*spellings)(reason):
        raise UserError("Say why, without the name.", "The reason stays in the log for ever.",
                        "Write, for example: “asked for it on 12 March”.")
