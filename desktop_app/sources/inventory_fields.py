"""The canonical fields of an inventory: how they are called in English, German and Dutch, and how a cell is read.

A reader takes the text of a cell and gives its value, or raises ValueError with what is wrong in plain words.
Nothing is guessed: a word that is not listed is not read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from desktop_app.domain.canonical import record
from desktop_app.domain.finding import Severity
from desktop_app.domain.model import Nature, Origin, UseState
from desktop_app.domain.validation import Opinion

T = TypeVar("T")
NOTHING = frozenset({"-", "–", "—", ".", "n/a", "na", "n.a.", "none", "nil", "k.a.", "n.v.t.", "nvt", "keine", "geen"})
MONTHS = {name: n for n, names in enumerate((
    "january januar januari jan", "february februar februari feb", "march märz maerz maart mar mrz mär mrt",
    "april apr", "may mai mei", "june juni jun", "july juli jul", "august augustus aug", "september sept sep",
    "october oktober oct okt", "november nov", "december dezember dec dez"), 1) for name in names.split()}


class DateOrder(StrEnum):
    """What 03/04/2025 means."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@record
class Field:
    """A canonical field. `vital`: if a cell cannot be read, leaving it empty would say something untrue."""

    key: str
    label: str
    synonyms: tuple[str, ...]
    read: Callable[[str], Any] | None  # None: text; dates are read by `read_date`
    is_date: bool = False
    vital: bool = False


def words(text: str) -> str:
    """Text for comparing: lower case, no accents, runs of anything but letters and digits as one space."""
    flat = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", flat).strip()


def _choice(what: str, options: Mapping[T, str]) -> Callable[[str], T]:
    """A reader of one of a few values, each known by words separated by “|”."""
    known = {words(name): value for value, names in options.items() for name in names.split("|")}

    def read(text: str) -> T:
        found = known.get(words(text))
        if found is None:
            raise ValueError(f"not a known {what}; known are {', '.join(sorted(known)[:12])} …")
        return found

    return read


_YES = "yes|y|true|ja|x|1"
_NO = "no|n|false|nein|nee|0"
read_tier = _choice("tier", {
    1: "1|tier 1|t1|i|tier i|high|hoch|hoog|stufe 1|klasse 1|tier 1 high|1 high|level 1",
    2: "2|tier 2|t2|ii|tier ii|medium|mittel|middel|midden|moderate|stufe 2|klasse 2|tier 2 medium|2 medium|level 2",
    3: "3|tier 3|t3|iii|tier iii|low|niedrig|gering|laag|stufe 3|klasse 3|tier 3 low|3 low|level 3",
    4: "4|tier 4|t4|iv|tier iv|stufe 4|klasse 4|level 4"})
read_use_state = _choice("state of use", {
    UseState.IN_USE: f"{_YES}|in use|used|live|production|productive|in production|active|in force|aktiv|in betrieb|"
                     "produktiv|in gebruik|actief|in productie|produktion|productie|implemented",
    UseState.PARALLEL_RUN: "parallel run|parallel|shadow|parallelbetrieb|parallellauf|schaduwdraaien",
    UseState.PILOT: "pilot|pilot phase|pilotbetrieb|trial",
    UseState.NOT_IN_USE: f"{_NO}|not in use|inactive|not used|development|in development|dev|inaktiv|nicht in betrieb|"
                         "nicht in verwendung|in entwicklung|niet in gebruik|inactief|in ontwikkeling|planned",
    UseState.RETIRED: "retired|decommissioned|withdrawn|stillgelegt|abgelost|ausser betrieb|uitgefaseerd|"
                      "uit gebruik|ontmanteld"})
read_nature = _choice("answer to whether it is a model", {
    Nature.MODEL: f"{_YES}|model|modell|is a model",
    Nature.NOT_A_MODEL: f"{_NO}|not a model|no model|non model|kein modell|geen model|not model",
    Nature.UNDETERMINED: "undetermined|unclear|to be determined|tbd|under review|offen|unklar|onbekend|?|unknown|open"})
read_origin = _choice("origin", {
    Origin.INTERNAL: "internal|in house|inhouse|own development|intern|eigen|eigenentwicklung|proprietary|own|bank",
    Origin.VENDOR: "vendor|third party|external|bought|purchased|extern|drittanbieter|leverancier|anbieter|3rd party",
    Origin.OPEN_SOURCE: "open source|opensource|oss",
    Origin.HYBRID: "hybrid|mixed|gemischt|gemengd|vendor and internal|internal and vendor"})
read_opinion = _choice("validation opinion", {
    Opinion.FIT: "fit|fit for purpose|fit for use|geeignet|geschikt|positive|positiv|positief",
    Opinion.FIT_WITH_CONDITIONS: "fit with conditions|fit subject to conditions|conditionally fit|conditional|"
                                 "conditionally fit for purpose|fit for purpose with conditions|geeignet mit auflagen|"
                                 "bedingt geeignet|geschikt onder voorwaarden|voorwaardelijk|fit with limitations",
    Opinion.NOT_FIT: "not fit|unfit|not fit for purpose|not fit for use|nicht geeignet|ungeeignet|niet geschikt|"
                     "ongeschikt|negative|negativ|negatief"})
