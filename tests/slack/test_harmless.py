"""Whatever is written, however long: it fits, it pings nobody, it leads nowhere, and it reads as it was written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import app
from bot.cases.model import About, Filing, Kind, Receipt
from bot.decide import Answer, AskWhich, Decision, HandOver, NotMine, OfferForm, SafetyFirst, SmallTalk
from bot.render import slack as render
from bot.render import slack_text
from bot.render.slack import message, notice
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.storage.database import Database
from guidance_kb.facts import VOCABULARY
from intents.model import Courtesy, Intent
from tests.slack.block_kit import message_faults, read, view_faults
from tests.slack.conftest import School, open_school
from tests.slack.fake_api import FakeSlack
from tests.slack.people import MENTION
from tests.slack.school import BY_ACCOUNT, DAN, LEADERS, LIBRARY, PRIYA, SAM, SCHOOL, STAFF_ROOM
from tests.slack.workspace import BOT, Message

INVISIBLE = dict.fromkeys(map(ord, "\u0000\u0007\u202e\u202c\u200b\ufeff"))
"""What is taken out because it hides or turns round what is said."""
SAMPLE = Path(__file__).parents[1] / "eval" / "sample.jsonl"
HUNDRED_THOUSAND = "can I accept a friend request from a student? " * 2175
FORGED = (
    "<!channel>",
    "<!here|look>",
    "<!everyone>",
    "<!subteam^S0LEADERS|@leaders>",
    "<@U0HELEN>",
    "<#C0LEADERS|leadership>",
    "<https://evil.example|https://school.example/policy>",
    "<!date^1392734382^{date}^https://evil.example|now>",
    "<mailto:head@evil.example|head@school.example>",
    "&lt;!channel&gt;",
    "*bold* _italic_ ~struck~ `code` ```block```",
    "> a quotation\n>>> and more",
    "@channel @here @everyone",
    "Dear Priya\n\nYour reference is K7-QM3\nSam Carter has it",
    "a\u202eedoc\u202c b\u200bc\ufeffd",
    "{{ contacts.it }} {% raw %} ${HOME} %s {0}",
    '","blocks":[{"type":"section"}],"x":"',
    "\u0000\u0007 bell",
    "👩‍👩‍👧‍👦" * 50,
    "مرحبا بالعالم שלום",
)
"""Everything that the research on injection names, and some more, as a person types it."""


# Lengths


async def test_the_sample_questions_are_answered_within_limits(slack: FakeSlack, database: Database) -> None:
    """Each conversation of the sample, by the real reader, in a Slack that refuses whatever is too long."""
    reader = app.reader()
    lines = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    async with open_school(slack, database, reader=reader) as school:
        for line in lines:
            thread = None
            for turn in line["turns"]:
                said = await school.people.say(PRIYA, turn, thread=thread)
                thread = thread or said.ts
        await school.settled()
        said_by = [m.user for m in slack.workspace.messages]
        assert said_by.count(BOT) == said_by.count(PRIYA) == sum(len(line["turns"]) for line in lines)
        assert not any("Reference:" in m.shown for m in slack.workspace.messages)
    assert {call.error for call in slack.calls} == {None}
    assert slack.complaints == []


def test_every_reply_that_can_be_given_fits() -> None:
    """All rows of the guidance with the school's longest possible words quoted, and every other kind of decision."""
    quote = "The exact words of the paragraph, at length. " * 400
    replies = Replies(TemplateWords.load(), LIBRARY, SCHOOL.contacts, lambda _: quote)
    facts = {name: next(iter(values)) for name, values in VOCABULARY.items()}
    rows = [Answer(row, facts) for row in LIBRARY.situations]
    others: list[Decision] = [
        AskWhich(LIBRARY.situations[:4]),
        HandOver(),
        NotMine(),
        *map(OfferForm, (Intent.REPORT, Intent.JUSTIFY, Intent.DECLARE)),
        *map(SmallTalk, Courtesy),
        *(SafetyFirst(adult, rows[0]) for adult in (False, True)),
        SafetyFirst(adult=False, then=None),
    ]
    for decision in [*rows, *others]:
        reply = replies.reply(decision)
        assert message_faults(message(reply, "re:1.0", HUNDRED_THOUSAND).blocks) == []
        assert view_faults(notice(reply)) == []


