"""The look: contrast by WCAG 2.2, one place for colours and sizes, fonts that hold the marks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QFontDatabase, QFontInfo, QFontMetrics, QRawFont
from PySide6.QtWidgets import QLabel

import desktop_app.gui
from desktop_app.gui import theme
from desktop_app.gui.widgets.chip import STATES

COLOURS = theme.tokens()["colours"]
THEMES = theme.tokens()["themes"]
GUI = Path(desktop_app.gui.__file__).parent


def luminance(colour: str) -> float:
    """WCAG 2.2, definition of relative luminance."""
    parts = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str, name: str) -> float:
    """WCAG 2.2, definition of contrast ratio."""
    lighter, darker = sorted((luminance(COLOURS[t][name]) for t in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_known_colours():
    assert luminance("#FFFFFF") == pytest.approx(1.0)
    assert (luminance("#FFFFFF") + 0.05) / (luminance("#777777") + 0.05) == pytest.approx(4.48, abs=0.01)  # WebAIM


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("text", "grounds"), [
    ("ink", ("paper", "sheet", "accent_ground", "hover")),
    ("muted", ("paper", "sheet", "accent_ground", "hover")),
    ("accent", ("paper", "sheet", "accent_ground", "hover")),
    ("on_accent", ("accent", "accent_strong")),
    *[(token, (ground, "paper", "sheet", "accent_ground", "hover")) for token, ground, _, _ in STATES.values()],
])
def test_texts_meet_aa_on_every_ground(name, text, grounds):
    least = 7.0 if name == "high_contrast" else 4.5
    assert {g: contrast(text, g, name) for g in grounds if contrast(text, g, name) < least} == {}


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("ground", ["paper", "sheet"])
def test_edges_of_fields_and_focus_meet_the_limit_for_shapes(name, ground):
    assert contrast("field_line", ground, name) >= 3.0  # WCAG 1.4.11
    assert contrast("accent", ground, name) >= 3.0


def test_every_token_has_every_theme():
    assert {token: set(row) for token, row in COLOURS.items() if set(row) != set(THEMES)} == {}
    assert all(re.fullmatch("#[0-9A-F]{6}", value) for row in COLOURS.values() for value in row.values())


def test_colours_and_sizes_are_written_nowhere_else():
    literal = re.compile(r"#[0-9A-Fa-f]{3,8}\b|QColor\([\"'\d]|setPointSize|font-size|Qt\.GlobalColor|color:")
    found = [f"{file.name}: {match.group()}" for file in GUI.rglob("*.py")
             for match in literal.finditer(file.read_text(encoding="utf-8"))]
    assert found == []
    sheet = theme.resource("themes/window.qss").read_text(encoding="utf-8")
    assert re.findall(r"#[0-9A-Fa-f]{6}\b", sheet) == []


def test_text_is_never_markup():
    """QMessageBox and rich text read what people typed as HTML; nothing in the window may."""
    banned = re.compile(
        r"QMessageBox|setHtml|setMarkdown|insertHtml|RichText\b(?!\(False\))|AutoText|MarkdownText|QTextBrowser")
    found = [f"{file.name}: {match.group()}" for file in GUI.rglob("*.py")
             for match in banned.finditer(file.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("name", ["light", "dark", "high_contrast"])
def test_apply_shows_the_theme_and_tells(qapp, qtbot, name):
    with qtbot.waitSignal(theme.changed):
        theme.apply(qapp, name, 1.3)
    assert (theme.current(), theme.shown(), theme.scale()) == (name, name, 1.3)
    assert theme.colour("paper").name().upper() == COLOURS["paper"][name]
    assert qapp.palette().window().color() == theme.colour("paper")
    assert theme.font("body").pixelSize() == round(13 * 1.3)
    assert "$" not in qapp.styleSheet()


def test_system_is_followed_live(qapp, monkeypatch):
    theme.apply(qapp, "system")
    monkeypatch.setattr(theme, "_system", lambda: "dark")
    theme._scheme_changed()
    assert theme.shown() == "dark"
    theme.apply(qapp, "light")
    theme._scheme_changed()
    assert theme.shown() == "light"


def test_unknown_theme_and_token_are_refused(qapp):
    with pytest.raises(ValueError, match="no theme"):
        theme.apply(qapp, "sepia")
    with pytest.raises(KeyError):
        theme.colour("mauve")


def test_fonts_are_the_bundled_ones():
    for role, family in (("body", "IBM Plex Sans"), ("title", "IBM Plex Serif"), ("mono", "IBM Plex Mono")):
        assert QFontInfo(theme.font(role)).family() == family
    assert {"Regular", "Medium", "SemiBold"} <= set(QFontDatabase.styles("IBM Plex Sans"))
    assert QFontInfo(theme.font("strong")).weight() == 600
    assert (theme.resource("fonts") / "LICENSE-OFL.txt").is_file()


def test_fonts_hold_the_marks_and_the_scripts():
    raw = QRawFont.fromFont(theme.font("body"))
    missing = [c for c in "✓!?–≥≤×−…·€“”’ÅčšłőığþЖщѢαβΩ" if not raw.supportsCharacter(ord(c))]
    assert missing == []


def test_digits_are_equally_wide():
    measures = QFontMetrics(theme.font("body"))
    assert len({measures.horizontalAdvance(digit) for digit in "0123456789"}) == 1


def test_dress_changes_the_font_of_a_label(qtbot):
    label = QLabel("Inventory")
    qtbot.addWidget(label)
    theme.dress(label, "title")
    label.ensurePolished()
    assert (label.font().family(), label.font().pixelSize(), label.font().weight()) == ("IBM Plex Serif", 22, 600)
