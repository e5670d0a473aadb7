"""Builds the demo registry in a folder, or opens the one that is there.

Everything goes through `operations`, by people who sign with keys of their own, and is computed on this machine.
Nothing outside the folder is touched: keys, copies of artefacts and the registry all lie in it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desktop_app.demo import arrival, cast, decisions, dossiers, portfolio
from desktop_app.demo.training import ARREARS, SCORECARD, THIN_FILE
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import ROLE_TITLES
from desktop_app.errors import UserError
from desktop_app.operations import approvals, audit, inventory, packs, people
from desktop_app.progress import Progress
from desktop_app.workspace import Workspace, open_workspace

APPLICANTS, EXPLAINED = 20_000, 240
MARK = "demo.json"
REGISTRY = "registry.assay"
MADE = (REGISTRY, "registry.assay-wal", "registry.assay-shm", "registry.assay-journal",
        portfolio.WORKBOOK, "card default scorecard 1.pdf", "card default scorecard 3.pdf", "keys", "tables", "models",
        "mlflow", "papers", "artefacts", "screens", "installation.json", "logs")
PDFS = {"1": "card default scorecard 1.pdf", "3": "card default scorecard 3.pdf"}


@dataclass(frozen=True)
class DemoReport:
    """A demo registry that is ready. `person`: for whom a decision waits, in `request`; it is empty when none waits."""

    registry: str
    passphrase: str
    person: str
    request: str
    people: tuple[tuple[str, str], ...]  # (name, roles)
    versions: dict[str, str]  # "Card default scorecard 1" → id
    uses: dict[str, str]  # model name → id
    requests: dict[str, str]  # "1" → id, of the scorecard
    pdfs: tuple[str, ...]
    rows: int
    models: int
    counters: tuple[str, ...]
    entries: int
    notes: tuple[str, ...]
    seconds: float
    opened: bool = False


def build(folder: Path, progress: Progress, *, applicants: int = APPLICANTS, explained: int = EXPLAINED) -> DemoReport:
    """Make the demo in `folder`, or open the complete one there; ASSAYDESK_HOME of this process is the folder then.

    applicants: rows drawn for the scorecard · explained: rows that SHAP values are computed for. Raises UserError
    when the folder holds something else, Cancelled.
    """
    folder = folder.absolute()
    before = _state(folder)
    os.environ["ASSAYDESK_HOME"] = str(folder)
    if before is not None and (found := _open(folder, before)) is not None:
        progress.step(1.0, f"opened the demo in {folder}")
        return found
    if before is not None:
        progress.step(0.0, f"the demo in {folder} is half made; it is made again")
        _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(json.dumps({"complete": False}), "utf-8")
    report = _make(folder, progress, applicants, explained)
    (folder / MARK).write_text(json.dumps({"complete": True, "report": asdict(report)}, indent=1), "utf-8")
    return report


# ---- the folder


def _state(folder: Path) -> dict[str, object] | None:
    """What the mark in the folder says; None for an empty or missing folder. Raises UserError for a folder not ours."""
    if folder.exists() and not folder.is_dir():
        raise UserError("The demo needs a folder.", f"{folder} is a file.", "Name another place with --dir.")
    inside = sorted(p.name for p in folder.iterdir()) if folder.exists() else []
    if not inside:
        return None
    try:
        said: dict[str, object] = json.loads((folder / MARK).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("This folder holds other things.", f"{folder}: {', '.join(inside[:6])}.",
                        "Name an empty or a new folder with --dir.") from error
    return said


def _open(folder: Path, said: dict[str, object]) -> DemoReport | None:
    """The complete demo that the mark tells of, as it is now; None for one that is half made."""
    report = said.get("report")
    if not said.get("complete") or not isinstance(report, dict) or not (folder / REGISTRY).is_file():
        return None
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in report.items()}
    workspace = open_workspace(folder / REGISTRY)
    try:
        now = _now(workspace, report["requests"]["3"])
    finally:
        workspace.close()
    return DemoReport(**(fields | now | {
        "people": tuple(tuple(p) for p in report["people"]), "registry": str(folder / REGISTRY),
        "pdfs": tuple(str(folder / name) for name in PDFS.values()), "opened": True}))


def _clear(folder: Path) -> None:
    """Remove what the demo makes, by name, and nothing else."""
    for name in MADE:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# ---- the story


def _make(folder: Path, progress: Progress, applicants: int, explained: int) -> DemoReport:
    started = time.monotonic()
    progress.step(0.0, "making the registry, its people and their keys")
    crew = cast.found(folder)
    try:
        taken = portfolio.take_in(crew, folder, progress.part(0.02, 0.1))
        arrived = arrival.arrive(crew, folder, applicants, progress.part(0.1, 0.4))
        requests = _decide(crew, arrived, folder / "papers", progress.part(0.4, 0.85), explained)
        pdfs = _export(crew, requests, folder, progress.part(0.85, 1.0))
        note = f"Inventory: {taken.sentence}"
        return _report(crew, arrived, requests, pdfs, (note, arrived.note), time.monotonic() - started)
    finally:
        crew.workspace.close()


def _decide(
    crew: cast.Cast, arrived: arrival.Arrived, papers: Path, progress: Progress, explained: int,
) -> dict[str, Id]:
    def made(model: str, label: str, at: int) -> dossiers.Prepared:
        return dossiers.prepare(crew, arrived, (model, label), progress.part(at / 5, (at + 1) / 5), explained)

    requests = {"1": decisions.approve_first(crew, made(SCORECARD, "1", 0), papers),
                "2": decisions.reject_second(crew, made(SCORECARD, "2", 1), papers),
                "3": decisions.wait_for_third(crew, made(SCORECARD, "3", 2), papers)}
    decisions.approve_arrears(crew, made(ARREARS, "1", 3), papers)
    decisions.run_in_parallel(crew, made(THIN_FILE, "1", 4))
    return requests


def _export(crew: cast.Cast, requests: dict[str, Id], folder: Path, progress: Progress) -> tuple[Path, ...]:
    """The audit PDFs of versions 1 and 3, checked again, and the log. Raises RuntimeError if anything does not hold."""
    acting, paths = crew.acting(cast.COMPLIANCE), []
    for n, (label, name) in enumerate(PDFS.items()):
        progress.step(n / 3, f"audit PDF of version {label}")
        packs.export(acting, requests[label], folder / name)
        paths.append(folder / name)
    progress.step(0.7, "checking the PDFs and the log")
    for report in (*(packs.verify(acting, p) for p in paths), audit.verify(acting)):
        if not report.ok:
            raise RuntimeError("; ".join(p.sentence for p in report.problems))
    return tuple(paths)


def _report(
    crew: cast.Cast, arrived: arrival.Arrived, requests: dict[str, Id], pdfs: tuple[Path, ...], notes: tuple[str, ...],
    seconds: float,
) -> DemoReport:
    enrolled = [p for p in people.listing(crew.workspace) if p.roles]
    return DemoReport(
        registry=crew.workspace.store.address.removeprefix("sqlite:///"), passphrase=cast.PASSPHRASE,
        people=tuple((p.name, ", ".join(ROLE_TITLES[r] for r in p.roles)) for p in enrolled),
        versions={f"{m} {label}": i for (m, label), i in arrived.version.items()}, uses=dict(arrived.use),
        requests=dict(requests), pdfs=tuple(map(str, pdfs)), notes=notes, seconds=round(seconds, 1),
        **_now(crew.workspace, requests["3"]))


def _now(workspace: Workspace, request: Id) -> dict[str, Any]:
    """What the registry holds at this moment, and for whom the request waits."""
    view = inventory.overview(workspace)
    person, label = _waiting(workspace, request)
    return {"rows": len(view.rows), "models": view.models, "counters": tuple(c.sentence for c in view.counters),
            "entries": audit.head_seq(workspace), "person": person, "request": label}


def _waiting(workspace: Workspace, request: Id) -> tuple[str, str]:
    """(person, label of the request) for the first who may decide on it."""
    known = {p.name: p.id for p in people.listing(workspace)}
    for name in (cast.RISK, cast.COMPLIANCE):
        seen = approvals.review(workspace.acting_as(known[name]), request)
        if seen.outcome == "open" and seen.refusal is None:
            return name, seen.request.label
    return cast.RISK, ""


