"""The smallest pieces of Block Kit: text that cannot ping, link, forge or overflow. Pure.

Words stand either in rich_text elements, which Slack never parses, or in plain_text objects, whose three control characters
are escaped here and nowhere else. Limits are Slack's own, from its Block Kit reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

Block = dict[str, object]
"""One JSON object as Slack takes it."""

LONGEST_TEXT = 3000
"""The most characters of one text object or input."""
LONGEST_VALUE = 2000
LONGEST_OPTION_VALUE = 150
LONGEST_LABEL = 75
LONGEST_HEADER = 150
LONGEST_ID = 255

CUT = "… (cut: too long for Slack)"
"""Stands where text had to be cut, so that nobody takes a part for the whole."""

_INVISIBLE = re.compile("[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\ud800-\udfff]")
"""Control and direction characters with which text can be made to read as what it is not."""


def clean(text: str) -> str:
    """The text without characters that hide or turn round what it says."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The text on one line, so that a name or a heading cannot forge lines of its own."""
    return " ".join(clean(text).split())


def escaped(text: str, limit: int = LONGEST_TEXT) -> str:
    """The text for a plain_text object or a fallback: cleaned, escaped once, and within the limit when escaped."""
    said = clean(text)
    safe = _escape(said[: limit + 1])
    if len(safe) <= limit:
        return safe
    end = "…" if limit < LONGEST_HEADER else CUT
    kept, length = 0, len(end)
    for character in said:
        length += len(_escape(character))
        if length > limit:
            break
        kept += 1
    return _escape(said[:kept]) + end


def plain(text: str, limit: int = LONGEST_TEXT) -> Block:
    """A plain_text object; a dash where there is nothing to say, because Slack refuses empty ones."""
    return {"type": "plain_text", "text": escaped(text, limit).strip() or "–", "emoji": False}


def label(text: str, limit: int = LONGEST_LABEL) -> Block:
    """A plain_text object on one line."""
    return plain(one_line(text), limit)


def words(text: str, *styles: str) -> Block:
    """Words in rich text, in the styles named (bold, italic); a dash where there are none, because Slack refuses that."""
    run: Block = {"type": "text", "text": clean(text) or "–"}
    return {**run, "style": dict.fromkeys(styles, True)} if styles else run


def section(*runs: Block) -> Block:
    """One paragraph of rich text."""
    return {"type": "rich_text_section", "elements": list(runs)}


def quote(text: str) -> Block:
    """Somebody's exact words."""
    return {"type": "rich_text_quote", "elements": [words(text)]}


def bullets(lines: Iterable[str]) -> Block:
    """A list with bullets."""
    return {"type": "rich_text_list", "style": "bullet", "elements": [section(words(line)) for line in lines]}


def rich(*elements: Block) -> Block:
    """A rich_text block."""
    return {"type": "rich_text", "elements": list(elements)}


def header(text: str) -> Block:
    """A heading, as screen readers know it."""
    return {"type": "header", "text": label(text, LONGEST_HEADER)}


def context(text: str, limit: int = LONGEST_VALUE) -> Block:
    """Small print."""
    return {"type": "context", "elements": [plain(text, limit)]}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def pieces(text: str, size: int = LONGEST_TEXT) -> Iterator[str]:
    """The text in parts of at most that size, broken at a space or a line's end where one is near."""
    while len(text) > size:
        at = max(text.rfind(" ", size // 2, size), text.rfind("\n", size // 2, size)) + 1 or size
        yield text[:at]
        text = text[at:]
    if text:
        yield text


def within(lines: Sequence[str], room: int) -> tuple[list[str], bool]:
    """The lines, cleaned, as far as there is room for their characters, and whether something was cut."""
    kept: list[str] = []
    for line in filter(None, (clean(line).strip() for line in lines)):
        if len(line) > room:
            part = line[: max(room - len(CUT), 0)]
            return [*kept, part + CUT], True
        kept.append(line)
        room -= len(line)
    return kept, False


def paragraphs(lines: Sequence[str]) -> list[Block]:
    """Lines as blocks of rich text, none of them longer than Slack takes."""
    return [rich(section(words(part))) for text in _joined(lines) for part in pieces(text)]


def weight(blocks: Iterable[Block]) -> int:
    """How many characters of text stand in blocks, escapes counted."""
    return sum(len(text) for block in blocks for text in _texts(block))


def size(blocks: Sequence[Block] | Block) -> int:
    """How many bytes the blocks come to on the wire."""
    return len(json.dumps(blocks))


_FEW_LINES = 8


def _joined(lines: Sequence[str]) -> list[str]:
    """A few lines stand apart; many, such as a list, stand together."""
    kept = [clean(line) for line in lines if clean(line).strip()]
    return kept if len(kept) <= _FEW_LINES else ["\n".join(kept)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(text := value.get("text"), str):
            yield text
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
