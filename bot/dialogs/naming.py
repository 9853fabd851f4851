"""Finding people of the roster in what somebody typed: to ask again before sending, never to route by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from bot.model import Person

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "rev"})


def mentioned(text: str, people: Iterable[Person]) -> tuple[Person, ...]:
    """Those of the people whom the text seems to name.

    A surname counts however it is written; a first name on its own must begin with a capital. Accents and the shape of
    apostrophes do not matter. It errs towards asking: another person of the same name is found as well.
    """
    written = _folded(text)
    return tuple(person for person in people if _names(written, person))


def _names(text: str, person: Person) -> bool:
    words = [word for word in _folded(person.name).split() if word.rstrip(".").casefold() not in _TITLES]
    if not words:
        return False
    first, last = words[0], words[-1]
    return _stands(last, text, re.IGNORECASE) or any(_stands(form, text) for form in (first, first.upper()))


def _stands(word: str, text: str, flags: int = 0) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, flags))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).replace("’", "'")
    return "".join(character for character in plain if not unicodedata.combining(character))
