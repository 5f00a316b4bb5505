"""The simulated Slack answers and tells in the shapes that are published (npm @slack/web-api, @slack/types).

The published types of answers call every key optional, so what Slack always sends stands in a table here; so does what
goes through Socket Mode, of which no types are published.
"""

import asyncio
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.simulator.slack import Person, SimulatedSlack

from .published_types import Recording, deviations

ANSWERS, EVENTS = "@slack/web-api", "@slack/types"
ALWAYS: Mapping[str, str] = {
    "apps.connections.open": "url",
    "auth.test": "url team user team_id user_id bot_id is_enterprise_install",
    "bots.info": "bot.id bot.deleted bot.name bot.app_id bot.user_id",
    "chat.postMessage": "channel ts message.type message.text message.user message.bot_id message.ts message.team",
    "chat.postEphemeral": "message_ts",
    "chat.update": "channel ts text message.text message.edited",
    "chat.delete": "channel ts",
    "chat.startStream": "channel ts",
    "chat.appendStream": "channel ts",
    "chat.stopStream": "channel ts message",
    "conversations.history": "messages has_more",
    "conversations.info": "channel.id channel.is_im channel.is_archived channel.created",
    "conversations.members": "members response_metadata.next_cursor",
    "conversations.open": "channel.id",
    "conversations.replies": "messages has_more",
    "files.completeUploadExternal": "files",
    "files.getUploadURLExternal": "upload_url file_id",
    "files.info": "file.id file.name file.mimetype file.url_private",
    "reactions.get": "type channel message.reactions",
    "team.info": "team.id team.name team.domain team.icon",
    "users.conversations": "channels response_metadata.next_cursor",
    "users.info": "user.id user.team_id user.name user.deleted user.profile user.is_bot user.tz_offset user.updated",
}
"""What an answer always holds (Slack docs, each method's page), `ok` aside."""
TYPES = {"message": "GenericMessageEvent", "message.file_share": "FileShareMessageEvent",
         "message.thread_broadcast": "ThreadBroadcastMessageEvent", "message.message_changed": "MessageChangedEvent",
         "message.message_deleted": "MessageDeletedEvent", "app_mention": "AppMentionEvent",
         "reaction_added": "ReactionAddedEvent", "reaction_removed": "ReactionRemovedEvent",
         "agent_session_stopped": "AgentSessionStoppedEvent"}  # fmt: skip
"""Every kind of event that the simulation can send, and its published type."""
ENVELOPES: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "hello": {"type": str, "num_connections": int, "debug_info": dict, "connection_info": dict},
    "disconnect": {"type": str, "reason": str, "debug_info": dict},
    "events_api": {
        "type": str, "envelope_id": str, "payload": dict, "accepts_response_payload": bool, "retry_attempt": int,
        "retry_reason": str,
    },
    "interactive": {"type": str, "envelope_id": str, "payload": dict, "accepts_response_payload": bool},
    "event_callback": {
        "type": str, "token": str, "team_id": str, "api_app_id": str, "event": dict, "event_id": str, "event_time": int,
        "authorizations": list, "is_ext_shared_channel": bool, "event_context": str, "context_team_id": str,
        "context_enterprise_id": type(None),
    },
    "block_actions": {
        "type": str, "user": dict, "api_app_id": str, "token": str, "container": dict, "trigger_id": str, "team": dict,
        "enterprise": type(None), "is_enterprise_install": bool, "channel": dict, "message": dict, "state": dict,
        "response_url": str, "actions": list,
    },
}  # fmt: skip
"""What goes through Socket Mode (Slack docs, apis/events-api/using-socket-mode, reference/interaction-payloads)."""

KNOWN = (
    "files.[].channels: missing",  # where a file was shared is in `files.info` alone
    "files.[].groups: missing",
    "files.[].lines: string wanted, not 1",  # numbers to @slack/web-api, and to Slack
    "files.[].lines_more: string wanted, not 0",
)
"""Where the packages say more than Slack does."""


