"""Cards: every save is a revision; two editors never overwrite each other unseen."""

from __future__ import annotations

import pytest

from desktop_app.errors import Refused, StaleError, UserError
from desktop_app.operations import audit, cards


def save(desk, texts, seen, name="Dev Patel", **more):
    return cards.save(desk.as_(name), desk.version, texts, seen=seen, **more)


def test_every_save_is_a_revision_newest_first(desk):
    save(desk, {"summary": "first"}, 0)
    change = save(desk, {"summary": "second", "owner": " Olga "}, 1, note="clearer", editorial=True)
    found = cards.revisions(desk.workspace, desk.version)
    assert [(r.record.revision, r.record.text("summary")) for r in found] == [(2, "second"), (1, "first")]
    assert (found[0].record.text("owner"), found[0].record.text("licence")) == ("Olga", "")
    assert (found[0].record.editorial, found[0].record.note) == (True, "clearer")
    assert change.note == "Saved card revision 2 of version 1: Summary, Owner and contact"


def test_an_emptied_field_is_gone(desk):
    save(desk, {"summary": "a", "owner": "b"}, 0)
    save(desk, {"summary": "a", "owner": "  "}, 1)
    assert [p.key for p in cards.revisions(desk.workspace, desk.version)[0].record.fields] == ["summary"]


def test_nothing_changed_is_no_revision(desk):
    save(desk, {"summary": "a"}, 0)
    for texts in ({"summary": " a "}, {"summary": "a", "owner": ""}):
        with pytest.raises(UserError, match="Nothing was changed"):
            save(desk, texts, 1)
    assert len(cards.revisions(desk.workspace, desk.version)) == 1


def test_somebody_elses_save_is_shown_not_overwritten(desk):
    save(desk, {"summary": "theirs"}, 0)
    with pytest.raises(StaleError) as stale:
        save(desk, {"summary": "mine"}, 0, "Olga Owner")
    assert stale.value.differences == ("Summary: now “theirs”",)
    with pytest.raises(StaleError):
        save(desk, {"summary": "mine"}, 7, "Olga Owner")
    assert len(cards.revisions(desk.workspace, desk.version)) == 1


def test_a_field_must_be_one_of_the_card_and_not_too_long(desk):
    head = audit.head_seq(desk.workspace)
    with pytest.raises(UserError, match="no such field") as unknown:
        save(desk, {"colour": "red"}, 0)
    assert "colour" in unknown.value.detail
    with pytest.raises(UserError, match="too long"):
        save(desk, {"summary": "x" * 20_001}, 0)
    save(desk, {"summary": "x" * 20_000}, 0)
    assert audit.head_seq(desk.workspace) == head + 1


def test_the_card_has_labels_and_each_tier_asks_for_more(desk):
    fields = cards.definition()
    assert len({f.key for f in fields}) == len(fields)
    asked = [{f.key for f in fields if tier in f.tiers} for tier in (1, 2, 3)]
    assert asked[0] > asked[1] > asked[2] > set()
    assert all(f.label and f.help for f in fields)
    assert cards.label_of("no_such_field") == "no such field"


@pytest.mark.parametrize("text", [
    "<b>bold</b>", "=cmd|'/c calc'!A1", "{{7*7}}", "'; DROP TABLE fact; --", "\u202eevil", "é𝄞"])
def test_what_was_typed_is_kept_as_typed(desk, text):
    save(desk, {"summary": text}, 0)
    assert cards.revisions(desk.workspace, desk.version)[0].record.text("summary") == text
    assert audit.verify(desk.workspace).ok


def test_nobody_writes_nothing(desk):
    with pytest.raises(Refused, match="Nobody is named"):
        cards.save(desk.workspace.acting_as(None), desk.version, {"summary": "x"}, seen=0)
