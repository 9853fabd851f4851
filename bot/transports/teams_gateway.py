"""The one door between Teams and Charter, and the only file that knows botbuilder.

Inward it gives `Incoming`; outward it takes plain dicts in the shape of the Bot Connector's protocol, and our own `Place`.
The library is archived: what is known to be wrong with it is mended or gone round here, and nothing of it leaves this file.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from ipaddress import ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from botbuilder.core import CloudAdapterBase, InvokeResponse, TurnContext  # type: ignore[import-untyped]
from botbuilder.schema import (  # type: ignore[import-untyped]
    Activity,
    ActivityTypes,
    Attachment,
    ChannelAccount,
    ConversationAccount,
    ConversationParameters,
    Entity,
)
from botframework.connector.aio import ConnectorClient  # type: ignore[import-untyped]
from botframework.connector.auth import (  # type: ignore[import-untyped]
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
    MicrosoftAppCredentials,
)
from msrest.exceptions import ClientRequestError, HttpOperationError

from bot.transports.guards import note_failure, read_json
from bot.transports.teams_activity import (
    Body,
    Incoming,
    Kind,
    Malformed,
    Place,
    allowed_host,
    parse,
    service_url,
    tenant,
)
from bot.transports.teams_port import ConnectorRefused, NotStored, Plain, Receive
from bot.transports.teams_settings import LOOPBACK, TeamsSettings
from bot.transports.teams_tokens import CHANNEL, Claims, SigningKeys, Tokens, Unauthorised

SCOPE = "https://api.botframework.com"
RETRIED = frozenset({412, 429, 502, 503, 504})
"""Answers of the Connector after which the same call may succeed, as its rate-limit page lists them."""

_TRIES = 4
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0
_TOKEN_KEPT = 240.0
_CALL_SECONDS = 10

_log = structlog.get_logger()


class Foreign(Exception):
    """The request is Microsoft's, but from a school that is not ours."""


class Gateway:
    """Takes requests at /api/messages: who is it, what is it, is it kept; and only then is it acknowledged."""

    def __init__(self, settings: TeamsSettings, connector: Connector, receive: Receive) -> None:
        self._settings = settings
        self._tokens = Tokens(settings.app_id, SigningKeys(settings.metadata))
        self._clients = connector.clients
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
        if not self._clients.may_call(address):
            raise Unauthorised("serviceUrl")
        if claims and (
            address != claims.service_url or body.get("channelId") != CHANNEL or CHANNEL not in claims.channels
        ):
            raise Unauthorised("channel")
        if (claims or self._settings.tenant) and tenant(body) != self._settings.tenant:
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


