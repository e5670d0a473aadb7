"""Every kind of fact: importing this module makes `canonical.load` know them all."""

from __future__ import annotations

from desktop_app.domain import (
    approval,
    audit,
    card,
    dataset,
    dossier,
    evidence,
    exception,
    finding,
    lineage,
    mandate,
    model,
    person,
    policy,
    recertification,
    registry,
    source,
    use,
    validation,
)

MODULES = (approval, audit, card, dataset, dossier, evidence, exception, finding, lineage, mandate, model, person,
           policy, recertification, registry, source, use, validation)
