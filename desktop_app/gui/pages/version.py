"""One exact version in one use: who and what it is, what stands in its way, and everything the registry holds of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.domain.dossier import CheckState
from desktop_app.errors import Refused
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.filter_button import FilterButton
from desktop_app.gui.pages.inventory import KINDS, label_text
from desktop_app.gui.pages.version_tabs.approvals import ApprovalsTab
from desktop_app.gui.pages.version_tabs.card import CardTab
from desktop_app.gui.pages.version_tabs.documents import DocumentsTab
from desktop_app.gui.pages.version_tabs.explanation import ExplanationTab
from desktop_app.gui.pages.version_tabs.fairness import FairnessTab
from desktop_app.gui.pages.version_tabs.history import HistoryTab
from desktop_app.gui.pages.version_tabs.lineage import LineageTab
from desktop_app.gui.pages.version_tabs.overview import DIGEST_OF, OverviewTab
from desktop_app.gui.pages.version_tabs.performance import PerformanceTab
from desktop_app.gui.pages.version_tabs.tab import Loaded, Tab, link
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.facts_list import digest_words
from desktop_app.gui.widgets.label import tip
from desktop_app.gui.widgets.prose import Run, words
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.use import Use
    from desktop_app.operations.packs import ExportReport

TABS: tuple[type[Tab], ...] = (
    OverviewTab, CardTab, LineageTab, PerformanceTab, FairnessTab, ExplanationTab, DocumentsTab, ApprovalsTab,
    HistoryTab)


class _Tabs(QTabWidget):
    """Tabs that are content with the height there is: what is in them scrolls, and the row above is never squeezed."""

    def hasHeightForWidth(self) -> bool:
        """No."""
        return False


class VersionPage(Page[Loaded]):
    """Arguments: `version` (id), `use` (id, or None), `tab` (title of a tab, optional)."""

    key, title = "version", "Version"
    kinds = KINDS | {"lineage", "alias.moved", "run", "exported"}

    def __init__(self, jobs: Jobs, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(jobs, state, parent)
        self._loaded: Loaded | None = None
        self.request_button = self.add_button("Request promotion…", self.request, primary=True)
        self.export_button = self.add_button("Export audit PDF…", self.export)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        column.addLayout(self._exact_row())
        self.tabs = _Tabs()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("About this version")
        for make in TABS:
            tab = make(self)
            self.tabs.setTabToolTip(self.tabs.addTab(tab, tab.title), f"Alt+{tab.letter}")
        self.tabs.setMinimumHeight(theme.px(120))
        column.addWidget(self.tabs, 1)
        self.set_content(content)
        self._add_keys()
        layout = self.layout()
        assert layout is not None
        layout.setSpacing(theme.S)

    def _exact_row(self) -> QHBoxLayout:
        self.versions: FilterButton[Id] = FilterButton("Version", [(Id(""), "version")])
        self.uses: FilterButton[Id] = FilterButton("Use", [(Id(""), "no use")])
        self.versions.changed.connect(self._switch)
        self.uses.changed.connect(self._switch)
        self._digest = words("", "mono")
        self._digest.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = link("Copy", self.copy_digest)
        copy.setAccessibleName("Copy the whole digest")
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        row.addWidget(self.versions)
        row.addWidget(self.uses)
        row.addStretch(1)
        row.addSpacing(theme.S)
        row.addWidget(self._digest)
        row.addWidget(copy)
        return row

    def _add_keys(self) -> None:
        """Ctrl+Tab and Ctrl+Shift+Tab walk through the tabs from anywhere in the page; Alt+letter chooses one."""
        for keys, by in (("Ctrl+Tab", 1), ("Ctrl+Shift+Tab", -1), ("Ctrl+PgDown", 1), ("Ctrl+PgUp", -1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda by=by: self._walk(by))
        for tab in TABS:  # not by an ampersand in the label: the tab bar's own keys are lost when it is restyled
            QShortcut(QKeySequence(f"Alt+{tab.letter}"), self, lambda title=tab.title: self.show_tab(title))

    def _walk(self, by: int) -> None:
        self.tabs.setCurrentIndex((self.tabs.currentIndex() + by) % self.tabs.count())
        self.tabs.tabBar().setFocus(Qt.FocusReason.TabFocusReason)

    # --- loading

    def load(self, ws: Workspace, progress: Progress) -> Loaded:
        """The version, and what a request for it would rest on now."""
        from desktop_app.operations import approvals, models

        view = models.version(ws, self.arguments["version"], self.arguments.get("use") or None)
        if view.use is None:
            return Loaded(view, None, Refused("This version has no use to be promoted for.",
                                              "Decisions are about a version and a use.", "Describe the use first."))
        try:
            return Loaded(view, approvals.outlook(ws, view.version.id, view.use.id), None)
        except Refused as refusal:
            return Loaded(view, None, refusal)

    def show_data(self, data: Loaded) -> None:
        """The header, and the tab shown."""
        view, another = data.view, self._loaded is None or self._loaded.version != data.version
        self.state.select("version", data.version)
        self._loaded = data
        self.set_title(view.model.name, f"{label_text(view.version.label)}, {_for(view.use)}", lines=2)
        self.set_subline(*_standing(data))
        self._digest.setText(f"{digest_words(view.artefact.digest)} of {DIGEST_OF[view.artefact.of]}")
        self._digest.setToolTip(tip(view.artefact.digest))
        self.versions.offer((v.id, f"Version {label_text(v.label)}") for v in view.siblings)
        self.versions.show_value(view.version.id)
        self.uses.offer([(u.id, u.purpose + (f", {u.entity}" if u.entity else "")) for u in view.uses]
                        or [(Id(""), "No use described")])
        self.uses.show_value(view.use.id if view.use else Id(""))
        self._show_request(data)
        if another and self.isVisible():
            self.tabs.tabBar().setFocus(Qt.FocusReason.OtherFocusReason)
        if another or "tab" in self.arguments:
            self.show_tab(self.arguments.get("tab", self.shown_tab.title))
        for n in range(self.tabs.count()):
            tab = self.tabs.widget(n)
            assert isinstance(tab, Tab)
            tab.arrive(data)

    def _show_request(self, data: Loaded) -> None:
        """What the button does: open the request that waits, else ask for a promotion where the policy provides one."""
        self.request_button.setText("Open the request…" if waiting_request(data) else f"Request {data.asked_for}…")
        self.request_button.setEnabled(waiting_request(data) is not None or data.outlook is not None)
        self.request_button.setToolTip(tip(f"{data.refusal.title} {data.refusal.remedy}") if data.refusal else "")

    @property
    def shown_tab(self) -> Tab:
        """The tab in front."""
        tab = self.tabs.currentWidget()
        assert isinstance(tab, Tab)
        return tab

    def show_tab(self, title: str) -> Tab:
        """Bring a tab to the front. Raises ValueError for an unknown title."""
        self.tabs.setCurrentIndex([make.title for make in TABS].index(title))
        return self.shown_tab

    # --- what can be done

    def _switch(self) -> None:
        self.open("version", version=self.versions.value, use=self.uses.value or None, tab=self.shown_tab.title)

    def copy_digest(self) -> None:
        """The whole digest to the clipboard."""
        if self._loaded is not None:
            QGuiApplication.clipboard().setText(self._loaded.view.artefact.digest)

    def request(self) -> None:
        """Ask for the promotion of this version in this use, or open the request that waits."""
        if self._loaded is not None and (waiting := waiting_request(self._loaded)):
            self.open("review", request=waiting)
        elif self._loaded is not None and self._loaded.view.use is not None:
            self.open("request", version=self._loaded.version, use=self._loaded.view.use.id)

    def export(self) -> None:
        """Write the audit PDF of the newest request of this version in this use."""
        if self._loaded is None:
            return
        view = self._loaded.view
        name = "".join(c if c.isalnum() or c in "-. " else "_" for c in f"{view.model.name} {view.version.label}")
        chosen, _ = QFileDialog.getSaveFileName(self, "Export audit PDF", f"{name} audit.pdf", "PDF (*.pdf)")
        if chosen:
            self.export_to(Path(chosen))

    def export_to(self, target: Path) -> None:
        """Write the audit PDF, in a job with progress that can be stopped."""
        assert self._loaded is not None
        version, use = self._loaded.version, self._loaded.view.use

        def work(ws: Workspace, progress: Progress) -> ExportReport:
            from desktop_app.operations import packs

            if use is None:
                raise Refused("There is no decision to export.", "This version has no use.", "Describe a use first.")
            return packs.export(ws, packs.latest_request(ws, version, use.id), target, progress)

        self.jobs.run(self, work, lane=Lane.COMPUTE, title=f"audit PDF {target.name}", then=self._exported)

    def _exported(self, report: ExportReport) -> None:
        from desktop_app.gui.dialogs.task import NoteDialog

        NoteDialog(self.jobs, "The audit PDF is written", _report_words(report), parent=self).open()


def _report_words(report: ExportReport) -> str:
    """Where it is, what it is, and how it is checked."""
    said = (f"{report.path}\n{report.size:,} bytes, SHA-256 {report.sha256}\n"
            "Anyone can check it without an account: assaydesk verify FILE.pdf")
    return f"{said}\n\n{report.words}" if report.words else said


def waiting_request(data: Loaded) -> Id | None:
    """The request of this version and use that waits for decisions."""
    row = data.view.row
    return row.request if row is not None and row.request_outcome == "open" else None


def _for(use: Use | None) -> str:
    if use is None:
        return "no use described"
    where = f" in {use.entity}" if use.entity else ""
    return f"for {use.purpose[:1].lower()}{use.purpose[1:]}{where}{', ' + use.limits if use.limits else ''}"


def _standing(data: Loaded) -> tuple[Run, ...]:
    """Stage, tier, and what stands in the way of the next stage, worst first."""
    view = data.view
    said = [view.stage_title, f"tier {view.tier}" if view.tier else "no tier"]
    blocked = ", ".join(view.blockers)
    runs = [Run(" · ".join(said), "body", "muted")]
    if blocked:
        runs += [Run(" · ", "body", "muted"), Run(blocked, "strong", "breached")]
    if (row := data.view.row) is not None and waiting_request(data):
        runs += [Run(" · ", "body", "muted"),
                 Run(f"a request waits, {row.request_decided} of {row.request_asked} decided", "body", "accent")]
    elif data.outlook is not None:
        stage = view.policy.stage_title(data.outlook.transition.to_stage) if view.policy else ""
        open_ = sum(c.state is CheckState.BLOCKING for c in data.outlook.checks)
        said_open = f"{open_} of {len(data.outlook.checks)} requirements for {stage} stand open" if open_ \
            else f"nothing blocks a request for {stage}"
        runs += [Run(" · ", "body", "muted"), Run(said_open, "body", "undetermined" if open_ else "muted")]
    elif data.refusal is not None and not blocked:
        runs += [Run(" · ", "body", "muted"), Run(data.refusal.title, "body", "muted")]
    return tuple(runs)
