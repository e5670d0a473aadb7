"""Verdicts on gaps between groups, exactly as DESIGN §4 orders them: what a criterion came to, and in which words.

A gap is made of comparisons of pairs of rates. A ratio to the best group is the minimum over all pairs and its
interval the minimum of theirs; a largest gap is the maximum over pairwise limits; `breached` asks the interval
that holds for all pairs at once (Bonferroni). The test against parity (Holm) is told apart from the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from desktop_app.analysis import intervals
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import Criterion, Measure, Verdict
from desktop_app.errors import UserError

CONFIDENCE = 0.95
OTHERS = "all others"  # known groups than the one that is compared


@dataclass(frozen=True)
class Rate:
    """k of n in a group. `part` names the rate when a gap is made of several; `of` says which rows n counts."""

    group: str
    k: float
    n: float
    part: str = ""
    of: str = ""

    @property
    def value(self) -> float:
        """The rate itself; 0 of nothing."""
        return self.k / self.n if self.n else 0.0


@dataclass(frozen=True)
class Comparison:
    """A pair of rates: the gap of `rate` against `other`, its 95 % limits, and the limits for all pairs at once."""

    rate: Rate
    other: Rate
    value: float
    limits: intervals.Interval
    simultaneous: intervals.Interval
    method: str
    p: float  # of equal rates, adjusted over the pairs
    p_raw: float


@dataclass(frozen=True)
class Question:
    """A gap asked about: `kind` ratio or difference, over `pairs`; `threshold` in `direction`, judged by `rule`."""

    kind: str
    pairs: tuple[tuple[Rate, Rate], ...]
    direction: str
    rule: str
    threshold: float
    bound: float = math.inf  # 1 for a ratio to the best group, which is itself one of the groups

    def hypotheses(self, comparisons: Sequence[Comparison]) -> int:
        """How many pairs are compared; a pair and its reverse are one."""
        return len({_pair_key(c.rate, c.other) for c in comparisons})

    def violated_by(self, value: float) -> bool:
        """Whether a value lies on the wrong side of the threshold."""
        return value < self.threshold if self.direction == "at_least" else value > self.threshold

    def worst(self, values: Iterable[float]) -> float:
        """The value furthest to the wrong side."""
        return min(values) if self.direction == "at_least" else max(values)


def _pair_key(one: Rate, other: Rate) -> tuple[str, frozenset[str]]:
    return one.part, frozenset((one.group, other.group))


def pairs(rates: tuple[Rate, ...], reference: str | None, kind: str) -> tuple[tuple[Rate, Rate], ...]:
    """Every rate against the reference's, or, without one, all pairs (for a ratio both ways round)."""
    if reference is not None:
        return tuple((r, f) for r in rates for f in rates
                     if f.group == reference != r.group and f.part == r.part)
    return tuple((a, b) for i, a in enumerate(rates) for j, b in enumerate(rates)
                 if i != j and a.part == b.part and (kind == "ratio" or i < j))


def compare(question: Question, scale: float = 1.0) -> list[Comparison]:
    """All comparisons of a question, as if the table had `scale` times its rows at the same rates."""
    all_pairs = tuple((replace(a, k=a.k * scale, n=a.n * scale), replace(b, k=b.k * scale, n=b.n * scale))
                      for a, b in question.pairs)
    keys = {_pair_key(a, b): (a, b) for a, b in all_pairs}
    raw = [intervals.p_value(a.k, a.n, b.k, b.n) for a, b in keys.values()]
    p = dict(zip(keys, zip(intervals.holm(raw), raw, strict=True), strict=True))
    wide = 1 - (1 - CONFIDENCE) / max(1, len(keys))
    gap = _ratio if question.kind == "ratio" else _difference
    return [Comparison(a, b, *gap(a, b, wide), *p[_pair_key(a, b)]) for a, b in all_pairs]


_Gap = tuple[float, intervals.Interval, intervals.Interval, str]


def _ratio(a: Rate, b: Rate, wide: float) -> _Gap:
    if b.k == 0:  # the reverse has limits: turn them round
        back, both = (intervals.ratio(b.k, b.n, a.k, a.n, level)[0] if a.k else None for level in (CONFIDENCE, wide))
        return math.inf, _turned(back), _turned(both), intervals.MOVER
    (limits, method), (simultaneous, _) = (
        intervals.ratio(a.k, a.n, b.k, b.n, level) for level in (CONFIDENCE, wide))
    none = (0.0, math.inf)
    return (a.k / a.n) / (b.k / b.n), limits or none, simultaneous or none, method


