"""Every listener on the strict fake: what Slack sends, and what its reader then sees."""

from __future__ import annotations

import asyncio

import pytest

from bot.transports.slack_checks import SCOPES
from bot.transports.slack_listeners import COMMANDS, EVENTS, SHORTCUTS
from tests.slack.conftest import School
from tests.slack.hands import labels
from tests.slack.people import MENTION
from tests.slack.school import DAN, ELSEWHERE, EVE, MANIFEST, NEW, PETER, PRIYA, QUESTION, SAM, SHARED, STAFF_ROOM
from tests.slack.windows import safely_on, tick_and_send, typed
from tests.slack.workspace import BOT, BOT_ID


def test_the_manifest_asks_for_what_is_listened_to_and_no_more() -> None:
    """Events, commands, shortcuts and scopes are the same in the manifest and in the code."""
    told = {event.split(".")[0] for event in MANIFEST["settings"]["event_subscriptions"]["bot_events"]}
    features = MANIFEST["features"]
    assert told == set(EVENTS)
    assert {each["command"] for each in features["slash_commands"]} == set(COMMANDS)
    assert {each["callback_id"] for each in features["shortcuts"]} == set(SHORTCUTS)
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == SCOPES
    assert "assistant_view" not in features


# Words


async def test_a_message_is_answered_in_its_thread(school: School) -> None:
    """A direct message begins a thread, and the answer stands there."""
    asked = await school.people.say(PRIYA, QUESTION)
    await school.settled()
    answer = school.last(PRIYA)
    assert (answer.user, answer.thread_ts, answer.channel) == (BOT, asked.ts, asked.channel)
    assert "Not allowed" in answer.shown


async def test_what_is_typed_reads_as_it_was_typed(school: School) -> None:
    """Slack's escapes are undone once on the way in and put back once on the way out."""
    await school.people.home(DAN)
    await school.settled()
    school.people.fill(DAN, question="may I post a photo of <8C> & me &amp; you?")
    await school.people.press(DAN, "Ask", school.slack.workspace.homes[DAN])
    await school.settled()
    quoted = next(m for m in school.slack.workspace.seen_by(DAN) if "You asked" in m.shown)
    assert "may I post a photo of <8C> & me &amp; you?" in quoted.shown


async def test_live_mentions_become_names(school: School) -> None:
    """What Slack sends in its own marks reads as a person reads it: names, channels, addresses."""
    theirs = school.people.write(
        SAM,
        "<@U0DAN> and <@U0NEW|new> tell <!channel> in <#C0STAFF|staff-room>: <https://a.example/x?a=1&amp;b=2|here>",
        STAFF_ROOM,
    )
    await school.people.message_shortcut(PRIYA, "ask_about", theirs)
    await school.settled()
    quoted = next(m for m in school.slack.workspace.seen_by(PRIYA) if "You asked" in m.shown)
    read = "Dan Webb and new tell @channel in #staff-room: https://a.example/x?a=1&b=2"
    assert read in quoted.shown


@pytest.mark.parametrize(
    "more",
    [
        {"subtype": "message_changed", "message": {"text": QUESTION}},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message", "bot_id": "B0OTHER"},
        {"bot_id": BOT_ID, "user": BOT},
        {"bot_id": "B0OTHER", "bot_profile": {"id": "B0OTHER"}},
        {"edited": {"user": PRIYA, "ts": "1.0"}},
        {"user": "USLACKBOT"},
        {"subtype": "channel_join"},
        {"text": None, "user": None},
    ],
)
async def test_edits_bots_and_notices_are_not_answered(school: School, more: dict[str, object]) -> None:
    """Nothing is said, and nothing is kept."""
    message = school.people.write(PRIYA, QUESTION)
    for event in school.people.events(message, **more):
        assert (await school.slack.event(event)).ok
    await school.settled()
    assert school.slack.workspace.messages == [message]
    assert await school.office.inbox.pending() == ()


async def test_a_file_is_declined_and_its_words_are_answered(school: School) -> None:
    """What to do instead is said, and a question that came with the file is not lost."""
    for text in ("", QUESTION):
        message = school.people.write(PRIYA, text)
        (event,) = school.people.events(message, subtype="file_share", files=[{"id": "F1", "name": "chat.png"}])
        await school.slack.event(event)
        await school.settled()
    shown = [m.shown for m in school.slack.workspace.seen_by(PRIYA) if m.user == BOT]
    assert len(shown) == 3
    assert all("file" in text.lower() or "image" in text.lower() or "picture" in text.lower() for text in shown[:2])
    assert "Not allowed" in shown[2]
    assert not any(call.method.startswith("files.") for call in school.slack.calls)


async def test_nothing_but_signs_gets_a_kind_answer(school: School) -> None:
    """An emoji alone is not understood, and that is said."""
    await school.people.say(PRIYA, ":+1:")
    await school.people.say(PRIYA, "…")
    await school.settled()
    assert len([m for m in school.slack.workspace.seen_by(PRIYA) if m.user == BOT]) == 2


