"""The schema as it was first made: tables, guards, functions, rights. Frozen: it imports nothing of today's program.

security.md §1.4. Nobody but the owner can insert, update or delete a row of the log; the owner is a role that nobody
logs in as. What a person's login may do is call `append`, which locks the head of the log, puts order, server time
and `session_user` around the client's bytes, hashes all of it and refuses what does not fit. A superuser can still do
everything: only a checkpoint outside the server shows that.
"""

from __future__ import annotations

from alembic import op

revision, down_revision = "0001", None

_TABLES = (  # {words} is text that compares and sorts by its bytes
    "CREATE TABLE registry (id {words} NOT NULL, name {words} NOT NULL, schema_version INTEGER NOT NULL, "
    "created {words} NOT NULL, PRIMARY KEY (id)){strict}",
    "CREATE TABLE entry (seq INTEGER NOT NULL, at {words} NOT NULL, db_user {words} NOT NULL, "
    "command {words} NOT NULL, body {words} NOT NULL, prev {words} NOT NULL, hash {words} NOT NULL, "
    "actor {words} NOT NULL, action {words} NOT NULL, subject {words} NOT NULL, note {words} NOT NULL, "
    "PRIMARY KEY (seq), UNIQUE (command), UNIQUE (prev), UNIQUE (hash)){strict}",
    "CREATE INDEX entry_subject ON entry (subject)",
    "CREATE INDEX entry_actor ON entry (actor)",
    "CREATE TABLE fact (id {words} NOT NULL, kind {words} NOT NULL, ordinal INTEGER NOT NULL, seq INTEGER NOT NULL, "
    "position INTEGER NOT NULL, digest {words} NOT NULL, body {words} NOT NULL, PRIMARY KEY (id), "
    "UNIQUE (kind, ordinal), UNIQUE (seq, position), FOREIGN KEY (seq) REFERENCES entry (seq)){strict}",
    "CREATE TABLE blob (digest {words} NOT NULL, seq INTEGER NOT NULL, size INTEGER NOT NULL, data {octets} NOT NULL, "
    "PRIMARY KEY (digest), FOREIGN KEY (seq) REFERENCES entry (seq)){strict}",
    "CREATE TABLE about (subject {words} NOT NULL, fact {words} NOT NULL, kind {words} NOT NULL, "
    "PRIMARY KEY (subject, fact)){strict}",
    "CREATE INDEX about_kind ON about (subject, kind)",
    "CREATE TABLE identity (ref {words} NOT NULL, salt {words} NOT NULL, text {words} NOT NULL, "
    "PRIMARY KEY (ref)){strict}",
    "CREATE TABLE inventory (version {words} NOT NULL, use {words} NOT NULL, model {words} NOT NULL, "
    "name {words} NOT NULL, body {words} NOT NULL, PRIMARY KEY (version, use)){strict}",
    "CREATE INDEX inventory_model ON inventory (model)",
    "CREATE INDEX ix_inventory_name ON inventory (name)",
)


def upgrade() -> None:
    """Make everything. The transaction is the caller's."""
    run = op.get_bind().exec_driver_sql
    postgresql = op.get_bind().dialect.name == "postgresql"
    types = {"words": 'TEXT COLLATE "C"', "octets": "BYTEA", "strict": ""} if postgresql else {
        "words": "TEXT", "octets": "BLOB", "strict": " STRICT"}
    for statement in _TABLES:
        run(statement.format(**types))
    for statement in _postgresql() if postgresql else _sqlite():
        run(statement)


# ---- SQLite

_FIELD = "substr(body, instr(body, '\"{0}\":\"') + {1}, 26)"  # JSON functions are not allowed in a schema here

_ERASED_ONLY = (  # names and texts: never changed, and deleted only with the record that says so
    "CREATE TRIGGER identity_no_update BEFORE UPDATE ON identity "
    "BEGIN SELECT RAISE(ABORT, 'identity rows are only added and erased'); END",
    "CREATE TRIGGER identity_no_delete BEFORE DELETE ON identity WHEN NOT EXISTS ("
    "SELECT 1 FROM fact WHERE kind = 'person.erased' AND instr(body, '\"' || OLD.ref || '\"')) "
    "BEGIN SELECT RAISE(ABORT, 'identity rows are only erased with their record'); END")


