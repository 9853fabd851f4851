"""Charter in Slack: one Bolt app, fed by Socket Mode or by signed HTTP, on one shared session. Read this file first.

Slack ──▶ slack_in.py         payload → who, where, what
──▶ slack_listeners.py  which of them starts what
──▶ slack_turns.py      kept in the inbox, carried out once
──▶ slack_out.py        the answer, where it belongs
──▶ slack_web.py        the Web API, with the scope of each method
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.model import Person
from bot.ports import Inbox
from bot.transports.health import Metrics
from bot.transports.slack_listeners import Listeners
from bot.transports.slack_messenger import SlackMessenger
from bot.transports.slack_out import Out, Say
from bot.transports.slack_people import People
from bot.transports.slack_socket import Socket
from bot.transports.slack_turns import Handle, Tasks, Turns
from bot.transports.slack_web import LOST_ACCESS, Identity, SlackWeb, WebError, open_session, quiet

EVENTS_PATH = "/slack/events"
SLACK_API = "https://slack.com/api/"
SOCKET_DOWN = 60.0
"""Seconds without a connection after which Charter says that it is not ready."""


class SlackRefused(Exception):
    """Slack does not let Charter in. The message says which token, and how to mend it; it holds no token."""


@dataclass(frozen=True)
class SlackSettings:
    """What Charter needs to be in one workspace. With `app_token` it connects by Socket Mode; without, Slack calls it.

    `channel` is the leadership channel's id; without one, nothing is posted to a channel.
    """

    bot_token: str = field(repr=False)
    signing_secret: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    channel: str = ""
    api_url: str = SLACK_API


def slack_settings(environ: Mapping[str, str]) -> SlackSettings | None:
    """The settings in the environment; None when nothing of Slack is given. Raises ValueError naming what is missing."""
    names = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_LEADERSHIP_CHANNEL")
    bot, secret, app, channel = (environ.get(name, "").strip() for name in names)
    if not any((bot, secret, app, channel)):
        return None
    if not bot:
        raise ValueError("SLACK_BOT_TOKEN is missing: Install App in the app's settings shows it (xoxb-…)")
    if not (secret or app):
        raise ValueError("SLACK_SIGNING_SECRET is missing, or SLACK_APP_TOKEN for Socket Mode: docs/install-slack.md")
    if not bot.startswith("xoxb-") or (app and not app.startswith("xapp-")):
        raise ValueError("SLACK_BOT_TOKEN begins with xoxb- and SLACK_APP_TOKEN with xapp-: they may be swapped")
    if channel and channel[0] not in "CG":
        raise ValueError(
            "SLACK_LEADERSHIP_CHANNEL is the channel's ID (C…), not its name: About, at the end of the list"
        )
    return SlackSettings(bot, secret, app, channel, environ.get("SLACK_API_URL", "").strip() or SLACK_API)


@dataclass(frozen=True)
class _Running:
    """What exists between start and stop."""

    session: aiohttp.ClientSession
    app: AsyncApp
    web: SlackWeb
    messenger: SlackMessenger
    sweeping: asyncio.Task[None]
    socket: Socket | None


class SlackTransport:
    """Serves one workspace.

    `handle` is the one door; `people` the roster, found by their Slack account; `say` gives the product's fixed replies by
    name; `starters` are questions to begin with, of which Slack shows four. `patience` is how many seconds a form may take
    to be stored before it stays open and says so; `grace` how many pass before an unfinished message is carried out again.
    """

    def __init__(
        self,
        settings: SlackSettings,
        handle: Handle,
        people: Sequence[Person],
        inbox: Inbox,
        metrics: Metrics,
        say: Say,
        starters: Sequence[str] = (),
        patience: float = 2.0,
        grace: float = 20.0,
    ) -> None:
        self._settings = settings
        self._handle = handle
        self._people = tuple(people)
        self._inbox = inbox
        self._metrics = metrics
        self._say = say
        self._starters = tuple(starters)
        self._patience = patience
        self._grace = grace
        self._tasks = Tasks()
        self._running: _Running | None = None
        self._lost = ""

    @property
    def messenger(self) -> SlackMessenger:
        """What delivers notices. Raises RuntimeError before the start."""
        return self._now().messenger

    @property
    def trouble(self) -> str:
        """Why Charter cannot serve Slack now, or nothing."""
        running = self._running
        if running is None:
            return "Slack is not connected yet"
        if lost := self._lost or running.web.lost:
            return f"Slack no longer lets Charter in ({lost}): install it again and give it the new token"
        if running.socket is not None and running.socket.down_for > SOCKET_DOWN:
            return "the Socket Mode connection is down"
        return ""

    def ready(self) -> bool:
        """Whether Charter can serve Slack now."""
        return not self.trouble

    def register(self, app: web.Application) -> None:
        """Add the address that Slack calls. With Socket Mode there is none."""
        if not self._settings.app_token:
            app.router.add_post(EVENTS_PATH, self._receive)

    async def start(self) -> None:
        """Connect. Raises SlackRefused when Slack does not take a token, and aiohttp's errors when it is not reached."""
        session = open_session()
        try:
            self._running = await self._begun(session)
        except BaseException:
            await session.close()
            raise

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await self._tasks.settled()

    async def stop(self) -> None:
        """Let what is under way end, then disconnect; what does not end in time stays in the inbox."""
        running, self._running = self._running, None
        if running is None:
            return
        if running.socket is not None:
            await running.socket.stop()
        running.sweeping.cancel()
        await asyncio.gather(running.sweeping, return_exceptions=True)
        await self._tasks.finish(5)
        await running.session.close()

    async def _begun(self, session: aiohttp.ClientSession) -> _Running:
        settings = self._settings
        patient = SlackWeb(session, settings.bot_token, settings.api_url)
        me = await _identity(patient)
        people = People(self._people, patient, me)
        out = Out(patient, self._say, settings.api_url)
        turns = Turns(self._handle, people, out, self._inbox, self._metrics, self._tasks, self._grace)
        app = _bolt(settings, session, me)
        listeners = Listeners(
            turns, people, out, self._tasks, self._metrics, me.user, self._starters, self._patience, self._taken_out
        )
        listeners.listen(app)
        once = SlackWeb(session, settings.bot_token, settings.api_url, patient=False)
        socket = await self._socket(app, session)
        sweeping = asyncio.create_task(turns.sweep())
        return _Running(session, app, patient, SlackMessenger(once, people, settings.channel), sweeping, socket)

    async def _socket(self, app: AsyncApp, session: aiohttp.ClientSession) -> Socket | None:
        token, url = self._settings.app_token, self._settings.api_url
        if not token:
            return None
        socket = Socket(app, token, AsyncWebClient(token=token, base_url=url, session=session, logger=quiet))
        try:
            await socket.start()
        except SlackApiError as error:
            await socket.stop()
            code = error.response["error"]
            raise SlackRefused(f"SLACK_APP_TOKEN: {code}. It needs the scope connections:write") from None
        except BaseException:
            await socket.stop()
            raise
        return socket

    async def _receive(self, request: web.Request) -> web.Response:
        """One signed request of Slack's."""
        running = self._running
        if running is None:
            return web.Response(status=503, text="not ready\n")
        try:
            asked = await to_bolt_request(request)
        except UnicodeDecodeError:
            return web.Response(status=400, text="not text\n")
        return await to_aiohttp_response(await running.app.async_dispatch(asked))

    def _taken_out(self, why: str) -> None:
        self._lost = why

    def _now(self) -> _Running:
        if self._running is None:
            raise RuntimeError("Slack is not connected yet")
        return self._running


def _bolt(settings: SlackSettings, session: aiohttp.ClientSession, me: Identity) -> AsyncApp:
    """A Bolt app that knows who it is without asking, and answers Slack when its listener has returned."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot, bot_token=settings.bot_token
        )

    return AsyncApp(
        name="charter",
        logger=quiet,
        client=AsyncWebClient(base_url=settings.api_url, session=session, logger=quiet),
        signing_secret=settings.signing_secret,
        authorize=authorize,
        process_before_response=True,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )


async def _identity(web_api: SlackWeb) -> Identity:
    try:
        return await web_api.identity()
    except WebError as error:
        mend = "install the app again and copy the new token" if error.code in LOST_ACCESS else "docs/install-slack.md"
        raise SlackRefused(f"SLACK_BOT_TOKEN: {error.code}; {mend}") from None
