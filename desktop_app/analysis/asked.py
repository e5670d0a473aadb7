"""Whether what is asked of a bias report can be answered: what is wrong is told before the count, or where only the
counts tell it before anything is measured.
"""

from __future__ import annotations

import math

from desktop_app.analysis import regression, verdicts
from desktop_app.analysis.bootstrap import MAX_REPLICATES
from desktop_app.analysis.columns import ABOVE_MEDIAN
from desktop_app.analysis.criteria import METRICS, RULES
from desktop_app.domain import words
from desktop_app.domain.evidence import CONFIDENTIALITY, JOIN, NO_SEARCH, PERIODS, SEARCHES, Criterion, FairnessSpec
from desktop_app.domain.evidence import METRICS as EVERY
from desktop_app.errors import UserError


def check(spec: FairnessSpec) -> None:
    """Raises UserError for what cannot be computed on any table."""
    if spec.minimum_group < 1:
        raise UserError("The smallest group judged has at least one row.", f"{spec.minimum_group} was asked.",
                        "30 is usual.")
    if not 0 <= spec.bootstrap <= MAX_REPLICATES or spec.seed < 0:
        raise UserError("These replicates cannot be drawn.", f"{spec.bootstrap:,} were asked, with seed {spec.seed}.",
                        f"Ask for up to {MAX_REPLICATES:,}, with a seed of 0 or more; 2,000 are usual.")
    for criterion in spec.criteria:
        _check_criterion(spec, criterion)
    _check_attributes(spec)
    _check_words(spec)
    if spec.prediction is None:
        _check_decisions(spec)


def _check_criterion(spec: FairnessSpec, criterion: Criterion) -> None:
    if spec.prediction is None:
        if criterion.metric in regression.GAPS:
            raise UserError(f"The criterion “{criterion.metric}” is for predictions of numbers.",
                            "No column with a prediction was given.", "Name it, or choose another criterion.")
        verdicts.check_criterion(criterion, METRICS, RULES)
        return
    if criterion.metric not in regression.GAPS or criterion.rule not in ("interval", "point"):
        raise UserError(f"The criterion “{criterion.metric}”, rule “{criterion.rule}”, is not for numbers.",
                        f"Known: {', '.join(regression.GAPS)}; rules interval, point.", "Choose among these.")
    if criterion.threshold is not None and not 0 < float(criterion.threshold) < math.inf:
        raise UserError("A gap of numbers needs a finite threshold above nought.", f"Asked: {criterion.threshold}.",
                        "Give it in the units of the label.")


def _check_attributes(spec: FairnessSpec) -> None:
    """That each is named once, and that names of intersections are those of nothing else."""
    crossed = [frozenset(parts) for parts in spec.intersections]
    named = [*spec.sensitive, *(part for parts in spec.intersections for part in parts)]
    if odd := next((name for name in named if spec.intersections and JOIN in name), None):
        raise UserError(f"The name of column “{odd}” holds “{JOIN.strip()}”.",
                        "It stands between the attributes of an intersection.", "Give the column another name.")
    if len(set(spec.sensitive)) < len(spec.sensitive) or len(set(crossed)) < len(crossed):
        raise UserError("An attribute or an intersection is named twice.", ", ".join((*spec.sensitive, *spec.crossed)),
                        "Name each once.")
    if any(len(set(parts)) < 2 for parts in spec.intersections):
        raise UserError("An intersection is of two attributes or more.", ", ".join(spec.crossed), "Name them.")
    if len({pair.key for pair in spec.reference}) < len(spec.reference):
        raise UserError("An attribute has one reference group.",
                        ", ".join(f"{pair.key}={pair.value}" for pair in spec.reference), "Name one for each.")


def _check_words(spec: FairnessSpec) -> None:
    """Whatever is chosen from a list."""
    if unknown := [name for name in spec.metrics if name not in EVERY]:
        raise UserError(f"“{unknown[0]}” is not known here.", f"Known: {', '.join(EVERY)}.", "Choose among these.")
    if spec.cut not in ("", ABOVE_MEDIAN):
        raise UserError(f"A cut “{spec.cut}” is not known here.", f"Known: {ABOVE_MEDIAN}.", "Leave it out.")
    for given, known in ((spec.search, ("", *SEARCHES, NO_SEARCH)), (spec.confidentiality, ("", *CONFIDENTIALITY)),
                         (spec.period, ("", *PERIODS))):
        if given not in known:
            raise UserError(f"“{given}” is not known here.", f"Known: {', '.join(known[1:])}.", "Choose among these.")


def _check_decisions(spec: FairnessSpec) -> None:
    """What goes together where a decision or a score is held against a label."""
    if spec.score is not None and not spec.cut and not 0 <= float(spec.threshold or -1) <= 1:
        raise UserError("A score needs the threshold from which on a row is selected.",
                        f"Given: {spec.threshold or 'none'}.", "Give one between 0 and 1.")
    if (spec.date is None) != (not spec.period):
        raise UserError("Rates over time need a column of days and a period.",
                        f"Given: {spec.date or 'no column'}, {spec.period or 'no period'}.", "Give both, or neither.")
    if spec.before is not None and (spec.weight is not None or spec.cut):
        raise UserError("Two versions are compared row by row.", "Weights and a cut at the median are not for that.",
                        "Leave out the weight, and give a threshold.")
    if spec.before is not None and spec.before_threshold is not None and not 0 <= float(spec.before_threshold) <= 1:
        raise UserError("A score of the version before needs a threshold that can be used.",
                        f"Given: {spec.before_threshold}.", "Give one between 0 and 1.")


def check_counted(spec: FairnessSpec, rows: int, groups: dict[str, list[str]]) -> None:
    """Raises UserError for too few rows, and for attributes and references that are not there. groups: those known."""
    if rows < spec.minimum_group:
        what = ("a prediction" if spec.prediction else "a decision") + (" and a label" if spec.label else "")
        raise UserError("The table is too small for a bias report.",
                        f"It has {words.counted(rows, 'row')} with {what}; a group is judged from "
                        f"{spec.minimum_group:,} rows on.", "Choose a table with more rows.")
    named = [(pair.key, pair.value) for pair in spec.reference]
    named += [(c.attribute, c.reference) for c in spec.criteria if c.reference is not None]
    for attribute, _ in named + [(c.attribute, "") for c in spec.criteria]:
        if attribute not in groups:
            raise UserError(f"“{attribute}” is not one of the attributes compared.",
                            f"Compared: {', '.join(groups)}.", "Name one of these.")
    for attribute, group in named:
        if group not in groups[attribute]:
            raise UserError(f"{attribute} has no group “{group}”.", f"Its groups: {', '.join(groups[attribute][:20])}.",
                            "Choose the reference among these.")
