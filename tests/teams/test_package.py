"""The app package: whole, in the sizes that Teams asks for, and refused when something that the upload refuses is wrong."""

from __future__ import annotations

import json
import runpy
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.settings import ROOT
from bot.transports.teams_package import PackageError, faults, filled, package

FOLDER = ROOT / "appPackage"
ENVIRONMENT = {
    "MICROSOFT_APP_ID": "11111111-2222-3333-4444-555555555555",
    "CHARTER_TEAMS_WEBSITE": "https://school.example/charter",
}
ICONS = {name: (FOLDER / name).read_bytes() for name in ("color.png", "outline.png")}


def manifest() -> dict[str, Any]:
    """The manifest with ids in it."""
    found: dict[str, Any] = json.loads(filled(FOLDER, ENVIRONMENT, "Oakfield “Academy”"))
    return found


def test_the_package_is_written_whole(tmp_path: Path) -> None:
    """Three files at the top, no placeholder left, ids in their places."""
    made = zipfile.ZipFile(package(FOLDER, ENVIRONMENT, "Oakfield Academy", tmp_path / "sub" / "charter.zip"))
    assert made.namelist() == ["manifest.json", "color.png", "outline.png"]
    text = made.read("manifest.json").decode()
    assert "${{" not in text
    told = json.loads(text)
    assert {told["bots"][0]["botId"], told["composeExtensions"][0]["botId"]} == {ENVIRONMENT["MICROSOFT_APP_ID"]}
    assert told["id"] not in ("", ENVIRONMENT["MICROSOFT_APP_ID"])


def test_the_manifest_has_no_fault() -> None:
    """Of those that the schema cannot see; a school's name may hold any sign."""
    assert list(faults(manifest(), ICONS)) == []
    assert manifest()["developer"]["name"] == "Oakfield “Academy”"


def test_the_icons_are_those_that_the_script_draws() -> None:
    """Nobody changed a picture by hand."""
    assert runpy.run_path(str(FOLDER / "icons.py"))["draw"]() == ICONS


@pytest.mark.parametrize("name", ENVIRONMENT)
@pytest.mark.parametrize("value", ["", "not-an-id", "http://school.example"])
def test_a_missing_id_is_named(tmp_path: Path, name: str, value: str) -> None:
    """Nothing is written, and the error says which variable."""
    with pytest.raises(PackageError, match=name):
        package(FOLDER, {**ENVIRONMENT, name: value}, "Oakfield", tmp_path / "charter.zip")
    assert list(tmp_path.iterdir()) == []


def _drop(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda told: told.pop(name)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_drop("supportsChannelFeatures"), "supportsChannelFeatures"),
        (lambda told: told["name"].update(short="Charter for Teams"), "short name"),
        (lambda told: told["bots"][0].update(botId="x"), "GUID"),
        (lambda told: told["composeExtensions"][0].update(botId="99999999-2222-3333-4444-555555555555"), "one id"),
        (lambda told: told["bots"][0]["commandLists"][0]["commands"].append({"title": "Dance"}), "Dance"),
        (lambda told: told["composeExtensions"][0]["commands"].pop(), "message actions"),
        (lambda told: told.update(validDomains=["*.example"]), "domains"),
        (lambda told: told["bots"][0].update(supportsFiles=True), "files"),
    ],
)
def test_what_the_upload_refuses_is_found(spoil: Callable[[dict[str, Any]], object], said: str) -> None:
    """Each fault is named in words."""
    told = manifest()
    spoil(told)
    assert any(said in fault for fault in faults(told, ICONS))


def test_a_wrong_picture_is_found() -> None:
    """Size, kind and transparency."""
    draw = runpy.run_path(str(FOLDER / "icons.py"))
    small = draw["png"](96, draw["bubble"], draw["WHITE"], draw["BLUE"])
    clear = draw["png"](192, draw["bubble"], draw["WHITE"], draw["CLEAR"])
    blue = draw["png"](32, draw["bubble"], draw["BLUE"], draw["CLEAR"])
    for spoiled in (
        {"color.png": small},
        {"color.png": clear},
        {"outline.png": blue},
        {"color.png": b"GIF89a"},
        {"color.png": b""},
    ):
        assert list(faults(manifest(), {**ICONS, **spoiled}))
