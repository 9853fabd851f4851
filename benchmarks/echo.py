"""The floor: a bare aiohttp server that gives back what it is sent."""

from __future__ import annotations

import sys

from aiohttp import web


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(await request.json())


def main() -> None:
    """Serve on the port given as the only argument."""
    app = web.Application()
    app.add_routes([web.post("/echo", _echo)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
