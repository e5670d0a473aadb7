"""The keyboard stays where it was: after a dialog, and when a page is filled again."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from desktop_app.domain.finding import Severity
from desktop_app.gui.focus import Keeper
from desktop_app.gui.pages.findings import FindingsPage
from desktop_app.operations import findings
from tests.gui.pages.seen import dialog_of


@pytest.fixture
def window(office, desk, qtbot):
    """A window with the wordmark before the page of findings, one of which is open."""
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Thin files", description="x",
                           severity=Severity.HIGH, owner=desk.people["Olga Owner"])
    made = QWidget()
    qtbot.addWidget(made)
    column = QVBoxLayout(made)
    column.addWidget(QPushButton("Assaydesk"))
    made.page = office.open(FindingsPage, "Olga Owner")
    column.addWidget(made.page)
    Keeper(made)
    made.resize(1200, 800)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    office.settle()
    return made


def button(page, text):
    return next(b for b in page.findChildren(QPushButton) if b.text() == text and b.isVisible())


def on():
    now = QApplication.focusWidget()
    return now.text() if isinstance(now, QPushButton) else now.accessibleName() if now else None


def test_a_dialog_that_is_closed_gives_the_keyboard_back(window, qtbot):
    opener = button(window.page, "Raise a finding…")
    opener.setFocus()
    qtbot.keyClick(opener, Qt.Key.Key_Space)
    dialog = dialog_of()
    qtbot.waitUntil(lambda: dialog.isActiveWindow() and on() == "Version")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    window.activateWindow()  # as the desktop does when the window above it is closed
    qtbot.waitUntil(lambda: on() == "Raise a finding…")


def test_a_button_that_was_made_again_has_the_keyboard_again(window, office, qtbot):
    first = button(window.page, "Answer…")
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Space)
    dialog = dialog_of()
    qtbot.keyClicks(dialog.comment, "Being built")
    dialog.attempt()
    office.settle()
    window.activateWindow()
    qtbot.waitUntil(lambda: on() == "Answer…")
    assert QApplication.focusWidget() is not first


def test_where_nothing_took_its_place_the_row_has_the_keyboard(window, office, qtbot):
    only = QPushButton("Only now")
    window.page.detail.show_parts(only)
    qtbot.waitUntil(only.isVisible)
    only.setFocus()
    assert on() == "Only now"
    window.page.detail.show_parts()
    qtbot.waitUntil(lambda: on() == "Findings")


def test_what_the_person_chose_outside_the_page_keeps_the_keyboard(window, qtbot):
    opener = button(window.page, "Raise a finding…")
    opener.setFocus()
    wordmark = button(window, "Assaydesk")
    wordmark.setFocus()
    window.page.detail.show_parts()
    qtbot.wait(20)
    assert on() == "Assaydesk"
