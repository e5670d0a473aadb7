"""What the developer writes in the card of a version: the facts of its training and the numbers that were measured."""

from __future__ import annotations

from desktop_app.demo import training
from desktop_app.demo.cast import BANK, DEVELOPER, OWNER
from desktop_app.demo.measuring import Measured
from desktop_app.demo.training import ARREARS, SCORECARD, THIN_FILE, Trained

_ABOUT = {
    SCORECARD: ("Estimates the probability that an applicant for a credit card defaults within twelve months, and "
                "declines above a cut. One score for each application.",
                "applicants for a credit card", "declining or accepting applications for credit cards",
                "Not for pricing, limits after acceptance, provisions, or applicants without a credit file.",
                "Fall back to review by hand with the debt ratio rule (decline above 0.45)."),
    ARREARS: ("Estimates the probability that an account in early arrears rolls on for sixty days unless somebody "
              "calls. It orders the calling list.",
              "customers between five and forty-five days late", "ordering the calling list of early arrears",
              "Not for legal collection, not for accounts in debt counselling.",
              "Call in the order of days past due."),
    THIN_FILE: ("Estimates the probability of default within twelve months of applicants about whom little is known.",
                "applicants without a credit file", "advice to the reviewer of thin-file applications",
                "Not for automatic decisions. Not for applicants with a credit file.",
                "Review by hand, as today."),
}
_INPUTS = {
    "income": "income (net, € per month)", "employment_years": "employment_years (0 to 57)",
    "debt_ratio": "debt_ratio (0 to 1)", "utilisation": "utilisation of existing limits (0 to 1)",
    "prior_defaults": "prior_defaults (0 to 4)", "open_loans": "open_loans (0 to 8)",
    "enquiries_6m": "enquiries_6m (0 to 8)", "months_at_bank": "months_at_bank (0 and more)",
    "part_time": "part_time (0 or 1)", "days_past_due": "days_past_due (5 to 45)", "balance": "balance (€)",
    "missed_before": "missed_before (count)", "contacted_before": "contacted_before (0 or 1)",
    "salary_in": "salary_in, salary received last month (0 or 1)",
}
_KEPT_OUT = "sex, age and region are not inputs; sex and age are kept apart to test for bias."


def text(trained: Trained, found: Measured) -> dict[str, str]:
    """Every field of the card that tier 1 asks for."""
    return {**_identity(trained), **_design(trained), **_use(trained), **_data(trained), **_evidence(trained, found),
            **_life(trained)}


def use_of(model: str) -> tuple[str, str]:
    """What a model is used for, and what it must not be used for."""
    about = _ABOUT[model]
    return about[2], about[3]


def _identity(trained: Trained) -> dict[str, str]:
    plan = trained.plan
    return {"name": f"{plan.model}, version {plan.label}", "summary": _ABOUT[plan.model][0],
            "owner": f"{OWNER}, Retail lending, {BANK}", "developer": f"{DEVELOPER}, Credit modelling, {BANK}",
            "licence": "Internal to the bank; built with open-source libraries under BSD and Apache licences."}


def _design(trained: Trained) -> dict[str, str]:
    plan = trained.plan
    return {
        "model_type": f"{plan.technique}; binary classification",
        "architecture": f"One {plan.technique.partition(' (')[0]} over {len(plan.features)} inputs, kept as "
                        f"{trained.artefact.suffix[1:]} file; nothing comes from elsewhere.",
        "hyperparameters": ", ".join(f"{k} {v}" for k, v in plan.params.items()) + ". Set once, not searched.",
        "inputs": "; ".join(_INPUTS[f] for f in plan.features),
        "outputs": f"score: probability between 0 and 1; {plan.decision}: 1 where the score is {trained.cut:.4f} or "
                   "more",
        "decision_threshold": f"{trained.cut:.4f}: the training score above which "
                              f"{training.DECLINED_SHARE:.0%} of the training rows lie, set by the owner.",
        "alternatives": "The other registered versions of this model, and the rules that were used before it.",
    }


def _use(trained: Trained) -> dict[str, str]:
    about = _ABOUT[trained.plan.model]
    return {"intended_use": f"For {about[2]} at {BANK}, by Retail lending.", "affected": about[1].capitalize() + ".",
            "out_of_scope": about[3],
            "human_oversight": "A reviewer may overrule every decision and says why; the owner can switch the model "
                               "off the same day."}


def _data(trained: Trained) -> dict[str, str]:
    plan = trained.plan
    shifted = " The target is the referral to collections, not the default itself." if plan.target == "referred" else ""
    return {
        "training_data": f"{trained.train_rows:,} generated rows ({trained.train.name}), fitted to {plan.target}."
                         f"{shifted} The data are made by a documented generator; they are no real customers.",
        "evaluation_data": f"{trained.holdout_rows:,} rows of the same generator that training has not seen "
                           f"({trained.holdout.name}); the outcome is {plan.outcome}.",
        "preprocessing": "None beyond scaling inside the model file; the generator leaves nothing missing.",
        "sensitive_data": ("part_time, which is strongly related to sex, is an input. " if "part_time" in plan.features
                           else "") + _KEPT_OUT,
    }


def _evidence(trained: Trained, found: Measured) -> dict[str, str]:
    rate = f"{trained.plan.decision} (hold-out): "
    return {
        "metrics": "AUC, because the score orders people; Brier score for its calibration; impact ratio of the "
                   "favourable outcome between groups. Thresholds were fixed before the run.",
        "performance": f"AUC {found.measure('auc')}, Gini {found.measure('gini')}, Brier score "
                       f"{found.measure('brier')}, n = {trained.holdout_rows:,}. "
                       + " ".join(found.sentences(bias=False)),
        "fairness": " ".join(found.sentences(bias=True)) + f" Share {rate}F {found.rate('F', 'selection_rate')}, "
                    f"M {found.rate('M', 'selection_rate')}.",
        "explainability": f"SHAP values for reviewers; strongest inputs: {found.strongest()}.",
        "limitations": "Fitted to generated data; it knows nothing of a recession, and nothing of real people.",
        "assumptions": "Applicants of tomorrow are drawn like those of the training data; the inputs are true.",
        "risks": "Unequal treatment through inputs related to sex or age: tested with each version and each half year. "
                 "Wrong inputs: checked against ranges before scoring.",
    }


def _life(trained: Trained) -> dict[str, str]:
    return {"monitoring": "Monthly: stability of inputs and score. Quarterly: AUC and impact ratio on matured rows, "
                          "with the thresholds of this card.",
            "fallback": _ABOUT[trained.plan.model][4], "change_plan": "None determined in advance.",
            "references": "Generator: desktop_app/demo/generator.py of this program."}