async def test_a_slow_answer_says_that_it_is_coming(school: School) -> None:
    """After half a second a status stands there, and the answer takes it away."""
    school.before.happens = lambda _: asyncio.sleep(0.7)
    await school.people.say(PRIYA, QUESTION)
    await school.slack.until(lambda: school.slack.workspace.statuses)
    await school.settled()
    assert school.slack.workspace.statuses == {}
    assert "Not allowed" in school.last(PRIYA).shown


# Channels


async def test_a_mention_in_a_thread_is_answered_in_that_thread(school: School) -> None:
    """To the asker alone, where the talk is."""
    talk = school.people.write(SAM, "About accounts", STAFF_ROOM)
    await school.people.say(DAN, f"{MENTION} {QUESTION}", STAFF_ROOM, talk.ts)
    await school.settled()
    answer = school.last(DAN)
    assert (answer.channel, answer.thread_ts, answer.only_for) == (STAFF_ROOM, talk.ts, DAN)
    assert MENTION not in answer.shown


async def test_other_talk_in_a_channel_is_left_alone(school: School) -> None:
    """Even if Slack sent it, nothing that is not said to Charter is answered or kept."""
    talk = school.people.write(SAM, QUESTION, STAFF_ROOM)
    told = {"type": "message", "channel_type": "channel", "channel": STAFF_ROOM, "user": SAM, "text": QUESTION}
    await school.slack.event({**told, "ts": talk.ts})
    await school.settled()
    assert school.slack.workspace.messages == [talk]
    assert await school.office.inbox.pending() == ()


async def test_a_mention_that_says_nothing_gets_a_kind_answer(school: School) -> None:
    """The name alone is no question."""
    await school.people.say(DAN, MENTION, STAFF_ROOM)
    await school.settled()
    assert school.last(DAN).only_for == DAN


async def test_carrying_on_in_private_remembers_the_question(school: School) -> None:
    """The asker's own words stand in the direct messages, answered, and a follow-up goes on from there."""
    await school.people.say(DAN, f"{MENTION} {QUESTION}", STAFF_ROOM)
    await school.settled()
    await school.people.press(DAN, "Continue privately")
    await school.settled()
    begun, answer = school.slack.workspace.seen_by(DAN)[-2:]
    assert QUESTION in begun.shown
    assert answer.thread_ts == begun.ts
    await school.people.say(DAN, "what if it is my own daughter?", begun.channel, begun.ts)
    await school.settled()
    assert "Allowed" in school.last(DAN).shown


# Who is served


async def test_a_guest_is_served_like_staff(school: School) -> None:
    """Governors and contractors often are guests of the workspace."""
    assert school.slack.workspace.users[PETER].restricted
    await school.people.say(PETER, QUESTION)
    await school.settled()
    assert "Not allowed" in school.last(PETER).shown


@pytest.mark.parametrize("known", [True, False], ids=["Slack says who", "Slack cannot be asked"])
async def test_a_stranger_reads_the_numbers_and_nothing_else(school: School, known: bool) -> None:
    """Somebody from another organisation is not answered, by whatever way they come."""
    if not known:
        school.slack.fail("users.info", "internal_error", times=50)
    message = school.people.write(EVE, f"{MENTION} {QUESTION}", SHARED)
    (event,) = school.people.events(message, user_team="T0OTHER", source_team="T0OTHER")
    await school.slack.event(event, shared=True)
    await school.people.home(EVE)
    await school.people.command(EVE, "/guidance", QUESTION)
    await school.people.command(EVE, "/report")
    await school.settled()
    said = [m for m in school.slack.workspace.seen_by(EVE) if m.user == BOT]
    assert len(said) == 3
    for shown in (*(m.shown for m in said), school.slack.workspace.homes[EVE].shown):
        assert "020 7946" in shown
        assert "020 7946 0199" in shown or not known
        assert "Not allowed" not in shown
        assert "Social contact" not in shown
    assert school.modal(EVE) == ""


async def test_somebody_not_on_the_roster_is_told_whom_to_ask(school: School) -> None:
    """By message, mention, command, home and form."""
    await school.people.say(NEW, QUESTION)
    await school.people.say(NEW, f"{MENTION} {QUESTION}", STAFF_ROOM)
    await school.people.command(NEW, "/guidance", QUESTION)
    await school.people.shortcut(NEW, "report_concern")
    await school.people.home(NEW)
    await school.settled()
    said = [m for m in school.slack.workspace.seen_by(NEW) if m.user == BOT]
    assert len(said) == 4
    assert all("list of staff" in m.shown and "Not allowed" not in m.shown for m in said)
    assert "list of staff" in school.slack.workspace.homes[NEW].shown
    assert school.modal(NEW) == ""


# Home and messages tab


async def test_the_messages_tab_offers_four_questions(school: School) -> None:
    """Four, because Slack takes no more; none in a thread, because an agent has none yet."""
    await school.people.home(PRIYA, tab="messages")
    await school.settled()
    (prompts,) = school.slack.workspace.prompts.values()
    assert [prompt["message"] for prompt in prompts][:2] == [
        "May I accept a friend request?",
        "May I post a photo?",
    ]
    assert len(prompts) == 4


