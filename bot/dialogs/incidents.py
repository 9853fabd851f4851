"""The types of incident: read strictly from `incidents.toml`, so that a school adds or rewords one without code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot import model
from bot.cases.model import About, Urgency
from bot.model import FieldKind, Option, Role

FILE = Path(__file__).with_name("incidents.toml")
MOST_QUESTIONS = 3
UNSURE = "unsure"

_LIMITS = {FieldKind.ONE_OF: 100, FieldKind.TEXT: 600, FieldKind.LONG_TEXT: 2000}
_Word = Annotated[str, Field(min_length=1)]


class IncidentsError(ValueError):
    """The file of incident types is not understood; names the file, the entry and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Strict):
    """One extra question. `about` limits it to reports about these; `urgent` are the answers that make a report urgent."""

    name: _Word
    label: _Word
    kind: FieldKind
    options: Mapping[str, str] = {}
    hint: str = ""
    optional: bool = False
    about: frozenset[About] = frozenset()
    urgent: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind not in _LIMITS:
            raise ValueError(f"kind: {self.kind} is not one of {', '.join(_LIMITS)}")
        if (self.kind is FieldKind.ONE_OF) != bool(self.options):
            raise ValueError("options: a one_of has them, and nothing else does")
        if self.options and UNSURE not in self.options:
            raise ValueError(f"options: {UNSURE!r} is missing; not being sure is always an answer")
        if not self.urgent <= self.options.keys():
            raise ValueError("urgent: names an answer that is not among the options")
        return self


class Advice(_Strict):
    """What to do at once, in our own words, and the id of the paragraph that it rests on."""

    words: _Word
    paragraph: _Word


class Incident(_Strict):
    """One type of incident. Nothing in `about` means that it can be about anybody."""

    name: _Word
    label: _Word
    about: frozenset[About] = frozenset()
    urgency: Urgency = Urgency.NORMAL
    also: frozenset[Role] = frozenset()
    words: tuple[_Word, ...]
    questions: tuple[Question, ...] = Field((), max_length=MOST_QUESTIONS)
    advice: tuple[Advice, ...] = Field(min_length=1)

    def fields(self, about: About) -> tuple[model.Field, ...]:
        """Its extra questions for a report about such a person. Their names hold the type's, so that two never mix."""
        asked = (one for one in self.questions if not one.about or about in one.about)
        return tuple(self._field(one) for one in asked)

    def is_urgent(self, values: Mapping[str, str]) -> bool:
        """Whether the type itself, or an answer to one of its questions, makes a report urgent."""
        raised = (values.get(f"{self.name}.{one.name}") in one.urgent for one in self.questions)
        return self.urgency is Urgency.HIGH or any(raised)

    def _field(self, one: Question) -> model.Field:
        options = tuple(Option(value, label) for value, label in one.options.items())
        name, required = f"{self.name}.{one.name}", not one.optional
        return model.Field(name, one.label, one.kind, options, one.hint, required=required, limit=_LIMITS[one.kind])


class Incidents(_Strict):
    """Every type in the order in which it is offered, and what nobody should do, whatever the type."""

    do_not: _Word
    types: tuple[Incident, ...] = Field(alias="type", min_length=1)

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        _once("type", [one.name for one in self.types])
        for one in self.types:
            _once(f"{one.name}: questions", [question.name for question in one.questions])
        return self

    def get(self, name: str | None) -> Incident | None:
        """The type of this name, or None."""
        return next((one for one in self.types if one.name == name), None)

    def offered(self, about: About) -> tuple[Incident, ...]:
        """The types that can be about such a person."""
        return tuple(one for one in self.types if not one.about or about in one.about)

    def guess(self, text: str, about: About) -> Incident | None:
        """The type that most words in the text point to, the first of several; None when none does."""
        hits = {one.name: _hits(one, text) for one in self.offered(about)}
        best = max(hits, key=hits.__getitem__, default=None)
        return self.get(best) if best and hits[best] else None


def load(file: Path = FILE) -> Incidents:
    """Read the types of incident. Raises IncidentsError for whatever is not understood, OSError for a missing file."""
    try:
        return Incidents.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise IncidentsError(f"{file.name}: {error}") from error


def _hits(one: Incident, text: str) -> int:
    return sum(bool(_standing(word).search(text)) for word in one.words)


@cache
def _standing(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)


def _once(where: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError(f"{where}: a name stands there twice")


INCIDENTS = load()
