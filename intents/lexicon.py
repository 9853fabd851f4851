"""Words and phrases the reader knows, and a quick way to find them in a message."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parent / "lexicon.toml"
_Phrase = tuple[str, ...]
_STEM_KEY = 2


class _Shelf(NamedTuple):
    """What may follow one word: the tags it has alone, phrases by their exact second word, and the other phrases."""

    alone: tuple[str, ...]
    exact: Mapping[str, Sequence[tuple[_Phrase, str]]]
    open: Sequence[tuple[_Phrase, str]]


class Finder:
    """Finds phrases in lists of words.

    A phrase's word may end in `*` (any ending) or be `_` (any word); the first word may not be `_`, and has two letters
    or more before a `*`. Raises ValueError for one that could never be found.
    """

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        self._phrases: dict[str, list[tuple[_Phrase, str]]] = {}
        for tag, texts in phrases.items():
            for text in texts:
                first, *rest = text.split()
                if first == "_" or (first.endswith("*") and len(first) <= _STEM_KEY):
                    raise ValueError(f"{tag}: {text!r} begins too openly")
                self._phrases.setdefault(first, []).append((tuple(rest), tag))
        self._stems: dict[str, list[str]] = {}
        for first in self._phrases:
            if first.endswith("*"):
                self._stems.setdefault(first[:_STEM_KEY], []).append(first)
        self._shelf = lru_cache(maxsize=20_000)(self._shelf_of)

    def tags(self, words: Sequence[str]) -> set[str]:
        """The tags of all phrases that stand in the words."""
        return {
            tag
            for start, word in enumerate(words)
            if (shelf := self._shelf(word)) is not None
            for tag in _tags_on(shelf, words, start)
        }

    def _shelf_of(self, word: str) -> _Shelf | None:
        """What begins with this word; None for most words, with which nothing does."""
        stems = [stem for stem in self._stems.get(word[:_STEM_KEY], ()) if word.startswith(stem[:-1])]
        phrases = [phrase for first in (word, *stems) for phrase in self._phrases.get(first, ())]
        if not phrases:
            return None
        exact: dict[str, list[tuple[_Phrase, str]]] = {}
        for rest, tag in phrases:
            if rest and rest[0][-1] not in "*_":
                exact.setdefault(rest[0], []).append((rest, tag))
        alone = tuple(tag for rest, tag in phrases if not rest)
        return _Shelf(alone, exact, [(rest, tag) for rest, tag in phrases if rest and rest[0][-1] in "*_"])


def _tags_on(shelf: _Shelf, words: Sequence[str], start: int) -> list[str]:
    """The tags of those of its phrases that stand in the words, beginning at `start`."""
    following = words[start + 1] if start + 1 < len(words) else ""
    longer = (*shelf.exact.get(following, ()), *shelf.open)
    return [*shelf.alone, *(tag for rest, tag in longer if _follows(rest, words, start + 1))]


def _follows(rest: _Phrase, words: Sequence[str], start: int) -> bool:
    return len(words) - start >= len(rest) and all(
        known in (word, "_") or (known[-1] == "*" and word.startswith(known[:-1]))
        for known, word in zip(rest, words[start:], strict=False)
    )


class Lexicon(NamedTuple):
    """The lexicon in use. A tag of `risk` reads `risk.name`, `at_risk.child` or `at_risk.adult`."""

    slang: Mapping[str, str]
    risk: Finder
    courtesy: Finder


@cache
def lexicon() -> Lexicon:
    """The lexicon that comes with the reader, read once."""
    raw = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    signs = {f"{table}.{name}": texts for table in ("risk", "at_risk") for name, texts in raw[table].items()}
    return Lexicon(raw["slang"], Finder(signs), Finder(raw["courtesy"]))
