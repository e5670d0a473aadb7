"""The look: one palette and one style sheet, generated from `resources/themes/tokens.json`.

No colour and no size is written anywhere else in the window. `apply(app, "system")` follows the scheme of the
desktop, live; `changed` is emitted after every change, and painted widgets repaint then by themselves.
Dress a widget with a role (`dress(label, "title")`); the style sheet gives the role its font and colour.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final

from PySide6.QtCore import QJsonDocument, QObject, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from desktop_app.settings import resource

NAMES: Final = ("system", "light", "dark", "high_contrast")
TITLES: Final = {"system": "As the system", "light": "Light", "dark": "Dark", "high_contrast": "High contrast"}


@cache
def tokens() -> dict[str, Any]:
    """The tokens as they stand in the file."""
    return dict(QJsonDocument.fromJson(resource("themes/tokens.json").read_bytes()).toVariant())


def _space(name: str) -> int:
    return int(tokens()["space"][name])


XS: Final = _space("xs")
S: Final = _space("s")
M: Final = _space("m")
L: Final = _space("l")
XL: Final = _space("xl")
XXL: Final = _space("xxl")
RADIUS: Final = int(tokens()["radius"])
CHIP_RADIUS: Final = int(tokens()["chip_radius"])

# role → (family, size, weight)
_FONTS: Final = {
    "body": ("sans", "body", QFont.Weight.Normal),
    "strong": ("sans", "body", QFont.Weight.DemiBold),
    "medium": ("sans", "body", QFont.Weight.Medium),
    "note": ("sans", "note", QFont.Weight.Normal),
    "note_medium": ("sans", "note", QFont.Weight.Medium),
    "small": ("sans", "small", QFont.Weight.Normal),
    "small_strong": ("sans", "small", QFont.Weight.DemiBold),
    "section": ("sans", "section", QFont.Weight.DemiBold),
    "title": ("serif", "page", QFont.Weight.DemiBold),
    "title_light": ("serif", "statement", QFont.Weight.Normal),
    "wordmark": ("serif", "section", QFont.Weight.DemiBold),
    "statement": ("serif", "statement", QFont.Weight.Normal),
    "statement_strong": ("serif", "statement", QFont.Weight.DemiBold),
    "mono": ("mono", "note", QFont.Weight.Normal),
}


class _Theme(QObject):
    """What is applied now. One per process, as there is one application."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.wanted = "system"
        self.shown = "light"
        self.scale = 1.0
        self.icons: QTemporaryDir | None = None
        self.follows = False


_theme = _Theme()
changed = _theme.changed


def apply(app: QApplication, name: str = "system", scale: float = 1.0) -> None:
    """Show the application in theme `name` (one of NAMES) with texts `scale` times their size.

    The style below the style sheet is Fusion; `gui.app.application` makes it so.
    """
    if name not in NAMES:
        raise ValueError(f"no theme {name!r}")
    if not _theme.follows:
        _theme.follows = True
        _register_fonts()
        app.styleHints().colorSchemeChanged.connect(_scheme_changed)
        app.aboutToQuit.connect(_let_go)
    _theme.wanted, _theme.scale = name, scale
    _show(app)


def _scheme_changed() -> None:
    app = QApplication.instance()
    if _theme.wanted == "system" and isinstance(app, QApplication) and _system() != _theme.shown:
        _show(app)


def _let_go() -> None:
    _theme.icons = None


def _system() -> str:
    dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return "dark" if dark else "light"


def _show(app: QApplication) -> None:
    _theme.shown = _system() if _theme.wanted == "system" else _theme.wanted
    font.cache_clear()
    colour.cache_clear()
    metrics.cache_clear()
    app.setFont(font("body"))
    app.setPalette(_palette())
    app.setStyleSheet(_style_sheet())
    _theme.changed.emit()


def current() -> str:
    """The theme asked for: one of NAMES."""
    return _theme.wanted


def shown() -> str:
    """The theme shown: light, dark or high_contrast."""
    return _theme.shown


