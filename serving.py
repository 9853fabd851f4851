"""Joins every port with what implements it, and serves: the browser preview, or Slack and Teams where they are configured."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.casework import Casework
from bot.clock import SystemClock
from bot.consider import Consider
from bot.errors import SettingsError
from bot.formwork import Formwork
from bot.model import Platform
from bot.notices.cards import Cards, Handle
from bot.notices.compose import Composer
from bot.notices.failures import Gauges
from bot.notices.watch import Watch
from bot.notices.worker import Worker
from bot.ports import Messenger, Reader
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.school import School
from bot.settings import EXAMPLE_SCHOOL, Settings, load_school, secret_keys
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.inbox import SqlInbox
from bot.storage.memory import SqlMemory
from bot.storage.outbox import SqlOutbox
from bot.storage.preview import SqlMessageLog
from bot.storage.sealing import Sealer
from bot.storage.shelf import SqlShelf
from bot.talk import Talk
from bot.transports.health import Metrics, Ready, register_health
from bot.transports.post import Post
from bot.transports.slack import SlackRefused, SlackSettings, SlackTransport, slack_settings
from bot.transports.teams_settings import TeamsSettings, TeamsSettingsError, read_teams
from bot.transports.teams_setup import Teams, set_up
from bot.transports.teams_showing import Standing
from bot.transports.web import WebTransport
from bot.transports.web_rooms import Rooms, WebMessenger
from bot.transports.web_turns import Turns
from bot.turn import Charter
from guidance_kb.library import Library

STARTERS = (
    "Can I accept a friend request from a parent in my social circle?",
    "A student has asked to follow me on Instagram. Can I accept?",
    "Can I text a parent from my own phone on a trip?",
    "I'm new here. What should I do about my own accounts?",
)
PREVIEW_LEASE, PLATFORM_LEASE, PLATFORM_GAP = 10.0, 60.0, 1.0
"""Seconds: when a notice that a stopped process had in hand is sent again, and the pause between two to one place."""


@dataclass(frozen=True)
class Platforms:
    """What the environment configures; none of them means the preview."""

    slack: SlackSettings | None
    teams: TeamsSettings | None

    @property
    def connected(self) -> frozenset[Platform]:
        """The platforms that people can be reached on."""
        given = {Platform.SLACK: self.slack, Platform.TEAMS: self.teams}
        return frozenset(platform for platform, one in given.items() if one) or frozenset({Platform.WEB})

    @property
    def channel(self) -> Platform | None:
        """Where the leadership channel is."""
        if self.slack and self.slack.channel:
            return Platform.SLACK
        return Platform.TEAMS if self.teams and self.teams.leadership else None


def platforms(settings: Settings) -> Platforms:
    """Read the environment. Raises SettingsError for a platform that is half configured, or set up like a preview."""
    try:
        found = Platforms(slack_settings(os.environ), read_teams(os.environ, settings.host))
    except (ValueError, TeamsSettingsError) as error:
        raise SettingsError(str(error)) from error
    if (found.slack or found.teams) and (settings.secret_keys is None or settings.school == EXAMPLE_SCHOOL):
        raise SettingsError(
            "on a platform Charter needs the school's own CHARTER_SCHOOL and CHARTER_SECRET_KEYS (README)"
        )
    return found


@dataclass(frozen=True)
class Parts:
    """Everything that does not depend on the platform."""

    school: School
    handle: Handle
    cards: Cards
    desk: Desk
    replies: Replies
    composer: Composer
    store: SqlCaseStore
    outbox: SqlOutbox
    inbox: SqlInbox
    metrics: Metrics
    clock: SystemClock
    wake: asyncio.Event
    sealer: Sealer

    def worker(self, messenger: Messenger, lease: float, gap: float = 0.0) -> Worker:
        """What delivers notices through this messenger."""
        compose, wake = self.composer.compose, self.wake
        return Worker(self.outbox, messenger, compose, self.clock, wake, lease, gap, self.cards)

    def watch(self) -> Watch:
        """What reminds and hands on."""
        calendar = self.school.calendar
        return Watch(self.desk, self.store, self.outbox, self.clock, calendar, Gauges(self.metrics.registry), self.wake)


async def serve(settings: Settings, library: Library, reader: Reader, replies: Replies) -> None:
    """Serve until the process is told to stop. Raises SettingsError when the settings do not allow it."""
    logging.basicConfig(level=logging.WARNING)
    chosen = platforms(settings)
    database = await open_database(settings.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await database.stamp("preview" if chosen.connected == {Platform.WEB} else "school")
        parts = _parts(settings, database, library, reader, replies, chosen.connected)
        serving = _preview if chosen.connected == {Platform.WEB} else _platforms
        await stack.enter_async_context(serving(settings, database, parts, chosen))
        print(f"Charter is ready: http://{settings.host}:{settings.port}", flush=True)
        await _stopped()


def _parts(
    settings: Settings,
    database: Database,
    library: Library,
    reader: Reader,
    replies: Replies,
    connected: frozenset[Platform],
) -> Parts:
    school, clock, words = load_school(settings.school), SystemClock(), TemplateWords.load()
    sealer, wake = Sealer(secret_keys(settings)), asyncio.Event()
    store, outbox, memory = SqlCaseStore(database, sealer), SqlOutbox(database), SqlMemory(database, sealer, clock)
    roster = Roster(school.people, connected=connected)
    desk = Desk(store, roster, clock, school.numbers(), wake, patience=school.calendar.due, table=school.routes())
    charter = Charter(
        Talk(Consider(reader, library), replies, memory),
        Formwork(desk, replies, memory, reader, school, clock),
        Casework(desk, replies, words, school, clock),
    )
    composer, inbox, cards = (
        Composer(desk, words, clock, school.calendar),
        SqlInbox(database, sealer, clock),
        Cards(wake),
    )
    handle = cards.following(charter.handle)
    return Parts(school, handle, cards, desk, replies, composer, store, outbox, inbox, Metrics(), clock, wake, sealer)


@asynccontextmanager
async def _preview(settings: Settings, database: Database, parts: Parts, _: Platforms) -> AsyncIterator[None]:
    rooms = Rooms(parts.school.people, SqlMessageLog(database, parts.sealer), parts.clock)
    trouble, app = parts.replies.plain("trouble"), web.Application()
    turns = Turns(parts.handle, rooms, parts.inbox, parts.metrics, trouble)
    WebTransport(rooms, turns, STARTERS, trouble, parts.school.name).register(app)
    register_health(app, _ready(database), parts.metrics)
    async with _listening(app, settings), _working(parts.worker(WebMessenger(rooms), PREVIEW_LEASE), parts.watch()):
        yield


@asynccontextmanager
async def _platforms(settings: Settings, database: Database, parts: Parts, chosen: Platforms) -> AsyncIterator[None]:
    """Slack, Teams or both, on one server. Slack is connected before the first notice goes out."""
    app, messengers = web.Application(), dict[Platform, Messenger]()
    handle, people, plain = parts.handle, parts.school.people, parts.replies.plain
    slack = None
    if chosen.slack:
        slack = SlackTransport(chosen.slack, handle, people, parts.inbox, parts.metrics, plain, STARTERS)
        slack.register(app)
    if chosen.teams:
        teams = _teams(chosen.teams, database, parts)
        teams.register(app)
        messengers[Platform.TEAMS] = teams.messenger
    register_health(app, _ready(database, slack), parts.metrics)
    async with _listening(app, settings), AsyncExitStack() as stack:
        if slack:
            try:
                await slack.start()
            except SlackRefused as error:
                raise SettingsError(str(error)) from error
            stack.push_async_callback(slack.stop)
            messengers = {Platform.SLACK: slack.messenger, **messengers}
        post = Post(messengers, people, chosen.channel)
        await stack.enter_async_context(_working(parts.worker(post, PLATFORM_LEASE, PLATFORM_GAP), parts.watch()))
        yield


def _teams(settings: TeamsSettings, database: Database, parts: Parts) -> Teams:
    plain = parts.replies.plain
    standing = Standing(
        welcome=plain("about", safeguarding=False),
        stranger=plain("unlisted"),
        no_files=plain("no_files"),
        not_stored=plain("not_stored"),
        trouble=plain("trouble"),
        starters=STARTERS,
    )
    shelf = SqlShelf(database, parts.sealer)
    return set_up(settings, parts.handle, parts.school.people, parts.inbox, shelf, standing, parts.metrics)


@asynccontextmanager
async def _listening(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        yield
    except OSError as error:
        raise SettingsError(f"port {settings.port} cannot be used ({error.strerror}); set CHARTER_PORT") from error
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _working(worker: Worker, watch: Watch) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()), asyncio.create_task(watch.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _ready(database: Database, slack: SlackTransport | None = None) -> Ready:
    async def ready() -> bool:
        await database.ping()
        return slack is None or slack.ready()

    return ready


async def _stopped() -> None:
    stop = asyncio.Event()
    for told in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    await stop.wait()
