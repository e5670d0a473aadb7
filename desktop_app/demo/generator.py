"""Made-up customers of an invented bank, and exactly where bias is planted in them.

Applicants for a credit card (`applicants`), independent rows, drawn with a seeded numpy generator:

- `sex` F or M with equal probability; `age` 18 + 57·Beta(2, 3), whole years; `region` Randstad 45 %, South 22 %,
  East 20 %, North 13 %. None of the three has any effect on default.
- `part_time` 1 with probability 0.65 for F and 0.15 for M: the planted PROXY of sex. It has no effect on default.
- `income` (net, € per month) log-normal with median 2,400 and σ 0.38, times 0.97 for part-time, rounded to 10.
- `employment_years` Gamma(2, 3.2), at most age − 18; `debt_ratio` Beta(2.2, 4.5); `utilisation` Beta(2, 3);
  `prior_defaults` Poisson(0.18), at most 4; `open_loans` Poisson(1.3), at most 8; `enquiries_6m` Poisson(0.9), at most
  8; `months_at_bank` Gamma(2, 30).
- `default_12m` Bernoulli with log-odds −3.7 + 1.8·debt_ratio + 1.2·utilisation + 1.8·[debt_ratio > 0.38 and
  utilisation > 0.40] + 1.1·prior_defaults + 0.35·enquiries_6m − 0.10·employment_years − 0.8·ln(income / 2,400)
  − 0.004·months_at_bank. The step in it is what trees find and a scorecard of straight lines does not.
- `referred` is the planted SHIFTED LABEL: 1 where `default_12m` is 1, and besides with probability 0.45 for part-time
  and 0.02 for everybody else, as if agents had sent part-time workers to collections sooner than others.

A model that is fitted to `referred` and given `part_time` (version 2 of the scorecard) therefore declines women far
more often than men although they do not default more often. One that is fitted to `default_12m` without it does not.

Accounts in early arrears (`accounts`): `days_past_due` uniform 5 to 45, `balance` log-normal with median 900 and
σ 0.7, `missed_before` Poisson(0.8), `contacted_before` Bernoulli(0.4), `salary_in` Bernoulli(0.72); `sex` and `age` as
above, without effect. `rolls_60d` Bernoulli with log-odds −2.2 + 0.05·days_past_due + 0.3·ln(balance / 900) +
0.7·missed_before − 1.3·salary_in − 0.3·contacted_before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray
    from pandas import DataFrame

REGIONS = {"Randstad": 0.45, "South": 0.22, "East": 0.20, "North": 0.13}
AGE_BANDS = ((18, "18–29"), (30, "30–44"), (45, "45–59"), (60, "60 and over"))


def applicants(rows: int, seed: int) -> DataFrame:
    """`rows` applicants with the columns of the module's docstring, `applicant` (a number) and `age_band`."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(seed)
    people = _people(draw, rows)
    part_time = draw.random(rows) < np.where(people["sex"] == "F", 0.65, 0.15)
    frame = pd.DataFrame({
        "applicant": np.arange(1, rows + 1) + seed * 1_000_000, **people, "part_time": part_time.astype(int),
        "income": (2_400 * np.exp(draw.normal(0, 0.38, rows)) * np.where(part_time, 0.97, 1)).round(-1).astype(int),
        "employment_years": np.minimum(draw.gamma(2, 3.2, rows), people["age"] - 18).round(1),
        "debt_ratio": draw.beta(2.2, 4.5, rows).round(3), "utilisation": draw.beta(2, 3, rows).round(3),
        "prior_defaults": np.minimum(draw.poisson(0.18, rows), 4),
        "open_loans": np.minimum(draw.poisson(1.3, rows), 8),
        "enquiries_6m": np.minimum(draw.poisson(0.9, rows), 8),
        "months_at_bank": draw.gamma(2, 30, rows).round().astype(int),
    })
    defaulted = draw.random(rows) < _probability(_default_log_odds(frame))
    sent_early = draw.random(rows) < np.where(part_time, 0.45, 0.02)
    return frame.assign(default_12m=defaulted.astype(int), referred=(defaulted | sent_early).astype(int))


def accounts(rows: int, seed: int) -> DataFrame:
    """`rows` accounts in early arrears with the columns of the module's docstring, `account` and `age_band`."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "account": np.arange(1, rows + 1) + seed * 1_000_000, **_people(draw, rows),
        "days_past_due": draw.integers(5, 46, rows),
        "balance": (900 * np.exp(draw.normal(0, 0.7, rows))).round().astype(int),
        "missed_before": draw.poisson(0.8, rows), "contacted_before": (draw.random(rows) < 0.4).astype(int),
        "salary_in": (draw.random(rows) < 0.72).astype(int),
    })
    log_odds = (-2.2 + 0.05 * frame.days_past_due + 0.3 * np.log(frame.balance / 900) + 0.7 * frame.missed_before
                - 1.3 * frame.salary_in - 0.3 * frame.contacted_before)
    return frame.assign(rolls_60d=(draw.random(rows) < _probability(log_odds)).astype(int))


def _people(draw: Generator, rows: int) -> dict[str, NDArray[Any]]:
    import numpy as np

    age = (18 + 57 * draw.beta(2, 3, rows)).astype(int)
    starts = [start for start, _ in AGE_BANDS]
    names = np.array([name for _, name in AGE_BANDS])
    return {"sex": np.where(draw.random(rows) < 0.5, "F", "M"), "age": age,
            "age_band": names[np.searchsorted(starts, age, side="right") - 1],
            "region": draw.choice(list(REGIONS), rows, p=list(REGIONS.values()))}


def _default_log_odds(frame: DataFrame) -> Any:
    import numpy as np

    stretched = ((frame.debt_ratio > 0.38) & (frame.utilisation > 0.40)).astype(int)
    return (-3.7 + 1.8 * frame.debt_ratio + 1.2 * frame.utilisation + 1.8 * stretched + 1.1 * frame.prior_defaults
            + 0.35 * frame.enquiries_6m - 0.10 * frame.employment_years - 0.8 * np.log(frame.income / 2_400)
            - 0.004 * frame.months_at_bank)


def _probability(log_odds: Any) -> Any:
    from scipy.special import expit

    return expit(log_odds)
