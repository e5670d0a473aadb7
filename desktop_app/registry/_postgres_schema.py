"""What PostgreSQL is given besides the tables: the one function that appends, guards, roles and rights.

security.md §1.4. Nobody but the owner can insert, update or delete a row of the log; the owner is a role that nobody
logs in as. What a person's login may do is call `append`, which locks the head of the log, puts order, server time
and `session_user` around the client's bytes, hashes all of it and refuses what does not fit. A superuser can still do
everything: only a checkpoint outside the server shows that.
"""

from __future__ import annotations

OWNER, APP, AUDITOR = "assaydesk_owner", "assaydesk_app", "assaydesk_auditor"
SCHEMA_NAME = "assaydesk"
GUARDED = ("registry", "entry", "fact", "blob")

HEAD = """CREATE TABLE head (
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
FUNCTIONS = {
    "lock_log": ("", "void", "SECURITY DEFINER", _LOCK),
    "facts_root": ("facts text[]", "text", "IMMUTABLE", _FACTS_ROOT),
    "append": ("p_command text, p_body text, p_facts text[], p_blobs bytea[]", "bigint", "SECURITY DEFINER", _APPEND),
    "refuse": ("", "trigger", "", _REFUSE),
}
_PATH = "search_path=pg_catalog, assaydesk, pg_temp"
SIGNED_ONCE = (  # nobody decides twice on one request, whatever the program says
    "CREATE UNIQUE INDEX signed_once ON fact ((body::json->>'request'), (body::json->>'person')) "
    "WHERE kind = 'promotion.signed_off'")


def statements() -> list[str]:
    """What is run, in this order, by the owner in its schema after the tables were made."""
    made = [HEAD, "INSERT INTO head VALUES (1, 0, repeat('0', 64), '')", SIGNED_ONCE]
    for name, (arguments, result, attributes, body) in FUNCTIONS.items():
        made.append(
            f"CREATE FUNCTION {name}({arguments}) RETURNS {result} LANGUAGE plpgsql {attributes} "
            f"SET search_path = pg_catalog, assaydesk, pg_temp AS $assaydesk${body}$assaydesk$")
    for table in GUARDED:
        for name, moment in _MOMENTS:
            made += [f"CREATE TRIGGER {table}_{name} BEFORE {moment} ON {table} FOR EACH STATEMENT "
                     "EXECUTE FUNCTION refuse()",
                     f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}"]
    return made + _RIGHTS


_MOMENTS = (("no_update", "UPDATE"), ("no_delete", "DELETE"), ("no_truncate", "TRUNCATE"))
_RIGHTS = [
    f"REVOKE ALL ON SCHEMA {SCHEMA_NAME} FROM PUBLIC",
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA assaydesk FROM PUBLIC",
    f"GRANT USAGE ON SCHEMA {SCHEMA_NAME} TO {APP}, {AUDITOR}",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA_NAME} TO {APP}, {AUDITOR}",
    f"GRANT INSERT, DELETE ON about, inventory TO {APP}",  # projections
    f"GRANT INSERT ON identity TO {APP}",
    f"GRANT EXECUTE ON FUNCTION lock_log(), append(text, text, text[], bytea[]), facts_root(text[]) TO {APP}",
]

# One row for each thing that guards the log, as (name, what it is); compared with `expected_guards` at each connect.
GUARDS_QUERY = f"""
SELECT p.proname || '()' AS name,
       concat_ws('|', p.prosrc, p.prosecdef, array_to_string(p.proconfig, ';'), pg_get_userbyid(p.proowner)) AS what
FROM pg_proc p WHERE p.pronamespace = '{SCHEMA_NAME}'::regnamespace
UNION ALL
SELECT t.tgname, concat_ws('|', t.tgenabled, t.tgtype, f.proname, c.relname)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc f ON f.oid = t.tgfoid
WHERE c.relnamespace = '{SCHEMA_NAME}'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT c.relname, concat_ws('|', i.indisunique, i.indisvalid, pg_get_indexdef(i.indexrelid))
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = 'signed_once' AND c.relnamespace = '{SCHEMA_NAME}'::regnamespace
UNION ALL
SELECT 'rights on ' || c.relname, concat_ws('|', pg_get_userbyid(c.relowner), (
    SELECT string_agg(concat_ws(':', pg_get_userbyid(a.grantee), a.privilege_type), ',' ORDER BY a.grantee)
    FROM (SELECT (aclexplode(c.relacl)).*) a
    WHERE a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'))
FROM pg_class c
WHERE c.relnamespace = '{SCHEMA_NAME}'::regnamespace AND c.relkind = 'r'
  AND c.relname IN ('registry', 'entry', 'fact', 'blob', 'head')
"""  # noqa: S608 - our own names


def expected_guards() -> dict[str, str]:
    """What `GUARDS_QUERY` finds in a registry as it was made."""
    kinds = {"no_update": 18, "no_delete": 10, "no_truncate": 34}  # pg_trigger.tgtype: BEFORE and the event's bit
    found = {f"{name}()": f"{body}|{'t' if 'SECURITY' in attributes else 'f'}|{_PATH}|{OWNER}"
             for name, (_, _, attributes, body) in FUNCTIONS.items()}
    for table in GUARDED:
        found |= {f"{table}_{name}": f"A|{kind}|refuse|{table}" for name, kind in kinds.items()}
    found["signed_once"] = (
        "t|t|CREATE UNIQUE INDEX signed_once ON assaydesk.fact USING btree ((((body)::json ->> 'request'::text)), "
        "(((body)::json ->> 'person'::text))) WHERE (kind = 'promotion.signed_off'::text)")
    return found | {f"rights on {table}": OWNER for table in (*GUARDED, "head")}
