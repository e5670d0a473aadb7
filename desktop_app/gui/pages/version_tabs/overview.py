"""Overview: what the version exactly is, what the policy asks of it next, what is open against it."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QVBoxLayout

from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.dossier import Check, CheckState
from desktop_app.domain.evidence import EvidenceKind
from desktop_app.domain.model import DigestOf, Pair
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import ColumnTab, Loaded, button, buttons, say, say_runs, section
from desktop_app.gui.record_table import Column
from desktop_app.gui.widgets.checklist import CheckItem, Checklist
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.prose import Run

CHECK_STATES = {
    CheckState.SATISFIED: "met", CheckState.ATTENTION: "attention", CheckState.BLOCKING: "breached",
    CheckState.NOT_TESTED: "none",
}
DIGEST_OF = {
    DigestOf.ARTEFACT: "the artefact", DigestOf.DOCUMENTS: "its documents", DigestOf.RECORD: "the record only",
    DigestOf.SOURCE: "what its source says",
}
TAB_OF_CHECK = {"card": "Card", "document": "Documents", "evidence": "Fairness", "artefact": "Overview"}


class OverviewTab(ColumnTab):
    """See the module."""

    title, letter = "Overview", "O"

    def show_data(self, loaded: Loaded, data: Any) -> None:
        """Facts and source at the left, requirements and findings at the right."""
        self.begin()
        left, right = self.halves()
        self._show_facts(left, loaded)
        self._show_uses(left, loaded)
        self._show_performance(left, loaded)
        self._show_source(left, loaded)
        left.addStretch(1)
        self._show_requirements(right, loaded)
        self._show_findings(right, loaded)
        right.addStretch(1)

    # --- left

    def _show_facts(self, column: QVBoxLayout, loaded: Loaded) -> None:
        column.addWidget(FactsList(_facts(loaded), label_width=130))
        if loaded.view.artefact.of is DigestOf.ARTEFACT:
            buttons(column, button("Read the artefact again…", self.read_artefact))
        else:
            say(column, "The bytes of the model itself have not been read: the digest is not that of a model file.",
                "undetermined")
            buttons(column, button("Read the artefact…", self.read_artefact))

    def _show_uses(self, column: QVBoxLayout, loaded: Loaded) -> None:
        section(column, "Uses")
        for use in loaded.view.uses:
            where = " · ".join(part for part in (use.entity, use.business_line) if part)
            here = loaded.view.use is not None and use.id == loaded.view.use.id
            runs = [Run(use.purpose, "strong" if here else "body"), Run(f" {where}" if where else "", "body", "muted")]
            if use.limits:
                runs.append(Run(f"\nLimits: {use.limits}"))
            if use.prohibited:
                runs.append(Run(f"\nNot for: {use.prohibited}", "body", "undetermined"))
            say_runs(column, *runs)
        if not loaded.view.uses:
            say(column, "No use is described. Decisions are about a version and a use.", "muted")
        made = [button("Describe a use…", self.describe_use)]
        if loaded.view.use is not None:
            made += [button("Set the tier…", self.set_tier), button("State what is in use…", self.state_use)]
        buttons(column, *made)

    def _show_performance(self, column: QVBoxLayout, loaded: Loaded) -> None:
        section(column, "Performance")
        found = [e for e in loaded.view.evidence if e.record.evidence_kind is EvidenceKind.PERFORMANCE]
        if found:
            evidence = found[-1]
            rows = evidence.record.inputs[0] if evidence.record.inputs else None
            say(column, f"{evidence.label}, {day_text(evidence.at.date())}"
                + (f", {rows.rows:,} rows of {rows.name}" if rows else ""), "muted")
            for verdict in evidence.record.verdicts:
                say(column, verdict.sentence)
        else:
            say(column, "No performance report is filed for this version.", "muted")
        buttons(column, button("Show performance", lambda: self.page.show_tab("Performance")))

    def _show_source(self, column: QVBoxLayout, loaded: Loaded) -> None:
        view = loaded.view
        run = view.run
        params = view.version.params or (run.params if run else ())
        metrics = view.version.metrics or (run.metrics if run else ())
        for title, pairs in (("Parameters", params), ("Metrics of the source", metrics), ("Tags", view.version.tags)):
            if pairs:
                section(column, title)
                column.addWidget(_pairs_table(title, pairs))

    # --- right

    def _show_requirements(self, column: QVBoxLayout, loaded: Loaded) -> None:
        basis, view = loaded.outlook, loaded.view
        if basis is None:
            section(column, "What the policy asks")
            if loaded.refusal is not None:
                say(column, loaded.refusal.title)
                say(column, " ".join(part for part in (loaded.refusal.detail, loaded.refusal.remedy) if part), "muted")
            return
        stage = view.policy.stage_title(basis.transition.to_stage) if view.policy else basis.transition.to_stage
        section(column, f"What the policy asks for {stage}",
                f"{basis.policy.record.name}, {basis.policy.record.version}, tier {basis.tier}")
        checklist = Checklist(name=f"Requirements for {stage}")
        checklist.show_items([_item(check) for check in basis.checks])
        checklist.chosen.connect(self._open_check)
        column.addWidget(checklist)
        if basis.not_tested:
            say_runs(column, Run("Not tested: ", "strong"), Run("; ".join(basis.not_tested), "body", "muted"))

    def _open_check(self, key: str) -> None:
        """A requirement leads to the tab it is met on."""
        kind, _, rest = key.partition(":")
        if kind == "finding":
            self.page.open("findings", finding=Id(rest))
        elif rest == EvidenceKind.EXPLANATION.value:
            self.page.show_tab("Explanation")
        elif rest == EvidenceKind.PERFORMANCE.value:
            self.page.show_tab("Performance")
        elif rest != EvidenceKind.ARTEFACT_SCAN.value and kind in TAB_OF_CHECK:
            self.page.show_tab(TAB_OF_CHECK[kind])

    def _show_findings(self, column: QVBoxLayout, loaded: Loaded) -> None:
        found = [f for f in loaded.view.findings if f.is_open]
        section(column, "Open findings")
        if not found:
            say(column, "None is open.", "muted")
            return
        checklist = Checklist(name="Open findings")
        checklist.show_items([
            CheckItem(key=f"finding:{f.finding.id}", title=f"{f.label} {f.finding.title}",
                      state="breached" if f.finding.severity in ("high", "critical") else "attention",
                      sub=f"{f.finding.severity.value}, {f.state.value}",
                      note=f"due {day_text(f.due)}" if f.due else "") for f in found])
        checklist.chosen.connect(self._open_check)
        column.addWidget(checklist)

    # --- what can be done

    def read_artefact(self) -> None:
        """Bring in the bytes of the version."""
        from desktop_app.gui.dialogs.artefact import ReadArtefact

        assert self.loaded is not None
        self._open(ReadArtefact(self.jobs, self.loaded.view.version, parent=self))

    def describe_use(self) -> None:
        """Describe another use."""
        from desktop_app.gui.dialogs.describe_use import DescribeUse

        assert self.loaded is not None
        self._open(DescribeUse(self.jobs, self.loaded.view.model.model, parent=self))

    def set_tier(self) -> None:
        """Set the tier of the use."""
        from desktop_app.gui.dialogs.describe_use import SetTier

        assert self.loaded is not None
        assert self.loaded.view.use is not None
        self._open(SetTier(self.jobs, self.loaded.view.use, self.loaded.view.tier, parent=self))

    def state_use(self) -> None:
        """State what is really done with the version."""
        from desktop_app.gui.dialogs.describe_use import StateUse

        assert self.loaded is not None
        assert self.loaded.view.use is not None
        self._open(StateUse(self.jobs, self.loaded.version, self.loaded.view.use, parent=self))

    def _open(self, dialog: Any) -> None:
        dialog.succeeded.connect(lambda result: self.refresh())
        dialog.open()


def _item(check: Check) -> CheckItem:
    return CheckItem(key=check.key, state=CHECK_STATES[check.state], title=check.title, sub=check.sentence)


def _facts(loaded: Loaded) -> list[Fact]:
    view = loaded.view
    version, artefact = view.version, view.artefact
    who = [view.names.get(p, "") for p in version.developers]
    facts = [Fact("Exactly", artefact.digest, "digest"), Fact("which is the digest of", DIGEST_OF[artefact.of])]
    if artefact.format:
        size = f", {artefact.size:,} bytes" if artefact.size else ""
        facts.append(Fact("Format", f"{artefact.format}{size}"))
    facts += [
        Fact("Source", _source_words(version.source.source)),
        Fact("Location", artefact.uri, "mono"),
        Fact("Made", day_text(version.created.date()) if version.created else ""),
        Fact("Run", f"{view.run.name}, {view.run.status.lower()}" if view.run else ""),
        Fact("Developers", ", ".join(name for name in who if name) or "not recorded"),
        Fact("Owner", view.names.get(view.model.owner, "") if view.model.owner else "not recorded"),
        Fact("Aliases", ", ".join(view.aliases), "mono"), Fact("In use", _in_use(loaded)),
        Fact("Validation", _opinion(loaded)), Fact("Description", version.description or view.model.description),
    ]
    return [fact for fact in facts if fact.value]


def _source_words(source: str) -> str:
    kind = source.partition(":")[0]
    return {"by_hand": "registered by hand", "mlflow": "MLflow", "inventory": "an inventory file"}.get(kind, source)


def _in_use(loaded: Loaded) -> str:
    row = loaded.view.row
    if row is None or row.use_state is None:
        return "nothing is stated"
    since = f" since {day_text(row.use_since)}" if row.use_since else ""
    return row.use_state.value.replace("_", " ") + since


def _opinion(loaded: Loaded) -> str:
    opinion = loaded.view.opinion
    if opinion is None:
        return "no opinion is recorded"
    on = opinion.record.concluded_on or opinion.at.date()
    said = opinion.record.opinion.value.replace("_", " ")
    return f"{opinion.label}, {said}, {day_text(on)}. {opinion.record.summary}"


def _pairs_table(title: str, pairs: tuple[Pair, ...]) -> ShortTable[Pair]:
    return ShortTable([
        Column(key="key", title="Name", text=lambda p: p.key, width=240, stretch=1),
        Column(key="value", title="Value", text=lambda p: p.value, width=200, stretch=2, mono=True),
    ], pairs, name=title)
