"""What leaves the registry as a file leaves an entry with the file's digest; where no file comes, no entry does."""

from __future__ import annotations

import hashlib
import json

import pytest

from desktop_app.errors import Refused, Unreachable
from desktop_app.operations import audit, exports
from tests.desk import make_desk


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()


def test_a_table_that_leaves_is_an_entry_with_its_digest(desk, tmp_path):
    change = exports.table(desk.as_("Olga Owner"), tmp_path / "t.csv", b"a,b\r\n", "evidence", 1)
    last = audit.listing(desk.workspace)[0]
    assert (last.seq, last.actor, last.note) == (
        change.seq, "Olga Owner", "Exported the table of evidence as t.csv: 1 row")
    fact = json.loads(audit.show(desk.workspace, last.seq).facts[0][2])
    assert (fact["what"], fact["size"], fact["sha256"]) == ("table", 5, hashlib.sha256(b"a,b\r\n").hexdigest())


def test_no_file_no_entry_and_nobody_no_file(desk, tmp_path):
    head = audit.head_seq(desk.workspace)
    with pytest.raises(Unreachable):
        exports.table(desk.as_("Olga Owner"), tmp_path / "missing" / "t.csv", b"", "evidence", 0)
    with pytest.raises(Refused, match="Nobody is named"):
        exports.table(desk.workspace.acting_as(None), tmp_path / "t.csv", b"", "evidence", 0)
    assert not (tmp_path / "t.csv").exists()
    assert audit.head_seq(desk.workspace) == head
