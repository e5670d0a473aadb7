"""Evidence: planned before it is computed, superseded by the next of its title, withdrawn with a reason, made again."""

from __future__ import annotations

import errno
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from desktop_app.domain.evidence import (
    Criterion,
    EvidenceKind,
    EvidencePlanned,
    ExplanationSpec,
    FairnessSpec,
    PerformanceSpec,
    Standing,
    Verdict,
)
from desktop_app.errors import Cancelled, NotFound, Refused, Unreachable, UserError
from desktop_app.operations import artefacts, audit, evidence, lineage, reperforming
from desktop_app.progress import Progress
from desktop_app.settings import data_folder

SPEC = FairnessSpec(label="label", decision="decision", positive="1", favourable=True, sensitive=("SEX",),
                    criteria=(Criterion(metric="impact_ratio", attribute="SEX", threshold="0.8",
                                        direction="at_least"),))


@pytest.fixture
def table(tmp_path):
    """400 people; 120 of 200 men and 100 of 200 women are selected: rates 0.6 and 0.5, ratio 0.8333."""
    rows = [{"SEX": sex, "decision": int(n < selected), "label": int(n < 100)}
            for sex, selected in (("m", 120), ("f", 100)) for n in range(200)]
    path = tmp_path / "data.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_the_spec_is_an_entry_before_the_result(desk, table):
    made = evidence.get(desk.workspace, evidence.report(desk.as_("Dev Patel"), desk.version, table, SPEC))
    with desk.workspace.store.read() as reader:
        plan = reader.get(EvidencePlanned, made.record.plan)
    assert plan.record.fairness == SPEC == made.record.fairness_spec
    assert plan.seq < made.seq
    assert (made.record.standing, made.record.evidence_kind) == (Standing.COMPUTED, EvidenceKind.FAIRNESS)


def test_the_numbers_are_those_counted_by_hand(desk, table):
    made = evidence.get(desk.workspace, evidence.report(desk.as_("Dev Patel"), desk.version, table, SPEC)).record
    groups = {g.group: g for g in made.fairness.groups}
    assert {k: (g.n, g.selected) for k, g in groups.items()} == {"m": (200, 120), "f": (200, 100)}
    assert float(groups["f"].ratio.value) == pytest.approx(100 / 120)
    assert made.inputs[0].digest == hashlib.sha256(table.read_bytes()).hexdigest()


def test_a_report_supersedes_the_one_before_it_of_its_title(desk, table):
    ws = desk.as_("Dev Patel")
    first = evidence.report(ws, desk.version, table, SPEC)
    evidence.report(ws, desk.version, table, SPEC, title="On another sample")
    second = evidence.report(ws, desk.version, table, SPEC)
    lines = evidence.listing(ws, desk.version)
    assert [(line.item.label, line.stands) for line in lines] == [("E-3", True), ("E-2", True), ("E-1", False)]
    assert evidence.get(ws, second).record.supersedes == first
    assert evidence.listing(ws)[0].by == "Dev Patel"


def test_what_is_reperformed_is_the_same_on_the_same_table_only(desk, table, tmp_path):
    ws = desk.as_("Dev Patel")
    made = evidence.report(ws, desk.version, table, SPEC)
    assert reperforming.reperform(ws, made, table) == reperforming.Reperformance()
    other = tmp_path / "other.csv"
    other.write_text(table.read_text() + "m,1,1\n")
    with pytest.raises(Refused, match="not the table"):
        reperforming.reperform(ws, made, other)


