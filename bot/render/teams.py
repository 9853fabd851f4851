"""Replies and pages as Adaptive Cards of version 1.5, and as Teams' messages and dialogs around them. Pure.

A card names colours and styles by what they mean, so Teams' light, dark and high-contrast themes each show them readably;
words alone carry the meaning. Whatever the text, a card stays within Teams' limits: a page is shown in parts.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from bot.model import Choice, Cited, Page, Reply, Section, Tone, Understood
from bot.render.teams_parts import (
    LONGEST_TITLE,
    Json,
    actions,
    box,
    button,
    clip,
    field,
    heading,
    marked,
    paragraphs,
    row,
    runs,
)

CARD = "application/vnd.microsoft.card.adaptive"
MOST_BYTES = 76_000
"""What a card may take in UTF-16, in which Teams counts: its page on formatting messages advises to stay within 80 KB."""

PART_BYTES = 36_000
"""What one part of a page takes where it can be cut: older pages of Microsoft's named 40 KB."""

MOST_CITED = 20
NAME, ABSTRACT = 80, 160
"""Characters of a citation's name and extract, as Teams documents them."""

_COLOURS = {
    Tone.YES: "Good",
    Tone.NO: "Attention",
    Tone.AVOID: "Warning",
    Tone.DO: "Accent",
    Tone.DEPENDS: "Warning",
}
SAFETY_TITLE = "Somebody may be at risk: ring first"
UNDERSTOOD = "I understood this. Press one to put it right."
_HIDE = Choice("Hide this", "hide")
_TICKED = "✓ "
_CUT = runs("This is cut short.", isSubtle=True)
_COMMA = 4
"""Bytes between two pieces of a list."""


def message(reply: Reply, welcome: Sequence[str] = ()) -> Json:
    """A reply as a message in a chat; an answer that cites can be rated. `welcome` are questions to start with."""
    rated: Json = {"channelData": {"feedbackLoop": {"type": "default"}}} if reply.citations else {}
    cited: Json = {"entities": [_cited_entity(reply.citations)]} if reply.citations else {}
    return {"summary": clip(reply.summary, 200), "attachments": [_attached(card(reply, welcome))], **cited, **rated}


def page_message(page: Page, part: int = 0) -> Json:
    """A page as a message, where there is no dialog. The summary that a notification shows holds nothing of it."""
    return {"summary": "Charter has opened a page.", "attachments": [_attached(page_card(page, part, here=True))]}


def line(text: str) -> Json:
    """One line of our own in a conversation."""
    return {"summary": clip(text, 200), "attachments": [_attached(card(Reply(text)))]}


def dialog(shown: Reply | Page, part: int = 0) -> Json:
    """What a dialog shows now."""
    inside = page_card(shown, part) if isinstance(shown, Page) else card(shown, inside=True)
    title = shown.title if isinstance(shown, Page) else "Charter"
    return {"title": clip(title, 60), "height": "large", "width": "medium", "card": _attached(inside)}


def card(reply: Reply, welcome: Sequence[str] = (), inside: bool = False) -> Json:
    """A reply as a card. `inside` a dialog every button is submitted there. What is too long is cut, citations last."""
    body = [
        *_safety(reply.safety),
        heading(clip(reply.lead, 1500), "Large", _COLOURS.get(reply.tone, "Default")),
    ]
    body += [piece for text in reply.body for piece in paragraphs(clip(text, 8000))]
    body += _subtle(UNDERSTOOD) if reply.understood else []
    body += [row(_TICKED + clip(one.words, 200), _correct(one)) for one in reply.understood]
    body += [part for number, one in enumerate(reply.citations[:MOST_CITED], 1) for part in _cited(one, number)]
    foot = paragraphs(clip(reply.footnote, 2000), isSubtle=True, size="Small")
    buttons = [_choice(one, inside) for one in reply.choices] + [_starter(text) for text in welcome]
    here = [] if inside else _here([one for one in reply.choices if one.opens])
    return _fitted(body, foot, actions([*buttons, *here]), _spoken(reply))


def page_card(page: Page, part: int = 0, here: bool = False) -> Json:
    """One part of a page. `here` in the chat rather than in a dialog: it can be hidden again.

    What is read comes first, and as many parts as it takes; fields and buttons stand on the last.
    """
    parts = page_parts(page)
    at = min(max(part, 0), len(parts) - 1)
    last = at + 1 == len(parts)
    count = f"Part {at + 1} of {len(parts)}" if len(parts) > 1 else ""
    top = [heading(clip(page.title, 200), "Large"), *_subtle(" · ".join(filter(None, [page.progress, count])))]
    asked = [piece for one in page.fields for piece in field(one)] if last else []
    buttons = _page_buttons(page) if last else [_turned(page, at + 1)]
    hiding = [button(_HIDE, {"do": "hide"})] if here and not page.fields else []
    return _fitted([*_safety(page.safety), *top, *parts[at]], asked, actions([*buttons, *hiding]), page.title)


