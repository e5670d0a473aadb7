"""Policies: the dated rules that promotions are judged under."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, NotCanonical
from desktop_app.domain.change import Change
from desktop_app.domain.person import Role
from desktop_app.domain.policy import Meaning, Policy
from desktop_app.errors import Refused, UserError
from desktop_app.operations import mandates, people
from desktop_app.registry.reader import Reader
from desktop_app.settings import resource
from desktop_app.trust.authority import VALID, Authority
from desktop_app.workspace import Workspace


def publish_default(workspace: Workspace, passphrase: str) -> Change:
    """Publish the policy that comes with the program. Done once, when a registry is founded."""
    return publish(workspace, _read(resource("policies/default.json")), passphrase)


def publish(workspace: Workspace, text: dict[str, Any], passphrase: str) -> Change:
    """Publish a version of a policy from its JSON form (resources/policies/default.json shows it), signed.

    Only an administrator or a model risk manager may. Raises UserError for a form that does not fit.
    """
    store = workspace.store
    with store.read() as reader:
        before = _versions(reader, text.get("name"))
    policy = _build(text | {
        "id": store.new_id(), "policy": before[-1].policy if before else store.new_id(),
        "effective_from": workspace.today().isoformat()})

    def check(reader: Reader) -> None:
        people.require(reader, workspace, Role.ADMINISTRATOR, Role.MODEL_RISK)
        now = _versions(reader, policy.name)
        if any(p.version == policy.version for p in now):
            raise UserError(f"Version {policy.version} of this policy is already published.", policy.name,
                            "Published versions never change: give it a new version.")
        if now and now[-1].policy != policy.policy:
            raise UserError("Another policy of this name was published meanwhile.", policy.name, "Try again.")

    return mandates.record(workspace, "policy.published", Id("policy"), [policy], passphrase,
                           note=f"Published policy {policy.name}, {policy.version}", check=check)


def _versions(reader: Reader, name: object) -> list[Policy]:
    return [p.record for p in reader.all(Policy) if p.record.name == name]


def publish_file(workspace: Workspace, path: Path, passphrase: str) -> Change:
    """Publish a version of a policy from a JSON file."""
    return publish(workspace, _read(path), passphrase)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("The policy file cannot be read.", str(error), "Give a JSON file.") from error
    if not isinstance(value, dict):
        raise UserError("The policy file does not hold a policy.", str(path), "Give a JSON object.")
    return value


def _build(text: dict[str, Any]) -> Policy:
    try:
        policy = canonical.build(Policy, text)
        canonical.encode(policy)
    except NotCanonical as error:
        raise UserError("The policy does not have the right form.", str(error),
                        "Compare it with the policy that comes with the program.") from error
    asked = [d for t in policy.transitions for d in t.decisions]
    odd = [d for d in asked if d.meaning not in (Meaning.APPROVE, Meaning.CONCUR, Meaning.CONCLUDE) or d.count < 1]
    if odd or not all(t.decisions for t in policy.transitions):
        raise UserError("The policy asks for decisions that nobody can make.",
                        "Each promotion needs at least one person to approve, concur or conclude.", "Correct it.")
    keys = {s.key for s in policy.stages}
    unknown = sorted({t.to_stage for t in policy.transitions} - keys)
    if unknown:
        raise UserError("The policy names stages that it does not define.", ", ".join(unknown), "Define them.")
    return policy


def current(reader: Reader) -> Recorded[Policy]:
    """The policy in force: the last one published. Raises Refused when there is none that anybody signed for."""
    published = reader.all(Policy)
    if not published:
        raise Refused("No policy is published.", "Nothing can be promoted without one.", "Publish a policy first.")
    standing = Authority(reader.info().id, mandates.behind(reader, (), published[-1:]))
    if (wrong := standing.mandated(published[-1])) != VALID:
        raise Refused("The newest policy was not published by anybody who may.",
                      f"{published[-1].label}: {wrong}.", "Tell whoever audits the registry: assaydesk audit verify.")
    return published[-1]


def listing(workspace: Workspace) -> tuple[Recorded[Policy], ...]:
    """Every published version, newest first."""
    with workspace.store.read() as reader:
        return tuple(reversed(reader.all(Policy)))