read_severity = _choice("severity", {
    Severity.LOW: "low|minor|niedrig|gering|laag", Severity.MEDIUM: "medium|moderate|mittel|middel|midden",
    Severity.HIGH: "high|major|hoch|hoog", Severity.CRITICAL: "critical|severe|kritisch|kritiek|very high|sehr hoch"})


def _f(key: str, label: str, synonyms: str, read: Callable[[str], Any] | None = None, *, day: bool = False,
       vital: bool = False) -> Field:
    return Field(key=key, label=label, synonyms=tuple(words(s) for s in (label, *synonyms.split("|"))), read=read,
                 is_date=day, vital=vital)


FIELDS: tuple[Field, ...] = (
    _f("number", "Inventory number", "number|no|nr|id|model id|model number|inventory id|model ref|reference|ref|"
       "modell id|modellnummer|modelnummer|modell nr|inventarnummer|identifier|lfd nr"),
    _f("name", "Name", "model name|model|modellname|modell|modelnaam|naam|title|model title|bezeichnung"),
    _f("version", "Version", "model version|versie|release|current version|modellversion"),
    _f("purpose", "Purpose", "use|use case|model purpose|intended use|business use|usage|zweck|verwendungszweck|"
       "einsatzzweck|doel|toepassing|gebruiksdoel|model use"),
    _f("entity", "Legal entity", "entity|company|subsidiary|gesellschaft|rechtseinheit|entiteit|"
       "juridische entiteit|institution|institut"),
    _f("business_line", "Business line", "business unit|line of business|lob|department|division|business area|"
       "geschaftsbereich|abteilung|afdeling|bedrijfsonderdeel|bereich|function"),
    _f("limits", "Limits of use", "limits|limitations|restrictions|usage limits|grenzen|einschrankungen|beperkingen|"
       "known limitations"),
    _f("description", "Description", "model description|beschreibung|omschrijving|beschrijving|comment|comments|notes|"
       "remarks|bemerkung|bemerkungen|opmerkingen"),
    _f("tier", "Tier", "model tier|risk tier|risk class|risk rating|model risk rating|materiality|materiality tier|"
       "risikoklasse|stufe|risicoklasse|criticality|model risk tier|wesentlichkeit", read_tier),
    _f("use_state", "In use", "status|use status|model status|lifecycle status|state|in use or not|in betrieb|"
       "in gebruik|gebruiksstatus|nutzungsstatus|implementation status|live", read_use_state),
    _f("use_since", "In use since", "go live|go live date|implementation date|production date|live since|"
       "in betrieb seit|in gebruik sinds|deployed on|deployment date|first use", day=True),
    _f("owner", "Owner", "model owner|business owner|modelleigner|modellverantwortlicher|eigenaar|modeleigenaar|"
       "verantwortlich|accountable"),
    _f("developer", "Developer", "model developer|developed by|developers|entwickler|modellentwickler|ontwikkelaar|"
       "development team|developing team"),
    _f("vendor", "Vendor", "supplier|vendor name|provider|third party name|anbieter|hersteller|leverancier|software"),
    _f("origin", "Origin", "source|internal external|internal or vendor|make or buy|herkunft|herkomst|sourcing|"
       "vendor internal|in house or vendor|internal vendor|model origin", read_origin),
    _f("technique", "Technique", "method|methodology|algorithm|model type|type|approach|methode|verfahren|techniek|"
       "modelltyp|modeltype|model technique"),
    _f("nature", "Is it a model", "model y n|is model|model yes no|model or not|is a model|ist ein modell|"
       "is het een model|model determination|modellqualifikation|model classification", read_nature, vital=True),
    _f("nature_reason", "Reason for the determination", "determination reason|reason not a model|classification reason|"
       "begrundung|motivering|determination rationale|why"),
    _f("opinion", "Validation opinion", "opinion|validation result|validation outcome|validation status|"
       "validation conclusion|validierungsergebnis|validierungsurteil|validatieoordeel|validatieresultaat|"
       "validation rating", read_opinion, vital=True),
    _f("validated_on", "Validated on", "validation date|last validation|last validated|date of validation|"
       "last validation date|validierungsdatum|letzte validierung|validatiedatum|laatste validatie", day=True),
    _f("validated_by", "Validated by", "validator|validation team|validiert durch|gevalideerd door|validierer"),
    _f("approved_on", "Approved on", "approval date|date of approval|genehmigt am|freigabedatum|freigegeben am|"
       "goedgekeurd op|goedkeuringsdatum", day=True, vital=True),
    _f("approved_until", "Approved until", "approval expiry|approval end|valid until|expiry|expiry date|"
       "approval valid to|approved to|expires|gultig bis|genehmigt bis|geldig tot|goedgekeurd tot|valid to|"
       "approval expires",
       day=True, vital=True),
    _f("approved_by", "Approved by", "approver|approval body|approving body|committee|genehmigt durch|gremium|"
       "goedgekeurd door|approval authority"),
    _f("conditions", "Conditions", "approval conditions|condition|auflagen|voorwaarden|conditions of approval"),
    _f("conditions_due", "Conditions due", "condition due|condition due date|conditions due date|auflagen bis|"
       "voorwaarden voor", day=True),
    _f("finding_title", "Finding", "open finding|findings|issue|finding title|open issue|open findings|feststellung|"
       "bevinding|open issues|worst open finding|open bevinding|offene feststellung"),
    _f("finding_number", "Finding number", "finding id|finding no|issue id|feststellungsnummer|bevindingnummer"),
    _f("finding_severity", "Finding severity", "severity|issue severity|finding rating|issue rating|schweregrad|ernst|"
       "severity of finding", read_severity),
    _f("finding_due", "Finding due", "finding due date|due date|issue due date|remediation date|target date|"
       "remediation due|fallig am|vervaldatum|behebung bis", day=True),
    _f("finding_opened", "Finding opened", "finding date|issue date|opened|opened on|raised on|date raised|"
       "festgestellt am|geopend op", day=True),
    _f("finding_owner", "Finding owner", "issue owner|remediation owner|action owner|massnahmenverantwortlicher|"
       "actiehouder"),
    _f("exception_until", "Exception until", "exception expiry|exception end|exception expires|waiver until|"
       "waiver expiry|dispensation until|ausnahme bis|uitzondering tot|temporary approval until|exception valid to",
       day=True, vital=True),
    _f("exception_reason", "Exception reason", "exception|waiver|exception rationale|reason for exception|ausnahme|"
       "ausnahmegrund|uitzondering|reden uitzondering|waiver reason"),
    _f("overlay", "Overlay", "overlays|adjustment|post model adjustment|pma|management overlay|expert adjustment|"
       "anpassung|aanpassing"),
    _f("overlay_review", "Overlay review", "overlay review date|pma review|overlay review by|overlay uberprufung",
       day=True),
    _f("family", "Family", "model family|parent|parent model|group|model group|modellfamilie|modelfamilie|parent id|"
       "ubergeordnetes modell|suite"),
    _f("segment", "Segment", "portfolio|portfolio segment|sub model|submodel|teilportfolio|portefeuille"),
    _f("next_review", "Next review", "next review date|review due|next validation|next validation date|review date|"
       "next periodic review|nachste uberprufung|nachste validierung|volgende review|volgende validatie|"
       "revalidation due", day=True),
    _f("retired_on", "Retired on", "retirement date|decommissioned on|decommission date|end date|stilllegung|"
       "stillgelegt am|uit gebruik per|einddatum", day=True, vital=True),
)
BY_KEY = {field.key: field for field in FIELDS}

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ][\d:.]+Z?)?\Z")
_DOTS = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})\Z")
_SLASHES = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4}|\d{2})\Z")
_DAY_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?[-\s]*([^\W\d]+)\.?,?[-\s]*(\d{4}|\d{2})\Z")
_NAME_DAY = re.compile(r"([^\W\d]+)\.?\s*(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\Z")