async def test_the_home_tab_answers_shows_who_to_ring_and_opens_forms(school: School) -> None:
    """Each quick action does what it says."""
    await school.people.home(PRIYA)
    await school.settled()
    home = school.slack.workspace.homes[PRIYA]
    await school.people.press(PRIYA, "Who to ring", home)
    await school.settled()
    assert "020 7946 0101" in school.last(PRIYA).shown
    for label in [each for each in labels(home.blocks) if each not in ("Ask", "Who to ring")]:
        await school.people.press(PRIYA, label, home)
        await school.settled()
        assert school.modal(PRIYA), label
        await school.people.close(PRIYA)


async def test_an_empty_question_at_home_does_nothing(school: School) -> None:
    """Pressing Ask without words is no fault."""
    await school.people.home(PRIYA)
    await school.settled()
    await school.people.press(PRIYA, "Ask", school.slack.workspace.homes[PRIYA])
    await school.settled()
    assert school.slack.workspace.messages == []


async def test_home_is_brought_up_to_date_after_a_report(school: School) -> None:
    """A case just sent stands there without a second visit."""
    await school.people.home(PRIYA)
    await school.settled()
    before = school.slack.workspace.homes[PRIYA].shown
    await school.people.press(PRIYA, "Ask leadership", school.slack.workspace.homes[PRIYA])
    await school.settled()
    await school.people.submit(PRIYA, question="May we have a staff page?")
    await school.people.submit(PRIYA, named="no")
    await tick_and_send(school, PRIYA)
    await school.settled()
    after = school.slack.workspace.homes[PRIYA].shown
    assert after != before
    assert "Question" in after


# Commands and shortcuts


async def test_guidance_is_answered_to_its_asker_wherever_it_is_typed(school: School) -> None:
    """Also in a channel that Charter is not in."""
    for channel in ("", STAFF_ROOM, ELSEWHERE):
        await school.people.command(DAN, "/guidance", QUESTION, channel)
        await school.settled()
        answer = school.last(DAN)
        assert "Not allowed" in answer.shown
        assert answer.only_for == DAN
    assert not any("Not allowed" in m.shown for m in school.slack.workspace.seen_by(SAM))


async def test_guidance_without_words_or_with_help_explains_itself(school: School) -> None:
    """As Slack asks of every command."""
    for text in ("", "  ", "help", "HELP"):
        await school.people.command(DAN, "/guidance", text)
        await school.settled()
        assert school.last(DAN).only_for == DAN
    assert len({m.shown for m in school.slack.workspace.seen_by(DAN)}) == 1


async def test_report_opens_at_once_and_carries_words_in(school: School) -> None:
    """By command, with or without words, and by the shortcut."""
    await school.people.command(PRIYA, "/report")
    await school.settled()
    assert "danger" in school.modal(PRIYA)
    await school.people.close(PRIYA)
    await school.people.shortcut(PRIYA, "report_concern")
    await school.settled()
    assert school.modal(PRIYA)
    await school.people.close(PRIYA)
    await school.people.command(PRIYA, "/report", "A pupil <asked> to follow me")
    await school.settled()
    await safely_on(school, PRIYA)
    assert typed(school, PRIYA, "what") == "A pupil <asked> to follow me"


async def test_a_message_can_be_asked_about(school: School) -> None:
    """The answer comes in private, with the words it is about; the channel sees nothing."""
    theirs = school.people.write(SAM, f"shall we all &amp; everybody {QUESTION}", STAFF_ROOM)
    await school.people.message_shortcut(DAN, "ask_about", theirs)
    await school.settled()
    private = [m for m in school.slack.workspace.seen_by(DAN) if m.channel[0] == "D"]
    assert "shall we all & everybody" in private[0].shown
    assert "Not allowed" in private[1].shown
    assert [m for m in school.slack.workspace.seen_by(SAM) if m.user == BOT] == []


async def test_a_message_can_be_reported(school: School) -> None:
    """Its words, its author and its place are carried into the report."""
    theirs = school.people.write(SAM, "Look what &lt;i&gt;he&lt;/i&gt; wrote", STAFF_ROOM)
    await school.people.message_shortcut(DAN, "report_this", theirs)
    await school.settled()
    await safely_on(school, DAN)
    assert "Look what <i>he</i> wrote" in typed(school, DAN, "what")
    assert "Sam Carter" in typed(school, DAN, "what")


# Leaving


async def test_being_taken_out_is_noticed(school: School) -> None:
    """Uninstalled, or its token taken back, Charter says that it is not ready, and why."""
    assert school.office.transport.ready()
    await school.slack.event({"type": "tokens_revoked", "tokens": {"oauth": [PRIYA], "bot": []}})
    assert school.office.transport.ready()
    await school.slack.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT]}})
    assert not school.office.transport.ready()
    assert "install" in school.office.transport.trouble


async def test_being_uninstalled_is_noticed(school: School) -> None:
    """The event alone is enough."""
    await school.slack.event({"type": "app_uninstalled"})
    assert not school.office.transport.ready()
