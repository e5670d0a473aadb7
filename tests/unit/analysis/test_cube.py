"""The cube holds what pandas counts on the rows, from CSV, Parquet, a folder and memory; bad input is told in words."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_app.analysis import counts, cube, in_files
from desktop_app.analysis.table import Table
from desktop_app.analysis.table_file import open_file
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import FairnessSpec
from desktop_app.errors import Cancelled, UserError
from desktop_app.progress import Progress

BASE = {"label": "y", "decision": "d", "positive": "1", "favourable": True, "sensitive": ("g",)}


def spec(**changes):
    return FairnessSpec(**(BASE | changes))


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


@pytest.fixture
def frame():
    made = np.random.default_rng(3)
    n = 2000
    return pd.DataFrame({
        "g": made.choice(["a", "b", "c d", "é,\"x"], n), "h": made.integers(0, 3, n), "y": made.integers(0, 2, n),
        "d": made.integers(0, 2, n), "s": made.random(n), "w": made.integers(0, 5, n) / 2})


@pytest.fixture(params=["csv", "parquet", "folder", "memory", "semicolons"])
def source(request, frame, tmp_path):
    if request.param == "memory":
        return held(frame)
    path = tmp_path / f"t.{request.param}"
    if request.param == "csv":
        frame.to_csv(path, index=False)
    elif request.param == "semicolons":
        frame.to_csv(path, index=False, sep=";")
    elif request.param == "parquet":
        frame.to_parquet(path)
    else:
        path.mkdir()
        for i in range(3):
            frame.iloc[i::3].to_parquet(path / f"part{i}.parquet")
    return open_file(path)


def test_the_cells_are_those_of_pandas(source, frame):
    found = counts.count(source, spec(sensitive=("g", "h"), intersections=(("g", "h"),)))
    for name, keys in (("g", ["g"]), ("h", ["h"]), ("g × h", ["g", "h"])):
        wanted = frame.groupby([*keys, "y", "d"]).size()
        for c in found.groups[name]:
            key = tuple(int(v) if k == "h" else v for k, v in zip(keys, c.group.split(" × "), strict=True))
            assert c.rows == tuple(wanted.get((*key, y, d), 0) for y, d in ((0, 0), (0, 1), (1, 0), (1, 1)))
    assert found.rows == found.cube.read == len(frame)


def test_scores_decide_by_the_exact_threshold_and_are_summed(source, frame):
    at = repr(float(frame.s.iloc[7]))
    found = cube.count(source, spec(score="s", threshold=at, weight="w"))
    wanted = frame[frame.s >= float(at)]
    selected = np.isin(found.cell, (1, 3))
    assert found.n[selected].sum() == len(wanted)
    assert found.w[selected].sum() == wanted.w.sum()
    assert found.w2.sum() == (frame.w ** 2).sum()
    assert found.s.sum() == pytest.approx((frame.w * frame.s).sum())
    assert found.s2.sum() == pytest.approx((frame.w * frame.s ** 2).sum())
    assert np.bincount(found.bin, weights=found.n, minlength=1024).tolist() == np.bincount(
        np.floor(frame.s * 1024).astype(int), minlength=1024).tolist()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["x", " x", "X", "1", "1.0", "01", "", "NA", "n/a", "?", "y\ty"]),
                          st.sampled_from(["0", "1", "", "1 "]), st.sampled_from(["no", "yes", "null"])),
                min_size=1, max_size=40))
def test_what_values_mean_is_the_same_in_a_file_and_in_memory(tmp_path, rows):
    frame = pd.DataFrame(rows, columns=["g", "y", "d"])
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    asked = spec(positive="yes", label_positive="1")
    answers = []
    for one in (held(frame), open_file(path)):
        try:
            found = counts.count(one, asked)
            answers.append((found.groups, found.notes, found.rows))
        except UserError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]


def test_missing_values_are_dropped_and_told_or_a_group_of_their_own(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("g,y,d,s,w\na,1,1,.9,1\n,0,0,.1,1\na,,1,.8,1\na,1,,.7,1\nb,0,0,na,1\nb,1,1,.6,\n")
    found = counts.count(open_file(path), spec())
    assert [(c.group, c.n) for c in found.groups["g"]] == [("a", 1), ("b", 2), ("unknown", 1)]
    assert found.cube.dropped == (("d", 1, "missing"), ("y", 1, "missing"))
    scored = cube.count(open_file(path), spec(score="s", threshold="0.5", weight="w"))
    assert scored.dropped == (("w", 1, "missing"), ("s", 1, "missing"), ("y", 1, "missing"))
    assert (scored.rows, scored.read) == (3, 6)


@pytest.mark.parametrize(("text", "changes", "said"), [
    ("g,y,d\na,1,1\n", {"sensitive": ("G",)}, "Did you mean “g”?"),
    ("g,y,d\na,1,1\nb,2,0\nc,3,1\n", {}, "not a yes-or-no column"),
    ("g,y,d\na,1,0\n", {}, "never has the value “1”"),
    ("g,y,d\n,1,1\n", {}, "has no known value"),
    ("g,y,d\n", {}, "has no rows"),
    ("g,y,d\na,,\n", {}, "is empty"),
    ("g,y,d,s\na,1,1,1.5\n", {"score": "s"}, "outside 0 to 1"),
    ("g,y,d,s\na,1,1,nan\n", {"score": "s"}, "No row has"),
    ("g,y,d,s\na,1,1,inf\n", {"score": "s"}, "not a finite number"),
    ("g,y,d,s\na,1,1,high\n", {"score": "s"}, "not a finite number"),
    ("g,y,d,w\na,1,1,-1\n", {"weight": "w"}, "least value is -1"),
    ("g,y,d,w\na,1,1,much\n", {"weight": "w"}, "not a finite number"),
    ("g,y,d\na,1,1,4\n", {}, "not a well-formed CSV file"),
    ("g,y,d\na,1\n", {}, "not a well-formed CSV file"),
    ("g,y,d\n\"a,1,1\n", {}, "not a well-formed CSV file"),
    ("", {}, "is empty"),
    ("g,y,y\na,1,1\n", {}, "Two columns"),
    ("g,,y\na,1,1\n", {}, "has no name"),
])
def test_bad_input_is_told_in_words(tmp_path, text, changes, said):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(UserError) as told:
        cube.count(open_file(path), spec(**({"threshold": "0.5"} | changes)))
    assert said in str(told.value)


def test_another_encoding_a_cut_parquet_file_and_a_workbook_are_told(tmp_path, frame):
    for name, data, said in (
            ("latin.csv", "g,y,d\nä,1,1\n".encode("latin-1"), "not in UTF-8"),
            ("book.csv", b"PK\x03\x04abc", "a workbook"), ("zero.csv", b"g,y\0", "neither CSV nor Parquet")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=said):
            cube.count(open_file(tmp_path / name), spec())
    frame.to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:-200])
    with pytest.raises(UserError, match="not a whole Parquet file"):
        open_file(tmp_path / "cut.parquet")
    at = pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0).column(0).data_page_offset
    (tmp_path / "torn.parquet").write_bytes(whole[:at] + bytes(200) + whole[at + 200:])
    with pytest.raises(UserError):
        cube.count(open_file(tmp_path / "torn.parquet"), spec(sensitive=("g", "h")))


def test_a_column_that_names_single_people_is_not_a_group(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"g": np.arange(1_000_000).astype(str), "y": 1, "d": 1}).to_parquet(path)
    with pytest.raises(UserError, match="different values"):
        counts.count(open_file(path), spec())


def test_only_the_file_that_was_digested_is_read(tmp_path, frame):
    for name in ("a*.csv", "b?.csv", "c[1].csv", "d{e}.csv"):
        frame.to_csv(tmp_path / name, index=False)
        with pytest.raises(UserError, match="could mean several files"):
            open_file(tmp_path / name)
    quoted = tmp_path / "it's \"one\".csv"
    frame.to_csv(quoted, index=False)
    found = open_file(quoted)
    assert cube.count(found, spec()).rows == len(frame)
    with in_files._connected(found) as connection:
        for words in (f"SELECT * FROM read_csv('{tmp_path}/c[[]1].csv')", "SELECT * FROM read_text('/etc/hostname')",
                      "INSTALL httpfs", "SET enable_external_access=true", f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
                      "ATTACH 'x.db'"):
            with pytest.raises(Exception, match=r"Permission|Catalog|Invalid|configuration|Cannot"):
                connection.execute(words)
    os.utime(quoted, (1, 1))
    with pytest.raises(UserError, match="was changed while it was read"):
        found.check_unchanged()


def test_names_of_columns_are_never_a_query(tmp_path):
    name = 'x"; DROP TABLE held; --'
    frame = pd.DataFrame({name: ["a", "b"], "y": [0, 1], "d": [1, 1], "it's": ["p", "q"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for one in (held(frame), open_file(tmp_path / "t.csv")):
        found = counts.count(one, spec(sensitive=(name, "it's")))
        assert [c.group for c in found.groups[name]] == ["a", "b"]


def test_a_count_can_be_stopped(tmp_path):
    path = tmp_path / "t.parquet"
    many = np.random.default_rng(1)
    pd.DataFrame({"g": many.integers(0, 99, 3_000_000).astype(str), "y": many.integers(0, 2, 3_000_000),
                  "d": many.integers(0, 2, 3_000_000)}).to_parquet(path)
    found = open_file(path)
    with pytest.raises(Cancelled):
        cube.count(found, spec(), Progress(cancelled=lambda: True))


def test_record_ids_that_come_twice_are_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,g\n1,a\n2,a\n2,b\n2,b\n,b\n")
    assert cube.duplicates(open_file(path), "id") == 2


def test_weighted_rates_are_fairlearns_and_their_effective_rows_are_kishs():
    frame = pd.DataFrame({"g": ["a"] * 6 + ["b"] * 6, "y": [0, 1] * 6, "d": [1, 1, 0, 0, 1, 0] * 2,
                          "w": [1, 2, 3, 4, 5, 6.5, 1, 1, 1, 1, 1, 1]})
    found = counts.count(held(frame), spec(weight="w"))
    from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate

    rates = {"selection_rate": selection_rate, "true_positive_rate": true_positive_rate}
    theirs = MetricFrame(metrics=rates, y_true=frame.y, y_pred=frame.d, sensitive_features=frame.g,
                         sample_params={name: {"sample_weight": frame.w} for name in rates})
    for c in found.groups["g"]:
        for name in rates:
            k, n, _ = c.rate(name)
            assert k / n == pytest.approx(theirs.by_group.loc[c.group, name])
    a, b = found.groups["g"]
    assert b.rate("selection_rate")[1] == pytest.approx(6)  # equal weights: so many rows
    rows = frame[frame.g == "a"]
    p = np.average(rows.d, weights=rows.w)
    variance = (rows.w ** 2 * (rows.d - p) ** 2).sum() / rows.w.sum() ** 2
    assert p * (1 - p) / a.rate("selection_rate")[1] == pytest.approx(variance)
