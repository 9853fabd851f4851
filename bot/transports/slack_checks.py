"""What a doctor can see of Slack: tokens, scopes, the leadership channel, arriving events; each with how to mend it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.transports.slack import SlackSettings
from bot.transports.slack_web import METHODS, SlackWeb, WebError, open_session, quiet

EVENT_SCOPES: Mapping[str, str] = {"app_mention": "app_mentions:read", "message.im": "im:history"}
"""The scope without which Slack does not send an event."""
OTHER_SCOPES = frozenset({"commands"})
"""Scopes that go with what is in the manifest rather than with a method or an event."""
SCOPES = frozenset().union(*METHODS.values()) | frozenset(EVENT_SCOPES.values()) | OTHER_SCOPES
"""Every scope that Charter uses; the manifest asks for these and no others."""

_INSTALL = "docs/install-slack.md"
_CHALLENGE = "charter-doctor"


@dataclass(frozen=True)
class Check:
    """One thing looked at; `mend` says what to do when it is not well."""

    part: str
    ok: bool
    said: str
    mend: str = ""


async def slack_checks(settings: SlackSettings, events_url: str = "") -> tuple[Check, ...]:
    """Look at everything, in the order in which an installer meets it. Changes nothing and posts nothing.

    `events_url` is the address where Charter itself serves /slack/events, without a proxy; it is asked only when events come
    over HTTP.
    """
    session = open_session()
    try:
        web = SlackWeb(session, settings.bot_token, settings.api_url)
        token, given = await _token(web)
        if not token.ok:
            return (token,)
        arriving = await (_socket(settings, session) if settings.app_token else _http(settings, session, events_url))
        return (token, _scopes(given), await _channel(web, settings.channel), arriving)
    finally:
        await session.close()


async def _token(web: SlackWeb) -> tuple[Check, frozenset[str]]:
    try:
        me = await web.identity()
    except WebError as error:
        mend = (
            f"Install App in the app's settings: install it again, copy the Bot User OAuth Token ({_INSTALL}, step 3)."
        )
        return Check("Slack token", False, f"Slack refuses SLACK_BOT_TOKEN ({error.code})", mend), frozenset()
    except (aiohttp.ClientError, TimeoutError) as error:
        mend = "Let this computer reach slack.com on port 443, or set HTTPS_PROXY."
        return Check("Slack token", False, f"Slack is not reached ({type(error).__name__})", mend), frozenset()
    return Check("Slack token", True, f"workspace {me.name} ({me.team}), bot {me.user}"), me.scopes


def _scopes(given: frozenset[str]) -> Check:
    if not given:
        return Check("Slack scopes", True, "Slack did not say which were given")
    missing, spare = sorted(SCOPES - given), sorted(given - SCOPES)
    if missing:
        mend = "Paste manifest.json into App Manifest again, save, and install the app again."
        return Check("Slack scopes", False, f"missing: {', '.join(missing)}", mend)
    more = f"; not needed, better taken away: {', '.join(spare)}" if spare else ""
    return Check("Slack scopes", True, f"all {len(SCOPES)} are given{more}")


async def _channel(web: SlackWeb, channel: str) -> Check:
    part = "Leadership channel"
    if not channel:
        return Check(part, True, "none configured: notices go to people in private only")
    try:
        told = await web.channel(channel)
    except WebError as error:
        mend = "Check SLACK_LEADERSHIP_CHANNEL, and type /invite @Charter in that channel: a private one is invisible before."
        return Check(part, False, f"not found ({error.code})", mend)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Check(part, False, f"not reached ({type(error).__name__})", "Run this again in a moment.")
    if not told.get("is_member"):
        return Check(part, False, "Charter is not in it", "Type /invite @Charter in that channel.")
    if told.get("is_archived"):
        return Check(part, False, "it is archived", "Set SLACK_LEADERSHIP_CHANNEL to a living channel's ID.")
    if told.get("is_ext_shared") or told.get("is_pending_ext_shared"):
        mend = "Stop sharing it, or choose another: Charter posts nothing where outsiders read."
        return Check(part, False, "it is shared with another organisation", mend)
    if not told.get("is_private"):
        return Check(
            part, False, "everybody in the workspace can read it", "Make it private in the channel's settings."
        )
    return Check(part, True, "Charter is in it, and it is private")


async def _socket(settings: SlackSettings, session: aiohttp.ClientSession) -> Check:
    """Whether Slack would open a connection; the one in use is left alone."""
    part, token = "Slack events", settings.app_token
    client = AsyncWebClient(token=token, base_url=settings.api_url, session=session, logger=quiet)
    try:
        await client.apps_connections_open(app_token=token)
    except SlackApiError as error:
        code = error.response["error"]
        mend = {
            "not_allowed_token_type": "SLACK_APP_TOKEN begins with xapp-: Basic Information, App-Level Tokens.",
            "missing_scope": "Give the app-level token the scope connections:write.",
        }.get(code, "Make a new app-level token with connections:write, and turn Socket Mode on.")
        return Check(part, False, f"Socket Mode is refused ({code})", mend)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Check(
            part, False, f"Socket Mode is not reached ({type(error).__name__})", "Let wss://*.slack.com through."
        )
    return Check(part, True, "Socket Mode is open to Charter")


async def _http(settings: SlackSettings, session: aiohttp.ClientSession, url: str) -> Check:
    """Whether a running Charter answers a challenge signed as Slack would sign it."""
    part = "Slack events"
    if not url:
        return Check(part, True, "come over HTTP; whether they arrive is seen only where Charter runs")
    body, now = json.dumps({"type": "url_verification", "challenge": _CHALLENGE}), str(int(time.time()))
    signature = SignatureVerifier(settings.signing_secret).generate_signature(timestamp=now, body=body) or ""
    headers = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": now, "Content-Type": "application/json"}
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            said = await answer.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        mend = "Start Charter, then run this again on the same computer."
        return Check(part, False, f"{url} does not answer ({type(error).__name__})", mend)
    if answer.status == 401:  # noqa: PLR2004
        mend = "The running Charter has another SLACK_SIGNING_SECRET: copy it from Basic Information and restart."
        return Check(part, False, "the signature is refused", mend)
    if answer.status != 200 or _CHALLENGE not in said:  # noqa: PLR2004
        return Check(
            part, False, f"{url} answered {answer.status}", "Something else may listen there: check CHARTER_PORT."
        )
    mend = "In Event Subscriptions, the Request URL must be your public https address and say Verified."
    return Check(part, True, "a signed challenge is answered", mend)
