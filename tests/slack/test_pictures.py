"""What Charter looks like in local-slack's own page, kept for the docs.

The page cannot draw `rich_text`, feedback buttons and, on the home tab, boxes to type into. For the picture they are handed
to it as paragraphs and buttons with the same words; nothing else is changed, and nothing that Charter is sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, async_playwright, expect

from bot.storage.database import Database
from tests.parts import CHROMIUM_FLAGS, chromium
from tests.slack import journeys
from tests.slack.block_kit import Json
from tests.slack.journeys import Stage
from tests.slack.local import Program
from tests.slack.school import furnish
from tests.slack.stages import in_local_slack
from tests.slack.workspace import Workspace


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go; `make pictures` moves them into the docs."""
    return Path(os.environ.get("CHARTER_PICTURES") or tmp_path_factory.mktemp("pictures"))


@pytest.fixture
async def stage(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    """Charter in a local-slack of its own, by signed HTTP."""
    furnished = Workspace()
    furnish(furnished)
    with Program(tmp_path, furnished, socket=False).running() as program:
        async with in_local_slack(program, database) as found:
            yield found


@pytest.fixture
async def page(stage: Stage) -> AsyncIterator[Page]:
    """The page in a real browser; an error in its console fails the test."""
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        found = await browser.new_page(viewport={"width": 1280, "height": 1000})
        found.on("pageerror", lambda error: errors.append(str(error)))
        await found.route_web_socket("**/ui", _drawable)
        await found.goto(stage.people.mirror.program.url)  # type: ignore[attr-defined]
        yield found
        await browser.close()
    assert errors == []


async def test_what_staff_and_leaders_see(page: Page, stage: Stage, pictures: Path) -> None:
    """An answer put right in its thread, an answer for the asker's eyes in a channel, a card, and the case behind it."""
    await journeys.ask_and_put_right(stage)
    await journeys.mention_is_answered_privately(stage)
    await _become(page, "Priya Shah")
    await page.get_by_role("button", name="Priya Shah").first.click()
    await page.get_by_text("replies").first.click()
    await expect(page.get_by_text("Social contact, paragraph 2").last).to_be_visible()
    await _become(page, "Dan Webb")
    await page.get_by_role("button", name="staff-room").click()
    await expect(page.get_by_text("only visible to you")).to_be_visible()
    await expect(page.get_by_role("button", name="Continue privately")).to_be_visible()
    await page.screenshot(path=pictures / "slack-private.png")
    ref = await journeys.report(stage)
    await stage.settled()
    await _become(page, "Sam Carter")
    await page.get_by_role("button", name="leadership").click()
    await page.get_by_role("button", name="Open").first.click()
    await expect(page.locator(".modal")).to_contain_text(ref)
    await expect(page.locator(".modal")).to_contain_text(journeys.SECRET)
    await page.screenshot(path=pictures / "slack-case.png")
    await page.locator(".modal-x").click()
    await page.get_by_role("button", name="Charter").first.click()
    await expect(page.locator(".home")).to_contain_text("Cases for you")
    await page.screenshot(path=pictures / "slack-home.png")


async def _become(page: Page, name: str) -> None:
    await page.locator("label.actas select").select_option(label=name)


def _drawable(socket: WebSocketRoute) -> None:
    server = socket.connect_to_server()
    server.on_message(lambda text: socket.send(json.dumps(_drawn(json.loads(text)))))


def _drawn(part: Any) -> Any:
    if isinstance(part, list):
        return [_drawn(each) for each in part]
    if not isinstance(part, dict):
        return part
    match part.get("type"):
        case "home":
            return {**part, "blocks": [_drawn(_box(block)) for block in part["blocks"]]}
        case "rich_text":
            return {**part, "type": "section", "text": {"type": "mrkdwn", "text": _words(part)}}
        case "context_actions":
            thumbs = (part["elements"][0][f"{which}_button"] for which in ("positive", "negative"))
            buttons = [{"type": "button", "action_id": thumb["value"], **thumb} for thumb in thumbs]
            return {**part, "type": "actions", "elements": buttons}
    return {name: _drawn(each) for name, each in part.items()}


def _box(block: Json) -> Json:
    """The page draws boxes to type into in windows only."""
    if block["type"] != "input":
        return block
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": f"*{block['label']['text']}*\n_(a box to type into)_"},
    }


def _words(part: Json) -> str:
    """The words of rich text in the marks that the page knows."""
    lines = []
    for element in part["elements"]:
        rows = element["elements"] if element["type"] == "rich_text_list" else [element]
        start = {"rich_text_list": "• ", "rich_text_quote": "> "}.get(element["type"], "")
        lines += [start + "".join(_run(run) for run in row["elements"]) for row in rows]
    return "\n".join(lines)


def _run(run: Json) -> str:
    said = run["text"]
    for style, mark in (("bold", "*"), ("italic", "_")):
        inner = said.strip()
        if run.get("style", {}).get(style) and inner:
            said = said.replace(inner, f"{mark}{inner}{mark}")
    return str(said)
