"""What is told of groups leaves every hidden count a range as wide as the limit: solved here by another formulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from desktop_app.analysis.suppression import PARTS, Counts, hidden

LIMIT = 10


def groups_of(table):
    """{(sex, race): (selected, others)} → the counts of sex, race and their intersection."""
    made = []
    for attribute, key in (("sex", lambda k: k[0]), ("race", lambda k: k[1]), ("sex × race", " × ".join)):
        sums = {}
        for at, (selected, others) in table.items():
            one = sums.setdefault(key(at), [0, 0])
            one[0] += selected
            one[1] += others
        made += [Counts(attribute, name, *both) for name, both in sums.items()]
    return made


def attack(table, left_out):
    """What an outsider works out: unknown are the people of each (sex, race, part), every count told an equation."""
    people = [(*at, part) for at in table for part in (0, 1)]
    place = {p: i for i, p in enumerate(people)}
    told, right = [], []

    def say(cells, n):
        line = np.zeros(len(people))
        for cell in cells:
            line[place[cell]] = 1
        told.append(line)
        right.append(n)

    for part in (0, 1):
        say([p for p in people if p[2] == part], sum(both[part] for both in table.values()))
    wanted = {}
    for counts in groups_of(table):
        for part, name in enumerate(PARTS):
            cells = [p for p in people if p[2] == part and {
                "sex": p[0], "race": p[1], "sex × race": f"{p[0]} × {p[1]}"}[counts.attribute] == counts.group]
            if (counts.attribute, counts.group, name) in left_out:
                wanted[counts.attribute, counts.group, name] = cells
            else:
                say(cells, getattr(counts, name))
    widths = {}
    for cell, cells in wanted.items():
        aim = np.zeros(len(people))
        for one in cells:
            aim[place[one]] = 1
        ends = [sign * linprog(sign * aim, A_eq=np.array(told), b_eq=right, bounds=(0, None)).fun for sign in (1, -1)]
        widths[cell] = ends[1] - ends[0]
    return widths


CELLS = st.tuples(st.integers(0, 60), st.integers(0, 60))


@settings(max_examples=40, deadline=None)
@given(st.lists(CELLS, min_size=6, max_size=6))
def test_no_hidden_count_can_be_told_within_the_limit(cells):
    table = dict(zip(itertools.product("FM", "xyz"), cells, strict=True))
    groups = groups_of(table)
    left_out = hidden(groups, {"sex × race": ("sex", "race")}, LIMIT)
    small = {(g.attribute, g.group, p) for g in groups for p in PARTS if 0 < getattr(g, p) < LIMIT}
    assert small <= left_out
    everything = {(g.attribute, g.group, p) for g in groups for p in PARTS}
    widths = attack(table, left_out)
    if left_out != everything:
        assert all(width >= LIMIT - 1e-6 for width in widths.values()), (table, left_out)


def test_one_small_count_alone_would_be_told_by_its_total():
    groups = [Counts("g", "a", 3, 40), Counts("g", "b", 50, 60), Counts("g", "c", 30, 80)]
    left_out = hidden(groups, {}, LIMIT)
    assert left_out == {("g", "a", "selected"), ("g", "c", "selected")}  # the smallest besides


def test_nothing_is_left_out_where_nothing_is_small_or_no_limit_is_asked():
    groups = [Counts("g", "a", 0, 40), Counts("g", "b", 50, 60)]
    assert hidden(groups, {}, LIMIT) == frozenset()
    assert hidden([Counts("g", "a", 1, 2), Counts("g", "b", 3, 4)], {}, 0) == frozenset()


def test_tables_too_small_to_tell_anything_end():
    groups = [Counts("g", "a", 1, 2), Counts("g", "b", 3, 1)]
    assert hidden(groups, {}, LIMIT) == {("g", g, p) for g in "ab" for p in PARTS}


@pytest.mark.parametrize("unknown", [0, 7])
def test_an_unknown_value_loosens_what_intersections_tell(unknown):
    groups = [Counts("sex", "F", 60, 90), Counts("sex", "M", 80, 70), Counts("race", "x", 70, 80),
              Counts("race", "y", 70 - unknown, 80), Counts("race", "unknown", unknown, 0),
              Counts("sex × race", "F × x", 4, 40), Counts("sex × race", "F × y", 56 - unknown, 50),
              Counts("sex × race", "M × x", 66, 40), Counts("sex × race", "M × y", 14, 30),
              Counts("sex × race", "unknown", unknown, 0)]
    left_out = hidden(groups, {"sex × race": ("sex", "race")}, LIMIT)
    assert ("sex × race", "F × x", "selected") in left_out
    assert len(left_out) > 1
