"""Tables: what is read, what is refused, and that the words say what to do."""

from __future__ import annotations

import hashlib
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from desktop_app.analysis import table
from desktop_app.errors import Cancelled, UserError
from desktop_app.progress import Progress


def csv(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_csv_keeps_its_text_and_its_digest(tmp_path):
    path = csv(tmp_path, "id;sex\n01;F\n02;\n")
    loaded = table.load(path)
    assert list(loaded.frame["id"]) == ["01", "02"]
    assert loaded.input.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (loaded.input.rows, loaded.input.columns, loaded.input.name) == (2, 2, "t.csv")
    assert list(table.texts(loaded, "sex")) == ["F", None]


def test_parquet_is_told_by_content_and_numbers_have_one_text(tmp_path):
    path = tmp_path / "named.csv"
    pq.write_table(pa.table({"a": [1.0, 2.0, None], "b": [True, False, True], "c": ["x", None, "z"]}), path)
    loaded = table.load(path)
    assert list(table.texts(loaded, "a")) == ["1", "2", None]
    assert list(table.texts(loaded, "b")) == ["True", "False", "True"]
    assert list(table.texts(loaded, "c")) == ["x", None, "z"]


@pytest.mark.parametrize(("content", "title"), [
    (b"", "is empty"),
    (b"a,b\n", "has no rows"),
    (b'a,b\n1,"2\n3,4\n', "well-formed"),
    (b"a,b\n1,2,3\n4,5,6\n", "well-formed"),
    (b"a,b\n1,2\n1,2,3\n", "well-formed"),
    ("a,b\né,2\n".encode("latin-1"), "UTF-8"),
    ("a,é\n1,2\n".encode("latin-1"), "UTF-8"),
    ("a,b\n1,2\n".encode("utf-16"), "UTF-8"),
    (b"a,a\n1,2\n", "one name"),
    (b"a,\n1,2\n", "no name"),
    (b"a\0b\n1\n", "neither CSV nor Parquet"),
    (b"PAR1 and no more", "whole Parquet"),
])
def test_bad_files_are_refused_with_a_remedy(tmp_path, content, title):
    with pytest.raises(UserError, match=title) as error:
        table.load(csv(tmp_path, content))
    assert error.value.remedy


def test_a_workbook_missing_file_and_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.xlsx", "w") as z:
        z.writestr("xl/workbook.xml", "<x/>")
    for path, title in ((tmp_path / "w.xlsx", "workbook"), (tmp_path / "none.csv", "cannot be read"),
                        (tmp_path, "not a file")):
        with pytest.raises(UserError, match=title):
            table.load(path)


def test_a_truncated_parquet_file(tmp_path):
    whole = tmp_path / "w.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), whole)
    with pytest.raises(UserError, match="whole Parquet"):
        table.load(csv(tmp_path, whole.read_bytes()[:-20], "cut.parquet"))


def test_small_parquet_files_with_many_rows_are_refused_before_reading(tmp_path):
    path = tmp_path / "bomb.parquet"
    schema = pa.schema([("a", pa.int8())])
    zeros = pa.table({"a": pa.array([0] * 1_000_000, pa.int8())}, schema)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for _ in range(6):
            writer.write_table(zeros)
    with pytest.raises(UserError, match="too large") as error:
        table.load(path)
    assert "5,000,000" in error.value.detail


def test_too_many_columns(tmp_path):
    names = ",".join(f"c{i}" for i in range(2_001))
    with pytest.raises(UserError, match="too large"):
        table.load(csv(tmp_path, f"{names}\n{names}\n"))


def test_nested_columns_are_refused(tmp_path):
    path = tmp_path / "n.parquet"
    pq.write_table(pa.table({"a": [[1], [2]]}), path)
    with pytest.raises(UserError, match="nested"):
        table.load(path)


def test_a_misspelt_column_names_the_nearest(tmp_path):
    loaded = table.load(csv(tmp_path, "Gender,age\nF,3\n"))
    with pytest.raises(UserError) as error:
        table.column(loaded, "gendre")
    assert "“Gender”" in error.value.remedy


def test_numbers_say_which_value_is_none(tmp_path):
    loaded = table.load(csv(tmp_path, "a,b\n1,2\nx,\n"))
    with pytest.raises(UserError) as error:
        table.numbers(loaded, "a")
    assert "“x” in row 2" in error.value.detail
    assert pd.isna(table.numbers(loaded, "b")[1])


def test_preview(tmp_path):
    shown = table.preview(csv(tmp_path, "a,b,c\n1,x,2026-01-01\n2,x,NA\n2,y,2026-01-01\n"))
    assert [(c.name, c.type, c.distinct, c.missing) for c in shown.columns] == [
        ("a", "number", 2, 0), ("b", "text", 2, 0), ("c", "text", 1, 1)]
    assert shown.columns[1].top == (("x", 2), ("y", 1))
    assert shown.head[1] == ("2", "x", "NA")


def test_reading_can_be_cancelled(tmp_path):
    with pytest.raises(Cancelled):
        table.load(csv(tmp_path, "a,b\n1,2\n"), Progress(cancelled=lambda: True))
