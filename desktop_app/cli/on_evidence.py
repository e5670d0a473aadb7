"""fairness, performance, explain, evidence: what is computed and filed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from desktop_app.cli.command import Call, Result, arg, command, find_labelled, find_version
from desktop_app.domain.dataset import InDatabase
from desktop_app.domain.evidence import (
    CONFIDENTIALITY,
    JOIN,
    METHODS,
    METRICS,
    NO_SEARCH,
    PERIODS,
    ROW_METRICS,
    SEARCHES,
)
from desktop_app.errors import UserError

if TYPE_CHECKING:
    from desktop_app.domain.canonical import Number
    from desktop_app.domain.dataset import TableInput
    from desktop_app.domain.evidence import (
        CriterionResult,
        Evidence,
        FairnessResult,
        FairnessSpec,
        GroupRow,
        Measure,
        NamedMeasure,
        Verdict,
    )

_PRESETS = ("nyc-ll144-selection", "nyc-ll144-scoring", "ugesp-four-fifths", "fair-lending", "eu-conditional-disparity",
            "punitive-error-parity", "assistive-error-parity", "insurance-calibration")
_ANYWHERE = (
    arg("--data", required=True, metavar="FILE|URL",
        help="CSV, Parquet, a folder of Parquet files, or postgresql://USER@HOST/DATABASE with --table"),
    arg("--table", metavar="SCHEMA.NAME", help="the table or view in that database; its rows stay there"))
_DATA = arg("--data", required=True, type=Path, metavar="FILE", help="CSV or Parquet")
_ATTACH = arg("--attach", metavar="NAME@LABEL", help="file it as evidence on this version")


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _verdict_data(results: tuple[CriterionResult, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": r.criterion.metric,
            "attribute": r.criterion.attribute,
            "value": _number(r.measure.value),
            "low": _number(r.measure.low),
            "high": _number(r.measure.high),
            "p_raw": _number(r.p_raw),
            "p_adjusted": _number(r.p_adjusted),
            "threshold": _number(r.criterion.threshold),
            "verdict": r.verdict.value,
            "reason": r.sentence,
        }
        for r in results
    ]


def _measure_words(measure: Measure) -> str:
    if measure.value is None:
        return measure.reason
    between = f" [{float(measure.low):.3f}, {float(measure.high):.3f}]" if measure.low and measure.high else ""
    return f"{float(measure.value):.3f}{between}"


def _verdict_lines(results: tuple[CriterionResult, ...]) -> list[str]:
    return [f"{r.verdict.value.replace('_', ' '):14} {r.sentence}" for r in results]


@command(
    "fairness",
    "a bias report on a table",
    *_ANYWHERE,
    _ATTACH,
    arg("--label", metavar="COL", help="what really happened; may be left out"),
    arg("--decision", metavar="COL", help="what was decided by the model"),
    arg("--positive", action="append", metavar="VALUE",
        help="the value of the decision that is selected; 1 unless given; may be given again"),
    arg("--one-against-rest", action="store_true",
        help="decision and label may have many values: --positive is held against all others"),
    arg("--score", metavar="COL", help="scores from 0 to 1 that decide, in place of --decision"),
    arg("--threshold", metavar="X", help="a row is selected when its score is at least this"),
    arg("--label-positive", metavar="VALUE", help="the label's value that goes with it; as --positive unless given"),
    arg(
        "--favourable",
        default="positive",
        choices=["positive", "negative"],
        help="whether being selected is good for the person",
    ),
    arg("--sensitive", action="append", required=True, metavar="COL",
        help="the groups to compare, such as sex; may be given again"),
    arg("--intersect", action="append", default=[], metavar="COL,COL",
        help="groups of several attributes together; may be given again"),
    arg("--reference", action="append", default=[], metavar="COL=VALUE",
        help="the group that others are compared with; default: the one with the best outcome"),
    arg("--prediction", metavar="COL", help="a number that was predicted, held against a --label that is a number"),
    arg("--most-gap", type=float, metavar="X", help="of predictions: the largest difference of group means, in the "
        "label's units; chosen before the run"),
    arg("--weight", metavar="COL", help="what each row stands for"),
    arg("--strata", action="append", default=[], metavar="COL",
        help="a legitimate factor, within which groups are compared too; may be given again"),
    arg("--before", metavar="COL", help="what the version before decided on the same rows, or its score"),
    arg("--before-threshold", metavar="X", help="of that score; default: the same as --threshold"),
    arg("--margin", type=float, default=0.01, metavar="X",
        help="by how much a gap may grow against the version before; default: 0.01"),
    arg("--id", metavar="COL", help="names each row once: refused when one comes twice"),
    arg("--date", metavar="COL", help="the day of each row, as 2026-11-30: shares are told over time"),
    arg("--period", default="month", choices=list(PERIODS), help="in which they are told; default: month"),
    arg("--no-explore", action="store_true", help="do not look through intersections that are not named"),
    arg("--by-row", action="append", default=[], metavar="NAME", choices=list(ROW_METRICS),
        help=f"a measure of the score that is computed on the rows, slowly: {', '.join(ROW_METRICS)}; may be given "
             "again"),
    arg("--leave-out-under", metavar="X", help="where the preset allows it: groups under this share of the rows are "
        "left out of ratios, with --because"),
    arg("--because", default="", metavar="TEXT", help="the justification, printed with the report"),
    arg("--preset", metavar="NAME", help="the criteria of a rule or a practice: " + ", ".join(_PRESETS)),
    arg("--least-ratio", type=float, default=0.8, metavar="X",
        help="without a preset: the least impact ratio, chosen before the run; default: 0.8"),
    arg("--rule", default="interval", choices=["interval", "four_fifths_and_significant", "point"],
        help="when that is met: by its interval, by point and test, or by the point alone; default: interval"),
    arg("--min-group", type=int, default=30, metavar="N", help="smaller groups are not judged; default: 30"),
    arg("--search", choices=[*SEARCHES, NO_SEARCH], metavar="GAP",
        help=f"for what other cut-offs of a score are searched: {', '.join(SEARCHES)}, or {NO_SEARCH}; default: what "
             "the preset says, or impact_ratio"),
    arg("--group-cut-offs", action="store_true",
        help="search cut-offs of their own for groups too, where the preset allows it"),
    arg("--confidentiality", default="confidential", choices=list(CONFIDENTIALITY),
        help="of the search, printed with it; default: confidential"),
    arg("--bootstrap", type=int, default=2000, metavar="N",
        help="replicates for what has no closed interval; default: 2000"),
    arg("--seed", type=int, default=1, metavar="N", help="of the replicates; default: 1"),
)
def fairness(call: Call) -> Result:
    """Exit code 1 when a criterion is breached."""
    from desktop_app.operations import evidence

    spec = _fairness_spec(call)
    if call.args.attach:
        with call.workspace() as ws:
            version = find_version(ws, call.args.attach)[1]
            item = evidence.get(ws, evidence.report(ws, version, _data(call), spec, progress=call.progress))
        result, verdicts, filed, source = item.record.fairness, item.record.verdicts, item.label, item.record.inputs[0]
    else:
        result, verdicts, source = evidence.preview(_data(call), spec, call.progress)
        filed = None
    assert result is not None
    marks, said = evidence.group_verdicts(spec, result), evidence.alternatives(spec, result)
    lines = [*([spec.preset_words, ""] if spec.preset_words else []),
             *_verdict_lines(verdicts), "", *_change_lines(result), *_group_lines(spec, result, marks), "",
             *_slice_lines(result), *result.notes, *said, *_cut_off_lines(result),
             *(f"Not tested: {line}." for line in result.not_tested)]
    if filed:
        lines.append(f"Filed as {filed} on {call.args.attach}.")
    breached = any(v.verdict == "breached" for v in verdicts)
    data = _fairness_data(spec, source, result, verdicts)
    return Result(lines, data | {"evidence": filed}, 1 if breached else 0)


def _fairness_spec(call: Call) -> FairnessSpec:
    from desktop_app.domain.evidence import FairnessSpec
    from desktop_app.domain.model import Pair
    from desktop_app.operations import presets

    a = call.args
    _check_decision(call)
    positive, *also = a.positive or ["1"]
    spec = FairnessSpec(
        label=a.label,
        decision=a.decision or "",
        positive=positive,
        also_positive=tuple(also),
        one_against_rest=a.one_against_rest,
        score=a.score,
        threshold=_written(a.threshold),
        weight=a.weight,
        strata=tuple(a.strata),
        record_id=a.id,
        before=a.before,
        before_threshold=_written(a.before_threshold),
        metrics=METRICS,
        bootstrap=a.bootstrap,
        seed=a.seed,
        methods=METHODS,
        date=a.date,
        period=a.period if a.date else "",
        explore=not a.no_explore,
        by_row=tuple(a.by_row),
        least_share=_written(_share(a.leave_out_under)),
        least_share_why=a.because if a.leave_out_under is not None else "",
        favourable=a.favourable == "positive",
        sensitive=tuple(a.sensitive),
        intersections=tuple(tuple(text.split(",")) for text in a.intersect),
        reference=tuple(Pair(key=k, value=v) for k, _, v in (text.partition("=") for text in a.reference)),
        minimum_group=a.min_group,
        label_positive=a.label_positive if a.label and a.label_positive != positive else None,
        search=a.search or "",
        group_cut_offs=a.group_cut_offs,
        confidentiality=a.confidentiality if a.score and a.label and a.search != NO_SEARCH else "",
    )
    if a.prediction is not None:
        return replace(spec, prediction=a.prediction, criteria=presets.most_gap(spec, _written(a.most_gap)),
                       metrics=(), bootstrap=0, explore=False, methods=FairnessSpec.methods)
    spec = presets.applied(presets.named(a.preset), spec) if a.preset else \
        replace(spec, criteria=presets.least_ratio(spec, _written(a.least_ratio), a.rule))
    return replace(spec, criteria=(*spec.criteria, *presets.no_worse(spec, _written(a.margin))))


def _share(text: str | None) -> float | None:
    """A share, written as 0.02 or 2%. Raises UserError."""
    try:
        return None if text is None else float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise UserError("The share of the rows is not a number.", text or "", "Give one such as 0.02.") from error


def _written(given: float | str | None) -> Number | None:
    """A threshold as it was given, not a finite number included: whoever checks it says so."""
    return None if given is None else cast("Number", repr(float(given)))


def _data(call: Call) -> Path | InDatabase:
    """A file, or a table in a database. Raises UserError."""
    given, table = call.args.data, call.args.table
    if ("://" in given) != (table is not None):
        raise UserError("Say which table.", "A database needs --table; a file takes none.",
                        "Give --data postgresql://USER@HOST/DATABASE --table SCHEMA.NAME, or --data FILE.")
    return InDatabase(address=given, table=table) if table is not None else Path(given)


def _check_decision(call: Call) -> None:
    """One of a decision and a score, the score with its threshold. Raises UserError."""
    a = call.args
    if a.prediction is not None:
        if a.decision is not None or a.score is not None or a.label is None:
            raise UserError("A prediction of a number stands alone.", "It is held against --label, a number too.",
                            "Leave out --decision and --score, and give --label COL.")
        return
    if (a.decision is None) == (a.score is None):
        raise UserError("Say what was decided.", "Either the column with the decision, or the one with the score.",
                        "Give --decision COL, or --score COL with --threshold X.")
    median = a.preset is not None and a.preset.endswith("-scoring")
    if a.score is not None and a.threshold is None and not median:
        raise UserError("A score needs a threshold.", f"From which value of “{a.score}” on is a row selected?",
                        "Give --threshold X.")
    if a.score is None and a.threshold is not None:
        raise UserError("A threshold is for a score.", f"“{a.decision}” says already what was decided.",
                        "Leave out --threshold, or give --score COL in place of --decision.")
    if a.before_threshold is not None and (a.before is None or a.score is None):
        raise UserError("--before-threshold is for a score of the version before.", f"Given: {a.before_threshold}.",
                        "Leave it out, or give --score COL and --before COL with the scores of both versions.")
    for given in (a.threshold, a.before_threshold):
        try:
            float(given or 0)
        except ValueError as error:
            raise UserError("The threshold is not a number.", str(given), "Give one such as 0.5.") from error


def _number_lines(result: FairnessResult) -> list[str]:
    names = ("mean_prediction", "mean_label", "bias", "mean_absolute_error", "root_mean_squared_error", "r_squared")
    lines = [f"{'group':34} {'n':>8} " + " ".join(f"{name.replace('_', ' '):>23.23}" for name in names)]
    for named, n, rates in (("all rows", result.rows, result.overall),
                            *((f"{g.attribute}: {g.group}", g.n, g.rates) for g in result.groups)):
        by = {r.name: r.measure for r in rates}
        lines.append(f"{named:34.34} {n:>8,} " + " ".join(
            f"{'–' if by[name].value is None else f'{float(by[name].value or 0):,.4g}':>23}" for name in names))
    return lines


def _slice_lines(result: FairnessResult) -> list[str]:
    """The clearest of the intersections that nobody named."""
    clear = [s for s in result.slices if float(s.p_adjusted or 1) < 0.05][:5]
    if not result.sliced:
        return []
    return [f"Looked through {result.sliced:,} intersections that were not named; by Benjamini and Hochberg "
            f"{f'{len(clear)} of those told stand out' if clear else 'none stands out'}.",
            *(f"  {s.attribute}: {s.group} (n {s.n:,}), share selected against all others "
              f"{_measure_words(s.difference)}, p adjusted {float(s.p_adjusted or 0):.2g}" for s in clear), ""]


def _cut_off_lines(result: FairnessResult) -> list[str]:
    return [f"{c.attribute}, a gap of {float(c.permitted):g}: " + "; ".join(own.words for own in c.cut_offs) + "."
            for c in result.group_cut_offs if c.cut_offs]


def _change_lines(result: FairnessResult) -> list[str]:
    if not result.changes:
        return []
    lines = [f"{'gap against the version before':58} before    now  change"]
    for c in result.changes:
        named = f"{c.attribute}: {c.group} and {c.other}, {c.rate.replace('_', ' ')}"
        lines.append(f"{named:58.58} {float(c.before or 0):6.3f} {float(c.now or 0):6.3f}  {_measure_words(c.change)}")
    return [*lines, ""]


def _group_lines(spec: FairnessSpec, result: FairnessResult, marks: dict[tuple[str, str], Verdict]) -> list[str]:
    if spec.prediction is not None:
        return _number_lines(result)
    counted = "selected" if spec.favourable else "not selected, the favourable outcome"
    lines = [f"ratio: of the share {counted}", f"{'group':34} {'n':>8} {'selected':>9}  ratio  95 % interval"]
    for g in result.groups:
        mark = marks.get((g.attribute, g.group))
        said = g.state if g.state != "ok" else mark.value.replace("_", " ") if mark else ""
        rate = next((r.measure.value for r in g.rates if r.name == "selection_rate"), None)
        ratio = "     –" if g.ratio.value is None else f"{float(g.ratio.value):6.3f}"
        between = (
            ""
            if g.ratio.low is None or g.ratio.high is None
            else f"[{float(g.ratio.low):.3f}, {float(g.ratio.high):.3f}]"
        )
        shown = "       –" if rate is None else f"{float(rate):9.4f}"
        lines.append(f"{g.attribute + ': ' + g.group:34.34} {g.n:>8,} {shown} {ratio}  {between:14} {said}".rstrip())
    return lines


_SHORT = {"true_positive_rate": "tpr", "false_positive_rate": "fpr", "true_negative_rate": "tnr",
          "false_negative_rate": "fnr", "precision": "ppv", "negative_predictive_value": "npv",
          "false_discovery_rate": "fdr", "false_omission_rate": "for"}


def _fairness_data(
    spec: FairnessSpec, source: TableInput, result: FairnessResult, verdicts: tuple[CriterionResult, ...],
) -> dict[str, Any]:
    """The report as one object; what cannot be computed is null with its reason."""
    from desktop_app.domain import canonical

    parts = {"spec": canonical.plain(spec), "inputs": canonical.plain(source), "result": canonical.plain(result),
             "criteria": [canonical.plain(v) for v in verdicts]}
    return {
        "spec": parts["spec"],
        "inputs": [{"path": source.location, "sha256": source.digest, "rows": source.rows}],
        "rows": result.rows,
        "overall": _rates_data(result.overall),
        "groups": [_group_data(g, spec.crossed.get(g.attribute, (g.attribute,))) for g in result.groups],
        "differences": {m.name: _measure_data(m.measure) for m in result.differences},
        "criteria": _verdict_data(verdicts),
        "frontier": [{"attribute": p.attribute, "cut": float(p.cut), "accuracy": _number(p.accuracy),
                      "lowest_ratio": _number(p.ratio), "gap": _number(p.gap)} for p in result.frontier],
        "group_cut_offs": [canonical.plain(c) for c in result.group_cut_offs],
        "over_time": [{"attribute": r.attribute, "group": r.group, "from": r.period, "n": r.n,
                       "selected": _measure_data(r.selected)} for r in result.over_time],
        "slices": {"looked_at": result.sliced, "clearest": [
            {"attribute": s.attribute, "group": s.group, "n": s.n, "difference": _measure_data(s.difference),
             "p_raw": _number(s.p_raw), "p_adjusted": _number(s.p_adjusted)} for s in result.slices]},
        "changes": [canonical.plain(c) for c in result.changes],
        "strata": [canonical.plain(a) for a in result.adjusted],
        "sweep": {"cuts": [float(c) for c in result.cuts], "groups": [
            {"attribute": s.attribute, "group": s.group, "selected": [_number(v) for v in s.selected],
             "tpr": [_number(v) for v in s.true_positive], "fpr": [_number(v) for v in s.false_positive]}
            for s in result.sweep]},
        "calibration": [{"attribute": c.attribute, "group": c.group, "rows": [_number(v) for v in c.rows],
                         "predicted": [_number(v) for v in c.predicted], "observed": [_number(v) for v in c.observed]}
                        for c in result.calibration],
        "unknown": {t.name: t.rows for t in result.unknown},
        "dropped": [{"column": t.name, "rows": t.rows, "why": t.why} for t in result.dropped],
        "notes": list(result.notes),
        "not_tested": list(result.not_tested),
        "digest": f"sha256:{canonical.digest(parts)}",
    }


def _group_data(group: GroupRow, names: tuple[str, ...]) -> dict[str, Any]:
    values = group.group.split(JOIN) if len(names) > 1 and group.state != "unknown" else [group.group]
    called = dict(zip(names, values, strict=True)) if len(values) == len(names) else {group.attribute: group.group}
    counts: dict[str, int | None] = {"tn": None, "fp": None, "fn": None, "tp": None}
    if group.positives is not None and group.true_positives is not None:
        tp, fp = group.true_positives, group.selected - group.true_positives
        fn = group.positives - tp
        counts = {"tn": group.n - tp - fp - fn, "fp": fp, "fn": fn, "tp": tp}
    return {"group": called, "attribute": group.attribute, "n": group.n, "selected": group.selected, "counts": counts,
            "rates": _rates_data(group.rates), "ratio_to_reference": _measure_data(group.ratio),
            "reference": group.relative_to, "state": group.state}


def _rates_data(rates: tuple[NamedMeasure, ...]) -> dict[str, Any]:
    return {_SHORT.get(r.name, r.name): _measure_data(r.measure) for r in rates}


def _measure_data(measure: Measure) -> dict[str, Any]:
    said = {"method": measure.method} if measure.value is not None else {"reason": measure.reason}
    return {"value": _number(measure.value), "low": _number(measure.low), "high": _number(measure.high)} | said


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
    lines = _verdict_lines(item.record.verdicts) + [
        f"{m.name.replace('_', ' '):20} {_measure_words(m.measure)}" for m in result.measures
    ]
    return Result(
        [*lines, *result.notes, f"Filed as {item.label}."],
        {
            "evidence": item.label,
            "notes": list(result.notes),
            "measures": {m.name: _number(m.measure.value) for m in result.measures},
            "criteria": _verdict_data(item.record.verdicts),
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
         arg("evidence", metavar="E-N", help="the report, by its number"), *_ANYWHERE)  # fmt: skip
def evidence_reperform(call: Call) -> Result:
    """Exit code 1 when a number differs."""
    from desktop_app.domain.evidence import Evidence
    from desktop_app.operations import reperforming

    with call.workspace() as ws:
        again = reperforming.reperform(ws, find_labelled(ws, Evidence, call.args.evidence), _data(call), call.progress)
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