@pytest.mark.parametrize(("change", "same"), [
    (lambda v: replace(v, sentence="Said better."), True),
    (lambda v: replace(v, measure=replace(v.measure, method="Katz, in other words")), True),
    (lambda v: replace(v, measure=replace(v.measure, low="0.7")), False),
    (lambda v: replace(v, verdict=Verdict.MET), False), (lambda v: replace(v, worst_group="m"), False),
])
def test_what_is_reperformed_is_compared_by_its_numbers_not_its_words(desk, table, monkeypatch, change, same):
    from desktop_app.analysis import fairness

    ws, compute = desk.as_("Dev Patel"), fairness.measured
    made = evidence.report(ws, desk.version, table, SPEC)

    def later(*arguments):
        result, verdicts = compute(*arguments)
        return replace(result, notes=("Another note.",)), tuple(map(change, verdicts))

    monkeypatch.setattr(fairness, "measured", later)
    assert reperforming.reperform(ws, made, table).same is same


def test_groups_leave_without_small_counts_and_the_export_is_recorded(desk, tmp_path):
    rows = [f"{g},{int(i < k)}" for g, (n, k) in {"a": (200, 90), "b": (150, 4), "=c": (120, 60)}.items()
            for i in range(n)]
    (tmp_path / "t.csv").write_text("g,d\n" + "\n".join(rows) + "\n")
    ws = desk.as_("Dev Patel")
    spec = FairnessSpec(label=None, decision="d", positive="1", favourable=True, sensitive=("g",))
    made = evidence.report(ws, desk.version, tmp_path / "t.csv", spec)
    change, left_out = evidence.export_groups(ws, made, tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_bytes().decode("utf-8-sig").splitlines()
    assert left_out == 2  # b's four, and the smallest besides: else the total would tell it
    assert text[0] == "attribute,group,n,selected,share selected,ratio,relative to"
    assert [line.split(",")[:4] for line in text[1:]] == [
        ["g", "'=c", "suppressed", "suppressed"], ["g", "a", "200", "90"], ["g", "b", "suppressed", "suppressed"]]
    assert "2 counts left out" in change.note
    _, none = evidence.export_groups(ws, made, tmp_path / "all.csv", 0)
    assert none == 0
    assert "suppressed" not in (tmp_path / "all.csv").read_text("utf-8-sig")
    with pytest.raises(UserError, match="no counts of groups"):
        evidence.export_groups(ws, evidence.report(ws, desk.version, tmp_path / "t.csv", PerformanceSpec(
            label="d", positive="1", decision="d")), tmp_path / "x.csv")


def test_performance_is_reperformed_too_and_documents_are_not(desk, table, tmp_path):
    ws = desk.as_("Dev Patel")
    spec = PerformanceSpec(label="label", positive="1", decision="decision")
    made = evidence.report(ws, desk.version, table, spec)
    assert reperforming.reperform(ws, made, table).same
    paper = evidence.file_document(ws, desk.version, table, checklist="other")
    with pytest.raises(UserError, match="not re-performed"):
        reperforming.reperform(ws, paper, table)


def test_a_document_is_kept_as_it_was_and_replaced_on_its_line(desk, tmp_path):
    ws, plan = desk.as_("Dev Patel"), tmp_path / "plan.txt"
    filed = []
    for text in ("first", "second"):
        plan.write_text(text)
        filed.append(evidence.file_document(ws, desk.version, plan, checklist="monitoring", author="Dev"))
    evidence.file_document(ws, desk.version, plan, checklist="other")
    evidence.file_document(ws, desk.version, plan, checklist="other")
    assert [line.stands for line in reversed(evidence.listing(ws))] == [False, True, True, True]
    change = evidence.save_document(ws, filed[0], tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "first"
    last = audit.listing(ws)[0]
    assert (last.seq, last.actor, last.action) == (change.seq, "Dev Patel", "document.saved")
    assert last.told == "Saved a copy of E-1, plan.txt"
    info = evidence.get(ws, filed[0]).record.document
    assert (info.blob, info.size) == (hashlib.sha256(b"first").hexdigest(), 5)
    assert {line.author for line in evidence.listing(ws) if line.item.record.document.author} == {"Dev"}
    assert evidence.get(ws, filed[0]).record.standing is Standing.ASSERTED
    assert audit.verify(ws).ok


def test_withdrawn_evidence_needs_a_reason_and_no_longer_stands(desk, tmp_path):
    ws, paper = desk.as_("Dev Patel"), tmp_path / "paper.txt"
    paper.write_text("x")
    filed = evidence.file_document(ws, desk.version, paper, checklist="other")
    with pytest.raises(UserError, match="Say why"):
        evidence.withdraw(ws, filed, " ")
    evidence.withdraw(ws, filed, "wrong file")
    assert [line.stands for line in evidence.listing(ws)] == [False]
    with pytest.raises(NotFound):
        evidence.withdraw(ws, "nothing", "x")


@pytest.mark.parametrize("name", ["Val Idris", "Rita Risk", "Cora Compliance"])
def test_the_second_line_withdraws_what_others_filed(desk, tmp_path, name):
    (tmp_path / "paper.txt").write_text("x")
    filed = evidence.file_document(desk.as_("Dev Patel"), desk.version, tmp_path / "paper.txt", checklist="other")
    evidence.withdraw(desk.as_(name), filed, "wrong")
    assert [line.stands for line in evidence.listing(desk.workspace)] == [False]


@pytest.mark.parametrize("name", ["Dev Patel", "Olga Owner", "Ann Admin"])
def test_the_first_line_does_not(desk, tmp_path, name):
    (tmp_path / "paper.txt").write_text("x")
    filed = evidence.file_document(desk.as_("Val Idris"), desk.version, tmp_path / "paper.txt", checklist="other")
    with pytest.raises(Refused, match="Your role does not allow this"):
        evidence.withdraw(desk.as_(name), filed, "inconvenient")
    assert [line.stands for line in evidence.listing(desk.workspace)] == [True]


def test_only_documents_are_saved_as_files(desk, table, tmp_path):
    made = evidence.report(desk.as_("Dev Patel"), desk.version, table, SPEC)
    with pytest.raises(UserError, match="not a document"):
        evidence.save_document(desk.workspace, made, tmp_path / "x")


def test_lineage_knows_what_was_evaluated_on_what(desk, table):
    made = evidence.report(desk.as_("Dev Patel"), desk.version, table, SPEC)
    graph, _, _ = lineage.picture(desk.workspace, desk.version)
    edges = {(e.effect, e.relation, e.cause) for e in graph.edges}
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    assert {(made, "evaluated_on", desk.version), (made, "used", f"dataset:{digest}")} <= edges


def test_a_preview_files_nothing(desk, table):
    head = audit.head_seq(desk.workspace)
    result, verdicts, source = evidence.preview(table, SPEC)
    assert (result.rows, len(verdicts), source.rows) == (400, 1, 400)
    assert evidence.columns_of(table) == ("SEX", "decision", "label")
    assert audit.head_seq(desk.workspace) == head


AUC = Criterion(metric="auc", attribute="", threshold="0.7", direction="at_least")
SCORED = PerformanceSpec(label="label", positive="1", score="score", criteria=(AUC,))


@pytest.mark.parametrize(("rows", "spec", "said"), [
    (400, replace(SPEC, label=None, decision="nothing"), "nothing"),
    (400, replace(SPEC, label="word"), "“word” never has the value “1”"),
    (400, replace(SPEC, criteria=(replace(SPEC.criteria[0], threshold="80.0"),)), "not between 0 and 1"),
    (1, SPEC, "too small for a bias report"),
    (1, SCORED, "too small for a performance report"),
    (100, SCORED, "the same “label”"),
    (400, replace(SCORED, criteria=(replace(AUC, threshold="70.0"),)), "not between 0 and 1"),
    (400, replace(SCORED, score=None, decision="decision"), "no score column"),
])
def test_what_cannot_be_told_from_a_table_leaves_no_entry(desk, table, rows, spec, said):
    """The label is 1 in the first 100 rows."""
    frame = pd.read_csv(table).head(rows)
    frame.assign(score=0.5, word=["yes" if y else "no" for y in frame.label]).to_csv(table, index=False)
    head = audit.head_seq(desk.workspace)
    with pytest.raises(UserError, match=said) as refused:
        evidence.report(desk.as_("Dev Patel"), desk.version, table, spec)
    assert refused.value.remedy
    assert audit.head_seq(desk.workspace) == head


def test_a_label_with_its_own_value_is_recorded_and_made_again(desk, table):
    pd.read_csv(table).replace({"label": {1: "paid", 0: "default"}}).to_csv(table, index=False)
    spec = replace(SPEC, label_positive="paid")
    ws = desk.as_("Dev Patel")
    made = evidence.report(ws, desk.version, table, spec)
    assert evidence.get(ws, made).record.fairness_spec == spec
    assert reperforming.reperform(ws, made, table).same


@pytest.mark.parametrize(("features", "row", "said"), [
    (("age",), 0, "Missing: income. Unknown to it: none."),
    (("age", "income", "label"), 0, "Missing: none. Unknown to it: label."),
    (("age", *(f"x{n}" for n in range(12))), 0, "x8, x9 and 2 more."),
    (("age", "incom"), 0, "no column"), (("age", "income"), 400, "There is no row 401."),
])
def test_a_model_that_does_not_take_the_features_leaves_no_entry(desk, tmp_path, features, row, said):
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"age": draw.integers(18, 80, 400), "income": draw.normal(size=400)})
    model = LogisticRegression().fit(frame, frame.income > 0)
    skops.io.dump(model, tmp_path / "model.skops")
    frame.assign(label=1, **{f"x{n}": 0.5 for n in range(12)}).to_csv(tmp_path / "t.csv", index=False)
    ws = desk.as_("Dev Patel")
    artefacts.resolve(ws, desk.version, tmp_path / "model.skops")
    head = audit.head_seq(ws)
    asked = ExplanationSpec(features=features, rows=10, background=2000, row=row, seed=0)
    with pytest.raises(UserError) as refused:
        evidence.explanation(ws, desk.version, tmp_path / "t.csv", asked)
    assert said in str(refused.value)
    assert audit.head_seq(ws) == head
    asked = replace(asked, features=("age", "income"), row=0)
    made = evidence.get(ws, evidence.explanation(ws, desk.version, tmp_path / "t.csv", asked)).record
    assert made.explanation.notes[1] == (
        "2,000 background rows were asked for; the table has 400, and all of them were taken.")


