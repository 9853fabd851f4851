"""Joins the parts of Charter in Teams, so that the wiring names them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.model import Person
from bot.ports import Inbox
from bot.transports.health import Metrics
from bot.transports.teams import Handle, TeamsTransport
from bot.transports.teams_connector import Connector
from bot.transports.teams_gateway import Credentials, Gateway
from bot.transports.teams_messenger import TeamsMessenger
from bot.transports.teams_places import Places, Shelf
from bot.transports.teams_settings import TeamsSettings
from bot.transports.teams_showing import Standing


@dataclass(frozen=True)
class Teams:
    """Charter in Teams. `messenger` delivers notices; `connector` lets doctor try the registration."""

    connector: Connector
    messenger: TeamsMessenger
    transport: TeamsTransport
    gateway: Gateway

    def register(self, app: web.Application) -> None:
        """Add the endpoint, and what to do when the application starts and stops."""
        self.transport.register(app)
        self.gateway.register(app)
        app.on_cleanup.append(self.connector.close)


def set_up(
    settings: TeamsSettings,
    handle: Handle,
    people: Sequence[Person],
    inbox: Inbox,
    shelf: Shelf,
    standing: Standing,
    metrics: Metrics,
) -> Teams:
    """Make everything."""
    connector, places = Connector(settings, Credentials(settings)), Places(shelf)
    messenger = TeamsMessenger(settings, people, connector, places)
    transport = TeamsTransport(handle, people, inbox, connector, places, messenger, standing, metrics)
    return Teams(connector, messenger, transport, Gateway(settings, transport.receive))
