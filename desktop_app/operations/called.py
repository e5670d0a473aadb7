"""What people call the things that entries of the log are about: labels, persons, models and versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TypeVar

from desktop_app.domain.audit import EntryBody, told
from desktop_app.domain.canonical import Id
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.use import Use
from desktop_app.domain.validation import Validation
from desktop_app.registry.reader import Reader

MOST = 4  # labels named of one entry
R = TypeVar("R")


class Called:
    """Read once for a list of entries; `told` then words each."""

    def __init__(self, reader: Reader, ids: Collection[Id] | None = None, seqs: Collection[int] = ()) -> None:
        """ids: only these things, and what the entries `seqs` gave labels to; None: everything there is."""
        self.names = reader.names()
        tasks = _facts(reader, Validation, ids)
        uses = _facts(reader, Use, ids)
        versions = _facts(reader, ModelVersion, ids and {*ids, *(t.version for t in tasks)})
        known = reader.all(RegisteredModel) if ids is None else reader.all_of(
            RegisteredModel, {*ids, *(v.model for v in versions), *(u.model for u in uses)})
        self.models: dict[Id, str] = {m.record.model: m.record.name for m in known}
        self.called: dict[Id, str] = dict(self.names) | self.models
        self.labels: dict[Id, str] = {v.id: v.label for v in versions}  # of versions
        for version in versions:
            self.called[version.id] = f"{self.models.get(version.model, '')} {version.label}"
        for use in uses:
            self.called[use.id] = self.models.get(use.model, "")
        for given in tasks:
            whom, what = self.names.get(given.validator, ""), self.called.get(given.version, "")
            self.called[given.id] = f"{whom}, {what}"
        self._added: dict[int, list[str]] = defaultdict(list)
        for fact_id, seq, label in reader.labels(ids, seqs):
            self.called[fact_id] = label
            self._added[seq].append(label)

    def of(self, subject: Id) -> str:
        """What a thing is called; "" where nothing is known of it."""
        return self.called.get(subject, "")

    def about(self, seq: int, subject_id: Id) -> str:
        """What an entry is about: the labels it gave out, and what its subject is called; "" where nothing is known."""
        subject, added = self.of(subject_id), self._added.get(seq, [])
        more = [f"{len(added) - MOST:,} more"] if len(added) > MOST else []
        return ", ".join(dict.fromkeys(part for part in (*added[:MOST], *more, subject) if part))

    def told(self, seq: int, body: EntryBody) -> str:
        """An entry in words."""
        return told(body, self.about(seq, body.subject))


def _facts(reader: Reader, cls: type[R], ids: Collection[Id] | None) -> list[R]:
    return [f.record for f in (reader.all(cls) if ids is None else reader.facts(cls, ids))]
