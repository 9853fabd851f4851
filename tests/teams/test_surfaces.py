"""Charter as people meet it in Teams, over HTTP: chats, cards, dialogs, the leadership channel, and what must not happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.model import Destination, Gone, Later, Reply, Sent
from bot.transports.teams import PATIENCE
from bot.transports.teams_turns import SECONDS_TO_STORE
from tests.contract.microsoft import activity
from tests.teams.school import CHANNEL, School, buttons, card, fields, school, words

TEAM = {"id": f"{CHANNEL};messageid=1", "conversationType": "channel"}
MENTION = {
    "entities": [
        {"type": "mention", "text": "<at>Charter</at>", "mentioned": {"id": "28:11111111-2222-3333-4444-555555555555"}}
    ]
}


@pytest.fixture
async def oakfield() -> AsyncIterator[School]:
    """A school with Charter running."""
    async with school() as made:
        yield made


async def test_a_question_is_answered_in_the_chat(oakfield: School) -> None:
    """One message: verdict, words, what was understood, the paragraph; it can be rated, and its notification says nothing."""
    [sent] = await oakfield.say("priya", "A student wants to follow me")
    assert "Not allowed by the guidance" in words(card(sent))
    assert "a friend request or follow" in words(card(sent))
    [claim, *_] = sent["entities"][0]["citation"]
    assert claim["appearance"]["name"] in words(card(sent))
    assert sent["channelData"] == {"feedbackLoop": {"type": "default"}}
    assert sent["summary"] == "Charter has replied."
    assert oakfield.inbox.waiting == {}


async def test_a_correction_replaces_the_card(oakfield: School) -> None:
    """A fact is put right where it stands: the card asks, and then answers anew."""
    [sent] = await oakfield.say("priya", "A student wants to follow me")
    change = next(data for data in buttons(sent).values() if data.get("action") == "correct:who")
    [asked] = await oakfield.press("priya", change)
    assert oakfield.microsoft.calls[-1][:2] == ("PUT", "/v3/conversations/a:priya/activities/m1")
    assert "Who is it about?" in words(card(asked))
    pick = card(asked)["actions"][0]["data"]
    [answered] = await oakfield.press("priya", pick)
    assert oakfield.microsoft.calls[-1][0] == "PUT"
    assert card(answered)["body"]


async def test_a_mention_in_a_team_is_answered_in_private(oakfield: School) -> None:
    """The thread learns that there was an answer, and nothing of it, nor whose."""
    await oakfield.say("priya", "hello")
    text = "<at>Charter</at> A student wants to follow me"
    [private, public] = await oakfield.say("priya", text, conversation=TEAM, **MENTION)
    assert "Not allowed by the guidance" in words(card(private))
    assert words(card(public)) == "I've answered in our own chat, so that nobody else sees it."
    assert "Priya" not in str(public)
    assert [path for _, path, _ in oakfield.microsoft.calls[-2:]] == [
        "/v3/conversations/a:priya/activities",
        f"/v3/conversations/{TEAM['id']}/activities",
    ]


async def test_what_is_not_said_to_charter_is_left_alone(oakfield: School) -> None:
    """A message in a team without a mention is not read, not kept and not answered."""
    assert await oakfield.say("priya", "A student wants to follow me", conversation=TEAM) == []
    assert oakfield.inbox.known == set()


async def test_a_repeat_is_answered_once(oakfield: School) -> None:
    """The same activity again, and the same words under another id within seconds, change nothing."""
    sent = activity(text="A student wants to follow me", id="one")
    assert len(await oakfield.post("priya", sent)) == 1
    assert await oakfield.post("priya", sent) == []
    assert await oakfield.post("priya", {**sent, "id": "two"}) == []
    assert len(await oakfield.say("priya", "Something else")) == 1


async def test_the_same_button_on_the_next_step_is_no_repeat(oakfield: School) -> None:
    """Two steps without a field, pressed on within a second, are two steps; one pressed twice is one."""
    [shown] = await oakfield.say("priya", "report")
    steps = []
    for _ in range(2):
        data = {**buttons(shown)["Next"], "field:danger": "no", "field:risk": "no"}
        [shown] = await oakfield.press("priya", data)
        assert await oakfield.press("priya", data) == []
        steps.append(words(card(shown)))
    assert steps[0] != steps[1]


async def _file_question(oakfield: School, person: str = "priya") -> str:
    """Ask leadership through a dialog, page after page; the reference on the receipt."""
    body = await oakfield.invoke(person, "task/fetch", {"data": {"do": "press", "action": "open:form:ask_leadership"}})
    for _ in range(12):
        pressed = buttons(body)
        send = pressed.get("Next") or pressed.get("Send")
        if send is None:
            break
        body = await oakfield.invoke(person, "task/submit", {"data": {**send, **_filled(body)}})
    return words(card(body)).split("Your reference is ")[1].split(".")[0]


def _filled(body: dict[str, Any]) -> dict[str, str]:
    """An answer for each field: words, the first choice, a tick."""
    found = {}
    for name, one in fields(body).items():
        match one["type"]:
            case "Input.Text":
                found[name] = one.get("value") or "May we use the new app?"
            case "Input.Toggle":
                found[name] = "yes"
            case _:
                found[name] = one.get("value") or next((c["value"] for c in one["choices"]), "")
    return found


async def test_a_form_is_filed_through_a_dialog(oakfield: School) -> None:
    """From the button to the receipt, which is kept in the chat too; the case is the desk's."""
    ref = await _file_question(oakfield)
    assert ref in oakfield.store.cases
    assert any(ref in str(sent) for sent in oakfield.microsoft.sent())