def _sqlite() -> list[str]:
    keys = {"registry": "id", "entry": "seq", "fact": "id", "blob": "digest"}
    refuse = "BEGIN SELECT RAISE(ABORT, '{} rows are only added'); END"
    made = [f"CREATE UNIQUE INDEX signed_once ON fact ({_FIELD.format('request', 11)}, {_FIELD.format('person', 10)}) "
            "WHERE kind = 'promotion.signed_off'"]
    for table, key in keys.items():
        same = "" if table == "registry" else f" WHERE {key} = NEW.{key}"  # a registry says once what it is
        known = f" WHEN EXISTS (SELECT 1 FROM {table}{same})"  # noqa: S608 - our own names
        for name, moment, when in (("no_update", "UPDATE", ""), ("no_delete", "DELETE", ""), ("once", "INSERT", known)):
            made.append(f"CREATE TRIGGER {table}_{name} BEFORE {moment} ON {table}{when} {refuse.format(table)}")
    return [*made, *_ERASED_ONLY]


# ---- PostgreSQL

_GUARDED = ("registry", "entry", "fact", "blob")

_HEAD = """CREATE TABLE head (
    id integer PRIMARY KEY CHECK (id = 1),
    seq bigint NOT NULL,
    hash text COLLATE "C" NOT NULL,
    at text COLLATE "C" NOT NULL)"""

_LOCK = """
BEGIN
  PERFORM 1 FROM head WHERE id = 1 FOR UPDATE;
END
"""

_FACTS_ROOT = r"""
DECLARE
  level bytea[] := ARRAY(
    SELECT sha256('\x00'::bytea || sha256(convert_to(body, 'UTF8')))
    FROM unnest(facts) WITH ORDINALITY AS f(body, place) ORDER BY place);
  paired bytea[];
  n integer;
BEGIN
  WHILE cardinality(level) > 1 LOOP
    paired := '{}';
    n := cardinality(level);
    FOR i IN 1 .. n / 2 LOOP
      paired := paired || sha256('\x01'::bytea || level[2 * i - 1] || level[2 * i]);
    END LOOP;
    IF mod(n, 2) = 1 THEN
      paired := paired || level[n];
    END IF;
    level := paired;
  END LOOP;
  RETURN encode(level[1], 'hex');
END
"""

_APPEND = r"""
DECLARE
  said json := p_body::json;
  previous record;
  now_text text;
  number bigint;
  framed bytea;
BEGIN
  SELECT seq, hash, at INTO STRICT previous FROM head WHERE id = 1 FOR UPDATE;
  now_text := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  IF abs(extract(epoch FROM clock_timestamp() - (said->>'client_time')::timestamptz)) > 300 THEN
    RAISE EXCEPTION USING ERRCODE = 'AD002', MESSAGE = 'clocks differ',
      DETAIL = 'This machine says ' || (said->>'client_time') || '; the server says ' || now_text || '.';
  END IF;
  IF previous.seq > 0
     AND extract(epoch FROM previous.at::timestamptz - clock_timestamp()) > 300 THEN
    RAISE EXCEPTION USING ERRCODE = 'AD002', MESSAGE = 'the server''s clock ran back',
      DETAIL = 'The server says ' || now_text || '; the last entry was made at ' || previous.at || '.';
  END IF;
  IF p_command !~ '^[!-~]{1,100}$' OR session_user ~ '[[:cntrl:]]'
     OR said->>'registry' IS DISTINCT FROM (SELECT id FROM registry)
     OR cardinality(p_facts) NOT BETWEEN 1 AND 1000
     OR (said->>'facts')::integer IS DISTINCT FROM cardinality(p_facts)
     OR said->>'facts_root' IS DISTINCT FROM facts_root(p_facts) THEN
    RAISE EXCEPTION USING ERRCODE = 'AD003', MESSAGE = 'the entry does not fit the facts or the registry';
  END IF;
  number := previous.seq + 1;
  now_text := greatest(now_text COLLATE "C", previous.at);
  framed := convert_to('assaydesk-event/v1' || E'\n' || number || E'\n' || now_text || E'\n' || session_user || E'\n'
                       || p_command || E'\n' || p_body, 'UTF8');
  INSERT INTO entry (seq, at, db_user, command, body, prev, hash, actor, action, subject, note)
  VALUES (number, now_text, session_user, p_command, p_body, previous.hash,
          encode(sha256('\x02'::bytea || decode(previous.hash, 'hex') || framed), 'hex'),
          said->>'actor', said->>'action', said->>'subject', said->>'note');
  UPDATE head SET seq = number, at = now_text, hash = (SELECT e.hash FROM entry e WHERE e.seq = number) WHERE id = 1;
  INSERT INTO fact (id, kind, ordinal, seq, position, digest, body)
  SELECT f.fact->>'id', f.fact->>'kind',
         coalesce((SELECT max(x.ordinal) FROM fact x WHERE x.kind = f.fact->>'kind'), 0)
           + row_number() OVER (PARTITION BY f.fact->>'kind' ORDER BY f.place),
         number, f.place - 1, encode(sha256(convert_to(f.body, 'UTF8')), 'hex'), f.body
  FROM (SELECT body, body::json AS fact, place FROM unnest(p_facts) WITH ORDINALITY AS u(body, place)) f;
  DELETE FROM identity WHERE ref IN (
    SELECT json_array_elements_text(f.body::json->'refs') FROM fact f
    WHERE f.seq = number AND f.kind = 'person.erased');
  INSERT INTO blob (digest, seq, size, data)
  SELECT DISTINCT ON (d.digest) d.digest, number, length(d.data), d.data
  FROM (SELECT encode(sha256(data), 'hex') AS digest, data FROM unnest(p_blobs) AS u(data)) d
  WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = d.digest);
  IF EXISTS (SELECT 1 FROM blob b WHERE b.seq = number
             AND b.digest NOT IN (SELECT json_array_elements_text(said->'blobs')))
     OR EXISTS (SELECT 1 FROM json_array_elements_text(said->'blobs') AS named(digest)
                WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = named.digest)) THEN
    RAISE EXCEPTION USING ERRCODE = 'AD003', MESSAGE = 'the entry does not fit its documents';
  END IF;
  RETURN number;
END
"""

