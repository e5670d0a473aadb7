"""Every subcommand: importing the rooms below declares them."""

from __future__ import annotations

from desktop_app.cli import (
    on_audit,
    on_demo,
    on_erasure,
    on_evidence,
    on_fairness,
    on_findings,
    on_lineage,
    on_models,
    on_people,
    on_registry,
    on_requests,
)
from desktop_app.cli.command import COMMANDS, Call

__all__ = [
    "COMMANDS",
    "Call",
    "on_audit",
    "on_demo",
    "on_erasure",
    "on_evidence",
    "on_fairness",
    "on_findings",
    "on_lineage",
    "on_models",
    "on_people",
    "on_registry",
    "on_requests",
]