async def test_the_same_form_goes_in_cards(oakfield: School) -> None:
    """Where no dialog opens a command does: each card is replaced by the next, to the receipt."""
    [first] = await oakfield.say("priya", "Ask leadership")
    message, cards = first, 0
    while send := buttons(message).get("Next") or buttons(message).get("Send"):
        [message] = await oakfield.press(
            "priya", {**send, **_filled({"task": {"value": {"card": message["attachments"][0]}}})}
        )
        assert oakfield.microsoft.calls[-1][0] == "PUT"
        cards += 1
    assert cards > 1
    assert "Your reference is" in words(card(message))


async def test_a_wrong_field_says_so_and_keeps_the_rest(oakfield: School) -> None:
    """Validation stands beside the field, and nothing typed is lost."""
    body = await oakfield.invoke("priya", "task/fetch", {"data": {"do": "press", "action": "open:form:report"}})
    body = await oakfield.invoke("priya", "task/submit", {"data": buttons(body)["Next"]})
    assert "⚠" in words(card(body))


async def test_a_form_that_cannot_be_stored_stays_open_with_every_word(oakfield: School) -> None:
    """The disk is full: the dialog says so, shows whom to ring, and holds what was typed."""
    body = await oakfield.invoke("priya", "task/fetch", {"data": {"do": "press", "action": "open:form:ask_leadership"}})
    typed = {name: "My long story" for name, one in fields(body).items() if one["type"] == "Input.Text"}
    assert typed
    oakfield.inbox.broken = True
    again = await oakfield.invoke("priya", "task/submit", {"data": {**buttons(body)["Next"], **typed}})
    assert oakfield.status == 200
    assert [fields(again)[name]["value"] for name in typed] == list(typed.values())
    assert "could not store" in words(card(again))
    assert "ring" in words(card(again))


async def test_a_message_that_cannot_be_stored_is_not_acknowledged(oakfield: School) -> None:
    """Teams hears a failure and the person is told."""
    oakfield.inbox.broken = True
    [told] = await oakfield.say("priya", "hello")
    assert oakfield.status == 503
    assert "could not store" in words(card(told))


