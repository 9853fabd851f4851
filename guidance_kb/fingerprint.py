"""Knows a paragraph again without holding its text."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b, sha256

_SLOTS = 32
_WORD = re.compile(r"\w+")
_IN_FIGURES = ".,:/-"
# Signs that Unicode does not class with the quotation mark, hyphen and slash they are typed for.
_TYPED_FOR = str.maketrans({"´": "'", "\N{MINUS SIGN}": "-", "½": "1/2", "¼": "1/4", "¾": "3/4"})


def fingerprint(text: str) -> str:
    """Sixteen hex digits for the paragraph's letters and digits.

    Case, spacing, line breaks, bullets, hyphens and the style of quotes and dashes make no difference. Signs in figures
    do: a currency sign, `%` or `+` after a digit, and a point, comma, colon, slash or dash between two.
    """
    return digest(canonical(text))


def canonical(text: str) -> str:
    """Give the part of a text that its fingerprint is made from."""
    visible = "".join(sign for sign in _folded(text) if unicodedata.category(sign)[0] not in "CZ")
    return "".join(sign for place, sign in enumerate(visible) if _counts(visible, place, sign))


def digest(canonical_text: str) -> str:
    """Give the fingerprint of a text that is canonical already."""
    return sha256(canonical_text.encode()).hexdigest()[:16]


def sketch(text: str) -> str:
    """Give 64 hex digits for `likeness` to compare; the text cannot be read back from them.

    They are the low bytes of 32 min-hashes over the set of words (Broder 1997; Li and König 2010).
    """
    digests = [_slots(word) for word in set(_WORD.findall(_folded(text)))]
    return bytes(min(slots) & 0xFF for slots in zip(*digests, strict=True)).hex()


def likeness(one: str, other: str) -> float:
    """Give the share of words, 0 to 1, that two sketched texts have in common; 0 where either has no sketch."""
    if not one or len(one) != len(other):
        return 0.0
    pairs = zip(bytes.fromhex(one), bytes.fromhex(other), strict=True)
    return sum(mine == theirs for mine, theirs in pairs) * 2 / len(one)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text.translate(_TYPED_FOR)).casefold()
    dashed = "".join("-" if unicodedata.category(sign) == "Pd" else sign for sign in plain)
    return unicodedata.normalize("NFKC", dashed)


def _counts(visible: str, place: int, sign: str) -> bool:
    category = unicodedata.category(sign)
    if category[0] in "LMN" or category == "Sc":
        return True
    after_digit = place > 0 and visible[place - 1].isdigit()
    return after_digit and (sign in "%+" or (sign in _IN_FIGURES and visible[place + 1 : place + 2].isdigit()))


@lru_cache(maxsize=4096)
def _slots(word: str) -> tuple[int, ...]:
    raw = blake2b(word.encode(), digest_size=2 * _SLOTS).digest()
    return tuple(int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2))
