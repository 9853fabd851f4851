"""Microsoft's own schema of the app manifest and its own renderer of Adaptive Cards, from npm, run offline on ours."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

from tests.running import ROOT
from tests.teams.playground import found, install

PACKAGES = (
    "@microsoft/app-manifest@1.1.2",
    "adaptivecards@3.0.5",
    "ajv@8.17.1",
    "ajv-draft-04@1.0.0",
    "ajv-formats@3.0.1",
)
CACHE = ROOT / "var" / "teams-schemas-1"

_MANIFEST = """
const fs = require("fs");
const Ajv = require("ajv-draft-04").default ?? require("ajv-draft-04");
const formats = require("ajv-formats").default ?? require("ajv-formats");
const folder = "node_modules/@microsoft/app-manifest/build/json-schemas/teams/v";
const found = JSON.parse(fs.readFileSync(0, "utf8")).map(manifest => {
  const schema = JSON.parse(fs.readFileSync(`${folder}${manifest.manifestVersion}/MicrosoftTeams.schema.json`, "utf8"));
  const ajv = new Ajv({strict: false, allErrors: true});
  formats(ajv);
  const check = ajv.compile(schema);
  return check(manifest) ? [] : check.errors.map(error => `${error.instancePath} ${error.message}`);
});
console.log(JSON.stringify(found));
"""
_CARDS = """
globalThis.window = globalThis.self = globalThis;
const AC = require("adaptivecards/dist/adaptivecards.js");
const found = JSON.parse(require("fs").readFileSync(0, "utf8")).map(plain => {
  const card = new AC.AdaptiveCard();
  card.hostConfig = new AC.HostConfig({actions: {maxActions: 6}});
  const context = new AC.SerializationContext(AC.Versions.v1_5);
  card.parse(plain, context);
  const parsed = Array.from({length: context.eventCount}, (_, at) => context.getEventAt(at).message);
  return [...parsed, ...card.validateProperties().validationEvents.map(event => event.message)];
});
console.log(JSON.stringify(found));
"""


@cache
def installed() -> Path:
    """The packages' folder, installed by npm the first time. Raises RuntimeError where that cannot be done."""
    return install(CACHE, *PACKAGES)


def manifest_faults(manifest: object) -> list[str]:
    """What Microsoft's schema of its version says against a manifest."""
    [faults] = _checked(_MANIFEST, [manifest])
    return faults


def card_faults(cards: list[object]) -> list[list[str]]:
    """What Microsoft's renderer, reading version 1.5, says against each card."""
    return _checked(_CARDS, cards)


def _checked(script: str, given: list[object]) -> list[list[str]]:
    told = json.dumps(given)
    done = subprocess.run(
        [found("node"), "-e", script], input=told, capture_output=True, text=True, check=False, cwd=installed()
    )
    assert done.returncode == 0, done.stderr
    faults: list[list[str]] = json.loads(done.stdout)
    return faults
