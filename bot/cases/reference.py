"""References that can be said on the telephone: `K7-QM3`."""

from __future__ import annotations

import re
import secrets

ALPHABET = "CDFHJKMNPQRTWXY34679"
"""No vowels, so that no words arise, and nothing that looks like something else: no 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V."""

_SHAPE = re.compile(rf"([{ALPHABET}]{{2}})[\s-]*([{ALPHABET}]{{3}})")


def new_reference() -> str:
    """A random reference: it says nothing of how many cases there are. Uniqueness is the store's to keep."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(5))
    return f"{drawn[:2]}-{drawn[2:]}"


def as_reference(text: str) -> str | None:
    """The reference that somebody typed (`k7 qm3`), or None when it cannot be one. Its shape makes it safe to log."""
    found = _SHAPE.fullmatch(text.strip().upper())
    return f"{found[1]}-{found[2]}" if found else None
