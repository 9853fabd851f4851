"""From what somebody typed to plain words: one spelling for each word, however it was written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

READ_START = 1_600
READ_END = 400
"""Of a long message the start and the end are read: what is asked stands there, and reading stays quick."""

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[?!]|[☀-➿\U0001f000-\U0001faff]")
_GLUED_YEAR = re.compile(r"(?:y|yr|yrs|year)s?(7|8|9|1[0-3])s?")
_NUMBER_AND_WORD = re.compile(r"(\d+)([a-z]+)")
_ELONGATED = re.compile(r"([^\W\d])\1{2,}")
_SHORTEST_REPAIRED = 4
_LONG_WORD = 8
_CONTRACTED = {
    "n't": " not",
    "'re": " are",
    "'ve": " have",
    "'ll": " will",
    "'m": " am",
    "'d": " would",
}
_IS = frozenset({"he", "she", "it", "that", "there", "what", "who", "where", "how", "here"})


def plain(text: str) -> str:
    """The text that is read: its start and end, compatibility forms unified, control and direction signs removed."""
    if len(text) > READ_START + READ_END:
        text = f"{text[:READ_START]} {text[-READ_END:]}"
    text = unicodedata.normalize("NFKC", text)[: 2 * (READ_START + READ_END)]
    if text.isascii() and text.isprintable():
        return text.lower()
    return "".join(_visible(sign) for sign in text).lower()


def _visible(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Cc":
        return " "
    # An accent (Mn) or a joiner (Cf) inside a word must not split it.
    return "" if category in {"Cf", "Cs", "Co", "Cn", "Mn"} else sign


class Normaliser:
    """Text → words.

    `slang` maps a word, or two words with a space, to what they stand for. `vocabulary` lists the words that are right
    as they are, the commonest first: any other word of four letters or more is repaired to the nearest of them that
    begins with the same letter, where one is near enough.
    """

    def __init__(self, slang: Mapping[str, str], vocabulary: Iterable[str] = ()) -> None:
        self._slang = {known: meant.split() for known, meant in slang.items()}
        self._pairs = frozenset(known for known in slang if " " in known)
        self._vocabulary = frozenset(vocabulary) | frozenset(word for words in self._slang.values() for word in words)
        self._shelves: dict[tuple[str, int], list[str]] = {}
        for word in vocabulary:
            if len(word) >= _SHORTEST_REPAIRED and word.isalpha():
                self._shelves.setdefault((word[0], len(word)), []).append(word)
        self._meant = lru_cache(maxsize=20_000)(self._read_word)

    def words(self, text: str) -> list[str]:
        """The words of a text in order, question and exclamation marks and emoji among them."""
        words: list[str] = []
        for token in _TOKEN.findall(plain(text)):
            words.extend(self._meant(token))
        return self._joined(words) if self._pairs else words

    def _joined(self, words: list[str]) -> list[str]:
        joined: list[str] = []
        for word in words:
            pair = f"{joined[-1]} {word}" if joined else ""
            if pair in self._pairs:
                joined[-1:] = self._slang[pair]
            else:
                joined.append(word)
        return joined

    def _read_word(self, typed: str) -> tuple[str, ...]:
        if not typed[0].isalnum():
            return (typed,) if typed in "?!" else ("emoji", *_name_of(typed))
        typed = typed.replace("’", "'")
        if "'" in typed:
            return tuple(word for part in _uncontracted(typed).split() for word in self._spelt(part))
        return tuple(self._spelt(typed))

    def _spelt(self, word: str) -> list[str]:
        if word in self._slang:
            return self._slang[word]
        if year := _GLUED_YEAR.fullmatch(word):
            return ["year", year[1]]
        if glued := _NUMBER_AND_WORD.fullmatch(word):
            return [glued[1], *self._slang.get(glued[2], [glued[2]])]
        if word in self._vocabulary:
            return [word]
        shortened = self._unstretched(word)
        return self._slang.get(shortened) or [self._repaired(shortened)]

    def _unstretched(self, word: str) -> str:
        if not _ELONGATED.search(word):
            return word
        once, twice = _ELONGATED.sub(r"\1", word), _ELONGATED.sub(r"\1\1", word)
        return twice if twice in self._vocabulary else once

    def _repaired(self, word: str) -> str:
        if len(word) < _SHORTEST_REPAIRED or not word.isalpha() or word in self._vocabulary:
            return word
        reach = 1 if len(word) < _LONG_WORD else 2
        near = [
            candidate
            for length in range(len(word) - reach, len(word) + reach + 1)
            for candidate in self._shelves.get((word[0], length), ())
        ]
        found = extractOne(word, near, scorer=OSA.distance, score_cutoff=reach)
        return found[0] if found else word


def _uncontracted(typed: str) -> str:
    if typed == "can't":
        return "can not"
    if typed == "won't":
        return "will not"
    for ending, meant in _CONTRACTED.items():
        if typed.endswith(ending):
            return typed.removesuffix(ending) + meant
    word, _, rest = typed.partition("'")
    if rest == "s":
        return f"{word} is" if word in _IS else f"{word} s"
    return f"{word} {rest}".replace("'", " ")


def _name_of(sign: str) -> list[str]:
    return re.findall(r"[a-z]+", unicodedata.name(sign, "").lower())[:3]
