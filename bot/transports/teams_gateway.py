"""The one door between Teams and Charter, and the only file that knows botbuilder.

Inward it gives `Incoming`; for the way out, which `teams_connector` goes, it signs in. The library is archived: what is known
to be wrong with it is mended or gone round here, and nothing of it leaves this file.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from ipaddress import ip_address
from time import monotonic
from typing import Any

import structlog
from aiohttp import web
from botbuilder.core import CloudAdapterBase, InvokeResponse, TurnContext  # type: ignore[import-untyped]
from botbuilder.schema import (  # type: ignore[import-untyped]
    Activity,
    ActivityTypes,
    ChannelAccount,
    ConversationAccount,
)
from botframework.connector.auth import (  # type: ignore[import-untyped]
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
    MicrosoftAppCredentials,
)

from bot.transports.guards import note_failure, read_json
from bot.transports.teams_activity import (
    Body,
    Incoming,
    Kind,
    Malformed,
    parse,
    service_url,
    tenant,
)
from bot.transports.teams_connector import may_call
from bot.transports.teams_port import ConnectorRefused, NotStored, Receive
from bot.transports.teams_settings import TeamsSettings
from bot.transports.teams_tokens import CHANNEL, Claims, SigningKeys, Tokens, Unauthorised

SCOPE = "https://api.botframework.com"
_TOKEN_KEPT = 240.0

_log = structlog.get_logger()


class Foreign(Exception):
    """The request is Microsoft's, but from a school that is not ours."""


class Gateway:
    """Takes requests at /api/messages: who is it, what is it, is it kept; and only then is it acknowledged."""

    def __init__(self, settings: TeamsSettings, receive: Receive) -> None:
        self._settings = settings
        self._tokens = Tokens(settings.app_id, SigningKeys(settings.metadata))
        self._clients = _NoClients()
        self._adapter = _Adapter(_NoAuthentication())
        self._receive = receive

    def register(self, app: web.Application) -> None:
        """Add the endpoint to an application."""
        app.router.add_post("/api/messages", self.handle)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request. Whatever is wrong is told by a status alone; the log gets a word and no content."""
        try:
            return await self._answered(request)
        except Unauthorised as error:
            return _refused(HTTPStatus.UNAUTHORIZED, str(error))
        except Foreign:
            return _refused(HTTPStatus.FORBIDDEN, "tenant")
        except Malformed as error:
            return _refused(HTTPStatus.BAD_REQUEST, str(error))
        except web.HTTPException as error:
            return _refused(error.status, "body")
        except NotStored as error:
            note_failure("teams_not_stored", error)
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception as error:
            note_failure("teams_failed", error)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _answered(self, request: web.Request) -> web.Response:
        claims = await self._let_in(request)
        body = await read_json(request)
        self._check_origin(body, claims)
        incoming = parse(body)
        answer = await self._turn(incoming)
        return web.json_response(answer.body, status=answer.status) if answer else web.Response(status=HTTPStatus.OK)

    async def _let_in(self, request: web.Request) -> Claims | None:
        """The token's claims; None in development, when the caller is this computer."""
        if not self._settings.development:
            given = request.headers.getall("Authorization", [])
            return await self._tokens.check(given[0] if len(given) == 1 else "")
        if not request.remote or not ip_address(request.remote).is_loopback:
            raise Unauthorised("development")
        return None

    def _check_origin(self, body: Body, claims: Claims | None) -> None:
        """Only Teams, only Microsoft's addresses, only our tenant."""
        address = service_url(body)
        if not may_call(self._settings, address):
            raise Unauthorised("serviceUrl")
        if claims and (
            address != claims.service_url or body.get("channelId") != CHANNEL or CHANNEL not in claims.channels
        ):
            raise Unauthorised("channel")
        ours, named = self._settings.tenant, tenant(body)
        # In development the caller is this computer, and Microsoft's emulator names no tenant with a rating.
        if named not in ({ours} if claims else {ours or named, ""}):
            raise Foreign

    async def _turn(self, incoming: Incoming) -> Any:
        """Hand the activity through the adapter. The library's invoke response comes back, or None for all else."""

        async def logic(context: TurnContext) -> None:
            reply = await self._receive(incoming)
            if incoming.kind is Kind.INVOKE and reply:
                value = InvokeResponse(status=reply.status, body=dict(reply.body))
                await context.send_activity(Activity(type=ActivityTypes.invoke_response, value=value))

        let_in = AuthenticateRequestResult()
        let_in.claims_identity = ClaimsIdentity({"aud": self._settings.app_id}, True)
        let_in.audience, let_in.connector_factory = SCOPE, self._clients
        return await self._adapter.process_activity(let_in, _inward(incoming), logic)


class Credentials(MicrosoftAppCredentials):  # type: ignore[misc]
    """Implements `SignIn`: one sign-in for all turns. Microsoft is waited for in a thread, never in the event loop."""

    def __init__(self, settings: TeamsSettings) -> None:
        super().__init__(settings.app_id, settings.password, settings.tenant or None, SCOPE)
        self._token = ""
        self._since = -_TOKEN_KEPT
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """The token, asked for anew every few minutes; the library gives the same one until it is about to end."""
        async with self._lock:
            if self.microsoft_app_id and monotonic() - self._since >= _TOKEN_KEPT:
                try:
                    self._token = await asyncio.to_thread(self.get_access_token)
                except Exception as error:
                    raise ConnectorRefused(HTTPStatus.UNAUTHORIZED) from error
                self._since = monotonic()
            return self._token


class _Adapter(CloudAdapterBase):  # type: ignore[misc]
    """The library's adapter without its HTTP handler, which answers every invoke that has a body with an error."""


class _NoAuthentication(BotFrameworkAuthentication):  # type: ignore[misc]
    """The library asks this for what it must not do here: requests are let in by our own check alone."""

    async def authenticate_request(self, activity: Any, auth_header: str) -> Any:  # noqa: ARG002
        """Refuse: `Tokens` decides."""
        raise PermissionError

    async def authenticate_streaming_request(self, auth_header: str, channel_id_header: str) -> Any:  # noqa: ARG002
        """Refuse: there are no streams."""
        raise PermissionError

    def create_connector_factory(self, claims_identity: Any) -> Any:  # noqa: ARG002
        """Refuse: `Connector` sends."""
        raise PermissionError

    async def create_user_token_client(self, claims_identity: Any) -> None:
        """None: nobody signs in through Charter."""


class _NoClients(ConnectorFactory):  # type: ignore[misc]
    """The adapter wants a client for each turn and is given one that can do nothing: `Connector` sends."""

    async def create(self, service_url: str, audience: str) -> object:  # noqa: ARG002
        """Something that is not None, which is all the adapter looks at."""
        return object()


def _inward(incoming: Incoming) -> Activity:
    """Only what the adapter needs to route an answer: the content stays with us."""
    return Activity(
        type=ActivityTypes.invoke if incoming.kind is Kind.INVOKE else ActivityTypes.event,
        id=incoming.id,
        channel_id=CHANNEL,
        service_url=incoming.place.service_url,
        conversation=ConversationAccount(id=incoming.place.conversation),
        from_property=ChannelAccount(id=incoming.user),
        recipient=ChannelAccount(id=incoming.place.bot),
    )


def _refused(status: int, reason: str) -> web.Response:
    _log.info("teams_refused", status=int(status), reason=reason)
    return web.Response(status=status)
