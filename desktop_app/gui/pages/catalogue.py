"""Every page of the window, and what the frame asks of the registry: what is found, how things stand, who acts.

Pages are imported when first opened; operations only on workers; before the first paint nothing of either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from desktop_app.gui.actions import Action
from desktop_app.gui.app import Desk
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.main_window import MainWindow, PageSpec
from desktop_app.gui.state import Acting, AppState, Hit, Standing
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.change import Change
    from desktop_app.domain.local_copy import LocalCopy
    from desktop_app.gui.page import Page
    from desktop_app.operations.outbox import Told

MOST_HITS = 40
_FIRST_ROLE = ("model_risk", "compliance", "validator", "owner", "developer", "auditor", "administrator")


def _lazily(module: str, name: str) -> Callable[[Jobs, AppState], Page[Any]]:
    def make(jobs: Jobs, state: AppState) -> Page[Any]:
        made: Page[Any] = getattr(import_module(f"desktop_app.gui.pages.{module}"), name)(jobs, state)
        return made

    return make


def _spec(key: str, title: str, name: str, group: int | None, within: str = "") -> PageSpec:
    return PageSpec(key=key, title=title, group=group, make=_lazily(key, name), within=within)


PAGES = (
    _spec("desk", "My desk", "DeskPage", 0), _spec("inventory", "Inventory", "InventoryPage", 0),
    _spec("approvals", "Approvals", "ApprovalsPage", 0), _spec("findings", "Findings", "FindingsPage", 0),
    _spec("lineage", "Lineage", "LineagePage", 1), _spec("evidence", "Evidence", "EvidencePage", 1),
    _spec("reports", "Reports", "ReportsPage", 1),
    _spec("audit", "Audit log", "AuditPage", 2), _spec("policies", "Policies", "PoliciesPage", 2),
    _spec("people", "People", "PeoplePage", 2), _spec("settings", "Settings", "SettingsPage", 2),
    _spec("help", "Help", "HelpPage", 2),
    _spec("version", "Model version", "VersionPage", None, "inventory"),
    _spec("review", "Review", "ReviewPage", None, "approvals"),
    _spec("request", "Request a promotion", "RequestPage", None, "approvals"),
)


# ---- what is found


def search(ws: Workspace, words: str) -> Sequence[Hit]:
    """Models and versions, requests, findings, people and entries that say every word typed. Runs on a worker."""
    from desktop_app.operations import approvals, entries, findings, inventory, people

    parts = words.casefold().split()
    if not parts:
        return ()
    hits = [Hit(title=f"{r.name} {r.label}", detail=f"version · {r.purpose or 'no use'}", page="version",
                arguments={"version": r.version, **({"use": r.use} if r.use else {})})
            for r in inventory.search(ws, words, MOST_HITS)]
    hits += [Hit(title=f"{r.request.label} {r.model_name} {r.version_label}", detail=f"request · {r.outcome}",
                 page="review", arguments={"request": r.request.record.id}) for r in approvals.listing(ws)]
    hits += [Hit(title=f"{f.now.label} {f.now.finding.title}", page="findings",
                 detail=f"finding · {f.now.finding.severity.value} · {f.model_name} {f.version_label}",
                 arguments={"finding": f.now.finding.id}) for f in findings.listing(ws)]
    hits += [Hit(title=p.name, detail=f"person · {p.role_titles.lower()}", page="people",
                 arguments={"person": p.id}) for p in people.listing(ws)]
    hits += [Hit(title=f"Entry {e.seq:,}: {e.note or e.action}", detail=f"log · {e.actor}", page="audit",
                 arguments={"entry": e.seq}) for e in entries.newest(ws, words, MOST_HITS)]
    found = [hit for hit in hits if all(part in f"{hit.title} {hit.detail}".casefold() for part in parts)]
    return found[:MOST_HITS]


# ---- who acts, where


def open_registry(address: str | None, person: str | None) -> Workspace:
    """Open the registry and the keys for it on this machine. Runs on a worker."""
    from desktop_app.workspace import open_workspace

    return open_workspace(address or None, person or None)


def open_copy(address: str | None, person: str | None) -> Workspace:
    """Open the copy of a registry that this computer keeps, for reading. Runs on a worker."""
    from desktop_app.settings import default_registry
    from desktop_app.workspace import open_copy

    return open_copy(address or str(default_registry()), person or None)


def kept(address: str | None) -> LocalCopy | None:
    """The copy of a registry that this computer says it keeps."""
    from desktop_app.operations import copies

    return copies.kept(address)


def take_copy(ws: Workspace, progress: Progress) -> None:
    """Take a copy of the registry anew. Runs on a worker."""
    from desktop_app.operations import copies

    copies.take(ws, progress)


def identity(ws: Workspace) -> tuple[str, Acting | None, tuple[Acting, ...]]:
    """The registry's name, who acts, and whose keys are on this machine. Runs on a worker."""
    from desktop_app.operations import people

    known = people.listing(ws)
    may = tuple(_acting(p) for p in known if p.key_here)
    me = next((_acting(p) for p in known if p.id == ws.actor), None)
    return f"{ws.store.info.name} (a copy)" if ws.store.copied else ws.store.info.name, me, may


