"""My desk, people, policies, evidence, reports, lineage, settings: each on a real registry."""

from __future__ import annotations

import json
from datetime import date

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton

from desktop_app.domain.approval import ChangeClass
from desktop_app.domain.canonical import Id
from desktop_app.domain.finding import Severity
from desktop_app.domain.lineage import NodeKind
from desktop_app.domain.person import Role
from desktop_app.gui.pages.approvals import ApprovalsPage
from desktop_app.gui.pages.desk import DeskPage
from desktop_app.gui.pages.evidence import EvidencePage
from desktop_app.gui.pages.lineage import LineagePage
from desktop_app.gui.pages.people import PeoplePage
from desktop_app.gui.pages.policies import PoliciesPage
from desktop_app.gui.pages.reports import ReportsPage
from desktop_app.gui.pages.settings import SettingsPage
from desktop_app.operations import approvals, evidence, findings, lineage, models, packs, people, policies
from desktop_app.operations.naming import Named
from desktop_app.settings import resource
from tests.desk import PASSPHRASE
from tests.gui.pages.seen import dialog_of, words


def ask(desk):
    return approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better",
                             change_class=ChangeClass.NEW, to_stage="production", decide_by=date(2026, 11, 24))


# ---- my desk


def test_my_desk_says_what_waits_for_whom(office, desk, qtbot):
    request = ask(desk)
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Thin files", description="x",
                           severity=Severity.HIGH, owner=desk.people["Olga Owner"])
    page = office.open(DeskPage, "Rita Risk")
    assert page._subline.text().startswith("1 thing to do")
    with qtbot.waitSignal(page.open_requested) as opened:
        page.lists["Waits for you"].choose(f"request {request}")
    assert opened.args == ["review", {"request": request}]
    assert set(office.open(DeskPage, "Dev Patel").lists) == {"You asked for", "What changed"}
    mine = office.open(DeskPage, "Olga Owner").lists
    assert set(mine) == {"Findings you own", "Due soon in your models", "What changed"}


def test_a_clear_desk_is_said_to_be_clear(office):
    page = office.open(DeskPage, "Cora Compliance")
    assert "A clear desk" in words(page.left)


# ---- people


def test_a_hold_keeps_a_name_and_an_erasure_ends_it(office, desk, qtbot):
    with desk.workspace.store.write(desk.people["Ann Admin"], "x", Id("x")) as write:
        nora = Named(desk.workspace, write.reader).add(write, "Nora Named", "document")
    page = office.open(PeoplePage, "Ann Admin")

    def press(text, reason):
        page.table.choose(lambda p: p.id == nora)
        assert "Nora Named" in words(page.detail)  # and the buttons of who was shown before are gone
        next(b for b in page.detail.findChildren(QPushButton) if b.text() == text and b.isEnabled()).click()
        office.settle()
        dialog = dialog_of()
        qtbot.keyClicks(dialog.reason, reason)
        qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
        qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
        office.settle()
        return dialog

    press("Legal hold…", "a claim")
    qtbot.waitUntil(lambda: "no: a legal hold stands" in words(page.detail), timeout=10_000)
    assert not any(b.isEnabled() for b in page.detail.findChildren(QPushButton) if b.text() == "Erase…")
    press("Release the hold…", "settled")
    qtbot.waitUntil(lambda: "legal hold" not in words(page.detail).lower(), timeout=10_000)
    refused = press("Erase…", "Nora Named asked")
    assert "1 text names Nora Named: deleted for ever." in words(refused)
    assert "without the name" in refused.error.text()
    refused.reject()
    press("Erase…", "asked for it")
    qtbot.waitUntil(lambda: [p.name for p in page.table.shown if p.id == nora] == ["(erased)"], timeout=10_000)
    page.table.choose(lambda p: p.id == nora)
    assert "no: already erased" in words(page.detail)


def test_enrol_by_keyboard(office, desk, qtbot):
    page = office.open(PeoplePage, "Ann Admin")
    page.enrol()
    dialog = dialog_of()
    qtbot.keyClicks(dialog.name, "Nina New")
    dialog.roles.tick("Auditor")
    qtbot.keyClicks(dialog.passphrase, "several good words")
    assert all(f.echoMode() is QLineEdit.EchoMode.Password for f in (dialog.passphrase, dialog.again))
    qtbot.keyClicks(dialog.again, "several bad words")
    qtbot.keyClick(dialog.again, Qt.Key.Key_Return)
    assert "differ" in dialog.error.text()
    dialog.again.clear()
    qtbot.keyClicks(dialog.again, "several good words")
    qtbot.keyClick(dialog.again, Qt.Key.Key_Return)
    assert "passphrase is missing" in dialog.error.text()
    qtbot.keyClicks(dialog.mine, PASSPHRASE)
    qtbot.keyClick(dialog.mine, Qt.Key.Key_Return)
    office.settle()
    added = next(p for p in people.listing(desk.workspace) if p.name == "Nina New")
    assert (added.roles, added.key_here) == ((Role.AUDITOR,), True)
    assert "Nina New" in [p.name for p in page.table.shown]


def sign(office, qtbot, passphrase=PASSPHRASE):
    dialog = dialog_of()
    qtbot.keyClicks(dialog.passphrase, passphrase)
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    office.settle()


