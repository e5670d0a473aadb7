"""Settings: the look, who acts, where the registry and the keys are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop_app.domain.canonical import day_text, parse_utc, record
from desktop_app.domain.local_copy import LocalCopy
from desktop_app.gui import theme
from desktop_app.gui.background import Background
from desktop_app.gui.dialogs.form import Choice
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.lock import MINUTES, IdleLock
from desktop_app.gui.page import Page
from desktop_app.gui.pages.own_copy import OwnCopy
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.column import Column, beside, button, heading, muted, scrolling
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.fields import labelled
from desktop_app.progress import Progress
from desktop_app.settings import data_folder

if TYPE_CHECKING:
    from desktop_app.gui.main_window import MainWindow


@record
class Shown:
    """Where things are."""

    name: str
    address: str
    registry: str
    created: str
    keys_folder: str
    keys: int
    in_a_file: bool
    kept: LocalCopy | None


class SettingsPage(Page[Shown]):
    """What can be set here is set at once."""

    key, title = "settings", "Settings"
    kinds = frozenset({"key.enrolled"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        scales = [(float(s), f"{round(s * 100)} %") for s in theme.tokens()["text_scales"]]
        self.look: Choice[str] = Choice(list(theme.TITLES.items()))
        self.text_size: Choice[float] = Choice(scales)
        for field in (self.look, self.text_size):
            field.setMaximumWidth(theme.px(260))
            field.currentIndexChanged.connect(lambda index: self._set_look())
        self.lock_after: Choice[int] = Choice(list(MINUTES.items()))
        self.lock_after.setMaximumWidth(theme.px(260))
        self.lock_after.currentIndexChanged.connect(lambda index: self._set_lock())
        self.recompute: Choice[bool] = Choice([(True, "While nothing else runs"), (False, "Never")])
        self.recompute.setMaximumWidth(theme.px(260))
        self.recompute.currentIndexChanged.connect(lambda index: self._set_background())
        self.own_copy = OwnCopy(jobs)
        self.who = FactsList(label_width=160)
        self.where = FactsList(label_width=160)
        self.body = Column(
            heading("Look"), labelled("Theme", self.look), labelled("Size of text", self.text_size), theme.M,
            heading("Who acts"), self.who, beside(button("Change who acts…", self._choose_person)),
            muted("Everybody signs with their own passphrase, whoever is shown here."),
            labelled("Lock the window when nobody uses it", self.lock_after,
                     "The passphrase of a key on this machine unlocks it; running jobs go on. At once: Ctrl+L."),
            theme.M, heading("The log"),
            labelled("Recompute it in the background", self.recompute,
                     "In small steps that keep nobody waiting: entries, hashes, facts and documents. Signatures and "
                     "decisions are judged by Verify the log."),
            theme.M, self.own_copy, theme.M,
            heading("Where things are"), self.where,
            muted("Another registry opens with: assaydesk --registry ADDRESS. A registry in a file is tamper-evident "
                  "only against digests kept elsewhere, such as a printed audit PDF."), theme.L)
        self.body.setMaximumWidth(theme.px(760))
        self.set_content(scrolling(self.body))
        theme.changed.connect(self._show_look)
        state.acting_changed.connect(self._show_who)
        self._show_look()
        self._show_who()

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """Where the registry and the keys are."""
        from desktop_app.operations import copies

        info = ws.store.info
        return Shown(in_a_file=ws.store.folder is not None, kept=copies.kept(ws.store.address),
                     name=info.name, address=ws.store.address, registry=info.id, created=info.created,
                     keys_folder=str(ws.signer.folder), keys=len(ws.signer.keys()))

    def show_data(self, data: Shown) -> None:
        """Show it."""
        if (lock := self._lock()) is not None:
            minutes = lock.minutes
            known = MINUTES | ({} if minutes in MINUTES else {minutes: f"After {minutes:,} minutes"})
            self.lock_after.offer(known.items())
            blocked = self.lock_after.blockSignals(True)
            self.lock_after.choose(minutes)
            self.lock_after.blockSignals(blocked)
        if (background := self._background()) is not None:
            blocked = self.recompute.blockSignals(True)
            self.recompute.choose(background.on)
            self.recompute.blockSignals(blocked)
        window = self._window()
        self.own_copy.show_copy(data.address, data.kept, in_a_file=data.in_a_file, reads_copy=self.jobs.reads_only)
        self.own_copy.show_renewal(window.renewal if window else None)
        created = day_text(parse_utc(data.created).astimezone().date())
        self.where.show_facts([
            Fact("Registry", data.name), Fact("Its address", data.address, "mono"),
            Fact("Its id", data.registry, "mono"), Fact("Created", created),
            Fact("Keys on this machine", f"{data.keys}"), Fact("They are in", data.keys_folder, "mono"),
            Fact("Drafts are in", str(data_folder() / "drafts"), "mono")])

    def _show_who(self) -> None:
        acting = self.state.acting
        may = ", ".join(person.name for person in self.state.people) or "nobody has a key here"
        self.who.show_facts([Fact("Acting now", f"{acting.name}, {acting.role.lower()}" if acting else "nobody yet"),
                             Fact("May act here", may)])

    def _show_look(self) -> None:
        for field, value in ((self.look, theme.current()), (self.text_size, theme.scale())):
            blocked = field.blockSignals(True)
            field.choose(value)  # type: ignore[arg-type]
            field.blockSignals(blocked)

    def _set_look(self) -> None:
        if (window := self._window()) is not None:
            window.set_look(self.look.value or "system", self.text_size.value or 1.0)

    def _window(self) -> MainWindow | None:
        from desktop_app.gui.main_window import MainWindow

        window: QWidget = self.window()
        return window if isinstance(window, MainWindow) else None

    def _lock(self) -> IdleLock | None:
        window = self._window()
        return window.idle_lock if window else None

    def _set_lock(self) -> None:
        if (lock := self._lock()) is not None:
            lock.set_minutes(self.lock_after.value or 0)

    def _background(self) -> Background | None:
        window = self._window()
        return window.background if window else None

    def _set_background(self) -> None:
        if (background := self._background()) is not None:
            background.set_on(self.recompute.value is not False)

    def _choose_person(self) -> None:
        if (window := self._window()) is not None:
            window.open_person_menu()