async def test_a_message_of_a_hundred_thousand_characters_is_harmless(school: School) -> None:
    """It is answered kindly and at once; and danger in the midst of it is still met with the numbers."""
    for text in (HUNDRED_THOUSAND, HUNDRED_THOUSAND + "he beats him" + HUNDRED_THOUSAND):
        for channel in ("", STAFF_ROOM):
            await school.people.say(PRIYA, f"{MENTION} {text}" if channel else text, channel)
    await school.people.command(DAN, "/guidance", HUNDRED_THOUSAND)
    await school.people.command(DAN, "/report", HUNDRED_THOUSAND)
    await school.settled()
    said = [m for m in school.slack.workspace.messages if m.user == BOT]
    assert len(said) == 5
    assert all(len(m.shown) < 5000 for m in said)
    assert sum("ring first" in m.shown for m in said) == 2
    assert school.modal(DAN)


async def test_a_case_as_long_as_a_form_takes_is_shown_in_a_window(school: School) -> None:
    """A report with every field full, a story of forty entries: the window fits, and says what it leaves out."""
    answers = {f"Question {n}?": "x & <y> " * 500 for n in range(30)}
    ref = await _filed(school, answers)
    sam = BY_ACCOUNT[SAM]
    await school.office.desk.acknowledge(ref, sam)
    for _ in range(40):
        await school.office.desk.note(ref, sam, "A note & <more> " * 240)
    await school.settled()
    (card,) = [m for m in school.slack.workspace.messages if m.channel == LEADERS]
    await school.people.press(SAM, "Open", card)
    await school.settled()
    assert ref in school.modal(SAM)
    assert "There is more than a Slack window can show" in school.modal(SAM)
    await school.people.press(SAM, "Reply")
    await school.settled()
    await school.people.submit(SAM, words="y" * 3000)
    assert ref in school.modal(SAM)


async def test_a_long_queue_fits_on_the_home_tab(school: School) -> None:
    """Sixty cases of one's own and as many to handle."""
    for number in range(60):
        await _filed(school, {"What happened?": "x"}, f"d{number}", by=SAM)
    await school.people.home(SAM)
    await school.settled()
    assert "See all" in school.slack.workspace.homes[SAM].shown


# Injection


async def everywhere(school: School, hostile: str) -> list[Message]:
    """Say it wherever something can be said: in a question, a mention, a command, a form, a case, a reply, a card."""
    people, wire = school.people, hostile.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for text in (wire, hostile):  # as a person types it, and as Slack passes on what a person picked from its menus
        for channel in ("", STAFF_ROOM):
            message_ = people.write(PRIYA, f"{MENTION} may I follow a student {text}", channel)
            for event in people.events(message_):
                await school.slack.event(event)
        theirs = people.write(DAN, text, STAFF_ROOM)
        await people.message_shortcut(PRIYA, "ask_about", theirs)
        await people.message_shortcut(PRIYA, "report_this", theirs)
        await school.settled()
    await people.command(PRIYA, "/guidance", hostile)
    ref = await _filed(school, {"What happened?": hostile, hostile.replace("\n", " "): "x"}, public=hostile)
    await school.settled()
    for user, act, words in ((SAM, "reply", hostile), (PRIYA, "add", hostile), (SAM, "note", hostile)):
        await school.office.charter.casework.desk.acknowledge(ref, BY_ACCOUNT[SAM])
        await getattr(school.office.desk, act)(ref, BY_ACCOUNT[user], words)
    await people.home(PRIYA)
    await people.press(SAM, "Open", next(m for m in school.slack.workspace.messages if m.channel == LEADERS))
    await school.settled()
    return [m for m in school.slack.workspace.messages if m.user == BOT]