def test_a_key_is_revoked_and_ones_own_is_renewed(office, desk, qtbot):
    page = office.open(PeoplePage, "Ann Admin", person=desk.people["Dev Patel"])
    page._revoke_key(page.table.current)
    qtbot.keyClicks(dialog_of().reason, "laptop lost")
    sign(office, qtbot)
    assert page.table.current.key_id == ""
    page.table.choose(lambda p: p.name == "Ann Admin")
    before = page.table.current.key_id
    page._renew_key()
    dialog = dialog_of()
    qtbot.keyClicks(dialog.old, PASSPHRASE)
    for field in (dialog.new, dialog.again):
        qtbot.keyClicks(field, "several new words")
    qtbot.keyClick(dialog.again, Qt.Key.Key_Return)
    office.settle()
    assert page.table.current.key_id not in ("", before)
    assert page.table.current.key_here


def test_grant_and_revoke_a_role(office, desk, qtbot):
    page = office.open(PeoplePage, "Ann Admin", person=desk.people["Dev Patel"])
    page._grant(page.table.current, Role.AUDITOR)
    sign(office, qtbot, "not the passphrase")
    assert "passphrase is not right" in dialog_of().error.text()
    assert Role.AUDITOR not in page.table.current.roles
    dialog_of().passphrase.clear()
    sign(office, qtbot)
    assert Role.AUDITOR in page.table.current.roles
    page._revoke(page.table.current, Role.AUDITOR)
    dialog = dialog_of()
    qtbot.keyClicks(dialog.reason, "moved on")
    sign(office, qtbot)
    assert page.table.current.roles == (Role.DEVELOPER,)


# ---- policies


def test_policies_read_as_text_and_another_version_is_published(office, desk, qtbot, tmp_path):
    page = office.open(PoliciesPage, "Ann Admin")
    said = words(page.text)
    assert "1 compliance officer to concur, within consumer protection" in said
    assert "What every signer declares" in said
    text = json.loads(resource("policies/default.json").read_text("utf-8")) | {"version": "2027-01"}
    (tmp_path / "policy.json").write_text(json.dumps(text), "utf-8")
    page.publish(tmp_path / "policy.json")
    sign(office, qtbot)
    assert [p.record.version for p in policies.listing(desk.workspace)] == ["2027-01", "2026-11"]
    assert "2027-01" in page._subline.text()


# ---- evidence


def test_evidence_opens_its_version(office, desk, qtbot, tmp_path):
    page = office.open(EvidencePage, "Rita Risk")
    assert "No evidence yet" in words(page)
    paper = tmp_path / "report.pdf"
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(paper))
    canvas.drawString(72, 720, "report")
    canvas.save()
    evidence.file_document(desk.as_("Dev Patel"), desk.version, paper, checklist="development")
    page = office.open(EvidencePage, "Rita Risk")
    with qtbot.waitSignal(page.open_requested) as opened:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert opened.args == ["version", {"version": desk.version, "tab": "Documents"}]


# ---- reports


def test_reports_list_exports_and_check_a_file(office, desk, qtbot, tmp_path):
    request = ask(desk)
    packs.export(desk.as_("Rita Risk"), request, tmp_path / "a.pdf")
    page = office.open(ReportsPage, "Rita Risk")
    assert [line.file_name for line in page.table.shown] == ["a.pdf"]
    page.check(tmp_path / "a.pdf")
    office.settle()
    assert "✓ The file verifies." in words(page.detail)
    data = (tmp_path / "a.pdf").read_bytes()
    (tmp_path / "b.pdf").write_bytes(data[: len(data) // 2])
    page.check(tmp_path / "b.pdf")
    office.settle()
    assert "!" in words(page.detail)
    assert page.check_button.isEnabled()


# ---- lineage


def test_lineage_says_what_a_node_was_made_from_and_opens_it(office, desk, qtbot):
    page = office.open(LineagePage, "Rita Risk")
    assert "No lineage is recorded yet" in words(page)
    applicants = lineage.Cause(kind=NodeKind.DATASET, name="applicants", role="train")
    lineage.assert_cause(desk.as_("Dev Patel"), desk.version, applicants, "development report")
    page = office.open(LineagePage, "Rita Risk", node=f"dataset:{desk.version}:applicants")
    assert page._subline.text() == "Made from nothing recorded · reaches 1 version"
    page.view.choose(desk.version)
    assert page._subline.text() == "Made from 1 dataset · reaches nothing recorded"
    with qtbot.waitSignal(page.open_requested) as opened:
        qtbot.keyClick(page.view, Qt.Key.Key_Return)
    assert opened.args == ["version", {"version": desk.version}]


# ---- settings


def test_settings_say_where_things_are(office, desk):
    page = office.open(SettingsPage, "Rita Risk")
    said = words(page.body)
    assert desk.workspace.store.address in said
    assert str(desk.workspace.signer.folder) in said
    assert "Rita Risk" in said


# ---- an earlier decision


def test_an_earlier_decision_is_signed_by_its_recorder(office, desk, qtbot):
    page = office.open(ApprovalsPage, "Rita Risk")
    page.record_prior()
    dialog = dialog_of()
    qtbot.waitUntil(lambda: dialog.about.count() == 1)
    qtbot.keyClicks(dialog.by, "Credit Risk Committee")
    dialog.on.setText("2025-03-01")
    dialog.review_by.setText("2027-03-01")
    qtbot.keyClicks(dialog.source, "Minutes 2025-03, item 4")
    dialog.attempt()
    assert "passphrase is missing" in dialog.error.text()
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    office.settle()
    row = models.version(desk.workspace, desk.version, desk.use).row
    assert row.approval_basis == "prior_decision"
