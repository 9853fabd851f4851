"""The rooms of the browser preview: who hears at once what is said there, notices among it, and how it is kept."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from cryptography.fernet import Fernet

from bot.model import Choice, Destination, Gone, Reply, Sent
from bot.preview import Line, MessageLog
from bot.storage.database import open_database
from bot.storage.preview import SqlMessageLog
from bot.storage.sealing import Sealer
from bot.transports.web_rooms import WebMessenger
from tests.integration.preview import SECRET, TROUBLE, Preview
from tests.small_school import HandClock


class Ear:
    """Reads a stream of server-sent events."""

    def __init__(self, response: ClientResponse) -> None:
        self._lines = response.content

    async def next(self) -> tuple[str, dict[str, object]]:
        """The next event's name and data."""
        async with asyncio.timeout(5):
            name = (await self._lines.readline()).decode().removeprefix("event: ").strip()
            data = (await self._lines.readline()).decode().removeprefix("data: ")
            await self._lines.readline()
        return name, json.loads(data)


async def test_a_listener_hears_only_what_its_people_may_read(preview: Preview) -> None:
    """Tess hears her own room; nothing of the channel or of Hannah's inbox comes down her stream."""
    messenger = WebMessenger(preview.rooms)
    async with preview.client.get("/preview/events?as=tess") as response:
        ear = Ear(response)
        assert await ear.next() == ("hello", {"rooms": {"dm:tess": 0}})
        await messenger.send(Destination(), Reply("Channel"), "1")
        await messenger.send(Destination("hannah"), Reply("Hannah"), "2")
        await messenger.send(Destination("tess"), Reply("Tess"), "3")
        name, message = await ear.next()
    assert (name, message["room"], message["author"]) == ("message", "dm:tess", None)
    assert "Tess" in str(message["html"])


async def test_a_leader_hears_the_channel_too(preview: Preview) -> None:
    """The greeting counts each readable room's lines, so that unread ones can be told."""
    await WebMessenger(preview.rooms).send(Destination(), Reply("Channel"), "1")
    async with preview.client.get("/preview/events?as=hannah&as=tess") as response:
        _, hello = await Ear(response).next()
    assert hello == {"rooms": {"dm:hannah": 0, "leadership": 1, "dm:tess": 0}}


@pytest.mark.parametrize(("query", "status"), [("", 400), ("?as=nobody", 403), ("?as=tess&as=nobody", 403)])
async def test_a_stream_needs_people_that_exist(preview: Preview, query: str, status: int) -> None:
    """A stream for a stranger is refused."""
    assert (await preview.client.get(f"/preview/events{query}")).status == status


async def test_a_notice_stands_once_per_key(preview: Preview) -> None:
    """A notice sent again is not shown again; one for somebody unknown can never be delivered."""
    messenger = WebMessenger(preview.rooms)
    for _ in range(2):
        assert isinstance(await messenger.send(Destination("hannah"), Reply("A case"), "n1"), Sent)
    assert preview.leads("dm:hannah") == ["A case"]
    assert isinstance(await messenger.send(Destination("nobody"), Reply("A case"), "n2"), Gone)


async def test_a_browser_that_falls_behind_is_let_go(preview: Preview) -> None:
    """A page that reads nothing cannot fill the memory: its stream ends and it connects again."""
    with preview.rooms.listening() as listener:
        for number in range(300):
            preview.rooms.mention("dm:tess", str(number), TROUBLE)
        assert not listener.open


# The log in the database


async def test_the_database_keeps_conversations_sealed_and_in_order(tmp_path: Path) -> None:
    """Lines come back as they were said, once per key, and no word of them stands readable in the file."""
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path}/preview.db")
    log: MessageLog = SqlMessageLog(database, Sealer([Fernet.generate_key()]))
    now = HandClock().now()
    lines = [Line("a", "tess", now, SECRET), Line("b", None, now, Reply(SECRET, choices=(Choice("Go", "go"),)))]
    assert [await log.append("dm:tess", line) for line in [*lines, lines[0]]] == [True, True, False]
    assert list(await log.history("dm:tess")) == lines
    assert [await log.count("dm:tess"), await log.count("leadership")] == [2, 0]
    await database.close()
    assert SECRET.encode() not in _bytes(tmp_path)


def _bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
