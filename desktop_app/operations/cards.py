"""Cards: read, edit, save as a revision, compare."""

from __future__ import annotations

import json
from functools import cache

from desktop_app.domain import canonical
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id
from desktop_app.domain.card import CardField, CardRevision, changes
from desktop_app.domain.change import Change
from desktop_app.domain.model import ModelVersion, Pair
from desktop_app.errors import StaleError, UserError
from desktop_app.operations.people import changed
from desktop_app.settings import resource
from desktop_app.workspace import Workspace

MOST_TEXT = 20_000


@cache
def definition() -> tuple[CardField, ...]:
    """The fields of a card, in order (resources/card/fields.json)."""
    fields = json.loads(resource("card/fields.json").read_text("utf-8"))
    return tuple(canonical.build(CardField, f) for f in fields)


def label_of(key: str) -> str:
    """How a field is written for people."""
    return next((f.label for f in definition() if f.key == key), key.replace("_", " "))


def revisions(workspace: Workspace, version: Id) -> tuple[Recorded[CardRevision], ...]:
    """Every saved revision of a card, newest first."""
    with workspace.store.read() as reader:
        return tuple(reversed(reader.all(CardRevision, version)))


def save(
    workspace: Workspace, version: Id, texts: dict[str, str], *, seen: int, note: str = "", editorial: bool = False,
    origin: str = "written",
) -> Change:
    """Save a revision. seen: number of the revision that was edited, 0 for none.

    Raises StaleError when somebody saved another revision meanwhile, UserError when nothing differs.
    """
    _check(texts)
    store = workspace.store
    with store.write(workspace.me, "card.saved", version) as write:
        exact = write.reader.get(ModelVersion, version).record
        last = write.reader.last(CardRevision, version)
        if (last.record.revision if last else 0) != seen:
            raise _stale(last, texts)
        filled = {k: v.strip() for k, v in texts.items() if v.strip()}
        fields = tuple(Pair(key=f.key, value=filled[f.key]) for f in definition() if f.key in filled)
        revision = CardRevision(id=store.new_id(), model=exact.model, version=version, revision=seen + 1, fields=fields,
                                note=note, editorial=editorial, origin=origin)
        differing = changes(last.record if last else None, revision)
        if not differing:
            raise UserError("Nothing was changed in the card.", "", "Edit a field, then save.")
        fields_text = ", ".join(label_of(k) for k, _, _ in differing[:6])
        write.note = f"Saved card revision {revision.revision} of version {exact.label}: {fields_text}"
        write.add(revision)
    return changed(write)


def _check(texts: dict[str, str]) -> None:
    known = {f.key for f in definition()}
    unknown = sorted(set(texts) - known)
    if unknown:
        raise UserError("The card has no such field.", ", ".join(unknown), f"Fields: {', '.join(sorted(known))}.")
    long = [label_of(k) for k, v in texts.items() if len(v) > MOST_TEXT]
    if long:
        raise UserError("A field is too long.", f"{', '.join(long)}: more than {MOST_TEXT:,} characters.",
                        "File the long text as a document and refer to it.")


def _stale(last: Recorded[CardRevision] | None, texts: dict[str, str]) -> StaleError:
    theirs = {p.key: p.value for p in last.record.fields} if last else {}
    differing = tuple(f"{label_of(k)}: now “{theirs.get(k, '')[:80]}”" for k in sorted({*theirs, *texts})
                      if theirs.get(k, "") != texts.get(k, "").strip())
    return StaleError("Somebody saved this card while you were editing it.", differing,
                      "Your text is kept. Look at their revision, then save again.")
