"""HTML as a tree, as far as a person reads it: nothing that is hidden from the eye."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"input", "br", "img", "path", "meta", "link", "use", "circle", "rect", "line"})


@dataclass
class Node:
    """An element: its attributes, and what stands in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list[Node | str] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set(self.attributes.get("class", "").split())

    @property
    def hidden(self) -> bool:
        """Whether nobody sees it."""
        return self.tag in ("svg", "style", "script") or "sr" in self.classes or "hidden" in self.attributes

    def nodes(self) -> Iterator[Node]:
        """Every element beneath it that can be seen, in order."""
        for one in self.inside:
            if isinstance(one, Node) and not one.hidden:
                yield one
                yield from one.nodes()

    def all(self, name: str) -> list[Node]:
        """Every element beneath it of this tag or class."""
        return [node for node in self.nodes() if node.tag == name or name in node.classes]

    def text(self, *without: str) -> str:
        """What can be read in it, but for elements of these tags or classes."""
        parts = [
            one if isinstance(one, str) else one.text(*without)
            for one in self.inside
            if isinstance(one, str) or not (one.hidden or one.tag in without or one.classes & set(without))
        ]
        return " ".join(" ".join(parts).split())


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("root")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parse(html: str) -> Node:
    """The tree of some HTML."""
    parser = _Parser()
    parser.feed(html)
    [root] = parser.open
    return root
