"""Encryption at rest. Whoever holds both the database and the keys can read everything; keep them apart."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.errors import CharterError


class Unreadable(CharterError):
    """Something stored was sealed with a key that is not among those given, or was tampered with."""


class Sealer:
    """Seals text with the first key and opens with any, so that keys can be changed without losing what is stored."""

    def __init__(self, keys: Sequence[bytes | str]) -> None:
        """Take Fernet keys, newest first. Raises ValueError when there is none or one is malformed."""
        if not keys:
            raise ValueError("at least one key is needed to seal what is stored")
        self._newest = Fernet(keys[0])
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> bytes:
        """The text, encrypted and authenticated."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """The text that was sealed. Raises Unreadable."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise Unreadable("stored text cannot be opened with the keys given") from None

    def renew(self, sealed: bytes) -> bytes | None:
        """The same text sealed with the first key, or None when it is already. Raises Unreadable."""
        try:
            self._newest.extract_timestamp(sealed)
        except InvalidToken:
            return self.seal(self.open(sealed))
        return None
