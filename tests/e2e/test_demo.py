"""The demo, built once on fewer rows with a real MLflow server: its story holds, and nothing outside is touched."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from desktop_app.cli.command import Call
from desktop_app.demo import cast, decisions, workbook
from desktop_app.demo.build import DemoReport, build
from desktop_app.demo.training import SCORECARD
from desktop_app.domain.evidence import EvidenceKind, Verdict, worst
from desktop_app.domain.listing import sounding
from desktop_app.domain.model import DigestOf, Nature, Origin, UseState
from desktop_app.domain.policy import Meaning
from desktop_app.errors import UserError
from desktop_app.operations import approvals, audit, gates, inventory, models, packs, people, reperforming
from desktop_app.progress import Progress
from desktop_app.workspace import open_workspace

ROWS, EXPLAINED = 6_000, 30


def files_below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(report, folder, the user's home after the build)."""
    folder, home = tmp_path_factory.mktemp("place") / "demo", tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
            patch.setenv(name, str(home))
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("ASSAYDESK_HOME", "to be replaced")
        report = build(folder, Progress(), applicants=ROWS, explained=EXPLAINED)
        assert os.environ["ASSAYDESK_HOME"] == str(folder)
    return report, folder, home


@pytest.fixture
def demo(built):
    workspace = open_workspace(built[0].registry, built[0].person)
    yield built[0], workspace
    workspace.close()


def test_nothing_of_the_user_is_touched(built):
    _, folder, home = built
    ours = ("assaydesk", "keyring", "mlflow")
    assert [f for f in files_below(home) if any(word in f.lower() for word in ours)] == []
    assert (folder / "keys" / "no-keyring").exists()
    assert len(list((folder / "artefacts").iterdir())) == 5


def test_the_log_verifies_and_everybody_signs_with_a_key_of_their_own(demo):
    report, workspace = demo
    checked = audit.verify(workspace)
    assert (checked.problems, checked.entries) == ((), report.entries)
    assert [name for name, _ in report.people] == sorted(
        [cast.RISK, cast.DEVELOPER, cast.OWNER, cast.VALIDATOR, cast.COMPLIANCE, cast.AUDITOR])
    assert len(workspace.signer.keys()) == 6


def test_the_counters_are_exactly_what_was_planted(demo):
    view = inventory.overview(demo[1])
    named = {c.key: sorted({r.name for r in view.rows if c.key in sounding(r, view.today)}) for c in view.counters}
    assert named == {
        "used_without_approval": sorted([workbook.USED_OUTSIDE, *workbook.REVIEW_LATE]),
        "review_overdue": sorted(workbook.REVIEW_LATE), "condition_overdue": [workbook.CONDITION_LATE],
        "validation_overdue": [workbook.VALIDATION_LATE], "finding_overdue": [workbook.FINDING_LATE],
        "exception_ending": [workbook.ASSISTANT]}


def test_the_inventory_holds_every_kind_of_model_the_story_names(demo):
    view = inventory.overview(demo[1])
    rows = {r.name: r for r in view.rows}
    assert len(view.rows) == 45
    assert rows[workbook.BLACK_BOX].origin is Origin.VENDOR
    assert rows[workbook.NOT_A_MODEL].nature is Nature.NOT_A_MODEL
    assert rows[workbook.RETIRED].use_state is UseState.RETIRED
    assert rows[workbook.ASSISTANT].use_state is UseState.PILOT
    assert rows[workbook.ASSISTANT].exception_kind == "use_before_validation"
    assert 0 <= (rows[workbook.ASSISTANT].exception_until - view.today).days <= 30
    assert rows[workbook.OVERLAID].overlay == "€ 2.1 million"
    assert [r.family for r in view.rows if r.name.startswith("Mortgage PD")] == [
        "buy-to-let", "guaranteed", "owner-occupied"]
    assert {r.use_state for r in view.rows if r.name == workbook.PARALLEL} == {UseState.PARALLEL_RUN, UseState.IN_USE}
    assert {r.approval_basis for r in view.rows if r.name == workbook.USED_OUTSIDE} == {"prior_decision", ""}
    assert rows[workbook.BY_MAIL].approval_basis == "prior_decision"
    assert "Student loan PD" not in rows  # one id for two models: both refused


def test_version_1_may_be_used_by_three_signatures(demo):
    report, workspace = demo
    version, use = report.versions[f"{SCORECARD} 1"], report.uses[SCORECARD]
    answer = gates.gate(workspace, version, use)
    assert answer.allowed, answer.reasons
    assert "signed decisions" in answer.reasons[0]
    seen = approvals.review(workspace, report.requests["1"])
    assert [s.name for s in seen.sign_offs] == [cast.VALIDATOR, cast.RISK, cast.COMPLIANCE]
    assert {c.state.value for c in seen.dossier.record.checks} <= {"satisfied", "attention"}
    view = models.version(workspace, version)
    assert (view.artefact.of, view.artefact.format) == (DigestOf.ARTEFACT, "skops")
    assert view.aliases == ("champion",)
    assert {e.record.evidence_kind for e in view.evidence} == {
        EvidenceKind.PERFORMANCE, EvidenceKind.FAIRNESS, EvidenceKind.EXPLANATION, EvidenceKind.ARTEFACT_SCAN,
        EvidenceKind.DOCUMENT}


