"""What would lose its basis if evidence were superseded, said before it is, and true afterwards."""

from __future__ import annotations

import pandas as pd
import pytest

from desktop_app.domain.evidence import EvidenceKind, PerformanceSpec
from desktop_app.domain.policy import Meaning
from desktop_app.errors import Refused
from desktop_app.operations import dossiers, evidence, gates
from tests.operations.decided import ask, sign

SPEC = PerformanceSpec(label="y", positive="1", score="p")


@pytest.fixture
def compute(desk, tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"y": [0, 1] * 40, "p": [n / 80 for n in range(80)]}).to_csv(path, index=False)
    return lambda **more: evidence.report(desk.as_("Val Idris"), desk.version, path, SPEC, **more)


def rests(desk, kind=EvidenceKind.PERFORMANCE, title="Performance", **more):
    return dossiers.resting_on(desk.workspace, desk.version, kind, title=title, **more)


def test_where_nothing_is_superseded_nothing_rests(desk, compute):
    assert rests(desk) is None
    compute(title="On another sample")
    ask(desk)
    assert rests(desk) is None


def test_an_open_request_that_rests_on_it_can_no_longer_be_approved(desk, compute):
    compute()
    request = ask(desk)
    assert rests(desk) == dossiers.Resting(evidence="E-1 Performance", requests=("R-1",), decisions=())
    compute()
    with pytest.raises(Refused, match="no longer what was frozen"):
        sign(desk, "Rita Risk", request, Meaning.APPROVE)
    assert rests(desk) == dossiers.Resting(evidence="E-2 Performance", requests=(), decisions=())


def test_a_decision_in_force_that_rests_on_it_is_to_reconsider_and_the_gate_refuses(desk, compute):
    compute()
    sign(desk, "Rita Risk", ask(desk), Meaning.APPROVE)
    assert gates.gate(desk.workspace, desk.version, desk.use).allowed
    assert rests(desk).decisions == (("production", "R-1"),)
    assert rests(desk).requests == ()
    compute()
    answer = gates.gate(desk.workspace, desk.version, desk.use)
    assert not answer.allowed
    assert "To reconsider: E-1 Performance: superseded by E-2 Performance." in answer.reasons


@pytest.mark.parametrize(("filed", "asked", "found"), [
    ("development", "development", True), ("development", "validation", False), ("other", "other", False)])
def test_a_document_is_superseded_on_its_line(desk, tmp_path, filed, asked, found):
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
    evidence.file_document(desk.as_("Dev Patel"), desk.version, paper, checklist=filed)
    ask(desk)
    rest = rests(desk, EvidenceKind.DOCUMENT, "", checklist=asked)
    assert (rest is not None and rest.requests == ("R-1",)) is found
