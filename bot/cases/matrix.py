"""Where everything goes, in plain words, as the code has it: `python -m bot.cases.matrix > docs/routing.md`.

Every line is worked out by the same functions that route a case, for a school with one person in each post.
"""

from __future__ import annotations

from bot.cases.model import About, Kind, NoRoute, Route, State
from bot.cases.moves import MOVES, UNTAKEN, Action, Move, Standing
from bot.cases.routing import TABLE, Line, Numbers, Roster, route, rule_for
from bot.model import Person, Platform, Role


def _post(id: str, name: str, *roles: Role) -> Person:
    return Person(id, name, frozenset(roles), {Platform.WEB: id})


STAFF = _post("staff", "a member of staff", Role.STAFF)
HEAD = _post("head", "the headteacher", Role.HEADTEACHER)
CHAIR = _post("chair", "the chair of governors", Role.CHAIR)
SLT = _post("slt", "the senior leaders", Role.SLT)
SENDERS = (STAFF, SLT, HEAD, CHAIR)
SCHOOL = (
    HEAD,
    SLT,
    _post("other_slt", "another senior leader", Role.SLT),
    _post("dsl", "the safeguarding lead", Role.DSL),
    _post("deputy", "the deputy safeguarding lead", Role.DEPUTY_DSL),
    CHAIR,
    _post("governor", "a governor", Role.GOVERNOR),
    _post("it", "IT", Role.IT),
    STAFF,
)
NUMBERS = Numbers(
    school=(Line("the headteacher", "head"), Line("the safeguarding lead", "dsl")),
    above_head=(Line("the chair of governors", "chair"), Line("LADO"), Line("the whistleblowing line")),
    adult=(Line("adult social care"), Line("the headteacher", "head")),
)

WHAT: dict[tuple[Kind, About], str] = {
    (Kind.QUESTION, About.NOBODY): "A question to leadership",
    (Kind.REPORT, About.SELF): "A report about oneself",
    (Kind.REPORT, About.STUDENT): "A report about a pupil",
    (Kind.REPORT, About.PARENT): "A report about a parent or somebody outside school",
    (Kind.REPORT, About.UNKNOWN): "A report about somebody unknown",
    (Kind.REPORT, About.COLLEAGUE): "A report about a colleague, volunteer, contractor or supply teacher",
    (Kind.REPORT, About.GOVERNOR): "A report about a governor",
    (Kind.REPORT, About.SLT_OR_DSL): "A report about a senior leader or a safeguarding lead",
    (Kind.REPORT, About.HEADTEACHER): "A report about the headteacher",
    (Kind.REPORT, About.CHAIR): "A report about the chair of governors",
    (Kind.REPORT, About.ADULT_AT_RISK): "An adult may be at risk",
    (
        Kind.REPORT,
        About.CONFLICT,
    ): "About the headteacher and the chair, or telling either would be a conflict of interest",
    (Kind.DECLARATION, About.SELF): "Declaring a contact",
    (Kind.JUSTIFICATION, About.SELF): "Giving the reason for departing from the guidance",
}
_SUBJECTS = {About.SLT_OR_DSL: "other_slt", About.GOVERNOR: "governor", About.COLLEAGUE: "it"}
_DONE = {
    Action.ACKNOWLEDGE: "take it",
    Action.ASSIGN: "hand it to another who has it",
    Action.REPLY: "write to the reporter",
    Action.ASK: "ask the reporter and wait",
    Action.NOTE: "write an internal note",
    Action.ADD: "add to it",
    Action.WITHDRAW: "withdraw it (it is kept)",
    Action.URGENCY: "change how urgent it is",
    Action.HOLD: "keep it from disposal",
    Action.RELEASE: "end such a hold",
    Action.RECUSE: "step back from it",
    Action.REROUTE: "send it another way (reports only)",
    Action.CLOSE: "close it, with outcome and reason",
    Action.REOPEN: "open it again",
}
_TOLD = {
    Action.ASSIGN: "the one it is handed to",
    Action.URGENCY: "who has it, when it becomes urgent",
    Action.RECUSE: "the others, when it must be taken anew",
    Action.REROUTE: "those it now goes to",
}
_WHEN = {
    frozenset(State): "at any time",
    frozenset(State) - {State.CLOSED}: "until it is closed",
    frozenset(State) - {State.CLOSED} - UNTAKEN: "once somebody has taken it, until it is closed",
    UNTAKEN: "while nobody has taken it",
    frozenset({State.CLOSED}): "when it is closed",
}

_HEAD = """# Who gets what

Made from the code by `python -m bot.cases.matrix`; a test fails when the two differ. These are the defaults: a school changes
rows in `school.toml` under `[[route]]`, and Charter does not start with a change that names somebody unknown or would send a
report to those it may be about.

Staff to headteacher, headteacher to chair of governors, and outside when there is a conflict rest on Keeping children safe in
education, part four. The other rows are proposals for the headteacher to sign off."""

