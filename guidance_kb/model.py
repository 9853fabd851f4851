"""What the knowledge base holds: clauses, situations and the ruling that comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from guidance_kb.facts import FactValue


class Force(StrEnum):
    """How strongly the guidance speaks; an answer is never stronger than this."""

    NEVER = "never"
    MUST = "must"
    SHOULD = "should"
    EXPECTED = "expected"
    MAY = "may"
    ADVICE = "advice"
    INFO = "info"


class Verdict(StrEnum):
    """What the guidance says of the conduct, whatever the grammar of the question."""

    PROHIBITED = "prohibited"
    REQUIRED = "required"
    PERMITTED = "permitted"
    CONDITIONAL = "conditional"
    INFORMATION = "information"
    REFER = "refer"


class Offer(StrEnum):
    """A next step that fits a ruling."""

    REPORT = "report"
    DECLARE = "declare"
    JUSTIFY = "justify"
    ASK_LEADERSHIP = "ask_leadership"
    CHECK_ACCOUNTS = "check_accounts"
    SAFEGUARDING = "safeguarding"


@dataclass(frozen=True)
class Clause:
    """One paragraph of the guidance in our own plain words.

    `fingerprint` identifies the paragraph's text in the school's own document without holding it; `sketch`, if
    given, tells a changed paragraph from a missing one (see `guidance_kb.fingerprint`).
    """

    id: str
    section: str
    paragraph: int
    force: Force
    words: str
    fingerprint: str
    sketch: str = ""


@dataclass(frozen=True)
class Situation:
    """A row of the decision table: when these facts hold, this is the ruling.

    `when` maps a fact's name to the values it may have; a fact it does not name may have any value or be untold.
    Of two rows that both hold, the one whose `when` is narrower wins, or the one that names the other in `over`.
    `clauses` lists paragraph ids, the deciding one first. `ask` names the fact that would change the ruling if it were told.
    `covers` lists the ids of the rules and unsettled matters that the row stands for.
    """

    id: str
    when: Mapping[str, frozenset[FactValue]]
    verdict: Verdict
    force: Force
    clauses: tuple[str, ...]
    answer: str
    offers: tuple[Offer, ...] = ()
    covers: tuple[str, ...] = ()
    over: frozenset[str] = field(default_factory=frozenset)
    ask: str | None = None
