"""What a doctor can see of Teams: registration, secret, endpoint, leadership channel; each with how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import aiohttp

from bot.transports.teams_activity import Place, Surface
from bot.transports.teams_connector import Connector
from bot.transports.teams_gateway import Credentials
from bot.transports.teams_port import ConnectorRefused
from bot.transports.teams_settings import TeamsSettings

WARN_BEFORE = timedelta(days=30)

_INSTALL = "docs/install-teams.md"
_POST_ONLY = 405
_REASONS = {
    "AADSTS7000222": ("the client secret has expired", "Make a new secret in Azure and set MICROSOFT_APP_PASSWORD."),
    "AADSTS7000215": ("the client secret is wrong", "Set MICROSOFT_APP_PASSWORD to the secret's value, not its id."),
    "AADSTS700016": ("the app is not in this tenant", "Check MICROSOFT_APP_ID and MICROSOFT_APP_TENANT_ID."),
    "AADSTS90002": ("there is no such tenant", "Check MICROSOFT_APP_TENANT_ID."),
}


@dataclass(frozen=True)
class Check:
    """One thing looked at; `mend` says what to do when it is not well."""

    part: str
    ok: bool
    said: str
    mend: str = ""


async def teams_checks(
    settings: TeamsSettings, today: date, secret_ends: date | None = None, endpoint: str = ""
) -> tuple[Check, ...]:
    """Look at everything, in the order in which an installer meets it. Changes nothing and posts nothing.

    `secret_ends` is the day on which Azure lets the secret end; `endpoint` the public address that ends in /api/messages.
    """
    if settings.development:
        return (Check("Teams", True, "development, without authentication, on this computer only"),)
    connector = Connector(settings, Credentials(settings))
    signed_in = await _sign_in(connector)
    checks = (signed_in, _secret(today, secret_ends), await _endpoint(endpoint))
    channel = (await _channel(connector, settings),) if signed_in.ok else ()
    await connector.close()
    return (*checks, *channel)


async def _sign_in(connector: Connector) -> Check:
    try:
        await connector.sign_in()
    except ConnectorRefused as error:
        told = str(error.__cause__)
        reasons = (reason for code, reason in _REASONS.items() if f"{code}:" in told)
        said, mend = next(reasons, ("Microsoft gives no token", f"Check the three MICROSOFT_APP_ settings: {_INSTALL}"))
        return Check("Teams registration", False, said, mend)
    return Check("Teams registration", True, "Microsoft knows the app, its tenant and its secret")


def _secret(today: date, ends: date | None) -> Check:
    part = "Teams secret"
    if ends is None:
        return Check(part, True, "its last day is not noted; set CHARTER_TEAMS_SECRET_ENDS to be warned in time")
    if ends <= today + WARN_BEFORE:
        mend = "Make a new secret in Azure, set MICROSOFT_APP_PASSWORD and the new day, and start Charter again."
        return Check(part, False, f"it ends on {ends:%d %B %Y}", mend)
    return Check(part, True, f"good until {ends:%d %B %Y}")


async def _endpoint(address: str) -> Check:
    """Charter answers 405 to a browser; anything else is something else, or nothing."""
    part = "Teams endpoint"
    if not address:
        return Check(part, True, "not tried; set CHARTER_TEAMS_ENDPOINT to the address that stands in Azure")
    mend = f"The address must reach Charter over https from the internet: {_INSTALL}"
    try:
        timeout = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(address, allow_redirects=False) as got,
        ):
            ok = got.status == _POST_ONLY
            return Check(part, ok, "Charter answers" if ok else f"something answers {got.status}", mend)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Check(part, False, f"nothing answers ({type(error).__name__})", mend)


async def _channel(connector: Connector, settings: TeamsSettings) -> Check:
    part = "Teams leadership channel"
    if not settings.leadership:
        mend = "Set CHARTER_TEAMS_LEADERSHIP_CHANNEL, or leadership is told in their own chats alone."
        return Check(part, False, "not set", mend)
    place = Place(settings.service_url, settings.tenant, settings.leadership, surface=Surface.TEAM)
    try:
        await connector.reach(place)
    except ConnectorRefused as error:
        mend = "Add Charter to that team, and to the channel if it is private or shared; then check the channel's id."
        return Check(part, False, f"it cannot be reached ({error.status})", mend)
    return Check(part, True, "Charter is in it")
