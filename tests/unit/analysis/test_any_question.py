"""Any question of any small table has an answer: a report that can be recorded, told and drawn, or one sentence."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from desktop_app.analysis import alternatives, criteria, fairness, figures, score_figures
from desktop_app.analysis.table import Table
from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import (
    METHODS,
    METRICS,
    NO_SEARCH,
    PERIODS,
    ROW_METRICS,
    SEARCHES,
    Criterion,
    Evidence,
    EvidenceKind,
    FairnessSpec,
    Standing,
    Verdict,
)
from desktop_app.domain.model import Pair
from desktop_app.errors import UserError
from desktop_app.operations import presets

RULES = ("interval", "point", "four_fifths_and_significant")


def table(pick: random.Random, seed: int) -> Table:
    """Few rows, rare groups, constant columns, missing values, weights of nought and of a million."""
    draw, n = np.random.default_rng(seed), pick.choice([1, 2, 5, 12, 40, 90, 300])
    classes = list("klmn")[:pick.choice([2, 3, 4])]
    frame = pd.DataFrame({
        "g": draw.choice(pick.choice([["a"], ["a", "b"], ["a", "b", "c", ""], list("abcdefgh")]), n),
        "h": draw.choice(["x", "y"], n), "f": draw.choice(pick.choice([["p"], ["p", "q"], list("pqrst")]), n),
        "s": pick.choice([draw.random(n), np.full(n, .5), draw.integers(0, 2, n).astype(float),
                          np.where(draw.random(n) < .2, np.nan, draw.random(n))]),
        "old": draw.random(n), "y": draw.choice(["0", "1"] if pick.random() < .7 else ["0"], n),
        "d": draw.choice(["0", "1"] if pick.random() < .7 else ["1"], n), "grade": draw.choice(classes, n),
        "graded": draw.choice(classes, n), "day": draw.choice(["2026-01-03", "2026-05-06", "", "x"], n),
        "w": pick.choice([draw.random(n), np.zeros(n), draw.integers(0, 3, n).astype(float),
                          np.where(draw.random(n) < .1, 1e6, 1.0)]),
        "real": draw.normal(0, 10, n), "guess": draw.normal(0, 10, n)})
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=n, columns=len(frame.columns)))


def question(pick: random.Random) -> FairnessSpec:
    """Anything that the dialog or the command line may ask."""
    many = pick.random() < .2
    scored = not many and pick.random() < .6
    spec = FairnessSpec(
        label=("graded" if many else "y") if pick.random() < .85 else None, favourable=pick.random() < .5,
        decision="" if scored else "grade" if many else "d", positive="k" if many else "1", one_against_rest=many,
        sensitive=("g", "h") if pick.random() < .6 else ("g",), score="s" if scored else None,
        threshold=pick.choice(["0.0", "0.3", "0.5", "1.0"]) if scored else None, metrics=METRICS, methods=METHODS,
        weight="w" if pick.random() < .4 else None, strata=("f",) if pick.random() < .4 else (),
        bootstrap=pick.choice([0, 20]), minimum_group=pick.choice([1, 5, 30]), explore=pick.random() < .5,
        search=pick.choice(["", *SEARCHES, NO_SEARCH]), group_cut_offs=pick.random() < .3,
        reference=(Pair(key="g", value="a"),) if pick.random() < .2 else ())
    if len(spec.sensitive) > 1 and pick.random() < .5:
        spec = replace(spec, intersections=(("g", "h"),))
    if pick.random() < .3:
        spec = replace(spec, date="day", period=pick.choice(PERIODS))
    if spec.weight is None and pick.random() < .3:
        spec = replace(spec, before="old" if scored else "graded" if many else "d")
    if scored and spec.label and pick.random() < .1:
        spec = replace(spec, by_row=ROW_METRICS)
    if pick.random() < .08:
        return numbers(pick, spec)
    wanted = [Criterion(metric=metric, attribute=attribute, threshold=pick.choice([None, presets.OWN[metric].usual]),
                        direction=presets.OWN[metric].direction, rule=pick.choice(RULES))
              for metric in pick.sample(list(presets.OWN), pick.randint(0, 6))
              for attribute in (*spec.sensitive, *spec.crossed)]
    spec = replace(spec, criteria=tuple(wanted))
    if pick.random() < .3:
        with suppress(UserError):
            spec = presets.applied(pick.choice(presets.listing()), spec)
    return replace(spec, criteria=(*spec.criteria, *presets.no_worse(spec, pick.choice([None, "0.01"]))))


def numbers(pick: random.Random, spec: FairnessSpec) -> FairnessSpec:
    return FairnessSpec(
        label="real", decision="", positive="1", favourable=True, sensitive=spec.sensitive, prediction="guess",
        intersections=spec.intersections, reference=spec.reference, minimum_group=spec.minimum_group, methods=METHODS,
        criteria=presets.most_gap(spec, pick.choice([None, "5.0"]), pick.choice(["interval", "point"])))


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_it_is_answered(first):
    answered = 0
    for seed in range(first, first + 50):
        pick = random.Random(seed)
        asked, rows = question(pick), table(pick, seed)
        try:
            result, verdicts = fairness.report(rows, asked)
        except UserError:
            continue
        answered += 1
        assert len(verdicts) == len(asked.criteria)
        for v in verdicts:
            assert v.sentence.endswith("."), seed
            assert (v.measure.value is None) == bool(v.measure.reason), (seed, v)
            assert v.verdict is not Verdict.MET or v.criterion.threshold is not None
        item = Evidence(id=Id("e"), model=Id("m"), version=Id("v"), evidence_kind=EvidenceKind.FAIRNESS, title="t",
                        standing=Standing.COMPUTED, fairness=result, fairness_spec=asked, verdicts=verdicts)
        assert canonical.load(canonical.encode(item)) == item
        for drawn in (*score_figures.score_charts(item), *score_figures.over_time(item)):
            assert drawn.alt
        figures.interval_rows(item)
        criteria.row_verdicts(asked, result)
        alternatives.said(result, asked)
    assert answered > 10
