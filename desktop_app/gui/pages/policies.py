"""Policies: every published version, and what it asks of each tier for each stage, as text to read."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import day_text
from desktop_app.domain.person import ROLE_TITLES
from desktop_app.domain.policy import Meaning, Policy, Transition
from desktop_app.gui import theme
from desktop_app.gui.dialogs.mandate import SignFor
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.checklist import CheckItem, Checklist
from desktop_app.gui.widgets.column import Column, heading, muted, scrolling, upright
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.prose import Run, paragraph
from desktop_app.progress import Progress

Published = tuple[Recorded[Policy], ...]
VERBS = {Meaning.APPROVE: "approve", Meaning.CONCUR: "concur", Meaning.CONCLUDE: "conclude, as validation"}


class PoliciesPage(Page[Published]):
    """The newest version is in force; the others stay as they were, for what was decided under them."""

    key, title = "policies", "Policies"
    kinds = frozenset({"policy"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._published: Published = ()
        self.add_button("Publish from a file…", self._ask_publish)
        self.versions = Checklist(name="Published versions")
        self.versions.chosen.connect(self._show)
        self.text = Column()
        self.set_content(_two(Column(heading("Versions"), self.versions), self.text))

    def load(self, ws: Workspace, progress: Progress) -> Published:
        """Every published version, newest first."""
        from desktop_app.operations import policies

        return policies.listing(ws)

    def is_empty(self, data: Published) -> bool:
        """Whether none is published."""
        return not data

    def empty_state(self) -> EmptyState:
        """Say what is missing without one."""
        return EmptyState("No policy is published", "Nothing can be promoted without one.",
                          action=("Publish from a file…", self._ask_publish))

    def show_data(self, data: Published) -> None:
        """Show the versions; the one in force is chosen first."""
        self._published = data
        newest = data[0].record
        self.set_subline(Run("In force: ", tone="muted"), Run(f"{newest.name}, {newest.version}", "medium"),
                         Run(f", since {day_text(newest.effective_from)}", tone="muted"))
        self.versions.show_items([
            CheckItem(key=p.record.id, state="met" if n == 0 else "none", title=p.record.version,
                      sub=p.record.name, note=day_text(p.record.effective_from)) for n, p in enumerate(data)])
        self.versions.choose(self.versions.current or newest.id)

    def _show(self, key: str) -> None:
        found = next(p for p in self._published if p.record.id == key)
        policy = found.record
        parts: list[QWidget | int] = [heading(policy.name, policy.version)]
        if policy.source:
            parts.append(muted(policy.source))
        parts += [theme.S, heading("Stages"), paragraph(" → ".join(stage.title for stage in policy.stages))]
        for transition in policy.transitions:
            parts += [theme.M, *transition_parts(transition, policy)]
        parts += [theme.M, heading("What every signer declares"), paragraph(policy.conflict_text), theme.M,
                  FactsList([Fact("Passphrase", "one may sign several decisions" if policy.schedule else
                                  "asked for at every decision"),
                             Fact("Published", f"{day_text(found.at.astimezone().date())}, entry {found.seq:,}"),
                             Fact("Digest", found.digest, "digest")], label_width=120), theme.L]
        self.text.show_parts(*parts)

    def _ask_publish(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Publish a policy", "", "Policy (*.json)")
        if chosen:
            self.publish(Path(chosen))

    def publish(self, path: Path) -> None:
        """Ask for the signature under a version from its JSON file."""
        def work(ws: Workspace, passphrase: str, _reason: str) -> object:
            from desktop_app.operations import policies

            return policies.publish_file(ws, path, passphrase)

        SignFor(self.jobs, "Publish a policy", f"{path.name}. It is in force for every request made from then on.",
                "Sign and publish", work, self).open()


def transition_parts(transition: Transition, policy: Policy) -> list[QWidget | int]:
    """What some tiers need to reach a stage, line by line."""
    tiers = ", ".join(str(tier) for tier in transition.tiers)
    lines = [Fact("Who decides", "; ".join(_deciders(transition)) or "nobody is asked")]
    lines += [Fact(rule.title, f"not older than {rule.max_age_days:,} days, "
                    f"{' or '.join(v.value.replace('_', ' ') for v in rule.accept)}; {_weight(rule.blocking)}")
              for rule in transition.evidence]
    lines += [Fact(line.title, f"a document; {_weight(line.blocking)}") for line in transition.documents]
    if transition.card_complete:
        lines.append(Fact("Card", "every field that the tier asks for; blocks"))
    if transition.validation:
        lines.append(Fact("Validation", "fit, or fit with conditions; blocks"))
    if transition.blocking_findings:
        lines.append(Fact("Findings", f"open ones block from {transition.blocking_findings.value} on, unless the risk "
                           "is accepted"))
    lines.append(Fact("Holds for", f"{transition.holds_days:,} days, then it is reviewed"))
    return [heading(f"To {policy.stage_title(transition.to_stage)}",
                    f"tier{'s' if len(transition.tiers) > 1 else ''} {tiers}"), FactsList(lines, label_width=210)]


def _weight(blocking: bool) -> str:
    return "without it nothing is approved" if blocking else "without it, the statement says: not tested"


def _deciders(transition: Transition) -> list[str]:
    return [f"{rule.count} {ROLE_TITLES[rule.role].lower()}{'s' if rule.count > 1 else ''} to "
            f"{VERBS.get(rule.meaning, rule.meaning.value)}{f', within {rule.scope}' if rule.scope else ''}"
            for rule in transition.decisions]


def _two(left: QWidget, right: QWidget) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.XL)
    side = scrolling(left)
    side.setFixedWidth(theme.px(262))
    right.setMaximumWidth(theme.px(760))
    for part, stretch in ((side, 0), (upright(), 0), (scrolling(right, "The policy"), 1)):
        row.addWidget(part, stretch)
    return holder
