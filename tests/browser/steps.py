"""What a person does in the preview: switching who they are, asking, and filling in a form."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect


def become(page: Page, name: str) -> None:
    """Switch who I am."""
    page.get_by_role("navigation").get_by_role("button", name=re.compile(name)).click()
    expect(page.locator("main .pane-note")).to_contain_text(name)
    page.locator('main [role=log][aria-busy="false"]').wait_for()


def ask(page: Page, text: str) -> Locator:
    """Say something and give back Charter's reply to it."""
    page.locator('main [role=log][aria-busy="false"]').wait_for()
    box = page.locator("main textarea")
    box.fill(text)
    with page.expect_request("**/preview/say") as sent:
        box.press("Enter")
    reply = page.locator(f'main [role=log] article[data-key$="{sent.value.post_data_json["event"]}:reply"]')
    reply.wait_for()
    return reply


def sheet(page: Page) -> Locator:
    """The open dialog."""
    return page.locator("dialog[open]")


def step(page: Page, button: str = "Next", **fields: str) -> None:
    """Fill in what is asked on this page of a form, by field name, and press a button."""
    form = sheet(page)
    before = form.inner_html()
    for name, value in fields.items():
        field = form.locator(f'.field[data-name="{name}"]')
        if field.get_attribute("data-kind") in ("text", "long_text"):
            field.locator("input, textarea").fill(value)
        elif field.locator("select").count():
            field.locator("select").select_option(value)
        else:
            field.locator(f'input[value="{value}"]').check()
    form.locator("footer").get_by_role("button", name=button, exact=True).click()
    expect(form).not_to_have_js_property("innerHTML", before)
