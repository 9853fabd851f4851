"""The fake refuses what Slack refuses, so that a test on it proves something. Slack's own client and framework ask it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack.block_kit import Json
from tests.slack.fake_api import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, FakeSlack
from tests.slack.people import MENTION, NotDelivered, People
from tests.slack.pieces import asking, modal, section
from tests.slack.workspace import live

MANIFEST: Json = {
    "features": {
        "app_home": {"home_tab_enabled": True},
        "slash_commands": [{"command": "/echo"}],
        "shortcuts": [{"type": "global", "callback_id": "begin"}],
    },
    "oauth_config": {
        "scopes": {"bot": ["chat:write", "im:write", "im:history", "channels:read", "assistant:write", "commands"]}
    },
    "settings": {"event_subscriptions": {"bot_events": ["message.im", "app_mention", "app_home_opened"]}},
}
TESS, TOM = "U0TESS", "U0TOM"


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace with two people and two channels, one of which the app has joined."""
    async with FakeSlack(MANIFEST).running() as found:
        found.workspace.add_user(TESS, "tess")
        found.workspace.add_user(TOM, "tom")
        found.workspace.add_channel("C0JOINED", TESS, TOM, "U0CHARTER")
        found.workspace.add_channel("C0OTHER", TESS)
        yield found


@pytest.fixture
async def client(slack: FakeSlack) -> AsyncIterator[AsyncWebClient]:
    """Slack's own client, with the app's token."""
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, session=session)


async def error(call: object) -> str:
    """The word with which a call is refused."""
    with pytest.raises(SlackApiError) as refused:
        await call  # type: ignore[misc]
    found: str = refused.value.response["error"]
    return found


# Web API


async def test_blocks_are_checked_at_the_door(client: AsyncWebClient) -> None:
    """What the checks above find is what the methods refuse."""
    long = [section("x" * 3001)]
    assert await error(client.chat_postMessage(channel="C0JOINED", text="x", blocks=long)) == "invalid_blocks"
    much = [section("x" * 2900)] * 5
    assert await error(client.chat_postMessage(channel="C0JOINED", text="x", blocks=much)) == "msg_blocks_too_long"
    dumb = {"channel": "C0JOINED", "blocks": [section("x")]}
    assert await error(client.api_call("chat.postMessage", json=dumb)) == "no_text"
    assert await error(client.views_publish(user_id=TESS, view={"type": "home", "blocks": long})) == "invalid_arguments"


async def test_a_long_text_is_refused_sooner_when_a_message_is_changed(client: AsyncWebClient) -> None:
    """40,000 characters may be sent, 4,000 put in the place of what stands."""
    sent = await client.chat_postMessage(channel="C0JOINED", text="x" * 4001)
    assert await error(client.chat_update(channel="C0JOINED", ts=sent["ts"], text="x" * 4001)) == "msg_too_long"
    assert await error(client.chat_postMessage(channel="C0JOINED", text="x" * 40_001)) == "msg_too_long"


async def test_tokens_are_looked_at(slack: FakeSlack, client: AsyncWebClient) -> None:
    """No token, a wrong one, one of the other kind, and one that was withdrawn."""
    for token, said in (("", "not_authed"), ("xoxb-other", "invalid_auth"), (APP_TOKEN, "not_allowed_token_type")):
        other = AsyncWebClient(token=token, base_url=slack.api_url)
        assert await error(other.auth_test()) == said
    assert await error(client.apps_connections_open(app_token=BOT_TOKEN)) == "not_allowed_token_type"
    slack.revoke("token_revoked")
    assert await error(client.auth_test()) == "token_revoked"


async def test_a_scope_that_the_manifest_does_not_ask_for_is_missing(client: AsyncWebClient) -> None:
    """By method, and by the kind of conversation."""
    assert await error(client.users_info(user=TESS)) == "missing_scope"
    assert await error(client.conversations_history(channel="C0JOINED")) == "missing_scope"
    assert (await client.conversations_history(channel=TESS))["ok"]
    assert await error(client.reactions_add(channel="C0JOINED", name="eyes", timestamp="1")) == "unknown_method"


async def test_only_channels_that_the_app_has_joined_are_written_to(client: AsyncWebClient) -> None:
    """A channel not joined, one that is not there, and a person who would not see it."""
    assert await error(client.chat_postMessage(channel="C0OTHER", text="x")) == "not_in_channel"
    assert await error(client.chat_postMessage(channel="C0NOWHERE", text="x")) == "channel_not_found"
    assert await error(client.chat_postEphemeral(channel="C0OTHER", user=TESS, text="x")) == "not_in_channel"
    assert await error(client.conversations_open(users="U0NOBODY")) == "user_not_found"