async def test_a_case_goes_its_way_in_the_leadership_channel(oakfield: School) -> None:
    """Pointer in a thread of its own, opened in a dialog, taken; the card is put right for everybody who sees it."""
    ref = await _file_question(oakfield)
    done = await oakfield.deliver()
    assert done
    assert all(isinstance(one, Sent) for one in done)
    post = next(
        sent for _, path, sent in oakfield.microsoft.calls if path == "/v3/conversations" and sent.get("isGroup")
    )
    assert post["channelData"]["channel"] == {"id": CHANNEL}
    place, message = await oakfield.teams.messenger._places.thread(ref)  # type: ignore[misc]
    where = {"conversation": {"id": place.conversation, "conversationType": "channel"}, "replyToId": message}
    opening = buttons(post["activity"])["Open"]
    assert opening["msteams"] == {"type": "task/fetch"}
    body = await oakfield.invoke("sam", "task/fetch", {"data": opening}, **where)
    assert ref in words(card(body))
    taken = await oakfield.invoke("sam", "task/submit", {"data": buttons(body)["I'll take this"]}, **where)
    assert "Sam Carter has it" in words(card(taken))
    await oakfield.deliver()
    updates = [(path, sent) for method, path, sent in oakfield.microsoft.calls if method == "PUT"]
    path, updated = updates[-1]
    assert path == f"/v3/conversations/{place.conversation}/activities/{message}"
    assert "Sam Carter has it" in words(card(updated))


async def test_a_person_without_rights_is_refused(oakfield: School) -> None:
    """Somebody else opens the same card: no word of the case."""
    ref = await _file_question(oakfield)
    asked = {"data": {"do": "press", "action": f"open:case:{ref}"}}
    for person in ("dan", "nadia", "stranger"):
        body = await oakfield.invoke(person, "task/fetch", asked)
        assert "May we use the new app?" not in str(body)
        assert ref not in words(card(body))


async def test_a_card_that_is_not_ours_opens_nothing_in_a_channel(oakfield: School) -> None:
    """A button forged into another channel, or under another message, is out of date even for those with rights."""
    ref = await _file_question(oakfield)
    await oakfield.deliver()
    asked = {"data": {"do": "press", "action": f"open:case:{ref}"}}
    for conversation, message in (("19:other@thread.tacv2;messageid=1", "m1"), (TEAM["id"], "m999"), (TEAM["id"], "")):
        where = {"conversation": {"id": conversation, "conversationType": "channel"}, "replyToId": message}
        body = await oakfield.invoke("sam", "task/fetch", asked, **where)
        assert "out of date" in words(card(body))


async def test_commands_show_cases_as_cards(oakfield: School) -> None:
    """My cases, the queue and one case can be had without a dialog; a page of a case can be hidden again."""
    ref = await _file_question(oakfield)
    [mine] = await oakfield.say("priya", "My cases")
    assert ref in words(card(mine))
    [queue] = await oakfield.say("sam", "queue")
    assert ref in words(card(queue))
    [shown] = await oakfield.say("sam", f"Open {ref.lower()}")
    assert "May we use the new app?" in words(card(shown))
    assert "May we use the new app?" not in shown["summary"]
    [hidden] = await oakfield.press("sam", buttons(shown)["Hide this"])
    assert "May we use" not in str(hidden)


async def test_a_message_action_asks_and_reports(oakfield: School) -> None:
    """Somebody's message is asked about, or carried into a report, in a dialog that only the presser sees."""
    payload = {"body": {"content": "<p>Follow me &amp; <b>my</b> class</p>"}, "from": {"user": {"displayName": "Jo"}}}
    where = {"conversation": TEAM}
    asked = {"commandId": "askCharter", "messagePayload": payload}
    body = await oakfield.invoke("priya", "composeExtension/fetchTask", asked, **where)
    assert "Not allowed by the guidance" in words(card(body))
    body = await oakfield.invoke("priya", "composeExtension/fetchTask", {**asked, "commandId": "reportThis"}, **where)
    assert body["task"]["value"]["title"]
    assert ("priya", "report") in {
        (owner, form)
        for (_, owner), (form, _) in oakfield.charter.formwork.memory.drafts.items()  # type: ignore[attr-defined]
    }
    drafts = str(oakfield.charter.formwork.memory.drafts)  # type: ignore[attr-defined]
    assert "Jo wrote in Teams: “Follow me & my class”" in drafts


