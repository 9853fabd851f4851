"""One messenger over several platforms: people where they have an account, the leadership channel where the school has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.model import Delivery, Destination, Gone, Person, Platform, Reply, Sent
from bot.ports import Messenger

_MARK = "|"


class Post:
    """Implements `Messenger`. `channel` is the platform of the leadership channel, None when the school has none.

    Somebody with accounts on several platforms is told on the first of `messengers`.
    """

    def __init__(
        self, messengers: Mapping[Platform, Messenger], people: Iterable[Person], channel: Platform | None
    ) -> None:
        self._messengers = messengers
        self._people = {person.id: person for person in people}
        self._channel = channel

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Hand it to the platform it belongs to."""
        platform = self._channel if destination.person is None else self._of(destination.person)
        if platform is None:
            return Gone("no platform reaches that destination")
        sent = await self._messengers[platform].send(destination, reply, key)
        return Sent(f"{platform}{_MARK}{sent.ref}") if isinstance(sent, Sent) else sent

    async def update(self, ref: str, reply: Reply) -> Delivery:
        """Hand it to the platform that sent it."""
        platform, _, rest = ref.partition(_MARK)
        if platform not in self._messengers:
            return Gone("that platform is off")
        return await self._messengers[Platform(platform)].update(rest, reply)

    def _of(self, person: str) -> Platform | None:
        known = self._people.get(person)
        return next((one for one in self._messengers if known and one in known.accounts), None)
