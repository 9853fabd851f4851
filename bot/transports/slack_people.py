"""Who somebody in Slack is to the school. Everything that is not sure is refused."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum

import aiohttp

from bot.model import Person, Platform
from bot.transports.slack_web import Account, Identity, SlackWeb, WebError

KEPT = 600.0
"""Seconds for which Slack's word on a member is believed."""
_NOT_A_USER = "USLACKBOT"


class Unserved(StrEnum):
    """Why somebody is not served: from another workspace, not on the roster, or no person at all."""

    STRANGER = "stranger"
    UNLISTED = "unlisted"
    NOBODY = "nobody"


class People:
    """The roster by Slack account. Guests of the workspace are people like any other. `names` are those on it, by account."""

    def __init__(self, people: Sequence[Person], web: SlackWeb, me: Identity) -> None:
        listed = {person.accounts[Platform.SLACK]: person for person in people if Platform.SLACK in person.accounts}
        self._listed = listed
        self._accounts = {person.id: account for account, person in listed.items()}
        self._web = web
        self._me = me
        self.names = {account: person.name for account, person in listed.items()}
        self._seen: dict[str, tuple[float, Account | None]] = {}

    def account(self, person: str) -> str | None:
        """The Slack account of a person on the roster."""
        return self._accounts.get(person)

    async def who(self, user: str, team: str) -> Person | Unserved:
        """The person behind an account. `team` is the workspace that came with the event, or nothing."""
        if user in (_NOT_A_USER, self._me.user, ""):
            return Unserved.NOBODY
        if team and team != self._me.team:
            return Unserved.STRANGER
        told = await self._told(user)
        if told is not None:
            if told.bot or told.deleted:
                return Unserved.NOBODY
            if told.stranger or (told.team and told.team != self._me.team):
                return Unserved.STRANGER
        elif not team:
            return Unserved.STRANGER
        return self._listed.get(user, Unserved.UNLISTED)

    async def _told(self, user: str) -> Account | None:
        """What Slack says, asked once in a while; None when it cannot be asked, and then the event itself must do."""
        at, known = self._seen.get(user, (-KEPT, None))
        if time.monotonic() - at < KEPT:
            return known
        try:
            known = await self._web.account(user)
        except (WebError, aiohttp.ClientError, TimeoutError):
            return None
        self._seen[user] = (time.monotonic(), known)
        return known
