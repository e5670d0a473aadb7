"""The inventory as the database lists it: every order, filter, word and day as plain Python over the same rows says."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Id
from desktop_app.domain.finding import SEVERITIES
from desktop_app.domain.inventory import DueDate, InventoryRow
from desktop_app.domain.listing import ORDERS, InventoryFilter, sounding
from desktop_app.domain.model import Nature, Origin, UseState
from desktop_app.domain.validation import Opinion
from desktop_app.registry import listing
from desktop_app.registry.listing import Listing, in_memory

TODAY = date(2026, 11, 20)
PEOPLE = {Id("p1"): "Zoë Adler", Id("p2"): "ann de Vries", Id("p3"): "Ben Okafor"}
NAMES = ("Mortgage PD", "mortgage LGD", "100% fraud_score", 'The "Churn" model', "Straße", "Écart", "x", "a\\b")
EMPTY = InventoryRow(
    model=Id("m"), version=Id("v"), use=Id("u"), name="n", label="1", number="", purpose="", entity="",
    business_line="", limits="", nature=Nature.MODEL, origin=Origin.INTERNAL, vendor="", family="", technique="",
    owner=None, tier=None, stage="production", use_state=None, use_since=None, opinion=None, opinion_on=None,
    opinion_basis="", approved_on=None, approved_until=None, approval_basis="", conditions_open=0, request=None,
    request_decided=0, request_asked=0, request_outcome="", reconsider=(), exception_until=None, exception_kind="",
    overlay="", finding=None, finding_label="", finding_severity=None, finding_since=None, finding_due=None,
    findings_open=0, due=())


def some_rows(count=120, seed=7):
    pick = random.Random(seed)

    def day():
        return pick.choice((None, TODAY + timedelta(days=pick.randint(-200, 200))))

    rows = []
    for n in range(count):
        severity, due = pick.choice((None, *SEVERITIES)), day()
        rows.append(replace(
            EMPTY, model=Id(f"m{n // 3}"), version=Id(f"v{n:03}"), use=Id(pick.choice(("", "u1", "u2"))),
            name=pick.choice(NAMES), label=str(pick.randint(1, 120)), number=pick.choice(("", "M-7", "m-10")),
            purpose=pick.choice(("", "Card lending", "Collections")), entity=pick.choice(("", "NL", "DE")),
            vendor=pick.choice(("", "Acme")), technique=pick.choice(("", "XGBoost", "logit")),
            owner=pick.choice((None, *PEOPLE)), tier=pick.choice((None, 1, 2, 3)),
            use_state=pick.choice((None, *UseState)), opinion=pick.choice((None, *Opinion)),
            approved_on=pick.choice((None, date(2026, 1, 1))), approved_until=day(), exception_until=day(),
            request_outcome=pick.choice(("", "open", "rejected")), reconsider=pick.choice(((), ("x",))),
            finding_severity=severity, finding_since=day() if severity else None, finding_due=day(),
            finding_label="F-12" if severity else "", due=(DueDate(on=due, what="review"),) if due else ()))
    return rows


@pytest.fixture
def rows(store):
    made = some_rows()
    with store._database.writing() as connection:
        listing.put(connection, made)
    return made


@pytest.fixture
def listed(store, rows):
    with store.read() as reader, reader.listing(TODAY, PEOPLE) as found:
        yield found


def paged(listed, wanted, at_once=7):
    """Everything, a few rows at a time."""
    found = []
    while part := [listing.read_row(b) for b in listed.page(wanted, found[-1] if found else None, at_once)]:
        found += part
    return found


def in_order(rows, order, descending):
    """Plain Python: None last either way, and what the order does not tell apart by name, version and use."""
    def key(row):
        if order == "owner":
            return PEOPLE[row.owner].casefold() if row.owner else None
        return ORDERS[order](row)

    rows = sorted(rows, key=lambda r: (r.name.casefold(), int(r.label), r.version, r.use),
                  reverse=order == "model" and descending)
    known = sorted((r for r in rows if key(r) is not None), key=key, reverse=descending) if order != "model" else rows
    return known + [r for r in rows if key(r) is None]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_by_key_give_every_row_once_in_the_order_asked_for(listed, rows, order, descending):
    found = paged(listed, InventoryFilter(order=order, descending=descending))
    if order != "model" and descending:  # rows of one key keep the order of their names: Python's sort reverses stably
        assert sorted(found, key=lambda r: r.version) == sorted(rows, key=lambda r: r.version)
    assert [(r.version, r.use) for r in found] == [(r.version, r.use) for r in in_order(rows, order, descending)]


FILTERS = [
    (InventoryFilter(tier=2), lambda r: r.tier == 2),
    (InventoryFilter(entity="NL"), lambda r: r.entity == "NL"),
    (InventoryFilter(view="in_use"), lambda r: r.use_state in ("in_use", "parallel_run", "pilot")),
    (InventoryFilter(view="waiting"), lambda r: r.request_outcome == "open"),
    (InventoryFilter(view="attention"), lambda r: bool(sounding(r, TODAY))),
    *((InventoryFilter(alarm=key, tier=1), lambda r, key=key: r.tier == 1 and key in sounding(r, TODAY)) for key in
      ("used_without_approval", "review_overdue", "finding_overdue", "reconsider", "exception_ending")),
    (InventoryFilter(words="MORTGAGE card"), lambda r: "mortgage" in r.name.lower() and r.purpose == "Card lending"),
    (InventoryFilter(words="0% fraud_s"), lambda r: r.name.startswith("100%")),
    (InventoryFilter(words='"churn"'), lambda r: "Churn" in r.name),
    (InventoryFilter(words="strasse"), lambda r: r.name == "Straße"),
    (InventoryFilter(words="éca"), lambda r: r.name == "Écart"),
    (InventoryFilter(words="a\\b"), lambda r: r.name == "a\\b"),
    (InventoryFilter(words="f-12"), lambda r: r.finding_label == "F-12"),
    (InventoryFilter(words="zoë"), lambda r: r.owner == "p1"),
    (InventoryFilter(words="ée"), lambda r: False),
    (InventoryFilter(words="acme xgboost", order="owner"), lambda r: r.vendor == "Acme" and r.technique == "XGBoost"),
    (InventoryFilter(words="nowhere at all"), lambda r: False),
    (InventoryFilter(words="' OR 1=1 --"), lambda r: False),
    (InventoryFilter(words="churn* NOT model"), lambda r: False),
]


@pytest.mark.parametrize(("wanted", "passes"), FILTERS, ids=[str(n) for n in range(len(FILTERS))])
def test_a_filter_passes_the_rows_that_the_rule_passes(listed, rows, wanted, passes):
    there = {r.version for r in rows if passes(r)}
    assert {r.version for r in paged(listed, wanted)} == there
    assert listed.count(wanted) == len(there)


@pytest.mark.parametrize("day", [TODAY, TODAY - timedelta(days=400), TODAY + timedelta(days=400)])
def test_counters_of_any_day(store, rows, day):
    with store.read() as reader, reader.listing(day, {}) as found:
        counts = found.counts()
    wanted = [key for row in rows for key in sounding(row, day)]
    assert counts == {key: wanted.count(key) for key in set(wanted)}


def test_what_there_is_to_choose_from(listed, rows):
    assert (listed.tiers(), listed.entities()) == ((1, 2, 3), ("DE", "NL"))
    assert listed.models() == len({r.model for r in rows})
    assert {listing.read_row(b).version for b in listed.owned(Id("p1"))} == {r.version for r in rows if r.owner == "p1"}


def test_a_registry_of_the_first_format_is_listed_alike(listed, rows):
    with in_memory([canonical.encode(r).decode() for r in rows]) as held:
        older = Listing(held, TODAY, PEOPLE)
        assert older.counts() == listed.counts()
        for wanted, _ in FILTERS:
            assert paged(older, wanted) == paged(listed, wanted)


def test_words_of_rows_that_went_are_not_found(store, rows):
    from sqlalchemy import delete

    from desktop_app.registry._tables import INVENTORY, LISTING

    with store._database.writing() as connection:
        for table in (INVENTORY, LISTING):
            connection.execute(delete(table).where(table.c.model == "m0"))
    with store.read() as reader, reader.listing(TODAY, {}) as found:
        left = {r.version for r in rows if r.model != "m0"}
        assert {r.version for r in paged(found, InventoryFilter(words="mortgage"))} == {
            r.version for r in rows if r.version in left and "ortgage" in r.name}
