"""Everything a person typed is printed as text, or seen to be missing; nothing of it is markup."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packs import HOSTILE

import desktop_app.reports as room
from desktop_app.reports import look
from desktop_app.reports.text import (
    LIMIT,
    MISSING,
    Run,
    clean,
    fit,
    line,
    paragraph,
    paragraphs,
    printable,
    spans,
    verdict,
)

ANY = st.text(max_size=400)
SOURCES = sorted(Path(str(room.__file__)).parent.glob("*.py"))


def plain(text: str, style: str = "body") -> str:
    return str(paragraph(text, style=style).getPlainText())


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.name)
def test_paragraphs_are_made_in_one_place(source: Path) -> None:
    code = source.read_text(encoding="utf-8")
    assert ("Paragraph(" in code) == (source.name == "text.py")
    assert not re.search(
        r"\b(Image|XPreformatted|Preformatted|drawImage|drawInlineImage|Macro)\(", code.replace("CallerMacro", "")
    )


@pytest.mark.parametrize(
    "text", ["<b>x</b>", "a & b", "<img src='/etc/passwd'/>", "&lt;&#65;", "]]>", "<para>", "{{7*7}} %s"]
)
def test_markup_is_printed_not_obeyed(text: str) -> None:
    assert plain(text) == text
    assert paragraph(text).frags[0].fontName == look.font("sans")


@given(ANY)
@example(" b efginors")
@settings(max_examples=150, deadline=None)
def test_any_text_can_be_set_in_any_column(text: str) -> None:
    made = paragraph(Run(text, "bold", "breached"), text)
    _, height = made.wrap(40, 10_000)
    assert height >= 0
    closest = 40 * (1 + made.style.spaceShrinkage)  # ReportLab sets the spaces of a line closer so that a word fits
    assert all(w <= closest for w in made.getActualLineWidths0()) or not text.strip()


@given(ANY)
@settings(deadline=None)
def test_cleaned_text_has_nothing_invisible(text: str) -> None:
    kept = clean(text)
    assert not [c for c in kept if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"]
    assert clean(kept) == kept
    assert "\n" not in line(text)


@given(ANY, st.sampled_from(list(look.FACES)))
@settings(deadline=None)
def test_every_run_has_its_glyphs(text: str, face: str) -> None:
    for found, run in spans(line(text), face):
        assert {ord(c) for c in run} <= look.glyphs(found)
    assert {ord(c) for c in printable(text, face)} <= look.glyphs(face)


def test_what_no_face_has_is_seen_to_be_missing() -> None:
    assert plain("模型 v3") == f"{MISSING}{MISSING} v3"
    assert plain("מודל") == MISSING * 4
    assert plain("Σ λ Ж ≥ €", "statement") == "Σ λ Ж ≥ €"  # Greek from the sans, beside the serif


def test_bidirectional_controls_and_bells_go() -> None:
    assert clean("pay \u202e001\u202c \u2066x\u2069\u200f\x07\x1b[31m") == "pay 001 x[31m"


def test_long_text_is_cut_and_says_so() -> None:
    cut = clean("x" * (LIMIT + 1234))
    assert cut.startswith("x" * LIMIT + "…")
    assert "(1,234 more characters are in the embedded pack.json)" in cut
    assert clean("é" * 7, 5).startswith("ééééé…")


@given(ANY, st.floats(20, 300))
@settings(deadline=None)
def test_a_fitted_line_fits(text: str, width: float) -> None:
    assert look.text_width(fit(text, "sans", 8, width), "sans", 8) <= width


def test_a_blank_line_begins_a_paragraph() -> None:
    assert [p.getPlainText() for p in paragraphs("one\n\ntwo\n \nthree\n\n")] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("state", "mark"), [("met", "✓"), ("breached", "!"), ("undetermined", "?"), ("not_computable", "–")]
)
def test_a_verdict_is_mark_and_word_and_colour(state: str, mark: str) -> None:
    run = verdict(state)
    assert run.text.startswith(mark)
    assert run.text.endswith(state.rsplit("_", maxsplit=1)[-1])
    assert look.hex_colour(run.colour) != look.hex_colour("ink")


def test_hostile_texts_are_in_every_style() -> None:
    for style in look.STYLES:
        for text in HOSTILE:
            assert paragraph(text, style=style).wrap(200, 10_000)[1] >= 0
