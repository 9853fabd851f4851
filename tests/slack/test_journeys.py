"""Journeys from start to end, in local-slack and in the strict fake, by Socket Mode and by signed HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.storage.database import Database
from tests.slack import journeys
from tests.slack.journeys import ASKED, SECRET
from tests.slack.local import Program
from tests.slack.school import (
    AMARA,
    DAN,
    LEADERS,
    PRIYA,
    SAM,
    STAFF_ROOM,
    furnish,
)
from tests.slack.stages import InHouse, in_local_slack, in_the_fake
from tests.slack.workspace import BOT, Workspace

WAYS = ("local http", "local socket", "fake socket")
"""Signed HTTP in the fake is the way of every other test here."""


class Programs:
    """One local-slack for each way of delivery, started when it is first needed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._running: dict[bool, Program] = {}

    def by(self, *, socket: bool) -> Program:
        """The one that delivers so."""
        if socket not in self._running:
            furnished = Workspace()
            furnish(furnished)
            folder = self._folder / ("socket" if socket else "http")
            folder.mkdir()
            program = Program(folder, furnished, socket=socket)
            self._running[socket] = self._stack.enter_context(program.running())
        return self._running[socket]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """Ended when the module is."""
    with ExitStack() as stack:
        yield Programs(tmp_path_factory.mktemp("local"), stack)


@pytest.fixture(params=WAYS)
async def stage(request: pytest.FixtureRequest, programs: Programs, database: Database) -> AsyncIterator[InHouse]:
    """Charter at work, in each kind of workspace and by each way of delivery."""
    where, how = str(request.param).split()
    opened = (
        in_the_fake(database, socket=how == "socket")
        if where == "fake"
        else in_local_slack(programs.by(socket=how == "socket"), database)
    )
    async with opened as found:
        yield found


async def test_a_question_a_follow_up_and_a_correction(stage: InHouse) -> None:
    """Answered in the thread, carried on there, and put right at one press."""
    await journeys.ask_and_put_right(stage)
    assert {m.user for m in stage.workspace.messages} == {PRIYA, BOT}
    assert all(m.channel[0] == "D" for m in stage.workspace.messages)


async def test_a_mention_in_a_channel_is_answered_to_the_asker_alone(stage: InHouse) -> None:
    """Nobody else in the channel sees the answer."""
    await journeys.mention_is_answered_privately(stage)
    assert [m.user for m in stage.channel(STAFF_ROOM)] == [DAN]


async def test_every_form_is_filed_and_nothing_of_it_stands_in_the_channel(stage: InHouse) -> None:
    """Each gets a reference; the channel has one pointer for the report and the approved text of the question."""
    refs = await journeys.every_form(stage)
    assert refs.pop("check") == "", "what somebody finds on their own accounts is theirs alone"
    await stage.settled()
    kinds = {name: (await stage.office.store.find(ref)).kind for name, ref in refs.items()}  # type: ignore[union-attr]
    assert {name: str(kind) for name, kind in kinds.items()} == {
        "report": "report",
        "declare": "declaration",
        "justify": "justification",
        "question": "question",
    }
    await stage.until(lambda: len(stage.channel(LEADERS)) == 2)
    pointer, question = sorted((m.shown for m in stage.channel(LEADERS)), key=lambda text: ASKED["question"] in text)
    assert refs["report"] in pointer
    assert SECRET not in pointer
    assert ASKED["question"] in question
    assert "Dan" not in question


async def test_a_case_from_pointer_to_close(stage: InHouse) -> None:
    """Opened, taken, given on, answered and closed in Slack alone; the reporter is told at each step."""
    ref = await journeys.report(stage)
    await journeys.handled(stage, ref)
    case = await stage.office.store.find(ref)
    assert case is not None
    assert (str(case.state), case.owner) == ("closed", "amara")
    assert len([m for m in stage.channel(LEADERS) if ref in m.shown]) == 1
    public = [m.shown + m.text for m in stage.workspace.messages if m.channel in (LEADERS, STAFF_ROOM)]
    assert all(SECRET not in text and "privacy checked" not in text for text in public)
    notified = [m.text for m in stage.workspace.messages if m.user == BOT]
    assert all(SECRET not in text and "Jordan" not in text for text in notified)


async def test_the_pointer_card_is_brought_up_to_date_in_its_place(stage: InHouse) -> None:
    """Whoever looks into the channel sees who has the case now, and no second card."""
    ref = await journeys.report(stage)
    await stage.settled()
    (card,) = await stage.until(lambda: stage.channel(LEADERS))
    await stage.people.press(SAM, "Open", card)
    await stage.shows(SAM, ref)
    await stage.pressed(SAM, "I'll take this")
    await stage.settled()
    await stage.until(lambda: "Sam Carter has it" in card.shown)
    assert stage.channel(LEADERS) == [card]


async def test_somebody_without_rights_is_refused(stage: InHouse) -> None:
    """The same button shows them nothing, and not that there is something."""
    ref = await journeys.report(stage)
    await stage.settled()
    await stage.until(lambda: stage.channel(LEADERS))
    await journeys.refused(stage, ref)
    case = await stage.office.store.find(ref)
    assert case is not None
    assert str(case.state) == "submitted"


async def test_each_role_has_its_own_home(stage: InHouse) -> None:
    """Quick actions for all, one's own cases, and the queue for those who handle them."""
    ref = await journeys.report(stage)
    await journeys.homes(stage, ref)


async def test_a_report_about_the_headteacher_reaches_the_chair_alone(stage: InHouse) -> None:
    """No card in the channel, nothing in the head's messages or home; the chair, a guest, opens it."""
    ref = await journeys.report(stage, what="He shouted at a pupil.", about="headteacher", conflict="no")
    await stage.told("U0PETER", ref)
    await stage.people.press("U0PETER", "Open")
    await stage.shows("U0PETER", "He shouted at a pupil.")
    assert stage.channel(LEADERS) == []
    for user in ("U0HELEN", "U0SAM", AMARA):
        await stage.people.home(user)
        await stage.until(lambda user=user: user in stage.workspace.homes)
        seen = [m.shown + m.text for m in stage.workspace.seen_by(user)]
        assert all(ref not in text for text in [*seen, stage.workspace.homes[user].shown])
