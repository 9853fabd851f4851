"""How Charter stands in Teams, from the environment. A half-given setting stops the start with its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.transports.teams_tokens import METADATA

CONNECTOR_HOSTS = ("smba.trafficmanager.net", "botframework.com")
"""Where Microsoft's Bot Connector answers; a token or a reply goes nowhere else."""

CONNECTOR = "https://smba.trafficmanager.net/teams/"
"""The address for a conversation that Teams has not yet told us one for."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")

_NAMES = ("MICROSOFT_APP_ID", "MICROSOFT_APP_PASSWORD", "MICROSOFT_APP_TENANT_ID")


class TeamsSettingsError(ValueError):
    """A setting for Teams is missing or must not be so; the text says which and what to do."""


@dataclass(frozen=True)
class TeamsSettings:
    """The bot's registration. `leadership` is the channel id of the leadership channel; without one, none is posted to.

    `development`: no authentication, this computer only, for Microsoft's Agents Playground.
    """

    app_id: str = ""
    password: str = field(default="", repr=False)
    tenant: str = ""
    leadership: str = ""
    service_url: str = CONNECTOR
    development: bool = False
    hosts: tuple[str, ...] = CONNECTOR_HOSTS
    metadata: str = METADATA


def read_teams(environment: Mapping[str, str], host: str) -> TeamsSettings | None:
    """The settings for Teams, or None when it is off. Raises TeamsSettingsError for half of them, or an open door.

    `host` is the address that Charter listens on.
    """
    given = {name: environment.get(name, "").strip() for name in _NAMES}
    leadership = environment.get("CHARTER_TEAMS_LEADERSHIP_CHANNEL", "").strip()
    if environment.get("CHARTER_TEAMS_DEVELOPMENT") == "1":
        return _development(given, leadership, environment.get("CHARTER_TEAMS_SERVICE_URL", CONNECTOR), host)
    if not any(given.values()):
        return None
    if missing := [name for name, value in given.items() if not value]:
        raise TeamsSettingsError(f"Teams is half configured: set {', '.join(missing)}, or unset the others")
    app_id, password, tenant = given.values()
    address = environment.get("CHARTER_TEAMS_SERVICE_URL", CONNECTOR)
    return TeamsSettings(app_id.lower(), password, tenant.lower(), leadership, address)


def _development(given: Mapping[str, str], leadership: str, address: str, host: str) -> TeamsSettings:
    """Without authentication: only when nobody but this computer can reach it, and no real registration is given."""
    if host not in LOOPBACK:
        raise TeamsSettingsError("CHARTER_TEAMS_DEVELOPMENT=1 lets anybody in: CHARTER_HOST must be 127.0.0.1")
    if given["MICROSOFT_APP_ID"] or given["MICROSOFT_APP_PASSWORD"]:
        raise TeamsSettingsError(
            "CHARTER_TEAMS_DEVELOPMENT=1 is for the Playground: unset it, or unset MICROSOFT_APP_ID"
        )
    tenant = given["MICROSOFT_APP_TENANT_ID"].lower()
    return TeamsSettings("", "", tenant, leadership, address, development=True, hosts=())
