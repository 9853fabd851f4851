"""Microsoft's side of a bot, on this computer: signing keys, tokens made with them, and a Connector that takes messages."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

APP = "11111111-2222-3333-4444-555555555555"
TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
SERVICE = "https://smba.trafficmanager.net/uk/"
ISSUER = "https://api.botframework.com"
TESS_ACCOUNT = "00000000-0000-0000-0000-000000000001"
SAM_ACCOUNT = "00000000-0000-0000-0000-000000000002"

_KEYS: dict[str, rsa.RSAPrivateKey] = {}


def key(name: str) -> rsa.RSAPrivateKey:
    """A key of that name, made once."""
    if name not in _KEYS:
        _KEYS[name] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _KEYS[name]


def token(kid: str | None = "first", sign: str = "first", alg: str = "RS256", **claims: object) -> str:
    """A token that is good unless told otherwise; a claim of None is left out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": APP, "exp": now + 3600, "nbf": now - 60, "serviceurl": SERVICE}
    told = {name: value for name, value in {**good, **claims}.items() if value is not None}
    secret: Any = key(sign) if alg == "RS256" else "s" * 32 if alg == "HS256" else ""
    return jwt.encode(told, secret, algorithm=alg, headers={"kid": kid} if kid else {})


def activity(**changes: object) -> dict[str, Any]:
    """A personal message that is good unless told otherwise; a part of None is left out."""
    good: dict[str, object] = {
        "type": "message",
        "id": f"{time.time_ns()}",
        "channelId": "msteams",
        "serviceUrl": SERVICE,
        "text": "May I text a parent?",
        "from": {"id": "29:tess", "name": "Tess", "aadObjectId": TESS_ACCOUNT},
        "recipient": {"id": f"28:{APP}", "name": "Charter"},
        "conversation": {"id": "a:tess", "conversationType": "personal", "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}},
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def invoke(name: str, value: object, **changes: object) -> dict[str, Any]:
    """An invoke by name."""
    return activity(type="invoke", name=name, value=value, text=None, **changes)


class Microsoft:
    """The OpenID pages and a Connector.

    `answers` are statuses that the Connector gives first; `calls` what it was sent, `bearers` what it was shown.
    """

    def __init__(self) -> None:
        self.published: dict[str, tuple[str, ...]] = {"first": ("msteams",)}
        self.fetches = 0
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.answers: list[tuple[int, Mapping[str, str]]] = []
        self.bearers: list[str] = []
        app = web.Application()
        app.router.add_get("/openid", self._metadata)
        app.router.add_get("/keys", self._keys)
        app.router.add_route("*", "/connector/{rest:.*}", self._connector)
        self.server = TestServer(app)

    @property
    def metadata(self) -> str:
        """The address of the OpenID page."""
        return str(self.server.make_url("/openid"))

    @property
    def service(self) -> str:
        """The Connector's address."""
        return f"http://127.0.0.1:{self.server.port}/connector/"

    def sent(self) -> list[dict[str, Any]]:
        """Messages that were posted or replaced, without the typing."""
        return [body for _, _, body in self.calls if body.get("type") != "typing"]

    async def _metadata(self, _: web.Request) -> web.Response:
        self.fetches += 1
        return web.json_response({"jwks_uri": str(self.server.make_url("/keys"))})

    async def _keys(self, _: web.Request) -> web.Response:
        listed = []
        for name, endorsed in self.published.items():
            public = json.loads(RSAAlgorithm.to_jwk(key(name).public_key()))
            listed.append({**public, "kid": name, "use": "sig", "endorsements": list(endorsed)})
        return web.json_response({"keys": listed})

    async def _connector(self, request: web.Request) -> web.Response:
        if self.answers:
            status, headers = self.answers.pop(0)
            return web.json_response({"error": {"code": "x", "message": "x"}}, status=status, headers=headers)
        self.bearers += request.headers.getall("Authorization", [])
        body = await request.json()
        self.calls.append((request.method, request.path.removeprefix("/connector"), body))
        made = {"id": f"m{len(self.calls)}"}
        if request.path.endswith("/v3/conversations"):
            thread = body.get("isGroup")
            made = {"id": f"19:slt;messageid={len(self.calls)}" if thread else "a:new", "activityId": made["id"]}
        return web.json_response(made, status=201)
