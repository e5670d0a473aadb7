"""A preset of a bias report: which criteria a rule or a practice asks for, with its clause and source."""

from __future__ import annotations

from desktop_app.domain.canonical import Number, later, record


@record
class PresetCriterion:
    """A criterion for every attribute compared; without a threshold its number is only reported."""

    metric: str
    threshold: Number | None
    direction: str
    rule: str


@record
class Preset:
    """A dated, versioned file of `resources/presets`.

    source: the rule and its clause · statement: printed with the report · favourable: whether being selected is good
    for the person, None where that depends · crossed: whether every pair of attributes is compared too · cut: how a
    score decides, "" by a threshold, "above_median" strictly above the median of the sample · publishes_small_cells:
    the rule wants every cell printed · needs: columns without which it makes no sense (label, score, strata) ·
    group_cut_offs: whether cut-offs of their own for groups may be searched · search: for what other cut-offs are
    searched · least_share: groups under this share of the rows may be left out of ratios, with a justification.
    """

    key: str
    version: str
    title: str
    source: str
    statement: str
    minimum_group: int
    favourable: bool | None
    crossed: bool
    cut: str
    publishes_small_cells: bool
    needs: tuple[str, ...]
    metrics: tuple[str, ...]
    criteria: tuple[PresetCriterion, ...]
    group_cut_offs: bool = later(default=False)
    search: str = later(default="impact_ratio")
    least_share: Number | None = later(default=None)

    @property
    def name(self) -> str:
        """What a spec says it was made from."""
        return f"{self.key} {self.version}"

    @property
    def words(self) -> str:
        """What is printed with a report made from it."""
        return f"{self.title}. {self.source}. {self.statement}"
