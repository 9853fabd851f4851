"""What an answered question costs in Slack, beside a bare Bolt echo app on a shared session, in turns in one run.

The same signed messages go to each server, in rounds one after another, so that all see the same disturbance. CPU is the
server process's own, threads included, and does not change with what else the machine does.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import psutil

from benchmarks.servers import started
from benchmarks.slack_server import SECRET, STAFF, TEAM, account
from bot.transports.slack import EVENTS_PATH

QUESTIONS = Path(__file__).parents[1] / "tests" / "eval" / "sample.jsonl"
KINDS = ("echo", "transport", "reader", "charter")
ROUNDS = 4
A_ROUND = 250
"""Questions a server gets in one round of the measurement of CPU."""
AT_ONCE = 16
PER_SECOND = 50
SECONDS = 4
"""How long each of the open-loop rounds lasts."""
BURST = 1000
GIVEN_UP = 120.0
OK = 200
REPEATED_AFTER = 0.2
"""Seconds after which a question that was not acknowledged is sent again; Slack's own times are longer."""


@dataclass
class Server:
    """One server process; by rounds, what it spent and how long it took to acknowledge and to answer, in milliseconds."""

    kind: str
    process: psutil.Process
    url: str
    cpu: list[float] = field(default_factory=list)
    acks: list[list[float]] = field(default_factory=list)
    replies: list[list[float]] = field(default_factory=list)
    repeats: int = 0

    def spent(self) -> float:
        """Seconds of CPU so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


@dataclass(frozen=True)
class Asked:
    """One question: when it was sent, how long until it was acknowledged, and how often it had to be sent again."""

    ts: str
    sent: float
    ack: float
    repeats: int


class Asker:
    """Sends questions as Slack does, each from one of the staff and under a ts of its own, to one server or another."""

    def __init__(self, http: aiohttp.ClientSession, api: str) -> None:
        self._http = http
        self._api = api
        lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
        self._questions = [json.loads(line)["turns"][0] for line in lines]
        self._numbers = count(1)

    async def ask(self, server: Server) -> Asked:
        """One question, sent again until it is acknowledged. Raises TimeoutError when it never is."""
        number, repeats = next(self._numbers), 0
        ts = f"{number}.000000"
        body, sent = self._event(number, ts), time.monotonic()
        async with asyncio.timeout(GIVEN_UP):
            while await self._sent(server, body) != OK:
                repeats += 1
                await asyncio.sleep(REPEATED_AFTER)
        return Asked(ts, sent, time.monotonic() - sent, repeats)

    async def _sent(self, server: Server, body: str) -> int:
        headers = {**_signed(body), "Content-Type": "application/json"}
        async with self._http.post(server.url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def answered(self) -> dict[str, list[float]]:
        """When each question was answered, since the last time of asking."""
        async with self._http.get(f"{self._api}/answered") as answer:
            found: dict[str, list[float]] = json.loads(await answer.text())
            return found

    async def all_answered(self, asked: Sequence[Asked]) -> dict[str, list[float]]:
        """The times of all these answers. Raises TimeoutError when one does not come."""
        found: dict[str, list[float]] = {}
        async with asyncio.timeout(GIVEN_UP):
            while len(found) < len(asked):
                await asyncio.sleep(0.05)
                for ts, times in (await self.answered()).items():
                    found.setdefault(ts, []).extend(times)
        return found

    def _event(self, number: int, ts: str) -> str:
        user = account(number % STAFF)
        said = self._questions[number % len(self._questions)]
        event = {"type": "message", "channel_type": "im", "channel": f"D{user}", "user": user, "text": said, "ts": ts}
        outer = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{number}", "api_app_id": "A0"}
        return json.dumps({**outer, "event": {**event, "event_ts": ts, "team": TEAM}})


def main() -> None:
    """Measure and print."""
    asyncio.run(_measured())


async def _measured() -> None:
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        api = stack.enter_context(_server("api", "", folder))
        base = api.url.removesuffix(EVENTS_PATH)
        servers = []
        for kind in KINDS:
            own = Path(folder) / kind
            own.mkdir()
            servers.append(stack.enter_context(_server(kind, f"{base}/api/", str(own))))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as http:
            asker = Asker(http, base)
            for server in servers:
                await _closed(asker, server, STAFF)
                server.cpu.clear()
            for _ in range(ROUNDS):
                for server in servers:
                    await _closed(asker, server, A_ROUND)
            _print_cpu(servers)
            for _ in range(ROUNDS):
                for server in (servers[0], servers[-1]):
                    await _open(asker, server)
            _print_latency(servers[0], servers[-1])
            await _burst(asker, servers[-1])


async def _closed(asker: Asker, server: Server, questions: int) -> None:
    """So many questions as fast as they are answered; the CPU each took, in milliseconds."""
    before, left = server.spent(), iter(range(questions))
    asked: list[Asked] = []

    async def one_after_another() -> None:
        for _ in left:
            asked.append(await asker.ask(server))

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    answers = await asker.all_answered(asked)
    assert all(len(times) == 1 for times in answers.values())
    server.cpu.append((server.spent() - before) / questions * 1000)


async def _open(asker: Asker, server: Server) -> None:
    """A question every fiftieth of a second, whatever becomes of those before."""
    start, tasks = time.monotonic(), []
    for number in range(PER_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, start + number / PER_SECOND - time.monotonic()))
        tasks.append(asyncio.create_task(asker.ask(server)))
    asked = await asyncio.gather(*tasks)
    answers = await asker.all_answered(asked)
    server.acks.append([each.ack * 1000 for each in asked])
    server.repeats += sum(each.repeats for each in asked)
    server.replies.append([(answers[each.ts][0] - each.sent) * 1000 for each in asked])


async def _burst(asker: Asker, server: Server) -> None:
    """A thousand questions at the same moment."""
    start = time.monotonic()
    asked = await asyncio.gather(*(asker.ask(server) for _ in range(BURST)))
    answers = await asker.all_answered(asked)
    once = sum(len(times) == 1 for times in answers.values())
    last = max(each for times in answers.values() for each in times) - start
    acks, repeats = _quantiles([each.ack for each in asked]), sum(each.repeats for each in asked)
    print(
        f"\nSlack, {BURST} questions at once: {once} answered once, {len(answers) - once} more than once, in {last:.1f} s"
    )
    print(f"  acknowledged after p50 {acks[49]:.2f} s, p99 {acks[98]:.2f} s; sent again because not: {repeats} times")


def _print_cpu(servers: Sequence[Server]) -> None:
    print(f"\nSlack: server CPU for each answered question, median of {ROUNDS} rounds{'ms':>12}")
    spent = {server.kind: statistics.median(server.cpu) for server in servers}
    told = {
        "a bare Bolt echo, shared session": spent["echo"],
        "Charter in all (to be 5 or less)": spent["charter"],
        "  of it the way through Slack and the rendering": spent["transport"],
        "  of it reading, deciding and wording": spent["reader"] - spent["transport"],
        "  of it storage (inbox and memory, SQLite)": spent["charter"] - spent["reader"],
    }
    for name, cost in told.items():
        print(f"  {name:<66} {cost:8.2f}")


def _print_latency(*servers: Server) -> None:
    print(f"\nSlack, {PER_SECOND} questions a second, ms, median of {ROUNDS} rounds")
    print(f"  {'':<30} {'ack p50':>9} {'ack p99':>9} {'reply p50':>10} {'reply p99':>10}")
    for server in servers:
        (ack, last), (reply, slow) = _usual(server.acks), _usual(server.replies)
        again = f"   ({server.repeats} sent again)" if server.repeats else ""
        print(f"  {server.kind:<30} {ack:9.1f} {last:9.1f} {reply:10.1f} {slow:10.1f}{again}")
    print("  (to be: ack p99 at most twice the echo's, reply p50 15 or less)")


def _usual(rounds: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The p50 and p99 of the round in the middle, so that what disturbed the machine once does not decide."""
    cuts = [_quantiles(each) for each in rounds]
    return statistics.median(cut[49] for cut in cuts), statistics.median(cut[98] for cut in cuts)


def _quantiles(values: Sequence[float]) -> list[float]:
    return statistics.quantiles(values, n=100)


def _signed(body: str) -> dict[str, str]:
    at = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


@contextmanager
def _server(kind: str, api_url: str, folder: str) -> Iterator[Server]:
    with started("benchmarks.slack_server", kind, api_url, folder) as (process, port):
        yield Server(kind, process, f"http://127.0.0.1:{port}{EVENTS_PATH}")


if __name__ == "__main__":
    main()
