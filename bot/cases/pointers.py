"""What a notice may say of a case to where it goes, decided when it goes."""

from __future__ import annotations

from bot.cases.files import LEADERSHIP, Files
from bot.cases.model import Kind, Pointer
from bot.cases.moves import UNTAKEN, Standing
from bot.cases.record import Act, Case
from bot.cases.views import summary
from bot.model import Destination
from bot.notices.model import Notice, NoticeKind


async def pointer(files: Files, notice: Notice) -> Pointer | None:
    """No content, except the approved text of a question in the leadership channel; None for who may not know of it."""
    case, to = await files.store.find(notice.ref), notice.destination.person
    if case is None or not may_know(files, case, notice.destination):
        return None
    seen_as = files.standing(case, to) if to else Standing.HANDLER
    asks = notice.kind is NoticeKind.IN_PERSON and seen_as is Standing.HANDLER and to is not None
    unheard = seen_as is Standing.REPORTER and case.state in UNTAKEN
    return Pointer(
        summary(case, files.roster, files.clock.now(), seen_as),
        await _public_text(files, case, notice),
        asks=files.person(case.reporter).name if asks else "",
        numbers=_numbers(files, case) if unheard else (),
    )


def may_know(files: Files, case: Case, destination: Destination) -> bool:
    """Whether word of the case may go there: to a person with rights, or to a channel that nobody barred can read."""
    if destination.person is not None:
        return files.standing(case, destination.person) is not Standing.NONE
    told = case.concern
    return told.channel and not any(files.roster.reads_channel(person) for person in told.closed_to)


async def _public_text(files: Files, case: Case, notice: Notice) -> str | None:
    if case.kind is not Kind.QUESTION or notice.destination != LEADERSHIP:
        return None
    story = await files.store.story(case.ref)
    return next((event.public_text for event in story if event.act is Act.FILED), None)


def _numbers(files: Files, case: Case) -> tuple[str, ...]:
    told, reporter = case.concern, files.person(case.reporter)
    return files.to_ring(case.kind, told.about, reporter, told.subject, told.excluded | told.closed_to)