class AmbiguousDate(ValueError):
    """Day and month could be either way round."""


def numbers_of(text: str) -> tuple[int, int] | None:
    """The two numbers of a date like 03/04/2025 whose order is open, else None."""
    found = _SLASHES.match(text.strip())
    return (int(found[1]), int(found[3])) if found else None


def read_date(text: str, order: DateOrder | None) -> date:
    """A date in ISO, dotted (day first), slashed, or with the month's name in English, German or Dutch.

    Two-digit years are 1970 to 2069. Raises AmbiguousDate, or ValueError with what is wrong.
    """
    text = text.strip()
    if found := _ISO.match(text):
        return _date(found[1], int(found[2]), int(found[3]))
    if found := _DOTS.match(text):
        return _date(found[3], int(found[2]), int(found[1]))
    if found := _SLASHES.match(text):
        return _slashed(int(found[1]), int(found[3]), found[4], order)
    if found := _DAY_NAME.match(text):
        return _date(found[3], _month(found[2]), int(found[1]))
    if found := _NAME_DAY.match(text):
        return _date(found[3], _month(found[1]), int(found[2]))
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        raise ValueError("a number, not a date; give the cell a date format in the spreadsheet")
    raise ValueError("not a date that can be read; write it like 2025-03-31")


def _slashed(first: int, second: int, year: str, order: DateOrder | None) -> date:
    if first > 12 or first == second:
        return _date(year, second, first)
    if second > 12:
        return _date(year, first, second)
    if order is None:
        raise AmbiguousDate("day and month could be either way round, and nothing in the column settles it")
    return _date(year, *((second, first) if order is DateOrder.DAY_FIRST else (first, second)))


def _month(name: str) -> int:
    found = MONTHS.get(name.lower().rstrip("."))
    if found is None:
        raise ValueError(f"“{name[:20]}” is not a month")
    return found


def _date(year: str, month: int, day: int) -> date:
    full = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 70 else 1900)
    if not 1950 <= full <= 2199:
        raise ValueError(f"the year {full} is not believable")
    try:
        return date(full, month, day)
    except ValueError as error:
        raise ValueError("there is no such day") from error
