"""What becomes of an event of the browser preview: stored, acknowledged, carried out once, and counted."""

import asyncio
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.model import Said
from tests.integration.preview import SECRET, Preview, Turn, build, event


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