class App:
    """An app without an SDK: it calls methods, acknowledges envelopes, and writes everything down."""

    def __init__(self, http: aiohttp.ClientSession, slack: SimulatedSlack) -> None:
        self._http = http
        self._slack = slack
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.envelopes: list[dict[str, Any]] = []

    async def call(self, method: str, token: str = "", **arguments: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token or self._slack.app.bot_token}"}
        async with self._http.post(self._slack.api_url + method, json=arguments, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
        assert answer["ok"], (method, answer)
        self.answers.append((method, answer))
        return answer

    async def listen(self) -> None:
        """Open a connection and read it until Slack closes it."""
        opened = await self.call("apps.connections.open", self._slack.app.app_token)
        async with self._http.ws_connect(opened["url"]) as socket:
            async for frame in socket:
                told = frame.json()
                self.envelopes.append(told)
                if "envelope_id" in told:
                    await socket.send_json({"envelope_id": told["envelope_id"]})
                elif told["type"] == "disconnect":
                    return

    @property
    def events(self) -> list[dict[str, Any]]:
        return [told["payload"]["event"] for told in self.envelopes if told["type"] == "events_api"]


async def look_around(app: App, slack: SimulatedSlack, ada: Person, general: str) -> None:
    await app.call("auth.test")
    await app.call("users.info", user=ada.id)
    await app.call("bots.info", bot=slack.app.bot.bot_id)
    await app.call("team.info")
    for channel in (general, slack.dm(ada), slack.dm(ada, slack.add_person("Bea"))):
        await app.call("conversations.info", channel=channel)
    await app.call("conversations.open", users=ada.id, return_im=True)
    await app.call("conversations.members", channel=general)
    await app.call("users.conversations", types="public_channel,im,mpim")


async def talk(app: App, slack: SimulatedSlack, ada: Person, general: str) -> None:
    asked = await slack.say(
        ada, general, f"{slack.app.mention} look", files=[("a.png", b"\x89PNG"), ("b.txt", b"text")]
    )
    button = {"type": "button", "action_id": "stop", "text": {"type": "plain_text", "text": "Stop"}, "value": "s"}
    blocks = [{"type": "markdown", "text": "**here**"}, {"type": "actions", "elements": [button]}]
    about = {"event_type": "answer", "event_payload": {"n": 1}}
    posted = await app.call(
        "chat.postMessage", channel=general, thread_ts=asked.ts, text="here", blocks=blocks, metadata=about
    )
    await slack.press(ada, general, posted["ts"], "Stop", wait_s=0.01)
    await app.call("chat.update", channel=general, ts=posted["ts"], text="here it is")
    await app.call("chat.postEphemeral", channel=general, user=ada.id, text="psst")
    await slack.say(ada, general, "to all", thread=asked.ts, broadcast=True)
    await slack.say(ada, general, "and a reply", thread=asked.ts)
    await app.call("conversations.replies", channel=general, ts=asked.ts, include_all_metadata=True)
    await app.call("chat.delete", channel=general, ts=posted["ts"])
    link = await slack.say(ada, general, "see https://example.org/")
    await slack.unfurl(general, link.ts)
    await slack.edit(ada, general, link.ts, "see for yourself")
    await slack.react(ada, general, link.ts, "x")
    await app.call("reactions.get", channel=general, timestamp=link.ts)
    await slack.unreact(ada, general, link.ts, "x")
    await app.call("conversations.history", channel=general)
    await slack.delete(general, link.ts)
    await slack.delete(general, asked.ts)
    await slack.say(ada, slack.dm(ada), "between us")


async def give(app: App, slack: SimulatedSlack, ada: Person, http: aiohttp.ClientSession) -> None:
    """A stream that somebody stops, and a file."""
    there = slack.dm(ada)
    root = (await slack.say(ada, there, "tell me")).ts
    stream = await app.call("chat.startStream", channel=there, thread_ts=root, markdown_text="once ")
    await app.call("chat.appendStream", channel=there, ts=stream["ts"], markdown_text="upon ")
    await app.call("chat.stopStream", channel=there, ts=stream["ts"], markdown_text="a time")
    await app.call("agents.sessions.setStatus", channel_id=there, thread_ts=root, status="processing")
    await slack.press_stop(ada, there, root)
    place = await app.call("files.getUploadURLExternal", filename="a.txt", length=3)
    await http.post(place["upload_url"], data=b"abc")
    await app.call("files.completeUploadExternal", files=[{"id": place["file_id"]}], channel_id=there, thread_ts=root)
    await app.call("files.info", file=place["file_id"])


@pytest.fixture(scope="module")
def recorded() -> tuple[list[tuple[str, dict[str, Any]]], list[dict[str, Any]]]:
    """What an app was answered and told."""

    async def record() -> tuple[list[tuple[str, dict[str, Any]]], list[dict[str, Any]]]:
        async with SimulatedSlack() as slack, aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
            app = App(http, slack)
            tasks.create_task(app.listen())
            await slack.sockets.ready()
            ada, general = slack.add_person("Ada"), slack.add_channel("general")
            await look_around(app, slack, ada, general)
            await talk(app, slack, ada, general)
            await give(app, slack, ada, http)
            await slack.events.settled()
            await slack.sockets.refresh_all()
        return app.answers, app.envelopes

    return asyncio.run(record())


def kind_of(event: Mapping[str, Any]) -> str:
    return f"{event['type']}.{event['subtype']}" if "subtype" in event else str(event["type"])


def holds(body: Any, path: str) -> bool:
    for key in path.split("."):
        if not isinstance(body, dict) or key not in body:
            return False
        body = body[key]
    return True


def as_published(event: Mapping[str, Any]) -> dict[str, Any]:
    """The package types a message within an event as an event of its own, and knows no tombstones; nor does it know
    that a root can have files.
    """
    around = {key: event[key] for key in ("channel", "channel_type", "event_ts") if key in event}
    nested: dict[str, dict[str, Any]] = {
        name: {**event[name], **around} for name in ("message", "previous_message", "root") if name in event
    }
    for name, message in nested.items():
        if name == "root" or message.get("subtype") == "tombstone":
            message.pop("subtype", None)
            message.pop("files", None)
    return {**event, **nested}


def is_wrong(line: str, folder: Path) -> bool:
    """Say whether a deviation is the simulator's. The packages do not name every key in each place, but each
    somewhere; and what is in a block of an answer has the type of whatever block was seen there first.
    """
    _, path, how = line.split(": ", 2)
    if how == "unknown":
        return f"{path.rpartition('.')[2]}?: " not in _published(folder)
    return not line.endswith(KNOWN) and ".blocks." not in path


@cache
def _published(folder: Path) -> str:
    types = [path for name in ("web-api/dist/types/response", "types/dist") for path in
             (folder / "node_modules/@slack" / name).rglob("*.d.ts")]  # fmt: skip
    return "".join(path.read_text(encoding="utf-8") for path in types).replace("?:", ":").replace(":", "?:")


def type_of(method: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in method.split(".")).replace("Url", "URL") + "Response"


def test_every_answer_holds_what_slack_always_sends(recorded: Any) -> None:
    answers, _ = recorded
    missing = [(method, path) for method, body in answers for path in ALWAYS.get(method, "ok").split()
               if not holds(body, path)]  # fmt: skip
    assert missing == []
    assert ALWAYS.keys() <= {method for method, _ in answers}


async def test_every_answer_has_the_shape_that_is_published(recorded: Any, pytestconfig: pytest.Config) -> None:
    answers, _ = recorded
    folder = pytestconfig.cache.mkdir("published-types")
    recordings = [Recording(method, ANSWERS, type_of(method), body) for method, body in answers]
    found = await asyncio.to_thread(deviations, recordings, folder)
    assert [line for line in found if is_wrong(line, folder)] == []


async def test_every_event_has_the_shape_that_is_published(recorded: Any, pytestconfig: pytest.Config) -> None:
    _, envelopes = recorded
    events = [told["payload"]["event"] for told in envelopes if told["type"] == "events_api"]
    assert {kind_of(event) for event in events} == TYPES.keys()
    folder = pytestconfig.cache.mkdir("published-types")
    recordings = [Recording(kind_of(event), EVENTS, TYPES[kind_of(event)], as_published(event)) for event in events]
    found = await asyncio.to_thread(deviations, recordings, folder)
    assert [line for line in found if is_wrong(line, folder)] == []


def test_every_envelope_has_the_keys_and_kinds_that_slack_documents(recorded: Any) -> None:
    _, envelopes = recorded
    payloads = [told["payload"] for told in envelopes if "payload" in told]
    assert {told["type"] for told in envelopes + payloads} == ENVELOPES.keys()
    for told in envelopes + payloads:
        keys = ENVELOPES[told["type"]]
        assert set(told) == set(keys), told["type"]
        assert [key for key, kind in keys.items() if not isinstance(told[key], kind)] == [], told["type"]
