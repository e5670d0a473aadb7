"""People: who the registry knows, the roles they hold, the keys they sign with."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtWidgets import QMenu, QWidget

from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.person import LINE_OF_DEFENCE, LINE_TITLES, ROLE_TITLES, Role
from desktop_app.gui import theme
from desktop_app.gui.dialogs.mandate import SignFor
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.approvals import filtered
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.column import Column as Parts
from desktop_app.gui.widgets.column import ListAndDetail, beside, button, heading, muted, said
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.prose import Run
from desktop_app.gui.widgets.search_field import SearchField
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.operations.erasure import Standing, Traces
    from desktop_app.operations.people import PersonView
    from desktop_app.operations.recertification import CampaignView

EARLIER = 3  # recertifications shown besides the last one
ORIGINS = {"enrolled": "enrolled here", "inventory": "named in an imported inventory", "source": "named at a source",
           "decision": "named in a decision made before", "condition": "named as owner of a condition",
           "document": "named as author of a document"}


class Shown(NamedTuple):
    """Everybody, the recertifications of their roles, newest first, and who may be erased."""

    people: tuple[PersonView, ...]
    campaigns: tuple[CampaignView, ...]
    today: date
    standing: dict[Id, Standing]


class PeoplePage(Page[Shown]):
    """Opened with `person`, an id, it chooses that one."""

    key, title = "people", "People"
    kinds = frozenset({"person", "role.granted", "role.revoked", "key.enrolled", "key.revoked",
                       "recertification.opened", "recertification.answered", "recertification.closed",
                       "person.erased", "hold.placed", "hold.released", "retention.set"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._gone_to: object = None
        self._today = date.today()  # noqa: DTZ011 - until the registry's is known
        self._standing: dict[Id, Standing] = {}
        self.add_button("Enrol a person…", self.enrol)
        self.table: RecordTable[PersonView] = RecordTable(_columns(), name="People", identity=lambda p: p.id)
        self.table.chosen.connect(self._show)
        self.filter = SearchField("Filter people")
        self.filter.setMaximumWidth(theme.px(300))
        self.filter.searched.connect(self.table.set_filter)
        self.detail, self.review = Parts(), Parts()
        beside_it = Parts(self.detail, theme.L, self.review)
        self.set_content(ListAndDetail(filtered(self.filter, self.table), beside_it, 330))

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """Everyone."""
        from desktop_app.operations import erasure, people, recertification

        return Shown(people.listing(ws), recertification.listing(ws), ws.today(),
                     {s.person: s for s in erasure.standings(ws)})

    def show_data(self, data: Shown) -> None:
        """Show them."""
        keyed = sum(bool(p.key_id) for p in data.people)
        here = sum(p.key_here for p in data.people)
        late = [c for c in data.campaigns if c.overdue(data.today)]
        overdue = [Run(f"Recertification {late[0].label} is overdue. ", "strong", "breached")] if late else []
        self.set_subline(*overdue, Run(f"{keyed} with a key, {here} of them on this machine · "
                                       f"{len(data.people) - keyed} only named", tone="muted"))
        self._today, self._standing = data.today, data.standing
        self.table.set_records(data.people)
        self.review.show_parts(*self._review(data))
        wanted = self.arguments.get("person")
        if wanted and wanted != self._gone_to:  # once: whoever is chosen afterwards stays chosen
            self._gone_to = wanted
            self.table.choose(lambda p: p.id == wanted)
        if self.table.current is None:
            self.table.selectRow(0)
        self._show(self.table.current)

    def _show(self, person: PersonView | None) -> None:
        if person is None:
            self.detail.show_parts()
            return
        facts = [Fact("Key", person.key_id or "none: signs nothing", "mono" if person.key_id else "text"),
                 Fact("Unlocked by", person.factors or "–"),
                 Fact("Where", "on this machine" if person.key_here else "not on this machine"),
                 Fact("Known as", ORIGINS.get(person.origin, person.origin)), Fact("Id", person.id, "mono")]
        facts += [Fact("Ended key", f"{k.key_id}, {day_text(k.ended)}: {k.reason}") for k in person.ended_keys]
        facts += self._erasing(person)
        roles = [Fact(ROLE_TITLES[h.role], f"{LINE_TITLES[LINE_OF_DEFENCE[h.role]]}, {h.dates}"
                      f"{' (not yet)' if h.to_come else ''}") for h in person.held]
        parts: list[QWidget | int] = [heading(person.name), FactsList(facts, label_width=104), theme.S,
                                      heading("Roles")]
        parts += [FactsList(roles, label_width=160)] if roles else [muted("None: decides nothing.")]
        self.detail.show_parts(*parts, theme.S, *self._buttons_for(person))

    def _erasing(self, person: PersonView) -> list[Fact]:
        standing = self._standing[person.id]
        hold = [Fact("Legal hold", standing.hold)] if standing.hold else []
        return [*hold, Fact("May be erased", f"no: {standing.blocked}" if standing.blocked else "yes")]

    def _erase_buttons(self, person: PersonView) -> list[QWidget | int]:
        standing = self._standing[person.id]
        if standing.erased:
            return []
        held = button("Release the hold…", lambda: self._release(person)) if standing.hold else \
            button("Legal hold…", lambda: self._hold(person))
        erase = button("Erase…", lambda: self._look_for(person))
        erase.setEnabled(not standing.blocked)
        erase.setToolTip(f"Not now: {standing.blocked}." if standing.blocked else "")
        return [beside(held, erase)]

    def _buttons_for(self, person: PersonView) -> list[QWidget | int]:
        if not person.key_id:
            known = [] if self._standing[person.id].erased else [
                beside(button("Enrol with a key…", lambda: self.enrol(person.name)))]
            return [*known, *self._erase_buttons(person)]
        grant, revoke = button("Grant a role", lambda: None), button("Revoke a role", lambda: None)
        held = list(dict.fromkeys(h.role for h in person.held))
        grant.setMenu(self._menu(person, [role for role in Role if role not in person.roles], self._grant))
        revoke.setMenu(self._menu(person, held, self._revoke))
        revoke.setEnabled(bool(held))
        for each in (grant, revoke):
            each.setProperty("menu", True)
        end = button("Revoke the key…", lambda: self._revoke_key(person))
        mine = person.key_here and self.state.acting is not None and person.id == self.state.acting.id
        return [beside(grant, revoke), beside(end, *([button("Renew my key…", self._renew_key)] if mine else [])),
                *self._erase_buttons(person)]

    def _menu(self, person: PersonView, roles: list[Role], run: object) -> QMenu:
        menu = QMenu(self)
        for role in roles:
            menu.addAction(ROLE_TITLES[role]).triggered.connect(
                lambda checked=False, role=role: run(person, role))  # type: ignore[operator]
        return menu

    # --- recertification

    def _review(self, data: Shown) -> list[QWidget | int]:
        parts: list[QWidget | int] = [heading("Recertification of roles")]
        waiting = next((c for c in data.campaigns if c.closed_at is None), None)
        if waiting is None:
            parts.append(muted("None is open. At times, have each role confirmed or revoked by somebody else."))
            parts.append(beside(button("Open one…", self.open_recertification)))
        else:
            tone = "breached" if waiting.overdue(data.today) else "ink"
            parts.append(said(Run(f"{waiting.label}: ", "strong"), Run(waiting.sentence(data.today), "body", tone)))
            parts += [FactsList([Fact(g.name, ROLE_TITLES[g.role]) for g in waiting.open], label_width=160)] \
                if waiting.open else []
            answer = button("Answer…", lambda: self._answer(waiting))
            answer.setEnabled(bool(waiting.open))
            close = button("Close…", lambda: self._close(waiting))
            close.setEnabled(not waiting.open)
            parts.append(beside(answer, close))
        closed = [c for c in data.campaigns if c.closed_at is not None]
        parts += [muted(f"{c.label}, {c.sentence(data.today)}") for c in closed[:EARLIER + 1]]
        return parts

    def open_recertification(self) -> None:
        """Ask by when, and of which roles."""
        from desktop_app.gui.dialogs.recertify import OpenRecertification

        OpenRecertification(self.jobs, self._today, self).open()

    def _answer(self, campaign: CampaignView) -> None:
        from desktop_app.gui.dialogs.recertify import AnswerRecertification

        me = self.state.acting.id if self.state.acting else ""
        AnswerRecertification(self.jobs, campaign, me, self).open()

    def _close(self, campaign: CampaignView) -> None:
        identity = campaign.id

        def close(ws: Workspace, passphrase: str, _reason: str) -> object:
            from desktop_app.operations import recertification

            return recertification.close(ws, identity, passphrase)

        SignFor(self.jobs, f"Close the recertification {campaign.label}",
                "What each role came to is recorded and signed; nothing more can be answered in it.",
                "Sign and close", close, self).open()

    # --- what can be done

    def enrol(self, name: str = "") -> None:
        """Ask for a person with a passphrase."""
        from desktop_app.gui.dialogs.enrol_person import EnrolPerson

        EnrolPerson(self.jobs, self, name=name).open()

    def _grant(self, person: PersonView, role: Role) -> None:
        from desktop_app.gui.dialogs.grant_role import GrantRole

        GrantRole(self.jobs, person, role, self._today, self).open()

    def _revoke(self, person: PersonView, role: Role) -> None:
        identity: Id = person.id

        def revoke(ws: Workspace, passphrase: str, reason: str) -> object:
            from desktop_app.operations import people

            return people.revoke(ws, identity, role, reason, passphrase)

        SignFor(self.jobs, f"Revoke a role of {person.name}",
                f"{ROLE_TITLES[role]}. What was signed under it stays valid.", "Sign and revoke", revoke, self,
                asks_reason=True).open()

    def _revoke_key(self, person: PersonView) -> None:
        identity, key_id = person.id, person.key_id

        def revoke(ws: Workspace, passphrase: str, reason: str) -> object:
            from desktop_app.operations import people

            return people.revoke_key(ws, identity, key_id, reason, passphrase)

        SignFor(self.jobs, f"Revoke the key of {person.name}",
                f"Key {key_id}. What it signed stays signed; nothing more can be signed with it. If it may have been "
                "stolen, name the day on the command line: assaydesk people revoke-key --since.",
                "Sign and revoke", revoke, self, asks_reason=True).open()

    def _look_for(self, person: PersonView) -> None:
        identity = person.id

        def look(ws: Workspace) -> Traces:
            from desktop_app.operations import erasure

            return erasure.traces(ws, identity)

        self.jobs.run(self, lambda ws, progress: look(ws), then=lambda found: self._erase(identity, found),
                      key="traces")

    def _erase(self, identity: Id, found: Traces) -> None:
        def erase(ws: Workspace, passphrase: str, reason: str) -> object:
            from desktop_app.operations import erasure

            return erasure.erase(ws, identity, reason, passphrase)

        SignFor(self.jobs, f"Erase {found.name}",
                f"{found.sentence} What they did stays, under an id. What left the registry keeps the name: audit "
                "PDFs, exports, backups. Write the reason without the name.", "Sign and erase", erase, self,
                asks_reason=True).open()

    def _hold(self, person: PersonView) -> None:
        identity = person.id

        def hold(ws: Workspace, passphrase: str, reason: str) -> object:
            from desktop_app.operations import erasure

            return erasure.hold(ws, identity, reason, passphrase)

        SignFor(self.jobs, f"Legal hold on {person.name}",
                "Nothing that names them is erased until the hold is released. Write the reason without the name.",
                "Sign and hold", hold, self, asks_reason=True).open()

    def _release(self, person: PersonView) -> None:
        identity = person.id

        def release(ws: Workspace, passphrase: str, reason: str) -> object:
            from desktop_app.operations import erasure

            return erasure.release(ws, identity, reason, passphrase)

        SignFor(self.jobs, f"Release the hold on {person.name}",
                "What names them may be erased again. Write the reason without the name.", "Sign and release", release,
                self, asks_reason=True).open()

    def _renew_key(self) -> None:
        from desktop_app.gui.dialogs.renew_key import RenewKey

        RenewKey(self.jobs, self).open()


def _columns() -> list[Column[PersonView]]:
    return [
        Column(key="name", title="Name", text=lambda p: p.name, strong=True, width=200, stretch=1,
               second=lambda p: ORIGINS.get(p.origin, p.origin)),
        Column(key="roles", title="Roles", text=lambda p: p.role_titles.lower(), width=260, stretch=2,
               tone=lambda p: "ink" if p.roles else "muted"),
        Column(key="key", title="Key", text=lambda p: p.key_id or "none", mono=True, width=170,
               tone=lambda p: "ink" if p.key_id else "muted"),
        Column(key="here", title="On this machine", text=lambda p: "yes" if p.key_here else "no", width=120,
               tone=lambda p: "ink" if p.key_here else "muted"),
    ]
