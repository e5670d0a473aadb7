"""Pictures of scores: what is drawn is what the report says, named at the ends of the lines and in words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from desktop_app.analysis import fairness, score_figures
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METRICS, Evidence, EvidenceKind, FairnessSpec, Standing
from desktop_app.domain.figure import Dot, Text


def evidence(groups, **changes):
    made = np.random.default_rng(1)
    n = 400 * len(groups)
    frame = pd.DataFrame({"g": np.repeat(groups, 400), "s": made.random(n)})
    frame["y"] = (made.random(n) < frame.s).astype(int)
    spec = FairnessSpec(**{"label": "y", "decision": "", "positive": "1", "favourable": True, "sensitive": ("g",),
                           "score": "s", "threshold": "0.25", "metrics": METRICS} | changes)
    result, _ = fairness.report(Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=n, columns=3)), spec)
    return Evidence(id=Id("e"), model=Id("m"), version=Id("v"), evidence_kind=EvidenceKind.FAIRNESS, title="t",
                    standing=Standing.COMPUTED, fairness_spec=spec, fairness=result)


def test_the_sweep_marks_the_cut_off_and_names_each_line():
    sweep, calibration, frontier = score_figures.score_charts(evidence(["a", "b"]))
    said = [mark.text for mark in sweep.marks if isinstance(mark, Text)]
    assert {"used: 0.25", "a", "b", "By g: share selected"} <= set(said)
    assert "a 75% at 0.25" in sweep.alt or "at 0.25" in sweep.alt
    assert sum(isinstance(m, Dot) for m in calibration.marks) == 32  # sixteen parts of two groups
    assert sum(isinstance(m, Dot) for m in frontier.marks) >= 31 + 1 + 3  # each cut-off, the one used, the key
    assert frontier.alt.startswith("g: the cut-off used has a lowest ratio between groups of")
    for figure in (sweep, calibration, frontier):
        assert all(0 <= m.x <= figure.width for m in figure.marks if isinstance(m, Text | Dot))


@pytest.mark.parametrize("count", [1, 8, 12])
def test_names_never_lie_over_each_other_and_what_is_left_out_is_told(count):
    made = evidence([f"group {i}" for i in range(count)] if count > 1 else ["a", "b"])
    for figure in score_figures.score_charts(made)[:2]:
        ends = sorted(m.y for m in figure.marks if isinstance(m, Text) and m.x > 500)
        assert all(b - a >= 13.9 for a, b in pairwise(ends))
        assert all(30 < y < figure.height for y in ends)
        assert ("4 smaller groups are not drawn" in figure.alt) == (count == 12)


def test_the_favourable_outcome_may_be_not_being_selected_and_without_scores_there_is_nothing():
    sweep = score_figures.score_charts(evidence(["a", "b"], favourable=False))[0]
    assert "share not selected, the favourable outcome" in sweep.alt
    assert score_figures.score_charts(evidence(["a", "b"], label=None))[1:] == ()
    assert score_figures.score_charts(evidence(["a", "b"], score=None, decision="y", threshold=None)) == ()
