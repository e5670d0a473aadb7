"""A format that is only there to be upgraded to: a table, a column, an index, another guard, and rows that move."""

from __future__ import annotations

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Statements of each sort, so that a kill finds each."""
    run = op.get_bind().exec_driver_sql
    run("CREATE TABLE hint (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    run("INSERT INTO hint SELECT seq, note FROM entry")
    run("ALTER TABLE inventory ADD COLUMN hint TEXT")
    run("DELETE FROM about")
    run("CREATE INDEX hint_text ON hint (text)")
    if op.get_bind().dialect.name == "postgresql":
        run("DROP TRIGGER blob_no_update ON blob")
        run("CREATE TRIGGER blob_no_update BEFORE UPDATE ON blob FOR EACH STATEMENT EXECUTE FUNCTION refuse()")
        run("ALTER TABLE blob ENABLE ALWAYS TRIGGER blob_no_update")
    else:
        (statement,) = run("SELECT sql FROM sqlite_master WHERE name = 'blob_no_update'").one()
        run("DROP TRIGGER blob_no_update")
        run(statement)
