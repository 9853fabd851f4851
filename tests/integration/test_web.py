"""The browser preview over real HTTP: its guards, and what becomes of an event."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bot.model import Choice, Destination, Event, Gone, Opened, Outcome, Page, Pressed, Reply, Said, Sent, Submitted
from bot.preview import Line, MessageLog
from bot.storage.database import open_database
from bot.storage.preview import SqlMessageLog
from bot.storage.sealing import Sealer
from bot.transports.guards import LARGEST_BODY
from bot.transports.health import Metrics, register_health
from bot.transports.web import WebTransport
from bot.transports.web_rooms import Rooms, WebMessenger
from bot.transports.web_turns import Turns
from tests.small_school import PEOPLE, HandClock

TROUBLE = Reply("That did not work.", footnote="Ring 1.")
FORM = Page("draft:1", "Report", buttons=(Choice("Next", "next"),))
SECRET = "xylophone"


class MemoryLog:
    """A `MessageLog` that works, in memory."""

    def __init__(self) -> None:
        self.rooms: dict[str, list[Line]] = {}

    async def append(self, room: str, line: Line) -> bool:
        """As the port says."""
        if any(line.key == other.key for lines in self.rooms.values() for other in lines):
            return False
        self.rooms.setdefault(room, []).append(line)
        return True

    async def history(self, room: str) -> Sequence[Line]:
        """As the port says."""
        return self.rooms.get(room, [])[-200:]

    async def count(self, room: str) -> int:
        """As the port says."""
        return len(self.rooms.get(room, []))


class MemoryInbox:
    """An `Inbox` that works, in memory; while `broken` it stores nothing."""

    def __init__(self) -> None:
        self.seen: dict[str, str | None] = {}
        self.broken: Exception | None = None
        self.slow = 0.0

    async def accept(self, event_id: str, payload: str) -> bool:
        """As the port says."""
        await asyncio.sleep(self.slow)
        if self.broken:
            raise self.broken
        if event_id in self.seen:
            return False
        self.seen[event_id] = payload
        return True

    async def done(self, event_id: str) -> None:
        """As the port says."""
        self.seen[event_id] = None

    async def pending(self) -> tuple[tuple[str, str], ...]:
        """As the port says."""
        return tuple((id, payload) for id, payload in self.seen.items() if payload is not None)


@dataclass
class Turn:
    """Stands where `turn.handle` does: echoes, and keeps what it was given. `before` runs first."""

    events: list[Event] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None

    async def handle(self, event: Event) -> Outcome:
        """Answer in a way that shows which event it was."""
        if self.before:
            await self.before()
        self.events.append(event)
        match event:
            case Said(text=text):
                return Reply(f"You said {text}"[:40])
            case Pressed(action="open"):
                return FORM
            case Pressed(action=action):
                return Reply(f"You pressed {action}")
            case Submitted(values=values):
                return Reply(f"You sent {len(values)} fields")
            case Opened(page="form"):
                return FORM
            case Opened():
                return Reply("Not there.")


@dataclass
class Preview:
    """A running preview and everything behind it."""

    client: TestClient[web.Request, web.Application]
    turn: Turn
    log: MemoryLog
    inbox: MemoryInbox
    rooms: Rooms
    turns: Turns

    async def post(self, kind: str, **body: object) -> ClientResponse:
        """Send an event as Tess in her own room, unless the body says otherwise."""
        return await self.client.post(f"/preview/{kind}", json=event(**body))

    async def settled(self) -> None:
        """Wait until every event that was taken is carried out."""
        await self.turns.finish()

    def leads(self, room: str) -> list[str]:
        """What stands in a room: words said, and the leads of replies."""
        lines = self.log.rooms.get(room, [])
        return [line.content if isinstance(line.content, str) else line.content.lead for line in lines]


def event(**body: object) -> dict[str, object]:
    """An event's body, with an id of its own."""
    return {"as": "tess", "room": "dm", "event": str(uuid4()), **body}


def build(turn: Turn, log: MessageLog, inbox: MemoryInbox, **options: float) -> tuple[web.Application, Rooms, Turns]:
    """A preview as `app.py` puts it together."""
    metrics = Metrics()
    rooms = Rooms(PEOPLE, log, HandClock())
    turns = Turns(turn.handle, rooms, inbox, metrics, TROUBLE)
    app = web.Application()

    async def ready() -> bool:
        return inbox.broken is None

    register_health(app, ready, metrics)
    WebTransport(rooms, turns, ["May I accept a friend request?"], TROUBLE, "Elm", **options).register(app)
    return app, rooms, turns