async def test_an_ephemeral_message_is_one_persons_and_cannot_be_changed(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    """Nobody else sees it, nor does the history hold it."""
    sent = await client.chat_postEphemeral(channel="C0JOINED", user=TESS, text="For you alone")
    assert [m.text for m in slack.workspace.seen_by(TESS)] == ["For you alone"]
    assert slack.workspace.seen_by(TOM) == []
    late = client.chat_update(channel="C0JOINED", ts=sent["message_ts"], text="x")
    assert await error(late) == "message_not_found"


async def test_the_words_of_others_are_not_the_apps_to_change(slack: FakeSlack, client: AsyncWebClient) -> None:
    """It may change and delete what it wrote itself."""
    hers = People(slack).write(TESS, "Mine", "C0JOINED")
    assert await error(client.chat_update(channel="C0JOINED", ts=hers.ts, text="x")) == "cant_update_message"
    assert await error(client.chat_delete(channel="C0JOINED", ts=hers.ts)) == "cant_delete_message"
    own = await client.chat_postMessage(channel="C0JOINED", text="x")
    await client.chat_delete(channel="C0JOINED", ts=own["ts"])
    assert await error(client.chat_delete(channel="C0JOINED", ts=own["ts"])) == "message_not_found"


async def test_names_cannot_be_made_live(client: AsyncWebClient) -> None:
    """The two arguments that turn a plain @channel into a ping are refused."""
    for more in ({"link_names": True}, {"parse": "full"}):
        assert await error(client.chat_postMessage(channel="C0JOINED", text="@channel", **more)) == "invalid_arguments"


async def test_a_trigger_opens_one_view_within_three_seconds(slack: FakeSlack, client: AsyncWebClient) -> None:
    """Unknown, used and old triggers are told apart."""
    assert await error(client.views_open(trigger_id="1.2.3", view=modal())) == "invalid_trigger_id"
    trigger = slack.desk.trigger(TESS)
    assert (await client.views_open(trigger_id=trigger, view=modal()))["ok"]
    assert await error(client.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"
    old = slack.desk.trigger(TESS)
    slack.desk.later += 3.1
    assert await error(client.views_open(trigger_id=old, view=modal())) == "expired_trigger_id"


async def test_views_stack_three_high(slack: FakeSlack, client: AsyncWebClient) -> None:
    """A fourth is refused, and none can be pushed on nothing."""
    assert await error(client.views_push(trigger_id=slack.desk.trigger(TESS), view=modal())) == "not_found"
    await client.views_open(trigger_id=slack.desk.trigger(TESS), view=modal())
    for _ in range(2):
        await client.views_push(trigger_id=slack.desk.trigger(TESS), view=modal())
    assert await error(client.views_push(trigger_id=slack.desk.trigger(TESS), view=modal())) == "push_limit_reached"


async def test_a_view_that_is_closed_or_newer_is_not_changed(slack: FakeSlack, client: AsyncWebClient) -> None:
    """`not_found` after closing, `hash_conflict` for an older hash, and no two views with one name."""
    opened = await client.views_open(trigger_id=slack.desk.trigger(TESS), view=modal(external_id="one"))
    view = opened["view"]
    again = client.views_open(trigger_id=slack.desk.trigger(TOM), view=modal(external_id="one"))
    assert await error(again) == "duplicate_external_id"
    await client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    assert await error(client.views_update(view_id=view["id"], hash=view["hash"], view=modal())) == "hash_conflict"
    await People(slack).close(TESS)
    assert await error(client.views_update(view_id=view["id"], view=modal())) == "not_found"


async def test_what_was_typed_stays_while_its_field_stays(slack: FakeSlack, client: AsyncWebClient) -> None:
    """A view put in place of another keeps what stands in fields of the same name, whatever they are to begin with."""
    opened = await client.views_open(trigger_id=slack.desk.trigger(TESS), view=modal(asking(), asking("where")))
    people = People(slack)
    people.fill(TESS, what="Typed")
    await client.views_update(view_id=opened["view"]["id"], view=modal(asking(initial_value="Other"), asking("when")))
    view = slack.workspace.modal(TESS)
    assert view is not None
    values = view.state()["values"]
    assert values["what"]["value"]["value"] == "Typed"
    assert set(values) == {"what", "when"}


async def test_a_home_tab_must_be_switched_on() -> None:
    """Publishing is refused where the manifest has no home tab."""
    bare = {**MANIFEST, "features": {}}
    async with FakeSlack(bare).running() as slack:
        slack.workspace.add_user(TESS, "tess")
        client = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url)
        view = {"type": "home", "blocks": [section("x")]}
        assert await error(client.views_publish(user_id=TESS, view=view)) == "not_enabled"


async def test_prompts_and_status_have_their_rules(slack: FakeSlack, client: AsyncWebClient) -> None:
    """Four prompts at most, none in a named thread; a status needs a thread, and ends with the reply."""
    prompt = {"title": "Ask", "message": "May I?"}
    channel = slack.workspace.im(TESS).id
    call = client.assistant_threads_setSuggestedPrompts
    assert await error(call(channel_id=channel, thread_ts="", prompts=[prompt] * 5)) == "invalid_arguments"
    await call(channel_id=channel, thread_ts="1.0", prompts=[prompt])
    assert slack.workspace.prompts == {}
    await call(channel_id=channel, thread_ts="", prompts=[prompt])
    assert slack.workspace.prompts == {channel: [prompt]}
    status = client.assistant_threads_setStatus
    assert await error(status(channel_id=channel, thread_ts="1.0", status="is reading")) == "invalid_thread_ts"
    asked = People(slack).write(TESS, "May I?")
    await status(channel_id=channel, thread_ts=asked.ts, status="is reading")
    assert slack.workspace.statuses == {(channel, asked.ts): "is reading"}
    await client.chat_postMessage(channel=channel, thread_ts=asked.ts, text="Yes")
    assert slack.workspace.statuses == {}


async def test_members_come_page_by_page(slack: FakeSlack, client: AsyncWebClient) -> None:
    """Whoever reads one page alone misses people."""
    first = await client.conversations_members(channel="C0JOINED", limit=2)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_members(channel="C0JOINED", limit=2, cursor=cursor)
    assert {*first["members"], *second["members"]} == slack.workspace.channels["C0JOINED"].members
    assert second["response_metadata"]["next_cursor"] == ""


async def test_too_many_calls_are_told_to_wait(slack: FakeSlack, client: AsyncWebClient) -> None:
    """429 with Retry-After: an error without a handler, a delay with one."""
    slack.limit("auth.test")
    assert await error(client.auth_test()) == "ratelimited"
    slack.limit("auth.test", retry_after=1)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    assert (await client.auth_test())["ok"]
    refused, granted = slack.calls[-2:]
    assert granted.at - refused.at >= 1


async def test_the_line_can_break_before_or_after_the_work(slack: FakeSlack) -> None:
    """Broken before: nothing was done. Broken after: it was, and the app cannot know."""
    client = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, retry_handlers=[])
    for after, written in ((False, 0), (True, 1)):
        slack.hang_up("chat.postMessage", after=after)
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel="C0JOINED", text="x")
        assert len(slack.workspace.messages) == written


