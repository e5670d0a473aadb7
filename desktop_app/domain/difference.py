"""What a fact changed, before and after, in words: the fact is held against the earlier ones about the same thing.

A fact is a whole new state of its thing (a card, a tier, a policy), or an event that changes some of it (a finding
answered, a role revoked). Pure: who reads brings the facts and what ids are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from desktop_app.domain import approval, card, evidence, exception, finding, model, person, policy, use, validation
from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.person import ROLE_TITLES, Role

Thing = tuple[str, ...]  # what kind of thing, and the ids that say which
State = dict[str, str]
SHORT = 60  # characters of a text that a line quotes
_SAID_ONCE = ("Comment", "Reason")  # of one event: what was said at an earlier one is not replaced


@record
class Difference:
    """What one fact changed: what, and how it read before and after ("" where there was, or is, nothing)."""

    what: str
    before: str
    after: str

    @property
    def told(self) -> str:
        """In a line, long texts cut: “Tier: 2 → 1”, “Owner: Sanne Kuiper” where there was none."""
        before, after = _cut(self.before), _cut(self.after)
        changed = f"{before} → {after or 'nothing'}" if before else after
        return f"{self.what}: {changed}"


def thing(fact: Any) -> Thing | None:
    """Which thing a fact is about; None for a fact that changes nothing that was said before."""
    found = _RULES.get(type(fact))
    return found[0](fact) if found else None


def family(about: Thing) -> tuple[type[Any], ...]:
    """The kinds of facts that say something of such a thing."""
    return _FAMILIES[about[0]]


def concerns(fact: Any, about: Thing) -> bool:
    """Whether a fact says something of a thing, or is what the thing began with."""
    return isinstance(fact, family(about)) and (thing(fact) == about or fact.id in about[1:])


def differences(fact: Any, earlier: Iterable[Any], called: Mapping[Id, str]) -> tuple[Difference, ...]:
    """What a fact changed.

    earlier: the facts that concern the same thing, oldest first · called: names and labels by id; what an unnamed id
    points to is not told.
    """
    before: State = _claimed(fact, called)
    for old in earlier:
        before = _after(before, old, called)
    before = {k: v for k, v in (before | _claimed(fact, called)).items() if not k.endswith(_SAID_ONCE)}
    after = _after(before, fact, called)
    keys = dict.fromkeys([*before, *after])
    return tuple(Difference(what=key, before=before.get(key, ""), after=after.get(key, "")) for key in keys
                 if before.get(key, "") != after.get(key, ""))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHORT else f"“{line[:SHORT].rstrip()}…”"


def _claimed(fact: Any, called: Mapping[Id, str]) -> State:
    """What a fact itself says that was before."""
    if isinstance(fact, approval.StageChanged):
        return {"Stage": words(fact.from_stage)}
    if isinstance(fact, model.AliasMoved):
        return {f"Alias “{fact.alias}”": fact.before or ""}
    if isinstance(fact, person.RoleRevoked):
        return {f"Role of {called.get(fact.person, 'a person')}": ROLE_TITLES[fact.role]}
    return {}


def _after(before: State, fact: Any, called: Mapping[Id, str]) -> State:
    _, state, event = _RULES[type(fact)]
    return before | state(fact, called) if event else state(fact, called)


# ---- in words


def words(value: Any) -> str:
    """A single value as people write it: “yes”, “21 Nov 2026”, “Model risk manager”; "" for nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Role):
        return ROLE_TITLES[value]
    if isinstance(value, datetime):
        return f"{day_text(value.date())} {value:%H:%M} UTC"
    if isinstance(value, date):
        return day_text(value)
    if isinstance(value, Enum):
        return str(value.value).replace("_", " ")
    return str(value)


