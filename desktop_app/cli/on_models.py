"""inventory, model, card, sync, import: what there is, and how it comes in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.cli.command import Call, Result, arg, command, find_use, find_version
from desktop_app.domain.words import counted
from desktop_app.errors import UserError

if TYPE_CHECKING:
    from desktop_app.domain.evidence import ArtefactScan
    from desktop_app.operations.importing import ImportPreview

_VERSION = arg("version", metavar="NAME@LABEL", help="the version, by its model's name and its label")
_USE = arg("--use", help="which use, when the model has several")
_INVENTORY_LINE = "{:32} {:10} {:26} {:>4} {:13} {:22} {:7} {}"


@command("inventory", "every model, version and use")
def inventory(call: Call) -> Result:
    """What is wrong comes first."""
    from desktop_app.domain.inventory import approval, status_text
    from desktop_app.operations import inventory as operation

    with call.workspace() as ws:
        view = operation.overview(ws)
    lines = ["; ".join([*(c.sentence for c in view.counters), counted(len(view.rows), "model use")]), ""]
    lines.append(_INVENTORY_LINE.format("model", "version", "use", "tier", "status", "approval", "finding", "due"))
    data = []
    for row in view.rows:
        state, due = approval(row, view.today), operation.next_due(row, view.today)[0]
        lines.append(_INVENTORY_LINE.format(
            row.name[:32], row.label[:10], row.purpose[:26], row.tier or "–", status_text(row), state.text,
            row.finding_label, due).rstrip())  # fmt: skip
        data.append(
            {
                "model": row.name,
                "version": row.label,
                "use": row.purpose,
                "tier": row.tier,
                "stage": row.stage,
                "status": status_text(row),
                "approval": state.text,
                "approval_state": state.state,
                "worst_finding": row.finding_label or None,
                "next_due": due or None,
                "version_id": row.version,
            }
        )
    return Result(lines, {"counters": [{"key": c.key, "sentence": c.sentence} for c in view.counters], "rows": data})


@command(
    "model add",
    "register a model",
    arg("name", help="what the model is called"),
    arg("--description", default="", help="what it does, in a sentence"),
    arg("--technique", default="", help="how it does it, such as logistic regression"),
    arg("--origin", default="internal", choices=["internal", "vendor", "open_source", "hybrid"],
        help="who made it; default: internal"),
    arg("--vendor", default="", help="whom it was bought from"),
    arg("--entity", default="", help="the legal entity it belongs to"),
    arg("--business-line", default="", help="the business line it belongs to"),
)  # fmt: skip
def model_add(call: Call) -> Result:
    """By hand: what lives in no tracking server."""
    from desktop_app.domain.model import Origin
    from desktop_app.operations import models

    a = call.args
    with call.workspace() as ws:
        model = models.register(
            ws,
            a.name,
            description=a.description,
            technique=a.technique,
            origin=Origin(a.origin),
            vendor=a.vendor,
            entity=a.entity,
            business_line=a.business_line,
        )
    return Result([f"Registered {a.name}."], {"model": model})


def _model(call: Call, name: str) -> str:
    from desktop_app.domain.model import RegisteredModel

    with call.workspace() as ws, ws.store.read() as reader:
        named = {*reader.saying(RegisteredModel, "name", name), *reader.all(RegisteredModel, name)}
        found = {m.record.model for m in named if name in (m.record.name, m.record.model)}
    if len(found) != 1:
        raise UserError(f"There is no one model called {name}.", "", "See: assaydesk inventory")
    return found.pop()


@command(
    "model version",
    "add a version by hand",
    arg("model", help="the name of the model"),
    arg("label", help="how the version is called, such as 4.2"),
    arg("--description", default="", help="what is new in it"),
    arg("--document", action="append", default=[], type=Path, help="a document whose digest stands for it"),
)
def model_version(call: Call) -> Result:
    """A vendor model, a spreadsheet, an older model."""
    from desktop_app.domain.canonical import Id
    from desktop_app.operations import models

    model = Id(_model(call, call.args.model))
    with call.workspace() as ws:
        version = models.add_version(
            ws, model, call.args.label, documents=tuple(call.args.document), description=call.args.description
        )
    return Result([f"Added {call.args.model}@{call.args.label}."], {"version": version})


@command(
    "model use",
    "describe a use of a model",
    arg("model", help="the name of the model"),
    arg("purpose", help="what it is used for"),
    arg("--entity", default="", help="the legal entity that uses it"),
    arg("--business-line", default="", help="the business line that uses it"),
    arg("--limits", default="", help="within what it may be used"),
    arg("--prohibited", default="", help="what it may not be used for"),
    arg("--tier", type=int, choices=[1, 2, 3], help="the tier of this use; 1 is asked for most"),
)
def model_use(call: Call) -> Result:
    """Decisions are about a version and a use; the policy asks by tier."""
    from desktop_app.domain.canonical import Id
    from desktop_app.operations import models

    a, model = call.args, Id(_model(call, call.args.model))
    with call.workspace() as ws:
        use = models.describe_use(
            ws,
            model,
            a.purpose,
            entity=a.entity,
            business_line=a.business_line,
            limits=a.limits,
            prohibited=a.prohibited,
            tier=a.tier,
        )
    return Result([f"Described the use “{a.purpose}”" + (f", tier {a.tier}." if a.tier else ".")], {"use": use})


@command(
    "model state",
    "state what is really done with a version",
    _VERSION,
    _USE,
    arg("state", choices=["in_use", "parallel_run", "pilot", "not_in_use", "retired"], help="what is done with it"),
    arg("--since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="since when"),
)
def model_state(call: Call) -> Result:
    """Apart from what was decided about it."""
    from desktop_app.domain.model import UseState
    from desktop_app.operations import models

    with call.workspace() as ws:
        model, version = find_version(ws, call.args.version)
        change = models.state_use(
            ws, version, find_use(ws, model, call.args.use), UseState(call.args.state), since=call.args.since
        )
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


@command("card show", "the card of a version", _VERSION)
def card_show(call: Call) -> Result:
    """Field by field."""
    from desktop_app.operations import cards

    with call.workspace() as ws:
        found = cards.revisions(ws, find_version(ws, call.args.version)[1])
    if not found:
        return Result(["No card is written."], {"revision": 0, "fields": {}})
    card = found[0].record
    lines = [f"Revision {card.revision}"] + [f"\n{cards.label_of(p.key)}\n{p.value}" for p in card.fields]
    return Result(
        lines, {"revision": card.revision, "sha256": found[0].digest, "fields": {p.key: p.value for p in card.fields}}
    )


@command(
    "card set",
    "save fields of a card as a new revision",
    _VERSION,
    arg("field", nargs="+", metavar="KEY=TEXT", help="TEXT may be @FILE"),
    arg("--note", default="", help="why it was changed"),
    arg("--editorial", action="store_true", help="wording only"),
)
def card_set(call: Call) -> Result:
    """Other fields keep their text."""
    from desktop_app.operations import cards

    given = dict(_pair(text) for text in call.args.field)
    with call.workspace() as ws:
        version = find_version(ws, call.args.version)[1]
        found = cards.revisions(ws, version)
        before = {p.key: p.value for p in found[0].record.fields} if found else {}
        change = cards.save(
            ws,
            version,
            before | given,
            seen=found[0].record.revision if found else 0,
            note=call.args.note,
            editorial=call.args.editorial,
        )
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"“{text}” is not KEY=TEXT.", "", "For example: summary='Scores applicants'")
    if value.startswith("@"):
        try:
            value = Path(value[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The text for {key} cannot be read.", str(error), "Give a UTF-8 text file.") from error
    return key, value


@command(
    "sync mlflow",
    "take in what is new on an MLflow tracking server",
    arg("--tracking-uri", required=True, metavar="URI", help="the address of the server"),
    arg("--full", action="store_true", help="read every version again: a tag set on a version changes no time stamp"),
)
def sync_mlflow(call: Call) -> Result:
    """Registered models, versions, aliases, runs, params, metrics, tags, datasets, logged models."""
    from desktop_app.operations import syncing

    with call.workspace() as ws:
        report = syncing.sync(ws, call.args.tracking_uri, call.progress, full=call.args.full)
    return Result(
        [report.note + "."],
        {
            "source": report.source,
            "models": report.models,
            "versions": report.versions,
            "runs": report.runs,
            "alias_moves": report.alias_moves,
        },
    )


@command("artefact inspect", "what a model file is, without opening it",
         arg("path", type=Path, help="a model file or folder"))  # fmt: skip
def artefact_inspect(call: Call) -> Result:
    """Format by content, digest, and whether it may be opened apart from our process."""
    from desktop_app.operations import artefacts

    digest, scan = artefacts.inspect(call.args.path)
    return Result(_scan_lines(digest, scan), _scan_data(digest, scan), 0 if scan.loadable else 1)


def _scan_lines(digest: str, scan: ArtefactScan) -> list[str]:
    """What the scan found: the format, whether it may be opened at all, and what was refused and why."""
    may = f"Data only ({scan.reason}): it may be opened, in a process of its own." if scan.loadable \
        else f"Never opened here: {scan.reason}."
    return [f"{scan.format}, {scan.size:,} bytes", f"sha256 {digest}", may,
            *(f"{found.key}: {found.value}" for found in scan.details)]  # fmt: skip


def _scan_data(digest: str, scan: ArtefactScan) -> dict[str, object]:
    return {"format": scan.format, "size": scan.size, "sha256": digest, "loadable": scan.loadable,
            "reason": scan.reason, "details": [{"key": d.key, "value": d.value} for d in scan.details]}  # fmt: skip


@command(
    "artefact resolve",
    "read the artefact of a version: digest, scan, keep a copy",
    _VERSION,
    arg("path", nargs="?", type=Path, help="a file or folder; without it, ask the server it was synced from"),
)
def artefact_resolve(call: Call) -> Result:
    """From now on this is what the version exactly is; what the scan found is printed."""
    from desktop_app.operations import artefacts, evidence, syncing

    with call.workspace() as ws:
        version = find_version(ws, call.args.version)[1]
        if call.args.path:
            done = artefacts.resolve(ws, version, call.args.path, call.progress)
        else:
            done = syncing.fetch_artefact(ws, version, progress=call.progress)
        filed = evidence.get(ws, done)
    digest, scan = filed.record.artefact or "", filed.record.scan
    assert scan is not None
    lines = [*_scan_lines(digest, scan), f"The version is exactly this from now on; scan filed as {filed.label}."]
    return Result(lines, {"evidence": done, "label": filed.label} | _scan_data(digest, scan))


@command(
    "import inventory",
    "take in an existing inventory (.xlsx or .csv)",
    arg("file", type=Path, help="the inventory as a spreadsheet"),
    arg("--mapping", type=Path, help="a saved mapping of columns to fields; without it one is suggested"),
    arg("--save-mapping", type=Path, metavar="FILE", help="write the mapping that was used, to be corrected"),
    arg("--source", metavar="NAME", help="the inventory it belongs to; without it the rows tell, whatever the file's "
                                         "name"),
    arg("--as-new", action="store_true", help="another inventory: its rows become new models even where they look like "
                                              "some that are here"),
    arg("--check", action="store_true", help="say what would happen and write nothing"),
    arg("--sign", action="store_true", help="sign its decisions as recorded prior decisions (asks for the passphrase)"),
)  # fmt: skip
def import_inventory(call: Call) -> Result:
    """A row that cannot be read without guessing is refused and named. Exit code 1 when rows were refused."""
    from desktop_app.operations import importing, saving

    a = call.args
    belongs = {"source": a.source, "as_new": a.as_new, "progress": call.progress}
    with call.workspace() as ws:
        mapping = importing.load_mapping(a.mapping) if a.mapping else None
        seen = importing.preview(ws, a.file, mapping, **belongs)
        if a.save_mapping:
            saving.save_bytes(a.save_mapping, seen.mapping.to_json().encode("utf-8"))
        if a.check:
            lines = [*_import_lines(seen), seen.approvals, f"Nothing is written. {seen.counts.sentence}"]
            return Result([line for line in lines if line], _import_data(seen), 1 if seen.counts.refused else 0)
        passphrase = call.passphrase() if a.sign and seen.decisions else None
        done = importing.run(ws, a.file, seen.mapping, passphrase=passphrase, **belongs)
    lines = [*_import_lines(seen), done.sentence]
    if done.decisions_left_out:
        lines.append("Import again with --sign to record what was left out.")
    data = _import_data(seen) | {"decisions_signed": done.decisions, "decisions_left_out": done.decisions_left_out}
    return Result(lines, data, 1 if seen.counts.refused else 0)


def _import_lines(seen: ImportPreview) -> list[str]:
    problems = [f"{'row ' + str(p.row):8} {p.column}: {p.what} ({p.done.value})" for p in seen.read.problems]
    missing = [f"In an earlier import and not in this file: {', '.join(seen.missing[:12])}"
               f"{' …' if len(seen.missing) > 12 else ''}. Nothing is deleted."] if seen.missing else []
    return [*problems, *missing, *([seen.whence] if seen.whence else [])]


def _import_data(seen: ImportPreview) -> dict[str, object]:
    counts = seen.counts
    return {
        "rows": counts.rows, "added": counts.added, "updated": counts.updated, "unchanged": counts.unchanged,
        "refused": counts.refused, "blank": counts.blank, "passed_over": counts.passed_over,
        "source": seen.source, "known": [{"source": o.source, "rows": o.rows} for o in seen.overlaps],
        "decisions": seen.decisions, "decisions_known": seen.decisions_known, "missing": list(seen.missing),
        "problems": [{"row": p.row, "column": p.column, "what": p.what, "done": p.done.value}
                     for p in seen.read.problems]}  # fmt: skip


@command("model condition", "say that a condition of an approval was met, or give it more time", _VERSION, _USE,
         arg("number", type=int, help="which condition, from 1"),
         arg("--comment", required=True, help="how it was met, or why it needs more time"),
         arg("--until", type=date.fromisoformat, metavar="YYYY-MM-DD",
             help="give it more time, until this day"))  # fmt: skip
def model_condition(call: Call) -> Result:
    """Model risk, compliance and validation may."""
    from desktop_app.operations import models

    with call.workspace() as ws:
        model, version = find_version(ws, call.args.version)
        found = models.version(ws, version, find_use(ws, model, call.args.use)).conditions
        if not 1 <= call.args.number <= len(found):
            raise UserError("There is no such condition.", f"The approval in force has {len(found)}.", "Count from 1.")
        change = models.settle_condition(
            ws, found[call.args.number - 1], comment=call.args.comment, due=call.args.until
        )
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})
