"""A nursery of processes that sign off in a loop until they are killed.

`python -m tests.attack.signing REGISTRY KEYS`: for every line on standard input a child is forked that opens the
registry anew and signs; the nursery prints "born PID", the child "trying COMMAND" when it is about to sign and "done
COMMAND SEQ SECONDS" after the commit, or "refused COMMAND" when another client was faster; "gone STATUS" tells how it
ended. Forking spares a hundred starts of the interpreter: the nursery has opened the registry once and let go of it
again, so that everything is imported; the child holds nothing that was opened before it was born.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from desktop_app.domain.approval import ChangeClass, PromotionRequest
from desktop_app.domain.canonical import Id
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.policy import Meaning
from desktop_app.domain.use import Tiering
from desktop_app.errors import Lost, Refused
from desktop_app.operations import approvals, models, people, signing
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import Workspace, open_workspace
from tests.desk import PASSPHRASE

REQUESTS = 8  # of one model: what is read for a signature stays short
SIGNERS = (("Rita Risk", Meaning.APPROVE), ("Cora Compliance", Meaning.CONCUR))


def say(text: str) -> None:
    """One line, written at once: lines of one process never mix."""
    os.write(1, text.encode("ascii") + b"\n")


def sign_for_ever(registry: str, keys: str) -> None:
    """Sign again and again; a refusal means that another client was faster."""
    workspace = open_workspace(registry, keys=Path(keys), secret_store=NoSecretStore())
    ids = {p.name: p.id for p in people.listing(workspace)}
    while True:
        try:
            decide(workspace, ids)
        except (Refused, Lost):
            if os.getppid() == 1:  # the nursery is gone, and nobody will end this
                return


def decide(workspace: Workspace, ids: dict[str, Id]) -> None:
    """Take up the request that the one before left open, or make another; sign."""
    dev = workspace.acting_as(ids["Dev Patel"])
    made = left(workspace) or (*register(dev, workspace.acting_as(ids["Rita Risk"])), None, ())
    version, use, request, decided = made
    request = request or approvals.request(dev, version, use, rationale="again", change_class=ChangeClass.MINOR,
                                           to_stage="production")
    for name, meaning in SIGNERS:
        if ids[name] not in decided:
            sign(workspace.acting_as(ids[name]), request, meaning)


def register(dev: Workspace, rita: Workspace) -> tuple[Id, Id]:
    """A new model, so that none grows old."""
    model = models.register(dev, f"Scorecard {os.getpid()}")
    version = models.add_version(dev, model, "1")
    use = models.describe_use(dev, model, "Card lending")
    models.set_tier(rita, use, 3)
    return version, use


def left(workspace: Workspace) -> tuple[Id, Id, Id | None, tuple[Id, ...]] | None:
    """Version and use of the newest model, its open request and who signed it; None when another model is due."""
    with workspace.store.read() as reader:
        history = History(reader.of(reader.all(RegisteredModel)[-1].record.model))
    version, tier = history.last(ModelVersion), history.last(Tiering)
    if version is None or tier is None:
        return None
    waiting = history.open_request(version.record.id, tier.record.use)
    if waiting is None and len(history.all(PromotionRequest)) >= REQUESTS:
        return None
    signed = history.sign_offs(waiting.record.id) if waiting else ()
    return (version.record.id, tier.record.use, waiting.record.id if waiting else None,
            tuple(s.record.person for s in signed))


def sign(workspace: Workspace, request: Id, meaning: Meaning) -> None:
    """One signature, acknowledged after its commit."""
    seen = approvals.review(workspace, request)
    decision = signing.Decision(meaning=meaning, declared=True, comment="read")
    prepared = signing.prepare(workspace, seen, decision)
    say(f"trying {prepared.command}")
    began = time.monotonic()
    try:
        change = signing.sign_off(workspace, seen, prepared, PASSPHRASE)
    except (Refused, Lost):
        say(f"refused {prepared.command}")
        raise
    say(f"done {prepared.command} {change.seq} {time.monotonic() - began:.4f}")


def main() -> None:
    """Fork a child for every line that is read; collect each before the next."""
    warm = open_workspace(sys.argv[1], keys=Path(sys.argv[2]), secret_store=NoSecretStore())
    people.listing(warm)
    warm.close()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                sign_for_ever(*sys.argv[1:3])
            finally:
                os._exit(1)
        say(f"born {child}")
        say(f"gone {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


if __name__ == "__main__":
    main()
