"""Presets of bias reports: what a rule or a practice asks for, applied to a table's columns."""

from __future__ import annotations

import json
from dataclasses import replace
from difflib import get_close_matches
from itertools import combinations

from desktop_app.domain import canonical
from desktop_app.domain.evidence import Criterion, FairnessSpec
from desktop_app.domain.preset import Preset
from desktop_app.errors import UserError
from desktop_app.settings import resource


def listing() -> tuple[Preset, ...]:
    """Every preset that comes with the program, by its title."""
    found = [canonical.build(Preset, json.loads(path.read_text("utf-8")))
             for path in resource("presets").glob("*.json")]
    return tuple(sorted(found, key=lambda p: p.title))


def named(key: str) -> Preset:
    """A preset by its key. Raises UserError that names the nearest."""
    known = {preset.key: preset for preset in listing()}
    if key in known:
        return known[key]
    near = get_close_matches(key, known, 1, 0.4)
    raise UserError(f"There is no preset “{key}”.", f"There are: {', '.join(sorted(known))}.",
                    f"Did you mean {near[0]}?" if near else "Choose one of these, or none.")


def of(spec: FairnessSpec) -> Preset | None:
    """The preset that a recorded spec was made from, where the program still has that version."""
    return next((preset for preset in listing() if preset.name == spec.preset), None)


def applied(preset: Preset, spec: FairnessSpec) -> FairnessSpec:
    """What a preset asks of the columns that a spec names: its criteria for every attribute and every pair it crosses.

    References that the spec names hold. Raises UserError when a column that it needs is not named, or when it is about
    outcomes of the other kind.
    """
    given = {"label": spec.label, "score": spec.score, "strata": spec.strata}
    if missing := [what for what in preset.needs if not given[what]]:
        raise UserError(f"“{preset.title}” needs {' and '.join(_COLUMNS[what] for what in missing)}.", preset.source,
                        "Name the column, or choose another preset.")
    if preset.favourable is not None and preset.favourable != spec.favourable:
        good = "good" if preset.favourable else "bad"
        raise UserError(f"“{preset.title}” is for decisions where being selected is {good} for the person.",
                        preset.statement, "Say so, or choose another preset.")
    if preset.crossed and not spec.intersections:
        spec = replace(spec, intersections=tuple(combinations(spec.sensitive, 2)))
    named = {pair.key: pair.value for pair in spec.reference}
    criteria = tuple(
        Criterion(metric=c.metric, attribute=attribute, threshold=c.threshold, direction=c.direction, rule=c.rule,
                  reference=named.get(attribute))
        for attribute in (*spec.sensitive, *spec.crossed) for c in preset.criteria)
    return replace(spec, criteria=criteria, metrics=preset.metrics, cut=preset.cut,
                   minimum_group=preset.minimum_group, preset=preset.name, preset_words=preset.words)


_COLUMNS = {"label": "the column with what really happened", "score": "a column of scores",
            "strata": "a legitimate factor within which groups are compared"}
