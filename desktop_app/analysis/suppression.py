"""Which counts of a bias report are left out of a table that is handed on, so that no small one can be worked out.

A count of 1 to one below the limit is left out. Then counts are left out besides, the smallest first, until what is
still told leaves every hidden count a range at least as wide as the limit: over all tables at once, that of each
attribute and those of intersections, which add up to the same people. The range is that of a linear programme, which
is what somebody who wants to know would solve (Cox 1980; Fischetti and Salazar 2001 on the general problem).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_app.analysis.counts import UNKNOWN
from desktop_app.domain.evidence import JOIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 10
PARTS = ("selected", "others")


@dataclass(frozen=True)
class Counts:
    """The rows of one group of a table: how many were selected, how many not."""

    attribute: str
    group: str
    selected: int
    others: int


Cell = tuple[str, str, str]  # attribute, group, part


def hidden(groups: Sequence[Counts], crossed: dict[str, tuple[str, ...]], limit: int = LIMIT) -> frozenset[Cell]:
    """The cells that are left out. crossed: the attributes that an intersection is made of. Totals are always told."""
    counts = {(g.attribute, g.group, part): getattr(g, part) for g in groups for part in PARTS}
    found = {cell for cell, n in counts.items() if 0 < n < limit}
    equations = _equations(counts, crossed)
    while True:
        loose = _too_narrow(counts, equations, found, limit)
        if loose is None:
            return frozenset(found)
        besides = _besides(counts, equations, found, loose)
        if besides in found:  # nothing is told any more but the totals
            return frozenset(found)
        found.add(besides)


Equation = tuple[dict[Cell, float], float, bool]  # coefficients, right side, whether it is an equation (else at most)


def _equations(counts: dict[Cell, int], crossed: dict[str, tuple[str, ...]]) -> list[Equation]:
    """What everybody knows of the counts: groups of a table add up to the total, intersections to their groups."""
    made: list[Equation] = []
    tables = dict.fromkeys(attribute for attribute, _, _ in counts)
    for attribute in tables:
        for part in PARTS:
            cells = [c for c in counts if c[0] == attribute and c[2] == part]
            made.append((dict.fromkeys(cells, 1.0), float(sum(counts[c] for c in cells)), True))
    for name, parts in crossed.items():
        if name not in tables:
            continue
        for place, attribute in enumerate(parts):
            if attribute in tables:
                made += _sums(counts, name, place, attribute)
    return made


def _sums(counts: dict[Cell, int], name: str, place: int, attribute: str) -> list[Equation]:
    """An intersection's cells of one group of an attribute add up to that group, where no other value is unknown."""
    unknown = any(counts.get((name, UNKNOWN, part), 0) for part in PARTS)
    made: list[Equation] = []
    for group in dict.fromkeys(g for a, g, _ in counts if a == attribute and g != UNKNOWN):
        for part in PARTS:
            inner = [c for c in counts if c[0] == name and c[2] == part and c[1] != UNKNOWN
                     and c[1].split(JOIN)[place] == group]
            if inner:
                made.append((dict.fromkeys(inner, 1.0) | {(attribute, group, part): -1.0}, 0.0, not unknown))
    return made


def _reduced(
    counts: dict[Cell, int], equations: list[Equation], order: list[Cell],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The equations and inequalities over the hidden cells only; what is told is put in."""
    import numpy as np

    place = {cell: i for i, cell in enumerate(order)}
    rows: dict[bool, list[tuple[NDArray[Any], float]]] = {True: [], False: []}
    for coefficients, right, equal in equations:
        line, told = np.zeros(len(order)), 0.0
        for cell, factor in coefficients.items():
            if cell in place:
                line[place[cell]] = factor
            else:
                told += factor * counts[cell]
        if line.any():
            rows[equal].append((line, right - told))
    stacked = [np.array([part[i] for part in rows[equal]]) if rows[equal] else None for equal in (True, False)
               for i in (0, 1)]
    return tuple(stacked)  # type: ignore[return-value]


def width(
    counts: dict[Cell, int], equations: list[Equation], cells: set[Cell], one: Cell,
) -> float:
    """How wide the range of a hidden count is, given all that is told."""
    import numpy as np
    from scipy.optimize import linprog

    order = sorted(cells)
    a, b, c, d = _reduced(counts, equations, order)
    wanted = np.zeros(len(order))
    wanted[order.index(one)] = 1.0
    ends = []
    for sign in (1, -1):
        solved = linprog(sign * wanted, A_eq=a, b_eq=b, A_ub=c, b_ub=d, bounds=(0, None), method="highs")
        ends.append(float("inf") if solved.status == 3 else float(sign * solved.fun))
    return abs(ends[1] - ends[0])


def _too_narrow(counts: dict[Cell, int], equations: list[Equation], found: set[Cell], limit: int) -> Cell | None:
    """A hidden count that can be told within less than the limit, the smallest first; None where none can."""
    for cell in sorted(found, key=lambda c: (counts[c], c)):
        if width(counts, equations, found, cell) < limit - 1e-6:
            return cell
    return None


def _besides(counts: dict[Cell, int], equations: list[Equation], found: set[Cell], loose: Cell) -> Cell:
    """What is hidden besides: the smallest count told in an equation with this one, else the smallest of all."""
    near = {cell for coefficients, _, _ in equations if loose in coefficients for cell in coefficients} - found
    around = {cell for coefficients, _, _ in equations if found & coefficients.keys() for cell in coefficients} - found
    for choice in (near, around, set(counts) - found):
        if told := [cell for cell in choice if counts[cell] > 0] or list(choice):
            return min(told, key=lambda c: (counts[c], c))
    return loose  # everything is hidden already: nothing more can be
