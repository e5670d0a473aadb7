"""Signing, by keyboard, on a real registry with real keys."""

from __future__ import annotations

import base64
import json
import threading
from datetime import date

import pytest
from PySide6.QtCore import Qt

from desktop_app.domain.approval import ChangeClass, SignOff
from desktop_app.domain.canonical import sha256
from desktop_app.domain.policy import Meaning
from desktop_app.errors import Pending
from desktop_app.gui import theme
from desktop_app.gui.dialogs.sign import SignDialog
from desktop_app.gui.pages.review import ReviewPage
from desktop_app.operations import approvals, audit, cards, models, signing
from desktop_app.settings import data_folder
from tests.desk import PASSPHRASE
from tests.gui.pages.seen import dialog_of


@pytest.fixture
def request_id(desk):
    return approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better",
                             change_class=ChangeClass.NEW, to_stage="production")


@pytest.fixture
def page(office, request_id):
    return office.open(ReviewPage, "Rita Risk", request=request_id)


def opened(qtbot, page):
    page.read_and_decide()
    dialog = dialog_of(SignDialog)
    qtbot.waitUntil(lambda: dialog.prepared is not None, timeout=10_000)
    return dialog


def rebuilt(qtbot, dialog, text):
    qtbot.waitUntil(lambda: dialog.prepared is not None and text in dialog.sheet.text, timeout=10_000)


def declare(qtbot, dialog):
    dialog.declared.setFocus()
    qtbot.keyClick(dialog.declared, Qt.Key.Key_Space)
    assert dialog.declared.isChecked()


def sign(qtbot, dialog, passphrase=PASSPHRASE):
    dialog.passphrase.setFocus()
    qtbot.keyClicks(dialog.passphrase, passphrase)
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not dialog.running, timeout=10_000)


def test_sign_off_through_the_dialog_by_keyboard(qtbot, office, desk, page, request_id):
    dialog = opened(qtbot, page)
    assert not dialog.declared.isChecked()
    assert not dialog.primary.isEnabled()
    assert dialog.primary.text() == "Sign as Rita Risk"
    shown = dialog.sheet.text
    assert dialog.sheet.toPlainText() == shown.replace("\n\n", "\n")
    declare(qtbot, dialog)
    sign(qtbot, dialog)
    assert dialog.signed is not None
    assert f"entry {dialog.signed.seq:,}" in dialog.error.text()
    assert "in production" in dialog.error.text()
    office.settle()
    seen = approvals.review(desk.as_("Rita Risk"), request_id)
    assert seen.outcome == "effective"
    assert [s.name for s in seen.sign_offs] == ["Rita Risk"]
    envelope = json.loads(audit.show(desk.workspace, dialog.signed.seq).facts[0][2])["envelope"]
    payload = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    with desk.workspace.store.read() as reader:
        (signed,) = reader.all(SignOff)
        salt, text = reader.salted(signed.record.text)
    assert text == shown
    assert payload["predicate"]["view"]["digest"] == sha256(bytes.fromhex(salt) + shown.encode("utf-8"))
    assert audit.verify(desk.workspace).ok
    qtbot.keyClick(dialog.primary, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.chip.accessibleName().startswith("in effect"), timeout=10_000)


@pytest.mark.parametrize("size", [(1000, 700), (1440, 900)])
def test_the_decision_is_in_sight_and_what_is_below_is_announced(qtbot, office, desk, page, size):
    page.resize(*size)
    dialog = opened(qtbot, page)
    assert dialog.height() < size[1]
    inside = dialog.rect().contains
    office.settle()
    bar = dialog._bar_of_document
    qtbot.waitUntil(lambda: dialog.more.isVisible() is (bar.maximum() > theme.L) and (
        dialog.more.isVisible() or size != (1000, 700)), timeout=15_000)
    for part in (dialog.decision, dialog.passphrase, dialog.primary):
        assert not part.visibleRegion().isEmpty()
        assert inside(part.mapTo(dialog, part.rect().bottomRight()))
    assert dialog.sheet.mapTo(dialog, dialog.sheet.rect().topLeft()).y() < dialog.height() / 3
    presses = 0
    while dialog.more.isVisible() and presses < 9:
        qtbot.keyClick(dialog.more, Qt.Key.Key_Space)
        presses += 1
    assert presses < 5
    assert not dialog.comment.visibleRegion().isEmpty()
    dialog.reject()


