"""What a form never takes: passwords, pictures, and characters that hide or turn text."""

from __future__ import annotations

import re

_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_PICTURE = re.compile(r"data:[a-z]+/|https?://\S+\.(?:jpe?g|png|gif|webp|heic|bmp|mp4|mov|webm)\b", re.IGNORECASE)
_PASSWORD = re.compile(
    r"\b(?:pass\s?word|pass\s?code|pwd|pw|pin)\b(?:\s+(?:is|was|to|now|=)+)*\s*[:=]\s*\S+"
    r"|\b(?:pass\s?word|pass\s?code|pwd|pin)\s+(?:is|was)\s+['\"]?(?=\S*[\d!@#$%^&*])\S{4,}",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """The text without control characters and without marks that hide or turn what is read. Nothing else is touched."""
    return _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def refusal(text: str) -> str | None:
    """Why this text must not be stored, in words for the person, or None when it may."""
    if _PICTURE.search(text):
        return "Please leave out pictures and links to pictures. Say where it is held instead."
    if _PASSWORD.search(text):
        return "This looks like a password. Please leave it out, and change it if somebody else knows it."
    return None