class Connector:
    """Implements `Outward` with the library's client."""

    def __init__(self, settings: TeamsSettings, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.clients = _Clients(settings)
        self._pause = pause

    async def post(self, place: Place, message: Plain) -> str:
        """Write in a conversation; returns the message's id."""
        activity = _outward(place, message)
        sent = await self._tried(place, lambda api: api.send_to_conversation(place.conversation, activity))
        return str(sent.id or "") if sent else ""

    async def update(self, place: Place, message_id: str, message: Plain) -> None:
        """Replace a message for everybody who sees it."""
        activity = _outward(place, message)
        activity.id = message_id
        await self._tried(place, lambda api: api.update_activity(place.conversation, message_id, activity))

    async def typing(self, place: Place) -> None:
        """Show that an answer is on its way."""
        await self.post(place, {"type": ActivityTypes.typing})

    async def begin_thread(self, place: Place, message: Plain) -> tuple[Place, str]:
        """Start a thread in the channel `place`; returns the thread and the id of its first message."""
        asked = ConversationParameters(
            is_group=True,
            bot=ChannelAccount(id=place.bot) if place.bot else None,
            channel_data={"channel": {"id": place.conversation}, "tenant": {"id": place.tenant}},
            tenant_id=place.tenant,
            activity=_outward(place, message),
        )
        made = await self._tried(place, lambda api: api.create_conversation(asked))
        return replace(place, conversation=str(made.id)), str(made.activity_id or "")

    async def open_chat(self, place: Place, account: str) -> Place:
        """The personal chat with somebody, made when there is none; `place` gives address, tenant and bot."""
        asked = ConversationParameters(
            is_group=False,
            bot=ChannelAccount(id=place.bot) if place.bot else None,
            members=[ChannelAccount(id=account)],
            channel_data={"tenant": {"id": place.tenant}},
            tenant_id=place.tenant,
        )
        made = await self._tried(place, lambda api: api.create_conversation(asked))
        return Place(place.service_url, place.tenant, str(made.id), place.bot)

    async def reach(self, place: Place) -> None:
        """Ask who is in a conversation, to see whether Charter is. Raises ConnectorRefused when it is not."""
        await self._tried(place, lambda api: api.get_teams_conversation_paged_members(place.conversation))

    async def sign_in(self) -> None:
        """Get a token for the Connector, as doctor does. Raises ConnectorRefused when Microsoft gives none."""
        await self.clients.sign_in()

    async def _tried(self, place: Place, call: Callable[[Any], Awaitable[Any]]) -> Any:
        for attempt in range(_TRIES):
            try:
                await self.clients.sign_in()
                client = await self.clients.create(place.service_url)
                return await call(client.conversations)
            except (HttpOperationError, ClientRequestError) as error:
                refused = _as_refused(error)
            if attempt + 1 == _TRIES or refused.status not in RETRIED or refused.wait > _LONGEST_WAIT:
                raise refused
            await self._pause(max(refused.wait, _FIRST_WAIT * 2**attempt) * random.uniform(1.0, 1.5))  # noqa: S311
        raise AssertionError("the last try returns or raises")


class _Clients(ConnectorFactory):  # type: ignore[misc]
    """One client for each address and one set of credentials, for all turns: the library would make new ones for each."""

    def __init__(self, settings: TeamsSettings) -> None:
        self._settings = settings
        self._credentials = _Credentials(settings)
        self._made: dict[str, ConnectorClient] = {}

    def may_call(self, address: str) -> bool:
        """Whether an address is the Connector's: Microsoft's hosts, or this computer in development."""
        if not self._settings.development:
            return allowed_host(address, self._settings.hosts)
        try:
            return urlsplit(address).scheme == "http" and urlsplit(address).hostname in LOOPBACK
        except ValueError:
            return False

    async def create(self, service_url: str, audience: str | None = None) -> ConnectorClient:  # noqa: ARG002
        """The client for an address. Raises ConnectorRefused for one that is not the Connector's."""
        if not self.may_call(service_url):
            raise ConnectorRefused(HTTPStatus.FORBIDDEN)
        if service_url not in self._made:
            client = ConnectorClient(self._credentials, base_url=service_url)
            client.config.connection.timeout = _CALL_SECONDS
            # Cards are JSON already: the library would copy them value by value, which costs more than all else it does.
            client.conversations._serialize.serialize_type["object"] = _as_it_is
            self._made[service_url] = client
        return self._made[service_url]

    async def sign_in(self) -> None:
        """Hold a token that is still good."""
        await self._credentials.refresh()


class _Credentials(MicrosoftAppCredentials):  # type: ignore[misc]
    """One sign-in for all turns. Microsoft is waited for in a thread, never in the event loop."""

    def __init__(self, settings: TeamsSettings) -> None:
        super().__init__(settings.app_id, settings.password, settings.tenant or None, SCOPE)
        self._token = ""
        self._since = -_TOKEN_KEPT
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Ask for the token anew every few minutes; the library gives the same one until it is about to end."""
        async with self._lock:
            if not self.microsoft_app_id or monotonic() - self._since < _TOKEN_KEPT:
                return
            try:
                self._token = await asyncio.to_thread(self.get_access_token)
            except Exception as error:
                raise ConnectorRefused(HTTPStatus.UNAUTHORIZED) from error
            self._since = monotonic()

    def signed_session(self, session: Any = None) -> Any:
        """Put the token that is held on a session."""
        if self._token:
            session.headers["Authorization"] = f"Bearer {self._token}"
        return session


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


class _AnyEntity(Entity):  # type: ignore[misc]
    """An entity that keeps all its keys; the library's own drops those it does not know."""

    def __init__(self, plain: Plain) -> None:
        super().__init__()
        self._attribute_map = {f"key_{n}": {"key": key, "type": "object"} for n, key in enumerate(plain)}
        for number, value in enumerate(plain.values()):
            setattr(self, f"key_{number}", value)


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


def _outward(place: Place, message: Plain) -> Activity:
    told: Any = message
    return Activity(
        type=told.get("type", ActivityTypes.message),
        from_property=ChannelAccount(id=place.bot) if place.bot else None,
        conversation=ConversationAccount(id=place.conversation),
        text=told.get("text"),
        text_format="plain" if told.get("text") else None,
        summary=told.get("summary"),
        attachments=[
            Attachment(content_type=a["contentType"], content=a["content"]) for a in told.get("attachments", ())
        ],
        entities=[_AnyEntity(entity) for entity in told.get("entities", ())] or None,
        channel_data=told.get("channelData"),
    )


def _as_it_is(plain: object, **_: object) -> object:
    return plain


def _as_refused(error: Exception) -> ConnectorRefused:
    response = getattr(error, "response", None)
    if response is None:
        return ConnectorRefused(0)
    asked = str(response.headers.get("Retry-After", ""))
    return ConnectorRefused(int(response.status_code), float(asked) if asked.isdecimal() else 0.0)


def _refused(status: int, reason: str) -> web.Response:
    _log.info("teams_refused", status=int(status), reason=reason)
    return web.Response(status=status)
