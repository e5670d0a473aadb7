"""A bias report on a table that stays in PostgreSQL: the same numbers as on the rows, and nothing else leaves."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from functools import partial

import numpy as np
import pandas as pd
import psycopg
import pytest

from desktop_app.__main__ import main
from desktop_app.analysis import counts, fairness, glance, in_database, regression, table
from desktop_app.analysis.cube import count
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import InDatabase, TableInput
from desktop_app.domain.evidence import METHODS, METRICS, FairnessSpec
from desktop_app.errors import Cancelled, Refused, Unreachable, UserError
from desktop_app.operations import evidence, presets, reperforming
from desktop_app.progress import Progress
from tests.desk import make_desk

LAST = ("day", "grade", "graded")


@pytest.fixture(scope="module")
def frame():
    made = np.random.default_rng(4)
    n = 1500
    frame = pd.DataFrame({
        "id": np.arange(n), "g": made.choice(["a", "b", " NA ", None], n, p=[.5, .4, .05, .05]),
        "h": made.integers(0, 3, n), "s": np.where(made.random(n) < .02, None, made.random(n)),
        "old": made.random(n), "w": made.integers(0, 4, n) / 2, "said": made.random(n) < .4,
        "day": pd.to_datetime("2025-11-20") + pd.to_timedelta(made.integers(0, 300, n), "D"),
        "grade": made.choice(list("abc"), n), "graded": made.choice(list("abc"), n)})
    frame["day"] = frame["day"].where(made.random(n) > .03)
    real = made.gamma(2, 100, n).round(1)
    guess = np.where(made.random(n) < .02, np.nan, (real * .9 + made.normal(0, 20, n)).round(3))
    frame = frame.assign(y=made.integers(0, 2, n), s=frame.s.astype(float), real=real, guess=guess)
    return frame[[*(c for c in frame if c not in LAST), *LAST]]


@pytest.fixture(scope="module")
def where(postgres, frame):
    address = postgres.database()
    with psycopg.connect(address) as raw:
        raw.execute("CREATE SCHEMA risk")
        raw.execute("CREATE TABLE risk.people (id int, g text, h int, s double precision, old double precision, "
                    "w numeric, said boolean, y int, real numeric, guess double precision, day date, grade text, "
                    "graded text)")
        stored = ["id", "g", "h", "s", "old", "w", "said", "y", "real", "guess", "day", "grade", "graded"]
        rows = [tuple(None if pd.isna(v) else v for v in row)
                for row in frame[stored].astype(object).itertuples(index=False)]
        with raw.cursor() as cursor:
            cursor.executemany(f"INSERT INTO risk.people VALUES ({', '.join(['%s'] * len(stored))})", rows)
        raw.execute("CREATE VIEW risk.some AS SELECT * FROM risk.people WHERE h < 2")
        raw.execute("CREATE VIEW risk.odd AS SELECT *, 'Infinity'::float8 AS endless, "
                    "'NaN'::float8 AS nan, 1e-200::float8 AS tiny FROM risk.people")
    return InDatabase(address=address, table="risk.people")


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


def spec(**more):
    base = {"label": "y", "decision": "", "positive": "1", "favourable": True, "sensitive": ("g", "h"),
            "intersections": (("g", "h"),), "score": "s", "threshold": "0.4", "metrics": METRICS}
    return FairnessSpec(**(base | more))


SPECS = {
    "score": spec(), "weighted": spec(weight="w"), "before": spec(before="old", before_threshold="0.3"),
    "second edition": spec(weight="w", methods=METHODS, strata=("h",), explore=True),
    "over time": spec(date="day", period="quarter", methods=METHODS),
    "classes": spec(score=None, threshold=None, decision="grade", label="graded", positive="b", one_against_rest=True,
                    methods=METHODS, date="day", period="month"),
    "strata": spec(strata=("h",)), "median": spec(cut="above_median", threshold=None),
    "decision": spec(score=None, threshold=None, decision="said", positive="True", label_positive="1"),
    "decision before": spec(score=None, threshold=None, decision="y", before="said", label=None, positive="1")}
BACKENDS = ["postgresql", "duckdb", pytest.param("spark", marks=pytest.mark.filterwarnings("ignore"))]
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis on DuckDB: tests only


@pytest.fixture(params=BACKENDS)
def there(request, where, frame, tmp_path):
    import ibis

    if request.param == "postgresql":
        made = in_database.connect(where)
        yield made
        made.expression.get_backend().disconnect()
        return
    frame.to_parquet(tmp_path / "people.parquet")
    if request.param == "duckdb":
        made = in_database.of(ibis.duckdb.connect().read_parquet(str(tmp_path / "people.parquet")), where)
    else:
        pyspark = pytest.importorskip("pyspark", reason="pyspark is an optional extra and is not installed here")
        session = pyspark.sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
        made = in_database.of(ibis.pyspark.connect(session).read_parquet(str(tmp_path / "people.parquet")), where)
    yield made
    made.expression.get_backend().disconnect()


@pytest.mark.parametrize("name", [n for n in SPECS if n != "decision before"])
def test_the_report_is_that_of_the_rows(there, frame, name):
    ours, judged = fairness.report(there, SPECS[name])
    theirs, same = fairness.report(held(frame), SPECS[name])
    if SPECS[name].score is None or SPECS[name].cut:
        assert (ours, judged) == (theirs, same)
        return
    for field in ("rows", "sweep", "changes", "strata", "adjusted", "unknown", "dropped", "notes", "over_time",
                  "slices", "frontier", "used"):
        assert getattr(ours, field) == getattr(theirs, field), field
    for one, other in zip(ours.groups, theirs.groups, strict=True):
        assert (one.group, one.n, one.selected, one.ratio) == (other.group, other.n, other.selected, other.ratio)
        for a, b in zip(one.rates, other.rates, strict=True):  # sums of scores are added in another order
            assert (a.measure.value is None) == (b.measure.value is None)
            assert a.measure.value is None or float(a.measure.value) == pytest.approx(float(b.measure.value), abs=1e-12)


def of_numbers(**more):
    return spec(**({"score": None, "threshold": None, "metrics": (), "label": "real", "prediction": "guess",
                    "criteria": presets.most_gap(spec(), "40.0")} | more))


def test_numbers_that_can_be_added_exactly_give_exactly_the_report_of_the_rows(there, frame):
    """Whole numbers: their sums have no last digit that depends on the order."""
    asked = of_numbers(label="h", prediction="y", criteria=presets.most_gap(spec(), "0.25"))
    assert fairness.report(there, asked) == fairness.report(held(frame), asked)


def test_a_prediction_of_a_number_is_held_against_its_label_there(there, frame):
    asked = of_numbers()
    (ours, judged), (theirs, same) = fairness.report(there, asked), fairness.report(held(frame), asked)
    assert (ours.rows, ours.notes) == (theirs.rows, theirs.notes)
    assert f"{frame.guess.isna().sum():,} rows were left out: guess is missing." in ours.notes
    assert [v.verdict for v in judged] == [v.verdict for v in same]
    close = partial(pytest.approx, rel=1e-12, abs=1e-12)
    for one, other in zip((*ours.overall, *ours.differences, *(m for g in ours.groups for m in g.rates)),
                          (*theirs.overall, *theirs.differences, *(m for g in theirs.groups for m in g.rates)),
                          strict=True):  # sums are added in another order
        for a, b in zip(astuple(one.measure)[:3], astuple(other.measure)[:3], strict=True):
            assert (a is None, float(a or 0)) == (b is None, close(float(b or 0))), one.name
    assert regression.count(there, asked).digest == regression.count(held(frame), asked).digest


@pytest.mark.parametrize(("changes", "said"), [
    ({"label": "g"}, "Column “g” is not all numbers."), ({"label": "g"}, "It is stored as string"),
    ({"prediction": "endless"}, "1,500 rows have a value that is no finite number"),
    ({"prediction": "nan"}, "No row has both a label and a prediction"), ({"weight": "w"}, "row by row"),
    ({"prediction": "gess"}, "Did you mean “guess”?")])
def test_numbers_that_cannot_be_used_are_told_as_of_a_file(where, changes, said):
    with in_database.connected(replace(where, table="risk.odd")) as source, pytest.raises(UserError) as told:
        fairness.report(source, of_numbers(**changes))
    assert said in str(told.value)


def test_what_is_too_small_to_be_squared_is_nought(where):
    with in_database.connected(replace(where, table="risk.odd")) as source:
        assert fairness.report(source, of_numbers(label="tiny", prediction="tiny"))[0].rows == 1500
        assert fairness.report(source, spec(score="tiny"))[0].rows == 1500


def test_a_sum_can_be_stopped(where):
    with in_database.connected(where) as source, pytest.raises(Cancelled):
        regression.count(source, of_numbers(), Progress(cancelled=lambda: True))


def test_a_look_at_a_table_says_what_a_look_at_the_rows_says(there, frame):
    ours, theirs = glance.glance_there(there), table.describe(held(frame))
    assert (ours.input.rows, ours.input.columns) == (theirs.input.rows, theirs.input.columns)
    assert len(ours.head) == len(theirs.head)
    for mine, other in zip(ours.columns, theirs.columns, strict=True):
        assert (mine.name, mine.type, mine.distinct, mine.missing) == (
            other.name, other.type, other.distinct, other.missing)
        assert mine.top == (other.top if other.distinct <= glance.FEW else ())


def test_the_digest_is_of_what_was_counted(where, frame):
    source = in_database.connect(where)
    first = count(source, spec()).digest
    assert first == count(source, spec()).digest == count(held(frame), spec()).digest
    assert first != count(held(frame.iloc[1:]), spec()).digest
    assert first != count(source, spec(threshold="0.41")).digest
    source.expression.get_backend().disconnect()


def test_it_is_filed_reperformed_and_found_changed(where, tmp_path):
    desk = make_desk(tmp_path)
    val = desk.as_("Val Idris")
    made = evidence.report(val, desk.version, where, spec(bootstrap=50))
    item = evidence.get(val, made).record
    assert (item.inputs[0].name, item.inputs[0].rows, item.inputs[0].columns) == ("risk.people", 1500, 13)
    assert InDatabase.at(item.inputs[0].location) == where
    assert InDatabase.at("/some/folder/with a name.csv") is None
    assert InDatabase.at("postgresql://a@b/c risk.my people").table == "risk.my people"
    assert reperforming.reperform(val, made, where).same
    with psycopg.connect(where.address) as raw:
        raw.execute("UPDATE risk.people SET h = 2 WHERE id = 3 AND h <> 2 OR id = 4 AND h <> 2 OR id = 5 AND h <> 2")
    with pytest.raises(Refused, match="or it was changed"):
        reperforming.reperform(val, made, where)
    desk.workspace.close()


def test_rows_in_another_order_are_the_same_table_and_other_numbers_are_not(where, tmp_path):
    desk = make_desk(tmp_path)
    val = desk.as_("Val Idris")
    with psycopg.connect(where.address) as raw:
        raw.execute("CREATE TABLE risk.sorted AS SELECT * FROM risk.people ORDER BY id")
    there = replace(where, table="risk.sorted")
    made = {evidence.report(val, desk.version, there, asked, title=name) for name, asked in (
        ("number", of_numbers(label="y", criteria=())), ("score", spec(bootstrap=0)))}
    with psycopg.connect(where.address) as raw:
        raw.execute("ALTER TABLE risk.sorted RENAME TO before")
        raw.execute("CREATE TABLE risk.sorted AS SELECT * FROM risk.before ORDER BY md5(id::text)")
    before = [evidence.get(val, one).record.fairness for one in made]
    again = [evidence.preview(there, evidence.get(val, one).record.fairness_spec)[0] for one in made]
    assert before != again  # in the last digits
    assert [reperforming.reperform(val, one, there).differences for one in made] == [(), ()]
    with psycopg.connect(where.address) as raw:
        raw.execute("UPDATE risk.sorted SET guess = guess + 0.001, s = s * 0.999999 WHERE id < 9")
    assert all(reperforming.reperform(val, one, there).differences for one in made)
    desk.workspace.close()


def test_nothing_can_be_written_and_views_will_do(where):
    source = in_database.connect(replace(where, table="risk.some"))
    assert counts.count(source, spec()).cube.read < 1500
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        source.expression.get_backend().raw_sql("DELETE FROM risk.people")
    source.expression.get_backend().disconnect()


@pytest.mark.parametrize(("change", "kind", "said"), [
    ({"table": "risk.nobody"}, UserError, "no table risk.nobody"),
    ({"table": "risk.People"}, UserError, "Did you mean risk.people?"),
    ({"table": "risks.people"}, UserError, "Write it as SCHEMA.TABLE"),
    ({"address": "mysql://a@b/c"}, UserError, "cannot be used"),
    ({"address": "nonsense"}, UserError, "cannot be used"),
    ({"address": "postgresql://a@127.0.0.1:nine/c"}, UserError, "cannot be used"),
    ({"address": "postgresql://a@127.0.0.1:9/c"}, Unreachable, "cannot be read")])
def test_what_is_not_there_is_told(where, change, kind, said):
    with pytest.raises(kind) as told:
        in_database.connect(replace(where, **change))
    assert said in str(told.value)


@pytest.mark.parametrize(("changes", "said"), [
    ({"score": "g"}, "It is stored as string"), ({"weight": "g"}, "a weight"), ({"score": "h"}, "outside 0 to 1"),
    ({"sensitive": ("G",)}, "Did you mean “g”?"), ({"record_id": "h"}, "does not name each row once")])
def test_columns_that_cannot_be_used_are_told(where, changes, said):
    source = in_database.connect(where)
    with pytest.raises(UserError) as told:
        fairness.report(source, spec(**changes))
    source.expression.get_backend().disconnect()
    assert said in str(told.value)


def test_more_combinations_than_are_kept_are_refused(there, monkeypatch):
    monkeypatch.setattr(in_database, "MAX_CELLS", 3)
    with pytest.raises(UserError, match="too many different values"):
        fairness.report(there, spec())


def test_a_count_can_be_stopped(where):
    source = in_database.connect(where)
    with pytest.raises(Cancelled):
        fairness.report(source, spec(), Progress(cancelled=lambda: True))
    source.expression.get_backend().disconnect()


def test_as_typed(where, capsys):
    words = ["fairness", "--data", where.address, "--table", "risk.people", "--label", "y", "--score", "s",
             "--threshold", "0.4", "--sensitive", "g", "--json"]
    assert main(words) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert found["inputs"][0]["rows"] == 1500
    assert "risk.people" in found["inputs"][0]["path"]
    assert main([w for w in words if w not in ("--table", "risk.people")]) == 2
    assert "Say which table" in capsys.readouterr().err


def test_a_prediction_of_a_number_as_typed(where, capsys):
    assert main(["fairness", "--data", where.address, "--table", "risk.people", "--label", "real", "--prediction",
                 "guess", "--most-gap", "60", "--sensitive", "g"]) == 0
    assert "met" in capsys.readouterr().out


@pytest.mark.parametrize(("address", "plain", "password"), [
    ("postgresql://ann:secret@host/db", "postgresql://ann@host/db", "secret"),
    ("postgresql://ann:s%3Acr%40t@host/db", "postgresql://ann@host/db", "s:cr@t"),
    ("postgresql://ann@host/db?password=secret&sslmode=require", "postgresql://ann@host/db?sslmode=require", "secret"),
    ("postgresql://ann@host/db?port=1&p%61ssword=secret", "postgresql://ann@host/db?port=1", ""),
    ("postgresql://host/db?sslpassword=secret", "postgresql://host/db", ""),
    ("postgresql:///db", "postgresql:///db", "")])
def test_an_address_is_told_without_its_password(address, plain, password):
    where = InDatabase(address=address, table="t")
    assert (where.plain_address, where.password) == (plain, password)
    again = where.with_password("a&b=c d")
    assert (again.plain_address, again.password, again.table) == (plain, "a&b=c d", "t")
    assert where.with_password("") is where


def test_a_password_logs_in_and_is_told_nowhere(where):
    given = where.with_password("sec ret")
    with in_database.connected(given) as there:
        assert there.input.location == f"{where.address} risk.people"
    wrong = InDatabase(address="postgresql://ann:sec ret@h[/db", table="t")
    with pytest.raises(UserError) as told:
        in_database.connect(wrong)
    assert "sec ret" not in str(told.value)


# ---- what a dialog shows of it


def test_only_values_of_columns_that_have_few_leave_the_database(where, monkeypatch):
    asked = []
    run = in_database.run
    monkeypatch.setattr(in_database, "run", lambda *given: asked.append(run(*given)) or asked[-1])
    found = evidence.preview_table(where)
    assert found.input.name == "risk.people"
    names = [column.name for column in found.columns]
    for name, answer in zip(names, asked[2:], strict=True):
        left = {v for v in answer["v"] if v is not None and v == v}  # noqa: PLR0124 - not a number
        assert len(left) == (0 if name in ("id", "s", "old", "real", "guess") else len(left)), name
    assert len(asked[1]["c0"]) == glance.HEAD


def test_columns_of_every_kind_are_looked_at(where):
    with psycopg.connect(where.address) as raw:
        raw.execute("CREATE TYPE risk.mood AS ENUM ('glad', 'sad')")
        raw.execute("CREATE TABLE risk.kinds AS SELECT 'glad'::risk.mood AS mood, '{}'::json AS j, ARRAY['x'] AS list, "
                    "'\\xff'::bytea AS raw, '1.1.1.1'::inet AS at, 2.50::numeric AS amount, 3::money AS money, "
                    "DATE '2026-01-01' AS day, true AS yes, 'unknown' AS nobody FROM generate_series(1, 3)")
        raw.execute("CREATE TABLE risk.empty (a int)")
    found = {c.name: c for c in evidence.preview_table(replace(where, table="risk.kinds")).columns}
    assert {name: c.type for name, c in found.items()} == {
        "mood": "text", "j": "text", "list": "text", "raw": "not readable", "at": "text", "amount": "number",
        "money": "not readable", "day": "time", "yes": "yes/no", "nobody": "text"}
    assert (found["mood"].top, found["amount"].top, found["yes"].top) == ((("glad", 3),), (("2.5", 3),), (("True", 3),))
    assert (found["nobody"].distinct, found["nobody"].missing) == (0, 3)
    with pytest.raises(UserError, match=r"risk\.empty has no rows"):
        evidence.preview_table(replace(where, table="risk.empty"))


def test_groups_of_decimals_are_named_as_a_person_writes_them(where, frame):
    with in_database.connected(where) as source:
        ours, _ = fairness.report(source, spec(sensitive=("w",), intersections=()))
    assert [g.group for g in ours.groups] == ["0", "0.5", "1", "1.5"]


def test_what_may_not_be_read_is_told(postgres, where):
    postgres.login("visitor")
    with pytest.raises(Unreachable, match=r"You may not read risk\.people"):
        evidence.preview_table(replace(where, address=where.address.replace("registrar@", "visitor@")))


def test_the_server_that_goes_away_in_the_middle_is_told(where, postgres, monkeypatch):
    run = in_database.run

    def cut(there, asked, progress, *more):
        if more:
            postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                             "'assaydesk'")
        return run(there, asked, progress, *more)

    monkeypatch.setattr(in_database, "run", cut)
    with pytest.raises(Unreachable, match="could not count"):
        evidence.preview_table(where)


def test_a_look_can_be_stopped(where):
    with pytest.raises(Cancelled):
        evidence.preview_table(where, Progress(cancelled=lambda: True))
    with in_database.connected(where) as there, pytest.raises(Cancelled):
        glance.glance_there(there, Progress(cancelled=lambda: True))
