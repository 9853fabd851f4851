"""What the endpoint for Teams takes and refuses, over HTTP alone: whatever library stands behind it must do the same."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.transports.teams_activity import Incoming
from bot.transports.teams_asks import read
from bot.transports.teams_connector import Connector
from bot.transports.teams_gateway import Credentials, Gateway
from bot.transports.teams_port import ConnectorRefused, InvokeReply, NotStored
from bot.transports.teams_settings import TeamsSettings, TeamsSettingsError, read_teams
from tests.contract.microsoft import APP, SERVICE, TENANT, Microsoft, activity, invoke, key, token
from tests.small_school import TESS

SECRET_WORDS = "Ofelia sent me a picture"
NOT_LOGGED = (SECRET_WORDS, "Ofelia", "eyJ")


@dataclass
class Endpoint:
    """The endpoint under test, Microsoft's side, and what was let in."""

    client: TestClient[web.Request, web.Application]
    microsoft: Microsoft
    came: list[Incoming]

    async def post(self, body: object, bearer: str | None, **more: Any) -> int:
        """The status for a body, sent with a token."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
        async with self.client.post("/api/messages", json=body, headers={**headers, **more}) as response:
            self.text = await response.text()
            return response.status


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """The gateway as it stands in production, with Microsoft's keys from the fake."""
    microsoft = Microsoft()
    async with microsoft.server:
        settings = TeamsSettings(APP, "secret", TENANT, metadata=microsoft.metadata)
        came: list[Incoming] = []

        async def receive(incoming: Incoming) -> InvokeReply | None:
            if incoming.name:
                read(incoming, TESS)
                return InvokeReply({"task": {"type": "message", "value": "hello"}})
            if incoming.text == "disk full":
                raise NotStored
            came.append(incoming)
            return None

        app = web.Application()
        Gateway(settings, receive).register(app)
        async with TestClient(TestServer(app)) as client:
            yield Endpoint(client, microsoft, came)


async def test_a_good_message_is_let_in(endpoint: Endpoint) -> None:
    """A signed message of our tenant arrives as it was sent, and is acknowledged with nothing more."""
    sent = activity(text=SECRET_WORDS)
    assert await endpoint.post(sent, token()) == 200
    assert endpoint.text == ""
    [came] = endpoint.came
    assert (came.id, came.text, came.place.tenant, came.place.service_url) == (
        sent["id"],
        SECRET_WORDS,
        TENANT,
        SERVICE,
    )


async def test_the_tenant_may_stand_in_the_conversation_alone(endpoint: Endpoint) -> None:
    """Some activities, ratings among them, name their tenant only there."""
    assert await endpoint.post(activity(channelData=None), token()) == 200
    assert endpoint.came[0].place.tenant == TENANT


async def test_an_invoke_gets_its_body(endpoint: Endpoint) -> None:
    """The answer to a dialog comes back as JSON, which the library's own handler fails at."""
    assert await endpoint.post(invoke("task/fetch", {"data": {"do": "press", "action": "open:mine"}}), token()) == 200
    assert json.loads(endpoint.text) == {"task": {"type": "message", "value": "hello"}}


def _part(name: str, **changes: object) -> dict[str, object]:
    return {**activity()[name], **changes}


