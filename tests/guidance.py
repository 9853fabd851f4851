"""The guidance that ships, read once for all tests of a process."""

from functools import cache

from bot.settings import ROOT
from guidance_kb.library import Library


@cache
def library() -> Library:
    """The knowledge base; it never changes."""
    return Library.load(ROOT / "guidance_kb")
