"""What whoever runs Charter may watch: alive, ready, and counts. No content and no person stands in any of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

Ready = Callable[[], Awaitable[bool]]


class Metrics:
    """Counts events by platform, kind and outcome, and the seconds that turns take."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("platform", "kind", "outcome")
        self._events = Counter("charter_events", "Events handled", labels, registry=self.registry)
        self._seconds = Histogram("charter_turn_seconds", "Seconds one turn takes", ("kind",), registry=self.registry)

    def count(self, platform: str, kind: str, outcome: str) -> None:
        """One more event: `kind` as in say, press, submit, open; `outcome` as in reply, page, repeat, failed."""
        self._events.labels(platform, kind, outcome).inc()

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Measure the turn inside, also one that fails."""
        start = perf_counter()
        try:
            yield
        finally:
            self._seconds.labels(kind).observe(perf_counter() - start)


def register_health(app: web.Application, ready: Ready, metrics: Metrics) -> None:
    """Add /healthz, /readyz and /metrics. `ready` says whether Charter can serve; an error in it counts as no."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if await _is_ready(ready):
            return web.Response(text="ready\n")
        return web.Response(status=503, text="not ready\n")

    async def numbers(_: web.Request) -> web.Response:
        text = generate_latest(metrics.registry)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", numbers)])


async def _is_ready(ready: Ready) -> bool:
    try:
        return await ready()
    except Exception:  # whatever it is, the probe must say "not ready" rather than fail
        return False
