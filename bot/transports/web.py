"""The browser preview over HTTP: a chat page, its events in, and live updates out. Nothing is decided here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from bot.model import Page, Person, Reply
from bot.render import web as render
from bot.transports.guards import Refusal, broken, guard, note_failure, plain, read_json, secure
from bot.transports.web_events import Body, Incoming, Kind, incoming, unpack
from bot.transports.web_rooms import LEADERSHIP, Arrival, Happening, Opening, Rooms, private_room
from bot.transports.web_turns import Failed, Known, Result, Turns

STATIC = Path(__file__).parent / "static"

_KNOWN = "Charter already has this. The answer is in your messages."
_HEARTBEAT = 15.0

Endpoint = Callable[[web.Request], Coroutine[None, None, web.StreamResponse]]


class WebTransport:
    """Serves the preview.

    `people` are the sample people of `rooms`, in the order they are offered; `starters` are questions to begin with;
    `trouble` is the reply shown when something cannot be sent; `patience` is how long a press or a form may take before
    the browser is told to try again (the work goes on meanwhile).
    """

    def __init__(
        self,
        rooms: Rooms,
        turns: Turns,
        starters: Sequence[str],
        trouble: Reply,
        school: str = "",
        patience: float = 10,
    ) -> None:
        self._rooms = rooms
        self._turns = turns
        self._starters = tuple(starters)
        self._patience = patience
        self._page = render.shell(tuple(rooms.people.values()), school, trouble)

    def register(self, app: web.Application) -> None:
        """Add the preview to an application: guards on every address, routes, and what to do at start and stop."""
        app.middlewares.append(guard)
        app.on_response_prepare.append(secure)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._stop)
        app.add_routes(self.routes())

    def routes(self) -> list[web.AbstractRouteDef]:
        """The preview's addresses."""
        return [
            web.get("/", self._shell),
            web.get("/preview/room", self._room),
            web.get("/preview/events", self._events),
            *(web.post(f"/preview/{kind}", self._taking(kind)) for kind in Kind),
            web.static("/static", STATIC),
        ]

    async def resume(self) -> None:
        """Carry out what an earlier run accepted and did not finish."""
        for key, payload in await self._turns.pending():
            try:
                kind, body = unpack(payload)
                self._turns.resume(self._incoming(kind, body))
            except (web.HTTPException, ValueError) as error:
                note_failure("event_given_up", error)
                await self._turns.forget(key)

    async def _start(self, _: web.Application) -> None:
        await self.resume()

    async def _stop(self, _: web.Application) -> None:
        self._rooms.close()
        await self._turns.finish()

    async def _shell(self, _: web.Request) -> web.Response:
        return _html(self._page)

    async def _room(self, request: web.Request) -> web.Response:
        person = self._person(request.query.get("as"))
        name = self._room_name(person, request.query.get("room"))
        lines = await self._rooms.history(name)
        return _html(render.room(lines, self._rooms.people, self._starters, private=name != LEADERSHIP))

    def _taking(self, kind: Kind) -> Endpoint:
        async def take(request: web.Request) -> web.StreamResponse:
            coming = self._incoming(kind, await read_json(request))
            if kind is Kind.OPEN:
                return self._answer(coming, await self._turns.look(coming))
            return await self._take(coming)

        return take

    async def _take(self, coming: Incoming) -> web.StreamResponse:
        work = self._turns.take(coming)
        try:
            await asyncio.shield(work.stored)
        except Exception as error:
            note_failure("event_not_stored", error)
            return plain(503)
        if coming.kind is Kind.SAY:
            return web.json_response({"kind": "accepted"}, status=202)
        try:
            return self._answer(coming, await asyncio.wait_for(asyncio.shield(work.result), self._patience))
        except TimeoutError:
            return plain(504)

    def _answer(self, coming: Incoming, result: Result) -> web.StreamResponse:
        match result:
            case Failed(reference):
                return broken(reference)
            case Known():
                return web.json_response({"kind": "known", "text": _KNOWN})
            case Page():
                return web.json_response({"kind": "page", "html": render.page(result)})
            case Reply():
                kept = {} if coming.kind is Kind.OPEN else {"room": private_room(coming.event.person.id)}
                return web.json_response({"kind": "reply", "html": render.reply(result), **kept})

    def _incoming(self, kind: Kind, body: Body) -> Incoming:
        person = self._person(body.get("as"))
        return incoming(kind, body, person, self._room_name(person, body.get("room")))

    def _person(self, id: object) -> Person:
        person = self._rooms.people.get(id) if isinstance(id, str) else None
        if person is None:
            raise web.HTTPForbidden
        return person

    def _room_name(self, person: Person, room: object) -> str:
        """The room's own name when this person may read it. One that is not there looks like one that is not theirs."""
        name = private_room(person.id) if room == "dm" else room
        if not isinstance(name, str) or name not in self._rooms.readable_by(person):
            raise web.HTTPForbidden
        return name

    # Live updates

    async def _events(self, request: web.Request) -> web.StreamResponse:
        people = [self._person(id) for id in dict.fromkeys(request.query.getall("as", []))]
        if not people:
            raise Refusal(text="Say who is listening.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        # The browser goes when it likes: that is how every stream ends, and nothing is lost with it.
        with suppress(ConnectionError):
            async for text in self._stream(people):
                await response.write(text.encode())
        return response

    async def _stream(self, people: Sequence[Person]) -> AsyncIterator[str]:
        """First how many lines each room holds, then whatever happens in them."""
        readable = list(dict.fromkeys(room for person in people for room in self._rooms.readable_by(person)))
        with self._rooms.listening() as listener:
            yield _event("hello", {"rooms": {room: await self._rooms.count(room) for room in readable}})
            while listener.open:
                happening = await listener.next(_HEARTBEAT)
                if happening is None:
                    yield ": still here\n\n"
                elif _concerns(happening, readable):
                    yield self._told(happening)

    def _told(self, happening: Happening) -> str:
        match happening:
            case Opening(person, page):
                return _event("page", {"as": person, "html": render.page(page)})
            case Arrival(room, line):
                html = render.message(line, self._rooms.people)
                return _event("message", {"room": room, "key": line.key, "author": line.author, "html": html})


def _concerns(happening: Happening, readable: Sequence[str]) -> bool:
    room = happening.room if isinstance(happening, Arrival) else private_room(happening.person)
    return room in readable


def _event(name: str, data: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
