"""App Home: ask, quick actions, one's own cases, and for handlers the queue. Pure; always within Slack's limits."""

from __future__ import annotations

from bot.model import Choice, Page, Reply
from bot.render.slack import notice
from bot.render.slack_choices import choices
from bot.render.slack_page import MOST_BLOCKS, VALUE, fitted
from bot.render.slack_text import Block, context, divider, header, label, paragraphs, size

QUESTION = "question"
"""The block_id of the box in which a question is asked."""
ASK = "ask"
"""The action_id of the button beneath it."""

QUICK = (
    Choice("Report a concern", "open:form:report", opens=True),
    Choice("Ask leadership", "open:form:ask_leadership", opens=True),
    Choice("Declare a contact", "open:form:declare", opens=True),
    Choice("Tell leadership why", "open:form:justify", opens=True),
    Choice("Check my accounts", "open:form:joiner_check", opens=True),
    Choice("Who to ring", "safety"),
)
"""What can be done at one press."""

_LONGEST_QUESTION = 3000
_MOST_LISTED = 30
_LIST_BYTES = 80_000
"""Of each of two lists: with the rest they stay within the 250 KB that Slack takes."""


def home(mine: Page, queue: Page | None, note: str = "") -> Block:
    """One person's App Home. `queue` is for those who handle cases; `note` is small print at the end."""
    parts = [_ask(), _quick(), *([_cases(queue)] if queue else []), _cases(mine)]
    blocks = [block for part in parts for block in [*part, divider()]][:-1]
    end = [context(note)] if note.strip() else []
    return {"type": "home", "blocks": [*blocks[: MOST_BLOCKS - len(end)], *end]}


def closed(reply: Reply) -> Block:
    """App Home for somebody who is not served here: a reply and nothing else."""
    return {"type": "home", "blocks": notice(reply)["blocks"]}


def _ask() -> list[Block]:
    box = {"type": "plain_text_input", "action_id": VALUE, "multiline": True, "max_length": _LONGEST_QUESTION}
    asked = {
        "type": "input",
        "block_id": QUESTION,
        "label": label("Ask about the social media guidance"),
        "hint": label("In your own words. The answer comes in Messages, and only you see it.", 150),
        "element": box,
        "optional": True,
    }
    press = {"type": "button", "action_id": ASK, "text": label("Ask"), "style": "primary", "value": ASK}
    return [header("Charter"), asked, {"type": "actions", "elements": [press]}]


def _quick() -> list[Block]:
    return [header("Quick actions"), *choices(QUICK)]


def _cases(page: Page) -> list[Block]:
    """A list of cases, the first of them only when there are many: the rest are a press away."""
    shown = page.sections[:_MOST_LISTED]
    more = len(page.sections) - len(shown)
    whole = choices([Choice(f"See all {len(page.sections)}", f"open:{page.id}", opens=True)]) if more else []
    intro = paragraphs(page.intro[:3])
    blocks = fitted([header(page.title), *intro], shown, whole)
    while size(blocks) > _LIST_BYTES:
        blocks = blocks[:-1]
    return blocks
