"""Criteria of bias reports: those of a preset, asked for by a rule or a practice, and those of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from itertools import combinations

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Number, record
from desktop_app.domain.evidence import Criterion, FairnessSpec
from desktop_app.domain.preset import Preset
from desktop_app.errors import UserError
from desktop_app.settings import resource


def listing() -> tuple[Preset, ...]:
    """Every preset that comes with the program, by its title."""
    found = [canonical.build(Preset, json.loads(path.read_text("utf-8")))
             for path in resource("presets").glob("*.json")]
    return tuple(sorted(found, key=lambda p: p.title))


def named(key: str) -> Preset:
    """A preset by its key. Raises UserError that names the nearest."""
    known = {preset.key: preset for preset in listing()}
    if key in known:
        return known[key]
    near = get_close_matches(key, known, 1, 0.4)
    raise UserError(f"There is no preset “{key}”.", f"There are: {', '.join(sorted(known))}.",
                    f"Did you mean {near[0]}?" if near else "Choose one of these, or none.")


def of(spec: FairnessSpec) -> Preset | None:
    """The preset that a recorded spec was made from, in the version that the program has."""
    return next((preset for preset in listing() if preset.key == spec.preset.partition(" ")[0]), None)


def check(spec: FairnessSpec) -> None:
    """Raises UserError where a spec asks what only a preset may allow."""
    preset = of(spec)
    if spec.group_cut_offs and (preset is None or not preset.group_cut_offs):
        raise UserError("Cut-offs of their own for groups are not searched here.",
                        "Only a preset may allow them, and none for employment or credit does.",
                        "Choose a preset that allows them, or leave them out.")
    if spec.least_share is None:
        return
    most = preset.least_share if preset is not None else None
    if most is None or not 0 < float(spec.least_share) <= float(most):
        raise UserError("Small groups are not left out of ratios here.",
                        f"Asked: under {spec.least_share} of the rows; allowed: "
                        f"{'never, without a preset that allows it' if most is None else f'up to {most}'}.",
                        "Leave that out, or choose a preset that allows it.")
    if not spec.least_share_why.strip():
        raise UserError("Say why small groups are left out of ratios.", preset.source if preset else "",
                        "The justification is printed with the report.")


def applied(preset: Preset, spec: FairnessSpec) -> FairnessSpec:
    """What a preset asks of the columns that a spec names: its criteria for every attribute and every pair it crosses.

    References that the spec names hold. Raises UserError when a column that it needs is not named, or when it is about
    outcomes of the other kind.
    """
    given = {"label": spec.label, "score": spec.score, "strata": spec.strata}
    if missing := [what for what in preset.needs if not given[what]]:
        raise UserError(f"“{preset.title}” needs {' and '.join(_COLUMNS[what] for what in missing)}.", preset.source,
                        "Name the column, or choose another preset.")
    if preset.favourable is not None and preset.favourable != spec.favourable:
        good = "good" if preset.favourable else "bad"
        raise UserError(f"“{preset.title}” is for decisions where being selected is {good} for the person.",
                        preset.statement, "Say so, or choose another preset.")
    if preset.crossed and not spec.intersections:
        spec = replace(spec, intersections=tuple(combinations(spec.sensitive, 2)))
    named = {pair.key: pair.value for pair in spec.reference}
    criteria = tuple(
        Criterion(metric=c.metric, attribute=attribute, threshold=c.threshold, direction=c.direction, rule=c.rule,
                  reference=named.get(attribute))
        for attribute in (*spec.sensitive, *spec.crossed) for c in preset.criteria)
    return replace(spec, criteria=criteria, metrics=preset.metrics, cut=preset.cut, search=spec.search or preset.search,
                   minimum_group=preset.minimum_group, preset=preset.name, preset_words=preset.words)


@record
class Own:
    """A criterion that one may choose oneself. usual: its usual threshold · needs: what it needs besides a decision:
    label, score (with a label), strata or classes; "" for nothing.
    """

    direction: str
    usual: str
    needs: str


OWN = {
    "impact_ratio": Own(direction="at_least", usual="0.8", needs=""),
    "demographic_parity_difference": Own(direction="at_most", usual="0.1", needs=""),
    "conditional_parity_difference": Own(direction="at_most", usual="0.1", needs="strata"),
    "equal_opportunity_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "equal_opportunity_ratio": Own(direction="at_least", usual="0.8", needs="label"),
    "equalised_odds_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "equalised_odds_ratio": Own(direction="at_least", usual="0.8", needs="label"),
    "average_odds_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "predictive_parity_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "false_positive_rate_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "false_negative_rate_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "false_discovery_rate_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "false_omission_rate_difference": Own(direction="at_most", usual="0.1", needs="label"),
    "accuracy_difference": Own(direction="at_most", usual="0.05", needs="label"),
    "auc_difference": Own(direction="at_most", usual="0.05", needs="score"),
    "balance_with_event_difference": Own(direction="at_most", usual="0.05", needs="score"),
    "balance_without_event_difference": Own(direction="at_most", usual="0.05", needs="score"),
    "class_accuracy_difference": Own(direction="at_most", usual="0.05", needs="classes"),
    "macro_recall_difference": Own(direction="at_most", usual="0.05", needs="classes"),
    "macro_precision_difference": Own(direction="at_most", usual="0.05", needs="classes"),
}


def own(spec: FairnessSpec, wanted: Iterable[tuple[str, Number | None]], rule: str) -> tuple[Criterion, ...]:
    """Criteria of one's own, each a metric of `OWN` and its threshold, for every attribute and intersection of a spec,
    against the references it names. Raises UserError that names the nearest metric.
    """
    named = {pair.key: pair.value for pair in spec.reference}
    chosen = list(wanted)
    for metric, _ in chosen:
        if metric not in OWN:
            near = get_close_matches(metric, OWN, 1, 0.4)
            raise UserError(f"There is no criterion “{metric}”.", f"There are: {', '.join(OWN)}.",
                            f"Did you mean {near[0]}?" if near else "Choose one of these.")
    return tuple(
        Criterion(metric=metric, attribute=attribute, threshold=threshold, direction=OWN[metric].direction, rule=rule,
                  reference=named.get(attribute))
        for attribute in (*spec.sensitive, *spec.crossed) for metric, threshold in chosen)


def most_gap(spec: FairnessSpec, threshold: Number | None, rule: str = "interval") -> tuple[Criterion, ...]:
    """How far the means of a predicted number may lie apart, in the units of the label, for every attribute and
    intersection of a spec; None: only reported.
    """
    return tuple(Criterion(metric="mean_prediction_difference", attribute=attribute, threshold=threshold,
                           direction="at_most", rule=rule) for attribute in (*spec.sensitive, *spec.crossed))


def no_worse(spec: FairnessSpec, margin: Number | None) -> tuple[Criterion, ...]:
    """By how much gaps may grow against the version before: of what is selected, and of errors where a label is there.
    None where a spec names no version before.
    """
    if spec.before is None:
        return ()
    rates = ("selection_rate", "true_positive_rate", "false_positive_rate") if spec.label else ("selection_rate",)
    return tuple(Criterion(metric=f"{rate}_change", attribute=attribute, threshold=margin, direction="at_most")
                 for attribute in spec.sensitive for rate in rates)


_COLUMNS = {"label": "the column with what really happened", "score": "a column of scores",
            "strata": "a legitimate factor within which groups are compared"}