GARBAGE = "not.a.token"
BAD: dict[str, tuple[int, object, str | None]] = {
    "no header": (401, activity(), None),
    "empty token": (401, activity(), ""),
    "garbage": (401, activity(), GARBAGE),
    "binary garbage": (401, activity(), "é.ü.ß"),
    "huge token": (401, activity(), "a" * 7000),
    "not signed": (401, activity(), token(alg="none")),
    "signed with a shared secret": (401, activity(), token(alg="HS256")),
    "unknown key": (401, activity(), token(kid="other", sign="other")),
    "no key id": (401, activity(), token(kid=None)),
    "another key's signature": (401, activity(), token(sign="other")),
    "key not endorsed for Teams": (401, activity(), token(kid="skype", sign="skype")),
    "expired": (401, activity(), token(exp=int(time.time()) - 3600)),
    "without an end": (401, activity(), token(exp=None)),
    "not yet good": (401, activity(), token(nbf=int(time.time()) + 3600)),
    "another issuer": (401, activity(), token(iss="https://sts.windows.net/x/")),
    "no issuer": (401, activity(), token(iss=None)),
    "another audience": (401, activity(), token(aud="99999999-2222-3333-4444-555555555555")),
    "no audience": (401, activity(), token(aud=None)),
    "a list of audiences": (401, activity(), token(aud=[APP, "x"])),
    "no service address in the token": (401, activity(), token(serviceurl=None)),
    "another service address in the token": (401, activity(), token(serviceurl="https://smba.trafficmanager.net/de/")),
    "no service address": (401, activity(serviceUrl=None), token()),
    "a stranger's host": (401, activity(serviceUrl="https://evil.example/"), token(serviceurl="https://evil.example/")),
    "a host that looks alike": (
        401,
        activity(serviceUrl="https://smba.trafficmanager.net.evil.example/"),
        token(serviceurl="https://smba.trafficmanager.net.evil.example/"),
    ),
    "a host behind a name": (
        401,
        activity(serviceUrl="https://smba.trafficmanager.net@evil.example/"),
        token(serviceurl="https://smba.trafficmanager.net@evil.example/"),
    ),
    "plain http": (
        401,
        activity(serviceUrl="http://smba.trafficmanager.net/uk/"),
        token(serviceurl="http://smba.trafficmanager.net/uk/"),
    ),
    "another channel": (401, activity(channelId="webchat"), token()),
    "another tenant": (
        403,
        activity(channelData={"tenant": {"id": "ffffffff"}}, conversation=_part("conversation")),
        token(),
    ),
    "no tenant": (403, activity(channelData=None, conversation=_part("conversation", tenantId="")), token()),
    "two tenants": (403, activity(conversation=_part("conversation", tenantId="ffffffff")), token()),
    "a list": (400, [activity()], token()),
    "a text": (400, "hello", token()),
    "a number": (400, 7, token()),
    "no type": (400, activity(type=None), token()),
    "a type that is a number": (400, activity(type=7), token()),
    "no id": (400, activity(id=None), token()),
    "no sender": (400, activity(**{"from": None}), token()),
    "a sender that is a text": (400, activity(**{"from": "tess"}), token()),
    "no recipient": (400, activity(recipient=None), token()),
    "no conversation": (400, activity(conversation=None), token()),
    "a conversation without an id": (400, activity(conversation={"conversationType": "personal"}), token()),
    "a conversation of no known type": (
        400,
        activity(conversation=_part("conversation", conversationType="x")),
        token(),
    ),
    "a text that is a list": (400, activity(text=["hello"]), token()),
    "entities that are a text": (400, activity(entities="x"), token()),
    "an invoke without a value": (400, invoke("task/fetch", None), token()),
    "an invoke with a text for a value": (400, invoke("task/fetch", "x"), token()),
    "an invoke without a name": (400, activity(type="invoke", value={}), token()),
    "an invoke of no known name": (400, invoke("adaptiveCard/unknown", {"action": {"type": "Action.Submit"}}), token()),
    "a dialog without an action": (400, invoke("task/fetch", {"data": {"do": "press"}}), token()),
    "a dialog that opens no page": (400, invoke("task/fetch", {"data": {"do": "press", "action": "delete"}}), token()),
    "a form without a page": (400, invoke("task/submit", {"data": {"do": "submit", "action": "next"}}), token()),
    "a field that is a list": (
        400,
        invoke("task/submit", {"data": {"do": "submit", "action": "a", "page": "p", "field:x": ["y"]}}),
        token(),
    ),
    "a pick of a pick": (400, invoke("task/submit", {"data": {"do": "pick", "of": [{"do": "pick"}]}}), token()),
    "an unknown message action": (400, invoke("composeExtension/fetchTask", {"commandId": "x"}), token()),
    "a rating of no kind": (400, invoke("message/submitAction", {"actionName": "feedback", "actionValue": 1}), token()),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_request_is_refused(endpoint: Endpoint, name: str) -> None:
    """Each gets its own 4xx at once, with no body; nothing of it is carried out, and nothing but words of ours is logged."""
    status, body, bearer = BAD[name]
    endpoint.microsoft.published["skype"] = ("skype",)
    if isinstance(body, dict) and "text" in body and isinstance(body["text"], str):
        body = {**body, "text": SECRET_WORDS}
    key("other")
    assert await endpoint.post(activity(id="warm"), token()) == 200
    endpoint.came.clear()
    took = []
    with capture_logs() as logs:
        for _ in range(3):
            began = time.perf_counter()
            assert await endpoint.post(body, bearer) == status
            took.append(time.perf_counter() - began)
    assert min(took) < 0.05, "the machine may be busy once, not three times"
    assert endpoint.text == ""
    assert endpoint.came == []
    assert [set(line) for line in logs] == [{"event", "log_level", "status", "reason"}] * 3
    assert not [word for word in NOT_LOGGED if word in str(logs)]


@pytest.mark.parametrize(
    ("status", "payload", "kind"),
    [(400, b"{", "application/json"), (400, b"\xff\xfe", "application/json"), (415, b"{}", "text/plain")],
)
async def test_a_body_that_is_no_json_is_refused(endpoint: Endpoint, status: int, payload: bytes, kind: str) -> None:
    """Broken JSON and another type of content are refused, whoever signed them."""
    headers = {"Authorization": f"Bearer {token()}", "Content-Type": kind}
    async with endpoint.client.post("/api/messages", data=payload, headers=headers) as response:
        assert response.status == status


async def test_a_deep_or_huge_body_is_refused(endpoint: Endpoint) -> None:
    """Neither nesting nor size stops the endpoint."""
    headers = {"Authorization": f"Bearer {token()}", "Content-Type": "application/json"}
    for status, payload in ((400, b"[" * 100_000), (413, b"[" + b" " * 300_000)):
        async with endpoint.client.post("/api/messages", data=payload, headers=headers) as response:
            assert response.status == status


async def test_only_post_is_taken(endpoint: Endpoint) -> None:
    """A browser that looks at the address learns nothing."""
    async with endpoint.client.get("/api/messages") as response:
        assert response.status == 405


async def test_authentication_comes_before_the_body(endpoint: Endpoint) -> None:
    """A caller without a token never gets its body read."""
    async with endpoint.client.post("/api/messages", data=b"{", headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 401


async def test_two_authorisations_are_none(endpoint: Endpoint) -> None:
    """A second header does not slip past the first."""
    headers = [("Authorization", f"Bearer {token()}"), ("Authorization", "Bearer x")]
    async with endpoint.client.post("/api/messages", json=activity(), headers=headers) as response:
        assert response.status == 401


async def test_a_new_key_is_known_within_one_request(endpoint: Endpoint) -> None:
    """Microsoft changes its keys: the first token signed with the new one is let in."""
    assert await endpoint.post(activity(), token()) == 200
    endpoint.microsoft.published = {"second": ("msteams",)}
    assert await endpoint.post(activity(), token(kid="second", sign="second")) == 200
    assert endpoint.microsoft.fetches == 2


async def test_unknown_keys_do_not_make_charter_ask_again_and_again(endpoint: Endpoint) -> None:
    """A flood of made-up key ids costs Microsoft one question, and known keys go on working."""
    assert await endpoint.post(activity(), token()) == 200
    for number in range(20):
        assert await endpoint.post(activity(), token(kid=f"x{number}", sign="other")) == 401
    assert endpoint.microsoft.fetches == 2
    assert await endpoint.post(activity(), token()) == 200


async def test_known_keys_serve_on_when_microsoft_is_away(endpoint: Endpoint) -> None:
    """A fault on Microsoft's side is no fault of ours."""
    assert await endpoint.post(activity(), token()) == 200
    await endpoint.microsoft.server.close()
    assert await endpoint.post(activity(), token(kid="new", sign="other")) == 401
    assert await endpoint.post(activity(), token()) == 200


async def test_what_cannot_be_kept_is_not_acknowledged(endpoint: Endpoint) -> None:
    """When the inbox is away Teams is told so, and nothing of the message is logged."""
    with capture_logs() as logs:
        assert await endpoint.post(activity(text="disk full"), token()) == 503
    assert "disk full" not in str(logs)


# Outward


@pytest.fixture
async def microsoft() -> AsyncIterator[Microsoft]:
    """Microsoft's side alone."""
    side = Microsoft()
    async with side.server:
        yield side


@pytest.fixture
def waited() -> list[float]:
    """The seconds that the connector under test has waited."""
    return []


@pytest.fixture
async def connector(microsoft: Microsoft, waited: list[float]) -> AsyncIterator[Connector]:
    """A connector to the fake that waits in no time."""

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    settings = TeamsSettings(service_url=microsoft.service, development=True, hosts=())
    made = Connector(settings, Credentials(settings), pause)
    yield made
    await made.close()


def place(side: Microsoft) -> Any:
    """A personal chat at the fake."""
    came = {**activity(), "serviceUrl": side.service}
    from bot.transports.teams_activity import parse  # noqa: PLC0415

    return parse(came).place


@pytest.mark.parametrize("status", [412, 429, 502, 503, 504])
async def test_a_passing_refusal_is_tried_again(
    microsoft: Microsoft, connector: Connector, waited: list[float], status: int
) -> None:
    """Two refusals and then a message: it was sent once, after two waits that grow."""
    microsoft.answers = [(status, {}), (status, {})]
    assert await connector.post(place(microsoft), {"text": "hello"}) == "m1"
    assert len(microsoft.calls) == 1
    assert 0.5 <= waited[0] < waited[1] * 1.5 <= 2.25


async def test_the_wait_that_was_asked_for_is_kept(
    microsoft: Microsoft, connector: Connector, waited: list[float]
) -> None:
    """Retry-After is a floor; one too long to wait for is handed back."""
    microsoft.answers = [(429, {"Retry-After": "3"})]
    await connector.post(place(microsoft), {"text": "hello"})
    assert waited[0] >= 3
    microsoft.answers = [(429, {"Retry-After": "60"})]
    with pytest.raises(ConnectorRefused) as refused:
        await connector.post(place(microsoft), {"text": "hello"})
    assert (refused.value.status, refused.value.wait, len(waited)) == (429, 60, 1)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 413, 500])