def _turned(limits: intervals.Interval | None) -> intervals.Interval:
    return (1 / limits[1], math.inf) if limits and limits[1] > 0 else (0.0, math.inf)


def _difference(a: Rate, b: Rate, wide: float) -> _Gap:
    limits, simultaneous = (absolute(intervals.newcombe(a.k, a.n, b.k, b.n, level)) for level in (CONFIDENCE, wide))
    return abs(a.k / a.n - b.k / b.n), limits, simultaneous, intervals.NEWCOMBE


def absolute(limits: intervals.Interval) -> intervals.Interval:
    """The limits of an absolute value."""
    low, high = limits
    return (0.0, max(-low, high)) if low <= 0 <= high else (min(abs(low), abs(high)), max(abs(low), abs(high)))


# ---- judging


@dataclass(frozen=True)
class Judgement:
    """Comparisons and the verdict they lead to."""

    question: Question
    comparisons: tuple[Comparison, ...]

    @cached_property
    def worst(self) -> Comparison:
        """The comparison with the worst value."""
        value = self.question.worst(c.value for c in self.comparisons)
        return next(c for c in self.comparisons if c.value == value)

    @cached_property
    def clearest(self) -> Comparison:
        """The comparison whose gap against parity is the clearest."""
        return min(self.comparisons, key=lambda c: (c.p, c.p_raw))

    @cached_property
    def stated(self) -> tuple[Comparison, ...]:
        """What the stated number is made of: a lowest ratio is one group's, against all it is compared with."""
        if self.question.kind != "ratio":
            return self.comparisons
        return tuple(c for c in self.comparisons if c.rate.group == self.worst.rate.group)

    @cached_property
    def limits(self) -> intervals.Interval:
        """The interval of the number stated: the worst of the lower and of the upper limits."""
        low, high = (self.question.worst(c.limits[edge] for c in self.stated) for edge in (0, 1))
        return min(low, self.question.bound), min(high, self.question.bound)

    @property
    def measure(self) -> Measure:
        """The gap as it is recorded."""
        method = self.worst.method
        pairs = len({_pair_key(c.rate, c.other) for c in self.stated})
        if pairs > 1:
            most = "minimum" if self.question.direction == "at_least" else "maximum"
            method += f", {most} over {pairs} pairs"
        low, high = self.limits
        return Measure(value=number(min(self.worst.value, self.question.bound)), low=number(low), high=number(high),
                       method=method)

    @property
    def verdict(self) -> Verdict:
        """By the rule of the question."""
        if self.question.rule == "point":
            return Verdict.BREACHED if self.question.violated_by(self.worst.value) else Verdict.MET
        if self.question.rule == "four_fifths_and_significant":
            return self._four_fifths()
        if not self.unsettled:
            return Verdict.MET
        breached = any(self.question.violated_by(c.simultaneous[_far(self.question)]) for c in self.comparisons)
        return Verdict.BREACHED if breached else Verdict.UNDETERMINED

    def _four_fifths(self) -> Verdict:
        below = [c for c in self.comparisons if self.question.violated_by(c.value)]
        if not below:
            return Verdict.MET
        return Verdict.BREACHED if any(c.p < 1 - CONFIDENCE for c in below) else Verdict.UNDETERMINED

    @cached_property
    def unsettled(self) -> list[Comparison]:
        """The comparisons whose own 95 % interval does not satisfy the threshold."""
        near = 1 - _far(self.question)
        return [c for c in self.comparisons if self.question.violated_by(c.limits[near])]


def _far(question: Question) -> int:
    return 1 if question.direction == "at_least" else 0


def judge(question: Question) -> Judgement:
    """Compare and judge."""
    return Judgement(question, tuple(compare(question)))


def rows_to_settle(judgement: Judgement) -> tuple[str, int] | None:
    """(group, rows) that would settle an undetermined question at the same rates, all groups growing in proportion.

    None when a hundred thousand times the rows would not.
    """
    question, low, high = judgement.question, 1.0, 2.0
    open_rate = (judgement.worst if judgement.worst in judgement.unsettled else judgement.unsettled[0]).rate

    def settled(scale: float) -> bool:
        return Judgement(question, tuple(compare(question, scale))).verdict is not Verdict.UNDETERMINED

    while not settled(high):
        low, high = high, high * 2
        if high > 1e5:
            return None
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return open_rate.group, _two_digits(open_rate.n * high)


def _two_digits(value: float) -> int:
    step = 10.0 ** max(0, math.floor(math.log10(value)) - 1)
    return round(math.ceil(value / step) * step)


