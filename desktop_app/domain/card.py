"""The card: the structured documentation of a version. Every save is a revision."""

from __future__ import annotations

from desktop_app.domain.canonical import Id, fact, record
from desktop_app.domain.model import Pair


@record
class CardField:
    """A field of the card (governance-facts §6.2); `tiers` says for which tiers it must be filled."""

    key: str
    section: str
    label: str
    help: str = ""
    tiers: tuple[int, ...] = ()


@fact("card")
class CardRevision:
    """One saved revision of a card: field key → text."""

    id: Id
    model: Id
    version: Id
    revision: int
    fields: tuple[Pair, ...]
    note: str = ""
    editorial: bool = False  # wording only: later information, not a reason to reconsider
    origin: str = "written"  # written | imported | drafted from the source

    def text(self, key: str) -> str:
        """The text of a field, empty when it was not filled."""
        return next((pair.value for pair in self.fields if pair.key == key), "")


@record
class Completeness:
    """How far a card is filled for a tier."""

    filled: int
    required: int
    missing: tuple[str, ...]  # labels


def completeness(revision: CardRevision | None, definition: tuple[CardField, ...], tier: int) -> Completeness:
    """Which fields the tier asks for and which of them are empty."""
    wanted = [f for f in definition if tier in f.tiers]
    missing = [f.label for f in wanted if revision is None or not revision.text(f.key).strip()]
    return Completeness(filled=len(wanted) - len(missing), required=len(wanted), missing=tuple(missing))


def changes(old: CardRevision | None, new: CardRevision) -> tuple[tuple[str, str, str], ...]:
    """(field, before, after) of every field that differs between two revisions."""
    before = {p.key: p.value for p in old.fields} if old else {}
    after = {p.key: p.value for p in new.fields}
    keys = list(dict.fromkeys([*before, *after]))
    return tuple((k, before.get(k, ""), after.get(k, "")) for k in keys if before.get(k, "") != after.get(k, ""))
