"""What handlers do in the preview beyond taking and closing: note, keep, look at registers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.steps import ask, become, sheet, step
from tests.running import Server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The preview in a fresh profile."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    found = context.new_page()
    found.goto(server.url)
    found.locator("body[data-ready]").wait_for()
    yield found
    context.close()


def declared(page: Page) -> str:
    """A declared contact of Priya's; its reference."""
    become(page, "Priya Shah")
    ask(page, "I want to declare a contact").get_by_role("button", name="Declare it").click()
    expect(sheet(page)).to_contain_text("Helen Marsh")
    for _ in range(12):
        if sheet(page).get_by_role("button", name="Send").count():
            break
        for field in sheet(page).locator(".field").all():
            if field.get_attribute("data-kind") in ("text", "long_text"):
                field.locator("input, textarea").fill("We row together, since 2015")
            elif field.locator("select").count():
                field.locator("select").select_option(index=1)
            else:
                field.locator("input").first.check()
        progress = sheet(page).locator(".progress")
        before = progress.inner_text()
        step(page)
        expect(progress).not_to_have_text(before)
    sheet(page).get_by_role("checkbox").check()
    sheet(page).get_by_role("button", name="Send").click()
    receipt = page.locator("main [role=log] article").last
    expect(receipt).to_contain_text("Your reference is")
    ref = re.search(r"[A-Z0-9]{2}-[A-Z0-9]{3}", receipt.inner_text())
    assert ref is not None
    return ref[0]


def test_a_declaration_stands_in_its_register_and_is_worked_on(page: Page) -> None:
    """The headteacher finds it in the register, takes it, notes and keeps it; Priya sees none of the words."""
    ref = declared(page)
    become(page, "Helen Marsh")
    page.get_by_role("navigation").get_by_role("button", name="Queue").click()
    expect(sheet(page)).to_contain_text(ref)
    sheet(page).get_by_role("button", name="Declared contacts").click()
    expect(sheet(page).get_by_role("heading", name="Declared contacts")).to_be_visible()
    expect(sheet(page)).to_contain_text(ref)
    sheet(page).get_by_role("button", name="Open").first.click()
    expect(sheet(page)).to_contain_text("We row together")
    step(page, "I'll take this")
    step(page, "More")
    step(page, "Add a note")
    step(page, "Keep note", words="Seen before, no worry.")
    expect(sheet(page)).to_contain_text("Seen before, no worry.")
    step(page, "More")
    step(page, "Keep it from being deleted")
    step(page, "Keep it", words="Named in a complaint.")
    expect(sheet(page)).to_contain_text("Kept from deletion")
    page.keyboard.press("Escape")
    become(page, "Priya Shah")
    page.get_by_role("navigation").get_by_role("button", name="My cases").click()
    sheet(page).get_by_role("button", name="Open").first.click()
    expect(sheet(page)).to_contain_text("Helen Marsh has it")
    expect(sheet(page)).not_to_contain_text("Seen before")
    expect(sheet(page)).not_to_contain_text("complaint")


@pytest.mark.parametrize("name", ["Dan Webb", "Nadia Karim"])
def test_somebody_without_rights_has_no_queue(page: Page, name: str) -> None:
    """Staff and IT see neither the queue nor the leadership channel."""
    become(page, name)
    places = page.get_by_role("navigation").get_by_role("list").first
    expect(places.get_by_role("button", name="Queue")).to_have_count(0)
    expect(places.get_by_role("button", name=re.compile("leadership"))).to_have_count(0)
