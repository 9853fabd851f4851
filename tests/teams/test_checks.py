"""What the doctor says of Teams, without asking Microsoft."""

from __future__ import annotations

from datetime import date

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.transports import teams_checks as checks
from bot.transports.teams_checks import teams_checks
from bot.transports.teams_connector import Connector
from bot.transports.teams_port import ConnectorRefused
from bot.transports.teams_settings import TeamsSettings
from tests.contract.microsoft import APP, TENANT

SETTINGS = TeamsSettings(APP, "secret", TENANT)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("error: invalid_client, AADSTS7000222: The provided client secret keys are expired", "has expired"),
        ("AADSTS7000215: Invalid client secret provided", "is wrong"),
        ("AADSTS700016: Application was not found", "not in this tenant"),
        ("something else", "no token"),
    ],
)
async def test_a_refused_sign_in_is_explained(monkeypatch: pytest.MonkeyPatch, told: str, said: str) -> None:
    """Each of Microsoft's reasons in words, with what to do; the channel is not tried without a token."""

    async def refused(_: Connector) -> None:
        raise ConnectorRefused(401) from PermissionError(told)

    monkeypatch.setattr(Connector, "sign_in", refused)
    found = {check.part: check for check in await teams_checks(SETTINGS, TODAY)}
    assert said in found["Teams registration"].said
    assert found["Teams registration"].mend
    assert "Teams leadership channel" not in found


@pytest.mark.parametrize(
    ("ends", "ok"), [(date(2026, 12, 1), False), (date(2026, 11, 1), False), (date(2027, 6, 1), True)]
)
async def test_a_secret_about_to_end_is_told_in_time(monkeypatch: pytest.MonkeyPatch, ends: date, ok: bool) -> None:
    """A month before, so that nobody finds out by silence."""

    async def fine(*_: object) -> None:
        return None

    monkeypatch.setattr(Connector, "sign_in", fine)
    monkeypatch.setattr(Connector, "reach", fine)
    found = {check.part: check.ok for check in await teams_checks(SETTINGS, TODAY, ends)}
    assert found["Teams secret"] is ok


async def test_the_endpoint_is_known_by_its_answer() -> None:
    """Charter takes no GET; a page of the proxy's, or nothing at all, is not Charter."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="welcome to nginx")

    app = web.Application()
    app.router.add_post("/api/messages", page)
    app.router.add_get("/other", page)
    async with TestServer(app) as server:
        assert (await checks._endpoint(str(server.make_url("/api/messages")))).ok
        assert not (await checks._endpoint(str(server.make_url("/other")))).ok
        gone = str(server.make_url("/api/messages"))
    assert not (await checks._endpoint(gone)).ok
