"""Request a promotion: what the dossier will hold and what the policy asks, before anything is frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from desktop_app.domain.approval import ChangeClass
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.dossier import Check
from desktop_app.domain.person import ROLE_TITLES
from desktop_app.domain.words import counted
from desktop_app.errors import Refused, UserError
from desktop_app.gui import show_error, theme
from desktop_app.gui.dialogs.form import Choice, DayField, GrowingText, required
from desktop_app.gui.dialogs.written import Written, written
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.basis import STATE
from desktop_app.gui.pages.decisions import MEANINGS
from desktop_app.gui.pages.review import CHANGES, label_text
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.chip import STATES
from desktop_app.gui.widgets.column import Column, ThreeColumns, beside, button, heading, muted, said
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import Prose, Run
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.operations.dossiers import Basis

REQUEST = "Freeze and request"


@record
class Shown:
    """What a request would rest on, or why there can be none for the stage chosen."""

    title: str
    use: str
    stages: tuple[tuple[str, str], ...]  # key, title; the first is where every version begins
    basis: Basis | None
    refusal: tuple[str, str, str]


class RequestPage(Page[Shown]):
    """Opened with `version` and `use`, ids."""

    key, title = "request", "Request a promotion"
    kinds = frozenset({"evidence", "evidence.withdrawn", "card", "finding", "finding.event", "policy", "tier", "use",
                       "validation.concluded", "promotion.requested", "promotion.closed", "stage.changed"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._for: tuple[object, object] = ("", "")
        self.stage: Choice[str] = Choice()
        self.stage.currentIndexChanged.connect(lambda index: self.reload())
        self.change: Choice[ChangeClass] = Choice([(c, CHANGES[c]) for c in ChangeClass])
        self.rationale = GrowingText(least=4, most=12)
        self.decide_by = DayField()
        self.trouble = Prose()
        self.freeze = button(REQUEST, self.submit, primary=True)
        self.checks, self.members = Column(), Column()
        self.set_content(self._form_beside_checks())

    def _form_beside_checks(self) -> QWidget:
        form = Column(
            heading("The request"), labelled("To stage", self.stage), labelled("Change class", self.change),
            labelled("Rationale: why this should be decided", self.rationale),
            labelled("Decide by (optional)", self.decide_by), theme.XS, self.trouble, beside(self.freeze),
            muted("Freezing lists every record at the right by its digest. What happens to them afterwards is "
                  "shown to those who decide."))
        return ThreeColumns(form, self.checks, self.members, sides=(340, 320))

    # --- loading

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """The outlook for the stage chosen (the next one until somebody chooses)."""
        from desktop_app.operations import approvals, models, policies

        version, use = Id(self.arguments["version"]), Id(self.arguments["use"])
        chosen = self.stage.value if self._for == (version, use) else None
        published = policies.listing(ws)
        stages = tuple((s.key, s.title) for s in published[0].record.stages) if published else ()
        view = models.version(ws, version, use)
        basis, refusal = None, ("", "", "")
        try:
            basis = approvals.outlook(ws, version, use, chosen)
        except Refused as error:
            refusal = (error.title, error.detail, error.remedy)
        return Shown(title=f"{view.model.name} {label_text(view.version.label)}", stages=stages, basis=basis,
                     use=view.use.purpose if view.use else "no use", refusal=refusal)

    def show_data(self, data: Shown) -> None:
        """Show the outlook; what was typed stays."""
        here = (self.arguments["version"], self.arguments["use"])
        fresh, self._for = self._for != here, here
        to = data.basis.policy.record.asked_for(data.basis.transition.to_stage) if data.basis else "promotion"
        self.set_title(f"Request a {to}", f"of {data.title}, for {data.use}")
        blocked = self.stage.blockSignals(True)
        self.stage.offer(data.stages[1:])
        if fresh and data.basis is not None:
            self.stage.choose(data.basis.transition.to_stage)
        self.stage.blockSignals(blocked)
        self.freeze.setEnabled(data.basis is not None)
        if fresh:
            self.rationale.clear()
            self.decide_by.clear()
            self.rationale.setFocus()
        self._say(*data.refusal)
        if data.basis is not None:
            self._show_basis(data.basis)
        else:
            self.set_subline(Run(data.refusal[0], "medium", "undetermined"))
            self.checks.show_parts()
            self.members.show_parts()

    def _show_basis(self, basis: Basis) -> None:
        blocking, policy = basis.blocking, basis.policy.record
        self.freeze.setText("Request anyway" if blocking else REQUEST)
        first = Run(f"{counted(len(blocking), 'requirement')} not met: nobody could approve it", "strong", "breached") \
            if blocking else Run("Every requirement that blocks is met", tone="met")
        self.set_subline(first, Run(f" · tier {basis.tier}, from {policy.stage_title(basis.stage)} · policy "
                                    f"{policy.name}, {policy.version}", tone="muted"))
        asked = [said(Run(ROLE_TITLES[rule.role], "strong"), Run(f" to {MEANINGS[rule.meaning]}"
                      f"{f', within {rule.scope}' if rule.scope else ''}", tone="muted"))
                 for rule in basis.transition.decisions]
        parts: list[QWidget | int] = [heading("What the policy asks")]
        parts += [_check(c) for c in basis.checks]
        if blocking:
            parts.append(muted("What is frozen now stays unmet. Requested anyway, it can only be returned or rejected; "
                               "meet these first and it can be approved."))
        self.checks.show_parts(*parts, theme.M, heading("Who will be asked"), *asked, theme.L)
        self.members.show_parts(
            heading("The dossier will hold", f"{len(basis.members)}"),
            *(said(Run(m.title), Run(f"  {m.state.replace('_', ' ')}" if m.state else "", tone="muted"))
              for m in basis.members), theme.L)

    # --- requesting

    def submit(self) -> None:
        """Freeze the dossier, then open the review."""
        self._say("", "", "")
        try:
            fields: dict[str, Any] = {"rationale": required(self.rationale.toPlainText(), "The rationale"),
                      "change_class": self.change.value or ChangeClass.NEW, "to_stage": self.stage.value,
                      "decide_by": self.decide_by.day()}
        except UserError as error:
            self._failed(error)
            return
        version, use = Id(self.arguments["version"]), Id(self.arguments["use"])
        self.freeze.setEnabled(False)

        def work(ws: Workspace) -> Written:
            from desktop_app.operations import approvals

            return written(ws, approvals.request(ws, version, use, **fields))

        self.jobs.run(self, lambda ws, progress: work(ws), then=self._requested, failed=self._failed, lane=Lane.WRITE,
                      title="request")

    def _requested(self, made: Written) -> None:
        self._for = ("", "")
        self.open("review", request=made.id)

    def _failed(self, error: Exception) -> None:
        self.freeze.setEnabled(True)
        if isinstance(error, UserError):
            self._say(error.title, error.detail, error.remedy)
        else:
            show_error.show_error(self, error)

    def _say(self, title: str, detail: str, remedy: str) -> None:
        rest = " ".join(part for part in (detail, remedy) if part)
        self.trouble.set_runs(Run(title, "strong", "breached"), Run(f" {rest}"))
        self.trouble.setVisible(bool(title))


def _check(check: Check) -> QWidget:
    token, _, mark, _ = STATES[STATE[check.state]]
    return said(Run(f"{mark} ", "strong", token), Run(check.title, "strong"), Run(f"\n{check.sentence}", tone="muted"))