async def test_a_lasting_refusal_is_told_at_once(
    microsoft: Microsoft, connector: Connector, waited: list[float], status: int
) -> None:
    """Nothing is gained by asking again, and nobody is followed to another address."""
    microsoft.answers = [(status, {"Location": "/connector/elsewhere"})]
    with pytest.raises(ConnectorRefused) as refused:
        await connector.post(place(microsoft), {"text": "hello"})
    assert (refused.value.status, waited, microsoft.calls) == (status, [], [])


async def test_a_connector_that_is_away_is_told_as_such(
    microsoft: Microsoft, connector: Connector, waited: list[float]
) -> None:
    """Nobody knows whether the message arrived, so it is not sent again from here."""
    gone = place(microsoft)
    await microsoft.server.close()
    with pytest.raises(ConnectorRefused) as refused:
        await connector.post(gone, {"text": "hello"})
    assert (refused.value.status, waited) == (0, [])


async def test_every_key_of_a_message_goes_out(microsoft: Microsoft, connector: Connector) -> None:
    """Citations and feedback reach Teams; the library drops them."""
    entity = {"type": "https://schema.org/Message", "@type": "Message", "citation": [{"@type": "Claim", "position": 1}]}
    message = {
        "summary": "s",
        "attachments": [{"contentType": "x", "content": {"type": "AdaptiveCard", "body": []}}],
        "entities": [entity],
        "channelData": {"feedbackLoop": {"type": "default"}},
    }
    await connector.post(place(microsoft), message)
    [(method, path, body)] = microsoft.calls
    assert (method, path) == ("POST", "/v3/conversations/a:tess/activities")
    assert body["entities"] == [entity]
    assert body["attachments"][0]["content"] == {"type": "AdaptiveCard", "body": []}
    assert body["channelData"] == {"feedbackLoop": {"type": "default"}}