def _acting(person: Any) -> Acting:
    from desktop_app.domain.person import ROLE_TITLES, Role

    role = next((role for role in _FIRST_ROLE if role in person.roles), None)
    return Acting(id=person.id, name=person.name, role=ROLE_TITLES[Role(role)] if role else "no role")


def act_as(ws: Workspace, who: Acting | None) -> Workspace:
    """The workspace with somebody else acting, or nobody."""
    acting: Workspace = ws.acting_as(who.id if who else None)
    return acting


# ---- how things stand


def standing(ws: Workspace, progress: Progress) -> Standing:
    """Counts for the rail and sentences about the log. Runs on a worker."""
    from desktop_app.gui.pages.standing import standing

    return standing(ws, progress)


def head(ws: Workspace) -> int:
    """The number of the last entry of the log. Runs on a worker."""
    from desktop_app.operations import audit

    return audit.head_seq(ws)


def since(ws: Workspace, seq: int) -> Sequence[Change]:
    """What was written after an entry, oldest first. Runs on a worker."""
    from desktop_app.operations import audit

    return audit.changes_since(ws, seq)


def leftovers(ws: Workspace) -> Sequence[Told]:
    """What became of writes whose answer never came. Runs on a worker."""
    from desktop_app.operations import outbox

    return outbox.leftovers(ws)


def told(ws: Workspace, commands: Sequence[str]) -> None:
    """The person has read what became of them. Runs on a worker."""
    from desktop_app.operations import outbox

    for command in commands:
        outbox.told(ws, command)


def _commands(window: MainWindow) -> Sequence[Action]:
    def open_help() -> None:
        window.open_page("help")

    return (Action(id="help", title="Help with this program", menu="Help", shortcut="F1", run=open_help),)


DESK = Desk(pages=PAGES, start="inventory", open=open_registry, identity=identity, act_as=act_as, search=search,
            standing=standing, head=head, since=since, leftovers=leftovers, told=told, commands=_commands,
            background=True, open_copy=open_copy, kept=kept, take_copy=take_copy)


def run(address: str | None = None, person: str | None = None, *, offline: bool = False) -> int:
    """Open the window on a registry; where there is none yet, ask for one first. Returns the exit code."""
    from desktop_app.gui import app, theme
    from desktop_app.settings import default_registry

    if not address and not default_registry().exists():
        from desktop_app.gui.dialogs.first_run import first_run

        theme.apply(app.application())
        address = first_run(None)
        if address is None:
            return 0
    return app.run(address, person, DESK, offline=offline)
