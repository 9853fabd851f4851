"""Real parts that tests need: installed by package name where that is allowed, or named with the command to run."""

from __future__ import annotations

import os
import shutil
import subprocess

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The path of Chromium, which is installed first where it is missing and we may.

    Raises RuntimeError with the command to run where we may not.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RuntimeError("The browser tests need Chromium. Run: sudo apt-get install -y chromium")
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return chromium()


def main() -> None:
    """Install every part before the tests start, one after the other: workers side by side would get in each other's way."""
    # These import this module's flags, so they can only be named here.
    from tests.slack.local import installed as local_slack  # noqa: PLC0415
    from tests.teams.playground import installed as agents_playground  # noqa: PLC0415
    from tests.teams.schemas import installed as schemas  # noqa: PLC0415

    for part in (chromium, local_slack, agents_playground, schemas):
        part()


if __name__ == "__main__":
    main()
