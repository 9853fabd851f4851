"""What an answered question costs in Teams, beside a bare botbuilder echo on the same handler, in turns in one run.

The same activities go to each server, in rounds one after another, so that all see the same disturbance. CPU is the server
process's own, threads included, and does not change with what else the machine does. A question counts as answered when its
message has reached the stand-in for the Bot Connector.

Everybody greets Charter, asks a first question and then a second, in a chat of their own. A second one is read together with
the first, since it may go on with it, and so costs more; both are told, and the limit is for first ones: in Slack, where each
message begins a thread, every question is one.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
from aiohttp import web

from benchmarks.servers import started
from benchmarks.teams_server import STAFF, account

QUESTIONS = Path(__file__).parents[1] / "tests" / "eval" / "sample.jsonl"
KINDS = ("echo", "transport", "reader", "charter")
ROUNDS = 4
A_ROUND = STAFF // ROUNDS
"""Questions a server gets in one round, each from another of the staff."""
AT_ONCE = 4
GREETING = "Good morning!"
GIVEN_UP = 30.0
MOST_MORE = 5.0
"""Milliseconds of CPU that an answer may cost beyond the echo's."""


@dataclass
class Server:
    """One server process, and the milliseconds of CPU that a question took in each round, first ones and second ones.

    `replies` are the milliseconds until first ones were answered.
    """

    kind: str
    process: psutil.Process
    url: str
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)

    def spent(self) -> float:
        """Seconds of CPU so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


class Asker:
    """Sends questions as Teams does, each from one of the staff in their own chat, and takes the answers as its Connector."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._questions = [json.loads(line)["turns"][0] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self.service = ""

    async def greet(self, server: Server) -> None:
        """Everybody writes for the first time: their chats are known from then on."""
        await self._all(server, dict.fromkeys(range(STAFF), GREETING))

    async def first(self, server: Server, number: int) -> None:
        """One round of first questions."""
        before = server.spent()
        server.replies += await self._all(server, self._asked(number, 0))
        server.first.append((server.spent() - before) / A_ROUND * 1000)

    async def second(self, server: Server, number: int) -> None:
        """The same people ask something else."""
        before = server.spent()
        await self._all(server, self._asked(number, 1))
        server.second.append((server.spent() - before) / A_ROUND * 1000)

    def _asked(self, number: int, further: int) -> dict[int, str]:
        """Who asks what in a round."""
        people = range(number * A_ROUND, (number + 1) * A_ROUND)
        return {person: self._questions[(person + further) % len(self._questions)] for person in people}

    async def _all(self, server: Server, said: Mapping[int, str]) -> list[float]:
        """Send these, a few at a time; what each took. Raises TimeoutError when one is never answered."""
        left, took = iter(said.items()), []

        async def one_after_another() -> None:
            for person, text in left:
                took.append(await self._answered(server, person, text))

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
        return took

    async def _answered(self, server: Server, person: int, text: str) -> float:
        """Milliseconds until the answer is there."""
        start = time.monotonic()
        answer = self._waiting[_chat(person)] = asyncio.get_running_loop().create_future()
        async with self._http.post(f"{server.url}/api/messages", json=self._activity(person, text)) as response:
            response.raise_for_status()
        ended: float = await asyncio.wait_for(answer, GIVEN_UP)
        return (ended - start) * 1000

    async def take(self, request: web.Request) -> web.Response:
        """A message from a server, as the Bot Connector takes it. Raises InvalidStateError for a second answer."""
        body = await request.json()
        if body["type"] == "message":
            self._waiting[request.match_info["conversation"]].set_result(time.monotonic())
        return web.json_response({"id": "m1"}, status=201)

    def _activity(self, person: int, text: str) -> dict[str, object]:
        return {
            "type": "message",
            "id": f"{person}:{text}",
            "channelId": "msteams",
            "serviceUrl": self.service,
            "text": text,
            "from": {"id": f"29:{person}", "aadObjectId": account(person)},
            "recipient": {"id": "28:charter"},
            "conversation": {"id": _chat(person), "conversationType": "personal"},
            "channelData": {"tenant": {"id": "bench"}},
        }


def _chat(person: int) -> str:
    return f"a:{person}"


def main() -> None:
    """Measure and print."""
    asyncio.run(_measured())


async def _measured() -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        asker = Asker(http)
        with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
            async with _connector(asker):
                servers = []
                for kind in KINDS:
                    own = Path(folder) / kind
                    own.mkdir()
                    servers.append(stack.enter_context(_server(kind, str(own))))
                await _rounds(asker, servers)
    _print(servers)


async def _rounds(asker: Asker, servers: Sequence[Server]) -> None:
    """The greetings warm up and are not counted."""
    for server in servers:
        await asker.greet(server)
    for ask in (asker.first, asker.second):
        for number in range(ROUNDS):
            for server in servers:
                await ask(server, number)


@asynccontextmanager
async def _connector(asker: Asker) -> AsyncIterator[None]:
    """The stand-in for the Bot Connector, in this process: what it costs is no server's."""
    served = web.Application(client_max_size=2**22)
    served.add_routes([web.post("/v3/conversations/{conversation}/activities", asker.take)])
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    asker.service = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


def _print(servers: Sequence[Server]) -> None:
    spent = {server.kind: statistics.median(server.first) for server in servers}
    behind = {server.kind: statistics.median(server.second) for server in servers}
    more = spent["charter"] - spent["echo"]
    told = {
        "a bare botbuilder echo on the same handler": spent["echo"],
        "Charter in all": spent["charter"],
        f"  more than the echo (to be {MOST_MORE:.0f} or less)": more,
        "  of it the way through Teams and the rendering": spent["transport"] - spent["echo"],
        "  of it reading, deciding and wording": spent["reader"] - spent["transport"],
        "  of it storage (inbox, memory and shelf, SQLite)": spent["charter"] - spent["reader"],
        "a second question, read with the first: more than the echo": behind["charter"] - behind["echo"],
    }
    print(f"\nTeams: server CPU for each answered first question, median of {ROUNDS} rounds of {A_ROUND}{'ms':>11}")
    for name, cost in told.items():
        print(f"  {name:<66} {cost:8.2f}")
    print(f"\nTeams, {AT_ONCE} questions at a time{'reply p50':>44} {'reply p99':>10}")
    for server in (servers[0], servers[-1]):
        cuts = statistics.quantiles(server.replies, n=100)
        print(f"  {server.kind:<60} {cuts[49]:10.1f} {cuts[98]:10.1f}")


@contextmanager
def _server(kind: str, folder: str) -> Iterator[Server]:
    with started("benchmarks.teams_server", kind, folder) as (process, port):
        yield Server(kind, process, f"http://127.0.0.1:{port}")


if __name__ == "__main__":
    main()
