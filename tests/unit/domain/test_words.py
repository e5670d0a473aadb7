"""Numbers agree with their nouns."""

from desktop_app.domain.words import counted


def test_a_number_agrees_with_its_noun():
    assert [counted(n, "row") for n in (0, 1, 2, 1024)] == ["0 rows", "1 row", "2 rows", "1,024 rows"]
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2, "entry", "entries") == "2 entries"