async def test_a_file_is_declined_and_its_words_are_read(oakfield: School) -> None:
    """A picture is not taken; what was written beside it still is."""
    attached = [{"contentType": "image/png", "contentUrl": "https://example.test/x.png"}]
    sent = await oakfield.say("priya", "Is this all right?", attachments=attached)
    assert "I don't take pictures or files." in words(card(sent[0]))
    assert len(sent) == 2
    copied = [{"contentType": "text/html", "content": "<p>Is this all right now?</p>"}]
    assert len(await oakfield.say("priya", "Is this all right now?", attachments=copied)) == 1


async def test_an_installer_is_welcomed_once(oakfield: School) -> None:
    """Both of Teams' ways to say it make one welcome; a new install makes another."""
    added = activity(type="installationUpdate", action="add", text=None)
    joined = activity(type="conversationUpdate", membersAdded=[{"id": added["recipient"]["id"]}], text=None)
    [welcome] = await oakfield.post("priya", added)
    assert buttons(welcome)["May I add a parent?"]["msteams"] == {"type": "imBack", "value": "May I add a parent?"}
    assert await oakfield.post("priya", joined) == []
    await oakfield.post("priya", activity(type="installationUpdate", action="remove", text=None))
    assert len(await oakfield.post("priya", activity(type="installationUpdate", action="add", text=None))) == 1


async def test_a_team_gets_one_line_that_names_who_added_charter(oakfield: School) -> None:
    """No buttons and no private words stand in a team's welcome."""
    joined = activity(
        type="conversationUpdate", membersAdded=[{"id": "28:11111111-2222-3333-4444-555555555555"}], text=None
    )
    [welcome] = await oakfield.post("sam", {**joined, "conversation": {"id": CHANNEL, "conversationType": "channel"}})
    assert card(welcome)["actions"] == []


async def test_somebody_not_on_the_roster_gets_the_numbers_alone(oakfield: School) -> None:
    """A person of the tenant whom the school has not listed is answered with whom to ask, and nothing is decided for them."""
    [sent] = await oakfield.say("stranger", "A student wants to follow me")
    assert "not on Charter's list" in words(card(sent))


async def test_feedback_is_counted_and_its_words_are_dropped(oakfield: School) -> None:
    """Thumbs are a number; what somebody writes beside them is stored nowhere."""
    value = {"actionName": "feedback", "actionValue": {"reaction": "like", "feedback": '{"feedbackText":"secret"}'}}
    assert await oakfield.invoke("priya", "message/submitAction", value) == {}
    assert oakfield.status == 200
    assert oakfield.likes() == 1
    assert "secret" not in str(oakfield.shelf.texts) + str(oakfield.inbox.waiting)


async def test_in_development_only_another_school_is_foreign(oakfield: School) -> None:
    """The emulator names no tenant with a rating, and it counts; an activity that names another one is refused."""
    value = {"actionName": "feedback", "actionValue": {"reaction": "like"}}
    unnamed = {"id": "a:priya", "conversationType": "personal"}
    await oakfield.invoke("priya", "message/submitAction", value, channelData=None, conversation=unnamed)
    assert (oakfield.status, oakfield.likes()) == (200, 1)
    await oakfield.invoke("priya", "message/submitAction", value, channelData={"tenant": {"id": "another"}})
    assert (oakfield.status, oakfield.likes()) == (403, 1)


