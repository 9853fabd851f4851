"""Slips of the thumb: what the encoder must read through."""

from __future__ import annotations

from random import Random

_LOWERED, _UNENDED, _UNPOINTED, _SLIPPED = 0.25, 0.3, 0.15, 0.4
"""How often a noisy message loses its capitals, its last sign, all its signs, and letters."""

_WORDS_PER_SLIP = 12
_SHORTEST = 4


def noisy(text: str, chance: Random) -> str:
    """The message as somebody in a hurry might have typed it."""
    if chance.random() < _LOWERED:
        text = text.lower()
    if chance.random() < _UNENDED:
        text = text.rstrip("?.! ")
    if chance.random() < _UNPOINTED:
        text = text.replace(",", "").replace(".", " ").replace("'", "")
    if chance.random() < _SLIPPED:
        text = _slipped(text, chance)
    return text


def _slipped(text: str, chance: Random) -> str:
    words = text.split(" ")
    for _ in range(max(1, len(words) // _WORDS_PER_SLIP)):
        place = chance.randrange(len(words))
        if len(words[place]) >= _SHORTEST:
            words[place] = _misspelt(words[place], chance)
    return " ".join(words)


def _misspelt(word: str, chance: Random) -> str:
    """Two letters swapped, one left out or one doubled."""
    at = chance.randrange(len(word) - 1)
    before, here, after = word[:at], word[at], word[at + 1 :]
    return chance.choice([before + after[0] + here + after[1:], before + after, before + here + here + after])
