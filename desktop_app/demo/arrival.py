"""How the trained versions come into the registry: through a real MLflow server, or by hand where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desktop_app.demo import card_text, tracking, training
from desktop_app.demo.cast import BANK, DEVELOPER, OWNER, RISK, Cast
from desktop_app.demo.saying import only
from desktop_app.demo.tracking import NoServer, Starting
from desktop_app.demo.training import ARREARS, SCORECARD, THIN_FILE, Trained
from desktop_app.domain.canonical import Id
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.operations import artefacts, models, syncing
from desktop_app.progress import Progress

TIERS = {SCORECARD: (1, "high", "high"), ARREARS: (2, "medium", "medium"), THIN_FILE: (2, "medium", "high")}
NUMBERS = {SCORECARD: "CR-030", ARREARS: "CR-032", THIN_FILE: "CR-033"}
LATE = (SCORECARD, "3")  # registered after the first sync, so that the second one sees it and the alias that moved


@dataclass(frozen=True)
class Arrived:
    """The three models in the registry. `version`: by model and label · `use`: by model · `note`: how they came."""

    version: dict[tuple[str, str], Id]
    use: dict[str, Id]
    trained: dict[tuple[str, str], Trained]
    note: str


def arrive(cast: Cast, folder: Path, applicants: int, progress: Progress) -> Arrived:
    """Train everything while the server starts, bring it in, and say what the models are for."""
    with tracking.serve(folder / "mlflow") as server:
        made = training.train_all(folder, applicants, progress.part(0.0, 0.3))
        note = _bring(cast, server, made, progress.part(0.3, 0.9))
    progress.step(0.95, "describing models and uses")
    found = _ids(cast)
    uses = {name: _describe(cast, model, name) for name, model in found[0].items()}
    return Arrived(version=found[1], use=uses, trained={(t.plan.model, t.label): t for t in made}, note=note)


def _bring(cast: Cast, server: Starting | NoServer, made: tuple[Trained, ...], progress: Progress) -> str:
    try:
        if isinstance(server, NoServer):
            raise server
        return _through_mlflow(cast, server.wait(progress), made, progress)
    except NoServer as reason:
        _by_hand(cast, made, progress)
        return f"Versions were added by hand, without an MLflow server: {reason}."


def _through_mlflow(cast: Cast, server: tracking.Tracking, made: tuple[Trained, ...], progress: Progress) -> str:
    developer = cast.acting(DEVELOPER)
    for trained in made:
        if (trained.plan.model, trained.label) != LATE:
            server.log(trained, DEVELOPER, {"train_auc": trained.train_auc})
    server.point(SCORECARD, "champion", "1")
    server.point(SCORECARD, "challenger", "2")
    progress.step(0.2, "syncing with the MLflow server")
    first = syncing.sync(developer, server.uri)
    for trained in made:
        if (trained.plan.model, trained.label) == LATE:
            server.log(trained, DEVELOPER, {"train_auc": trained.train_auc})
    server.point(SCORECARD, "challenger", "3")
    progress.step(0.4, "syncing again: a version and a moved alias")
    second = syncing.sync(developer, server.uri)
    for n, version in enumerate(_ids(cast)[1].values()):
        syncing.fetch_artefact(developer, version, progress=only(
            progress.part(0.5 + n * 0.1, 0.6 + n * 0.1), "fetching and scanning the model files"))
    return (f"Versions came from an MLflow server on loopback, which has ended: {first.versions} in the first sync, "
            f"{second.versions} and {second.alias_moves} moved alias in the second.")


def _by_hand(cast: Cast, made: tuple[Trained, ...], progress: Progress) -> None:
    developer, known = cast.acting(DEVELOPER), dict[str, Id]()
    for n, trained in enumerate(made):
        progress.step(n / len(made), f"adding {trained.plan.model}, version {trained.label}")
        name = trained.plan.model
        known[name] = known.get(name) or models.register(developer, name)
        version = models.add_version(developer, known[name], trained.label, developers=(developer.me,),
                                     description=f"{trained.plan.technique}, fitted to {trained.plan.target}")
        artefacts.resolve(developer, version, trained.artefact)


def _ids(cast: Cast) -> tuple[dict[str, Id], dict[tuple[str, str], Id]]:
    """The three models by name, and their versions by name and label."""
    with cast.workspace.store.read() as reader:
        named = {m.record.name: m.record.model for m in reader.all(RegisteredModel) if m.record.name in TIERS}
        names = {model: name for name, model in named.items()}
        versions = {(names[v.record.model], v.record.label): v.record.id
                    for v in reader.all(ModelVersion) if v.record.model in names}
    return named, versions


def _describe(cast: Cast, model: Id, name: str) -> Id:
    owner = cast.acting(OWNER)
    purpose, prohibited = card_text.use_of(name)
    models.revise(
        owner, model, owner=owner.me, developer=cast.people[DEVELOPER], entity=f"{BANK} N.V.",
        business_line="Retail lending", inventory_number=NUMBERS[name], technique="statistical and machine learning",
        description=f"{name} of {BANK}, a bank that does not exist; fitted to generated data.")
    use = models.describe_use(owner, model, purpose.capitalize(), entity=f"{BANK} N.V.", business_line="Retail lending",
                              limits="customers in the Netherlands", prohibited=prohibited)
    tier, materiality, risk = TIERS[name]
    models.set_tier(cast.acting(RISK), use, tier, materiality=materiality, inherent_risk=risk)
    return use
