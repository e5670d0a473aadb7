"""Evidence: an immutable record of what was asked, of which inputs, in which environment, and what came out.

Numbers are shortest reprs as text (`Number`), None with a reason where there is none. Every number that was
computed here can be made again from spec, inputs, seed and library versions.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from desktop_app.domain.canonical import Digest, Id, Number, fact, later, record
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.model import Pair


class EvidenceKind(StrEnum):
    """What was looked at."""

    PERFORMANCE = "performance"
    FAIRNESS = "fairness"
    EXPLANATION = "explanation"
    ARTEFACT_SCAN = "artefact_scan"
    VALIDATION_REPORT = "validation_report"
    DOCUMENT = "document"


class Standing(StrEnum):
    """Who vouches for the numbers."""

    COMPUTED = "computed_here"
    REPERFORMED = "re_performed"
    ASSERTED = "asserted"


class Verdict(StrEnum):
    """What a criterion came to."""

    MET = "met"
    BREACHED = "breached"
    UNDETERMINED = "undetermined"
    NOT_COMPUTABLE = "not_computable"
    REPORTED = "reported"


@record
class Measure:
    """A number with its uncertainty; `value` None carries a reason."""

    value: Number | None
    low: Number | None = None  # 95 % unless the spec says otherwise
    high: Number | None = None
    method: str = ""
    reason: str = ""


@record
class NamedMeasure:
    """A measure under its name."""

    name: str
    measure: Measure


@record
class Criterion:
    """A threshold chosen before the run (DESIGN §4)."""

    metric: str
    attribute: str
    threshold: Number | None
    direction: str  # "at_least" | "at_most"
    rule: str = "interval"  # interval | four_fifths_and_significant | point
    reference: str | None = None  # None: the best group


@record
class CriterionResult:
    """What a criterion came to, in one plain sentence."""

    criterion: Criterion
    measure: Measure
    verdict: Verdict
    sentence: str
    worst_group: str = ""
    p_raw: Number | None = later(default=None)  # of the clearest gap against parity, apart from the threshold
    p_adjusted: Number | None = later(default=None)  # the same, by Holm over the pairs compared


@record
class Environment:
    """Where and with what a computation ran."""

    python: str
    platform: str
    libraries: tuple[Pair, ...]
    seed: int | None
    application: str


# ---- fairness

JOIN = " × "  # between the attributes of an intersection, and between their values
CLASS_METRICS = ("class_accuracy", "macro_recall", "macro_precision", "macro_f1")  # where there are many classes
METRICS = (  # of each group, in the order in which they are told
    "selection_rate", "true_positive_rate", "false_positive_rate", "true_negative_rate", "false_negative_rate",
    "precision", "negative_predictive_value", "false_discovery_rate", "false_omission_rate", "accuracy", "prevalence",
    "balanced_accuracy", "auc", "calibration_error", "mean_score", "mean_score_with_event", "mean_score_without_event",
    "standardised_mean_difference", "treatment_equality", *CLASS_METRICS)
SEARCHES = {  # for what other cut-offs are searched → how it is said; each but the first is a gap between groups
    "impact_ratio": "lowest ratio between groups",
    "true_positive_rate": "largest gap of true positive rates",
    "false_positive_rate": "largest gap of false positive rates",
    "equalised_odds": "largest gap of true or false positive rates",
}
ROW_METRICS = ("log_loss", "brier_score", "average_precision")  # of scores; computed on the rows, not on counts
WEIGHED = 2  # the edition of the methods from which on weights count everywhere, and more gaps are told
METHODS = 2  # the edition of the methods that new reports are made by
NO_SEARCH = "none"
CONFIDENTIALITY = {  # of a search for alternatives → how it is said beside it
    "internal": "Internal.",
    "confidential": "Confidential.",
    "privileged": "Privileged and confidential: prepared for legal advice.",
}
OWN_CUT_OFFS = (  # what is said wherever cut-offs of their own for groups are shown
    "Cut-offs of their own for groups treat people differently because of the group. They are unlawful in selecting "
    "for employment in the United States (42 U.S.C. 2000e-2(l)) and for credit (12 CFR 1002.4(a)), and elsewhere "
    "allowed at most as positive action. They show what a smaller gap would cost; they are no proposal to use them.")
ON_THIS_TABLE = "Found on this table and judged on it: on another they may do less well."  # of other cut-offs
PERIODS = ("month", "quarter", "year")


@record
class FairnessSpec:
    """What was asked of a bias report."""

    label: str | None
    decision: str
    positive: str  # value of `decision` that is the event the model selects
    favourable: bool  # whether being selected is good for the person
    sensitive: tuple[str, ...]
    intersections: tuple[tuple[str, ...], ...] = ()
    reference: tuple[Pair, ...] = ()  # attribute → group fixed beforehand
    minimum_group: int = 30
    criteria: tuple[Criterion, ...] = ()
    label_positive: str | None = later(default=None)  # value of `label` that is the event; None: the same as `positive`
    score: str | None = later(default=None)  # column of scores from 0 to 1 that decides, in place of `decision`
    threshold: Number | None = later(default=None)  # a row is selected when its score is at least this
    cut: str = later(default="")  # "above_median": selected strictly above the sample's median, without a threshold
    also_positive: tuple[str, ...] = later(default=())  # further values of `decision` that are selected
    one_against_rest: bool = later(default=False)  # decision and label may have many values: the event against the rest
    weight: str | None = later(default=None)  # column of what each row stands for
    strata: tuple[str, ...] = later(default=())  # legitimate factors, within which groups are compared too
    record_id: str | None = later(default=None)  # column that names each row once
    prediction: str | None = later(default=None)  # column of numbers predicted, held against a label that is a number
    before: str | None = later(default=None)  # column with what the version before decided, or its score
    before_threshold: Number | None = later(default=None)  # of that score; None: the same as `threshold`
    metrics: tuple[str, ...] = later(default=())  # rates that are reported; none: the usual ones
    bootstrap: int = later(default=0)  # replicates for what has no closed interval
    seed: int = later(default=1)
    preset: str = later(default="")  # name and version of the preset that the criteria come from
    preset_words: str = later(default="")  # its title, its source and what it states, as they were shown
    search: str = later(default="")  # one of `SEARCHES` or `NO_SEARCH`; "", of before: as impact_ratio
    group_cut_offs: bool = later(default=False)  # whether cut-offs of their own for groups are searched too
    confidentiality: str = later(default="")  # of the search, one of `CONFIDENTIALITY`
    methods: int = later(default=1)  # the edition: from 2 on weights count within strata and in replicates too
    date: str | None = later(default=None)  # column with the day of each row
    period: str = later(default="")  # one of `PERIODS`, in which rates are told over time
    explore: bool = later(default=False)  # whether intersections that nobody named are looked through
    least_share: Number | None = later(default=None)  # groups under this share of the rows are left out of ratios,
    least_share_why: str = later(default="")  # and why
    by_row: tuple[str, ...] = later(default=())  # some of `ROW_METRICS`

    @property
    def label_event(self) -> str:
        """The value of the label that counts."""
        return self.positive if self.label_positive is None else self.label_positive

    @property
    def crossed(self) -> dict[str, tuple[str, ...]]:
        """The intersections: the name of each, and the attributes that it is made of."""
        return {JOIN.join(parts): parts for parts in self.intersections}


@record
class GroupRow:
    """One group of one attribute (or of an intersection, values joined by `JOIN`)."""

    attribute: str
    group: str
    n: int
    selected: int
    positives: int | None  # None without a label column
    true_positives: int | None
    rates: tuple[NamedMeasure, ...]  # some of `METRICS`, or of a prediction its errors
    ratio: Measure  # favourable rate relative to `relative_to`
    relative_to: str
    state: str  # "reference" | "ok" | "too few" | "unknown" | "not computable" | "left out" of ratios


@record
class Sweep:
    """How one group's rates move with the cut-off; a value for each of the report's `cuts`, None for no rows."""

    attribute: str
    group: str
    selected: tuple[Number | None, ...]
    true_positive: tuple[Number | None, ...] = ()
    false_positive: tuple[Number | None, ...] = ()


@record
class FrontierPoint:
    """What one cut-off for everybody does: accuracy, the lowest ratio of the favourable outcome between groups, the
    largest gap that is searched for (of true positive rates unless the spec names another), the share selected.
    """

    attribute: str
    cut: Number
    accuracy: Number | None
    ratio: Number | None
    gap: Number | None
    selected: Number | None = later(default=None)


@record
class GroupCutOff:
    """A group's own cut-off: from `cut` on everybody is selected, from `lower` on by lot, with this chance. None: the
    cut-off that nobody reaches.
    """

    group: str
    cut: Number | None
    lower: Number | None
    chance: Number

    @property
    def words(self) -> str:
        """The cut-off as it is told."""
        certain = f"from {float(self.cut):.10g}" if self.cut is not None else "nobody for certain"
        chance = f"{float(self.chance):.0%}"
        if self.lower is None or chance == "0%":
            return f"“{self.group}” {certain}"
        if chance == "100%":
            return f"“{self.group}” from {float(self.lower):.10g}"
        return f"“{self.group}” {certain}, by lot ({chance}) from {float(self.lower):.10g}"


@record
class GroupCutOffs:
    """What cut-offs of their own for groups would do: the best accuracy at which a gap is no larger than permitted.

    gap: of what, one of `SEARCHES` · accuracy: over these groups; None, with a reason, where it cannot be computed ·
    cut_offs: none where true and false positive rates are made the same, which takes lots of another kind.
    """

    attribute: str
    gap: str
    permitted: Number
    accuracy: Number | None
    cut_offs: tuple[GroupCutOff, ...] = ()
    reason: str = ""


@record
class PeriodRow:
    """One group in one period: how many rows, and the share of them that is selected. period: its first day."""

    attribute: str
    group: str
    period: str
    n: int
    selected: Measure


@record
class Slice:
    """An intersection that nobody named, against all other rows: the difference of the shares selected, raw and by
    Benjamini and Hochberg over all that were looked at.
    """

    attribute: str
    group: str
    n: int
    difference: Measure
    p_raw: Number | None
    p_adjusted: Number | None


@record
class Calibration:
    """One group's scores in equal parts of the scale: rows (or weights), mean score and share of events of each."""

    attribute: str
    group: str
    rows: tuple[Number | None, ...]
    predicted: tuple[Number | None, ...]
    observed: tuple[Number | None, ...]


