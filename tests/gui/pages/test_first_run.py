"""The first time: a registry is created or opened, or nothing is left behind."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from desktop_app.gui.dialogs import first_run
from desktop_app.gui.jobs import Jobs
from desktop_app.operations import people
from desktop_app.trust import keys
from desktop_app.workspace import open_workspace


@pytest.fixture
def dialog(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "PASSPHRASE_ONLY", keys.Cost(m=64, t=1, p=1))
    monkeypatch.setattr(keys, "WITH_KEYRING", keys.Cost(m=64, t=1, p=1))
    jobs = Jobs(lambda: None, lambda owner, error: None)
    made = first_run.FirstRun(jobs, place=tmp_path / "new" / "registry.assay")
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    yield made
    jobs.shut_down()


def fill(qtbot, dialog, again="several good words"):
    for field, text in ((dialog.name, "Ann Admin"), (dialog.passphrase, "several good words"), (dialog.again, again)):
        field.clear()
        qtbot.keyClicks(field, text)


def test_create_makes_a_registry_with_its_first_administrator(qtbot, dialog, tmp_path):
    fill(qtbot, dialog)
    dialog.roles.tick("Model risk manager")
    qtbot.keyClick(dialog.again, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not dialog.running, timeout=30_000)
    assert dialog.address == str(tmp_path / "new" / "registry.assay"), dialog.error.text()
    ws = open_workspace(dialog.address)
    (ann,) = people.listing(ws)
    assert (ann.name, ann.role_titles) == ("Ann Admin", "Administrator, Model risk manager")
    assert ws.actor == ann.id
    ws.close()


def test_what_differs_or_is_too_short_is_said_and_nothing_is_left(qtbot, dialog, tmp_path):
    fill(qtbot, dialog, again="other words")
    dialog.attempt()
    assert "differ" in dialog.error.text()
    fill(qtbot, dialog, again="several good words")
    for field in (dialog.passphrase, dialog.again):
        field.setText("short")
    dialog.attempt()
    qtbot.waitUntil(lambda: not dialog.running, timeout=30_000)
    assert dialog.error.text()
    assert dialog.address is None
    assert not (tmp_path / "new" / "registry.assay").exists()


def test_open_looks_into_the_file_first(qtbot, dialog, desk, tmp_path):
    dialog.which.choose(first_run.OPEN)
    assert dialog.primary.text() == "Open"
    wrong = tmp_path / "notes.assay"
    wrong.write_text("not a registry")
    dialog.file.give(wrong)
    dialog.attempt()
    qtbot.waitUntil(lambda: not dialog.running, timeout=10_000)
    assert dialog.error.text()
    assert dialog.address is None
    dialog.file.give(desk.workspace.store.folder / "registry.assay")
    dialog.attempt()
    qtbot.waitUntil(lambda: not dialog.running, timeout=10_000)
    assert dialog.address == str(desk.workspace.store.folder / "registry.assay")


def test_escape_gives_no_address(qtbot, dialog):
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.address is None
    assert not dialog.isVisible()
