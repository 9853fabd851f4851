"""Who may speak to the preview: a browser on this very computer, on a page that the preview itself served."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from traceback import extract_tb

import structlog
from aiohttp import web

from bot.transports.health import HEALTH_PATHS

LARGEST_BODY = 256 * 1024

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "Server": "Charter",
}

_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_PROXY_HEADERS = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})
_SHORT = {
    400: "Charter could not read that request.",
    403: "That is not yours, or it is not there.",
    404: "There is nothing at this address.",
    405: "This address does not take that kind of request.",
    413: "That is too much at once. Please send it in fewer words.",
    415: "Please send this as application/json.",
    503: "Charter could not store that just now, so it was not sent. Nothing you typed is lost: please try again.",
    504: "Charter is still working on that. Please try again in a moment: it will not be sent twice.",
}

_log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def plain(status: int, text: str = "") -> web.Response:
    """A short answer in plain text; without `text`, the usual words for that status."""
    return web.Response(status=status, text=(text or _SHORT.get(status, "That did not work.")) + "\n")


def refusal(request: web.Request) -> str | None:
    """Why this request may not be served, or None."""
    names = {name.lower() for name in request.headers}
    host = request.headers.get("Host", "")
    if not _is_loopback(request) or host not in _own_hosts(request) or len(request.headers.getall("Host")) > 1:
        return "The preview is served only on the computer it runs on. Open it by its own address."
    if names & _PROXY_HEADERS or any(name.startswith("x-forwarded-") for name in names):
        return "The preview cannot be passed on by a proxy."
    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
        return "Another site may not use the preview."
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return "Another site may not use the preview. Type its address into the browser instead."
    return None


def _own_hosts(request: web.Request) -> tuple[str, ...]:
    port = _socket_address(request, "sockname")[1]
    with_port = tuple(f"{name}:{port}" for name in _LOCAL_NAMES)
    return with_port + _LOCAL_NAMES if port == "80" else with_port


def _is_loopback(request: web.Request) -> bool:
    address = _socket_address(request, "peername")[0]
    return bool(address) and ip_address(address).is_loopback


def _socket_address(request: web.Request, end: str) -> tuple[str, str]:
    address = request.transport.get_extra_info(end) if request.transport else None
    return (str(address[0]), str(address[1])) if address else ("", "")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse strangers, and turn every error into a short text that gives nothing away."""
    if request.path not in HEALTH_PATHS and (reason := refusal(request)):
        return plain(403, reason)
    try:
        return await handler(request)
    except web.HTTPException as error:
        answer = plain(error.status, error.text if isinstance(error, Refusal) and error.text else "")
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception as error:
        return broken(note_failure("preview_failed", error))


class Refusal(web.HTTPBadRequest):
    """A request that cannot be taken, with words of our own that are safe to show."""


def broken(reference: str) -> web.Response:
    """The answer to a request that failed inside."""
    return plain(500, f"Something went wrong inside Charter. Nothing you typed is lost. Reference: {reference}")


def note_failure(name: str, error: BaseException) -> str:
    """Log that something failed and where, never with what words; returns the reference that the person sees."""
    reference = secrets.token_hex(3).upper()
    frames = extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    _log.error(name, reference=reference, error=type(error).__name__, where=where)
    return reference


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on a response about to be sent."""
    response.headers.update(SECURITY_HEADERS)


async def read_json(request: web.Request) -> dict[str, object]:
    """The request's JSON object. Raises the HTTP error that says what is wrong with it."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = json.loads(await _read(request))
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest
    return body


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise web.HTTPRequestEntityTooLarge(LARGEST_BODY)
    return bytes(body)
