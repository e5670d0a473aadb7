"""The inventory on a real registry: families, rows of several uses, counters, export."""

from __future__ import annotations

import csv

import pytest

from desktop_app.domain.listing import InventoryFilter
from desktop_app.domain.model import UseState
from desktop_app.operations import audit, inventory, models
from tests.desk import make_desk


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()


def test_a_segment_does_not_take_over_the_row_of_its_family(desk):
    dev = desk.as_("Dev Patel")
    segment = models.register(dev, "Scorecard, students", family=desk.model, segment="students")
    models.add_version(dev, segment, "7")
    models.describe_use(dev, desk.model, "Overdrafts")
    assert [r.name for r in inventory.overview(dev).rows] == ["Scorecard", "Scorecard", "Scorecard, students"]
    assert models.version(dev, desk.version).model.name == "Scorecard"
    assert audit.verify(dev).problems == ()


def test_use_without_approval_is_counted(desk):
    models.state_use(desk.as_("Olga Owner"), desk.version, desk.use, UseState.IN_USE)
    (counter,) = inventory.overview(desk.workspace).counters
    assert (counter.key, counter.count) == ("used_without_approval", 1)
    listed = inventory.page(desk.workspace, InventoryFilter(alarm="used_without_approval"))
    assert [(r.version, r.use) for r in listed.rows] == [(desk.version, desk.use)]
    assert listed.counters == (counter,)


def test_the_export_is_safe_in_a_spreadsheet_and_is_a_fact(desk, tmp_path):
    models.register(desk.as_("Dev Patel"), "=cmd|' /C calc'!A0")
    model = models.register(desk.as_("Dev Patel"), "+1 plus")
    models.add_version(desk.as_("Dev Patel"), model, "1")
    target = tmp_path / "inventory.csv"
    before = audit.head_seq(desk.workspace)
    inventory.export_csv(desk.as_("Rita Risk"), target)
    with target.open(encoding="utf-8-sig", newline="") as out:
        rows = list(csv.reader(out))
    assert [row[1] for row in rows[1:]] == ["'+1 plus", "Scorecard"]
    assert audit.head_seq(desk.workspace) == before + 1


def test_pages_follow_each_other_and_say_how_many_pass(desk, monkeypatch):
    dev = desk.as_("Dev Patel")
    for number in range(7):
        model = models.register(dev, f"Churn {number}")
        models.add_version(dev, model, "1")
    monkeypatch.setattr(inventory, "PAGE", 3)
    wanted = InventoryFilter(words="churn", order="tier", descending=True)
    first = inventory.page(desk.workspace, wanted, 3)
    assert (first.passing, first.uses, first.models, first.more) == (7, 8, 8, True)
    rows, more = list(first.rows), first.more
    while more:
        behind, more = inventory.more(desk.workspace, wanted, rows[-1])
        rows += behind
    assert [r.name for r in rows] == [f"Churn {number}" for number in range(7)]
    assert [r.name for r in inventory.search(desk.workspace, "scorecard", 5)] == ["Scorecard"]
