"""A layered layout of a directed graph: columns by longest path, few crossings, short edges.

Sugiyama's steps on index arrays: longest-path layers with cycles cut, dummy points on long edges, barycentre
sweeps, then coordinates that keep the order and move towards the neighbours' mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SWEEPS = 24
_MOST_DUMMIES = 20_000


@dataclass(frozen=True)
class Layout:
    """Where points are: nodes first, then dummies. `paths`: for each edge the points it goes through."""

    layer: NDArray[Any]
    y: NDArray[Any]  # centres; 0 at the top edge of the highest
    paths: tuple[tuple[int, ...], ...]


def layers(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """Longest path from the sources; sources move right next to what they feed; edges of cycles are ignored."""
    out: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        out[source].append(target)
    order = _topological(count, out)
    place = {node: i for i, node in enumerate(order)}
    layer = [0] * count
    for node in order:
        for target in out[node]:
            if place[target] > place[node]:
                layer[target] = max(layer[target], layer[node] + 1)
    fed = {target for source, target in edges if place[target] > place[source]}
    for node in range(count):
        ahead = [layer[t] for t in out[node] if place[t] > place[node]]
        if node not in fed and ahead:
            layer[node] = min(ahead) - 1
    return layer


def _topological(count: int, out: list[list[int]]) -> list[int]:
    """Reverse depth-first post-order: a topological order, and a fixed one where there are cycles."""
    seen, finished = [False] * count, list[int]()
    for root in range(count):
        stack = [(root, iter(out[root]))] if not seen[root] else []
        seen[root] = True
        while stack:
            node, targets = stack[-1]
            following = next((t for t in targets if not seen[t]), None)
            if following is None:
                finished.append(node)
                stack.pop()
            else:
                seen[following] = True
                stack.append((following, iter(out[following])))
    return finished[::-1]


def layout(count: int, edges: list[tuple[int, int]], height: float, gap: float) -> Layout:
    """Place `count` nodes of one height with a gap between them. edges: (source, target), drawn left to right."""
    import numpy as np

    layer = layers(count, edges)
    paths, short = _with_dummies(layer, edges)
    columns = np.array(layer)
    size = np.where(np.arange(len(layer)) < count, height, 0.0)
    pairs = np.array(short, dtype=int).reshape(-1, 2)
    rank = _order(columns, pairs)
    return Layout(columns, _coordinates(columns, rank, pairs, size, gap), paths)


def _with_dummies(
    layer: list[int], edges: list[tuple[int, int]],
) -> tuple[tuple[tuple[int, ...], ...], list[tuple[int, int]]]:
    """Cut edges over several columns into short ones; appends the dummies' columns to `layer`."""
    paths, short = [], []
    dummies = sum(max(0, abs(layer[t] - layer[s]) - 1) for s, t in edges) <= _MOST_DUMMIES
    for source, target in edges:
        path = [source]
        for column in range(layer[source] + 1, layer[target]) if dummies else ():
            layer.append(column)
            path.append(len(layer) - 1)
        path.append(target)
        paths.append(tuple(path))
        short += [(a, b) for a, b in pairwise(path) if layer[a] < layer[b]]
    return tuple(paths), short


def _columns(columns: NDArray[Any]) -> list[NDArray[Any]]:
    import numpy as np

    return [np.flatnonzero(columns == c) for c in range(int(columns.max(initial=-1)) + 1)]


def _order(columns: NDArray[Any], pairs: NDArray[Any]) -> NDArray[Any]:
    """The rank of every point in its column after barycentre sweeps to the right and back; the best one is kept."""
    import numpy as np

    members = _columns(columns)
    rank = np.zeros(len(columns))
    for inside in members:
        rank[inside] = np.arange(len(inside))
    best, fewest = rank.copy(), _crossings(columns, pairs, rank)
    for sweep in range(_SWEEPS if len(pairs) else 0):
        forward = sweep % 2 == 0
        for inside in members if forward else members[::-1]:
            wish = _mean_of_neighbours(pairs, rank, inside, forward)
            rank[inside[np.argsort(wish, kind="stable")]] = np.arange(len(inside))
        now = _crossings(columns, pairs, rank)
        if now < fewest:
            best, fewest = rank.copy(), now
    return best


def _mean_of_neighbours(pairs: NDArray[Any], value: NDArray[Any], inside: NDArray[Any], forward: bool) -> NDArray[Any]:
    """Mean value of the neighbours on one side, the own value where there is none."""
    import numpy as np

    near, far = (pairs[:, 1], pairs[:, 0]) if forward else (pairs[:, 0], pairs[:, 1])
    total = np.bincount(near, value[far], len(value))[inside]
    number = np.bincount(near, minlength=len(value))[inside]
    mean: NDArray[Any] = np.where(number > 0, total / np.maximum(number, 1), value[inside])
    return mean


def _crossings(columns: NDArray[Any], pairs: NDArray[Any], rank: NDArray[Any]) -> int:
    """Crossings between neighbouring columns; a count by pairs, so an estimate by sampling above 3,000 edges."""
    import numpy as np

    crossed = 0
    for column in range(int(columns.max(initial=0))):
        inside = pairs[columns[pairs[:, 0]] == column][:3_000]
        a, b = rank[inside[:, 0]], rank[inside[:, 1]]
        crossed += int(np.count_nonzero((a[:, None] < a[None, :]) & (b[:, None] > b[None, :])))
    return crossed


def _coordinates(
    columns: NDArray[Any], rank: NDArray[Any], pairs: NDArray[Any], size: NDArray[Any], gap: float,
) -> NDArray[Any]:
    import numpy as np

    members = [inside[np.argsort(rank[inside])] for inside in _columns(columns)]
    y = np.zeros(len(columns))
    for inside in members:
        y[inside] = _spread(np.zeros(len(inside)), size[inside], gap)
    for sweep in range(8 if len(pairs) else 0):
        forward = sweep % 2 == 0
        for inside in members if forward else members[::-1]:
            y[inside] = _spread(_mean_of_neighbours(pairs, y, inside, forward), size[inside], gap)
    return y - (y - size / 2).min() if len(y) else y


def _spread(wish: NDArray[Any], size: NDArray[Any], gap: float) -> NDArray[Any]:
    """Centres near what is wished, in order, at least a gap apart: the mean of pushing down and of pushing up."""
    import numpy as np

    apart = np.concatenate([[0.0], np.cumsum((size[1:] + size[:-1]) / 2 + gap)])
    down = np.maximum.accumulate(wish - apart) + apart
    up = np.minimum.accumulate((wish - apart)[::-1])[::-1] + apart
    middle: NDArray[Any] = (down + up) / 2
    return middle
