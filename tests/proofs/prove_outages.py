"""The database goes away for a minute: the long proof. `make prove` runs it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from tests.databases import Postgres
from tests.proofs.outages import AfterOutages
from tests.running import Server, free_port


class TestAfterAMinute(AfterOutages):
    """Nobody who tried meanwhile was told anything but the truth."""

    SECONDS = 60

    def check_told(self, failed: list[str]) -> None:
        """Some tried, and were told."""
        assert len(failed) > 5


def status(server: Server, path: str, body: dict[str, str] | None = None) -> int:
    """What the server answers."""
    data = json.dumps({**body, "event": str(uuid.uuid4())}).encode() if body else None
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_over_http_the_failure_is_said_and_the_server_recovers(tmp_path: Path, postgres: Postgres) -> None:
    """While the database is away a message is answered with 503 and the server is not ready; then all is well again."""
    server = Server(tmp_path, free_port())
    server.database_url = postgres.fresh(migrated=False).url
    server.start()
    said = {"as": "priya", "room": "dm", "text": "Can I follow a student?"}
    try:
        assert status(server, "/preview/say", said) == 202
        postgres.stop()
        try:
            assert status(server, "/preview/say", said) == 503
            assert status(server, "/readyz") == 503
            assert status(server, "/healthz") == 200
        finally:
            postgres.start()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and status(server, "/readyz") != 200:
            time.sleep(0.2)
        assert status(server, "/preview/say", said) == 202
    finally:
        server.kill()
