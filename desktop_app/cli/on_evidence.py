"""performance, explain, evidence: what is computed and filed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.cli.command import Call, Result, arg, command, find_labelled, find_version
from desktop_app.domain.dataset import InDatabase
from desktop_app.errors import UserError

if TYPE_CHECKING:
    from desktop_app.domain.evidence import CriterionResult, Evidence, Measure

ANYWHERE = (
    arg("--data", required=True, metavar="FILE|URL",
        help="CSV, Parquet, a folder of Parquet files, or postgresql://USER@HOST/DATABASE with --table"),
    arg("--table", metavar="SCHEMA.NAME", help="the table or view in that database; its rows stay there"))
_DATA = arg("--data", required=True, type=Path, metavar="FILE", help="CSV or Parquet")
ATTACH = arg("--attach", metavar="NAME@LABEL", help="file it as evidence on this version")


def number(text: str | None) -> float | None:
    """A recorded number as JSON has it."""
    return None if text is None else float(text)


def data_of(call: Call) -> Path | InDatabase:
    """A file, or a table in a database. Raises UserError."""
    given, table = call.args.data, call.args.table
    if ("://" in given) != (table is not None):
        raise UserError("Say which table.", "A database needs --table; a file takes none.",
                        "Give --data postgresql://USER@HOST/DATABASE --table SCHEMA.NAME, or --data FILE.")
    return InDatabase(address=given, table=table) if table is not None else Path(given)


def verdict_data(results: tuple[CriterionResult, ...]) -> list[dict[str, Any]]:
    """Criteria as JSON has them."""
    return [
        {
            "name": r.criterion.metric,
            "attribute": r.criterion.attribute,
            "value": number(r.measure.value),
            "low": number(r.measure.low),
            "high": number(r.measure.high),
            "p_raw": number(r.p_raw),
            "p_adjusted": number(r.p_adjusted),
            "threshold": number(r.criterion.threshold),
            "verdict": r.verdict.value,
            "reason": r.sentence,
        }
        for r in results
    ]


def measure_words(measure: Measure) -> str:
    """A number with its interval, or why there is none."""
    if measure.value is None:
        return measure.reason
    between = f" [{float(measure.low):.3f}, {float(measure.high):.3f}]" if measure.low and measure.high else ""
    return f"{float(measure.value):.3f}{between}"


def verdict_lines(results: tuple[CriterionResult, ...]) -> list[str]:
    """Criteria, a line each."""
    return [f"{r.verdict.value.replace('_', ' '):14} {r.sentence}" for r in results]


@command(
    "performance",
    "a performance report on a table, filed as evidence",
    _DATA,
    arg("--attach", metavar="NAME@LABEL", required=True, help="the version it is about"),
    arg("--label", required=True, metavar="COL", help="what really happened"),
    arg("--positive", default="1", metavar="VALUE", help="the value of the label that counts; 1 unless given"),
    arg("--decision", metavar="COL", help="what was decided by the model"),
    arg("--score", metavar="COL", help="the score the model gave"),
    arg("--min-auc", type=float, help="least AUC; chosen before the run"),
)
def performance(call: Call) -> Result:
    """Discrimination and calibration, with intervals."""
    from desktop_app.domain.canonical import Number
    from desktop_app.domain.evidence import Criterion, PerformanceSpec
    from desktop_app.operations import evidence

    a = call.args
    criteria = (
        ()
        if a.min_auc is None
        else (Criterion(metric="auc", attribute="", threshold=Number(repr(a.min_auc)), direction="at_least"),)
    )
    spec = PerformanceSpec(label=a.label, positive=a.positive, decision=a.decision, score=a.score, criteria=criteria)
    with call.workspace() as ws:
        version = find_version(ws, a.attach)[1]
        item = evidence.get(ws, evidence.report(ws, version, a.data, spec, progress=call.progress))
    result = item.record.performance
    assert result is not None
    lines = verdict_lines(item.record.verdicts) + [
        f"{m.name.replace('_', ' '):20} {measure_words(m.measure)}" for m in result.measures
    ]
    return Result(
        [*lines, *result.notes, f"Filed as {item.label}."],
        {
            "evidence": item.label,
            "notes": list(result.notes),
            "measures": {m.name: number(m.measure.value) for m in result.measures},
            "criteria": verdict_data(item.record.verdicts),
        },
    )


@command(
    "explain",
    "a SHAP report of a version's own artefact on a table, filed as evidence",
    _DATA,
    arg("--attach", metavar="NAME@LABEL", required=True, help="the version it is about"),
    arg("--feature", action="append", default=[], metavar="COL", help="in the model's order; default: every column"),
    arg("--exclude", action="append", default=[], metavar="COL", help="a column that is no feature"),
    arg("--rows", type=int, default=500, metavar="N", help="how many rows are explained; default: 500"),
    arg("--background", type=int, default=200, metavar="N", help="how many they are compared with; default: 200"),
    arg("--row", type=int, default=1, help="the record to explain; the first row below the names is 1"),
    arg("--seed", type=int, default=0, metavar="N", help="the draw of rows; the same seed gives the same; default: 0"),
)
def explain(call: Call) -> Result:
    """Runs in a process of its own; pickles are refused."""
    from desktop_app.domain.evidence import ExplanationSpec
    from desktop_app.operations import evidence

    a = call.args
    with call.workspace() as ws:
        features = tuple(a.feature) or tuple(c for c in evidence.columns_of(a.data) if c not in a.exclude)
        spec = ExplanationSpec(features=features, rows=a.rows, background=a.background, row=a.row - 1, seed=a.seed)
        version = find_version(ws, a.attach)[1]
        item = evidence.get(ws, evidence.explanation(ws, version, a.data, spec, progress=call.progress))
    result = item.record.explanation
    assert result is not None
    lines = [
        f"{result.explainer} explainer, {result.output}; "
        f"residual {float(result.additivity_residual):.1e}; {result.isolation}"
    ]
    lines += [f"{i.feature:32} {float(i.mean_abs):.5f}" for i in result.importances[:12]]
    if len(result.importances) > 12:
        lines.append(f"and {len(result.importances) - 12:,} smaller")
    return Result(
        [*lines, *result.notes, f"Filed as {item.label}."],
        {
            "evidence": item.label,
            "notes": list(result.notes),
            "explainer": result.explainer,
            "output": result.output,
            "importances": [{"feature": i.feature, "mean_abs": float(i.mean_abs)} for i in result.importances],
        },
    )


@command("evidence list", "evidence, newest first", arg("--about", metavar="NAME@LABEL", help="only of one version"))
def evidence_list(call: Call) -> Result:
    """Superseded and withdrawn evidence is marked."""
    from desktop_app.operations import evidence

    with call.workspace() as ws:
        about = find_version(ws, call.args.about)[1] if call.args.about else None
        found = evidence.listing(ws, about)
    lines = [
        f"{e.item.label:6} {e.model_name}@{e.version_label:8} {e.item.record.evidence_kind.value:14} "
        f"{e.item.record.title} ({e.item.record.standing.value.replace('_', ' ')})"
        f"{'' if e.stands else ', no longer stands'}"
        for e in found
    ]
    return Result(
        lines,
        {
            "evidence": [
                {
                    "label": e.item.label,
                    "id": e.item.record.id,
                    "kind": e.item.record.evidence_kind.value,
                    "stands": e.stands,
                    "title": e.item.record.title,
                    "sha256": e.item.digest,
                }
                for e in found
            ]
        },
    )


@command(
    "evidence groups", "write the groups of a bias report to a file for handing on, without small counts",
    arg("evidence", metavar="E-N", help="the report, by its number"),
    arg("file", type=Path, help="NAME.csv"),
    arg("--smallest", type=int, metavar="N", help="counts from 1 to N − 1 are left out, and others besides so that "
        "none can be worked out; default: 10, or none where the preset wants all published"),
)
def evidence_groups(call: Call) -> Result:
    """The export is itself recorded."""
    from desktop_app.domain.evidence import Evidence
    from desktop_app.operations import evidence

    with call.workspace() as ws:
        change, left_out = evidence.export_groups(
            ws, find_labelled(ws, Evidence, call.args.evidence), call.args.file, call.args.smallest)
    said = f"{left_out:,} counts were left out." if left_out else "No count was left out."
    return Result([f"Wrote {call.args.file}. {said}"], {"file": str(call.args.file), "left_out": left_out,
                                                        "entry": change.seq})


@command("evidence reperform", "compute a report again and compare every number",
         arg("evidence", metavar="E-N", help="the report, by its number"), *ANYWHERE)  # fmt: skip
def evidence_reperform(call: Call) -> Result:
    """Exit code 1 when a number differs."""
    from desktop_app.domain.evidence import Evidence
    from desktop_app.operations import reperforming

    with call.workspace() as ws:
        item = find_labelled(ws, Evidence, call.args.evidence)
        again = reperforming.reperform(ws, item, data_of(call), call.progress)
    return Result([again.words], {"same": again.same, "identical": again.same and not again.nearly,
                                  "differences": list(again.differences)}, 0 if again.same else 1)


@command(
    "import document",
    "file a document on a checklist line of a version",
    arg("version", metavar="NAME@LABEL", help="the version, by its model's name and its label"),
    arg("path", type=Path, help="the document: PDF, Word, Excel, mail or text"),
    arg("--line", default="other", help="line of the policy's checklist, by its key: development, "
                                    "monitoring, implementation or retirement in the policy that comes along; "
                                    "or other"),
    arg("--title", default="", help="its title; default: what the file says"),
    arg("--author", default="", help="who wrote it; default: what the file says"),
    arg("--received", type=date.fromisoformat, metavar="YYYY-MM-DD", help="when it was received; default: today"),
    arg("--from", dest="period_from", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first day it is about"),
    arg("--to", dest="period_to", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last day it is about"),
)
def import_document(call: Call) -> Result:
    """Kept with its digest: asserted, not recomputed."""
    from desktop_app.operations import evidence

    a = call.args
    with call.workspace() as ws:
        filed = evidence.get(
            ws,
            evidence.file_document(
                ws,
                find_version(ws, a.version)[1],
                a.path,
                checklist=a.line,
                title=a.title,
                author=a.author,
                received=a.received,
                period=(a.period_from, a.period_to),
            ),
        )
    document: Evidence = filed.record
    assert document.document is not None
    return Result(
        [f"Filed as {filed.label}; sha256 {document.document.blob}. Asserted, not recomputed."],
        {"evidence": filed.label, "sha256": document.document.blob},
    )
