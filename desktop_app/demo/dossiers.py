"""What a version needs before it can be judged: evidence, a card, documents, and the opinion of validation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desktop_app.demo import card_text, measuring, papers
from desktop_app.demo.arrival import Arrived
from desktop_app.demo.cast import BANK, DEVELOPER, VALIDATOR, Cast
from desktop_app.demo.measuring import Measured
from desktop_app.demo.training import Trained
from desktop_app.domain.canonical import Id
from desktop_app.domain.validation import Opinion
from desktop_app.operations import cards, evidence, validations
from desktop_app.progress import Progress

NOT_TESTED = ("Behaviour in a downturn", "Real customers: the data are generated")
_LABELS = {"development": "Model development document", "monitoring": "Monitoring plan"}


@dataclass(frozen=True)
class Prepared:
    """A version with everything that was put beside it."""

    model: str
    label: str
    version: Id
    use: Id
    trained: Trained
    measured: Measured


def prepare(cast: Cast, arrived: Arrived, key: tuple[str, str], progress: Progress, explained: int) -> Prepared:
    """Measure a version and fill its card."""
    version, trained = arrived.version[key], arrived.trained[key]
    measured = measuring.measure(cast, version, trained, progress, explained)
    cards.save(cast.acting(DEVELOPER), version, card_text.text(trained, measured), seen=0, note="First full card")
    return Prepared(*key, version=version, use=arrived.use[key[0]], trained=trained, measured=measured)


def file_papers(cast: Cast, made: Prepared, folder: Path, *, lines: tuple[str, ...]) -> None:
    """Write the documents of a version and file them on these checklist lines."""
    text = card_text.text(made.trained, made.measured)
    parts = {"development": ("summary", "training_data", "model_type", "hyperparameters", "performance", "limitations"),
             "monitoring": ("monitoring", "decision_threshold", "fallback", "human_oversight")}
    for line in lines:
        if line == "implementation":
            path = _implementation_test(made, folder)
        else:
            path = papers.write_pdf(
                _path(made, folder, f"{line}.pdf"), f"{_LABELS[line]}: {text['name']}", DEVELOPER,
                [(cards.label_of(field), [text[field]]) for field in parts[line]])
        evidence.file_document(cast.acting(DEVELOPER), made.version, path, checklist=line,
                               title=_LABELS.get(line, "Implementation test"), author=f"{DEVELOPER}, {BANK}")


def conclude(cast: Cast, made: Prepared, folder: Path, opinion: Opinion, summary: str) -> None:
    """File the validation report and record the opinion."""
    validator = cast.acting(VALIDATOR)
    path = papers.write_pdf(
        _path(made, folder, "validation report.pdf"), f"Validation report: {made.model}, version {made.label}",
        VALIDATOR, [("Opinion", [opinion.value.replace("_", " ") + ". " + summary]),
                    ("Performance", made.measured.sentences(bias=False)),
                    ("Bias", made.measured.sentences(bias=True)),
                    ("Explanation", [f"Strongest inputs: {made.measured.strongest()}."]),
                    ("Not tested", list(NOT_TESTED))])
    report = evidence.file_document(validator, made.version, path, checklist="other", title="Validation report",
                                    author=f"{VALIDATOR}, {BANK}")
    validations.assign(validator, made.version, made.use, validator.me, "Performance, bias, explanation, documents")
    validations.conclude(validator, made.version, made.use, opinion=opinion, summary=summary, not_tested=NOT_TESTED,
                         report=report)


def _implementation_test(made: Prepared, folder: Path) -> Path:
    """Scores of the model file, opened apart from this program, against those its developer wrote in the table."""
    import pandas as pd

    from desktop_app.analysis import artefacts, explain

    trained, plan = made.trained, made.trained.plan
    _, scan = artefacts.inspect(trained.artefact)
    again = explain.score(trained.artefact, scan, trained.holdout, plan.features)
    table = pd.read_csv(trained.holdout, nrows=100)
    rows = [(int(applicant), float(score), round(found, 6), round(abs(found - score), 6))
            for applicant, score, found in zip(table["applicant"], table["score"], again, strict=False)]
    return papers.write_comparison(
        _path(made, folder, "implementation test.xlsx"),
        ("applicant", "score by the developer", "score by the model file", "difference"), rows)


def _path(made: Prepared, folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    return folder / f"{made.model}, version {made.label}, {name}"
