"""From the filter into the table and on, by keyboard, without waiting for the pause."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from desktop_app.gui.pages.inventory import InventoryPage
from desktop_app.gui.pages.people import PeoplePage
from desktop_app.operations import models


@pytest.fixture
def page(office, desk):
    dev = desk.as_("Dev Patel")
    models.add_version(dev, models.register(dev, "Aardvark"), "1")
    return office.open(InventoryPage, "Dev Patel")


def test_down_goes_into_the_first_row_that_passes_the_filter(page, qtbot):
    page.search.setFocus()
    qtbot.keyClicks(page.search, "scorecard")
    qtbot.keyClick(page.search, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: page.focusWidget() is page.table, timeout=5000)
    assert [row.name for row in page.table.shown] == ["Scorecard"]
    assert page.table.current.name == "Scorecard"


def test_enter_opens_the_first_row_that_passes_the_filter(page, desk, qtbot):
    page.search.setFocus()
    qtbot.keyClicks(page.search, "scorecard")
    with qtbot.waitSignal(page.open_requested) as opened:
        qtbot.keyClick(page.search, Qt.Key.Key_Return)
    assert opened.args[1]["version"] == desk.version


def test_where_nothing_passes_nothing_is_opened(page, office, qtbot):
    page.search.setFocus()
    qtbot.keyClicks(page.search, "zebra")
    with qtbot.assertNotEmitted(page.open_requested):
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Down):
            qtbot.keyClick(page.search, key)
        qtbot.waitUntil(lambda: page.how_many.text() == "No row passes", timeout=5000)
    assert page.focusWidget() is page.search


def test_a_key_that_waits_for_rows_is_dropped_when_one_types_on(page, office, qtbot):
    page.search.setFocus()
    qtbot.keyClicks(page.search, "scorecard")
    with qtbot.assertNotEmitted(page.open_requested):
        qtbot.keyClick(page.search, Qt.Key.Key_Return)
        qtbot.keyClicks(page.search, "s")
        qtbot.waitUntil(lambda: page.how_many.text() == "No row passes", timeout=5000)


def test_every_filter_above_a_list_leads_into_it(office, qtbot):
    page = office.open(PeoplePage, "Ann Admin")
    page.filter.setFocus()
    qtbot.keyClicks(page.filter, "cora")
    qtbot.keyClick(page.filter, Qt.Key.Key_Down)
    assert page.focusWidget() is page.table
    assert page.table.current.name == "Cora Compliance"