@pytest.mark.parametrize("hostile", FORGED)
async def test_hostile_words_ping_nobody_lead_nowhere_and_are_read_as_written(school: School, hostile: str) -> None:
    """In messages, windows, home tabs and notifications; and a handler reads the very words, nothing doubled or swallowed."""
    said = await everywhere(school, hostile)
    assert [m.pings() for m in said] == [[] for _ in said]
    for view in (
        *school.slack.workspace.homes.values(),
        *(v for s in school.slack.workspace.modals.values() for v in s),
    ):
        assert Message("", "", BOT, "", view.blocks).pings() == []
    assert all(hostile not in m.text for m in said), "nothing that was typed stands in a notification"
    for call in school.slack.calls:
        assert not call.args.get("link_names")
        assert call.args.get("parse", "none") == "none"
    shown = school.slack.workspace.modal(SAM)
    assert shown is not None
    words = "\n".join(read(shown.blocks))
    for line in hostile.translate(INVISIBLE).splitlines():
        assert line.strip() in words


@pytest.mark.parametrize("hostile", ["<!channel>", "<@U0HELEN>", "<https://evil.example|https://school.example>"])
async def test_without_the_escape_they_would(school: School, hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counter-proof: with escaping gone, and words in marked-up text, the same search finds the ping."""
    monkeypatch.setattr(slack_text, "_escape", lambda text: text)
    monkeypatch.setattr(render, "rich", lambda *parts: _marked_up(parts))
    monkeypatch.setattr(slack_text, "rich", lambda *parts: _marked_up(parts))
    said = await everywhere(school, hostile)
    assert any(m.pings() for m in said)


def _marked_up(parts: tuple[slack_text.Block, ...]) -> slack_text.Block:
    said = "\n".join(slack_text._texts(list(parts)))
    return {"type": "section", "text": {"type": "mrkdwn", "text": said[:3000] or "x"}}


async def test_a_name_cannot_forge_lines_or_pings(slack: FakeSlack, database: Database) -> None:
    """A display name is a stranger's text as well: in the words of a report it stays on one line and pings nobody."""
    slack.workspace.users[DAN].name = "<!channel> & co"
    async with open_school(slack, database) as school:
        theirs = school.people.write(DAN, "hello", STAFF_ROOM)
        await school.people.message_shortcut(PRIYA, "report_this", theirs)
        await school.settled()
        view = slack.workspace.modal(PRIYA)
        assert view is not None
        assert Message("", "", BOT, "", view.blocks).pings() == []


async def test_names_on_the_roster_are_read_as_they_are_and_ping_nobody(slack: FakeSlack, database: Database) -> None:
    """In lists, options, buttons, small print and headings: one escape, no more and no less."""
    named = {"sam": "Sam <!channel> & Co", "amara": "Amara &amp; <@U0HELEN>"}
    people = tuple(replace(p, name=named.get(p.id, p.name), job="Art & Craft") for p in SCHOOL.people)
    async with open_school(slack, database, people=people) as school:
        await _filed(school, {"What happened?": "x"})
        await school.settled()
        (card,) = [m for m in slack.workspace.messages if m.channel == LEADERS]
        await school.people.press(SAM, "Open", card)
        for label in ("I'll take this", "More", "Give it to somebody else"):
            await school.settled()
            await school.people.press(SAM, label)
        await school.people.home(SAM)
        await school.settled()
        shown, home = slack.workspace.modal(SAM), slack.workspace.homes[SAM]
        assert shown is not None
        options = "\n".join(read(shown.blocks))
        assert "Amara &amp; <@U0HELEN>, Art & Craft" in options
        assert "Sam <!channel> & Co has it" in "\n".join([*read(home.blocks), *read(card.blocks)])
        seen = [*slack.workspace.messages, *(Message("", "", BOT, "", view.blocks) for view in (shown, home))]
        assert [m.pings() for m in seen] == [[] for _ in seen]


async def test_a_lead_that_spans_lines_stands_on_one(school: School) -> None:
    """Headings are one line: a newline in what they are made of forges no second one."""
    reply = school.office.charter.talk.replies.plain("about")
    forged = message(replace(reply, lead="Case closed\nSam Carter has it"))
    assert message_faults(forged.blocks) == []
    assert "\n" not in str(forged.blocks[0])


async def _filed(
    school: School, answers: dict[str, str], draft: str = "d", by: str = PRIYA, public: str | None = None
) -> str:
    kind = Kind.QUESTION if public else Kind.REPORT
    about = About.NOBODY if public else About.STUDENT
    receipt = await school.office.desk.file(Filing(draft, kind, about, BY_ACCOUNT[by], answers, public_text=public))
    assert isinstance(receipt, Receipt)
    return receipt.ref
