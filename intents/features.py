"""From words to numbers: word pairs, letter groups and lexicon signs, weighed by how rare they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from intents.lexicon import Finder

Vector = tuple[NDArray[np.int64], NDArray[np.float32]]
"""A message as feature numbers and their weights."""

SHARES = {"word": 0.4, "letters": 0.36, "sign": 0.16, "form": 0.07}
"""How much of a message's length (squared) each kind of feature has."""

_LETTERS = (3, 5)
_SEEN_AT_LEAST = {"word": 2, "letters": 3, "sign": 2, "form": 2}
_TOO_COMMON = 0.1
"""Letter groups in more than this share of the messages tell nothing and would cost most of the reading time."""


class Features:
    """Turns words into a sparse vector of length one over a fixed list of features.

    `names` lists the features of each kind; `rarity` has one weight for each, in the same order.
    """

    def __init__(self, names: dict[str, list[str]], rarity: NDArray[np.float32], finder: Finder) -> None:
        self.names, self.rarity, self._finder = names, rarity, finder
        self._ids: dict[str, dict[str, int]] = {}
        self._ends: list[int] = []
        start = 0
        for kind, listed in names.items():
            self._ids[kind] = {name: number for number, name in enumerate(listed, start)}
            start += len(listed)
            self._ends.append(start)
        self._letters_of = lru_cache(maxsize=20_000)(self._known_letters)

    def __len__(self) -> int:
        return len(self.rarity)

    @classmethod
    def learn(cls, messages: Iterable[Sequence[str]], finder: Finder) -> Features:
        """List the features that stand in enough of the messages, with their rarity among them."""
        seen: dict[str, Counter[str]] = {kind: Counter() for kind in SHARES}
        total = 0
        for total, words in enumerate(messages, 1):  # noqa: B007
            seen["word"].update(set(_word_features(words)))
            seen["letters"].update({group for word in words for group in letter_groups(word)})
            tags = finder.tags(words)
            seen["sign"].update(tags)
            seen["form"].update(forms(words, tags))
        most = dict.fromkeys(SHARES, total) | {"letters": max(_TOO_COMMON * total, _SEEN_AT_LEAST["letters"])}
        names = {
            kind: sorted(name for name, times in counter.items() if _SEEN_AT_LEAST[kind] <= times <= most[kind])
            for kind, counter in seen.items()
        }
        times = np.array([seen[kind][name] for kind, listed in names.items() for name in listed], dtype=np.float32)
        return cls(names, np.log((1 + total) / (1 + times)).astype(np.float32) + 1, finder)

    def vector(self, words: Sequence[str]) -> Vector:
        """The features of a message; empty for a message without any that is known."""
        found = [self._ids["word"][name] for name in _word_features(words) if name in self._ids["word"]]
        for word in words:
            found += self._letters_of(word)
        tags = self._finder.tags(words)
        found += [self._ids["sign"][tag] for tag in tags if tag in self._ids["sign"]]
        found += [self._ids["form"][form] for form in forms(words, tags) if form in self._ids["form"]]
        ids, times = np.unique(np.array(found, dtype=np.int64), return_counts=True)
        weights = (1 + np.log(times.astype(np.float32))) * self.rarity[ids]
        self._share_out(ids, weights)
        return ids, weights

    def _share_out(self, ids: NDArray[np.int64], weights: NDArray[np.float32]) -> None:
        start = 0
        for share, end in zip(SHARES.values(), np.searchsorted(ids, self._ends), strict=True):
            part = weights[start:end]
            if part.size:
                part *= np.sqrt(share / np.dot(part, part))
            start = int(end)

    def _known_letters(self, word: str) -> list[int]:
        known = self._ids["letters"]
        return [known[group] for group in letter_groups(word) if group in known]


def _word_features(words: Sequence[str]) -> list[str]:
    return [*words, *(f"{one} {other}" for one, other in pairwise(words))]


def forms(words: Sequence[str], tags: set[str]) -> list[str]:
    """What kind of message it is: asking or telling, of whom, how long, and whether it is of anything known."""
    asks = "?" in words or any(tag.startswith("asks.") for tag in tags)
    first = "i" if words and words[0] in {"i", "my", "we"} else "other"
    return [
        "asks" if asks else "tells",
        f"{'asks' if asks else 'tells'} {first}",
        f"{'asks' if asks else 'tells'} {'known' if of_something(tags) else 'unknown'}",
        f"about {min(len(words) // 8, 6)}",
        "marked" if "?" in words else "unmarked",
    ]


def of_something(tags: set[str]) -> bool:
    """Whether a message names anything that the guidance might be asked about."""
    return any(tag.startswith(("themes.", "channel.", "account.")) for tag in tags)


def letter_groups(word: str) -> list[str]:
    """All groups of three to five letters in a word, its beginning and end marked by a space."""
    marked = f" {word} "
    shortest, longest = _LETTERS
    return [
        marked[at : at + size]
        for size in range(shortest, min(longest, len(marked)) + 1)
        for at in range(len(marked) - size + 1)
    ]
