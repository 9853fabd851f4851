"""What an answer costs, in milliseconds and memory, beside a bare echo measured in the same run.

Each figure comes from this machine, now. The answer path is timed on one core; the two servers are asked in turn, one
request after another, so that both see the same disturbance. Storing cases and each platform have a file of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

import app
from benchmarks import cases, slack, teams
from bot.ask import ask
from bot.consider import Consider
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from guidance_kb.library import Library

QUESTIONS = Path(__file__).parents[1] / "tests" / "eval" / "sample.jsonl"
ROUNDS = 20
REQUESTS = 400


@dataclass(frozen=True)
class Timing:
    """Milliseconds of many tries."""

    of: str
    p50: float
    p99: float
    worst: float

    @classmethod
    def taken(cls, of: str, times: Sequence[float]) -> Timing:
        """From seconds."""
        cut = statistics.quantiles(times, n=100)
        return cls(of, cut[49] * 1000, cut[98] * 1000, max(times) * 1000)

    def __str__(self) -> str:
        """Return one line of the table."""
        return f"{self.of:<46} {self.p50:9.3f} {self.p99:9.3f} {self.worst:9.3f}"


def main() -> None:
    """Measure and print."""
    conversations = [json.loads(line)["turns"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    print(f"{'milliseconds':<46} {'p50':>9} {'p99':>9} {'worst':>9}")
    print(_answer_path(conversations))
    asyncio.run(_servers([turns[-1] for turns in conversations]))
    cases.main()
    slack.main()
    teams.main()


def _answer_path(conversations: Sequence[Sequence[str]]) -> Timing:
    """Read, decide and render the last message of each conversation, on one core."""
    library = Library.load(ROOT / "guidance_kb")
    reader = app.reader()
    replies = Replies(TemplateWords.load(), library, load_school(EXAMPLE_SCHOOL).contacts)
    consider = Consider(reader, library)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    times = [ask(turns, consider, replies).ms / 1000 for _ in range(ROUNDS) for turns in conversations]
    os.sched_setaffinity(0, cores)
    return Timing.taken("answer path: read + decide + render, one core", times[len(conversations) :])


async def _servers(questions: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, _server("benchmarks.echo") as echo, _charter(Path(folder)) as charter:
        await asyncio.gather(_up(echo.port), _up(charter.port))
        echoed, answered = await _interleaved(echo.port, charter.port, questions)
        print(Timing.taken("bare aiohttp echo: request to response", echoed))
        print(Timing.taken("Charter preview: question to shown reply", answered))
        print(f"\n{'resident memory, MB':<46} {'after':>9}")
        for name, server in (("bare aiohttp echo", echo), ("Charter preview", charter)):
            print(f"{name:<46} {psutil.Process(server.process).memory_info().rss / 2**20:9.1f}")


async def _interleaved(echo: int, charter: int, questions: Sequence[str]) -> tuple[list[float], list[float]]:
    echoed, answered = [], []
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{charter}/preview/events?as=priya") as live:
        for number in range(REQUESTS):
            body = {"text": questions[number % len(questions)], "as": "priya", "event": str(uuid.uuid4()), "room": "dm"}
            start = time.perf_counter()
            async with http.post(f"http://127.0.0.1:{echo}/echo", json=body) as response:
                await response.read()
            echoed.append(time.perf_counter() - start)
            start = time.perf_counter()
            async with http.post(f"http://127.0.0.1:{charter}/preview/say", json=body) as response:
                response.raise_for_status()
            await _replied(live, body["event"])
            answered.append(time.perf_counter() - start)
    return echoed, answered


async def _replied(live: aiohttp.ClientResponse, event: str) -> None:
    """Wait for the reply to this event on the live stream."""
    async for line in live.content:
        if line.startswith(b"data:") and f"{event}:reply" in line.decode():
            return


@dataclass(frozen=True)
class _Server:
    process: int
    port: int


@contextmanager
def _charter(folder: Path) -> Iterator[_Server]:
    with _server("app", CHARTER_DATABASE_URL=f"sqlite+aiosqlite:///{folder / 'bench.sqlite3'}") as server:
        yield server


@contextmanager
def _server(module: str, **environment: str) -> Iterator[_Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", module, *([str(port)] if module != "app" else [])]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, env={**os.environ, **environment, "CHARTER_PORT": str(port)}, stdout=quiet
    ) as process:
        try:
            yield _Server(process.pid, port)
        finally:
            process.terminate()


async def _up(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError(f"nothing answers on port {port}")


if __name__ == "__main__":
    main()
