"""A frozen request as somebody reads it before deciding: what the policy asks, what that rests on, who decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from desktop_app.domain.approval import ChangeClass
from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.dossier import Check, CheckState
from desktop_app.domain.evidence import Evidence
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.basis import STATE, Basis, parts_of
from desktop_app.gui.pages.decisions import decision_parts, separation
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.checklist import CheckItem, Checklist
from desktop_app.gui.widgets.column import Column, ThreeColumns, beside, button, heading, muted, said
from desktop_app.gui.widgets.facts_list import digest_words
from desktop_app.gui.widgets.prose import Prose, Run, paragraph
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.change import Change
    from desktop_app.operations.approvals import Review
    from desktop_app.operations.packs import ExportReport

CHANGES = {
    ChangeClass.NEW: "New model", ChangeClass.COSMETIC: "Cosmetic change", ChangeClass.MINOR: "Minor change",
    ChangeClass.MATERIAL: "Material change", ChangeClass.REDEVELOPMENT: "Redevelopment",
}
NOT_TESTED = "not tested"
_FIRST = (CheckState.BLOCKING, CheckState.ATTENTION)


@record
class Shown:
    """What the page shows: the request, and what the registry holds of the members of its dossier."""

    review: Review
    basis: Basis
    me: Id | None


class ReviewPage(Page[Shown]):
    """Opened with `request`, an id."""

    key, title = "review", "Review"
    kinds = frozenset({
        "promotion.requested", "promotion.signed_off", "promotion.closed", "stage.changed", "evidence", "card",
        "evidence.withdrawn", "finding", "finding.event", "validation.concluded", "policy", "artefact.resolved"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self.shown: Shown | None = None
        self._asked_for = ""
        self.chip = self.add_chip("note", "")
        self.checklist = Checklist(name="What the policy asks")
        self.checklist.chosen.connect(self._show_check)
        self._summary = Prose()
        self.middle = Column()
        self.right = Column()
        self._buttons_of_right()
        left = Column(heading("What the policy asks"), self.checklist, self._summary)
        self.set_content(ThreeColumns(left, self.middle, self.right))

    def _buttons_of_right(self) -> None:
        self.decide, self.export, self.withdraw = (
            QPushButton("Read and decide…"), QPushButton("Export audit PDF…"), QPushButton("Withdraw…"))
        theme.dress(self.decide, "primary")
        self.decide.clicked.connect(lambda checked=False: self.read_and_decide())
        self.export.clicked.connect(lambda checked=False: self._ask_export())
        self.withdraw.clicked.connect(lambda checked=False: self._withdraw())

    # --- loading

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """The request with everything its dossier lists."""
        from desktop_app.operations import approvals

        seen = approvals.review(ws, Id(self.arguments["request"]))
        return Shown(review=seen, basis=load_basis(ws, seen.version.id, seen.use.id), me=ws.actor)

    def show_data(self, data: Shown) -> None:
        """Show a request; the chosen line stays chosen."""
        fresh = data.review.request.record.id != self._asked_for
        self._asked_for, self.shown = data.review.request.record.id, data
        self._head(data.review)
        checks = data.review.dossier.record.checks
        self.checklist.show_items(_items(data.review))
        self._summary.set_runs(*_summary(checks))
        self._show_right(data)
        chosen = "" if fresh else self.checklist.current
        if key := chosen or _to_look_at_first(checks, data.review.dossier.record.not_tested):
            self.checklist.choose(key)

    def _head(self, seen: Review) -> None:
        asked, policy = seen.request.record, seen.policy.record
        self.set_title(seen.model.name, f"{label_text(seen.version.label)}, for {use_words(seen)}")
        by_day = f" · decide by {day_text(asked.decide_by)}" if asked.decide_by else ""
        self.set_subline(
            Run(f"{CHANGES[asked.change_class]}, to {policy.stage_title(asked.to_stage)} · asked by "
                f"{seen.requested_by}, {day_text(seen.request.at.astimezone().date())} · policy ", tone="muted"),
            Run(f"{policy.name}, {policy.version}", "medium"),
            Run(f"{by_day} · dossier ", tone="muted"),
            Run(digest_words(seen.dossier.digest, 16), "mono", "muted"))
        self.chip.show_verdict(*outcome_chip(seen.outcome, seen.quorum.decided, seen.quorum.asked))

    # --- the middle

    def _show_check(self, key: str) -> None:
        if self.shown is None:
            return
        dossier = self.shown.review.dossier.record
        if key == NOT_TESTED:
            lines = [paragraph(f"– {line}") for line in dossier.not_tested]
            self.middle.show_parts(
                heading("Not tested"), muted("What nobody tested, by the policy's list and by the reports' own word. "
                                             "Every statement signed here says so."), *lines)
            return
        check = next(check for check in dossier.checks if check.key == key)
        self.middle.show_parts(
            heading(check.title), paragraph(check.sentence), theme.XS,
            *parts_of(check, self.shown.basis, self.shown.review.transition), theme.S,
            beside(*self._buttons_for(check)))

    def _buttons_for(self, check: Check) -> list[QPushButton]:
        assert self.shown is not None
        evidence = self.shown.basis.evidence.get(check.member) if check.member else None
        buttons = []
        if evidence is not None and evidence.record.document is not None:
            name, identity = evidence.record.document.file_name, evidence.record.id
            buttons.append(button("Save a copy…", lambda: self._save_document(identity, name)))
        if evidence is not None and (evidence.record.fairness or evidence.record.performance):
            item = evidence.record
            buttons.append(button("Re-perform…", lambda: self._reperform(item)))
        member = evidence.record.id if evidence is not None else None
        buttons.append(button("Raise a finding…", lambda: self._raise(member)))
        return [*buttons, button("Open the version", self._open_version)]

    # --- the right

    def _show_right(self, data: Shown) -> None:
        seen = data.review
        parts = decision_parts(seen)
        if seen.outcome == "open" and data.me is not None:
            parts += [theme.S, heading("Separation"), muted(separation(seen))]
        for title, lines, tone in (("To reconsider", seen.news.reconsider, "undetermined"),
                                   ("Later information", seen.news.later, "muted")):
            if lines:
                parts += [theme.S, heading(title, str(len(lines))), *(said(Run(line, tone=tone)) for line in lines)]
        parts += [theme.S, heading("Rationale"), paragraph(seen.request.record.rationale), theme.M]
        self.right.show_parts(*parts, *self._actions(data))

    def _actions(self, data: Shown) -> list[QWidget | int]:
        seen = data.review
        self._buttons_of_right()
        parts: list[QWidget | int] = []
        if seen.outcome == "open":
            parts.append(beside(self.decide))
            self.decide.setEnabled(seen.refusal is None and data.me is not None)
            reason = _reason(data)
            self.decide.setAccessibleDescription(reason)
            parts += [muted(reason), theme.S]
        parts.append(beside(self.export))
        if seen.outcome == "open" and seen.request.by == data.me:
            parts.append(beside(self.withdraw))
        return parts

    # --- what can be done

    def read_and_decide(self) -> None:
        """Open the statement to be signed."""
        from desktop_app.gui.dialogs.sign import SignDialog

        if self.shown is not None and self.decide.isEnabled():
            SignDialog(self.jobs, self.shown.review, self).open()

    def _ask_export(self) -> None:
        assert self.shown is not None
        seen = self.shown.review
        name = f"{seen.model.name} {label_text(seen.version.label)} {seen.request.label}.pdf".replace("/", "-")
        chosen, _ = QFileDialog.getSaveFileName(self, "Export the audit PDF", name, "PDF (*.pdf)")
        if chosen:
            self.export_to(Path(chosen))

    def export_to(self, target: Path) -> None:
        """Write the audit PDF in a job, with progress in the tray; then say where it is."""
        from desktop_app.gui.dialogs.task import NoteDialog

        request = Id(self._asked_for)

        def work(ws: Workspace, progress: Progress) -> ExportReport:
            from desktop_app.operations import packs

            return packs.export(ws, request, target, progress)

        def done(report: ExportReport) -> None:
            said = [str(target), digest_words(report.sha256, 64), "The export is recorded in the log.", report.words]
            NoteDialog(self.jobs, "The audit PDF is written.", "\n\n".join(filter(None, said)), self).open()

        self.jobs.run(self, work, then=done, lane=Lane.COMPUTE, title="audit PDF")

    def _withdraw(self) -> None:
        from desktop_app.gui.dialogs.give_reason import GiveReason

        request = Id(self._asked_for)

        def withdraw(ws: Workspace, reason: str) -> object:
            from desktop_app.operations import approvals

            return approvals.withdraw(ws, request, reason)

        GiveReason(self.jobs, "Withdraw the request", "It ends without a decision; it can be made again.", "Withdraw",
                   withdraw, self).open()

    def _raise(self, evidence: Id | None) -> None:
        from desktop_app.gui.dialogs.raise_finding import RaiseFinding

        assert self.shown is not None
        seen = self.shown.review
        about = f"{seen.model.name} {label_text(seen.version.label)}"
        RaiseFinding(self.jobs, ((seen.version.id, about),), use=seen.use.id, evidence=evidence, parent=self).open()

    def _open_version(self) -> None:
        assert self.shown is not None
        self.open("version", version=self.shown.review.version.id, use=self.shown.review.use.id)

    def _save_document(self, evidence: Id, name: str) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save a copy of the document", name)
        if not chosen:
            return

        def work(ws: Workspace) -> Change:
            from desktop_app.operations import evidence as operations

            return operations.save_document(ws, evidence, Path(chosen))

        self.jobs.run(self, lambda ws, progress: work(ws), lane=Lane.WRITE, title=f"copy of {name}")

    def _reperform(self, item: Evidence) -> None:
        from desktop_app.gui.dialogs.reperform import Reperform

        known = Path(item.inputs[0].location) if item.inputs and item.inputs[0].location else None
        Reperform(self.jobs, item, known, self).open()


# ---- words


def load_basis(ws: Workspace, version: Id, use: Id) -> Basis:
    """Everything the registry holds that checks on a version in a use may rest on. Runs on a worker."""
    from desktop_app.operations import cards, evidence, findings, models

    items = {line.item.record.id: line.item for line in evidence.listing(ws, version)}
    view = models.version(ws, version, use)
    return Basis(
        evidence=items,
        marks={i: evidence.group_marks(e.record) for i, e in items.items() if e.record.fairness},
        charts={i: evidence.charts(e.record) for i, e in items.items() if e.record.explanation},
        findings={line.now.finding.id: line for line in findings.listing(ws, version)},
        card=view.card, card_fields=cards.definition(), opinion=view.opinion, artefact=view.artefact,
        names=view.names)


def label_text(label: str) -> str:
    """A version as people say it: v3, but 2026-Q3."""
    return f"v{label}" if label.isdigit() else label


def use_words(seen: Review) -> str:
    """The use in one phrase, beginning as it goes on after “for”."""
    use = seen.use
    where = ", ".join(part for part in (use.entity, use.business_line) if part)
    purpose = use.purpose[0].lower() + use.purpose[1:] if use.purpose[1:2].islower() else use.purpose
    phrase = purpose + (f" · {where}" if where else "")
    return f"{phrase}, {use.limits}" if use.limits else phrase


def outcome_chip(outcome: str, decided: int, asked: int) -> tuple[str, str]:
    """A request's state as a chip."""
    states = {"effective": ("met", "in effect"), "rejected": ("breached", "rejected"), "returned": ("none", "returned"),
              "withdrawn": ("none", "withdrawn")}
    return states.get(outcome, ("pending", f"{decided} of {asked} decided"))