def scale() -> float:
    """How many times their size texts are shown."""
    return _theme.scale


def px(size: float) -> int:
    """A length that grows with the text, in logical pixels: row heights, column widths."""
    return round(size * _theme.scale)


def type_size(name: str) -> int:
    """A size of the type scale (small, note, body, section, statement, page), scaled, in pixels."""
    return px(float(tokens()["type"][name]))


def row_height(two_lines: bool) -> int:
    """Height of a table row."""
    return px(float(tokens()["row"]["two_lines" if two_lines else "dense"]))


def measure(name: str) -> int:
    """`rail`, `rail_narrow`, `top_bar` or `footer`, scaled."""
    return px(float(tokens()[name]))


@cache
def colour(token: str) -> QColor:
    """The colour of a token in the theme shown. Raises KeyError for an unknown token."""
    return QColor(tokens()["colours"][token][_theme.shown])


@cache
def font(role: str) -> QFont:
    """The font of a role. Raises KeyError for an unknown role."""
    family, size, weight = _FONTS[role]
    made = QFont(str(tokens()["fonts"][family]))
    made.setPixelSize(type_size(size))
    made.setWeight(weight)
    return made


@cache
def metrics(role: str) -> QFontMetricsF:
    """The measures of the font of a role."""
    return QFontMetricsF(font(role))


def dress(widget: QWidget, role: str) -> None:
    """Give a widget its role in the style sheet: a font role, `primary`, `quiet`, `muted`, a colour token…"""
    widget.setProperty("role", role)
    if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):  # else the style sheet is first asked when it shows
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def _register_fonts() -> None:
    for file in sorted(resource("fonts").glob("*.ttf")):
        QFontDatabase.addApplicationFont(str(file))


def _palette() -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for which, token in (
        (role.Window, "paper"), (role.WindowText, "ink"), (role.Base, "sheet"), (role.AlternateBase, "paper"),
        (role.Text, "ink"), (role.Button, "sheet"), (role.ButtonText, "ink"), (role.BrightText, "breached"),
        (role.Highlight, "accent"), (role.HighlightedText, "on_accent"), (role.ToolTipBase, "sheet"),
        (role.ToolTipText, "ink"), (role.PlaceholderText, "muted"), (role.Link, "accent"), (role.LinkVisited, "accent"),
        (role.Accent, "accent"), (role.Light, "sheet"), (role.Midlight, "hairline"), (role.Mid, "hairline"),
        (role.Dark, "field_line"), (role.Shadow, "ink"),
    ):
        palette.setColor(which, colour(token))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, colour("field_line"))
    return palette


def _style_sheet() -> str:
    template = Template(resource("themes/window.qss").read_text(encoding="utf-8"))
    values = {token: colour(token).name() for token in tokens()["colours"]}
    values |= {f"size_{name}": f"{type_size(name)}px" for name in tokens()["type"]}
    values |= {f"font_{name}": f'"{family}"' for name, family in tokens()["fonts"].items()}
    values |= {f"space_{name}": f"{value}px" for name, value in tokens()["space"].items()}
    values |= {"radius": f"{RADIUS}px", "icons": _icons(), "field_height": f"{px(20)}px", "box": f"{px(15)}px",
               "arrow": f"{px(12)}px"}
    return template.substitute(values)


def _icons() -> str:
    """A folder with the icons of `resources/icons` in the colours shown (a style sheet takes pictures as files)."""
    if _theme.icons is None:
        _theme.icons = QTemporaryDir()
    folder = Path(_theme.icons.path()) / _theme.shown
    folder.mkdir(exist_ok=True)
    for file in resource("icons").glob("*.svg"):
        drawn = file.read_text(encoding="utf-8")
        for token in ("muted", "on_accent", "ink"):
            tinted = drawn.replace("currentColor", colour(token).name())
            (folder / f"{file.stem}-{token}.svg").write_text(tinted, encoding="utf-8")
    return folder.as_posix()
