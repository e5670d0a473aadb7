"""Approvals: requests with their sign-offs, decisions taken over from documents, exceptions and overlays."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QVBoxLayout

from desktop_app.domain.canonical import day_text
from desktop_app.gui import theme
from desktop_app.gui.jobs import Workspace
from desktop_app.gui.pages.version_tabs.tab import ColumnTab, Loaded, button, buttons, say, say_runs, section
from desktop_app.gui.widgets.chip import Chip
from desktop_app.gui.widgets.prose import Run
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.history import OpenCondition
    from desktop_app.operations.approvals import Review, SignOffView

OUTCOMES = {"open": "pending", "effective": "met", "rejected": "breached", "returned": "attention", "withdrawn": "none"}
OUTCOME_WORDS = {"effective": "in effect"}


class ApprovalsTab(ColumnTab):
    """See the module."""

    title, letter, reads = "Approvals", "A", True

    def load(self, ws: Workspace, progress: Progress, loaded: Loaded) -> tuple[Review, ...]:
        """The requests for this version, newest first, each as it is now."""
        from desktop_app.operations import approvals

        return tuple(approvals.review(ws, line.request.record.id) for line in sorted(
            approvals.listing(ws), key=lambda r: -r.request.seq) if line.request.record.version == loaded.version)

    def show_data(self, loaded: Loaded, data: tuple[Review, ...]) -> None:
        """Requests at the left, what departs from policy at the right."""
        self.begin()
        left, right = self.halves()
        section(left, "Requests")
        for seen in data:
            self._show_request(left, seen)
        if not data:
            say(left, "No promotion was requested for this version.", "muted")
        if loaded.outlook is not None and not any(seen.outcome == "open" for seen in data):
            buttons(left, button(f"Request {loaded.asked_for}…", self.page.request))
        _show_prior(left, loaded)
        left.addStretch(1)
        self._show_conditions(right, loaded)
        _show_departures(right, loaded)
        right.addStretch(1)

    def _show_request(self, column: QVBoxLayout, seen: Review) -> None:
        asked = seen.request.record
        say_runs(column, Run(f"{seen.request.label} ", "strong"),
                 Run(f"for {seen.policy.record.stage_title(asked.to_stage)}, {seen.use.purpose}", "strong"),
                 Run(f"\n{asked.change_class.value} change · asked by {seen.requested_by}, "
                     f"{day_text(seen.request.at.date())}"
                     + (f" · decide by {day_text(asked.decide_by)}" if asked.decide_by else ""), "body", "muted"))
        words = f"{seen.quorum.decided} of {seen.quorum.asked} decided" if seen.outcome == "open" else seen.outcome
        column.addWidget(Chip(OUTCOMES[seen.outcome], OUTCOME_WORDS.get(words, words)))
        say(column, asked.rationale)
        for signed in seen.sign_offs:
            _show_sign_off(column, signed)
        for line in seen.news.reconsider:
            say(column, f"To reconsider: {line}", "undetermined")
        review = button("Open the request…", lambda: self.page.open("review", request=asked.id))
        review.setAccessibleName(f"Open request {seen.request.label}")
        buttons(column, review)
        column.addSpacing(theme.S)


    def _show_conditions(self, column: QVBoxLayout, loaded: Loaded) -> None:
        section(column, "Conditions")
        for one in loaded.view.conditions:
            standing = "met" if one.met else f"due {day_text(one.due)}"
            owner = one.condition.owner
            by = loaded.view.names.get(owner, "") if owner else "no owner stated"
            say_runs(column, Run(one.condition.text, "strong"),
                     Run(f"\n{by} · {standing}", "body", "muted"))
            if not one.met:
                settle = button("It was met…", partial(self.settle, one))
                settle.setAccessibleName(f"Say that this condition was met: {one.condition.text}")
                buttons(column, settle)
        if not loaded.view.conditions:
            say(column, "None of an approval in force.", "muted")

    def settle(self, condition: OpenCondition) -> None:
        """Say that a condition of the approval in force was met."""
        from desktop_app.gui.dialogs.give_reason import GiveReason

        def do(ws: Workspace, reason: str) -> Any:
            from desktop_app.operations import models

            return models.settle_condition(ws, condition, comment=reason)

        GiveReason(self.jobs, "A condition was met", f"{condition.condition.text}. Say how you know.", "Record", do,
                   parent=self).open()


def _show_sign_off(column: QVBoxLayout, signed: SignOffView) -> None:
    from desktop_app.domain.person import ROLE_TITLES

    say_runs(column, Run(signed.name, "strong"), Run(f", {ROLE_TITLES[signed.role].lower()}: "),
             Run(signed.meaning.value.replace("_", " ")),
             Run(f" · {day_text(signed.at.astimezone().date())} {signed.at.astimezone():%H:%M} · entry {signed.seq:,}",
                 "body", "muted"),
             Run(f"\n{signed.comment}" if signed.comment else ""))


def _show_prior(column: QVBoxLayout, loaded: Loaded) -> None:
    """Decisions taken over from documents; never as the approver's own signature."""
    section(column, "Decisions made before this registry",
            "Taken over from minutes, e-mails or reports and signed by whoever recorded them: "
            "not a signature of those who decided.")
    view = loaded.view
    for item in view.prior_decisions:
        prior = item.record
        until = f", until {day_text(prior.review_by)}" if prior.review_by else ""
        said = f"{item.label} {prior.outcome.replace('_', ' ')} {day_text(prior.decided_on)}{until}"
        say_runs(column, Run(said, "strong"),
                 Run(f"\ndecided by {view.names.get(prior.decided_by, '')} · {prior.source}"),
                 Run(f"\nrecorded by {view.names.get(item.by, '')}, {day_text(item.at.date())}, entry {item.seq:,}",
                     "body", "muted"))
    if not view.prior_decisions:
        say(column, "None is recorded.", "muted")


def _show_departures(column: QVBoxLayout, loaded: Loaded) -> None:
    view = loaded.view
    section(column, "Exceptions")
    for permitted in view.exceptions:
        permit = permitted.record
        say_runs(column, Run(f"{permitted.label} {permit.exception_kind.value.replace('_', ' ')}", "strong"),
                 Run(f"\n{day_text(permit.valid_from)} to {day_text(permit.valid_to)} · {permit.authority}", "body",
                     "muted"), Run(f"\n{permit.reason}. Controls: {permit.controls}."))
    if not view.exceptions:
        say(column, "None is permitted.", "muted")
    section(column, "Overlays")
    for laid in view.overlays:
        overlay = laid.record
        owner = view.names.get(overlay.owner, "") if overlay.owner else "no owner"
        say_runs(column, Run(f"{laid.label} {overlay.amount}", "strong"), Run(f"\n{overlay.reason}"),
                 Run(f"\n{owner} · review by {day_text(overlay.review_by)} · ends when {overlay.exit}", "body",
                     "muted"))
    if not view.overlays:
        say(column, "None is laid on its output.", "muted")