@record
class StratumRow:
    """A group within one stratum of legitimate factors."""

    attribute: str
    stratum: str
    group: str
    n: int
    selected: int


@record
class Adjusted:
    """A group against all others known, within strata: the Mantel–Haenszel difference of selection rates, and the
    Cochran–Mantel–Haenszel test, raw and by Holm over the groups of the attribute.
    """

    attribute: str
    group: str
    difference: Measure
    p_raw: Number | None
    p_adjusted: Number | None


@record
class GapChange:
    """The gap of a rate between two groups with the version before and now, on the same rows, and its change."""

    attribute: str
    rate: str
    group: str
    other: str
    before: Number | None
    now: Number | None
    change: Measure
    p_raw: Number | None
    p_adjusted: Number | None


@record
class Tally:
    """How many rows something concerns: an attribute's unknown values, or a column's rows that were left out."""

    name: str
    rows: int
    why: str = ""


@record
class FairnessResult:
    """A bias report."""

    rows: int
    overall: tuple[NamedMeasure, ...]
    groups: tuple[GroupRow, ...]
    differences: tuple[NamedMeasure, ...]  # "demographic_parity_difference SEX", … as fairlearn defines them
    notes: tuple[str, ...]  # unknown values with counts, dropped rows and why, small cells
    not_tested: tuple[str, ...]
    cuts: tuple[Number, ...] = later(default=())  # the cut-offs of `sweep`
    sweep: tuple[Sweep, ...] = later(default=())
    calibration: tuple[Calibration, ...] = later(default=())
    frontier: tuple[FrontierPoint, ...] = later(default=())
    strata: tuple[StratumRow, ...] = later(default=())
    adjusted: tuple[Adjusted, ...] = later(default=())
    changes: tuple[GapChange, ...] = later(default=())
    unknown: tuple[Tally, ...] = later(default=())
    dropped: tuple[Tally, ...] = later(default=())
    used: tuple[FrontierPoint, ...] = later(default=())  # what the cut-off that was used does, as `frontier`
    group_cut_offs: tuple[GroupCutOffs, ...] = later(default=())
    over_time: tuple[PeriodRow, ...] = later(default=())
    slices: tuple[Slice, ...] = later(default=())
    sliced: int = later(default=0)  # how many intersections were looked at for `slices`