def test_a_cancelled_report_files_no_result(desk, table):
    at = []
    progress = Progress(lambda fraction, _: at.append(fraction), lambda: bool(at))
    with pytest.raises(Cancelled):
        evidence.report(desk.as_("Dev Patel"), desk.version, table, SPEC, progress=progress)
    assert evidence.listing(desk.workspace) == ()


def test_a_stop_between_the_numbers_and_the_filing_files_nothing(desk, table, monkeypatch):
    from desktop_app.analysis import fairness

    stop, compute = [], fairness.measured

    def computed(*arguments):
        found = compute(*arguments)
        stop.append(True)
        return found

    monkeypatch.setattr(fairness, "measured", computed)
    with pytest.raises(Cancelled):
        evidence.report(desk.as_("Dev Patel"), desk.version, table, SPEC,
                          progress=Progress(cancelled=lambda: bool(stop)))
    assert stop
    assert evidence.listing(desk.workspace) == ()


# ---- the artefact


def test_an_artefact_is_what_the_version_is_from_then_on(desk, tmp_path):
    ws, path = desk.as_("Dev Patel"), tmp_path / "model.bin"
    path.write_bytes(b"not a model of a known kind")
    filed = evidence.get(ws, artefacts.resolve(ws, desk.version, path)).record
    digest, scan = artefacts.inspect(path)
    assert (filed.artefact, filed.scan.loadable) == (digest, scan.loadable)
    kept = artefacts.kept(ws, desk.version)[1]
    assert kept.read_bytes() == path.read_bytes()
    artefacts.resolve(ws, desk.version, path)  # again: the scan supersedes, the copy stays
    assert [line.stands for line in evidence.listing(ws)] == [True, False]
    path.write_bytes(b"other bytes")
    with pytest.raises(Refused, match="not the artefact of the version"):
        artefacts.resolve(ws, desk.version, path)