_REFUSE = """
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'AD004', MESSAGE = TG_TABLE_NAME || ' rows are only added';
END
"""

# name → (arguments, result, attributes, body)
_FUNCTIONS = {
    "lock_log": ("", "void", "SECURITY DEFINER", _LOCK),
    "facts_root": ("facts text[]", "text", "IMMUTABLE", _FACTS_ROOT),
    "append": ("p_command text, p_body text, p_facts text[], p_blobs bytea[]", "bigint", "SECURITY DEFINER", _APPEND),
    "refuse": ("", "trigger", "", _REFUSE),
}


def _postgresql() -> list[str]:
    made = [
        _HEAD, "INSERT INTO head VALUES (1, 0, repeat('0', 64), '')",
        "CREATE UNIQUE INDEX signed_once ON fact ((body::json->>'request'), (body::json->>'person')) "
        "WHERE kind = 'promotion.signed_off'"]
    for name, (arguments, result, attributes, body) in _FUNCTIONS.items():
        made.append(
            f"CREATE FUNCTION {name}({arguments}) RETURNS {result} LANGUAGE plpgsql {attributes} "
            f"SET search_path = pg_catalog, assaydesk, pg_temp AS $assaydesk${body}$assaydesk$")
    for table in _GUARDED:
        for name, moment in (("no_update", "UPDATE"), ("no_delete", "DELETE"), ("no_truncate", "TRUNCATE")):
            made += [f"CREATE TRIGGER {table}_{name} BEFORE {moment} ON {table} FOR EACH STATEMENT "
                     "EXECUTE FUNCTION refuse()",
                     f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}"]
    for name, moment in (("no_update", "UPDATE"), ("no_truncate", "TRUNCATE")):  # `append` deletes what is erased
        made += [f"CREATE TRIGGER identity_{name} BEFORE {moment} ON identity FOR EACH STATEMENT "
                 "EXECUTE FUNCTION refuse()",
                 f"ALTER TABLE identity ENABLE ALWAYS TRIGGER identity_{name}"]
    return made + _RIGHTS


_RIGHTS = [
    "REVOKE ALL ON SCHEMA assaydesk FROM PUBLIC",
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA assaydesk FROM PUBLIC",
    "GRANT USAGE ON SCHEMA assaydesk TO assaydesk_app, assaydesk_auditor",
    "GRANT SELECT ON ALL TABLES IN SCHEMA assaydesk TO assaydesk_app, assaydesk_auditor",
    "GRANT INSERT, DELETE ON about, inventory TO assaydesk_app",  # projections
    "GRANT INSERT ON identity TO assaydesk_app",
    "GRANT EXECUTE ON FUNCTION lock_log(), append(text, text, text[], bytea[]), facts_root(text[]) TO assaydesk_app",
]