def _items(seen: Review) -> list[CheckItem]:
    dossier = seen.dossier.record
    items = [CheckItem(key=c.key, state=_state(c), title=c.title, sub=c.sentence) for c in dossier.checks]
    if dossier.not_tested:
        items.append(CheckItem(key=NOT_TESTED, state="not_computable", title="Not tested",
                               sub="; ".join(dossier.not_tested)))
    return items


def _state(check: Check) -> str:
    if check.state is CheckState.ATTENTION and "undetermined" in check.sentence:
        return "undetermined"
    return STATE[check.state]


def _to_look_at_first(checks: tuple[Check, ...], not_tested: tuple[str, ...]) -> str:
    """Evidence that is not simply satisfied, else what blocks, else what needs attention, else the first line."""
    def rank(check: Check) -> tuple[bool, int]:
        shows = check.member is not None and check.key.startswith("evidence") and check.state in _FIRST
        return not shows, _FIRST.index(check.state) if check.state in _FIRST else len(_FIRST)

    return min(checks, key=rank).key if checks else NOT_TESTED if not_tested else ""


def _summary(checks: tuple[Check, ...]) -> list[Run]:
    counts = {state: sum(c.state is state for c in checks) for state in CheckState}
    blocking, attention = counts[CheckState.BLOCKING], counts[CheckState.ATTENTION]
    first = Run("Nothing blocks.", tone="muted") if not blocking else Run(
        f"{blocking} requirement{'s block' if blocking > 1 else ' blocks'} an approval.", "medium", "breached")
    words = [f"{attention} need{'s' if attention == 1 else ''} attention" if attention else "",
             f"{counts[CheckState.NOT_TESTED]} not tested" if counts[CheckState.NOT_TESTED] else ""]
    rest = ", ".join(word for word in words if word)
    return [first, *([Run(f" {rest[0].upper()}{rest[1:]}.", tone="muted")] if rest else [])]


def _reason(data: Shown) -> str:
    refusal = data.review.refusal
    if data.me is None:
        return "Choose who acts, at the top right, to decide."
    if refusal is not None:
        return " ".join(part for part in (refusal.title, refusal.detail, refusal.remedy) if part)
    return "You see the exact statement before you sign."
