"""How a case comes in: where it would go, and its filing, once and whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from bot.cases.files import Files
from bot.cases.hands import concern_of
from bot.cases.model import About, Filing, Kind, NoRoute, Receipt, Route, Urgency
from bot.cases.record import Act, Case
from bot.cases.reference import new_reference
from bot.cases.routing import Ring, route, rule_for
from bot.model import Person, Role
from bot.notices.model import NoticeKind

log = structlog.get_logger()

_TRIES = 20


@dataclass
class Intake:
    """Files submissions for the desk."""

    files: Files

    def route_for(
        self,
        kind: Kind,
        about: About,
        reporter: Person,
        subject: str | None,
        excluded: frozenset[str],
        also: frozenset[Role],
    ) -> Route | NoRoute:
        """Where such a case would go now."""
        files, known = self.files, self.files.roster.get(reporter.id)
        if known is None:
            return NoRoute(files.numbers.lines(Ring.SCHOOL))
        return route(kind, about, known, subject, excluded, files.roster, files.numbers, files.table, also)

    async def file(self, filing: Filing) -> Receipt | NoRoute:
        """Store it, once for each draft of each reporter; nothing where there is no route."""
        earlier = await self.filed(filing.reporter.id, filing.draft)
        return earlier or await self._routed(filing, self._where(filing), NoticeKind.POINTER)

    async def in_person(self, filing: Filing, to: str) -> Receipt | NoRoute:
        """Store a wish to speak to one of those who would handle it; the numbers where `to` is nobody who would."""
        earlier = await self.filed(filing.reporter.id, filing.draft)
        where = self._where(filing)
        if isinstance(where, Route):
            chosen = tuple(person for person in where.handlers if person.id == to)
            where = replace(where, handlers=chosen, channel=False) if chosen else self._numbers(filing)
        return earlier or await self._routed(filing, where, NoticeKind.IN_PERSON)

    def _where(self, filing: Filing) -> Route | NoRoute:
        return self.route_for(filing.kind, filing.about, filing.reporter, filing.subject, filing.excluded, filing.also)

    def _numbers(self, filing: Filing) -> NoRoute:
        reporter = self.files.person(filing.reporter.id)
        return NoRoute(self.files.to_ring(filing.kind, filing.about, reporter, filing.subject, filing.excluded))

    async def filed(self, reporter: str, draft: str) -> Receipt | None:
        """What this reporter's draft became before."""
        known = self.files.roster.get(reporter)
        case = await self.files.store.filed(known.id, draft) if known else None
        return self._receipt(case) if case else None

    async def _routed(self, filing: Filing, where: Route | NoRoute, kind: NoticeKind) -> Receipt | NoRoute:
        if isinstance(where, NoRoute):
            log.info("case_without_route", kind=filing.kind.value)
            return where
        return await self._create(filing, where, kind)

    async def _create(self, filing: Filing, where: Route, kind: NoticeKind) -> Receipt:
        files, reporter = self.files, self.files.person(filing.reporter.id)
        first = replace(files.event(Act.FILED, reporter), answers=filing.answers, public_text=filing.public_text)
        for _ in range(_TRIES):
            case = self._new_case(filing, where, reporter)
            private = case.urgency is Urgency.HIGH or not where.channel
            notices = files.notices(kind, case.ref, case.handlers if private else (), where.channel)
            stored = await files.store.create(case, filing.draft, first, notices)
            if stored is not None:
                log.info("case_filed", ref=stored.ref)
                files.wake.set()
                return self._receipt(stored)
        raise RuntimeError("no free reference was found")

    def _new_case(self, filing: Filing, where: Route, reporter: Person) -> Case:
        roster, table = self.files.roster, self.files.table
        rule = rule_for(filing.kind, filing.about, reporter, filing.subject, roster, table, filing.also)
        concern = concern_of(rule, where, filing.about, reporter, filing.subject, filing.excluded, self.files.roster)
        concern = replace(concern, joined=filing.also, danger=filing.danger)
        urgent = filing.danger or Urgency.HIGH in (filing.urgency, rule.urgency)
        urgency = Urgency.HIGH if urgent else filing.urgency
        handlers, now = tuple(person.id for person in where.handlers), self.files.clock.now()
        case = Case(new_reference(), filing.kind, urgency, reporter.id, now, handlers, concern, review=filing.review)
        return self.files.waiting(case)

    def _receipt(self, case: Case) -> Receipt:
        told = case.concern
        handlers, line, above = (
            tuple(p for id in ids if (p := self.files.roster.get(id)))
            for ids in (case.handlers, told.on_silence, told.on_recusal)
        )
        return Receipt(case.ref, Route(handlers, told.channel, told.not_to, line, above))
