"""People at work in the fake: they type, press, fill in and close, and Slack tells the app as it would."""

from __future__ import annotations

import secrets
import time
from html import escape

from tests.slack.block_kit import Json, elements, view_faults
from tests.slack.fake_api import Ack, FakeSlack
from tests.slack.hands import fill, missing, pressable
from tests.slack.web_api import Refusal, push
from tests.slack.workspace import APP, BOT, TEAM, Message, View, named

MENTION = f"<@{BOT}>"


class NotDelivered(AssertionError):
    """Slack would deliver nothing: the manifest does not ask for it."""


class People:
    """Whoever is in the workspace. Each act gives back what the app answered."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack
        self.workspace = slack.workspace

    # Words

    async def say(self, user: str, text: str, channel: str = "", thread: str | None = None) -> Message:
        """Type a message: to the app, or in a channel. Mentions are written as Slack writes them: `<@U…>`."""
        message = self.write(user, _as_sent(text), channel, thread)
        for event in self.events(message):
            self._content(await self.slack.event(event), "event")
        return message

    def write(self, user: str, wire: str, channel: str = "", thread: str | None = None) -> Message:
        """Put a message in the workspace, its text as Slack keeps it, and tell nobody."""
        where = self.workspace.channels[channel] if channel else self.workspace.im(user)
        message = Message(where.id, self.workspace.next_ts(), user, wire, thread_ts=thread)
        self.workspace.messages.append(message)
        return message

    def events(self, message: Message, /, **more: object) -> list[Json]:
        """What Slack would tell the app of a message, if the app has asked to be told."""
        where = self.workspace.channels[message.channel]
        told = {
            "user": message.user,
            "text": message.text,
            "ts": message.ts,
            "event_ts": message.ts,
            "channel": message.channel,
            "team": self.workspace.users[message.user].team,
            **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            **more,
        }
        family = {"im": "message.im", "group": "message.groups", "channel": "message.channels"}[where.kind]
        found = []
        if family in self.slack.subscribed and BOT in where.members:
            found.append({"type": "message", "channel_type": where.kind, "client_msg_id": secrets.token_hex(8), **told})
        if MENTION in message.text and "app_mention" in self.slack.subscribed and BOT in where.members:
            found.append({"type": "app_mention", **told})
        return found

    async def command(self, user: str, command: str, text: str = "", channel: str = "") -> Ack:
        """Type a slash command. Words in the answer are shown to its person alone."""
        if command not in self.slack.commands:
            raise NotDelivered(command)
        where = channel or self.workspace.im(user).id
        fields = {
            "token": "legacy",
            "team_id": TEAM,
            "api_app_id": APP,
            "channel_id": where,
            "user_id": user,
            "user_name": self.workspace.users[user].name,
            "command": command,
            "text": _as_sent(text),
            "is_enterprise_install": "false",
            "response_url": self.slack.hook(user, where),
            "trigger_id": self.slack.desk.trigger(user),
        }
        ack = self._content(await self.slack.slash(fields), command)
        if ack.body:
            said = ack.body["text"] if isinstance(ack.body, dict) else str(ack.body)
            self.workspace.messages.append(Message(where, self.workspace.next_ts(), BOT, said, only_for=user))
        return ack

    # Presses

    async def press(self, user: str, label: str, where: Message | View | None = None) -> Ack:
        """Press what is labelled so: in the modal that is open, else in the newest message that has it."""
        place = where or self._place(user, label)
        action = pressable(place.blocks, label)
        assert action is not None, f"nothing is labelled {label!r} there"
        return await self.act(user, place, action)

    async def act(self, user: str, place: Message | View, action: Json) -> Ack:
        """Send a press, whatever it is, as coming from this place."""
        payload = {
            **self._who("block_actions", user),
            "actions": [{**action, "action_ts": str(time.time())}],
            **(self._from_view(place) if isinstance(place, View) else self._from_message(user, place)),
        }
        return self._content(await self.slack.interaction(payload), "press")

    def _place(self, user: str, label: str) -> Message | View:
        shown = [self.workspace.modal(user), *reversed(self.workspace.seen_by(user)), self.workspace.homes.get(user)]
        for place in shown:
            if place is not None and pressable(place.blocks, label):
                return place
        raise AssertionError(f"{user} sees nothing labelled {label!r}")

    def _from_message(self, user: str, message: Message) -> Json:
        alone = message.only_for is not None
        container = {"type": "message", "message_ts": message.ts, "channel_id": message.channel, "is_ephemeral": alone}
        return {
            "container": container,
            "channel": {"id": message.channel, "name": "x"},
            **({} if alone else {"message": message.as_json()}),
            "state": {"values": {}},
            "response_url": self.slack.hook(user, message.channel, message),
        }

    @staticmethod
    def _from_view(view: View) -> Json:
        return {"container": {"type": "view", "view_id": view.id}, "view": view.as_json()}

    def _who(self, kind: str, user: str, trigger: bool = True) -> Json:
        person = self.workspace.users[user]
        return {
            "type": kind,
            "token": "legacy",
            "api_app_id": APP,
            "team": {"id": TEAM, "domain": "school"},
            "user": {"id": user, "name": person.name, "username": person.name, "team_id": person.team},
            "is_enterprise_install": False,
            **({"trigger_id": self.slack.desk.trigger(user)} if trigger else {}),
        }

    async def shortcut(self, user: str, callback_id: str) -> Ack:
        """Choose a global shortcut."""
        if ("global", callback_id) not in self.slack.shortcuts:
            raise NotDelivered(callback_id)
        payload = {**self._who("shortcut", user), "callback_id": callback_id, "action_ts": str(time.time())}
        return self._content(await self.slack.interaction(payload), callback_id)

    async def message_shortcut(self, user: str, callback_id: str, message: Message) -> Ack:
        """Choose a shortcut in a message's menu."""
        if ("message", callback_id) not in self.slack.shortcuts:
            raise NotDelivered(callback_id)
        payload = {
            **self._who("message_action", user),
            "callback_id": callback_id,
            "action_ts": str(time.time()),
            "message_ts": message.ts,
            "message": message.as_json(),
            "channel": {"id": message.channel, "name": "x"},
            "response_url": self.slack.hook(user, message.channel),
        }
        return self._content(await self.slack.interaction(payload), callback_id)

    # Views

    async def home(self, user: str, tab: str = "home") -> Ack:
        """Open the app's home or messages tab."""
        event = {
            "type": "app_home_opened",
            "user": user,
            "channel": self.workspace.im(user).id,
            "tab": tab,
            "event_ts": self.workspace.next_ts(),
        }
        if "app_home_opened" not in self.slack.subscribed:
            raise NotDelivered(event["type"])
        return self._content(await self.slack.event(event), "app_home_opened")

    def fill(self, user: str, **values: str) -> None:
        """Type and choose in the modal that is open, or on the home tab."""
        view = self.workspace.modal(user) or self.workspace.homes[user]
        for name, value in values.items():
            fill(view, name, value)

    async def submit(self, user: str, **values: str) -> Ack:
        """Fill in and send the modal that is open; what the app answers becomes of it."""
        self.fill(user, **values)
        view = self._open(user)
        assert "submit" in view.content, "there is no button to send this window with"
        assert not missing(view), f"Slack's window asks for {missing(view)} first"
        return await self.send(view)

    async def send(self, view: View, **changed: object) -> Ack:
        """Send a view as it stands, or with parts that a forger changed."""
        payload = {
            **self._who("view_submission", view.user),
            "view": {**view.as_json(), **changed},
            "response_urls": [],
        }
        ack = self._content(await self.slack.interaction(payload), "view_submission")
        if ack.ok:
            self._answered(view, ack.body if isinstance(ack.body, dict) else {})
        return ack

    async def close(self, user: str) -> None:
        """Close the modal that is open."""
        view = self.workspace.modals[user].pop()
        if view.content.get("notify_on_close"):
            payload = {**self._who("view_closed", user, trigger=False), "view": view.as_json(), "is_cleared": False}
            self._content(await self.slack.interaction(payload), "view_closed")

    def _open(self, user: str) -> View:
        view = self.workspace.modal(user)
        assert view is not None, f"{user} has no modal open"
        return view

    def _answered(self, view: View, body: Json) -> None:
        stack = self.workspace.modals.get(view.user, [])
        match body.get("response_action"):
            case None:
                stack.remove(view)
            case "clear":
                stack.clear()
            case "errors":
                self._put_right(view, body.get("errors") or {})
            case "update" | "push" as action:
                self._shown(view, body.get("view"), action)
            case other:
                self.slack.complaints.append(f"view_submission: response_action {other!r}")

    def _put_right(self, view: View, errors: dict[str, str]) -> None:
        inputs = {element["block_id"] for element in elements(view.blocks)}
        if not errors or not inputs.issuperset(errors):
            self.slack.complaints.append(
                f"view_submission: errors beside {sorted(errors)}, inputs are {sorted(inputs)}"
            )
        view.errors = errors

    def _shown(self, view: View, content: Json | None, action: str) -> None:
        faults = view_faults(content)
        if faults or content is None:
            self.slack.complaints.append(f"view_submission: {faults}")
            return
        content = {**content, "blocks": named(content["blocks"])}
        try:
            if action == "push":
                push(self.workspace, view.user, content)
            else:
                view.become(content)
        except Refusal as refusal:
            self.slack.complaints.append(f"view_submission: {refusal.error}")

    def _content(self, ack: Ack, what: str) -> Ack:
        """Note what Slack would not be content with."""
        if not ack.ok:
            self.slack.complaints.append(f"{what}: answered {ack.status} after {ack.seconds:.1f} s")
        return ack


def _as_sent(text: str) -> str:
    """As Slack sends what a person types: three characters escaped, mentions left live."""
    parts = text.split(MENTION)
    return MENTION.join(escape(part, quote=False) for part in parts)
