"""The People page: roles with dates, and their recertification from opening to closing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from desktop_app.domain.person import Role
from desktop_app.gui.pages.people import PeoplePage
from desktop_app.operations import audit, people, recertification
from tests.desk import PASSPHRASE, START
from tests.gui.pages.seen import dialog_of, words


def sign(office, qtbot):
    dialog = dialog_of()
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    office.settle()


def press(page, text):
    (found,) = [b for b in page.review.findChildren(QPushButton) if b.text() == text and b.isVisible()]
    assert found.isEnabled(), text
    found.click()


def test_a_recertification_is_opened_answered_and_closed(office, desk, qtbot):
    page = office.open(PeoplePage, "Ann Admin")
    assert "None is open" in words(page.review)
    press(page, "Open one…")
    dialog_of().roles.tick("Developer", "Administrator")
    sign(office, qtbot)
    assert "AR-1: 2 of 2 roles to be answered" in words(page.review)
    press(page, "Answer…")
    dialog = dialog_of()
    assert [grant.name for grant, _, _ in dialog.rows] == ["Dev Patel"]  # not one's own
    sign(office, qtbot)
    assert "Nothing is answered yet." in dialog.error.text()
    dialog.rows[0][1].choose("end")
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    office.settle()
    assert "Say why the role ends." in dialog.error.text()
    qtbot.keyClicks(dialog.rows[0][2], "left")
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    office.settle()
    assert next(p for p in page.table.shown if p.name == "Dev Patel").roles == ()
    assert "1 of 2" in words(page.review)
    rita = office.open(PeoplePage, "Rita Risk")
    press(rita, "Answer…")
    dialog_of().rows[0][1].choose("keep")
    sign(office, qtbot)
    press(rita, "Close…")
    sign(office, qtbot)
    assert "closed 20 Nov 2026 by Rita Risk: 1 kept, 1 revoked" in words(rita.review)
    assert audit.verify(desk.workspace).ok


def test_an_overdue_one_is_said_first(office, desk, qtbot, monkeypatch):
    recertification.open_campaign(desk.as_("Ann Admin"), START.date(), (), PASSPHRASE)
    later = START + timedelta(days=3)
    desk.workspace.store.clock = lambda: later
    page = office.open(PeoplePage, "Ann Admin")
    assert page._subline.text().startswith("Recertification AR-1 is overdue.")
    assert "overdue since 20 Nov 2026" in words(page.review)


@pytest.mark.parametrize("first", ["2026-12-01", ""])
def test_a_role_is_granted_with_its_days(office, desk, qtbot, first):
    page = office.open(PeoplePage, "Ann Admin", person=desk.people["Dev Patel"])
    page._grant(page.table.current, Role.AUDITOR)
    dialog = dialog_of()
    dialog.first.setText("2026-11-01")
    sign(office, qtbot)
    assert "does not begin in the past" in dialog.error.text()
    dialog.first.setText(first)
    dialog.last.setText("2026-12-31")
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    office.settle()
    held = next(h for h in next(p for p in people.listing(desk.workspace) if p.name == "Dev Patel").held
                if h.role is Role.AUDITOR)
    assert (held.until.isoformat(), held.to_come) == ("2026-12-31", bool(first))
    assert "until 31 Dec 2026" in words(page.detail)
