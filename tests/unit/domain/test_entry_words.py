"""An entry of the log in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desktop_app.domain.audit import EntryBody, told
from desktop_app.domain.canonical import Digest, Id


def body(note: str = "", action: str = "promotion.signed_off") -> EntryBody:
    return EntryBody(v=1, registry="r", actor=Id("a"), action=action, subject=Id("s"), note=note, facts=0, kinds=(),
                     client_time=datetime(2026, 1, 1, tzinfo=UTC), application="x", facts_root=Digest("0" * 64))


@pytest.mark.parametrize(("note", "about", "words"), [
    ("Finding answered: next release.", "F-3", "F-3 · Finding answered: next release."),
    ("Filed: Bias report on Card 1", "E-7, Card 1", "E-7 · Filed: Bias report on Card 1"),
    ("Exported the audit PDF of Card 1, R-1", "R-1", "Exported the audit PDF of Card 1, R-1"),
    ("Exported the audit PDF of Card 1, R-12", "R-1", "R-1 · Exported the audit PDF of Card 1, R-12"),
    ("Filed: Bias report on Card 10", "Card 1", "Card 1 · Filed: Bias report on Card 10"),
    ("", "R-1", "R-1 · Promotion signed off"), ("", "", "Promotion signed off"),
])
def test_what_it_is_about_stands_first_unless_the_note_says_it(note: str, about: str, words: str) -> None:
    assert told(body(note), about) == words
