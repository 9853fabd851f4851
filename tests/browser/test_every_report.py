"""A report of each of the twelve types, filed on a phone: what it costs in taps and typed fields, and that it arrives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.steps import ask, sheet
from tests.running import Server

PHONE = {"width": 390, "height": 844}
MOST_TAPS = 28
"""From the first tap on “Report it” to the receipt; the most that a type may cost."""
MOST_TYPED = 7
MOST_PAGES = 20
_FIELDS = """fields => fields.map(field => [
    field.dataset.name,
    field.querySelector("select") ? "select" : field.dataset.kind,
    field.querySelector("input:checked")?.value,
])"""
"""Of each field of a page its name, how it is filled in, and what is chosen already."""
PICTURED = {"pupil_request": "type", "password": "recipients", "leader_concern": "review"}
"""Of these a picture is taken, each on another page."""

CALM = {"danger": "no", "risk": "no", "image": "no"}
STORY = {
    "what": "I saw it on Instagram at lunch and wrote down the time, for the xylophone club.",
    "when": "Yesterday, I saw it today",
    "where": "Instagram",
    "people": "Unknown",
    "known": "saw",
}
STUDENT, COLLEAGUE, HEAD = {"about": "student"}, {"about": "colleague", "subject": "dan"}, {"about": "headteacher"}
REPORTS: dict[str, Mapping[str, str]] = {
    "pupil_request": {**STUDENT, "answered": "left", "own_child": "no"},
    "pupil_message": {**STUDENT, "replied": "No reply", "worrying": "no", "kept": "yes"},
    "staff_contact": {**COLLEAGUE, "channel": "WhatsApp, a personal phone", "ongoing": "unsure"},
    "photo": {**STUDENT, "posted_by": "student", "seen_by": "anyone", "shows": "school"},
    "derogatory": {"about": "parent", "author": "parent", "threat": "no", "still_up": "Yes, unanswered"},
    "confidential": {"about": "self", "whose": "Marks of one class", "reach": "A parent, today", "take_down": "I can"},
    "password": {"about": "self", "system": "The register", "shared_with": "The cover teacher", "valid": "yes"},
    "impersonation": {"about": "unknown", "account": "real.ms.shah", "contacted": "no", "platform_told": "no"},
    "device": {"about": "self", "which": "School laptop, left on a bus", "holds": "Class lists", "locked": "yes"},
    "misconstrued": {"about": "self", "contact": "A neighbour's son", "read_as": "As favours", "open_about": "Nobody"},
    "colleague_concern": COLLEAGUE,
    "leader_concern": {**HEAD, "conflict": "no"},
}


@dataclass
class Reporter:
    """Somebody with a phone: answers what is asked and counts what it costs."""

    page: Page
    kind: str
    taps: int = 0
    typed: int = 0

    def report(self, pictures: Path) -> str:
        """Fill in the whole form and send it; the words of the receipt."""
        ask(self.page, "I want to report something").get_by_role("button", name="Report it").click()
        self.taps += 1
        for _ in range(MOST_PAGES):
            form = sheet(self.page)
            self._picture(form, pictures)
            assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            if form.locator('.field[data-name="@true"]').count():
                return self._send(form)
            self._answer(form)
        raise AssertionError("the form does not end")

    def _answer(self, form: Locator) -> None:
        progress = form.locator(".progress").inner_text()
        for name, kind, chosen in form.locator(".field").evaluate_all(_FIELDS):
            value = self._value(name)
            if value and value != chosen:
                self._fill(form.locator(f'.field[data-name="{name}"]'), kind, value)
        form.locator("footer").get_by_role("button", name="Next", exact=True).click()
        self.taps += 1
        expect(form.locator(".progress")).not_to_have_text(progress)

    def _fill(self, field: Locator, kind: str, value: str) -> None:
        if kind in ("text", "long_text"):
            field.locator("input, textarea").fill(value)
            self.typed += 1
        elif kind == "select":
            field.locator("select").select_option(value)
            self.taps += 2
        else:
            field.locator("label").filter(has=self.page.locator(f'input[value="{value}"]')).click()
            self.taps += 1

    def _value(self, name: str) -> str:
        told = {**CALM, **STORY, **REPORTS[self.kind], "type": self.kind}
        return told.get(name.removeprefix(f"{self.kind}."), "")

    def _send(self, form: Locator) -> str:
        form.locator('.field[data-name="@true"] label').click()
        form.get_by_role("button", name="Send", exact=True).click()
        self.taps += 2
        receipt = self.page.locator("main [role=log] article").last
        expect(receipt).to_contain_text("Your reference is")
        return receipt.inner_text()

    def _picture(self, form: Locator, pictures: Path) -> None:
        wanted = PICTURED.get(self.kind)
        here = {"type": '[data-name="type"]', "recipients": '[data-name="excluded"]', "review": '[data-name="@true"]'}
        if wanted and form.locator(here[wanted]).count():
            form.locator(here[wanted]).scroll_into_view_if_needed()
            self.page.screenshot(path=pictures / f"phone-{self.kind}-{wanted}.png")


@pytest.fixture(scope="module")
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    """The preview on a phone, for one report after the other."""
    context = browser.new_context(viewport=PHONE, has_touch=True, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(server.url)
    page.locator("body[data-ready]").wait_for()
    yield page
    context.close()


@pytest.mark.parametrize("kind", REPORTS)
def test_a_report_of_every_type_is_filed_on_a_phone(kind: str, phone: Page, server: Server, pictures: Path) -> None:
    """It gets its reference, in no more taps and typed fields than three minutes have room for, and no word is logged."""
    reporter = Reporter(phone, kind)
    receipt = reporter.report(pictures)
    print(f"\n{kind}: {reporter.taps} taps, {reporter.typed} typed")
    assert re.search(r"[A-Z0-9]{2}-[A-Z0-9]{3}", receipt)
    assert reporter.taps <= MOST_TAPS
    assert reporter.typed <= MOST_TYPED
    assert "xylophone" not in server.log
