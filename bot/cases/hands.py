"""From hand to hand: a case that is re-routed, left by a handler or met with silence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.cases.files import CHARTER, Files
from bot.cases.model import About, CaseView, Illegal, NoRoute, Refused, Route, Stale, State
from bot.cases.moves import UNTAKEN, Action, Standing, legal
from bot.cases.record import Act, Case, Concern
from bot.cases.routing import Roster, Rule, closed_to, rights, rule_for
from bot.cases.views import barred, handlers_now
from bot.model import Person, Role
from bot.notices.model import NoticeKind


def concern_of(
    rule: Rule,
    where: Route,
    about: About,
    reporter: Person,
    subject: str | None,
    excluded: frozenset[str],
    roster: Roster,
) -> Concern:
    """Whom a case is about and who may hold it, as its route was shown to the reporter."""
    return Concern(
        about=about,
        roles=rule.roles,
        closed_to=closed_to(rule, reporter, subject, excluded, roster),
        subject=subject,
        excluded=excluded,
        channel=where.channel,
        not_to=where.not_to,
        on_silence=tuple(person.id for person in where.on_silence),
        on_recusal=tuple(person.id for person in where.on_recusal),
        also=rights(rule, where),
    )


def rerouted(case: Case, concern: Concern, where: Route, by: Person) -> Case:
    """The case taken from everybody and given to the people of its new route.

    When there is nobody in it, the one who re-routes keeps the case, to carry it by voice, unless it is kept from them too.
    What the reporter was told of whom it does not go to is no longer said: it would name people.
    """
    told = case.concern
    new = replace(concern, excluded=told.excluded, not_to="", joined=told.joined, danger=told.danger)
    handlers = tuple(person.id for person in where.handlers)
    if not handlers and by.id not in concern.closed_to:
        handlers = (by.id,)
        new = replace(new, also={by.id: frozenset[Role]()})
    return replace(case, handlers=handlers, concern=new, owner=None, state=State.SUBMITTED)


def recused(case: Case, by: Person, roster: Roster) -> Case | None:
    """The case without this handler, who never gets it again; the next in line has it when nobody else would.

    Where that line is used up it is whoever stands above it, as the reporter was shown. None when there is nobody else.
    A case whose owner goes must be taken anew.
    """
    concern = replace(case.concern, closed_to=case.concern.closed_to | {by.id}, channel=False)
    left = replace(case, handlers=tuple(person for person in case.handlers if person != by.id), concern=concern)
    if case.owner == by.id:
        state = case.state if case.state in (State.CLOSED, State.REOPENED) else State.SUBMITTED
        left = replace(left, owner=None, state=state)
    if handlers_now(left, roster):
        return left
    heir = next_on_silence(left, roster) or _next(left, concern.on_recusal, roster)
    return replace(left, handlers=(*left.handlers, heir)) if heir else None


def next_on_silence(case: Case, roster: Roster) -> str | None:
    """The next person in the case's line who can still be given it."""
    return _next(case, case.concern.on_silence[case.step :], roster)


def _next(case: Case, line: tuple[str, ...], roster: Roster) -> str | None:
    for id in line:
        person, needed = roster.get(id), case.concern.needs(id)
        given = id in case.handlers or id == case.reporter or barred(case, id)
        if person and not given and roster.reachable(person) and (needed is None or person.has(*needed)):
            return id
    return None


def silent(case: Case, roster: Roster) -> tuple[Case, str | None]:
    """The case one step further along its line, and who is given it now; nobody when the line is used up."""
    heir = next_on_silence(case, roster)
    if heir is None:
        return replace(case, step=max(case.step, len(case.concern.on_silence)) + 1), None
    step = case.concern.on_silence.index(heir) + 1
    return replace(case, handlers=(*case.handlers, heir), step=step), heir


@dataclass
class Hands:
    """Passes cases on for the desk, whose methods of these names say what they promise."""

    files: Files

    async def recuse(self, ref: str, by: Person, reason: str) -> Refused | Illegal | Stale | None:
        """Leave a case."""
        case = await self.files.entitled(ref, by, Standing.HANDLER)
        if case is None:
            return Refused()
        left = recused(case, by, self.files.roster)
        if left is None or not reason.strip():
            return Illegal(await self.files.shown(case, by))
        orphaned = case.owner == by.id and left.state in UNTAKEN
        heirs = set(left.handlers) - set(case.handlers)
        left = self.files.waiting(left) if orphaned or heirs else left
        told = handlers_now(left, self.files.roster) if orphaned else heirs
        event = self.files.event(Act.RECUSED, by, reason)
        done = await self.files.write(left, event, self.files.notices(NoticeKind.POINTER, left.ref, told))
        return None if done else await self.files.overtaken(ref, by)

    async def reroute(
        self, ref: str, by: Person, about: About, subject: str | None, reason: str
    ) -> CaseView | Refused | Illegal | Stale | NoRoute | None:
        """Send a report the way it should have gone."""
        case = await self.files.entitled(ref, by, Standing.HANDLER)
        if case is None:
            return Refused()
        known = (case.kind, about) in self.files.table and (subject is None or self.files.roster.get(subject))
        if not known or not reason.strip() or not legal(Action.REROUTE, case):
            return Illegal(await self.files.shown(case, by))
        where = self.files.route(replace(case, concern=replace(case.concern, about=about, subject=subject)))
        after = self.files.waiting(self._rerouted(case, about, subject, where, by))
        told = [person for person in after.handlers if person != by.id]
        notices = self.files.notices(NoticeKind.POINTER, after.ref, told, after.concern.channel)
        if not await self.files.write(after, self.files.event(Act.REROUTED, by, reason), notices):
            return await self.files.overtaken(ref, by)
        if isinstance(where, NoRoute):
            return where
        return await self.files.view(after, by) if by.id in after.handlers else None

    async def escalate(self, ref: str) -> bool:
        """Give a case that nobody took to the next in its line."""
        case = await self.files.store.find(ref)
        if case is None or case.state not in UNTAKEN or case.due is None or case.due > self.files.clock.now():
            return False
        after, heir = silent(case, self.files.roster)
        after = replace(self.files.waiting(after), step=after.step)
        event = self.files.event(Act.ESCALATED if heir else Act.REMINDED, CHARTER)
        given = self.files.notices(NoticeKind.ESCALATED, ref, (heir,) if heir else ())
        reminded = self.files.notices(NoticeKind.REMINDER, ref, handlers_now(case, self.files.roster))
        return await self.files.write(after, event, (*given, *reminded))

    def _rerouted(self, case: Case, about: About, subject: str | None, where: Route | NoRoute, by: Person) -> Case:
        reporter = self.files.person(case.reporter)
        told, files = case.concern, self.files
        rule = rule_for(case.kind, about, reporter, subject, files.roster, files.table, told.joined)
        shown = where if isinstance(where, Route) else Route((), channel=False)
        concern = concern_of(rule, shown, about, reporter, subject, told.excluded | told.closed_to, files.roster)
        return rerouted(case, concern, shown, by)