def page_parts(page: Page) -> list[list[Json]]:
    """What is read on a page, cut into parts that each fit on a card beside the fields and buttons."""
    reserved = [*_safety(page.safety), *(piece for one in page.fields for piece in field(one)), *_page_buttons(page)]
    room = max(PART_BYTES - _size(reserved), PART_BYTES // 4)
    parts: list[list[Json]] = [[]]
    used = 0
    for piece in _read(page):
        if used and used + _size(piece) > room:
            parts.append([])
            used = 0
        parts[-1].append(piece)
        used += _size(piece)
    return parts


def _read(page: Page) -> Iterator[Json]:
    for text in page.intro:
        yield from paragraphs(text)
    for section in page.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[Json]:
    """A headed part; its choices are lines to press."""
    if section.heading:
        yield {**heading(clip(section.heading, 400)), "separator": True}
    for text in section.lines:
        yield from paragraphs(text, spacing="Small")
    for choice in section.choices:
        yield row("", _choice(choice, inside=True))


def _page_buttons(page: Page) -> list[Json]:
    """The page's buttons. `at` tells two steps apart: the same press on the same step is one press sent twice."""
    data = {"do": "submit", "page": page.id, "at": page.progress}
    return [button(one, {**data, "action": one.action}) for one in page.buttons]


def _turned(page: Page, part: int) -> Json:
    return button(Choice("Read on", ""), {"do": "part", "part": part, "page": page.id})


def _safety(lines: Sequence[str]) -> list[Json]:
    """The card that comes before everything else; nothing when there are no lines."""
    if not lines:
        return []
    said = [runs(clip(text, 1000), weight="Bolder") for text in lines]
    title = runs(SAFETY_TITLE, weight="Bolder", size="Medium")
    return [box([title, *said], "attention", bleed=True)]


def _subtle(text: str) -> list[Json]:
    return [runs(clip(text, 200), isSubtle=True, size="Small", spacing="None")] if text else []


def _cited(one: Cited, number: int) -> Iterator[Json]:
    """A paragraph: where it stands and how strongly, a mark that Teams ties to the citation, our words, the school's."""
    yield from marked(f"{_where(one)}: {clip(one.force, 100)}", f"[{number}](cite:{number})")
    yield from paragraphs(clip(one.words, 2000), spacing="None")
    if one.quote:
        yield box(paragraphs(f"“{clip(one.quote, 4000)}”", italic=True), "emphasis", spacing="Small")


def _where(one: Cited) -> str:
    return f"{clip(one.section, 200)}, paragraph {one.paragraph}"


def _cited_entity(citations: Sequence[Cited]) -> Json:
    """What Teams shows for each mark. No label says that a machine wrote it: people did."""
    claims = [
        {
            "@type": "Claim",
            "position": number,
            "appearance": {
                "@type": "DigitalDocument",
                "name": clip(_where(one), NAME),
                "abstract": clip(one.words, ABSTRACT),
            },
        }
        for number, one in enumerate(citations[:MOST_CITED], 1)
    ]
    return {
        "type": "https://schema.org/Message",
        "@type": "Message",
        "@context": "https://schema.org",
        "citation": claims,
    }


def _correct(one: Understood) -> Json:
    return button(Choice("Change", one.action), {"do": "press", "action": one.action})


def _choice(choice: Choice, inside: bool) -> Json:
    return button(choice, {"do": "press", "action": choice.action}, dialog=choice.opens and not inside)


def _here(opening: Sequence[Choice]) -> list[Json]:
    """The way round dialogs, in the card's overflow menu: the same buttons, as [label, action]."""
    listed = [[clip(one.label, LONGEST_TITLE), one.action] for one in opening]
    way = button(Choice("No window? Open it here", ""), {"do": "here", "of": listed})
    return [{**way, "mode": "secondary"}] if opening else []


def _starter(text: str) -> Json:
    """A question that is asked by pressing it, as if it had been typed."""
    said = {"title": clip(text, 80), "tooltip": text}
    return {
        "type": "Action.Submit",
        **said,
        "data": {"do": "say", "text": text, "msteams": {"type": "imBack", "value": text}},
    }


def _spoken(reply: Reply) -> str:
    title = [f"{SAFETY_TITLE}."] if reply.safety else []
    return " ".join([*title, *reply.safety, reply.lead, *reply.body])


def _attached(content: Json) -> Json:
    return {"contentType": CARD, "content": content}


def _fitted(body: Sequence[Json], foot: Sequence[Json], buttons: Sequence[Json], spoken: str) -> Json:
    """The card. Where it is too large, the end of its body is left out and that is said; `foot` always stands."""
    whole = _card([*body, *foot], buttons, spoken)
    if _size(whole) <= MOST_BYTES:
        return whole
    room = MOST_BYTES - _size(_card([_CUT, *foot], buttons, spoken))
    ends = list(accumulate(_size(piece) + _COMMA for piece in body))
    return _card([*body[: bisect_right(ends, room)], _CUT, *foot], buttons, spoken)


def _card(body: Sequence[Json], buttons: Sequence[Json], spoken: str) -> Json:
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "speak": clip(_unmarked(spoken), 500),
        "fallbackText": "Please open Charter in an up-to-date version of Teams.",
        "msteams": {"width": "Full"},
        "body": list(body),
        "actions": list(buttons),
    }


def _unmarked(text: str) -> str:
    """Words to be read out, without what speech mark-up would take for its own."""
    return text.replace("<", " ").replace(">", " ").replace("&", " and ")


def _size(part: object) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode("utf-16-le", "surrogatepass"))
