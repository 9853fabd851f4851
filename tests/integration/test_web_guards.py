"""The guards of the browser preview over real HTTP: strangers, broken bodies, forged events and rooms of others."""

import json
from uuid import uuid4

import pytest

from bot.transports.guards import LARGEST_BODY
from tests.integration.preview import SECRET, Preview, event
from tests.small_school import PEOPLE


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
