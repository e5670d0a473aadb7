"""Figures: what is drawn is where it belongs, fits, and is said in words."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.analysis import environment, figures, graph_layout, lettering
from desktop_app.domain.canonical import Id, number
from desktop_app.domain.evidence import (
    Contribution,
    Criterion,
    Evidence,
    EvidenceKind,
    ExplanationResult,
    FairnessResult,
    FairnessSpec,
    GroupRow,
    Importance,
    LocalExplanation,
    Measure,
    NamedMeasure,
    Standing,
)
from desktop_app.domain.figure import Box, Curve, Dot, Line, Text
from desktop_app.domain.lineage import Edge, Graph, Node, NodeKind

COLOURS = {"ink", "muted", "hairline", "accent", "met", "breached", "undetermined", "not_computable", "reported",
           "sheet", "paper", ""}


def measure(value, low=None, high=None):
    return Measure(value=number(value), low=number(low), high=number(high))


def row(group, n, state, ratio):
    rates = (NamedMeasure(name="selection_rate", measure=measure(0.4, 0.35, 0.45)),)
    return GroupRow(attribute="SEX", group=group, n=n, selected=n // 2, positives=None, true_positives=None,
                    rates=rates, ratio=ratio, relative_to="men", state=state)


ROWS = (row("women with a very long name that goes on and on", 9402, "ok", measure(0.93, 0.9, 0.96)),
        row("men", 10560, "reference", measure(1.0)), row("unknown", 20, "too few", measure(0.7, 0.2, 1.9)),
        row("others", 40, "not computable", Measure(value=None, reason="nobody")))
SPEC = FairnessSpec(label=None, decision="d", positive="1", favourable=True, sensitive=("SEX",), criteria=(
    Criterion(metric="impact_ratio", attribute="SEX", threshold=number(0.8), direction="at_least"),))
EVIDENCE = Evidence(
    id=Id("e"), model=Id("m"), version=Id("v"), evidence_kind=EvidenceKind.FAIRNESS, standing=Standing.COMPUTED,
    title="Bias", fairness_spec=SPEC,
    fairness=FairnessResult(rows=20022, overall=(), groups=ROWS, differences=(), notes=(), not_tested=()))


def explanation(count=15):
    values = [(-1) ** i * (count - i) / 10 for i in range(count)]
    return ExplanationResult(
        explainer="tree", output="log-odds of class 1", additivity_residual=number(0.0), isolation="",
        importances=tuple(Importance(feature=f"f{i}", mean_abs=number(abs(v)), direction=None)
                          for i, v in enumerate(values)),
        local=LocalExplanation(row=4, base=number(-1.0), output=number(-1.0 + sum(values)), contributions=tuple(
            Contribution(feature=f"f{i}", value="1", contribution=number(v)) for i, v in enumerate(values))))


def check(figure):
    assert len(figure.alt) > 15
    for mark in figure.marks:
        names = [getattr(mark, name) for name in ("colour", "fill", "stroke") if hasattr(mark, name)]
        assert set(names) <= COLOURS
        xs = [getattr(mark, name) for name in ("x", "x1", "x2") if hasattr(mark, name)]
        ys = [getattr(mark, name) for name in ("y", "y1", "y2") if hasattr(mark, name)]
        assert all(-1 <= x <= figure.width + 1 for x in xs), mark
        assert all(-1 <= y <= figure.height + 1 for y in ys), mark
        if isinstance(mark, Box):
            assert mark.x + mark.width <= figure.width + 1


def test_interval_rows():
    rows = figures.interval_rows(EVIDENCE)
    assert set(rows) == {("SEX", ROWS[0].group), ("SEX", "unknown")}
    first = rows["SEX", ROWS[0].group]
    assert (first.width, first.height) == (210, 28)
    threshold = next(m for m in first.marks if isinstance(m, Line) and m.dashed)
    dot = next(m for m in first.marks if isinstance(m, Dot))
    ends = [m for m in first.marks if isinstance(m, Line) and m.x1 == m.x2 and not m.dashed]
    assert threshold.x1 < ends[0].x1 < dot.x < ends[1].x1
    assert "0.93 [0.90, 0.96]" in first.alt
    cut = rows["SEX", "unknown"]
    assert len([m for m in cut.marks if isinstance(m, Line) and m.x1 == m.x2 and not m.dashed]) == 0  # beyond both ends
    assert [m.text for m in figures.interval_axis(EVIDENCE).marks if isinstance(m, Text)] == ["0.50", "0.80", "1.10"]
    for figure in (*rows.values(), figures.interval_axis(EVIDENCE)):
        check(figure)


def test_charts_of_an_attribute():
    ratios, rates = figures.ratio_chart(EVIDENCE, "SEX"), figures.rates_chart(EVIDENCE, "SEX")
    check(ratios)
    check(rates)
    texts = [m.text for m in ratios.marks if isinstance(m, Text)]
    assert "9,402" in texts
    assert "reference" in texts
    assert any(t.endswith("…") for t in texts)
    assert "Share selected" in [m.text for m in rates.marks if isinstance(m, Text)]
    with pytest.raises(ValueError, match="no bias report"):
        figures.interval_rows(Evidence(id=Id("e"), model=Id("m"), version=Id("v"), title="",
                                       evidence_kind=EvidenceKind.DOCUMENT, standing=Standing.ASSERTED))


def test_importances_are_bars_in_proportion():
    figure = figures.importance_chart(explanation())
    check(figure)
    bars = [m.width for m in figure.marks if isinstance(m, Box)]
    assert len(bars) == 12
    assert bars[1] / bars[0] == pytest.approx(14 / 15, abs=1e-3)
    assert "and 3 smaller" in [m.text for m in figure.marks if isinstance(m, Text)]


def test_a_waterfall_ends_at_the_output():
    figure = figures.waterfall_chart(explanation())
    check(figure)
    base, output = (m for m in figure.marks if isinstance(m, Line) and m.width == 2)
    bars = [m for m in figure.marks if isinstance(m, Box)]
    assert len(bars) == 13
    moved = sum((b.width if b.fill == "accent" else -b.width) for b in bars)
    assert output.x1 - base.x1 == pytest.approx(moved, abs=1.5)
    assert "3 others together" in figure.alt


def node(key, kind=NodeKind.DATASET, name="", detail=""):
    return Node(key=key, kind=kind, name=name or key, detail=detail)


def test_lineage_runs_from_left_to_right():
    graph = Graph(nodes=(node("d"), node("u", NodeKind.UNKNOWN), node("r", NodeKind.RUN), node("v", NodeKind.VERSION),
                         node("x", NodeKind.DECISION)),
                  edges=(Edge(effect="r", relation="used", cause="d"), Edge(effect="r", relation="used", cause="u"),
                         Edge(effect="v", relation="generated_by", cause="r"),
                         Edge(effect="v", relation="approved_by", cause="x")))
    figure, boxes = figures.lineage_chart(graph)
    check(figure)
    assert boxes["d"].x == boxes["u"].x < boxes["r"].x < boxes["v"].x < boxes["x"].x
    curves = [m for m in figure.marks if isinstance(m, Curve)]
    assert sorted(c.dashed for c in curves) == [False, False, False, True]
    assert [m.dashed for m in figure.marks if isinstance(m, Box) and m.width == 150].count(True) == 1
    assert "r used d" in figure.alt
    bright, _ = figures.lineage_chart(graph, frozenset({"d", "r", "v"}))
    assert sum(isinstance(m, Curve) and m.colour == "accent" for m in bright.marks) == 2


def test_an_empty_graph_and_a_cycle():
    figure, boxes = figures.lineage_chart(Graph(nodes=(), edges=()))
    assert boxes == {}
    assert "0 things" in figure.alt
    ring = Graph(nodes=(node("a"), node("b"), node("c")), edges=tuple(
        Edge(effect=e, relation="used", cause=c) for e, c in (("a", "b"), ("b", "c"), ("c", "a"), ("a", "a"))))
    figure, boxes = figures.lineage_chart(ring)
    check(figure)
    assert len(boxes) == 3


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.data())
def test_boxes_never_overlap_and_edges_go_forward(count, data):
    pairs = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=40))
    edges = sorted({(a, b) for a, b in pairs if a < b})
    nodes = tuple(node(f"{i:02}") for i in range(count))
    figure, boxes = figures.lineage_chart(Graph(nodes=nodes, edges=tuple(
        Edge(effect=f"{b:02}", relation="used", cause=f"{a:02}") for a, b in edges)))
    check(figure)
    assert all(boxes[f"{a:02}"].x < boxes[f"{b:02}"].x for a, b in edges)
    columns = {}
    for box in boxes.values():
        columns.setdefault(box.x, []).append(box.y)
    for ys in columns.values():
        assert all(b - a >= 44 + 10 for a, b in zip(sorted(ys), sorted(ys)[1:], strict=False))


def test_an_edge_that_runs_below_every_box_is_within_the_figure():
    edges = [(0, 1), (0, 2), (0, 3), (1, 2)]
    check(figures.lineage_chart(Graph(nodes=tuple(node(f"{i}") for i in range(4)), edges=tuple(
        Edge(effect=f"{b}", relation="used", cause=f"{a}") for a, b in edges)))[0])


def test_two_crossing_edges_are_untangled():
    placed = graph_layout.layout(4, [(0, 3), (1, 2)], 44, 18)
    assert (placed.y[0] - placed.y[1]) * (placed.y[3] - placed.y[2]) > 0


def test_a_thousand_nodes_are_placed():
    random.seed(1)
    edges = [(random.randrange(max(0, i - 60), i), i) for i in range(1, 1000)]
    placed = graph_layout.layout(1000, edges, 44, 18)
    assert all(placed.layer[a] < placed.layer[b] for a, b in edges)


@given(st.text(max_size=60), st.floats(20, 300))
def test_elided_text_fits(text, width):
    made = lettering.elide(text, width, 12)
    assert made == "…" or lettering.text_width(made, 12) <= width
    assert all(c.isprintable() for c in made)


def test_environment_names_versions():
    made = environment.environment(7, ("numpy", "no-such-thing"))
    assert made.seed == 7
    assert {p.key: p.value for p in made.libraries}["no-such-thing"] == "not installed"
    assert made.application.startswith("assaydesk ")