def artefacts_here():
    return sorted(p.name for p in (data_folder() / "artefacts").iterdir())


@pytest.mark.parametrize("folder", [False, True])
def test_a_copy_that_was_changed_is_not_opened_and_can_be_brought_in_again(desk, tmp_path, folder):
    ws, path = desk.as_("Dev Patel"), tmp_path / "model"
    inside = path / "model.txt" if folder else path
    inside.parent.mkdir(exist_ok=True)
    inside.write_bytes(b"tree\nversion=v4\nnum_class=1\n")
    artefacts.resolve(ws, desk.version, path)
    kept = artefacts.kept(ws, desk.version)[1]
    (kept / "model.txt" if folder else kept).write_bytes(b"tree\nversion=v4\nanother model\n")
    with pytest.raises(Refused, match="was changed"):
        artefacts.kept(ws, desk.version)[1]
    artefacts.resolve(ws, desk.version, path)
    kept = artefacts.kept(ws, desk.version)[1]
    assert (kept / "model.txt" if folder else kept).read_bytes() == inside.read_bytes()
    assert len(artefacts_here()) == 1


def test_a_full_disk_leaves_no_half_copy(desk, tmp_path, monkeypatch):
    ws, path = desk.as_("Dev Patel"), tmp_path / "model.bin"
    path.write_bytes(b"a model of some kind")

    def full(source, target, **_):
        Path(target).write_bytes(Path(source).read_bytes()[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    head = audit.head_seq(ws)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copy2", full)
        with pytest.raises(Unreachable, match="could not be copied") as refused:
            artefacts.resolve(ws, desk.version, path)
    assert "No space left" in refused.value.detail
    assert refused.value.remedy
    assert (artefacts_here(), audit.head_seq(ws)) == ([], head)
    artefacts.resolve(ws, desk.version, path)
    assert artefacts.kept(ws, desk.version)[1].read_bytes() == path.read_bytes()


def test_without_its_file_a_model_is_not_explained(desk, table):
    spec = ExplanationSpec(features=("SEX",), rows=10, background=10, row=0, seed=0)
    with pytest.raises(UserError, match="not on this machine"):
        evidence.explanation(desk.as_("Dev Patel"), desk.version, table, spec)


def test_what_may_run_code_is_not_explained(desk, table, tmp_path):
    import pickle

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"weights": [1, 2]}))
    ws = desk.as_("Dev Patel")
    artefacts.resolve(ws, desk.version, path)
    spec = ExplanationSpec(features=("SEX",), rows=10, background=10, row=0, seed=0)
    with pytest.raises(Refused, match="not opened"):
        evidence.explanation(ws, desk.version, table, spec)


def test_a_document_is_filed_on_a_line_of_the_policy_or_on_none(desk, tmp_path):
    paper, dev = tmp_path / "paper.txt", desk.as_("Dev Patel")
    paper.write_text("A paper.")
    before = audit.head_seq(desk.workspace)
    with pytest.raises(UserError) as told:
        evidence.file_document(dev, desk.version, paper, checklist="devlopment")
    assert told.value.title == "The policy has no document line “devlopment”."
    assert [line.partition(":")[0] for line in told.value.detail.splitlines()] == [
        "development", "monitoring", "implementation", "retirement", "other"]
    assert audit.head_seq(desk.workspace) == before
    for line in ("retirement", "other"):
        filed = evidence.file_document(dev, desk.version, paper, checklist=line)
        assert evidence.get(dev, filed).record.document.checklist == line
