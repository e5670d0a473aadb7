"""fairness: bias reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from desktop_app.cli.command import Call, Result, arg, command, find_version
from desktop_app.cli.on_evidence import ANYWHERE, ATTACH, data_of, measure_words, number, verdict_data, verdict_lines
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
from desktop_app.domain.words import counted
from desktop_app.errors import UserError

if TYPE_CHECKING:
    from desktop_app.domain.canonical import Number
    from desktop_app.domain.dataset import TableInput
    from desktop_app.domain.evidence import (
        CriterionResult,
        FairnessResult,
        FairnessSpec,
        GapChange,
        GroupRow,
        Measure,
        NamedMeasure,
        Verdict,
    )

_PRESETS = ("nyc-ll144-selection", "nyc-ll144-scoring", "ugesp-four-fifths", "fair-lending", "eu-conditional-disparity",
            "punitive-error-parity", "assistive-error-parity", "insurance-calibration")


@command(
    "fairness",
    "a bias report on a table",
    *ANYWHERE,
    ATTACH,
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
    arg("--least-ratio", type=float, metavar="X",
        help="without a preset: the least impact ratio, chosen before the run; default: 0.8, or none with --criterion"),
    arg("--criterion", action="append", default=[], metavar="METRIC=X",
        help="without a preset: a criterion of your own, such as equal_opportunity_difference=0.1; a ratio is to be at "
             "least that, a difference at most; may be given again"),
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
            item = evidence.get(ws, evidence.report(ws, version, data_of(call), spec, progress=call.progress))
        result, verdicts, filed, source = item.record.fairness, item.record.verdicts, item.label, item.record.inputs[0]
    else:
        result, verdicts, source = evidence.preview(data_of(call), spec, call.progress)
        filed = None
    assert result is not None
    marks, said = evidence.group_verdicts(spec, result), evidence.alternatives(spec, result)
    lines = [*([spec.preset_words, ""] if spec.preset_words else []),
             *verdict_lines(verdicts), "", *_change_lines(result), *_group_lines(spec, result, marks), "",
             *_row_lines(result), *_time_lines(result), *_slice_lines(result), *result.notes, *said,
             *_cut_off_lines(result), *(f"Not tested: {line}." for line in result.not_tested)]
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
        return replace(spec, prediction=a.prediction, criteria=presets.most_gap(spec, _written(a.most_gap), a.rule),
                       metrics=(), bootstrap=0, explore=False)
    spec = presets.applied(presets.named(a.preset), spec) if a.preset else \
        replace(spec, criteria=presets.own(spec, _own(call), a.rule))
    return replace(spec, criteria=(*spec.criteria, *presets.no_worse(spec, _written(a.margin))))


def _own(call: Call) -> list[tuple[str, Number | None]]:
    """The criteria that were typed, as metrics and thresholds. Raises UserError."""
    least, typed = call.args.least_ratio, call.args.criterion
    found: list[tuple[str, Number | None]] = []
    if least is not None or not typed:
        found.append(("impact_ratio", _written(0.8 if least is None else least)))
    for text in typed:
        metric, _, value = text.partition("=")
        try:
            found.append((metric.strip(), _written(float(value))))
        except ValueError as error:
            raise UserError("A criterion is written as METRIC=X.", f"Given: {text}.",
                            "Write for instance equal_opportunity_difference=0.1.") from error
    return found


def _share(text: str | None) -> float | None:
    """A share, written as 0.02 or 2%. Raises UserError."""
    try:
        return None if text is None else float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise UserError("The share of the rows is not a number.", text or "", "Give one such as 0.02.") from error


def _written(given: float | str | None) -> Number | None:
    """A threshold as it was given, not a finite number included: whoever checks it says so."""
    return None if given is None else cast("Number", repr(float(given)))


def _check_decision(call: Call) -> None:
    """One of a decision and a score, the score with its threshold. Raises UserError."""
    a = call.args
    if a.prediction is not None:
        if a.decision is not None or a.score is not None or a.label is None:
            raise UserError("A prediction of a number stands alone.", "It is held against --label, a number too.",
                            "Leave out --decision and --score, and give --label COL.")
        of_decisions = {"--preset": a.preset, "--threshold": a.threshold, "--criterion": a.criterion,
                        "--least-ratio": a.least_ratio, "--one-against-rest": a.one_against_rest,
                        "--group-cut-offs": a.group_cut_offs, "--search": a.search}
        if typed := [name for name, value in of_decisions.items() if value not in (None, False, [])]:
            raise UserError(f"{typed[0]} is for decisions.", "A number selects nobody.", "Leave it out.")
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
    if median and a.threshold is not None:
        raise UserError("This preset takes no threshold.", "Who scores above the median of the sample is selected.",
                        "Leave out --threshold.")
    if (a.search not in (None, NO_SEARCH) or a.group_cut_offs) and (a.score is None or a.label is None):
        raise UserError("Other cut-offs are searched for a score, held against what really happened.", "",
                        "Give --score and --label, or leave out --search and --group-cut-offs.")
    if a.group_cut_offs and a.search == NO_SEARCH:
        raise UserError("Cut-offs by group are a search.", "--search none asks for none.", "Leave out one of them.")
    if a.because and a.leave_out_under is None:
        raise UserError("Which groups are left out?", f"Justification given: {a.because}.", "Give --leave-out-under X.")
    for given in (a.threshold, a.before_threshold):
        try:
            float(given if given is not None else 0)
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


def _row_lines(result: FairnessResult) -> list[str]:
    """Measures on the rows, which were asked for by name."""
    found = [(named, m) for named, rates in (("all rows", result.overall), *(
        (f"{g.attribute}: {g.group}", g.rates) for g in result.groups)) for m in rates if m.name in ROW_METRICS]
    return [f"{named:34.34} {m.name.replace('_', ' '):18} {measure_words(m.measure)}" for named, m in found] + (
        [""] if found else [])


def _time_lines(result: FairnessResult) -> list[str]:
    """The share selected in each period, a line for each group."""
    periods = sorted({r.period for r in result.over_time})
    if not periods:
        return []
    shown = periods[-12:]
    lines = [f"{'share selected, from' + (' (the last 12)' if len(periods) > 12 else ''):34} " + " ".join(
        f"{p:>10}" for p in shown)]
    groups = dict.fromkeys((r.attribute, r.group) for r in result.over_time)
    by = {(r.attribute, r.group, r.period): float(r.selected.value or 0) for r in result.over_time}
    for attribute, group in groups:
        cells = [by.get((attribute, group, period)) for period in shown]
        lines.append(f"{f'{attribute}: {group}':34.34} " + " ".join(
            f"{'–' if c is None else f'{c:.3f}':>10}" for c in cells))
    return [*lines, ""]


def _slice_lines(result: FairnessResult) -> list[str]:
    """The clearest of the intersections that nobody named."""
    if not result.sliced:
        return []
    clear = [s for s in result.slices if float(s.p_adjusted or 1) < 0.05]
    found = "none stands out" if not clear else f"these stand out most, of {len(clear):,} that do" if len(clear) < len(
        result.slices) else "these stand out most"
    return [f"Looked through {result.sliced:,} intersections that were not named; by Benjamini and Hochberg {found}.",
            *(f"  {s.attribute}: {s.group} (n {s.n:,}), share selected against all others "
              f"{measure_words(s.difference)}, p adjusted {float(s.p_adjusted or 0):.2g}" for s in clear[:5]), ""]


def _cut_off_lines(result: FairnessResult) -> list[str]:
    return [f"{c.attribute}, a gap of {float(c.permitted):g}: " + "; ".join(own.words for own in c.cut_offs) + "."
            for c in result.group_cut_offs if c.cut_offs]


def _change_lines(result: FairnessResult) -> list[str]:
    """Of each attribute and rate, the pair of groups whose gap grew most."""
    if not result.changes:
        return []
    most: dict[tuple[str, str], GapChange] = {}
    for c in result.changes:
        before = most.get((c.attribute, c.rate))
        if before is None or float(c.change.value or 0) > float(before.change.value or 0):
            most[c.attribute, c.rate] = c
    lines = [f"{'the gap that grew most against the version before':66} before    now  change"]
    for c in most.values():
        named = f"{c.attribute}, {c.rate.replace('_', ' ')}: {c.group} and {c.other}"
        lines.append(f"{named:66.66} {float(c.before or 0):6.3f} {float(c.now or 0):6.3f}  {measure_words(c.change)}")
    more = len(result.changes) - len(most)
    return [*lines, *([f"{counted(more, 'other pair')} with --json."] if more else []), ""]


def _group_lines(spec: FairnessSpec, result: FairnessResult, marks: dict[tuple[str, str], Verdict]) -> list[str]:
    if spec.prediction is not None:
        return _number_lines(result)
    outcome = "selected" if spec.favourable else "not selected, the favourable outcome"
    lines = [f"ratio: of the share {outcome}", f"{'group':34} {'n':>8} {'selected':>9}  ratio  95 % interval"]
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
        "criteria": verdict_data(verdicts),
        "frontier": [{"attribute": p.attribute, "cut": float(p.cut), "accuracy": number(p.accuracy),
                      "lowest_ratio": number(p.ratio), "gap": number(p.gap)} for p in result.frontier],
        "group_cut_offs": [canonical.plain(c) for c in result.group_cut_offs],
        "over_time": [{"attribute": r.attribute, "group": r.group, "from": r.period, "n": r.n,
                       "selected": _measure_data(r.selected)} for r in result.over_time],
        "slices": {"looked_at": result.sliced, "clearest": [
            {"attribute": s.attribute, "group": s.group, "n": s.n, "difference": _measure_data(s.difference),
             "p_raw": number(s.p_raw), "p_adjusted": number(s.p_adjusted)} for s in result.slices]},
        "changes": [canonical.plain(c) for c in result.changes],
        "strata": [canonical.plain(a) for a in result.adjusted],
        "sweep": {"cuts": [float(c) for c in result.cuts], "groups": [
            {"attribute": s.attribute, "group": s.group, "selected": [number(v) for v in s.selected],
             "tpr": [number(v) for v in s.true_positive], "fpr": [number(v) for v in s.false_positive]}
            for s in result.sweep]},
        "calibration": [{"attribute": c.attribute, "group": c.group, "rows": [number(v) for v in c.rows],
                         "predicted": [number(v) for v in c.predicted], "observed": [number(v) for v in c.observed]}
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
    return {"value": number(measure.value), "low": number(measure.low), "high": number(measure.high)} | said
