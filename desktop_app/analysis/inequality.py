"""Inequality of benefits (Speicher et al. 2018): b = decision − label + 1, so 0 for a row wrongly not selected, 1 for
a right decision, 2 for a row wrongly selected. Generalised entropy with α = 2 and Theil's index (α = 1), over all rows
and between groups, each from confusion cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BENEFIT = (1.0, 2.0, 0.0, 1.0)  # of tn, fp, fn, tp


def _over_mean(cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of [… × groups × 4] counts: rows and benefit relative to the mean, by cell and by group."""
    import numpy as np

    benefit = np.array(_BENEFIT)
    n = cells.sum(axis=(-2, -1))
    benefits = (cells * benefit).sum(axis=(-2, -1))
    mean = np.where(benefits > 0, benefits / n, np.nan)  # where all benefits are nought there is no inequality of them
    by_group = cells.sum(axis=-1)
    with np.errstate(invalid="ignore"):  # a group may be empty in a replicate
        group_mean = (cells * benefit).sum(axis=-1) / by_group
    return (cells.sum(axis=-2) / n[..., None], benefit / mean[..., None], by_group / n[..., None],
            group_mean / mean[..., None])


def entropy(cells: NDArray[Any]) -> NDArray[Any]:
    """Generalised entropy, α = 2: ½ · mean((b / μ)² − 1)."""
    share, ratio, _, _ = _over_mean(cells)
    return (share * (ratio**2 - 1)).sum(axis=-1) / 2  # type: ignore[no-any-return]


def theil(cells: NDArray[Any]) -> NDArray[Any]:
    """Theil's index: mean((b / μ) · ln(b / μ)), where 0 · ln 0 is 0."""
    share, ratio, _, _ = _over_mean(cells)
    return _theil(share, ratio)


def between_entropy(cells: NDArray[Any]) -> NDArray[Any]:
    """The part of the entropy that lies between the groups: every row has its group's mean."""
    import numpy as np

    _, _, share, ratio = _over_mean(cells)
    return np.nansum(share * (ratio**2 - 1), axis=-1) / 2  # type: ignore[no-any-return]  # an empty group has no mean


def between_theil(cells: NDArray[Any]) -> NDArray[Any]:
    """The part of Theil's index that lies between the groups."""
    _, _, share, ratio = _over_mean(cells)
    return _theil(share, ratio)


def _theil(share: NDArray[Any], ratio: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    logs = np.log(np.where(ratio > 0, ratio, 1.0))
    return np.nansum(share * ratio * logs, axis=-1)  # type: ignore[no-any-return]
