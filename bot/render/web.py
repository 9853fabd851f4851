"""Replies, pages and conversations as HTML. Pure; every word is escaped by the templates' autoescape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.model import Page, Person, Reply, Role
from bot.preview import Line

TEMPLATES = Path(__file__).parent / "templates" / "web"

LONG_LIST = 12
"""From this many options on, a list to pick one from is folded into a drop-down."""

_HANDLERS = frozenset({Role.SLT, Role.HEADTEACHER, Role.DSL, Role.DEPUTY_DSL, Role.CHAIR, Role.DPO})
_LEADERS = frozenset({Role.SLT, Role.HEADTEACHER})
_COLOURS = 8


@dataclass(frozen=True)
class Face:
    """A person as drawn in the rail and beside messages. `colour` numbers one of the style sheet's avatar colours."""

    id: str
    name: str
    job: str
    initials: str
    colour: int
    leader: bool
    handler: bool


def face(person: Person) -> Face:
    """How a person is drawn. What they may see is decided elsewhere; this only chooses which links to show."""
    words = [
        word for word in person.name.replace(".", "").split() if word not in ("Mr", "Mrs", "Ms", "Miss", "Mx", "Dr")
    ]
    initials = "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
    colour = crc32(person.id.encode()) % _COLOURS
    leader, handler = person.has(*_LEADERS), person.has(*_HANDLERS)
    return Face(person.id, person.name, person.job, initials, colour, leader, handler)


def shell(people: Sequence[Person], school: str, trouble: Reply) -> str:
    """The whole page around the conversations. `trouble` is what a person reads when nothing can be sent."""
    return _fill("shell.html", people=[face(person) for person in people], school=school, trouble=trouble)


def room(lines: Sequence[Line], people: Mapping[str, Person], starters: Sequence[str], private: bool) -> str:
    """What was said in a room; in an empty private one, a welcome with questions to start with."""
    said = [(line, _author(line, people)) for line in lines]
    return _fill("room.html", lines=said, starters=starters, private=private)


def message(line: Line, people: Mapping[str, Person]) -> str:
    """One line of a conversation."""
    return _fill("message.html", line=line, author=_author(line, people))


def reply(content: Reply) -> str:
    """A reply on its own, as it stands in a dialog."""
    return _fill("notice.html", reply=content)


def page(content: Page) -> str:
    """A page or one step of a form, as it stands in a dialog."""
    return _fill("page.html", page=content, long_list=LONG_LIST)


def _author(line: Line, people: Mapping[str, Person]) -> Face | None:
    person = people.get(line.author or "")
    return face(person) if person else None


def _fill(template: str, **values: object) -> str:
    return _ENVIRONMENT.get_template(template).render(values)


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