# ---- explanation


@record
class Importance:
    """Mean absolute SHAP value of a feature, with its sign correlation to the feature's value."""

    feature: str
    mean_abs: Number
    direction: Number | None


@record
class Contribution:
    """What one feature of one record added to the output."""

    feature: str
    value: str
    contribution: Number


@record
class LocalExplanation:
    """One record: base value + contributions = output."""

    row: int  # 0-based in the table; people are shown row + 1
    base: Number
    output: Number
    contributions: tuple[Contribution, ...]


@record
class ExplanationSpec:
    """What was asked of an explanation."""

    features: tuple[str, ...]
    rows: int
    background: int
    row: int  # 0-based in the table; people are shown and give row + 1
    seed: int


@record
class ExplanationResult:
    """A SHAP report: global importances and one local waterfall, on the model's own output scale."""

    explainer: str  # tree | linear | permutation
    output: str  # "log-odds of class 1", "probability of class 1", …
    importances: tuple[Importance, ...]
    local: LocalExplanation
    additivity_residual: Number  # max |base + Σ contributions − output| over the explained rows
    isolation: str  # how the model was kept apart
    notes: tuple[str, ...] = ()


# ---- performance, artefact scan, documents


@record
class PerformanceSpec:
    """What was asked of a performance report."""

    label: str
    positive: str
    decision: str | None = None
    score: str | None = None
    criteria: tuple[Criterion, ...] = ()


