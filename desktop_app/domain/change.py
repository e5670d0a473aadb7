"""What an operation touched: visible pages whose kinds match reload."""

from __future__ import annotations

from desktop_app.domain.canonical import Id, record


@record
class Change:
    """One write: the kinds of facts it added, what it was about, a sentence for the person, its place in the log."""

    kinds: frozenset[str]
    subject: Id
    note: str
    seq: int
