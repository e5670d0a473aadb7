"""Every page and every tab of a version, by keyboard and in a small window."""

from __future__ import annotations

from datetime import date

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QPushButton, QScrollArea, QTabBar, QWidget

from desktop_app.domain.approval import ChangeClass
from desktop_app.domain.finding import Severity
from desktop_app.gui import theme
from desktop_app.gui.pages import catalogue
from desktop_app.gui.pages.version import TABS
from desktop_app.operations import approvals, findings

PLACES = [(spec.key, "") for spec in catalogue.PAGES if spec.key != "version"] + [("version", t.title) for t in TABS]


@pytest.fixture
def page(office, desk, request, qtbot):
    """A page of a registry in which something happened, in a small window."""
    key, tab = request.param
    asked = approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better than before",
                              change_class=ChangeClass.MATERIAL, to_stage="production", decide_by=date(2026, 11, 24))
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Drift", description="The income moved",
                           severity=Severity.HIGH, due=date(2026, 12, 1), owner=desk.people["Olga Owner"])
    arguments = {"version": {"version": desk.version, "use": desk.use, "tab": tab}, "review": {"request": asked},
                 "request": {"version": desk.version, "use": desk.use}}.get(key, {})
    spec = next(s for s in catalogue.PAGES if s.key == key)
    made = office.open(spec.make, "Rita Risk", **arguments)
    made.resize(640, 440)  # what a window leaves of a screen of 1366 × 768 at 150 %
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    office.settle()
    QApplication.processEvents()
    return made


def taking(page):
    """What takes the keyboard."""
    return [w for w in page.findChildren(QWidget) if w.isVisible() and w.isEnabled()
            and w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.focusProxy() is None
            and not isinstance(w.parentWidget(), QTabBar)]  # its scroll buttons; the arrow keys walk over all tabs


@pytest.mark.parametrize("page", PLACES, ids=lambda place: "-".join(filter(None, place)), indirect=True)
def test_everything_has_a_name_and_is_reached_by_tab(page, qtbot):
    wanted = taking(page)
    nameless = [w for w in wanted if not QAccessible.queryAccessibleInterface(w).text(QAccessible.Text.Name).strip()]
    assert nameless == []
    reached = set()
    for _ in range(3 * len(wanted) + 3):
        qtbot.keyClick(QApplication.focusWidget() or page, Qt.Key.Key_Tab)
        reached.add(QApplication.focusWidget())
    groups = {id(w.group()) for w in reached if hasattr(w, "group") and w.group()}
    missed = [w for w in wanted if w not in reached and not (hasattr(w, "group") and id(w.group()) in groups)]
    assert missed == []


def scrolls(widget, page):
    """Whether a widget stands in something that scrolls."""
    above = widget.parentWidget()
    while above is not None and above is not page:
        if isinstance(above, QAbstractScrollArea):
            return True
        above = above.parentWidget()
    return False


@pytest.mark.parametrize("page", PLACES, ids=lambda place: "-".join(filter(None, place)), indirect=True)
def test_in_a_small_window_every_control_is_whole_and_inside(page, qtbot):
    whole = page.rect()
    for widget in taking(page):
        if scrolls(widget, page) or isinstance(widget, QAbstractScrollArea):
            continue
        place = QRect(widget.mapTo(page, widget.rect().topLeft()), widget.size())
        assert whole.contains(place), f"{widget.accessibleName() or widget} is outside: {place}"
        if isinstance(widget, QPushButton):
            assert widget.height() >= widget.minimumSizeHint().height(), f"{widget.text()} is cut"
            assert widget.width() >= widget.minimumSizeHint().width(), f"{widget.text()} is cut"
    for area in page.findChildren(QScrollArea):
        if area.isVisible() and area.widget() is not None \
                and area.horizontalScrollBarPolicy() is Qt.ScrollBarPolicy.ScrollBarAlwaysOff:
            assert area.widget().width() <= area.viewport().width(), f"{area.accessibleName()} is cut at the right"


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("page", [("inventory", ""), ("help", ""), ("version", "Overview")], indirect=True)
def test_the_ring_of_the_focus_is_seen_in_both_themes(page, name):
    theme.apply(QApplication.instance(), name)
    for widget in taking(page):
        page.setFocus()
        for area in page.findChildren(QScrollArea):
            if area.isAncestorOf(widget):
                area.ensureWidgetVisible(widget)
        QApplication.processEvents()
        before = page.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        QApplication.processEvents()
        assert page.grab().toImage() != before, f"{widget.accessibleName() or widget} shows no focus"
