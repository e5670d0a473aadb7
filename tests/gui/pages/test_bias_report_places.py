"""A bias report asked for in the window of a table in a database, and of a number that is predicted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import psycopg
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from desktop_app.__main__ import main
from desktop_app.domain.dataset import InDatabase
from desktop_app.gui.dialogs.bias_report import NewBiasReport
from desktop_app.gui.dialogs.performance import NewPerformance
from desktop_app.gui.dialogs.reperform import Reperform
from desktop_app.gui.pages.version import VersionPage
from desktop_app.operations import evidence, reperforming
from tests.gui.pages.seen import words

WAIT = 15_000


@pytest.fixture(scope="module")
def frame():
    made = np.random.default_rng(1)
    n = 1200
    frame = pd.DataFrame({"sex": made.choice(["F", "M"], n), "area": made.choice(["north", "south"], n),
                          "id": np.arange(n), "income": made.gamma(4, 900, n).round(1)})
    return frame.assign(estimate=(frame.income * .9 + made.normal(0, 200, n)).round(1),
                        said=np.where(frame.income > 3000, "yes", "no"))


@pytest.fixture(scope="module")
def where(postgres, frame):
    address = postgres.database()
    with psycopg.connect(address) as raw:
        raw.execute("CREATE SCHEMA lending")
        raw.execute("CREATE TABLE lending.people (sex text, area text, id int, income numeric, estimate float8, "
                    "said text)")
        with raw.cursor() as cursor:
            cursor.executemany("INSERT INTO lending.people VALUES (%s, %s, %s, %s, %s, %s)", [
                tuple(row) for row in frame.astype(object).itertuples(index=False)])
    return InDatabase(address=address, table="lending.people")


@pytest.fixture
def page(office, desk):
    return office.open(VersionPage, "Val Idris", version=desk.version, use=desk.use, tab="Fairness")


@pytest.fixture
def dialog(page):
    page.shown_tab.new_report()
    return page.findChild(NewBiasReport)


@pytest.fixture
def looked(dialog, where, qtbot):
    """The dialog after a look at the table in the database."""
    type_place(dialog, where)
    dialog.place.look()
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    return dialog


@pytest.fixture
def of_file(dialog, frame, tmp_path, qtbot):
    """The dialog after a file was read, asked of a number."""
    frame.to_csv(tmp_path / "t.csv", index=False)
    dialog.path.give(tmp_path / "t.csv")
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    dialog.by.choose("prediction")
    return dialog


def type_place(dialog, where):
    dialog.place.there.choose(True)
    dialog.place.address.setText(where.address)
    dialog.place.table.setText(where.table)


def filed(desk):
    return evidence.listing(desk.as_("Val Idris"), desk.version)[0].item.record


def ask_for_numbers(dialog, *groups):
    dialog.predicted.prediction.choose("estimate")
    dialog.predicted.label.choose("income")
    dialog.sensitive.tick(*groups)


# ---- a table in a database


def test_a_table_in_a_database_is_looked_at_counted_and_reperformed(looked, page, desk, where, qtbot):
    assert (looked.place._in_files.isVisible(), looked.place._in_database.isVisible()) == (False, True)
    assert "1,200 rows, 6 columns." in words(looked)
    looked.decision.choose("said")
    looked.positive.choose("yes")
    looked.sensitive.tick("sex")
    looked.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    item = filed(desk)
    assert item.inputs[0].location == f"{where.address} lending.people"
    assert evidence.preview(where, item.fairness_spec)[0].groups == item.fairness.groups
    page.shown_tab.reperform(item)
    again = page.findChild(Reperform)
    assert "lending.people is counted again in its database" in words(again)
    again.password.setText("not asked for")
    again.attempt()
    qtbot.waitUntil(lambda: "Every number and every verdict is" in again.error.text(), timeout=WAIT)
    again.reject()


def test_by_keyboard_enter_looks_and_the_keyboard_comes_back(dialog, where, qtbot):
    type_place(dialog, where)
    dialog.place.table.setFocus()
    qtbot.keyClick(dialog.place.table, Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    assert dialog.focusWidget() is dialog.place.table
    dialog.reject()


def test_every_field_of_the_place_is_named_for_a_screen_reader(looked):
    fields = [f for f in looked.place.findChildren(QLineEdit) if f.isVisible()]
    assert [f.accessibleName() for f in fields] == ["Address of the database", "Password", "Table or view"]
    assert looked.place.look_button.accessibleDescription()
    assert looked.place.there.accessibleName() == "The table is"


def test_a_password_in_the_address_goes_where_it_is_not_shown(dialog, where, qtbot):
    type_place(dialog, where)
    dialog.place.address.setText(where.address.replace("@", ":sec%20ret@"))
    dialog.place.address.editingFinished.emit()
    assert (dialog.place.address.text(), dialog.place.password.text()) == (where.address, "sec ret")
    assert dialog.place.password.echoMode() is QLineEdit.EchoMode.Password
    dialog.place.look()
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    assert dialog.table().password == "sec ret"
    assert dialog.preview.input.location == f"{where.address} lending.people"
    dialog.reject()


def test_another_place_has_to_be_looked_at_first(looked, frame, tmp_path, qtbot):
    qtbot.keyClicks(looked.place.table, "x")
    assert (looked.preview, looked.primary.isEnabled()) == (None, False)
    assert "1,200 rows" not in words(looked)
    frame.head(500).to_csv(tmp_path / "t.csv", index=False)
    looked.place.there.choose(False)
    looked.path.give(tmp_path / "t.csv")
    qtbot.waitUntil(looked.primary.isEnabled, timeout=WAIT)
    looked.place.there.choose(True)
    assert not looked.primary.isEnabled()
    looked.place.there.choose(False)  # the file that is still named is read again
    qtbot.waitUntil(looked.primary.isEnabled, timeout=WAIT)
    assert looked.table() == tmp_path / "t.csv"
    looked.reject()


@pytest.mark.parametrize(("address", "table", "said"), [
    ("", "a.b", "The address of the database is missing."), ("{}", "", "The table is missing."),
    ("postgresql://a b@c/d", "a.b", "An address has no blanks."), ("mysql://a@b/c", "a.b", "cannot be used"),
    ("postgresql://a@127.0.0.1:9/c", "a.b", "The database cannot be read."),
    ("{}", "lending.peeple", "Did you mean lending.people?")])
def test_what_is_wrong_with_a_place_is_said_in_the_dialog(dialog, where, address, table, said, qtbot):
    type_place(dialog, InDatabase(address=address.format(where.address), table=table))
    dialog.place.look()
    qtbot.waitUntil(lambda: said in dialog.error.text(), timeout=WAIT)
    assert not dialog.primary.isEnabled()
    dialog.reject()


def test_a_look_can_be_stopped(dialog, where, postgres, qtbot):
    with psycopg.connect(where.address) as raw:
        raw.execute("LOCK TABLE lending.people IN ACCESS EXCLUSIVE MODE")  # the look has to wait for it
        type_place(dialog, where)
        dialog.place.look()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'assaydesk' AND wait_event_type = 'Lock'"
        qtbot.waitUntil(lambda: bool(postgres.execute(waiting)), timeout=WAIT)
        dialog.reject()
        qtbot.waitUntil(lambda: "Stopped. Nothing was recorded." in dialog.error.text(), timeout=WAIT)
    assert not dialog.primary.isEnabled()
    dialog.reject()


def test_reports_that_need_the_rows_offer_no_database(page, office, desk):
    dialog = NewPerformance(office.jobs("Val Idris"), desk.version, page)
    dialog.show()
    assert not dialog.place.there.isVisible()
    assert not next(label for label in dialog.findChildren(QLabel) if label.text() == "The table is").isVisible()
    dialog.reject()


# ---- a number that is predicted


def test_a_predicted_number_is_compared_as_the_command_line_asks_it(of_file, page, desk, tmp_path, monkeypatch, qtbot):
    ask_for_numbers(of_file, "sex", "area")
    of_file.intersections.tick("sex × area")
    of_file.refinements.record.choose("id")
    of_file.predicted.most.setValue(150)
    asked = of_file.spec()
    of_file.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    assert filed(desk).fairness_spec == asked
    said = words(page)
    assert "estimate is held against income. Errors are estimate less income." in said
    assert "in the units of income" in said
    assert not any(b.text() == "Export groups…" for b in page.findChildren(QPushButton))
    typed, preview = [], evidence.preview
    monkeypatch.setattr(evidence, "preview", lambda table, spec, progress: typed.append(spec) or preview(table, spec))
    main(["fairness", "--data", str(tmp_path / "t.csv"), "--prediction", "estimate", "--label", "income", "--most-gap",
          "150", "--sensitive", "sex", "--sensitive", "area", "--intersect", "sex,area", "--id", "id"])
    assert typed == [asked]


def test_what_does_not_apply_to_numbers_is_hidden(of_file, qtbot):
    of_decisions = ("Being selected is", "Compare also within strata of", "Weight of each row", "Criteria",
                    "Compare with the version before", "Judged how")
    of_numbers = ("Column with the prediction", "Difference at most", "Smallest group judged, rows",
                  "Compare groups by", "Reference group of sex")

    def shown():
        return {label.text() for label in of_file.findChildren(QLabel) if label.isVisible()}

    of_file.sensitive.tick("sex")
    qtbot.waitUntil(lambda: "Reference group of sex" in shown())
    assert not shown() & set(of_decisions)
    assert set(of_numbers) <= shown()
    of_file.by.choose("decision")
    assert set(of_decisions) <= shown()
    assert shown() & set(of_numbers) == {"Smallest group judged, rows", "Compare groups by", "Reference group of sex"}
    of_file.reject()


def test_a_predicted_number_may_be_only_reported(of_file, page, desk, qtbot):
    ask_for_numbers(of_file, "sex")
    of_file.predicted.judged.setChecked(False)
    assert not of_file.predicted.most.isEnabled()
    of_file.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    assert [v.verdict for v in filed(desk).verdicts] == ["reported"]


@pytest.mark.parametrize(("change", "said"), [
    (lambda d: d.predicted.prediction.choose(""), "The column with the prediction is not chosen."),
    (lambda d: d.predicted.label.choose(""), "The column with what really happened is not chosen."),
    (lambda d: d.predicted.label.choose("estimate"), "are the same column"),
    (lambda d: d.predicted.most.setValue(0), "How far may the means of the groups differ?"),
    (lambda d: d.sensitive.tick(), "No groups are chosen.")])
def test_what_is_missing_of_a_predicted_number_is_said(of_file, desk, change, said):
    ask_for_numbers(of_file, "sex")
    of_file.predicted.most.setValue(100)
    change(of_file)
    of_file.attempt()
    assert said in of_file.error.text()
    assert evidence.listing(desk.as_("Val Idris"), desk.version) == ()
    of_file.reject()


def test_a_predicted_number_in_a_database_is_reperformed(looked, page, desk, where, qtbot):
    looked.by.choose("prediction")
    ask_for_numbers(looked, "sex")
    looked.predicted.most.setValue(1000)
    looked.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    assert [v.verdict for v in filed(desk).verdicts] == ["met"]
    assert reperforming.reperform(desk.as_("Val Idris"), filed(desk).id, where).same