@pytest.fixture
async def preview() -> AsyncIterator[Preview]:
    """A preview served on a free port of this computer."""
    turn, log, inbox = Turn(), MemoryLog(), MemoryInbox()
    app, rooms, turns = build(turn, log, inbox, patience=0.3)
    async with TestClient(TestServer(app)) as client:
        yield Preview(client, turn, log, inbox, rooms, turns)


# Guards


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "school.example"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1.school.example"},
        {"Host": ""},
        {"Origin": "https://school.example"},
        {"Origin": "null"},
        {"Forwarded": "for=1.2.3.4"},
        {"X-Forwarded-For": "1.2.3.4"},
        {"X-Forwarded-Host": "127.0.0.1"},
        {"X-Real-IP": "1.2.3.4"},
        {"Via": "1.1 proxy"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_strangers_are_refused(preview: Preview, headers: dict[str, str]) -> None:
    """No other name, no other site and no proxy gets the page, its files, or an event through."""
    for path in ("/", "/static/charter.js", "/preview/room?as=tess&room=dm"):
        assert (await preview.client.get(path, headers=headers)).status == 403
    answer = await preview.client.post("/preview/say", json=event(text=SECRET), headers=headers)
    assert answer.status == 403
    await preview.settled()
    assert preview.turn.events == []
    assert preview.inbox.seen == {}


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
async def test_this_computer_by_any_of_its_names_is_served(preview: Preview, name: str) -> None:
    """Each name of this computer works with the right port, with the same origin or none."""
    host = f"{name}:{preview.client.port}"
    for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}):
        assert (await preview.client.get("/", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/static/charter.css", 200),
        ("GET", "/preview/room?as=tess&room=dm", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/static/../guards.py", 404),
        ("GET", "/static/", 403),
        ("GET", "/preview/say", 405),
        ("POST", "/", 405),
        ("DELETE", "/preview/room", 405),
        ("GET", "/healthz", 200),
    ],
)
async def test_every_answer_carries_the_security_headers(preview: Preview, method: str, path: str, status: int) -> None:
    """Right or wrong, an answer has the strict policy and is kept by nobody."""
    answer = await preview.client.request(method, path)
    assert answer.status == status
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "aiohttp" not in answer.headers["Server"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("9" * 10_000, "application/json", 400),
        ("[]", "application/json", 400),
        ("{}", "application/json", 403),
        (b"\xff\xfe", "application/json", 400),
        (json.dumps(event(text="Hello")), "text/plain", 415),
        (json.dumps(event(text="Hello")), "application/x-www-form-urlencoded", 415),
        (json.dumps(event(text="x" * LARGEST_BODY)), "application/json", 413),
    ],
    ids=range(9),
)
async def test_broken_bodies_are_refused_in_a_few_words(
    preview: Preview, body: str | bytes, content_type: str, status: int
) -> None:
    """Nothing that cannot be read gets further, and the answer is short and plain."""
    answer = await preview.client.post("/preview/say", data=body, headers={"Content-Type": content_type})
    assert answer.status == status
    assert answer.content_type == "text/plain"
    assert 10 < len(await answer.text()) < 120
    assert preview.inbox.seen == {}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("say", {"as": "nobody", "text": "Hello"}, 403),
        ("say", {"as": ["tess"], "text": "Hello"}, 403),
        ("say", {"room": "leadership", "text": "Hello"}, 403),
        ("say", {"room": "dm:hannah", "text": "Hello"}, 403),
        ("say", {"room": "attic", "text": "Hello"}, 403),
        ("say", {"room": None, "text": "Hello"}, 403),
        ("say", {"text": "  \n "}, 400),
        ("say", {"text": 7}, 400),
        ("say", {"text": "Hello", "event": "1"}, 400),
        ("say", {"text": "Hello", "event": f"{uuid4()}:said"}, 400),
        ("press", {}, 400),
        ("submit", {"page": "draft:1", "action": "next"}, 400),
        ("submit", {"page": "draft:1", "action": "next", "values": {"a": 1}}, 400),
        ("submit", {"page": "draft:1", "action": "next", "values": {str(n): "" for n in range(101)}}, 400),
        ("open", {"page": None}, 400),
    ],
)
async def test_forged_events_reach_no_turn(preview: Preview, kind: str, body: dict[str, object], status: int) -> None:
    """A person, room or part that is not there is refused before anything is stored."""
    assert (await preview.post(kind, **body)).status == status
    assert preview.turn.events == []
    assert preview.inbox.seen == {}


