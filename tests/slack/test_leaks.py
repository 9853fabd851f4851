"""Whatever is forged, kept or pressed too late, nobody learns of a case that is not theirs. With counter-proofs.

What Slack brings is signed, but everything in it that Charter once sent out comes back from a person's computer: the page
that a window stands on, the actions of buttons, the values of fields. So do buttons of cards that are years old.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bot.cases import views
from bot.cases.model import About, Filing, Kind, Receipt
from bot.cases.moves import Standing
from bot.model import Person
from bot.transports.slack_people import People as Accounts
from tests.guards import without_guard
from tests.slack.conftest import School
from tests.slack.people import MENTION
from tests.slack.school import (
    AMARA,
    BY_ACCOUNT,
    DAN,
    EVE,
    HELEN,
    LEADERS,
    NADIA,
    NEW,
    PETER,
    PRIYA,
    RUTH,
    SAM,
    SHARED,
    account,
)
from tests.slack.windows import forward_to
from tests.slack.workspace import BOT, Message, View

SECRET = "xylophone"
REASON = "quokka"
PRESSES = ("open:case:{ref}", "open:queue", "open:mine", "open:register:declaration", "open:register:justification")
ACTS = ("acknowledge", "more", "reply", "ask", "add", "note", "assign", "close", "reopen", "hold", "release", "recuse")


async def filed(school: School, about: About, subject: str | None = None, by: str = "priya") -> str:
    """A report with words to look for; its notices are delivered."""
    person = BY_ACCOUNT[account(by)]
    what = Filing(f"draft-{by}-{about}", Kind.REPORT, about, person, {"What happened?": SECRET}, subject)
    receipt = await school.office.desk.file(what)
    assert isinstance(receipt, Receipt)
    await school.settled()
    return receipt.ref


async def seen(school: School, user: str) -> str:
    """Everything that stands before somebody, their home tab included."""
    await school.people.home(user)
    await school.settled()
    home = school.slack.workspace.homes.get(user)
    return await before_them(school, user) + (repr(home.content) if home else "")


async def before_them(school: School, user: str) -> str:
    """Messages with their notifications, and the open window."""
    await school.settled()
    said = [m.shown + m.text + repr(m.blocks) for m in school.slack.workspace.seen_by(user)]
    return "\n".join([*said, await on_screen(school, user)])


async def on_screen(school: School, user: str) -> str:
    """The open window, once everything has been carried out."""
    await school.office.transport.settled()
    modal = school.slack.workspace.modal(user)
    return repr(modal.content) if modal else ""


async def try_everything(school: School, user: str, ref: str) -> str:
    """Press every button there is with this reference, forge every window, and give back what was seen in all."""
    found = [await before_them(school, user)]
    place = _own(school.people.write(user, "hello"))
    for press in PRESSES:
        await school.people.act(user, place, _button("do:0", press.format(ref=ref)))
        found.append(await on_screen(school, user))
        school.slack.workspace.modals.pop(user, None)
    for act in ACTS:
        await school.people.act(user, _window(school, user, f"case:{ref}"), _button("also:0", f"act:{act}"))
        found.append(await on_screen(school, user))
        await school.people.send(_window(school, user, f"case:{ref}:{act}", words="x", outcome="Advice given"))
        found.append(await on_screen(school, user))
        school.slack.workspace.modals.pop(user, None)
    return "\n".join([*found, await seen(school, user)])


def _own(message: Message) -> Message:
    """A message of Charter's where a forged button could stand."""
    return Message(message.channel, message.ts, BOT, "x", [])


def _button(action_id: str, value: str) -> dict[str, object]:
    return {"type": "button", "action_id": action_id, "block_id": "b", "value": value}


def _window(school: School, user: str, page: str, **values: str) -> View:
    """A window that Charter never opened, standing on whatever page its maker likes."""
    fields = [
        {
            "type": "input",
            "block_id": name,
            "label": {"type": "plain_text", "text": name},
            "element": {"type": "plain_text_input", "action_id": "value", "initial_value": value},
        }
        for name, value in (values or {"words": "x"}).items()
    ]
    content = {
        "type": "modal",
        "callback_id": "page:send",
        "private_metadata": page,
        "title": {"type": "plain_text", "text": "x"},
        "submit": {"type": "plain_text", "text": "x"},
        "blocks": fields,
    }
    view = school.slack.workspace.new_view(user, content)
    school.slack.workspace.modals[user] = [view]
    return view


