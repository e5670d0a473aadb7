"""The inventory page on a real registry, driven by keys."""

from __future__ import annotations

from datetime import date

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from desktop_app.domain.finding import Severity
from desktop_app.domain.model import UseState
from desktop_app.gui.dialogs.import_inventory import ImportInventory
from desktop_app.gui.dialogs.register_model import RegisterModel
from desktop_app.gui.dialogs.sync_mlflow import SyncMlflow
from desktop_app.gui.pages.inventory import InventoryPage
from desktop_app.operations import audit, findings, importing, inventory, models
from desktop_app.operations.inventory import InventoryList


@pytest.fixture
def portfolio(desk):
    """Besides the scorecard: one in use without approval, one retired, in two entities."""
    dev, risk = desk.as_("Dev Patel"), desk.as_("Rita Risk")
    for name, entity, tier, state in (("Collections <b>uplift</b>", "BE", 2, UseState.IN_USE),
                                      ("Churn propensity", "NL", 3, UseState.RETIRED)):
        model = models.register(dev, name)
        version = models.add_version(dev, model, "12")
        use = models.describe_use(dev, model, "Collections", entity=entity)
        models.set_tier(risk, use, tier)
        models.state_use(risk, version, use, state)
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Drift", description="Seen",
                           due=date(2026, 11, 1), severity=Severity.HIGH)
    return desk


def names(page):
    return [row.name for row in page.table.shown]


def test_shows_every_model_with_what_is_wrong(office, portfolio):
    page = office.open(InventoryPage)
    assert names(page) == ["Churn propensity", "Collections <b>uplift</b>", "Scorecard"]
    counter = page.counters.button("used_without_approval")
    assert counter.count.text == "1 in use without a valid approval"
    assert counter.count.tone == "breached"
    scorecard = page.table.shown[2]
    said = {c.key: c.whole(scorecard) for c in page.table.visible_columns}
    assert said["model"] == "Scorecard, v1, Card lending · NL"
    assert said["finding"] == "F-1 high · 0 d"
    assert said["due"] == "finding overdue"
    assert said["approval"] == "none"


def test_a_counter_filters_by_keyboard_and_lets_go(office, portfolio, qtbot):
    page = office.open(InventoryPage)
    counter = page.counters.button("used_without_approval")
    qtbot.keyClick(counter, Qt.Key.Key_Return)
    office.settle()
    assert names(page) == ["Collections <b>uplift</b>"]
    assert page.how_many.text() == "1 of 3"
    qtbot.keyClick(counter, Qt.Key.Key_Space)
    office.settle()
    assert len(names(page)) == 3


def test_filters_as_one_types(office, portfolio, qtbot):
    page = office.open(InventoryPage)
    qtbot.keyClicks(page.search, "churn prop")
    qtbot.waitUntil(lambda: names(page) == ["Churn propensity"], timeout=2000)
    qtbot.keyClick(page.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(names(page)) == 3, timeout=2000)


def test_tier_entity_and_view_narrow_together(office, portfolio):
    page = office.open(InventoryPage)
    def chosen(button, value):
        button.choose(value)
        office.settle()
        return names(page)

    assert chosen(page.entities, "NL") == ["Churn propensity", "Scorecard"]
    assert chosen(page.tiers, 2) == []
    assert page.how_many.text() == "No row passes"
    chosen(page.tiers, 0)
    assert len(chosen(page.entities, "")) == 3
    assert chosen(page.views, "in_use") == ["Collections <b>uplift</b>"]
    assert chosen(page.views, "waiting") == []


def test_a_heading_orders_and_the_menu_gives_the_order_back(office, portfolio):
    page = office.open(InventoryPage)
    page.table.sort_by("tier", descending=True)
    office.settle()
    assert [row.tier for row in page.table.shown] == [3, 3, 2]
    page.table.sort_by("finding")
    office.settle()
    assert names(page)[0] == "Scorecard"
    page.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    office.settle()
    assert names(page) == sorted(names(page))


