"""What goes wrong on purpose, and how to see what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.model import Event, Reply
from tests.slack.conftest import School
from tests.slack.school import PRIYA
from tests.slack.workspace import BOT, Message

NOTICE = Reply("A case waits for you.", summary="Charter: a case.")


def answers(school: School, user: str = PRIYA) -> list[Message]:
    """What Charter said to somebody."""
    return [m for m in school.slack.workspace.seen_by(user) if m.user == BOT]


async def as_slack_does(school: School, event: Mapping[str, Any]) -> None:
    """Send an event again until it is acknowledged, and wait for what comes of it."""
    for retry in range(4):
        if (await school.slack.event(dict(event), id="Ev1", retry=retry)).ok:
            await school.settled()
            return
        await asyncio.sleep(0.2)
    raise AssertionError("never acknowledged")


async def failing(*_: object, **__: object) -> bool:
    """A store that fails at once."""
    raise OSError("the disk is full")


async def hanging(*_: object, **__: object) -> bool:
    """A store that does not come back."""
    await asyncio.sleep(60)
    return False


async def breaking(_: Event) -> None:
    """A turn that breaks."""
    raise RuntimeError("a fault of ours")


async def well(_: Event) -> None:
    """A turn before which nothing happens."""