async def test_the_leadership_room_is_read_by_leaders_alone(preview: Preview) -> None:
    """Rights are checked on the server, for history and for live updates."""
    readers = set()
    for person in PEOPLE:
        answer = await preview.client.get("/preview/room", params={"as": person.id, "room": "leadership"})
        readers |= {person.id} if answer.status == 200 else set()
    assert readers == {"hannah", "sam", "sita"}


async def test_a_private_room_is_its_persons_alone(preview: Preview) -> None:
    """Nobody reads another's conversation by naming it."""
    for room in ("dm:tess", "tess", "dm:", "../dm:tess"):
        answer = await preview.client.get("/preview/room", params={"as": "hannah", "room": room})
        assert answer.status == 403


# What becomes of an event


async def test_a_message_is_stored_acknowledged_and_answered(preview: Preview) -> None:
    """202 comes at once; the words and the reply stand in the room, and the inbox is done with it."""
    assert (await preview.post("say", text="Hello <b>")).status == 202
    await preview.settled()
    assert preview.leads("dm:tess") == ["Hello <b>", "You said Hello <b>"]
    assert await preview.inbox.pending() == ()
    history = await (await preview.client.get("/preview/room?as=tess&room=dm")).text()
    assert "You said Hello &lt;b&gt;" in history
    assert "<b>" not in history.replace('<b class="', "")


async def test_a_repeat_is_carried_out_once(preview: Preview) -> None:
    """The same event sent again, at once and later, changes nothing and is acknowledged alike."""
    same = event(text="Hello")
    answers = await asyncio.gather(*(preview.client.post("/preview/say", json=same) for _ in range(5)))
    await preview.settled()
    answers.append(await preview.client.post("/preview/say", json=same))
    await preview.settled()
    assert [answer.status for answer in answers] == [202] * 6
    assert len(preview.turn.events) == 1
    assert len(preview.leads("dm:tess")) == 2


async def test_a_repeated_form_gets_the_same_answer(preview: Preview) -> None:
    """A browser that lost the answer to a form asks again and gets it; the form is taken once."""
    same = event(page="draft:1", action="next", values={"a": "x"})
    first = await (await preview.client.post("/preview/submit", json=same)).json()
    again = await (await preview.client.post("/preview/submit", json=same)).json()
    assert first == again
    assert len(preview.turn.events) == 1


async def test_an_event_id_is_one_persons_own(preview: Preview) -> None:
    """Somebody else's event with the same id is another event, and gets an answer of its own."""
    same = event(action="a")
    await preview.client.post("/preview/press", json=same)
    other = await (await preview.client.post("/preview/press", json={**same, "as": "tom", "action": "b"})).json()
    assert "You pressed b" in other["html"]
    assert preview.leads("dm:tess") == ["You pressed a"]
    assert preview.leads("dm:tom") == ["You pressed b"]


async def test_one_persons_messages_are_answered_in_order(preview: Preview) -> None:
    """A second message waits for the first one's turn."""
    waits = iter([0.05, 0.0])

    async def wait() -> None:
        await asyncio.sleep(next(waits))

    preview.turn.before = wait
    await preview.post("say", text="one")
    await preview.post("say", text="two")
    await preview.settled()
    assert [said.text for said in preview.turn.events if isinstance(said, Said)] == ["one", "two"]


async def test_a_page_comes_back_and_is_kept_nowhere(preview: Preview) -> None:
    """Opening, and pressing what opens, give the page to the one who asked."""
    for answer in (await preview.post("press", action="open"), await preview.post("open", page="form")):
        assert (await answer.json())["kind"] == "page"
    assert preview.log.rooms == {}


async def test_what_is_pressed_in_the_channel_is_answered_in_private(preview: Preview) -> None:
    """Only a message is answered in the channel; the answer to a press or a form is nobody else's to read."""
    as_head = {"as": "hannah", "room": "leadership"}
    await preview.post("press", action="take", **as_head)
    await preview.post("submit", page="case", action="close", values={}, **as_head)
    assert preview.leads("leadership") == []
    assert preview.leads("dm:hannah") == ["You pressed take", "You sent 0 fields"]
    assert all(not done.room.private for done in preview.turn.events)


async def test_a_refused_page_leaves_no_trace_in_the_room(preview: Preview) -> None:
    """A page that is not there is answered in the dialog alone."""
    answer = await (await preview.post("open", page="case:K7-QM3")).json()
    assert answer["kind"] == "reply"
    assert "Not there." in answer["html"]
    assert preview.log.rooms == {}


