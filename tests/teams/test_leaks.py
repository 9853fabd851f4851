"""Whatever is forged, kept or pressed too late in Teams, nobody learns of a case that is not theirs. With a counter-proof.

What Teams brings carries a token, but every value in it that Charter once sent comes back from a person's computer: what a
button does, the page that a dialog stands on, its fields, and where the card is said to stand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.cases import views
from bot.cases.model import About, CaseView, Filing, Kind, Receipt
from bot.cases.moves import Standing
from bot.cases.record import Case
from tests.guards import without_guard
from tests.teams.school import CHANNEL, PEOPLE, School, school

SECRET = "xylophone"
NOTHING = "ZZ-ZZZ"
"""A reference of no case."""
EVERYBODY = (*PEOPLE, "stranger")
SUBJECTS = [
    (About.SELF, None),
    (About.STUDENT, None),
    (About.PARENT, None),
    (About.COLLEAGUE, "dan"),
    (About.GOVERNOR, "peter"),
    (About.SLT_OR_DSL, "ruth"),
    (About.SLT_OR_DSL, "amara"),
    (About.HEADTEACHER, "helen"),
]
"""Each class of subject, with who it is where that is somebody on the roster."""

OPENINGS = ("open:case:{ref}", "open:queue", "open:mine", "open:register:declaration", "open:register:justification")
ACTS = (
    "acknowledge",
    "more",
    "reply",
    "ask",
    "add",
    "note",
    "assign",
    "close",
    "reopen",
    "hold",
    "release",
    "recuse",
    "reroute",
)
SAID = ("Open {ref}", "My cases", "Queue", "{ref}")

_quiet: dict[tuple[str, bool], str] = {}


@pytest.fixture
async def oakfield() -> AsyncIterator[School]:
    """A school with Charter running."""
    async with school() as made:
        yield made


async def _filed(oakfield: School, about: About, subject: str | None) -> str:
    """A report with words to look for; its notices are delivered."""
    what = Filing("draft", Kind.REPORT, about, PEOPLE["priya"], {"What happened?": SECRET}, subject)
    receipt = await oakfield.desk.file(what)
    assert isinstance(receipt, Receipt)
    await oakfield.deliver()
    return receipt.ref


async def _tried(oakfield: School, person: str, ref: str, acts: bool = True) -> str:
    """Everything that came back when somebody said and opened all there is with this reference, and forged every act."""
    found: list[object] = []
    for text in SAID:
        found.append(await oakfield.say(person, text.format(ref=ref)))
    for opening in OPENINGS:
        asked = {"do": "press", "action": opening.format(ref=ref)}
        found.append(await oakfield.invoke(person, "task/fetch", {"data": asked}))
        found.append(await oakfield.press(person, asked))
    for act in ACTS if acts else ():
        page = f"case:{ref}:{act}"
        for sent in (
            {"do": "submit", "page": f"case:{ref}", "action": f"act:{act}"},
            {"do": "submit", "page": page, "action": "send", "field:words": "x", "field:outcome": "Advice given"},
        ):
            found.append(await oakfield.invoke(person, "task/submit", {"data": sent}))
            found.append(await oakfield.press(person, sent))
    await oakfield.deliver()
    return repr(found)


async def _in_a_quiet_school(person: str, acts: bool) -> str:
    """What the same tries show where the case never was."""
    if (person, acts) not in _quiet:
        async with school() as quiet:
            _quiet[person, acts] = await _tried(quiet, person, NOTHING, acts)
    return _quiet[person, acts]


def _strangers(oakfield: School, case: Case) -> list[str]:
    """Those who have no part in a case."""
    return [
        each
        for each in EVERYBODY
        if each not in PEOPLE or views.standing(case, each, oakfield.desk.roster) is Standing.NONE
    ]


def _in_the_channel(oakfield: School) -> str:
    return repr([sent for _, path, sent in oakfield.microsoft.calls if CHANNEL.split("@")[0] in path])


@pytest.mark.parametrize(("about", "subject"), SUBJECTS)
@pytest.mark.parametrize("rerouted", [False, True], ids=["as filed", "after a re-route"])
async def test_a_case_that_is_not_yours_looks_like_one_that_is_not_there(
    oakfield: School, about: About, subject: str | None, rerouted: bool
) -> None:
    """No word and no change, whatever is said or opened, nor for subject, colleague and stranger by any forged act."""
    first = (About.STUDENT, None) if rerouted else (about, subject)
    ref = await _filed(oakfield, *first)
    if rerouted:
        await oakfield.desk.reroute(ref, PEOPLE["sam"], about, subject, "It went the wrong way.")
        await oakfield.deliver()
    case = await oakfield.store.find(ref)
    assert case is not None
    others = _strangers(oakfield, case)
    assert subject is None or subject in others
    assert {"nadia", "stranger"} <= {*others}
    for person in others:
        acts = person in (subject, "nadia", "stranger")
        seen = await _tried(oakfield, person, ref, acts)
        assert SECRET not in seen
        assert seen.replace(ref, NOTHING) == await _in_a_quiet_school(person, acts)
    assert await oakfield.store.find(ref) == case
    assert SECRET not in _in_the_channel(oakfield)


async def test_its_own_people_see_it(oakfield: School) -> None:
    """What is searched for would be found: a handler is shown the words by the same presses."""
    ref = await _filed(oakfield, About.STUDENT, None)
    assert isinstance(await oakfield.desk.open(ref, PEOPLE["sam"]), CaseView)
    assert SECRET in await _tried(oakfield, "sam", ref)


@pytest.mark.parametrize(("about", "subject"), SUBJECTS)
async def test_without_the_check_the_same_presses_show_it(
    oakfield: School, monkeypatch: pytest.MonkeyPatch, about: About, subject: str | None
) -> None:
    """Counter-proof: with the check of standing gone the search above finds the words."""
    ref = await _filed(oakfield, about, subject)
    without_guard(monkeypatch, views.standing, lambda *_: Standing.HANDLER)
    assert SECRET in await _tried(oakfield, subject or "nadia", ref)