@record
class PerformanceResult:
    """Discrimination and calibration on a table."""

    rows: int
    measures: tuple[NamedMeasure, ...]  # auc, accuracy, brier, precision, recall, …
    notes: tuple[str, ...] = ()


@record
class ArtefactScan:
    """What a model file is, without loading it."""

    format: str
    size: int
    loadable: bool  # data-only: may be loaded apart from our process
    reason: str
    details: tuple[Pair, ...] = ()


@record
class DocumentInfo:
    """A document brought in: filed, never recomputed."""

    file_name: str
    blob: Digest
    size: int
    media_type: str
    checklist: str  # key of the policy's document line, or "other"
    title: str
    author: Id | None
    received: date


@fact("evidence.planned")
class EvidencePlanned:
    """The spec with its thresholds, written down before the run."""

    id: Id
    model: Id
    version: Id
    evidence_kind: EvidenceKind
    fairness: FairnessSpec | None = None
    explanation: ExplanationSpec | None = None
    performance: PerformanceSpec | None = None


@fact("evidence")
class Evidence:
    """One piece of evidence about a version. Exactly one result matches `evidence_kind`."""

    id: Id
    model: Id
    version: Id
    evidence_kind: EvidenceKind
    standing: Standing
    title: str
    period_from: date | None = None
    period_to: date | None = None
    plan: Id | None = None
    supersedes: Id | None = None
    inputs: tuple[TableInput, ...] = ()
    artefact: Digest | None = None
    environment: Environment | None = None
    verdicts: tuple[CriterionResult, ...] = ()
    fairness_spec: FairnessSpec | None = None
    fairness: FairnessResult | None = None
    explanation_spec: ExplanationSpec | None = None
    explanation: ExplanationResult | None = None
    performance_spec: PerformanceSpec | None = None
    performance: PerformanceResult | None = None
    scan: ArtefactScan | None = None
    document: DocumentInfo | None = None

    @property
    def handling(self) -> str:
        """How confidential the search for other cut-offs in it is; "" without one."""
        searched = self.fairness is not None and self.fairness.frontier
        label = self.fairness_spec.confidentiality if searched and self.fairness_spec else ""
        return CONFIDENTIALITY.get(label, label)


@fact("evidence.withdrawn")
class EvidenceWithdrawn:
    """Evidence found wrong: decisions that list it are to be reconsidered."""

    id: Id
    model: Id
    version: Id
    evidence: Id
    reason: str


def worst(verdicts: tuple[CriterionResult, ...]) -> Verdict:
    """The verdict that stands for a whole report: the worst of its criteria."""
    order = (Verdict.BREACHED, Verdict.UNDETERMINED, Verdict.NOT_COMPUTABLE, Verdict.MET, Verdict.REPORTED)
    found = {v.verdict for v in verdicts}
    return next((v for v in order if v in found), Verdict.REPORTED)