async def test_odd_characters_are_made_safe(preview: Preview) -> None:
    """NUL and half a character, which a database or an encoder would refuse, do not break a turn."""
    body = json.dumps(event(text="a\0b\ud800c")).encode()
    headers = {"Content-Type": "application/json"}
    assert (await preview.client.post("/preview/say", data=body, headers=headers)).status == 202
    await preview.settled()
    assert preview.leads("dm:tess")[0] == "ab?c"


async def test_a_very_long_message_still_gets_to_the_turn(preview: Preview) -> None:
    """A hundred thousand characters fit; what to say to them is the turn's business."""
    assert (await preview.post("say", text="x" * 100_000)).status == 202
    await preview.settled()
    assert preview.leads("dm:tess")[1].startswith("You said xxx")


# When something breaks


async def test_what_cannot_be_stored_is_not_acknowledged(preview: Preview) -> None:
    """A full disk or a slow one gives 503 within a few seconds, no turn is run, and the same event may come again."""
    same = event(page="draft:1", action="next", values={"a": SECRET})
    preview.inbox.broken = OSError(SECRET)
    with capture_logs() as logs:
        answer = await preview.client.post("/preview/submit", json=same)
    assert answer.status == 503
    assert preview.turn.events == []
    assert SECRET not in str(logs) + await answer.text()
    preview.inbox.broken = None
    assert (await preview.client.post("/preview/submit", json=same)).status == 200


async def test_a_slow_store_is_not_waited_for(preview: Preview, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time allowed the browser is told, rather than left waiting."""
    monkeypatch.setattr("bot.transports.web_turns.SECONDS_TO_STORE", 0.05)
    preview.inbox.slow = 5
    assert (await preview.post("say", text="Hello")).status == 503


async def test_a_broken_turn_says_so_and_may_be_tried_again(preview: Preview) -> None:
    """The answer and the log hold a reference and no content; the event stays in the inbox until it succeeds."""

    async def break_down() -> None:
        raise RuntimeError(SECRET)

    preview.turn.before = break_down
    same = event(page="draft:1", action="next", values={"a": SECRET})
    with capture_logs() as logs:
        answer = await preview.client.post("/preview/submit", json=same)
    assert answer.status == 500
    words = await answer.text()
    assert logs[0]["reference"] in words
    assert SECRET not in str(logs) + words
    assert len(await preview.inbox.pending()) == 1
    preview.turn.before = None
    assert (await preview.client.post("/preview/submit", json=same)).status == 200
    assert await preview.inbox.pending() == ()


async def test_a_slow_form_may_be_asked_for_again(preview: Preview) -> None:
    """After its patience the server says "still working"; the work goes on and is not done twice."""
    go = asyncio.Event()

    async def wait() -> None:
        await go.wait()

    preview.turn.before = wait
    same = event(page="draft:1", action="next", values={})
    assert (await preview.client.post("/preview/submit", json=same)).status == 504
    go.set()
    assert (await preview.client.post("/preview/submit", json=same)).status == 200
    assert len(preview.turn.events) == 1


async def test_unfinished_events_are_taken_up_at_the_next_start(preview: Preview) -> None:
    """What was stored before a crash is carried out once after it, and what nobody can carry out is struck out."""

    async def crash() -> None:
        await asyncio.sleep(60)

    preview.turn.before = crash
    await preview.post("say", text="Hello")
    await asyncio.sleep(0)
    await preview.turns.finish(seconds=0.01)
    assert preview.leads("dm:tess") == ["Hello"]
    preview.inbox.seen |= {"web:gone:1": '{"kind": "say", "as": "gone"}', "slack:1": "another platform's"}
    again = Turn()
    app, _, turns = build(again, preview.log, preview.inbox)
    async with TestClient(TestServer(app)):
        await turns.finish()
    assert [said.text for said in again.events if isinstance(said, Said)] == ["Hello"]
    assert preview.leads("dm:tess") == ["Hello", "You said Hello"]
    assert [key for key, _ in await preview.inbox.pending()] == ["slack:1"]


# Live updates and notices


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


# Health


async def test_health_says_alive_ready_and_how_much(preview: Preview) -> None:
    """Counts go by kind and outcome and hold no content; readiness follows what stands behind it."""
    await preview.post("press", action=SECRET)
    numbers = await (await preview.client.get("/metrics")).text()
    assert 'charter_events_total{kind="press",outcome="reply",platform="web"} 1.0' in numbers
    assert SECRET not in numbers
    assert (await preview.client.get("/readyz", headers={"Host": "probe.example"})).status == 200
    preview.inbox.broken = OSError()
    assert (await preview.client.get("/readyz")).status == 503
    assert (await preview.client.get("/healthz")).status == 200


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