async def test_slow_work_is_promised_and_posted(oakfield: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialog that takes too long closes with a promise, and what it would have shown is posted in the chat."""
    await oakfield.say("priya", "hello")
    _slowed(oakfield, monkeypatch)
    before = len(oakfield.microsoft.sent())
    body = await oakfield.invoke("priya", "task/fetch", {"data": {"do": "press", "action": "open:mine"}})
    assert body["task"]["type"] == "message"
    assert "My cases" in words(card(oakfield.microsoft.sent()[before]))


async def test_a_slow_answer_is_posted_once(oakfield: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat keeps an answer that a dialog showed; when the dialog could not wait for it, it does not stand there twice."""
    await oakfield.say("priya", "hello")
    _slowed(oakfield, monkeypatch)
    before = len(oakfield.microsoft.sent())
    asked = {"commandId": "askCharter", "messagePayload": {"body": {"content": "A student wants to follow me"}}}
    body = await oakfield.invoke("priya", "composeExtension/fetchTask", asked)
    assert body["task"]["type"] == "message"
    [kept] = oakfield.microsoft.sent()[before:]
    assert "Not allowed by the guidance" in words(card(kept))


def test_a_dialog_is_answered_before_teams_gives_up() -> None:
    """To be kept and to be carried out, a message action waits for less than the five seconds that Teams gives it."""
    assert SECONDS_TO_STORE + PATIENCE < 5


def _slowed(oakfield: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every turn takes longer than a dialog waits."""
    quick = oakfield.teams.transport._handle

    async def slow(event: Any) -> Any:
        await asyncio.sleep(0.2)
        return await quick(event)

    monkeypatch.setattr(oakfield.teams.transport, "_handle", slow)
    monkeypatch.setattr(oakfield.teams.transport, "_patience", 0.05)


async def test_what_a_crash_left_is_carried_out_at_the_next_start(oakfield: School) -> None:
    """A message that was kept and not answered is answered; a dialog that only opened something is let go."""
    from bot.transports.teams_activity import parse  # noqa: PLC0415

    for body in (
        activity(text="A student wants to follow me"),
        {**activity(type="invoke", name="task/fetch", value={})},
    ):
        left = parse(
            {**body, "serviceUrl": oakfield.microsoft.service, "from": {"id": "29:priya", "aadObjectId": _account()}}
        )
        await oakfield.inbox.accept(left.key, left.to_json())
    await oakfield.teams.transport.resume()
    await oakfield.teams.transport.settled()
    [sent] = oakfield.microsoft.sent()
    assert "Not allowed by the guidance" in words(card(sent))
    assert oakfield.inbox.waiting == {}


def _account() -> str:
    from bot.model import Platform  # noqa: PLC0415
    from tests.teams.school import PEOPLE  # noqa: PLC0415

    return PEOPLE["priya"].accounts[Platform.TEAMS]


async def test_a_broken_turn_tells_the_person_and_stays_kept(oakfield: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never silence: the chat shows a reference, and the message waits for the next start."""

    async def broken(_: Any) -> Any:
        raise RuntimeError("with secret words")

    monkeypatch.setattr(oakfield.teams.transport, "_handle", broken)
    [told] = await oakfield.say("priya", "A student wants to follow me")
    assert "Something went wrong on my side." in words(card(told))
    assert "secret" not in str(told)
    assert len(oakfield.inbox.waiting) == 1


async def test_a_notice_is_posted_once_per_key(oakfield: School) -> None:
    """Sending again gives the message that is there."""
    first = await oakfield.teams.messenger.send(Destination("priya"), Reply("News"), "n1")
    again = await oakfield.teams.messenger.send(Destination("priya"), Reply("News"), "n1")
    assert isinstance(first, Sent)
    assert first == again
    assert [path for _, path, _ in oakfield.microsoft.calls] == [
        "/v3/conversations",
        "/v3/conversations/a:new/activities",
    ]


@pytest.mark.parametrize(("status", "kind"), [(403, Gone), (404, Gone), (500, Later), (401, Later)])
async def test_a_notice_that_is_refused_says_whether_to_try_again(oakfield: School, status: int, kind: type) -> None:
    """A removed chat is gone; a fault is later."""
    await oakfield.say("priya", "hello")
    oakfield.microsoft.answers = [(status, {})]
    assert isinstance(await oakfield.teams.messenger.send(Destination("priya"), Reply("News"), "n1"), kind)


async def test_a_notice_to_nobody_is_gone(oakfield: School) -> None:
    """Whoever has no account in Teams cannot be told there."""
    assert isinstance(await oakfield.teams.messenger.send(Destination("nobody"), Reply("News"), "n1"), Gone)