@contextmanager
def anybody_may(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the check at the door away."""
    with monkeypatch.context() as patch:
        without_guard(patch, views.standing, lambda *_: Standing.HANDLER)
        yield


@pytest.fixture(autouse=True)
async def untouched(school: School) -> AsyncIterator[None]:
    """No call of Charter's may bring content to a channel, a notification or another's eyes, whatever the test does."""
    yield
    for message in school.slack.workspace.messages:
        public = school.slack.workspace.channels[message.channel].kind != "im" and message.only_for is None
        assert SECRET not in message.text + (message.shown if public and message.user == BOT else "")


# Forged references


@pytest.mark.parametrize("user", [DAN, NADIA, PETER])
async def test_a_foreign_reference_opens_nothing(school: School, user: str) -> None:
    """In a button, in a window's page, with every action: no word, no state, no sign that the case is there."""
    ref = await filed(school, About.STUDENT)
    case = await school.office.store.find(ref)
    found = await try_everything(school, user, ref)
    assert SECRET not in found
    assert "Priya" not in found
    assert "Sent less than" not in found
    assert await school.office.store.find(ref) == case, "and nothing was changed"
    assert _answers(found), "it was answered"
    unknown = await try_everything(school, user, "ZZ-ZZZ")
    assert _answers(found) == _answers(unknown), "a case that is not yours looks like one that is not there"


async def test_without_the_check_the_same_forgeries_show_all(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counter-proof: the search above finds the words once the check of standing is gone."""
    ref = await filed(school, About.STUDENT)
    with anybody_may(monkeypatch):
        found = await try_everything(school, DAN, ref)
    assert SECRET in found


def _answers(found: str) -> set[str]:
    """The kinds of answer among what was seen."""
    sentences = ("isn't yours to open", "isn't available", "Something went wrong", "out of date", "Nobody has taken it")
    return {sentence for sentence in sentences if sentence in found}


async def test_the_reporter_cannot_act_as_a_handler(school: School) -> None:
    """Her own case opens, and what only handlers may do is not done."""
    ref = await filed(school, About.STUDENT)
    await try_everything(school, PRIYA, ref)
    case = await school.office.store.find(ref)
    assert case is not None
    assert (case.owner, str(case.state)) == (None, "submitted")


# Forged windows


async def test_another_persons_draft_is_nobody_elses(school: School) -> None:
    """Knowing a draft's id is not enough: its page, its words and its end are its owner's."""
    await school.people.command(PRIYA, "/report", SECRET)
    await school.settled()
    hers = school.slack.workspace.modal(PRIYA)
    assert hers is not None
    page = hers.content["private_metadata"]
    for act in ("next", "back", "resume", "send", "stop", "again"):
        await school.people.act(DAN, _window(school, DAN, page), _button("also:0", act))
        await school.people.send(_window(school, DAN, page, what="mine now"))
        assert SECRET not in await seen(school, DAN)
    await forward_to(school, PRIYA, "what")
    assert SECRET in str(school.slack.workspace.modal(PRIYA).state())  # type: ignore[union-attr]


async def test_without_an_owner_a_draft_would_be_anybodys(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counter-proof: with the owner's check gone, the same window shows her words."""
    await school.people.command(PRIYA, "/report", SECRET)
    await school.settled()
    hers = school.slack.workspace.modal(PRIYA)
    assert hers is not None
    memory, owner = school.office.charter.formwork.memory, BY_ACCOUNT[PRIYA]
    load, save = memory.load_draft, memory.save_draft

    async def careless_load(draft: str, _: Person) -> object:
        return await load(draft, owner)

    async def careless_save(draft: str, _: Person, form: str, values: Mapping[str, str]) -> None:
        await save(draft, owner, form, values)

    monkeypatch.setattr(memory, "load_draft", careless_load)
    monkeypatch.setattr(memory, "save_draft", careless_save)
    _window(school, DAN, hers.content["private_metadata"], danger="no")
    await school.people.send(school.slack.workspace.modals[DAN][0])
    await forward_to(school, DAN, "what")
    assert SECRET in str(school.slack.workspace.modal(DAN).state())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "page", ["", "case:", "case::", "draft:", "draft:../x", "queue", "x" * 3000, "case:ZZ-ZZZ:reply", "\u0000", "🙈:1"]
)
async def test_a_window_that_stands_on_nothing_is_told_so(school: School, page: str) -> None:
    """Any page whatever is answered, and breaks nothing."""
    ack = await school.people.send(_window(school, DAN, page))
    assert ack.ok
    await school.people.act(DAN, _window(school, DAN, page), _button("also:0", "next"))
    await school.settled()
    assert school.modal(DAN)


async def test_a_channel_in_a_payload_moves_nothing(school: School) -> None:
    """Where cards go is a setting: a page, an action or a field that names a channel changes no place."""
    ref = await filed(school, About.STUDENT)
    for page in (f"case:{ref}", LEADERS, f"channel:{SHARED}"):
        await school.people.send(_window(school, SAM, page, channel=SHARED, words="x"))
    await school.settled()
    assert {m.channel for m in school.slack.workspace.messages if m.user == BOT and ref in m.shown} <= {
        LEADERS,
        "D0SAM",
    }


# Stale cards


async def moved(school: School) -> tuple[str, Message]:
    """A report about a pupil that turned out to be about Sam, and its card as it still stood on his screen."""
    ref = await filed(school, About.STUDENT)
    (card,) = [replace(m) for m in school.slack.workspace.messages if m.channel == LEADERS]
    await school.office.desk.acknowledge(ref, BY_ACCOUNT[HELEN])
    await school.office.desk.reroute(ref, BY_ACCOUNT[HELEN], About.SLT_OR_DSL, "sam", REASON)
    await school.settled()
    return ref, card


async def test_a_card_outlives_no_right(school: School) -> None:
    """After the re-route the same card, pressed by the one it is about, shows nothing, nor does his home or his window."""
    ref, card = await moved(school)
    await school.people.press(SAM, "Open", card)
    await school.settled()
    found = await seen(school, SAM) + await try_everything(school, SAM, ref)
    for word in (SECRET, REASON, "Priya", "Helen Marsh has it"):
        assert word not in found
    await school.people.press(HELEN, "Open", card)
    await school.settled()
    assert SECRET in school.modal(HELEN)


async def test_a_card_whose_case_moved_on_offers_nothing(school: School) -> None:
    """The channel's own card is changed in place: who has the case now is not told, and there is nothing to press."""
    await moved(school)
    (card,) = [m for m in school.slack.workspace.messages if m.channel == LEADERS]
    assert "handled elsewhere" in card.shown
    assert "Helen" not in card.shown
    assert [block for block in card.blocks if block["type"] == "actions"] == []


async def test_a_window_left_open_outlives_no_right(school: School) -> None:
    """He had the case on his screen when it was taken away: whatever he presses there now is refused."""
    ref = await filed(school, About.STUDENT)
    (card,) = [m for m in school.slack.workspace.messages if m.channel == LEADERS]
    await school.people.press(SAM, "Open", card)
    await school.settled()
    await school.office.desk.acknowledge(ref, BY_ACCOUNT[HELEN])
    await school.office.desk.reroute(ref, BY_ACCOUNT[HELEN], About.SLT_OR_DSL, "sam", REASON)
    await school.people.press(SAM, "I'll take this")
    await school.settled()
    assert SECRET not in school.modal(SAM)
    assert "isn't yours to open" in school.modal(SAM)


async def test_without_the_check_a_stale_card_shows_the_case(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counter-proof."""
    _, card = await moved(school)
    with anybody_may(monkeypatch):
        await school.people.press(SAM, "Open", card)
        await school.settled()
    assert SECRET in school.modal(SAM)


# The subject


@pytest.mark.parametrize(
    ("about", "subject"),
    [
        (About.COLLEAGUE, "nadia"),
        (About.SLT_OR_DSL, "sam"),
        (About.SLT_OR_DSL, "amara"),
        (About.HEADTEACHER, "helen"),
        (About.STUDENT, "ruth"),
    ],
)
async def test_whoever_it_is_about_finds_no_trace(school: School, about: About, subject: str) -> None:
    """Messages, channel, home, queue, registers and every forgery: the reference stands nowhere but where they typed it."""
    ref = await filed(school, about, None if about is About.HEADTEACHER else subject)
    before = await seen(school, account(subject))
    assert ref not in before
    found = await try_everything(school, account(subject), ref)
    assert SECRET not in found
    assert "Priya" not in found


async def test_without_the_bar_the_subject_would_see_it(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counter-proof: the same search finds the case for the one it is about."""
    ref = await filed(school, About.SLT_OR_DSL, "sam")
    with anybody_may(monkeypatch):
        assert SECRET in await try_everything(school, SAM, ref)


# Guests, strangers, and those who are not on the roster


async def test_a_guest_has_the_rights_of_their_role_and_no_more(school: School) -> None:
    """The chair, a guest of the workspace, opens what is for the chair, and nothing of a pupil's case."""
    pupil = await filed(school, About.STUDENT)
    head = await filed(school, About.HEADTEACHER, by="dan")
    await school.people.press(PETER, "Open", school.last(PETER))
    await school.settled()
    assert SECRET in school.modal(PETER)
    school.slack.workspace.modals.clear()
    assert pupil not in await seen(school, PETER)
    for user in (HELEN, SAM, RUTH, AMARA):
        assert head not in await seen(school, user)


@pytest.mark.parametrize("user", [NEW, EVE])
async def test_nobody_from_outside_the_roster_is_shown_a_page(school: School, user: str) -> None:
    """A colleague who was never entered and a stranger from another organisation press every button."""
    ref = await filed(school, About.STUDENT)
    found = await try_everything(school, user, ref)
    for word in (SECRET, "Priya", "Sam Carter has it", "My cases", "Cases for you"):
        assert word not in found


async def test_without_the_check_of_the_account_a_stranger_would_be_shown_it(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: taken for somebody on the roster, the stranger's presses show the case."""
    ref = await filed(school, About.STUDENT)

    async def trusting(*_: object) -> Person:
        return BY_ACCOUNT[SAM]

    monkeypatch.setattr(Accounts, "who", trusting)
    assert SECRET in await try_everything(school, EVE, ref)


async def test_a_stranger_with_a_members_name_is_still_one(school: School) -> None:
    """It is the account and its workspace that count, not what somebody calls themselves."""
    school.slack.workspace.users[EVE].name = "Helen Marsh"
    ref = await filed(school, About.STUDENT)
    message = school.people.write(EVE, f"{MENTION} my cases please", SHARED)
    (event,) = school.people.events(message, user_team="T0OTHER")
    await school.slack.event(event, shared=True)
    assert ref not in await seen(school, EVE)
    assert SECRET not in await try_everything(school, EVE, ref)


async def test_an_account_taken_over_by_another_workspace_is_refused(school: School) -> None:
    """Sam's account, but the event comes from elsewhere: closed on permission."""
    ref = await filed(school, About.STUDENT)
    school.slack.workspace.users[SAM].stranger = True
    assert SECRET not in await try_everything(school, SAM, ref)


async def test_the_workspace_that_an_event_names_is_enough_to_refuse(school: School) -> None:
    """Slack cannot be asked who it is: an account of the roster, said to be from elsewhere, is not served."""
    school.slack.fail("users.info", "internal_error", times=50)
    message = school.people.write(SAM, f"{MENTION} can I accept a friend request from a student?", SHARED)
    (event,) = school.people.events(message, user_team="T0OTHER")
    await school.slack.event(event, shared=True)
    await school.settled()
    assert "this school's own staff" in school.last(SAM).shown
    assert "Not allowed" not in school.last(SAM).shown


async def test_nothing_of_a_case_is_logged(school: School, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids and references alone, also when Slack refuses and when somebody forges."""
    ref = await filed(school, About.STUDENT)
    school.slack.fail("views.open", "internal_error")
    (card,) = [m for m in school.slack.workspace.messages if m.channel == LEADERS]
    await school.people.press(SAM, "Open", card)
    await school.people.command(DAN, "/guidance", f"{SECRET} said Priya Shah")
    await try_everything(school, DAN, ref)
    logged = "".join(capsys.readouterr())
    assert ref in logged
    for word in (SECRET, "Priya Shah", "Sam Carter", "xoxb"):
        assert word not in logged
