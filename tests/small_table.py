"""Rows for trying the decision table, told in a line each."""

from __future__ import annotations

from collections.abc import Iterable

from guidance_kb.facts import parse_facts
from guidance_kb.model import Force, Situation, Verdict


def row(id: str, verdict: Verdict = Verdict.PROHIBITED, over: Iterable[str] = (), **when: str) -> Situation:
    """Make a row on friend requests, unless told another matter; several values of a fact are divided by blanks."""
    told = {"matter": "connect", **when}
    conditions = {fact: frozenset(parse_facts({fact: v})[fact] for v in told[fact].split()) for fact in told}
    return Situation(id, conditions, verdict, Force.SHOULD, ("contact.1",), "Words.", over=frozenset(over))
