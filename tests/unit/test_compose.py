"""The words of notices: every kind has its own, and none says more than it may."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from bot.cases.model import CaseSummary, Kind, Pointer, State, Urgency
from bot.model import Destination, Reply
from bot.notices.compose import FOR_THE_CHANNEL, Composer
from bot.notices.model import Notice, NoticeKind
from bot.render.words import TemplateWords
from bot.settings import EXAMPLE_SCHOOL, load_school
from tests.small_school import HandClock

WORDS = TemplateWords.load()
CALENDAR = load_school(EXAMPLE_SCHOOL).calendar
OPEN, CLOSED = datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 23, 20, tzinfo=UTC)
SUMMARY = CaseSummary("CC-CCC", Kind.REPORT, State.SUBMITTED, Urgency.HIGH, OPEN, None)


@dataclass
class Knows:
    """What the desk says may be known."""

    known: Pointer | None = field(
        default_factory=lambda: Pointer(SUMMARY, asks="Tess", numbers=("Chair: 3", "LADO: 4"))
    )

    async def pointer(self, notice: Notice) -> Pointer | None:  # noqa: ARG002
        """The same for everybody."""
        return self.known


def composer(desk: Knows | None = None) -> Composer:
    """A composer with the product's own words, an hour after the case was opened."""
    clock = HandClock()
    clock.time = OPEN.replace(hour=11)
    return Composer(desk or Knows(), WORDS, clock, CALENDAR)  # type: ignore[arg-type]


def notice(kind: NoticeKind, person: str | None = "sam", created: datetime = OPEN, repeat: bool = False) -> Notice:
    """One notice."""
    return Notice("n1", Destination(person), kind, "CC-CCC", created, repeat)


async def words(sent: Notice, desk: Knows | None = None) -> str:
    """Everything that is shown, in one text."""
    reply = await composer(desk).compose(sent)
    assert reply is not None
    return "\n".join((reply.lead, *reply.body))


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - {NoticeKind.ELSEWHERE}))
async def test_every_kind_has_its_words_and_its_case(kind: NoticeKind) -> None:
    """Short, with a button that opens the case, and a summary that says nothing but the reference."""
    reply = await composer().compose(notice(kind))
    assert isinstance(reply, Reply)
    assert len(reply.body) <= 4
    assert "{{" not in repr(reply)
    assert reply.choices[0].action == "open:case:CC-CCC"
    assert reply.summary == "Charter: news of case CC-CCC."


async def test_each_kind_says_something_else() -> None:
    """No two kinds can be mistaken for each other."""
    said = {kind: await words(notice(kind)) for kind in NoticeKind}
    assert len(set(said.values())) == len(NoticeKind)


@pytest.mark.parametrize("kind", NoticeKind)
async def test_numbers_and_the_name_of_who_asks_stand_only_where_they_belong(kind: NoticeKind) -> None:
    """Numbers for the reporter of a case that nobody took; a name where somebody asks to speak."""
    said = await words(notice(kind))
    assert ("LADO: 4" in said) == (kind is NoticeKind.UNANSWERED)
    assert ("Tess" in said) == (kind is NoticeKind.IN_PERSON)


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - FOR_THE_CHANNEL))
async def test_the_channel_is_told_of_nothing_but_a_new_case(kind: NoticeKind) -> None:
    """Even when a notice is written for it by mistake."""
    assert await composer().compose(notice(kind, person=None)) is None
    assert await composer().compose(notice(NoticeKind.POINTER, person=None)) is not None


async def test_a_pointer_sent_out_of_hours_says_that_nobody_is_watching() -> None:
    """By the time the case was sent, whenever the message arrives; in open hours it says nothing of hours."""
    late = await words(notice(NoticeKind.POINTER, created=CLOSED))
    assert f"Sent out of hours. {CALENDAR.out_of_hours}" in late
    assert "out of hours" not in await words(notice(NoticeKind.POINTER))
    assert "out of hours" not in await words(notice(NoticeKind.CLOSED, created=CLOSED))


async def test_what_may_have_been_shown_says_so() -> None:
    """And nothing else does."""
    repeat = WORDS.say("notice_repeat")
    assert repeat in await words(notice(NoticeKind.REMINDER, repeat=True))
    assert repeat not in await words(notice(NoticeKind.REMINDER))


async def test_an_unanswered_case_without_safe_numbers_still_tells_the_truth() -> None:
    """No number is better than a wrong one."""
    said = await words(notice(NoticeKind.UNANSWERED, "tess"), Knows(Pointer(SUMMARY)))
    assert said.startswith("Nobody has taken your report CC-CCC yet.")


async def test_who_may_not_know_is_told_nothing() -> None:
    """Whatever the kind, but the one that says only that."""
    silent = [kind for kind in NoticeKind if kind is not NoticeKind.ELSEWHERE]
    assert [await composer(Knows(None)).compose(notice(kind)) for kind in silent] == [None] * len(silent)
    told = await composer(Knows(None)).compose(notice(NoticeKind.ELSEWHERE, person=None))
    assert told is not None
    assert (told.body, told.choices) == (("There is nothing to do here.",), ())
