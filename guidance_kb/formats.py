"""Takes a written document apart into headings, list items and paragraphs, one reader per file format."""

from __future__ import annotations

import html
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from itertools import groupby

import docx
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from lxml import etree
from lxml import html as lxml_html

LARGEST_UNPACKED = 60_000_000

_WRAPPED_LINE = 120
_MARKER = re.compile(r"^\s*(?:[-*+•‣◦▪●■○·∙–—➢►\uf0b7\uf0a7]|\d{1,3}[.)]|\(?[a-z]\)|o(?=\t))\s+")
_RULE = re.compile(r"^\s*([-=*_])(?:\s*\1){2,}\s*$")
_HTML_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_HTML_BLOCKS = _HTML_HEADINGS | {
    *("address", "article", "aside", "blockquote", "body", "caption", "dd", "div", "dl", "dt", "figcaption", "footer"),
    *("form", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th"),
    *("thead", "tr", "ul"),
}
_HTML_UNREAD = frozenset({"head", "script", "style", "template", "noscript", "nav", "svg", "iframe", "object"})


class Part(StrEnum):
    """What a block is marked as in its file; a plain text has no marks for headings."""

    HEADING = "heading"
    ITEM = "item"
    TEXT = "text"


@dataclass(frozen=True)
class Block:
    """One heading, list item or paragraph, on one line, without its bullet or number."""

    part: Part
    text: str


class UnreadableError(ValueError):
    """The bytes are not what the format says they are; the message is a plain sentence."""


def read_text(raw: bytes) -> Iterator[Block]:
    """Read plain text: paragraphs end at a blank line, and at every line end where lines are not wrapped."""
    lines = _decoded(raw).splitlines()
    wrapped = all(len(line) <= _WRAPPED_LINE for line in lines)
    for filled, group in groupby(lines, key=lambda line: bool(line.strip())):
        if filled:
            paragraph = list(group)
            yield from _paragraphs(paragraph) if wrapped else map(_line, paragraph)


def read_markdown(raw: bytes) -> Iterator[Block]:
    """Read Markdown: `#` and underlined headings, list items, paragraphs; emphasis and links become plain words."""
    text = re.sub(r"<!--.*?-->", "", _decoded(raw), flags=re.DOTALL)
    for filled, group in groupby(text.splitlines(), key=lambda line: bool(line.strip())):
        if filled:
            yield from _markdown_blocks(list(group))


def read_docx(raw: bytes) -> Iterator[Block]:
    """Read a Word document: tables, text boxes and tracked insertions count as text, tracked deletions do not."""
    if _unpacked_size(raw) > LARGEST_UNPACKED:
        raise UnreadableError("The Word document is too large once unpacked.")
    try:
        document = docx.Document(BytesIO(raw))
        headings = {style.style_id for style in document.styles if _is_heading_style(style.name or "")}
        paragraphs = list(document.element.body.iter(qn("w:p")))
    except _BROKEN_WORD as error:
        raise UnreadableError(_NOT_WORD) from error
    for paragraph in paragraphs:
        block = _line(_word_text(paragraph))
        yield Block(_word_part(paragraph, headings) or block.part, block.text)


def read_html(raw: bytes) -> Iterator[Block]:
    """Read a web page: its headings, list items and paragraphs; navigation, scripts and styles are left out."""
    parser = lxml_html.HTMLParser(
        encoding="utf-8" if _is_utf8(raw) else None, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        page = lxml_html.document_fromstring(raw, parser=parser)
    except (etree.ParserError, ValueError) as error:
        raise UnreadableError("The file is not a web page that can be read.") from error
    yield from _html_blocks(page)


READERS: Mapping[str, Callable[[bytes], Iterator[Block]]] = {
    ".txt": read_text,
    ".md": read_markdown,
    ".docx": read_docx,
    ".html": read_html,
    ".htm": read_html,
}
"""The reader for each file name ending. Each gives blocks in reading order, some perhaps empty, or raises
UnreadableError."""


def _decoded(raw: bytes) -> str:
    if b"\0" in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError("The file is not a text file.")
    try:
        return raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        # What Windows Notepad saved before it wrote UTF-8.
        return raw.decode("cp1252", errors="replace")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _line(line: str) -> Block:
    unmarked = _MARKER.sub("", line)
    return Block(Part.TEXT if unmarked == line else Part.ITEM, _tidy(unmarked))


def _paragraphs(lines: Sequence[str]) -> Iterator[Block]:
    """Join wrapped lines; a marker begins a new item."""
    gathered: list[str] = []
    for line in lines:
        if _MARKER.match(line) and gathered:
            yield _line(" ".join(gathered))
            gathered = []
        gathered.append(line)
    yield _line(" ".join(gathered))


def _markdown_blocks(lines: list[str]) -> Iterator[Block]:
    gathered: list[str] = []
    for line in lines:
        if heading := re.match(r"^ {0,3}#{1,6}\s+(.*?)[\s#]*$", line):
            yield from _markdown_paragraphs(gathered)
            yield Block(Part.HEADING, _unmarked(heading[1]))
        elif re.match(r"^ {0,3}(=+|-+)\s*$", line) and gathered:
            yield Block(Part.HEADING, _unmarked(" ".join(gathered)))
        elif _RULE.match(line):
            yield from _markdown_paragraphs(gathered)
        else:
            gathered.append(re.sub(r"^\s*(?:>\s?)+", "", line))
            continue
        gathered = []
    yield from _markdown_paragraphs(gathered)


def _markdown_paragraphs(lines: list[str]) -> Iterator[Block]:
    for block in _paragraphs(lines) if lines else ():
        yield Block(block.part, _unmarked(block.text))


def _unmarked(text: str) -> str:
    """Drop Markdown's own signs: images, links, emphasis, code, tags, escapes and entities."""
    text = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?<![\w\\])(\*{1,3}|_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text)
    text = re.sub(r"`+([^`]+)`+", r"\1", text)
    text = re.sub(r"</?[a-zA-Z][^>]*>", " ", text)
    return _tidy(html.unescape(re.sub(r"\\([^\w\s])", r"\1", text)))


_NOT_WORD = "The file is not a Word document that can be opened."
_BROKEN_ZIP = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, struct.error, zlib.error)
_BROKEN_WORD = (*_BROKEN_ZIP, OpcError, etree.XMLSyntaxError, KeyError, AttributeError, TypeError, IndexError)