def check_criterion(criterion: Criterion, metrics: Collection[str], rules: Collection[str]) -> None:
    """Raises UserError for a metric or rule not among these, and for a threshold that nothing or everything meets."""
    if criterion.metric not in metrics or criterion.rule not in rules:
        raise UserError(f"The criterion “{criterion.metric}”, rule “{criterion.rule}”, is not known here.",
                        f"Known: {', '.join(metrics)}; rules {', '.join(rules)}.", "Choose among these.")
    if criterion.threshold is None:
        return
    value, least = float(criterion.threshold), criterion.direction == "at_least"
    named, bound = criterion.metric.replace("_", " "), "at least" if least else "at most"
    if not 0 <= value <= 1:
        raise UserError(f"A threshold of {value:g} is not between 0 and 1.", f"Asked: {named} {bound} {value:g}.",
                        "Write 70 per cent as 0.7.")
    if value == (0 if least else 1):
        raise UserError(f"A threshold of {bound} {value:g} is met by everything.", f"Asked of: {named}.",
                        "Choose one that can be missed, or no criterion.")


# ---- words


def decimal(value: float) -> str:
    """A number for a sentence, three decimals."""
    return f"{round(value, 3) + 0.0:.3f}" if math.isfinite(value) else "without bound"


def p_words(p: float) -> str:
    """A p-value for a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def sentence(judgement: Judgement, noun: str) -> str:
    """What was found, in plain words: n, value, interval, threshold, and what would settle it."""
    worst, question = judgement.worst, judgement.question
    low, high = (decimal(edge) for edge in judgement.limits)
    part = f" in the {worst.rate.part}" if worst.rate.part else ""
    said = [f"{noun} is {decimal(worst.value)} [{low}, {high}]{part}, {_counted(worst.rate)} against "
            f"{_counted(worst.other)}; {_REASONS[judgement.verdict](judgement)}."]
    if judgement.verdict is Verdict.UNDETERMINED:
        said.append(_what_would_settle(judgement))
    if question.rule == "point":
        said.append("The rule compares the point estimate and ignores uncertainty.")
    said.append(_parity(judgement))
    return " ".join(said)


def _counted(rate: Rate) -> str:
    named = rate.group if rate.group == OTHERS else f"“{rate.group}”"
    return f"{named} (n {round(rate.n):,}{rate.of})"


def _bound(question: Question) -> str:
    return f"{'at least' if question.direction == 'at_least' else 'at most'} {question.threshold:g}"


def _met_words(j: Judgement) -> str:
    if j.question.rule == "interval":
        return f"every interval satisfies the criterion, {_bound(j.question)}"
    return f"this satisfies the criterion, {_bound(j.question)}" + _reaches(j)


def _reaches(j: Judgement) -> str:
    if j.question.rule == "point" or not j.unsettled:
        return ""
    return ", though the interval reaches past it"


def _breached_words(j: Judgement) -> str:
    if j.question.rule == "interval":
        count = j.question.hypotheses(j.comparisons)
        adjusted = f" adjusted for {count} comparisons" if count > 1 else ""
        return f"the interval{adjusted} lies beyond the criterion, {_bound(j.question)}"
    tested = " and the difference is significant" if j.question.rule != "point" else ""
    return f"this violates the criterion, {_bound(j.question)}{tested}"


def _undetermined_words(j: Judgement) -> str:
    if j.question.rule != "interval":
        return f"this violates the criterion, {_bound(j.question)}, but the test does not show a difference"
    groups = list(dict.fromkeys(c.rate.group for c in j.unsettled))
    more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
    named = ", ".join(f"“{group}”" for group in groups[:3]) + more
    return f"whether it satisfies the criterion, {_bound(j.question)}, cannot be told for {named}"


_REASONS = {Verdict.MET: _met_words, Verdict.BREACHED: _breached_words, Verdict.UNDETERMINED: _undetermined_words}


def _what_would_settle(judgement: Judgement) -> str:
    if not judgement.question.pairs:
        return "How many rows would settle it is not computed for this criterion."
    needed = rows_to_settle(judgement)
    if needed is None:
        return "At these rates no sample of a practical size would settle it."
    group, rows = needed
    return f"At these rates about {rows:,} rows of “{group}”, the others in proportion, would settle it."


def _parity(judgement: Judgement) -> str:
    least = judgement.clearest
    adjusted = ", adjusted" if judgement.question.hypotheses(judgement.comparisons) > 1 else ""
    shown = "is clear" if least.p < 1 - CONFIDENCE else "is not shown"
    what = "a change" if judgement.question.kind.endswith("_change") else "a gap against parity"
    return f"Tested apart, {what} {shown} ({p_words(least.p)}{adjusted})."