def _title(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def _listed(values: Iterable[Any], called: Mapping[Id, str]) -> str:
    return "; ".join(text for v in values if (text := _one(v, called)))


def _one(value: Any, called: Mapping[Id, str]) -> str:
    if isinstance(value, model.Pair):
        return f"{value.key} = {value.value}"
    if isinstance(value, approval.Condition):
        return value.words(called)
    if is_dataclass(value):
        return ", ".join(f"{_title(key).lower()} {text}" for key, text in _flat(value, called) if text)
    return called.get(Id(value), words(value)) if isinstance(value, str) else words(value)


def _flat(value: Any, called: Mapping[Id, str], skip: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """(field, words) of a record; a tuple is one line of words."""
    for field in fields(value):
        said = getattr(value, field.name)
        if field.name in skip:
            continue
        if isinstance(said, tuple):
            yield field.name, _listed(said, called)
        elif is_dataclass(said):
            yield field.name, _one(said, called)
        elif "Id" in str(field.type):
            yield field.name, called.get(said, "") if said else ""
        else:
            yield field.name, words(said)


def _state(*leave_out: str, **titles: str) -> Callable[[Any, Mapping[Id, str]], State]:
    """The state that a fact's own fields make; leave_out: fields that only say which thing · titles: of fields."""
    skip = {"id", "model", "revision", *leave_out}

    def state(fact: Any, called: Mapping[Id, str]) -> State:
        return {titles.get(name, _title(name)): text for name, text in _flat(fact, called, skip) if text}

    return state


def _card(fact: card.CardRevision, _called: Mapping[Id, str]) -> State:
    return {f"Card field “{p.key}”": p.value for p in fact.fields if p.value.strip()}


def _version(fact: model.ModelVersion, called: Mapping[Id, str]) -> State:
    said = {"Description": fact.description, "Tags": _listed(fact.tags, called), "Label": fact.label,
            "Developers": _listed(fact.developers, called), "What it exactly is": _artefact(fact.artefact)}
    return {key: text for key, text in said.items() if text}


def _revised(fact: model.VersionRevised, called: Mapping[Id, str]) -> State:
    return {"Description": fact.description, "Tags": _listed(fact.tags, called)}


def _artefact(made: model.Artefact) -> str:
    return f"{words(made.of)} {made.digest[:16]}…"


def _finding_event(fact: finding.FindingEvent, _called: Mapping[Id, str]) -> State:
    due = fact.until or fact.due
    return {"State": words(fact.state), "Comment": fact.comment} | ({"Due": day_text(due)} if due else {})


def _finding(fact: finding.Finding, called: Mapping[Id, str]) -> State:
    return {"State": words(finding.FindingState.OPEN)} | _state("version", "use", "evidence")(fact, called)


def _stage(fact: approval.StageChanged, called: Mapping[Id, str]) -> State:
    made = {"Stage": words(fact.to_stage), "In force from": day_text(fact.effective_from),
            "Review by": day_text(fact.review_by)}
    return made | ({"Conditions": _listed(fact.conditions, called)} if fact.conditions else {})


def _prior(fact: approval.PriorDecision, called: Mapping[Id, str]) -> State:
    if fact.outcome == "rejected":
        return {"Decided elsewhere": "rejected"}
    due = {"Review by": day_text(fact.review_by)} if fact.review_by else {}
    listed = {"Conditions": _listed(fact.conditions, called)} if fact.conditions else {}
    return {"Stage": words(fact.to_stage), "In force from": day_text(fact.decided_on)} | due | listed


def _condition(fact: approval.ConditionEvent, _called: Mapping[Id, str]) -> State:
    name = f"Condition {fact.condition + 1}"
    return {name: fact.state, f"{name}: Comment": fact.comment} | (
        {f"{name}: Due": day_text(fact.due)} if fact.due else {})


def _signed(fact: approval.SignOff, called: Mapping[Id, str]) -> State:
    who = called.get(fact.person, "a person")
    said = {f"Decision of {who}": f"{words(fact.meaning)}, as {ROLE_TITLES[fact.role].lower()}"}
    return said | ({f"Conditions of {who}": _listed(fact.conditions, called)} if fact.conditions else {})


def _requested(fact: approval.PromotionRequest, _called: Mapping[Id, str]) -> State:
    asked = {"Request": "waits for decisions", "Asks for": f"{words(fact.from_stage)} to {words(fact.to_stage)}",
             "Class of change": words(fact.change_class), "Rationale": fact.rationale}
    return asked | ({"Decide by": day_text(fact.decide_by)} if fact.decide_by else {})


def _closed(fact: approval.PromotionClosed, _called: Mapping[Id, str]) -> State:
    return {"Request": words(fact.outcome), "Reason": fact.reason}


def _granted(fact: person.RoleGranted, called: Mapping[Id, str]) -> State:
    end = f" to {day_text(fact.valid_to.date())}" if fact.valid_to else ""
    return {f"Role of {called.get(fact.person, 'a person')}":
            f"{ROLE_TITLES[fact.role]}, from {day_text(fact.valid_from.date())}{end}"}


def _role_revoked(fact: person.RoleRevoked, called: Mapping[Id, str]) -> State:
    return {f"Role of {called.get(fact.person, 'a person')}": "", "Reason": fact.reason}


def _key(fact: person.KeyEnrolled, called: Mapping[Id, str]) -> State:
    return {f"Key {fact.key_id} of {called.get(fact.person, 'a person')}": f"in force, {fact.factors}"}


def _key_revoked(fact: person.KeyRevoked, called: Mapping[Id, str]) -> State:
    stolen = f"; not trusted since {words(fact.compromised_since)}" if fact.compromised_since else ""
    return {f"Key {fact.key_id} of {called.get(fact.person, 'a person')}": f"revoked{stolen}", "Reason": fact.reason}


def _evidence(fact: evidence.Evidence, _called: Mapping[Id, str]) -> State:
    period = [day_text(d) for d in (fact.period_from, fact.period_to) if d]
    said = {"Evidence": fact.title, "Worst verdict": words(evidence.worst(fact.verdicts)) if fact.verdicts else "",
            "Who vouches": words(fact.standing), "Period": " to ".join(period),
            "Document": fact.document.file_name if fact.document else ""}
    return {key: text for key, text in said.items() if text}


def _withdrawn(fact: evidence.EvidenceWithdrawn, _called: Mapping[Id, str]) -> State:
    return {"Evidence": "withdrawn", "Reason": fact.reason}


def _policy(fact: policy.Policy, called: Mapping[Id, str]) -> State:
    """Every rule on a line of its own, so that a policy that differs in one number differs in one line."""
    said = {"Name": fact.name, "Version": fact.version, "In force from": day_text(fact.effective_from),
            "Stages": "; ".join(s.title for s in fact.stages), "Text about conflicts": fact.conflict_text,
            "Written after": fact.source}
    for rule in fact.transitions:
        to = f"To {fact.stage_title(rule.to_stage).lower()}, tier {', '.join(map(str, rule.tiers))}"
        said |= {f"{to}: {_title(name).lower()}": text
                 for name, text in _flat(rule, called, ("to_stage", "tiers", "evidence", "documents", "decisions"))}
        said |= {f"{to}: evidence “{e.title}”": _listed_rule(e, called, "title") for e in rule.evidence}
        said |= {f"{to}: document “{d.title}”": "blocks" if d.blocking else "does not block" for d in rule.documents}
        said |= {f"{to}: {ROLE_TITLES[d.role].lower()} to {words(d.meaning)}": f"{d.count} {d.scope}".strip()
                 for d in rule.decisions}
    return {key: text for key, text in said.items() if text}


def _listed_rule(rule: Any, called: Mapping[Id, str], *skip: str) -> str:
    return ", ".join(f"{_title(name).lower()} {text}" for name, text in _flat(rule, called, skip) if text)


def _alias(fact: model.AliasMoved, _called: Mapping[Id, str]) -> State:
    return {f"Alias “{fact.alias}”": fact.after or ""}


def _by(kind: str, *names: str) -> Callable[[Any], Thing]:
    return lambda fact: (kind, *(str(getattr(fact, name)) for name in names))


# kind of fact: (the thing it is about, the state it says, whether it is an event that leaves the rest as it was)
_RULES: dict[type[Any], tuple[Callable[[Any], Thing], Callable[[Any, Mapping[Id, str]], State], bool]] = {
    model.RegisteredModel: (_by("model", "model"), _state(), False),
    model.ModelVersion: (_by("version", "id"), _version, False),
    model.VersionRevised: (_by("version", "version"), _revised, True),
    model.ArtefactResolved: (
        _by("version", "version"), lambda f, called: {"What it exactly is": _artefact(f.artefact)}, True),
    model.AliasMoved: (_by("alias", "model", "alias"), _alias, True),
    model.InUse: (_by("in use", "version", "use"), _state("version", "use", state="Really in use"), False),
    card.CardRevision: (_by("card", "version"), _card, False),
    use.Use: (_by("use", "id"), _state(), False),
    use.Tiering: (_by("tier", "use"), _state("use"), False),
    finding.Finding: (_by("finding", "id"), _finding, False),
    finding.FindingEvent: (_by("finding", "finding"), _finding_event, True),
    evidence.Evidence: (lambda f: ("evidence", f.supersedes or f.id), _evidence, False),
    evidence.EvidenceWithdrawn: (_by("evidence", "evidence"), _withdrawn, True),
    validation.Validation: (_by("validation", "id"), _state("version", "use"), False),
    validation.ValidationConcluded: (
        _by("opinion", "version", "use"), _state("version", "use", "validation", "report"), False),
    exception.PolicyException: (_by("exception", "id"), _state("version", "use"), False),
    exception.Overlay: (_by("overlay", "id"), _state("version", "use"), False),
    approval.PromotionRequest: (_by("request", "id"), _requested, False),
    approval.SignOff: (_by("request", "request"), _signed, True),
    approval.PromotionClosed: (_by("request", "request"), _closed, True),
    approval.StageChanged: (_by("stage", "version", "use"), _stage, False),
    approval.PriorDecision: (_by("stage", "version", "use"), _prior, False),
    approval.ConditionEvent: (_by("condition", "decision", "condition"), _condition, True),
    person.RoleGranted: (_by("role", "id"), _granted, False),
    person.RoleRevoked: (_by("role", "grant"), _role_revoked, True),
    person.KeyEnrolled: (_by("key", "person", "key_id"), _key, False),
    person.KeyRevoked: (_by("key", "person", "key_id"), _key_revoked, True),
    policy.Policy: (_by("policy", "policy"), _policy, False),
}
_FAMILIES: dict[str, tuple[type[Any], ...]] = {
    "model": (model.RegisteredModel,), "version": (model.ModelVersion, model.VersionRevised, model.ArtefactResolved),
    "alias": (model.AliasMoved,), "in use": (model.InUse,), "card": (card.CardRevision,), "use": (use.Use,),
    "tier": (use.Tiering,), "finding": (finding.Finding, finding.FindingEvent),
    "evidence": (evidence.Evidence, evidence.EvidenceWithdrawn), "validation": (validation.Validation,),
    "opinion": (validation.ValidationConcluded,), "exception": (exception.PolicyException,),
    "overlay": (exception.Overlay,),
    "request": (approval.PromotionRequest, approval.SignOff, approval.PromotionClosed),
    "stage": (approval.StageChanged, approval.PriorDecision),
    "condition": (approval.ConditionEvent,), "role": (person.RoleGranted, person.RoleRevoked),
    "key": (person.KeyEnrolled, person.KeyRevoked), "policy": (policy.Policy,),
}
