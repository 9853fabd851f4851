"""The Agents Playground in a real browser: what people do with mouse and keyboard, and the pictures of it for the docs.

Its page opens no dialog from a card, so there cards are worked through in the chat, as in clients without dialogs; the one
dialog that it does open is a message action's. It has one store for all such dialogs, and each message that it draws empties
that store 0.3 seconds later: a dialog goes blank when something arrives in the conversation behind it. Charter keeps in the
personal chat what a dialog told, so message actions are used in the channel here.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Route, ViewportSize, async_playwright, expect

from tests.filling import MOST_PAGES
from tests.parts import CHROMIUM_FLAGS, chromium
from tests.slack.school import Phrasebook
from tests.teams.playground import Playground, playground
from tests.teams.test_surfaces import _file_question

CALM = {"No", "A student"}
expect.set_options(timeout=30_000)
SIZE: ViewportSize = {"width": 1280, "height": 860}


class Desk:
    """The Playground's page, and somebody at it."""

    def __init__(self, page: Page, teams: Playground, pictures: Path) -> None:
        self.page = page
        self.teams = teams
        self._pictures = pictures

    async def say(self, text: str, *mention: str) -> None:
        """Type a message and send it, after a mention where one is given."""
        box = self.page.locator("[role=textbox][contenteditable]").first
        await box.click()
        if mention:
            await self.page.keyboard.type("@")
            await self.page.get_by_role("menuitem", name="Charter").click()
        await self.page.keyboard.type(text)
        post = self.page.get_by_role("button", name="Post", exact=True)
        await (post.click() if await post.count() else self.page.keyboard.press("Enter"))

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something has reached Charter."""
        for _ in range(100):
            if true():
                return
            await self.page.wait_for_timeout(100)
        raise AssertionError("it did not reach Charter")

    async def act(self, command: str) -> Locator:
        """Start a message action on the newest post; its dialog."""
        await self.page.get_by_role("button", name="Show more information").first.click()
        await self.page.get_by_role("menuitem", name="Action Command").click()
        dialog = self.page.get_by_role("dialog")
        await dialog.locator("input").first.fill(command)
        await self.page.wait_for_timeout(400)  # until the store is no longer emptied for what was drawn or closed last
        await dialog.get_by_role("button", name="Create").click()
        return dialog

    async def shows(self, text: str) -> Locator:
        """Wait for words to stand on the page."""
        found = self.page.get_by_text(text).last
        await expect(found).to_be_visible()
        return found

    async def press(self, label: str) -> None:
        """Press the newest button of that label."""
        await self.page.get_by_role("button", name=label, exact=True).last.click()

    async def presses_until(self, item: str, text: str) -> None:
        """Press an item of the newest card's menu until the words stand there: one drawn anew meanwhile loses the press."""
        for _ in range(3):
            await self.press("More options")
            await self.page.get_by_role("menuitem", name=item).click()
            with suppress(AssertionError):
                await expect(self.page.get_by_text(text).last).to_be_visible(timeout=10_000)
                return
        await self.shows(text)

    async def go(self, place: str) -> None:
        """Go to another chat or channel."""
        await self.page.get_by_role("treeitem", name=place).click()

    async def picture(self, name: str) -> None:
        """Keep how it looks."""
        await self.page.wait_for_timeout(300)
        await self.page.screenshot(path=self._pictures / f"{name}.png")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go; `make pictures` moves them into the docs."""
    return Path(os.environ.get("CHARTER_PICTURES") or tmp_path_factory.mktemp("pictures"))


@asynccontextmanager
async def seated(folder: Path, pictures: Path, me: str) -> AsyncIterator[Desk]:
    """Somebody in front of the Playground; an error in its console fails the test."""
    errors: list[str] = []
    async with playground(folder, me, Phrasebook()) as teams, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport=SIZE)
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.route("**/*", _local)
        await page.goto(teams.url)
        await page.locator("[role=textbox][contenteditable]").first.wait_for()
        await page.get_by_title("Hide log panel").click()
        yield Desk(page, teams, pictures)
        await browser.close()
    assert errors == []


async def _local(route: Route) -> None:
    """Fonts and pictures from elsewhere are not fetched."""
    here = re.match(r"(?:http|ws)://(?:127\.0\.0\.1|localhost)[:/]|data:|blob:", route.request.url)
    await (route.continue_() if here else route.abort())


async def test_what_staff_see(tmp_path: Path, pictures: Path) -> None:
    """An answer, a follow-up, a correction, a rating; in a channel a message asked about, one reported, and a mention."""
    async with seated(tmp_path, pictures, "priya") as desk:
        await desk.say("Can I accept a friend request from a former student?")
        await desk.shows("18 or over")
        await desk.say("What if she is 17?")
        await desk.shows("Not allowed by the guidance")
        await desk.picture("teams-answer")
        await (await desk.shows("✓ a former student")).click()
        await desk.shows("Who is it about?")
        await desk.press("A student")
        await desk.shows("✓ a student")
        await desk.press("Like")
        await desk.page.get_by_role("dialog").get_by_role("button", name="Submit").click()
        await desk.page.get_by_role("dialog").last.get_by_role("button").last.click()
        await desk.until(lambda: desk.teams.school.likes() == 1)
        await desk.go("SLT - Leadership")
        await desk.say("A student wants to follow me")
        await desk.shows("A student wants to follow me")
        await _ask_about_a_message(desk)
        ref = await _report_a_message(desk)
        assert ref in desk.teams.school.store.cases
        await desk.go("Personal Chat")
        await desk.shows(f"Your reference is {ref}")
        await desk.go("SLT - Leadership")
        await desk.say(" Can I accept a friend request from a student?", "Charter")
        await desk.shows("I've answered in our own chat, so that nobody else sees it.")


async def _ask_about_a_message(desk: Desk) -> None:
    """The message action on the newest post: its dialog shows the answer, and can be closed."""
    dialog = await desk.act("askCharter")
    await expect(dialog).to_contain_text("Not allowed by the guidance")
    await _close(dialog)


async def _report_a_message(desk: Desk) -> str:
    """The message action on the newest post, page after page; the reference on its receipt."""
    dialog = await desk.act("reportThis")
    receipt = dialog.get_by_text("Your reference is")
    for _ in range(MOST_PAGES):
        await desk.page.wait_for_timeout(900)  # a card is drawn twice, and forgets what was typed into it in between
        if await receipt.count():
            ref = str(re.findall(r"reference is ([A-Z0-9-]+)", await receipt.inner_text())[0])
            await _close(dialog)
            return ref
        shown = await dialog.inner_text()
        if "What happened?" in shown and "check and send" not in shown:
            await desk.picture("teams-dialog")
        await _answer(dialog)
        await expect(dialog).not_to_have_text(shown)
    raise AssertionError("the form does not end")


async def _close(dialog: Locator) -> None:
    await dialog.get_by_role("button", name="Close", exact=True).click()
    await expect(dialog).to_have_count(0)


async def _answer(dialog: Locator) -> None:
    """The calm answer of each list and words in each empty box, then on; what may be left open is. At the end, a tick."""
    if await dialog.get_by_text("check and send").count():
        await dialog.get_by_role("checkbox").check()
    elif "(optional)" not in await dialog.inner_text():
        for group in await dialog.get_by_role("radiogroup").all():
            calm = [one for one in CALM if await group.get_by_role("radio", name=one, exact=True).count()]
            await (
                group.get_by_role("radio", name=calm[0], exact=True) if calm else group.get_by_role("radio").first
            ).check()
        for found in await dialog.get_by_role("combobox").all():
            await pick(found)
        for box in await dialog.locator("textarea, input[type=text]:not([role=combobox])").all():
            if not await box.input_value():
                await box.fill("Instagram, last night")
    await dialog.get_by_role("button", name=re.compile("^(Next|Send)$")).click()


async def pick(found: Locator) -> None:
    """The calm answer of a list that drops down, or its first."""
    await found.click()
    options = found.page.get_by_role("option")
    await options.first.wait_for()
    calm = [one for one in CALM if await options.get_by_text(one, exact=True).count()]
    await (options.get_by_text(calm[0], exact=True) if calm else options.first).click()


async def test_what_leaders_see(tmp_path: Path, pictures: Path) -> None:
    """A card in the channel, opened, taken, answered and closed; and put right in the channel each time."""
    async with seated(tmp_path, pictures, "sam") as desk:
        ref = await _file_question(desk.teams.school)
        await desk.teams.school.deliver()
        await desk.go("SLT - Leadership")
        await desk.shows("Nobody has taken it yet")
        await desk.presses_until("No window? Open it here", "I've answered in our own chat")
        await desk.go("Personal Chat")
        await desk.press("Open")
        await desk.shows("May we use the new app?")
        await desk.press("I'll take this")
        await desk.shows("Sam Carter has it")
        await desk.press("Reply")
        await desk.page.get_by_role("textbox", name="Your words").fill("Yes, you may.")
        await desk.press("Send reply")
        await desk.shows("Yes, you may.")
        await desk.picture("teams-case")
        await desk.teams.school.deliver()
        await desk.go("SLT - Leadership")
        await desk.shows("Sam Carter has it")
        await desk.go("Personal Chat")
        await desk.press("Close the case")
        await pick(desk.page.get_by_role("combobox").last)
        await desk.page.get_by_role("textbox", name="Reason, for the record").fill("Answered.")
        await desk.press("Close the case")
        await desk.shows("Question, closed.")
        assert desk.teams.school.store.cases[ref].state == "closed"
