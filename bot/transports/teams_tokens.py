"""Is this request from Microsoft's Bot Connector? Its token is checked here, before anything else is looked at.

The library's own check lets tokens without an end in, fetches keys in the event loop without a time limit, and answers a
key that it does not know with an IndexError for a day; none of that is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

import jwt
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

ISSUER = "https://api.botframework.com"
METADATA = "https://login.botframework.com/v1/.well-known/openidconfiguration"
CHANNEL = "msteams"
LEEWAY = 300
"""Seconds by which clocks may differ, as the protocol allows."""

_FETCH = ClientTimeout(total=3)
_STALE = 24 * 3600.0
_GAP_STALE = 5.0
_LARGEST_TOKEN = 16_384

_log = structlog.get_logger()


class Unauthorised(Exception):
    """The request is not let in; the text is a word for the log, and names no content."""


@dataclass(frozen=True)
class SigningKey:
    """One of Microsoft's public keys, and the channels it may speak for."""

    key: jwt.PyJWK
    endorsements: frozenset[str]


class SigningKeys:
    """Microsoft's signing keys: fetched once a day, and for a key not known at once, but then not again for `gap` seconds.

    While there are none at all, they are asked for every few seconds.
    """

    def __init__(self, metadata: str = METADATA, gap: float = 60.0) -> None:
        self._metadata = metadata
        self._gap = gap
        self._keys: Mapping[str, SigningKey] = {}
        self._fetched = -_STALE
        self._next = 0.0
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> SigningKey | None:
        """The key of that id, or None. Known keys serve on when Microsoft cannot be asked."""
        if self._is_stale() or key_id not in self._keys:
            async with self._lock:
                if self._is_stale():
                    await self._refresh(_GAP_STALE)
                if key_id not in self._keys:
                    await self._refresh(self._gap)
        return self._keys.get(key_id)

    def _is_stale(self) -> bool:
        return monotonic() - self._fetched > _STALE

    async def _refresh(self, gap: float) -> None:
        if monotonic() < self._next:
            return
        was_stale = self._is_stale()
        self._next = monotonic() + gap
        try:
            self._keys = await _fetch(self._metadata)
            self._fetched = monotonic()
            self._next = 0.0 if was_stale else self._next
        except (ClientError, TimeoutError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            _log.warning("teams_keys_not_fetched", error=type(error).__name__)


@dataclass(frozen=True)
class Claims:
    """What a good token says: the address it was sent for and the channels its key may speak for."""

    service_url: str
    channels: frozenset[str]


class Tokens:
    """Checks tokens meant for the app `app_id`."""

    def __init__(self, app_id: str, keys: SigningKeys) -> None:
        self._app_id = app_id
        self._keys = keys

    async def check(self, authorization: str) -> Claims:
        """The claims of the token in an Authorization header. Raises Unauthorised for whatever is wrong with it."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token or len(token) > _LARGEST_TOKEN:
            raise Unauthorised("header")
        key = await self._keys.find(_key_id(token))
        if key is None:
            raise Unauthorised("key")
        claims = self._verified(token, key)
        address = claims.get("serviceurl") or claims.get("serviceUrl")
        if not isinstance(address, str):
            raise Unauthorised("serviceurl")
        return Claims(address, key.endorsements)

    def _verified(self, token: str, key: SigningKey) -> Mapping[str, object]:
        try:
            claims: Mapping[str, object] = jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                audience=self._app_id,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"], "strict_aud": True},
            )
        except Exception as error:  # whatever a hostile token provokes is one answer: not let in
            raise Unauthorised(type(error).__name__) from None
        return claims


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except Exception:
        raise Unauthorised("token") from None
    key_id = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(key_id, str) or not key_id:
        raise Unauthorised("algorithm")
    return key_id


async def _fetch(metadata: str) -> Mapping[str, SigningKey]:
    async with ClientSession(timeout=_FETCH, raise_for_status=True) as session:
        async with session.get(metadata) as response:
            address = (await response.json(content_type=None))["jwks_uri"]
        async with session.get(address) as response:
            listed = (await response.json(content_type=None))["keys"]
    return {
        one["kid"]: SigningKey(jwt.PyJWK(one, "RS256"), _endorsed(one)) for one in listed if one.get("kty") == "RSA"
    }


def _endorsed(key: Mapping[str, object]) -> frozenset[str]:
    named = key.get("endorsements")
    return frozenset(named) if isinstance(named, list) else frozenset()
