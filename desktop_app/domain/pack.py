"""The pack: all that an audit PDF says, as one record. The PDF is a function of it; it travels inside the PDF.

Records are carried as their canonical JSON, exactly as stored, so that an outsider can digest them again.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.audit import CheckReport, Entry
from desktop_app.domain.canonical import Digest, Id, later, record
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.model import Pair


@record
class PackRecord:
    """A fact as stored: `body` is its canonical JSON and `digest` the SHA-256 of it."""

    id: Id
    kind: str
    digest: Digest
    seq: int
    at: datetime
    by: Id
    body: str

    def read(self) -> Any:
        """The typed fact. Raises NotCanonical."""
        return canonical.load(self.body.encode("utf-8"))


@record
class PackSignature:
    """A signature as it is printed: the exact text that was signed, and what checking it came to.

    salt: with which the text was digested, in hexadecimal; empty where the text was erased.
    """

    sign_off: Id
    text: str
    printed_name: str
    role: str
    meaning: str
    signed_at: datetime
    key_id: str
    public_key: str
    statement_digest: Digest
    envelope: str
    comment: str
    seq: int
    check: str  # "valid" or what is wrong
    salt: str


@record
class PackPrior:
    """A recorded prior decision: signed by the recorder, never the approver's own signature."""

    text: str
    recorded_by: str
    seq: int


@record
class PackCardField:
    """A card field as printed."""

    section: str
    label: str
    text: str


@record
class Pack:
    """Everything the audit PDF prints, in the order of its pages."""

    registry: str
    registry_name: str
    made_at: datetime
    made_by: str
    application: str
    model_name: str
    version_label: str
    use_text: str
    use_limits: str
    stage: str  # where the version is now in this use
    request_label: str
    outcome: str  # one sentence: approved on …, waiting for …, rejected …
    outcome_state: str  # met | undetermined | breached | none
    authority: str  # under what authority: policy, version, quorum in words
    effective_from: date | None
    review_by: date | None
    conditions: tuple[str, ...]
    opinion: str
    open_findings: tuple[str, ...]
    not_tested: tuple[str, ...]
    news: tuple[str, ...]  # what happened to the basis since it was frozen
    dossier: PackRecord
    records: tuple[PackRecord, ...]  # model, version, use, card, evidence, findings, policy, request, …
    blobs: tuple[Pair, ...]  # document file name → digest
    card: tuple[PackCardField, ...]
    names: tuple[Pair, ...]  # person id → printed name
    signatures: tuple[PackSignature, ...]
    prior_decisions: tuple[PackPrior, ...]
    entries: tuple[Entry, ...]  # of the log, those about this model
    head_seq: int
    head_hash: Digest
    integrity: CheckReport
    about: tuple[str, ...] = later(default=())  # what each of `entries` is about: labels, a person, a version
    made_with: str = later(default="")  # a digest of what drew the pages: program files, fonts, libraries
    checkpoint: str = later(default="")  # of the log when it was made (C2SP); empty where the log was not in order
    proof: str = later(default="")  # that the entry of the decision is under that checkpoint (C2SP tlog-proof)

    def frozen(self) -> Dossier:
        """The dossier."""
        found = self.dossier.read()
        if not isinstance(found, Dossier):
            raise canonical.NotCanonical("the pack's dossier is not a dossier")
        return found

    def name(self, person: Id | None) -> str:
        """The printed name of a person."""
        return next((p.value for p in self.names if p.key == person), "not named")
