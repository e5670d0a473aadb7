"""The graph of where things come from: merged, and its closures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop_app.domain import lineage
from desktop_app.domain.canonical import Id
from desktop_app.domain.lineage import Edge, Graph, LineageRecord, Node, NodeKind

# ---- lineage

KEYS = st.sampled_from("abcdefg")
NODES = st.builds(Node, key=KEYS, kind=st.sampled_from(NodeKind), name=KEYS)
EDGES = st.builds(Edge, effect=KEYS, cause=KEYS, relation=st.sampled_from(["used", "derived_from"]))
SAID = st.lists(st.builds(LineageRecord, id=KEYS, model=st.none(), source=KEYS, event=KEYS,
                          nodes=st.lists(NODES, max_size=4).map(tuple), edges=st.lists(EDGES, max_size=6).map(tuple)),
                max_size=3)


@given(SAID)
def test_a_merged_graph_has_everything_once_and_names_what_it_does_not_know(said):
    graph = lineage.merge(said)
    keys = [n.key for n in graph.nodes]
    assert keys == sorted(set(keys))
    assert {e.effect for e in graph.edges} | {e.cause for e in graph.edges} <= set(keys)
    described = {n.key for r in said for n in r.nodes}
    assert all(n.kind is NodeKind.UNKNOWN for n in graph.nodes if n.key not in described)
    assert lineage.merge([graph]) == graph
    assert lineage.merge([graph, *said]) == graph


def test_a_later_description_wins():
    first, second = (LineageRecord(id=Id(n), model=None, source="s", event="e", edges=(),
                                   nodes=(Node(key="a", kind=NodeKind.RUN, name=n),)) for n in ("old", "new"))
    assert [n.name for n in lineage.merge([first, second]).nodes] == ["new"]


@given(SAID, KEYS)
def test_a_closure_is_closed_and_reaches_only_what_it_must(said, start):
    graph = lineage.merge([*said, Graph(nodes=(Node(key=start, kind=NodeKind.VERSION, name="x"),), edges=())])
    for walk, near, far in ((lineage.upstream, "effect", "cause"), (lineage.downstream, "cause", "effect")):
        found = walk(graph, start)
        keys = {n.key for n in found.nodes}
        assert start in keys
        assert set(found.edges) == {e for e in graph.edges if getattr(e, near) in keys}
        assert {getattr(e, far) for e in found.edges} | {start} == keys
        assert len(found.edges) == len(set(found.edges))
        assert walk(found, start) == found


@given(SAID, KEYS, KEYS)
def test_upstream_and_downstream_are_each_others_mirror(said, a, b):
    graph = lineage.merge(said)
    up, down = lineage.upstream(graph, a).nodes, lineage.downstream(graph, b).nodes
    assert (b in [n.key for n in up]) == (a in [n.key for n in down]) or {a, b} - {n.key for n in graph.nodes}