_RULES = """## What holds for every row

- Whom it is about is asked before any words are taken. A named person decides the row, whatever was tapped.
- The person it is about, whoever the reporter keeps out of it, and whoever steps back never see it: not in lists, counts,
  notices or the list of people to assign it to. To them it looks as if it were not there. This beats every other right.
- The reporter sees the whole list of people before sending, and who is next when nobody takes it. There is no other reader.
- The reporter never handles their own case. Somebody without an account that Charter can reach is not in the list.
- When nobody safe is left, Charter takes no words and shows whom to ring, without those it is kept from.
- The leadership channel shows that a case exists: its reference, kind, urgency, age and owner. Where somebody it is kept from
  can read the channel, nothing appears there.
- An urgent case is told to each person who can open it, in private, besides the channel.
- On silence it goes to the next in line, never to the channel. With nobody in line, those who have it are reminded, and the
  reporter is told whom to ring.
- Where the safety check was raised, somebody must take it within 15 minutes of school hours, and each step on silence takes
  as long. Out of hours nobody can promise that: the sender is told whom to ring instead.
- Whoever steps back never gets it again. It stays with the others; when none is left it goes along the line of silence, and
  then to whoever stands above. Where nobody is left at all nobody can step back, and it is sent another way instead.
- A case is given person by person. Joining the leadership team or the channel gives no old case. Leaving the roster, or
  losing the role it was given for, takes it away at once.
- A case that is sent another way is taken from everybody first. Whoever it was ever kept from stays so. When nobody safe can
  be told, the person who sent it on keeps it, unless it is kept from them too, and is shown whom to ring.
- A type of incident may add people by role (lost data: the data protection officer). A child who may be at risk adds the
  safeguarding lead and the deputy, each told in private; nothing appears in the leadership channel then. Nobody is added
  alone, nor to a report about another member of staff or a governor, but only to: {joined}.
- A wish to speak in person goes to one person who would handle such a report, with the name of who asks and nothing else."""


def matrix() -> str:
    """The whole of docs/routing.md."""
    return (
        "\n\n".join((_HEAD, "## The rows", _rows(), "## When a leader sends it", _by_leaders(), _rules(), _moves()))
        + "\n"
    )


def _table(heads: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    rows = [heads, tuple("---" for _ in heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rows() -> str:
    heads = (
        "What is sent",
        "Goes to",
        "On silence, next",
        "All stepped back, next",
        "Leadership channel",
        "Never to",
        "When nobody can have it, ring",
    )
    return _table(heads, [(WHAT[row], *_row(*row)) for row in TABLE])


def _row(kind: Kind, about: About) -> tuple[str, ...]:
    found, rule = _route(kind, about, STAFF), TABLE[kind, about]
    never = [person.name for person in Roster(SCHOOL).having(rule.closed_to)]
    if about in _SUBJECTS:
        never.append("the person it is about")
    ring = NUMBERS.lines(rule.ring, closed_to=rule.closed_to, kept_from=_ids(rule.closed_to))
    if isinstance(found, NoRoute):
        return ("nobody: whom to ring", "–", "–", "nothing", _said(never), _said(ring))
    pointer = "the text its sender approved" if kind is Kind.QUESTION else "that it exists"
    channel = pointer if found.channel else "nothing"
    people = (_people(some) for some in (found.handlers, found.on_silence, found.on_recusal))
    return (*people, channel, _said(never), _said(ring))


def _by_leaders() -> str:
    return _table(
        ("What is sent", *(f"by {_sender(person)}" for person in SENDERS[1:])),
        [(WHAT[row], *(_to(_route(*row, sender)) for sender in SENDERS[1:])) for row in TABLE],
    )


def _sender(person: Person) -> str:
    return "a senior leader" if person is SLT else person.name


def _route(kind: Kind, about: About, sender: Person) -> Route | NoRoute:
    return route(kind, about, sender, _SUBJECTS.get(about), frozenset(), Roster(SCHOOL), NUMBERS)


def _ids(roles: frozenset[Role]) -> frozenset[str]:
    return frozenset(person.id for person in Roster(SCHOOL).having(roles))


def _to(found: Route | NoRoute) -> str:
    return _people(found.handlers) if isinstance(found, Route) else f"ring {_said(found.numbers)}"


def _people(people: tuple[Person, ...]) -> str:
    """Names, in one word for all the senior leaders."""
    ids = {person.id for person in people}
    names = [person.name for person in people if person.id != "other_slt"]
    if "other_slt" in ids and "slt" not in ids:
        names.append("the other senior leaders")
    return _said(names)


def _said(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names) or "–"


def _rules() -> str:
    """The rules, with the rows to which a type may add people as the routing has them."""
    roster, also = Roster(SCHOOL), frozenset({Role.DPO})
    rows = [WHAT[row] for row in TABLE if rule_for(*row, STAFF, _SUBJECTS.get(row[1]), roster, also=also).joined]
    return _RULES.format(joined="; ".join(rows).lower())


def _moves() -> str:
    lines: list[tuple[str, ...]] = [
        (_DONE[action], _who(move), _WHEN[frozenset(move.to)], _TOLD.get(action) or _tells(move))
        for action, move in MOVES.items()
    ]
    return f"## What may be done with a case\n\n{_table(('May', 'Who', 'When', 'Who is told'), lines)}"


def _who(move: Move) -> str:
    return "those it was given to" if move.by is Standing.HANDLER else "the reporter"


def _tells(move: Move) -> str:
    names = {Standing.REPORTER: "the reporter", Standing.HANDLER: "who has it"}
    return ", ".join(words for standing, words in names.items() if standing in move.tells) or "–"


if __name__ == "__main__":
    print(matrix(), end="")