# What it tells the app


@asynccontextmanager
async def echoing(slack: FakeSlack, *, socket: bool, secret: str = SIGNING_SECRET) -> AsyncIterator[AsyncApp]:
    """A small app in Slack's own framework, fed by HTTP or by socket."""
    client = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url)
    app = AsyncApp(client=client, signing_secret=secret)

    @app.event("message")
    async def echo(event: Json, say: object) -> None:
        await say(event["text"])  # type: ignore[operator]

    @app.view("form")
    async def sent(ack: object, view: Json) -> None:
        said = view["state"]["values"]["what"]["value"]["value"]
        if said == "wrong":
            await ack(response_action="errors", errors={"what": "Not so"})  # type: ignore[operator]
        else:
            await ack(response_action="update", view=modal(section(said)))  # type: ignore[operator]

    @app.command("/echo")
    async def command(ack: object, body: Json) -> None:
        await ack(f"You said {body['text']}")  # type: ignore[operator]

    async with _by_socket(slack, app) if socket else _by_http(slack, app):
        yield app


@asynccontextmanager
async def _by_socket(slack: FakeSlack, app: AsyncApp) -> AsyncIterator[None]:
    web_client = AsyncWebClient(base_url=slack.api_url)
    handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=web_client, ping_interval=0.2)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        await slack.sockets.connected()
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def _by_http(slack: FakeSlack, app: AsyncApp) -> AsyncIterator[None]:
    runner = web.AppRunner(app.web_app("/slack/events"), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        yield
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("socket", [False, True], ids=["http", "socket"])
async def test_a_bolt_app_lives_in_it_by_either_way(slack: FakeSlack, socket: bool) -> None:
    """A message is echoed, a command answered, a form corrected and then taken, with nothing to complain of."""
    people = People(slack)
    async with echoing(slack, socket=socket):
        await people.say(TESS, "Fish & <chips>")
        await slack.until(lambda: len(slack.workspace.messages) == 2)
        assert slack.workspace.messages[-1].text == "Fish &amp; &lt;chips&gt;"
        await people.command(TESS, "/echo", "hello")
        assert slack.workspace.seen_by(TESS)[-1].text == "You said hello"
        slack.workspace.modals[TESS] = [slack.workspace.new_view(TESS, modal(asking(), callback_id="form"))]
        await people.submit(TESS, what="wrong")
        view = slack.workspace.modal(TESS)
        assert view is not None
        assert view.errors == {"what": "Not so"}
        await people.submit(TESS, what="right")
        assert "right" in view.shown
    assert slack.complaints == []


async def test_a_wrong_signature_is_seen(slack: FakeSlack) -> None:
    """The signature is a real one: an app with another secret refuses it, and the fake notes that."""
    async with echoing(slack, socket=False, secret="another"):
        await People(slack).say(TESS, "Hello")
    assert slack.complaints == ["event: answered 401 after 0.0 s"]


async def test_an_answer_that_comes_late_or_makes_no_sense_is_noted(slack: FakeSlack) -> None:
    """Errors beside fields that are not there, and a view beyond the limits, are noted as trouble."""
    people = People(slack)
    async with echoing(slack, socket=False):
        slack.workspace.modals[TESS] = [slack.workspace.new_view(TESS, modal(asking(), callback_id="form"))]
        await people.submit(TESS, what="x" * 3000)
        assert slack.complaints == []
        slack.workspace.modals[TESS] = [slack.workspace.new_view(TESS, modal(asking(), callback_id="nobody's"))]
        await people.submit(TESS, what="Hello")
    assert [complaint.split(" after")[0] for complaint in slack.complaints] == ["view_submission: answered 404"]
    view = slack.workspace.modal(TESS)
    assert view is not None
    assert view.state()["values"]["what"]["value"]["value"] == "Hello"


async def test_only_what_the_manifest_asks_for_is_delivered(slack: FakeSlack) -> None:
    """A mention arrives, a message in a channel does not, and an unknown command cannot be typed."""
    people = People(slack)
    hers = people.write(TESS, "Hello", "C0JOINED")
    assert people.events(hers) == []
    assert [e["type"] for e in people.events(people.write(TESS, f"{MENTION} hi", "C0JOINED"))] == ["app_mention"]
    assert people.events(people.write(TESS, f"{MENTION} hi", "C0OTHER")) == []
    with pytest.raises(NotDelivered):
        await people.command(TESS, "/other")
    with pytest.raises(NotDelivered):
        await people.shortcut(TESS, "other")


async def test_a_silent_socket_and_a_refreshed_one(slack: FakeSlack) -> None:
    """A silent connection acknowledges nothing; the app notices and comes back, as it does after a refresh."""
    people = People(slack)
    async with echoing(slack, socket=True):
        slack.sockets.go_silent()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(people.say(TESS, "Is anybody there?"), 0.1)
        await slack.sockets.connected(times=2)
        await slack.sockets.refresh()
        await slack.sockets.connected(times=3)
        await people.say(TESS, "And now?")
        await slack.until(lambda: slack.workspace.messages[-1].text == "And now?" and len(slack.calls) > 1)
    assert slack.complaints == []


async def test_a_hook_answers_five_times(slack: FakeSlack) -> None:
    """A response address is used up, and shows its words to one person alone."""
    hook = slack.hook(TESS, "C0JOINED")
    async with aiohttp.ClientSession() as http:
        statuses = [(await http.post(hook, json={"text": "x"})).status for _ in range(6)]
    assert statuses == [200] * 5 + [404]
    assert slack.workspace.seen_by(TOM) == []


def test_what_would_ping_is_recognised() -> None:
    """Live mentions and links that hide where they lead; not the same words escaped."""
    wire = "<!channel> <!here> <@U1> <#C1> <!subteam^S1> <https://evil.example|https://school.example>"
    assert len(list(live(wire))) == 6
    escaped = wire.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert list(live(escaped)) == []
    assert json.dumps(escaped)
