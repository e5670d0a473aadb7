"""The gate: whether a version may be used, asked by pipelines and people. It checks the signatures itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from desktop_app.domain import audit
from desktop_app.domain.approval import PriorDecision, PromotionRequest, SignOff, StageChanged
from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.exception import PolicyException
from desktop_app.domain.history import History
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.policy import Policy
from desktop_app.operations import mandates
from desktop_app.registry.projections import expected
from desktop_app.registry.reader import Reader
from desktop_app.trust.decisions import Decisions
from desktop_app.workspace import Workspace


@record
class GateAnswer:
    """Whether a version may be used, and why or why not."""

    allowed: bool
    reasons: tuple[str, ...]


def gate(workspace: Workspace, version: Id, use: Id, stage: str = "production") -> GateAnswer:
    """Whether a version may be used: decided for this use, in force, not to be reconsidered, signatures valid.

    Read from the facts, not from the inventory's table; the decision is replayed as the verifier does. Where no
    approval stands, a policy exception in force allows the use until it ends.
    """
    today = workspace.today()
    with workspace.store.read() as reader:
        exact = reader.get(ModelVersion, version).record
        facts = reader.of(exact.model)
        row = next((r for r in expected(reader, exact.model) if (r.version, r.use) == (version, use)), None)
        history, policies = History(facts), reader.all(Policy)
        signed = history.all(SignOff, version=version)
        others = {p.record.recorded_by for p in history.all(PriorDecision, version=version)}
        others |= {r.by for r in history.all(PromotionRequest, version=version)}
        beside = mandates.behind(reader, {s.record.person for s in signed} | others, policies)
        broken = tuple(_broken(reader, {f.seq for f in (*facts, *beside)}))
        decisions = Decisions(workspace.store.info.id, [*facts, *beside], _commands(reader, [s.seq for s in signed]))
    wrong = (*broken, *_wrong(decisions, history, version, use))
    against = [*wrong, *_against(row, stage, today)]
    if not against:
        return GateAnswer(allowed=True, reasons=(_by_approval(row, stage),))
    excepted = _exception(history, version, use, today)
    if excepted and not wrong and not _in_force(row, stage, today):
        return GateAnswer(allowed=True, reasons=(
            f"By exception until {day_text(excepted.valid_to)}, permitted by {excepted.authority}.",))
    return GateAnswer(allowed=False, reasons=tuple(against))


def _in_force(row: InventoryRow | None, stage: str, today: date) -> bool:
    """Whether an approval has not ended: then what speaks against it is not set aside by an exception."""
    return row is not None and row.stage == stage and row.approved_on is not None \
        and (row.approved_until is None or row.approved_until >= today)


def _against(row: InventoryRow | None, stage: str, today: date) -> Iterator[str]:
    """What speaks against the use in the present state of the facts."""
    if row is None or row.stage != stage:
        yield f"It is in {row.stage if row else 'no stage'}, not {stage}."
        return
    if row.approved_on is None:
        yield "Nothing approves it."
    yield from (f"To reconsider: {line}." for line in row.reconsider)
    if row.approved_until and row.approved_until < today:
        yield f"The approval ended on {day_text(row.approved_until)}."
    late = [d for d in row.due if d.what == "condition" and d.on < today]
    if late:
        yield f"A condition was due on {day_text(late[0].on)}."


def _by_approval(row: InventoryRow | None, stage: str) -> str:
    until = f" until {day_text(row.approved_until)}" if row and row.approved_until else ""
    prior = row is not None and row.approval_basis == "prior_decision"
    return f"In {stage}{until}, by {'a recorded prior decision' if prior else 'signed decisions'}."


def _exception(history: History, version: Id, use: Id, today: date) -> PolicyException | None:
    found = [x.record for x in history.all(PolicyException, version=version, use=use)]
    return next((x for x in reversed(found) if x.valid_from <= today <= x.valid_to), None)


def _wrong(decisions: Decisions, history: History, version: Id, use: Id) -> Iterator[str]:
    """What does not hold of the decision it stands on: the gate checks signatures and quorum itself."""
    changed = history.last(StageChanged, version=version, use=use)
    prior = history.last(PriorDecision, version=version, use=use)
    if changed:
        signed = history.all(SignOff, request=changed.record.request)
        verdicts = [decisions.sign_off(s) for s in signed]
        request = history.find(PromotionRequest, changed.record.request)
        rested = list(decisions.rests_on(request)) if request else []
        rested += [sentence for sign_off in signed for sentence in decisions.in_favour(sign_off)]
        yield from (f"The decision does not hold: {sentence}." for sentence in rested)
        for _, sentence in decisions.stage(changed):
            yield f"The decision does not hold: {sentence.rstrip('.')}."
    else:
        verdicts = [decisions.prior(prior)] if prior and prior.record.outcome != "rejected" else []
    yield from (f"A signature does not verify: {verdict}." for verdict in verdicts if verdict != "valid")


def _broken(reader: Reader, seqs: set[int]) -> Iterator[str]:
    """What was changed past the program in the entries that the answer rests on, or in what guards them."""
    if missing := reader.guards_missing():
        yield f"What guards the registry is not as it was made: {', '.join(missing)}."
    entries, bodies = reader.entries_at(seqs), reader.bodies_at(seqs)
    for entry in entries:
        if not audit.holds(entry, bodies[entry.seq]):
            yield f"Entry {entry.seq:,} of the log does not fit what lies beside it: it was changed past the program."
    if len(entries) != len(seqs):
        yield "An entry of the log that this rests on is missing."


def _commands(reader: Reader, seqs: list[int]) -> dict[int, str]:
    return {e.seq: e.command for seq in seqs for e in reader.entries(seq - 1, seq)}
