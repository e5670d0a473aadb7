"""lineage: where a version comes from, as far as a person knows and no source has told."""

from __future__ import annotations

from pathlib import Path

from desktop_app.cli.command import Call, Result, arg, command, find_version

_KINDS = ["dataset", "features", "code", "version"]


@command(
    "lineage assert",
    "state what a version was made from, where no source tells; it is shown as asserted",
    arg("version", metavar="NAME@LABEL", help="the version that was made"),
    arg("what", choices=_KINDS, help="what kind of thing it was made from"),
    arg("name", help="what that is called; another version as NAME@LABEL"),
    arg("--source", required=True, metavar="TEXT", help="where you know it from, such as a report and its page"),
    arg("--role", default="", choices=["train", "validation", "test", "reference"], help="what a dataset was used for"),
    arg("--file", type=Path, help="its bytes are digested and not kept: the same file is then known again elsewhere"),
)
def lineage_assert(call: Call) -> Result:
    """Developers, owners, validators and model risk may."""
    from desktop_app.domain.lineage import NodeKind
    from desktop_app.operations import lineage

    a = call.args
    with call.workspace() as ws:
        other = find_version(ws, a.name)[1] if a.what == "version" else None
        cause = lineage.Cause(kind=NodeKind(a.what), name=a.name, role=a.role, file=a.file, version=other)
        change = lineage.assert_cause(ws, find_version(ws, a.version)[1], cause, a.source)
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})