def test_tab_leads_from_the_decision_through_the_statement_to_the_signature(qtbot, office, desk, page):
    dialog = opened(qtbot, page)
    assert dialog.focusWidget() is dialog.decision
    dialog.declared.setChecked(True)
    dialog.passphrase.setText("x")
    reached = []
    while dialog.focusWidget() is not dialog.primary:
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
        reached.append(dialog.focusWidget())
    fields = [dialog.sheet, dialog.declared, dialog.conflicts, dialog.comment, dialog.passphrase, dialog.recuse,
              dialog.cancel_button, dialog.primary]
    assert [w for w in reached if w in fields] == fields
    dialog.reject()


def test_another_decision_takes_the_declaration_back(qtbot, office, desk, page):
    dialog = opened(qtbot, page)
    declare(qtbot, dialog)
    dialog.decision.choose(Meaning.APPROVE_WITH_CONDITIONS)
    assert not dialog.declared.isChecked()
    dialog.reject()


def test_a_wrong_passphrase_keeps_everything_typed_and_signs_nothing(qtbot, office, desk, page, request_id):
    dialog = opened(qtbot, page)
    before = audit.head_seq(desk.workspace)
    dialog.comment.setPlainText("Read it all.")
    declare(qtbot, dialog)
    qtbot.waitUntil(lambda: dialog.prepared is not None)
    sign(qtbot, dialog, "not this one")
    assert "The passphrase is not right." in dialog.error.text()
    assert dialog.declared.isChecked()
    assert dialog.comment.toPlainText() == "Read it all."
    assert dialog.passphrase.selectedText()
    assert audit.head_seq(desk.workspace) == before
    sign(qtbot, dialog)
    assert dialog.signed is not None
    assert approvals.review(desk.as_("Rita Risk"), request_id).sign_offs[0].comment == "Read it all."
    dialog.accept()


def test_conditions_stand_in_the_statement_that_is_signed(qtbot, office, desk, page, request_id):
    dialog = opened(qtbot, page)
    dialog.decision.choose(Meaning.APPROVE_WITH_CONDITIONS)
    qtbot.waitUntil(lambda: "needs a condition" in dialog.missing.text(), timeout=10_000)
    assert dialog.sheet.isHidden()
    assert not dialog.primary.isEnabled()
    row = dialog.conditions.rows[0]
    for field, text in ((row.text, "Report monthly"), (row.owner, "S. Haddad"), (row.due, "2027-01-15")):
        field.setFocus()
        qtbot.keyClicks(field, text)
    rebuilt(qtbot, dialog, "Report monthly (owner S. Haddad, due 15 Jan 2027)")
    declare(qtbot, dialog)
    sign(qtbot, dialog)
    effective = approvals.review(desk.as_("Rita Risk"), request_id).effective
    (condition,) = effective.conditions
    assert (condition.text, condition.due) == ("Report monthly", date(2027, 1, 15))
    with desk.workspace.store.read() as reader:
        assert reader.names()[condition.owner] == "S. Haddad"
    dialog.accept()


def test_what_changed_since_it_was_read_is_shown_and_not_signed(qtbot, office, desk, page, request_id):
    dialog = opened(qtbot, page)
    declare(qtbot, dialog)
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "New words"}, seen=0)
    sign(qtbot, dialog)
    assert "changed since you read it" in dialog.error.text()
    assert "Card, revision 1: new" in dialog.error.text()
    assert not dialog.declared.isChecked()
    office.settle()
    assert approvals.review(desk.as_("Rita Risk"), request_id).sign_offs == ()
    qtbot.waitUntil(lambda: dialog.prepared is not None and dialog.seen.news.later != (), timeout=10_000)
    declare(qtbot, dialog)
    dialog.passphrase.clear()
    sign(qtbot, dialog)
    assert dialog.signed is not None
    dialog.accept()


