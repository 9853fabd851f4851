"""The main job in a real browser: ask, put right, report, hand over, reply — as staff and leaders do it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.steps import ask, become, sheet, step
from tests.running import Server

SECRET = "Jordan Blake in 8C sent me a friend request on Snapchat at 9pm"


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The preview in a fresh profile; an error in the console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.goto(server.url)
    found.locator("body[data-ready]").wait_for()
    yield found
    context.close()
    assert errors == []


ASKED = [
    ("can I accept a friend request from a parent in my social circle?", "It depends", "Social contact, paragraph 2"),
    ("can I accept a friend request from a student?", "Not allowed", "Social contact, paragraph 1"),
    (
        "can I accept a friend request from my own daughter, she is a student here",
        "Allowed",
        "Social contact, paragraph 1",
    ),
    ("can I accept a friend request from a student who left last year and is 17?", "Not allowed", "Scope, paragraph 1"),
    ("can I accept a friend request from a former student who is 25 now?", "does not settle", "Scope, paragraph 1"),
]


@pytest.mark.parametrize(("question", "verdict", "paragraph"), ASKED)
def test_each_exception_has_its_own_answer(page: Page, question: str, verdict: str, paragraph: str) -> None:
    """Parent, student, own child, leaver of 17 and leaver of 25 each get their ruling with its paragraph."""
    reply = ask(page, question)
    expect(reply).to_contain_text(verdict)
    expect(reply).to_contain_text(paragraph)


def test_a_parent_in_ones_circle_can_be_declared_or_asked_about(page: Page, pictures: Path) -> None:
    """The conditional answer offers both next steps."""
    reply = ask(page, ASKED[0][0])
    expect(reply.get_by_role("button", name="Declare it")).to_be_visible()
    expect(reply.get_by_role("button", name="Ask leadership")).to_be_visible()
    page.screenshot(path=pictures / "answer.png")


def test_follow_up_and_one_tap_correction(page: Page) -> None:
    """“What if” carries the question on, and a wrong fact is put right with a tap."""
    become(page, "Dan Webb")
    ask(page, "can I accept a friend request from a former student?")
    expect(ask(page, "what if she is 17?")).to_contain_text("Not allowed")
    reply = ask(page, "what if she is 22?")
    expect(reply).to_contain_text("does not settle")
    reply.get_by_role("button", name="Change: a former student").click()
    log = page.locator("main [role=log]").first
    log.get_by_role("button", name="A parent", exact=True).last.click()
    expect(log.locator("article").last).to_contain_text("It depends")


def test_danger_leads_with_who_to_ring(page: Page, pictures: Path) -> None:
    """A disclosure is met with the numbers before anything else."""
    become(page, "Nadia Karim")
    reply = ask(page, "a boy in my form says his stepdad beats him and he is scared to go home")
    expect(reply.get_by_role("alert")).to_contain_text("999")
    expect(reply.get_by_role("alert")).to_contain_text("020 7946 0101")
    page.screenshot(path=pictures / "safety.png")


def test_a_report_reaches_its_handlers_and_comes_back(page: Page, server: Server, pictures: Path) -> None:
    """Filed, pointed to without content, opened, taken, answered, closed; the reporter sees each state and the reply."""
    become(page, "Priya Shah")
    ask(page, "I want to report something that happened").get_by_role("button", name="Report it").click()
    step(page, danger="no")
    step(page, risk="no")
    step(page, image="no")
    page.screenshot(path=pictures / "report-about.png")
    step(page, about="student")
    step(page, type="pupil_request")
    expect(sheet(page)).to_contain_text("Sam Carter")
    page.screenshot(path=pictures / "report-recipients.png")
    step(page)
    step(page, what=SECRET)
    step(page, when="Last night")
    step(page, where="Snapchat")
    step(page, people="Jordan Blake, 8C")
    step(page, known="received")
    for name, value in {"answered": "declined", "own_child": "no", "with_it": "First time"}.items():
        step(page, **{f"pupil_request.{name}": value})
    step(page, evidence="On my phone")
    step(page, done="I declined it")
    expect(sheet(page)).to_contain_text(SECRET)
    sheet(page).get_by_role("checkbox").check()
    sheet(page).get_by_role("button", name="Send").click()
    receipt = page.locator("main [role=log] article").last
    expect(receipt).to_contain_text("Your reference is")
    ref = re.search(r"[A-Z0-9]{2}-[A-Z0-9]{3}", receipt.inner_text())
    assert ref is not None
    _handled(page, ref[0], pictures)
    _told(page, ref[0], pictures)
    assert SECRET not in server.log
    assert "Jordan" not in server.log


def _handled(page: Page, ref: str, pictures: Path) -> None:
    become(page, "Sam Carter")
    page.get_by_role("navigation").get_by_role("button", name=re.compile("leadership")).click()
    pointer = page.locator("main [role=log] article").filter(has_text=ref).first
    expect(pointer).to_contain_text("Report")
    expect(pointer).not_to_contain_text("Snapchat")
    expect(pointer).not_to_contain_text("Priya")
    page.screenshot(path=pictures / "pointer.png")
    pointer.get_by_role("button", name="Open").click()
    expect(sheet(page)).to_contain_text(SECRET)
    page.screenshot(path=pictures / "case.png")
    step(page, "I'll take this")
    expect(sheet(page)).to_contain_text("Sam Carter has it")
    step(page, "Reply")
    step(page, "Send reply", words="Thank you. You did the right thing.")
    step(page, "Close the case")
    step(page, "Close the case", outcome="Advice given", words="Declined at once, privacy checked.")
    expect(sheet(page)).to_contain_text("closed")
    page.keyboard.press("Escape")
    expect(pointer).to_contain_text("Sam Carter has it")


def _told(page: Page, ref: str, pictures: Path) -> None:
    become(page, "Priya Shah")
    log = page.locator("main [role=log]").first
    for told in ("has been taken", "There is a reply", "has been reviewed and closed"):
        expect(log.locator("article").filter(has_text=ref).filter(has_text=told).first).to_be_visible()
    log.locator("article").filter(has_text="There is a reply").last.get_by_role("button", name="Open").click()
    expect(sheet(page)).to_contain_text("You did the right thing.")
    expect(sheet(page)).not_to_contain_text("privacy checked")
    page.screenshot(path=pictures / "reporter.png")


def test_a_question_to_leadership_shows_first_what_is_posted(page: Page) -> None:
    """The asker edits and approves the exact text; the channel shows that text and no name."""
    become(page, "Dan Webb")
    ask(page, "can I follow a former student who is 30 on Instagram?").get_by_role(
        "button", name="Ask leadership"
    ).click()
    step(page, question="May staff follow adult former students?")
    step(page, named="no")
    expect(sheet(page)).to_contain_text("A member of staff asks: May staff follow adult former students?")
    sheet(page).get_by_role("checkbox").check()
    sheet(page).get_by_role("button", name="Send").click()
    expect(page.locator("main [role=log] article").last).to_contain_text("Your reference is")
    become(page, "Ruth Evans")
    page.get_by_role("navigation").get_by_role("button", name=re.compile("leadership")).click()
    posted = page.locator("main [role=log] article").filter(has_text="May staff follow adult former students?").first
    expect(posted).not_to_contain_text("Dan")


def test_a_report_about_the_headteacher_reaches_the_chair_alone(page: Page) -> None:
    """The head and the leadership channel see no trace of it."""
    become(page, "Priya Shah")
    ask(page, "I need to report something").get_by_role("button", name="Report it").click()
    for answer in ({"danger": "no"}, {"risk": "no"}, {"image": "no"}, {"about": "headteacher"}, {"conflict": "no"}):
        step(page, **answer)
    step(page, type="leader_concern")
    expect(sheet(page)).to_contain_text("Peter Lowe")
    expect(sheet(page).locator(".intro").first).not_to_contain_text("Helen Marsh")
    step(page)
    for answer in (
        {"what": "He shouted."},
        {"when": "Now"},
        {"where": "Office"},
        {"people": "Us"},
        {"known": "saw"},
        {},
        {},
        {},
    ):
        step(page, **answer)
    sheet(page).get_by_role("checkbox").check()
    sheet(page).get_by_role("button", name="Send").click()
    receipt = page.locator("main [role=log] article").last
    expect(receipt).to_contain_text("Your reference is")
    ref = re.search(r"[A-Z0-9]{2}-[A-Z0-9]{3}", receipt.inner_text())
    assert ref is not None
    become(page, "Peter Lowe")
    expect(page.locator("main [role=log] article").filter(has_text=ref[0]).first).to_be_visible()
    for name in ("Helen Marsh", "Sam Carter", "Amara Okafor"):
        become(page, name)
        page.wait_for_timeout(300)
        expect(page.locator("body")).not_to_contain_text(ref[0])


def test_it_works_at_phone_width_and_by_keyboard(browser: Browser, server: Server, pictures: Path) -> None:
    """No sideways scrolling on a phone; Tab reaches the message box; Escape closes a dialog and gives focus back."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(server.url)
    ask(page, "can I post a photo of my class on my own Instagram?")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=pictures / "phone-dark.png")
    opener = page.locator("main").get_by_role("button", name="Ask leadership").last
    opener.focus()
    page.keyboard.press("Enter")
    expect(sheet(page)).to_be_visible()
    page.screenshot(path=pictures / "phone-form.png")
    page.keyboard.press("Escape")
    expect(sheet(page)).to_have_count(0)
    expect(opener).to_be_focused()
    context.close()
