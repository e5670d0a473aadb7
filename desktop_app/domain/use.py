"""A use: one purpose in one legal entity and business line, with limits. And the tier of a model in it."""

from __future__ import annotations

from desktop_app.domain.canonical import Id, fact, record


@fact("use")
class Use:
    """What a model is for. Decisions are about a version and a use."""

    id: Id
    model: Id
    purpose: str
    entity: str = ""
    business_line: str = ""
    limits: str = ""
    prohibited: str = ""


@record
class Answer:
    """One answer of the tiering questionnaire."""

    question: str
    answer: str
    points: int


@fact("tier")
class Tiering:
    """Materiality × inherent risk, from a versioned questionnaire, or taken over from an inventory."""

    id: Id
    model: Id
    use: Id
    tier: int  # 1 highest
    basis: str  # "questionnaire 2026-09" | "inventory"
    materiality: str = ""
    inherent_risk: str = ""
    answers: tuple[Answer, ...] = ()
    override_reason: str = ""