async def test_nothing_goes_to_a_strange_address(microsoft: Microsoft) -> None:
    """A stored address that is no Connector's is not called, not even with a token to lose."""
    asked: list[str] = []

    class SignIn:
        async def token(self) -> str:
            asked.append("a token")
            return "token"

    strict = Connector(TeamsSettings(APP, "secret", TENANT), SignIn())
    with pytest.raises(ConnectorRefused):
        await strict.post(place(microsoft), {"text": "hello"})
    await strict.close()
    assert (microsoft.calls, asked) == ([], [])


async def test_the_token_goes_with_every_call(microsoft: Microsoft) -> None:
    """What Microsoft gave is shown to the Connector, and asked for at each call: it ends one day."""
    tokens = iter(("first", "second"))

    class SignIn:
        async def token(self) -> str:
            return next(tokens)

    settings = TeamsSettings(service_url=microsoft.service, development=True, hosts=())
    made = Connector(settings, SignIn())
    await made.post(place(microsoft), {"text": "hello"})
    await made.update(place(microsoft), "1:a/b", {"text": "hello again"})
    await made.close()
    assert microsoft.bearers == ["Bearer first", "Bearer second"]
    assert [call[:2] for call in microsoft.calls] == [
        ("POST", "/v3/conversations/a:tess/activities"),
        ("PUT", "/v3/conversations/a:tess/activities/1:a/b"),
    ]


# Settings


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({"MICROSOFT_APP_ID": "x"}, "127.0.0.1"),
        ({"MICROSOFT_APP_ID": "x", "MICROSOFT_APP_PASSWORD": "y"}, "0.0.0.0"),  # noqa: S104
        ({"CHARTER_TEAMS_DEVELOPMENT": "1"}, "0.0.0.0"),  # noqa: S104
        ({"CHARTER_TEAMS_DEVELOPMENT": "1"}, "10.0.0.4"),
        ({"CHARTER_TEAMS_DEVELOPMENT": "1", "MICROSOFT_APP_ID": "x"}, "127.0.0.1"),
    ],
)
def test_half_a_registration_or_an_open_door_stops_the_start(environment: dict[str, str], host: str) -> None:
    """A bot without authentication is served to this computer only, and never beside a real registration."""
    with pytest.raises(TeamsSettingsError):
        read_teams(environment, host)


def test_a_whole_registration_is_read() -> None:
    """Ids are compared without case; the secret is not shown by accident."""
    found = read_teams(
        {"MICROSOFT_APP_ID": "AB", "MICROSOFT_APP_PASSWORD": "hush", "MICROSOFT_APP_TENANT_ID": "CD"},
        "0.0.0.0",  # noqa: S104
    )
    assert found
    assert (found.app_id, found.tenant, found.development) == ("ab", "cd", False)
    assert "hush" not in repr(found)
    assert read_teams({}, "127.0.0.1") is None