def _unpacked_size(raw: bytes) -> int:
    """What the archive says it holds; zipfile never unpacks more of an entry than that."""
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except _BROKEN_ZIP as error:
        raise UnreadableError(_NOT_WORD) from error


def _is_heading_style(name: str) -> bool:
    return name.casefold().startswith(("heading", "title", "subtitle"))


def _word_part(paragraph: etree._Element, headings: set[str]) -> Part | None:
    style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    name = "" if style is None else style.get(qn("w:val"), "")
    if name in headings:
        return Part.HEADING
    numbered = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None
    return Part.ITEM if numbered or name.startswith("List") else None


_WORD_SIGNS = {qn("w:tab"): " ", qn("w:br"): " ", qn("w:cr"): " ", qn("w:noBreakHyphen"): "-"}


def _word_text(paragraph: etree._Element) -> str:
    """The paragraph's own text as it reads with all tracked changes accepted."""
    return "".join(
        _WORD_SIGNS.get(str(node.tag), node.text or "")
        for node in paragraph.iter(qn("w:t"), *_WORD_SIGNS)
        if _belongs(node, paragraph)
    )


def _belongs(node: etree._Element, paragraph: etree._Element) -> bool:
    """Whether a node is the paragraph's own: not moved away, nor in a text box or its copy for old readers."""
    for above in node.iterancestors():
        if above is paragraph:
            return not any(str(up.tag).endswith("}Fallback") for up in paragraph.iterancestors())
        if above.tag in (qn("w:p"), qn("w:moveFrom"), qn("w:pPr")):
            return False
    return False


def _html_blocks(page: etree._Element) -> Iterator[Block]:
    """Gather text until a block begins or ends; two line breaks end a paragraph as well."""
    gathered: list[str] = []
    walk = etree.iterwalk(page, events=("start", "end"))
    for event, node in walk:
        tag = str(node.tag)
        if event == "start":
            if tag in _HTML_UNREAD:
                walk.skip_subtree()
                continue
            if tag in _HTML_BLOCKS:
                yield from _html_flush(gathered, node.getparent())
            gathered.append("\n" if tag == "br" else _spaced(node.text))
            continue
        if tag in _HTML_BLOCKS:
            yield from _html_flush(gathered, node)
        gathered.append(_spaced(node.tail))


def _html_flush(gathered: list[str], within: etree._Element | None) -> Iterator[Block]:
    text = "".join(gathered)
    gathered.clear()
    for piece in re.split(r"\n\s*\n", text):
        block = _line(piece)
        if block.text:
            yield Block(_html_part(within, block), block.text)


def _html_part(within: etree._Element | None, block: Block) -> Part:
    if within is None:
        return block.part
    if within.tag in _HTML_HEADINGS:
        return Part.HEADING
    listed = within.tag == "li" or next(within.iterancestors("li"), None) is not None
    return Part.ITEM if listed else block.part


def _spaced(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")
