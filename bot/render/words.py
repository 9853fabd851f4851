"""The product's own sentences: `words.toml` filled in by Jinja2, as plain text for every renderer."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

WORDS = Path(__file__).with_name("words.toml")


class TemplateWords:
    """Sentences by name. A misspelt placeholder fails at once; nothing here is HTML, so nothing is escaped here."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        plain = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)  # noqa: S701
        plain.globals.clear()  # none is used, and each rendering would copy them
        self._templates: dict[str, Template] = {name: plain.from_string(text) for name, text in sentences.items()}
        self._fixed = {name: text.strip() for name, text in sentences.items() if "{" not in text}

    @classmethod
    @cache
    def load(cls) -> TemplateWords:
        """The sentences of `words.toml`, read once. Raises OSError or tomllib.TOMLDecodeError when it cannot be read."""
        with WORDS.open("rb") as file:
            return cls(tomllib.load(file))

    def say(self, name: str, **values: object) -> str:
        """The sentence `name` with its values filled in. Raises LookupError for a name that the file does not have."""
        return self._fixed.get(name) or self._templates[name].render(values).strip()
