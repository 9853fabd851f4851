"""Imports point one way, and each outside package has one home."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("app", "serving", "bot", "intents", "guidance_kb")

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "guidance_kb": ("guidance_kb",),
    "intents": ("intents", "guidance_kb.facts"),
    "intents.train": ("intents", "guidance_kb"),
    "bot.model": (),
    "bot.errors": (),
    "bot.calendar": ("bot.cases.model",),
    "bot.school": ("bot.model", "bot.calendar", "bot.cases.changes", "bot.cases.routing"),
    "bot.ports": ("bot.model", "bot.cases", "bot.notices.model", "guidance_kb.facts", "intents.model"),
    "bot.render": ("bot.model", "bot.preview", "bot.render"),
    "bot.cases": ("bot.cases", "bot.model", "bot.ports", "bot.notices.model"),
    "bot.notices": ("bot.notices", "bot.calendar", "bot.cases", "bot.model", "bot.ports", "bot.pages"),
    "bot.dialogs": ("bot.dialogs", "bot.cases.model", "bot.model", "bot.school"),
    "bot.pages": ("bot.cases.model", "bot.model"),
    "bot.talk": ("bot.consider", "bot.decide", "bot.model", "bot.ports", "bot.replies"),
    "bot.weigh": ("guidance_kb", "intents.model"),
    "bot.decide": ("bot.weigh", "guidance_kb", "intents.model"),
    "bot.consider": ("bot.decide", "bot.model", "bot.ports", "guidance_kb", "intents.model"),
    "bot.storage": (
        "bot.storage",
        "bot.model",
        "bot.ports",
        "bot.preview",
        "bot.errors",
        "bot.cases",
        "bot.notices.model",
    ),
    "bot.transports": ("bot.transports", "bot.model", "bot.ports", "bot.preview", "bot.render"),
}
"""What a part may import of ours. The longest prefix of a module's name decides; what is not listed here may not be
imported by anything that is, unless its line says so."""

HOMES = {
    "slack_bolt": "bot.transports",
    "slack_sdk": "bot.transports",
    "botbuilder": "bot.transports.teams_gateway",
    "botframework": "bot.transports.teams_gateway",
    "msrest": "bot.transports.teams_gateway",
    "jwt": "bot.transports.teams_tokens",
    "rapidfuzz": "intents",
    "onnxruntime": "intents",
    "tokenizers": "intents",
    "torch": "intents.train",
    "transformers": "intents.train",
    "onnx": "intents.train",
    "jinja2": "bot.render",
    "sqlalchemy": "bot.storage",
    "alembic": "bot.storage",
    "cryptography": "bot",
    "docx": "guidance_kb",
    "lxml": "guidance_kb",
}


def _modules() -> Iterator[tuple[str, Path]]:
    for path in [ROOT / "app.py", ROOT / "serving.py", *(p for part in OURS[2:] for p in (ROOT / part).rglob("*.py"))]:
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


@cache
def _imports(path: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found += (f"{node.module}.{name.name}" for name in node.names)
    return tuple(found)


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(part + ".")


def breaches(module: str, imported: Iterable[str]) -> list[str]:
    """Imports of ours that this module may not make."""
    rule = max((part for part in MAY_IMPORT if _within(module, part)), key=len, default=None)
    if rule is None:
        return []
    return [
        name
        for name in imported
        if name.split(".")[0] in OURS and not any(_within(name, part) for part in MAY_IMPORT[rule])
    ]


@pytest.mark.parametrize(
    ("module", "path"), list(_modules()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_imports_point_one_way(module: str, path: Path) -> None:
    """No module reaches against the direction in which data flows."""
    assert breaches(module, _imports(path)) == []


def test_a_wrong_import_would_be_seen() -> None:
    """The rule catches both kinds of breach: reaching outward, and reaching past the one module allowed."""
    assert breaches("guidance_kb.library", ["bot.model.Reply"]) == ["bot.model.Reply"]
    assert breaches("intents.reader", ["guidance_kb.library.Library"]) == ["guidance_kb.library.Library"]
    assert breaches("bot.transports.web", ["bot.cases.desk.Desk"]) == ["bot.cases.desk.Desk"]


@pytest.mark.parametrize(("package", "home"), HOMES.items())
def test_each_outside_package_has_one_home(package: str, home: str) -> None:
    """A library that ages or misbehaves can be replaced in one place."""
    users = [module for module, path in _modules() if any(_within(name, package) for name in _imports(path))]
    assert [module for module in users if not _within(module, home)] == []


def test_only_app_joins_ports_with_what_implements_them() -> None:
    """Storage and transports are named by nobody but the wiring and themselves."""
    for module, path in _modules():
        for name in _imports(path):
            if _within(name, "bot.storage") and not _within(module, "bot.storage"):
                assert module in ("app", "serving"), f"{module} imports {name}"
            if _within(name, "bot.transports") and not _within(module, "bot.transports"):
                assert module in ("app", "serving"), f"{module} imports {name}"
