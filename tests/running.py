"""Charter as its users run it: a process of its own on a free port, with a database of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 120
"""Seconds: the first start of all learns from the examples."""


class Server:
    """One running Charter; `log` is everything it has written so far."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.database_url = f"sqlite+aiosqlite:///{folder / 'charter.sqlite3'}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """All output, standard and error."""
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start and wait until it is ready. Raises RuntimeError with the log when it does not get there."""
        environment = {
            **os.environ,
            "CHARTER_PORT": str(self.port),
            "CHARTER_DATABASE_URL": self.database_url,
        }
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        for _ in range(PATIENCE * 10):
            if self._process.poll() is not None:
                break
            if self._is_ready():
                return
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"Charter did not start:\n{self.log}")

    def kill(self) -> None:
        """Stop it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Charter, started; killed when the block ends."""
    server = Server(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.kill()
