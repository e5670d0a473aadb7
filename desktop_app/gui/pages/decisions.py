"""Who decided on a request and who is still asked, in words: the parts of the right-hand column of a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop_app.domain.canonical import day_text
from desktop_app.domain.person import ROLE_TITLES
from desktop_app.domain.policy import Meaning
from desktop_app.domain.words import counted
from desktop_app.gui import theme
from desktop_app.gui.widgets.column import Column, heading, said
from desktop_app.gui.widgets.prose import Run, paragraph

if TYPE_CHECKING:
    from desktop_app.operations.approvals import Review, SeatView, SignOffView

MEANINGS = {
    Meaning.APPROVE: "approve", Meaning.APPROVE_WITH_CONDITIONS: "approve with conditions", Meaning.CONCUR: "concur",
    Meaning.CONCLUDE: "conclude", Meaning.REJECT: "reject", Meaning.RETURN: "return", Meaning.RECUSE: "recused",
}


def decision_parts(seen: Review) -> list[QWidget | int]:
    """Each seat with who filled it, then who rejected, returned or recused, then what they wrote, then the end."""
    against = [s for s in seen.sign_offs if s.meaning in (Meaning.REJECT, Meaning.RETURN, Meaning.RECUSE)]
    return [heading("Decisions"), *(_seat(seat, seen) for seat in seen.seats), *map(_signed, against),
            *_comments(seen.sign_offs), *outcome_parts(seen)]


def _seat(seat: SeatView, seen: Review) -> QWidget:
    title, asked = ROLE_TITLES[seat.role], MEANINGS[seat.meaning]
    within = f", within {seat.scope}" if seat.scope else ""
    lines = [_signed(s) for s in seen.sign_offs if s.role is seat.role and s.name in seat.signed_by]
    missing = seat.count - len(seat.signed_by)
    if missing and seen.outcome == "open":
        mine = seen.my_role is seat.role and seen.refusal is None
        whom = "waiting for you" if mine else "waiting" if seat.count == 1 else f"{missing} of {seat.count} waiting"
        lines.append(said(Run(title, "strong"), Run(f"\n{whom} to {asked}{within}", tone="muted")))
    elif missing and not any(s.role is seat.role for s in seen.sign_offs):
        lines.append(said(Run(title, "strong"), Run(f"\ndid not decide; was asked to {asked}{within}", tone="muted")))
    return Column(*lines)


def _signed(signed: SignOffView) -> QWidget:
    when = f"{signed.at.astimezone():%d %b %Y %H:%M}".lstrip("0")
    return said(Run(signed.name, "strong"), Run(f", {ROLE_TITLES[signed.role]}"),
                Run(f"\n{MEANINGS[signed.meaning]} · {when} · entry {signed.seq:,}", tone="muted"))


def _comments(signed: tuple[SignOffView, ...]) -> list[QWidget | int]:
    """What the signers wrote, under one heading."""
    found = [said(Run(f"{s.name}\n", tone="muted"), Run(s.comment)) for s in signed if s.comment]
    return [theme.S, heading("Comments"), *found] if found else []


def outcome_parts(seen: Review) -> list[QWidget | int]:
    """How it ended, if it did."""
    if (change := seen.effective) is not None:
        parts: list[QWidget | int] = [theme.S, heading("In effect"), paragraph(
            f"In {seen.policy.record.stage_title(change.to_stage)} from {day_text(change.effective_from)}, to be "
            f"reviewed by {day_text(change.review_by)}.")]
        if change.conditions:
            parts += [theme.XS, heading("Conditions"), *(
                said(Run(c.text), Run(f"\n{seen.names.get(c.owner, '') if c.owner else 'no owner stated'}, due "
                                      f"{day_text(c.due)}", tone="muted")) for c in change.conditions)]
        return parts
    if seen.outcome == "open":
        return []
    return [theme.S, heading(seen.outcome.capitalize()), paragraph(seen.outcome_reason)]


def separation(seen: Review) -> str:
    """What the registry knows of the reader's own part in the version."""
    checked = f"({counted(seen.acts_checked, 'record')} checked)"
    if not seen.involvement:
        return (f"No recorded act of yours in building, documenting, testing or requesting this version {checked}. "
                "What is not recorded, you declare.")
    acts = "; ".join(f"{i.act} (entry {i.seq:,})" for i in seen.involvement)
    return f"Recorded acts of yours {checked}: {acts}."
