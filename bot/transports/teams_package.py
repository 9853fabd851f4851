"""The app package for Teams: `appPackage/` with a school's ids in it, checked for what Microsoft's schema does not see."""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from bot.transports.teams_asks import ASK, COMMANDS, REPORT

MANIFEST, COLOR, OUTLINE = "manifest.json", "color.png", "outline.png"
SIZES = {COLOR: 192, OUTLINE: 32}
"""Pixels along each side, as Teams asks for them."""

TALKED = frozenset({"hi", "hello", "help"})
"""Commands that are answered as talk."""

_FORBIDDEN = ("teams", "microsoft", "help", "chat", "bot")
"""Words that the store's guidelines do not want in an app's short name."""

_PLACEHOLDER = re.compile(r"\$\{\{(\w+)\}\}")
_TEAM_FEATURES_FROM = (1, 25)


class PackageError(ValueError):
    """The package cannot be made; the text lists every reason."""


def package(folder: Path, environment: Mapping[str, str], school: str, target: Path) -> Path:
    """Write the zip that is uploaded to Teams. Raises PackageError naming what is missing or wrong.

    From the environment: MICROSOFT_APP_ID, and CHARTER_TEAMS_WEBSITE, an https page of the school's about Charter.
    """
    text = filled(folder, environment, school)
    icons = {name: (folder / name).read_bytes() for name in SIZES}
    if found := list(faults(json.loads(text), icons)):
        raise PackageError("; ".join(found))
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(MANIFEST, text)
        for name, data in icons.items():
            made.writestr(name, data)
    return target


def filled(folder: Path, environment: Mapping[str, str], school: str) -> str:
    """The manifest with the school's ids. Raises PackageError for one that is missing or malformed."""
    app_id, website = environment.get("MICROSOFT_APP_ID", "").lower(), environment.get("CHARTER_TEAMS_WEBSITE", "")
    if not _is_guid(app_id):
        raise PackageError(
            "MICROSOFT_APP_ID must be the bot's id from Azure, such as 11111111-2222-3333-4444-555555555555"
        )
    if urlsplit(website).scheme != "https" or not urlsplit(website).hostname:
        raise PackageError("CHARTER_TEAMS_WEBSITE must be an https page that tells staff about Charter and their data")
    values = {
        "MICROSOFT_APP_ID": app_id,
        "TEAMS_APP_ID": str(uuid5(NAMESPACE_URL, f"charter:{app_id}")),
        "SCHOOL": school[:32],
        "WEBSITE": website,
    }
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    return _PLACEHOLDER.sub(lambda match: json.dumps(values[match[1]])[1:-1], text)


def faults(manifest: Mapping[str, Any], icons: Mapping[str, bytes]) -> Iterator[str]:
    """What is wrong with a package that a schema cannot see."""
    yield from _identity(manifest)
    yield from _commands(manifest)
    for name, size in SIZES.items():
        yield from _picture(name, icons.get(name, b""), size)


def _identity(manifest: Mapping[str, Any]) -> Iterator[str]:
    bots, extensions = manifest.get("bots", []), manifest.get("composeExtensions", [])
    ids = {one.get("botId") for one in [*bots, *extensions]}
    if len(ids) != 1 or not all(_is_guid(str(one)) for one in ids):
        yield "the bot and the message actions must have one id, a GUID"
    version = tuple(int(part) for part in str(manifest.get("manifestVersion", "0.0")).split("."))
    in_teams = any("team" in bot.get("scopes", []) for bot in bots)
    if in_teams and version >= _TEAM_FEATURES_FROM and "supportsChannelFeatures" not in manifest:
        yield "from version 1.25 on an app for teams must name supportsChannelFeatures: the upload refuses it otherwise"
    if any(word in manifest["name"]["short"].lower() for word in _FORBIDDEN):
        yield f"the short name may hold none of: {', '.join(_FORBIDDEN)}"
    if manifest.get("validDomains") or manifest.get("authorization") or manifest.get("webApplicationInfo"):
        yield "Charter needs no domains and no permissions beyond its own messages"
    if any(bot.get("supportsFiles") for bot in bots):
        yield "Charter takes no files"


def _commands(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Whatever the manifest offers is answered, as the store's reviewers try it."""
    lists = [one for bot in manifest.get("bots", []) for one in bot.get("commandLists", [])]
    for title in (command["title"] for one in lists for command in one["commands"]):
        if title.casefold() not in COMMANDS and title.casefold() not in TALKED:
            yield f"the command “{title}” is not answered"
    offered = {command["id"] for one in manifest.get("composeExtensions", []) for command in one["commands"]}
    if offered != {ASK, REPORT}:
        yield f"the message actions must be {ASK} and {REPORT}"


def _picture(name: str, data: bytes, size: int) -> Iterator[str]:
    try:
        width, height, rows = _pixels(data)
    except (ValueError, struct.error, zlib.error):
        yield f"{name} must be a PNG with transparency, 8 bits deep"
        return
    if (width, height) != (size, size):
        yield f"{name} must be {size} by {size} pixels"
    elif name == COLOR and any(pixel[3] != 255 for pixel in rows):  # noqa: PLR2004
        yield f"{name} must have no transparent pixel"
    elif name == OUTLINE and (any(p[3] and p[:3] != b"\xff\xff\xff" for p in rows) or all(p[3] for p in rows)):
        yield f"{name} must be white on a transparent ground"


def _pixels(data: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and pixels of a PNG of the kind that `appPackage/icons.py` writes. Raises ValueError for another."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG")
    width, height, *kind = struct.unpack(">IIBBBBB", data[16:29])
    if kind != [8, 6, 0, 0, 0]:
        raise ValueError("another kind of PNG")
    at, packed = 8, b""
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += 12 + length
    raw, line = zlib.decompress(packed), width * 4 + 1
    if any(raw[row * line] for row in range(height)):
        raise ValueError("a filtered PNG")
    return (
        width,
        height,
        [raw[r * line + 1 + x * 4 : r * line + 5 + x * 4] for r in range(height) for x in range(width)],
    )


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
