"""Pressing a button: the interaction that is sent, its acknowledgement, and the answer the presser alone sees.

Slack docs, reference/interaction-payloads/block_actions-payload and interactivity/handling-user-interaction: it is sent
once and is to be acknowledged within 3 seconds, else people see a warning sign; its `response_url` takes 5 answers
within 30 minutes. What a `response_url` that takes no more answers says is not documented: 404 with `used_url` or
`expired_url`.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.simulator.slack.api import calls, chat
from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.sockets.deliveries import Deliveries
from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.progress import Progress
from bot.simulator.slack.workspace.records import Channel, Message, Person
from bot.simulator.slack.workspace.workspace import Workspace

MOST_ANSWERS = 5
ANSWERS_FOR_S = 30 * 60.0
_NAMELESS = {"im": "directmessage", "group": "privategroup"}


@dataclass(slots=True)
class ResponseUrl:
    """Where a press can be answered. `trigger_id`: of the press. `until_s`: the loop's clock."""

    person: str
    channel: Channel
    message: Message
    trigger_id: str
    until_s: float
    answers: int = 0


class Interactivity:
    """Presses and their answers."""

    def __init__(self, workspace: Workspace, deliveries: Deliveries, progress: Progress) -> None:
        self._workspace = workspace
        self._settings = workspace.settings
        self._deliveries = deliveries
        self._progress = progress
        self._urls: dict[str, ResponseUrl] = {}

    async def press(self, who: Person, channel: Channel, ts: str, label: str, wait_s: float) -> str:
        """Press a button; return the answer `who` alone is shown within `wait_s` of the acknowledgement, else "".

        Raise `LookupError` without such a button, `TimeoutError` for a warning sign, `SlackError` for a strange DM.
        """
        workspace = self._workspace
        message = channel.messages.get(ts)
        button = _button(message, label)
        assert message is not None  # it has a button
        if message.user != workspace.app.bot.id:
            raise LookupError(f"the button {label!r} belongs to another app, which is not simulated")
        if not self._settings.interactivity:
            raise TimeoutError("a warning sign: interactivity is switched off in the app's settings")
        workspace.enter(channel, who)
        trigger_id = f"{uuid.uuid4().hex}.{workspace.ids.new('')}"
        url = self._new_url(ResponseUrl(who.id, channel, message, trigger_id, workspace.now_s + ANSWERS_FOR_S))
        before = len(workspace.whispers.to(who.id))
        payload = _payload(workspace, who, channel, message, trigger_id) | {"response_url": url, "actions": [button]}
        await self._send(payload, channel, message)
        try:
            whisper = await workspace.whispers.wait(
                who.id, lambda w: w.channel == channel.id and w.press in {"", trigger_id}, before, wait_s
            )
        except TimeoutError:
            return ""
        return whisper.text

    async def _send(self, payload: dict[str, Any], channel: Channel, message: Message) -> None:
        envelope = self._deliveries.press(payload, channel.id, message.ts)
        if envelope is None:
            raise TimeoutError("a warning sign: the app has no connection")
        try:
            await self._progress.until(lambda: envelope.acked, self._settings.acknowledge_press_within_s)
        except TimeoutError:
            raise TimeoutError("a warning sign: the app did not acknowledge the press in time") from None

    def _new_url(self, answerable: ResponseUrl) -> str:
        secret = uuid.uuid4().hex
        self._urls[secret] = answerable
        return f"http://{self._workspace.server.host}/actions/{self._workspace.app.team_id}/{secret}"

    def expire_urls(self) -> None:
        """Make every `response_url` given out so far one whose time is over."""
        for url in self._urls.values():
            url.until_s = float("-inf")

    async def respond(self, request: web.Request) -> web.Response:
        """Answer a POST to a `response_url`: ephemeral, unless it says `in_channel` or changes the original."""
        url = self._urls.get(request.match_info["secret"])
        gone = _gone(url)
        if url is None or gone:
            return web.json_response({"ok": False, "error": gone}, status=404)
        try:
            args, _ = await calls.read(request)
            args.values.pop("markdown_text", None)  # not taken here
            self._answer(url, args)
        except SlackError as error:
            return web.json_response({"ok": False, "error": error.error}, status=400)
        url.answers += 1
        return web.Response(text="ok")

    def _answer(self, url: ResponseUrl, args: Args) -> None:
        workspace, thread_ts = self._workspace, args.text("thread_ts")
        if args.flag("delete_original"):
            workspace.delete(url.channel, workspace.message(url.channel, url.message.ts))
            return
        content = chat.read_content(args)
        if args.flag("replace_original"):
            original = workspace.message(url.channel, url.message.ts)
            workspace.edit(url.channel, original, content, flag=not content.blocks)
        elif args.text("response_type") == "in_channel":
            workspace.post(url.channel, workspace.app.bot, content, thread_ts=thread_ts)
        else:
            workspace.whisper(url.channel, url.person, content, thread_ts=thread_ts, press=url.trigger_id)


def _gone(url: ResponseUrl | None) -> str:
    """Return why a `response_url` takes no more answers, "" if it does."""
    if url is None:
        return "invalid_url"
    if asyncio.get_running_loop().time() > url.until_s:
        return "expired_url"
    return "used_url" if url.answers >= MOST_ANSWERS else ""


def _button(message: Message | None, label: str) -> dict[str, Any]:
    """Return the action that pressing a button is. Raise `LookupError`."""
    blocks = message.blocks if message is not None else []
    for block, button in block_kit.buttons(blocks):
        if button["text"]["text"] == label:
            action = {name: button[name] for name in ("action_id", "text", "value", "style", "url") if name in button}
            at = f"{time.time():.6f}"
            return action | {"type": "button", "block_id": block.get("block_id", ""), "action_ts": at}
    shown = message.buttons if message is not None else "no such message"
    raise LookupError(f"no button {label!r} to press: {shown}")


def _payload(workspace: Workspace, who: Person, channel: Channel, message: Message, trigger_id: str) -> dict[str, Any]:
    name = who.name.lower().replace(" ", ".")
    container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": False}
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    return {
        "type": "block_actions", "token": "simulated", "api_app_id": workspace.app.id, "trigger_id": trigger_id,
        "team": {"id": workspace.app.team_id, "domain": "simulated"}, "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": who.id, "username": name, "name": name, "team_id": workspace.app.team_id},
        "channel": {"id": channel.id, "name": _NAMELESS.get(channel.type, channel.name)}, "container": container,
        "message": workspace.json(message), "state": {"values": {}},
    }  # fmt: skip