def test_version_2_is_rejected_for_a_bias_that_was_measured(demo):
    report, workspace = demo
    version, use = report.versions[f"{SCORECARD} 2"], report.uses[SCORECARD]
    assert not gates.gate(workspace, version, use).allowed
    assert approvals.review(workspace, report.requests["2"]).outcome == "rejected"
    view = models.version(workspace, version)
    bias = next(e.record for e in view.evidence if e.record.evidence_kind is EvidenceKind.FAIRNESS)
    assert worst(bias.verdicts) is Verdict.BREACHED
    by_sex = next(v for v in bias.verdicts if v.criterion.attribute == "sex")
    assert (by_sex.verdict, by_sex.worst_group) == (Verdict.BREACHED, "F")
    assert [f.finding.severity.value for f in view.findings if f.is_open] == ["high", "high"]


def test_version_3_waits_for_a_second_signature(demo):
    report, workspace = demo
    seen = approvals.review(workspace, report.requests["3"])
    assert (seen.outcome, seen.quorum.decided, seen.quorum.asked, seen.refusal) == ("open", 1, 3, None)
    assert [s.name for s in seen.sign_offs] == [cast.VALIDATOR]
    assert approvals.listing(workspace)[0].waits_for_me
    assert models.version(workspace, report.versions[f"{SCORECARD} 3"]).aliases == ("challenger",)


def test_the_audit_pdfs_verify(demo):
    for path in demo[0].pdfs:
        assert packs.verify(demo[1], Path(path)).problems == ()


def test_the_bias_report_gives_the_same_numbers_again(demo, built):
    view = models.version(demo[1], demo[0].versions[f"{SCORECARD} 2"])
    bias = next(e.record for e in view.evidence if e.record.evidence_kind is EvidenceKind.FAIRNESS)
    table = built[1] / "tables" / bias.inputs[0].name
    assert reperforming.reperform(demo[1], bias.id, table).same


# ---- again, and elsewhere


def test_a_complete_demo_is_opened_not_made_again(built, monkeypatch):
    report, folder, _ = built
    before = (folder / "registry.assay").stat().st_mtime_ns
    monkeypatch.setenv("ASSAYDESK_HOME", "to be replaced")
    again = build(folder, Progress())
    assert again == DemoReport(**(vars(report) | {"opened": True}))
    assert (folder / "registry.assay").stat().st_mtime_ns == before


def test_a_demo_that_was_moved_and_worked_in_opens_as_it_is_now(built, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAYDESK_HOME", str(tmp_path / "moved"))
    shutil.copytree(built[1], tmp_path / "moved")
    there = open_workspace(tmp_path / "moved" / "registry.assay")
    crew = cast.Cast(there, {p.name: p.id for p in people.listing(there)})
    decisions.sign(crew, cast.RISK, built[0].requests["3"], Meaning.APPROVE)
    there.close()
    again = build(tmp_path / "moved", Progress())
    assert (again.person, again.request) == (cast.COMPLIANCE, "R-3")
    assert (again.opened, again.entries) == (True, built[0].entries + 1)
    assert again.registry == str(tmp_path / "moved" / "registry.assay")


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other things"):
        build(tmp_path, Progress())
    assert files_below(tmp_path) == ["thesis.txt"]


def test_a_half_made_demo_is_named_and_only_what_the_demo_made_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAYDESK_HOME", "to be replaced")
    (tmp_path / "demo.json").write_text(json.dumps({"complete": False}))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "old.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    said = []

    def stop(fraction, status):
        said.append(status)
        if "people" in status:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Progress(stop))
    assert "half made" in said[0]
    assert files_below(tmp_path) == ["demo.json", "notes.txt"]
    assert json.loads((tmp_path / "demo.json").read_text()) == {"complete": False}


# ---- the command


def command(folder, **options):
    from desktop_app.cli.on_demo import demo as run

    calls = []

    def take_screens(registry, person, into):
        calls.append(("screens", registry, person))
        return [into / "inventory.png"]

    def open_window(registry, person):
        calls.append(("window", registry, person))
        return 0

    given = {"dir": folder, "no_window": False, "json": False, "quiet": True} | options
    return run(Call(argparse.Namespace(**given), Progress(), open_window, take_screens)), calls


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_it_says_so_and_leaves_pictures(built, monkeypatch):
    monkeypatch.setenv("ASSAYDESK_HOME", "to be replaced")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    result, calls = command(built[1])
    assert calls == [("screens", built[0].registry, cast.RISK)]
    text = "\n".join(result.lines)
    assert "there is no display" in text
    assert cast.PASSPHRASE in text
    assert "R-3 waits for Marit Hoekstra" in text


def test_with_a_display_the_window_opens_for_whom_a_decision_waits(built, monkeypatch, capsys):
    monkeypatch.setenv("ASSAYDESK_HOME", "to be replaced")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    _, calls = command(built[1], quiet=False)
    assert calls == [("window", built[0].registry, cast.RISK)]
    out = capsys.readouterr()
    assert f"Everybody's passphrase: {cast.PASSPHRASE}" in out.out
    assert "opened the demo" in out.err


def test_without_mlflow_the_versions_are_added_by_hand_and_the_report_says_so(tmp_path, monkeypatch):
    from desktop_app.demo import arrival, tracking

    monkeypatch.setenv("ASSAYDESK_HOME", str(tmp_path))
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    crew = cast.found(tmp_path)
    arrived = arrival.arrive(crew, tmp_path, 1_000, Progress())
    assert "by hand" in arrived.note
    assert "not installed" in arrived.note
    assert len(arrived.version) == 5
    exact = models.version(crew.workspace, arrived.version[SCORECARD, "2"])
    assert exact.artefact.format == "xgboost"
    assert audit.verify(crew.workspace).problems == ()
    crew.workspace.close()