def test_a_rejection_needs_a_reason_and_ends_the_request(qtbot, office, desk, page, request_id):
    dialog = opened(qtbot, page)
    dialog.decision.choose(Meaning.REJECT)
    qtbot.waitUntil(lambda: "Say why." in dialog.missing.text(), timeout=10_000)
    dialog.comment.setFocus()
    qtbot.keyClicks(dialog.comment, "Not tested enough.")
    rebuilt(qtbot, dialog, "Rejection of the use of a model")
    declare(qtbot, dialog)
    sign(qtbot, dialog)
    assert approvals.review(desk.as_("Rita Risk"), request_id).outcome == "rejected"
    dialog.accept()


def test_recuse_is_shown_before_it_is_signed(qtbot, office, desk, page, request_id):
    dialog = opened(qtbot, page)
    dialog.recuse.click()
    rebuilt(qtbot, dialog, "recuse myself")
    sign(qtbot, dialog)
    seen = approvals.review(desk.as_("Rita Risk"), request_id)
    assert (seen.outcome, seen.sign_offs[0].meaning) == ("open", Meaning.RECUSE)
    dialog.accept()


def test_escape_signs_nothing_and_the_draft_comes_back(qtbot, office, desk, page, request_id):
    dialog = opened(qtbot, page)
    office.settle()
    dialog.comment.setPlainText("Half a thought")
    dialog.conflicts.setText("my sister works there")
    dialog.passphrase.setText("secret words")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    office.settle()
    kept = next((data_folder() / "drafts").iterdir())
    assert "secret" not in kept.read_text()
    again = opened(qtbot, page)
    qtbot.waitUntil(lambda: again.comment.toPlainText() == "Half a thought", timeout=10_000)
    assert again.conflicts.text() == "my sister works there"
    assert not again.declared.isChecked()
    assert again.passphrase.text() == ""
    rebuilt(qtbot, again, "Stated: my sister works there.")
    declare(qtbot, again)
    sign(qtbot, again)
    again.accept()
    office.settle()
    assert not kept.exists()


def test_a_blocked_request_offers_nothing_in_favour(qtbot, office, desk):
    models.set_tier(desk.as_("Rita Risk"), desk.use, 1)
    blocked = approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better",
                                change_class=ChangeClass.NEW, to_stage="production")
    page = office.open(ReviewPage, "Rita Risk", request=blocked)
    page.read_and_decide()
    dialog = dialog_of(SignDialog)
    office.settle()
    assert [dialog.decision.itemText(n) for n in range(dialog.decision.count())] == [
        "Reject", "Return without a decision", "Recuse myself"]
    assert "Only a rejection or a return" in dialog.error.text()
    dialog.reject()


def test_nothing_typed_is_read_as_markup(qtbot, office, desk, page):
    dialog = opened(qtbot, page)
    dialog.conflicts.setText("<b>bold</b> & <img src=x>")
    rebuilt(qtbot, dialog, "<b>bold</b> & <img src=x>")
    assert "<b>bold</b> & <img src=x>" in dialog.sheet.toPlainText()
    dialog.reject()


def test_while_a_signature_is_on_its_way_nothing_else_is_decided_and_pending_is_said(
        qtbot, office, desk, page, monkeypatch):
    sent, answered = threading.Event(), threading.Event()

    def away(*_):
        sent.set()
        assert answered.wait(10)
        raise Pending("It is not known yet whether this was recorded.", "here", "Do not do it again.")

    dialog = opened(qtbot, page)
    monkeypatch.setattr(signing, "sign_off", away)
    prepared = dialog.prepared
    declare(qtbot, dialog)
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    qtbot.waitUntil(sent.is_set)
    assert not dialog.recuse.isEnabled()
    answered.set()
    qtbot.waitUntil(lambda: not dialog.running, timeout=10_000)
    assert "not known yet" in dialog.error.text()
    assert dialog.prepared is prepared  # signed again, it is the same command
    assert dialog.recuse.isEnabled()
