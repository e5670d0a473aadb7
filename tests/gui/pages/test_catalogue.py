"""The table of pages, and what the frame asks of the registry."""

from __future__ import annotations

import subprocess
import sys

import pytest

from desktop_app.domain.approval import ChangeClass
from desktop_app.domain.finding import Severity
from desktop_app.gui.pages import catalogue
from desktop_app.gui.pages.standing import standing
from desktop_app.operations import approvals, audit, findings, people
from desktop_app.progress import Progress
from tests.desk import PASSPHRASE


def test_the_rail_has_the_groups_of_the_sketches():
    groups = [[spec.key for spec in catalogue.PAGES if spec.group == n] for n in range(3)]
    assert groups == [["desk", "inventory", "approvals", "findings"], ["lineage", "evidence", "reports"],
                      ["audit", "policies", "people", "settings", "help"]]
    assert [spec.key for spec in catalogue.PAGES if spec.group is None] == ["version", "review", "request"]


@pytest.mark.parametrize("spec", catalogue.PAGES, ids=lambda spec: spec.key)
def test_every_page_can_be_made_and_is_called_by_its_key(spec, office, desk, qtbot):
    from desktop_app.gui.state import AppState

    page = spec.make(office.jobs("Rita Risk"), AppState())
    qtbot.addWidget(page)
    assert page.key == spec.key


def test_no_operation_and_no_sql_is_imported_before_the_first_paint():
    heavy = ("desktop_app.operations", "desktop_app.registry", "sqlalchemy", "sqlmodel", "pandas", "numpy")
    code = ("import sys; import desktop_app.gui.pages.catalogue; "
            f"print([m for m in sys.modules if m.startswith({heavy!r})])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_search_finds_versions_requests_findings_people_and_entries(desk):
    request = approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better",
                                change_class=ChangeClass.NEW, to_stage="production")
    finding = findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Scorecard thin", description="x",
                                     severity=Severity.LOW)
    hits = catalogue.search(desk.as_("Rita Risk"), "scorecard")
    assert [(h.page, dict(h.arguments)) for h in hits][:3] == [
        ("version", {"version": desk.version, "use": desk.use}), ("review", {"request": request}),
        ("findings", {"finding": finding})]
    assert {h.page for h in hits[3:]} == {"audit"}
    found = catalogue.search(desk.workspace, "rita person")
    assert [h.arguments["person"] for h in found] == [desk.people["Rita Risk"]]
    assert catalogue.search(desk.workspace, "  ") == ()


def test_standing_counts_what_waits_and_says_how_far_the_log_verifies(desk):
    approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better",
                      change_class=ChangeClass.NEW, to_stage="production")
    found = standing(desk.as_("Rita Risk"), Progress())
    assert (found.counts["approvals"], found.counts["findings"], found.counts["desk"]) == (1, 0, 1)
    assert found.log[0][0] == "met"
    assert f"entry {audit.head_seq(desk.workspace)}" in found.log[0][1]
    assert standing(desk.as_("Dev Patel"), Progress()).counts["approvals"] == 0


def test_identity_and_changes_since(desk):
    name, acting, may = catalogue.identity(desk.as_("Rita Risk"))
    assert (name, acting.name, acting.role) == ("Test registry", "Rita Risk", "Model risk manager")
    assert {who.name for who in may} == set(desk.people)
    before = catalogue.head(desk.workspace)
    people.grant(desk.workspace, desk.people["Dev Patel"], people.Role.AUDITOR, PASSPHRASE)
    changes = catalogue.since(desk.workspace, before)
    assert [(c.seq, "role.granted" in c.kinds) for c in changes] == [(before + 1, True)]
    assert catalogue.act_as(desk.workspace, may[0]).actor == may[0].id