def test_more_rows_come_as_one_scrolls_and_stay_over_a_reload(office, desk, qtbot, monkeypatch):
    monkeypatch.setattr(inventory, "PAGE", 12)
    dev = desk.as_("Dev Patel")
    for number in range(30):
        models.add_version(dev, models.register(dev, f"Model {number:02}"), "1")
    page = office.open(InventoryPage)
    begun = len(names(page))
    assert (begun < 31, page.how_many.text()) == (True, "")
    bar = page.table.verticalScrollBar()

    def all_there():
        bar.setValue(bar.maximum())
        return len(names(page)) == 31

    qtbot.waitUntil(all_there, timeout=5000)
    assert names(page)[:2] + names(page)[-2:] == ["Model 00", "Model 01", "Model 29", "Scorecard"]
    page.table.choose(lambda row: row.name == "Model 25")
    with qtbot.waitSignal(page.arrived, timeout=5000):
        page.reload()
    assert (len(names(page)), page.table.current.name) == (31, "Model 25")


def test_enter_opens_the_version(office, portfolio, qtbot):
    page = office.open(InventoryPage)
    page.table.choose(lambda row: row.name == "Scorecard")
    with qtbot.waitSignal(page.open_requested) as opened:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert opened.args == ["version", {"version": portfolio.version, "use": portfolio.use}]


def test_export_writes_the_file_and_says_its_digest(office, portfolio, tmp_path):
    page = office.open(InventoryPage)
    page.export_to(tmp_path / "out.csv")
    office.settle()
    lines = (tmp_path / "out.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert page.how_many.text().startswith("Exported to out.csv, SHA-256 ")


def test_a_new_registry_offers_three_ways_in(qtbot, tmp_path, office, desk):
    page = office.open(InventoryPage)
    page._arrived(InventoryList(rows=(), more=False, passing=0, uses=0, models=0, counters=(), tiers=(), entities=(),
                                names={}, today=date(2026, 11, 20)))
    texts = [b.text() for b in page._panel.findChildren(QPushButton)]
    assert texts == ["Import…", "Sync…", "Register…"]
    page._panel.findChildren(QPushButton)[2].click()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, RegisterModel))
    dialog.reject()


def test_registering_by_hand_opens_the_new_version(office, desk, qtbot):
    page = office.open(InventoryPage, "Dev Patel")
    page.register()
    dialog = page.findChild(RegisterModel)
    qtbot.keyClick(dialog.primary, Qt.Key.Key_Return)
    assert dialog.error.text().startswith("The name is missing.")
    for field, text in ((dialog.name, "Bureau score"), (dialog.label, "2026.2"), (dialog.purpose, "Card lending")):
        qtbot.keyClicks(field, text)
    with qtbot.waitSignal(page.open_requested, timeout=5000) as opened:
        qtbot.keyClick(dialog.purpose, Qt.Key.Key_Return)
    assert opened.args[0] == "version"
    view = models.version(desk.as_("Dev Patel"), opened.args[1]["version"], opened.args[1]["use"])
    assert (view.model.name, view.version.label, view.use.purpose) == ("Bureau score", "2026.2", "Card lending")
    office.settle()


INVENTORY = """Model ID,Model name,Version,Purpose,Legal entity,Tier,Status,Validated on
M-1,PD cards,3,Cards,NL,1,in use,2026-03-12
M-2,LGD mortgages,2,Mortgages,DE,9,in use,soon
"""


def test_import_shows_problems_then_reconciles(office, desk, qtbot, tmp_path):
    file = tmp_path / "inventory.csv"
    file.write_text(INVENTORY, "utf-8")
    page = office.open(InventoryPage)
    page.import_file()
    dialog = page.findChild(ImportInventory)
    assert not dialog.primary.isEnabled()
    dialog.path.give(file)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=10_000)
    assert dialog.mapping.field_of("Model name").value == "name"
    assert {p.column[0] for p in dialog.preview.read.problems} == {"F", "H"}
    dialog.mapping.field_of("Validated on").setCurrentIndex(0)
    qtbot.waitUntil(lambda: dialog.primary.isEnabled() and len(dialog.preview.read.problems) == 1, timeout=10_000)
    with qtbot.waitSignal(dialog.succeeded, timeout=10_000):
        qtbot.keyClick(dialog.primary, Qt.Key.Key_Return)
    assert dialog.error.text().startswith("The inventory is imported.\n2 rows: 2 added, 0 updated")
    dialog.reject()
    qtbot.waitUntil(lambda: "PD cards" in names(page), timeout=5000)


