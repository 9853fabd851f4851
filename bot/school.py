"""The school as its settings describe it: contacts and people. Read once at start, never changed."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from bot.calendar import Calendar
from bot.cases.changes import Change, changed
from bot.cases.routing import Line, Numbers, Table
from bot.model import Person, Role


class Contact(BaseModel):
    """Somebody to ring: who, the number, and when it helps to know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    number: str
    note: str = ""

    def __str__(self) -> str:
        """Return `name: number (note)`."""
        return f"{self.name}: {self.number}" + (f" ({self.note})" if self.note else "")


class Contacts(BaseModel):
    """The numbers that a person may need at once. `as_of` says when the school last checked them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: str
    emergency: str
    dsl: Contact
    deputy_dsl: Contact
    headteacher: Contact
    chair: Contact
    children_out_of_hours: Contact
    adult_at_risk: Contact
    lado: Contact
    whistleblowing: Contact
    it: Contact


class School(BaseModel):
    """One school. People's ids and accounts are unique; one headteacher and at least one safeguarding lead are named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    contacts: Contacts
    people: tuple[Person, ...]
    calendar: Calendar
    route: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        ids = [person.id for person in self.people]
        accounts = [account for person in self.people for account in person.accounts.items()]
        if len(set(ids)) < len(ids) or len(set(accounts)) < len(accounts):
            raise ValueError("people: an id or an account stands there twice")
        if sum(person.has(Role.HEADTEACHER) for person in self.people) != 1:
            raise ValueError("people: exactly one person must have the role 'headteacher'")
        if not any(person.has(Role.DSL) for person in self.people):
            raise ValueError("people: somebody must have the role 'dsl'")
        self.routes()
        return self

    def routes(self) -> Table:
        """Where each kind of case goes here: the product's table with the school's changes.

        Raises ValueError for a change that may not be made; a school that was read has none.
        """
        return changed(self.route, self.people)

    def numbers(self) -> Numbers:
        """The numbers to ring when Charter cannot carry something, each tied to the person who answers it."""
        told = self.contacts
        head = Line(str(told.headteacher), self._holder(Role.HEADTEACHER), Role.HEADTEACHER)
        dsl = Line(str(told.dsl), self._holder(Role.DSL), Role.DSL)
        chair = Line(str(told.chair), self._holder(Role.CHAIR), Role.CHAIR)
        outside = (Line(str(told.lado)), Line(str(told.whistleblowing)))
        return Numbers((head, dsl), (chair, *outside), (Line(str(told.adult_at_risk)), head))

    def _holder(self, role: Role) -> str | None:
        return next((person.id for person in self.people if person.has(role)), None)
