"""What guards a registry on PostgreSQL, as the migrations leave it (`migrations/versions` says why each is there)."""

from __future__ import annotations

OWNER, APP, AUDITOR = "assaydesk_owner", "assaydesk_app", "assaydesk_auditor"
ERASER = "assaydesk_eraser"  # whose login may erase people besides
SCHEMA_NAME = "assaydesk"
GUARDED = ("registry", "entry", "fact", "blob")

# name → (whether it runs with the owner's rights, SHA-256 of its text) as the newest migration leaves it
FUNCTIONS = {
    "lock_log": (True, "5f462dbd1cc3071f8603007b8842156e70ba164fe3cbd94ade9c7239dc9ce095"),
    "facts_root": (False, "bcd86532f8bbfb9b2c80fa4730b350e6b617508d67ef975042c7667bc29e4864"),
    "append": (True, "62b570d102e67aa31ca041e5101fe6cbd288b0fbe8e981b9a7ed0e66d3a4a6ba"),
    "refuse": (False, "68f7a748eaf814f1f07d97c1e08d86b714b80912a7b1ff2dea67fea5a2aac7f1"),
    "may_erase": (False, "34498110e2f0a67c4ea5aacdc9e45aa4f22c91fa00d88c95a513c5a3d654bffe"),
}
_PATH = "search_path=pg_catalog, assaydesk, pg_temp"

# One row for each thing that guards the log, as (name, what it is); compared with `expected_guards` at each connect.
GUARDS_QUERY = f"""
SELECT p.proname || '()' AS name,
       concat_ws('|', encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'), p.prosecdef,
                 array_to_string(p.proconfig, ';'), pg_get_userbyid(p.proowner)) AS what
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
  AND c.relname IN ('registry', 'entry', 'fact', 'blob', 'head', 'identity')
"""  # noqa: S608 - our own names


NEWER = {"0001": ("may_erase()", "identity_may_erase")}  # guards that a format does not have yet


def expected_guards(revision: str) -> dict[str, str]:
    """What `GUARDS_QUERY` finds in a registry of a format as it was made."""
    kinds = {"no_update": 18, "no_delete": 10, "no_truncate": 34}  # pg_trigger.tgtype: BEFORE and the event's bit
    found = {f"{name}()": f"{digest}|{'t' if as_owner else 'f'}|{_PATH}|{OWNER}"
             for name, (as_owner, digest) in FUNCTIONS.items()}
    for table in GUARDED:
        found |= {f"{table}_{name}": f"A|{kind}|refuse|{table}" for name, kind in kinds.items()}
    found |= {f"identity_{name}": f"A|{kinds[name]}|refuse|identity" for name in ("no_update", "no_truncate")}
    found["identity_may_erase"] = "A|11|may_erase|identity"  # 11: BEFORE DELETE, each row
    found["signed_once"] = (
        "t|t|CREATE UNIQUE INDEX signed_once ON assaydesk.fact USING btree ((((body)::json ->> 'request'::text)), "
        "(((body)::json ->> 'person'::text))) WHERE (kind = 'promotion.signed_off'::text)")
    found["rights on identity"] = f"{OWNER}|{APP}:INSERT"  # `append` alone deletes, what a record of it says is erased
    found |= {f"rights on {table}": OWNER for table in (*GUARDED, "head")}
    return {name: what for name, what in found.items() if name not in NEWER.get(revision, ())}