def test_enter_in_the_line_of_the_file_reads_and_does_not_import(office, desk, qtbot, tmp_path):
    file = tmp_path / "inventory.csv"
    file.write_text(INVENTORY, "utf-8")
    page = office.open(InventoryPage)
    page.import_file()
    dialog = page.findChild(ImportInventory)
    dialog.path.line.setFocus()
    qtbot.keyClicks(dialog.path.line, str(file))
    qtbot.keyClick(dialog.path.line, Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=10_000)
    before = audit.head_seq(desk.workspace)
    qtbot.keyClick(dialog.path.line, Qt.Key.Key_Return)
    office.settle()
    assert not dialog.running
    assert audit.head_seq(desk.workspace) == before
    other = tmp_path / "nothing.csv"
    other.write_text("a,b\n1,2\n", "utf-8")
    dialog.path.line.setText(str(other))
    dialog.attempt()
    assert "has not been read yet" in dialog.error.text()
    dialog.reject()


def test_a_copy_under_another_name_is_said_to_be_here_and_may_be_taken_as_another(office, desk, qtbot, tmp_path):
    for name in ("inventory.csv", "copy.csv"):
        (tmp_path / name).write_text(INVENTORY, "utf-8")
    importing.run(desk.as_("Rita Risk"), tmp_path / "inventory.csv")
    page = office.open(InventoryPage)
    page.import_file()
    dialog = page.findChild(ImportInventory)
    dialog.path.give(tmp_path / "copy.csv")
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=10_000)
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert "2 of 2 rows are already here from “inventory.csv”. They stay the models they are." in said
    dialog.belongs.choose("new")
    qtbot.waitUntil(lambda: dialog.preview is not None and dialog.preview.as_new, timeout=10_000)
    assert (dialog.preview.counts.added, dialog.preview.counts.unchanged) == (2, 0)
    dialog.belongs.choose("")
    qtbot.waitUntil(lambda: dialog.preview is not None and not dialog.preview.as_new, timeout=10_000)
    with qtbot.waitSignal(dialog.succeeded, timeout=10_000) as done:
        dialog.attempt()
    assert done.args[0].counts.unchanged == 2
    dialog.reject()


def test_import_of_what_is_no_table_says_so(office, desk, qtbot, tmp_path):
    file = tmp_path / "nothing.xlsx"
    file.write_bytes(b"PK\x03\x04 not a workbook")
    page = office.open(InventoryPage)
    page.import_file()
    dialog = page.findChild(ImportInventory)
    dialog.path.give(file)
    qtbot.waitUntil(dialog.error.isVisible, timeout=10_000)
    assert "nothing.xlsx" in dialog.error.text()
    assert not dialog.primary.isEnabled()
    dialog.reject()


def test_the_mapping_is_saved_and_loaded(office, desk, qtbot, tmp_path):
    file = tmp_path / "inventory.csv"
    file.write_text(INVENTORY, "utf-8")
    page = office.open(InventoryPage)
    page.import_file()
    dialog = page.findChild(ImportInventory)
    dialog.path.give(file)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=10_000)
    dialog.mapping.field_of("Tier").setCurrentIndex(0)
    dialog.save_mapping_to(tmp_path / "mapping.json")
    office.settle()
    dialog.mapping.field_of("Tier").choose("tier")
    dialog.load_mapping_from(tmp_path / "mapping.json")
    office.settle()
    assert dialog.mapping.field_of("Tier").value == ""
    dialog.reject()


def test_the_fields_offered_are_those_that_are_read():
    from desktop_app.gui.dialogs.column_mapping import FIELDS as OFFERED
    from desktop_app.sources.inventory_fields import FIELDS

    assert tuple((field.key, field.label) for field in FIELDS) == OFFERED


def test_a_server_that_cannot_be_reached_is_said_in_the_dialog(office, desk, qtbot):
    page = office.open(InventoryPage)
    page.sync()
    dialog = page.findChild(SyncMlflow)
    office.settle()
    dialog.attempt()
    assert dialog.error.text().startswith("The address is missing.")
    qtbot.keyClicks(dialog.address, "http://127.0.0.1:9")
    qtbot.keyClick(dialog.address, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "cannot be reached" in dialog.error.text(), timeout=10_000)
    assert dialog.address.text() == "http://127.0.0.1:9"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: page.findChild(SyncMlflow) is None or not page.findChild(SyncMlflow).isVisible())
