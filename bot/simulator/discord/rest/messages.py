"""The REST routes of messages and reactions (Discord docs, resources/message)."""

from typing import Any

from aiohttp import web

from bot.simulator.discord.actions import Actions
from bot.simulator.discord.gateway import intents
from bot.simulator.discord.gateway.app import App
from bot.simulator.discord.rest import drafts
from bot.simulator.discord.rest.bodies import Body
from bot.simulator.discord.world.model import DM, Channel, Message
from bot.simulator.discord.world.refusals import (
    archived_thread,
    cannot_message_user,
    invalid,
    missing_access,
    missing_permissions,
    no_reply_unread,
    not_the_author,
)
from bot.simulator.discord.world.wire import Json, Wire
from bot.simulator.discord.world.world import World

_NONCE_LASTS_S = 300.0  # "the past few minutes" (Discord docs, resources/message, "Create Message")
_MESSAGE = "/channels/{channel}/messages/{message}"


class MessageRoutes:
    """Creates, reads, edits and deletes messages in the name of the application."""

    def __init__(self, world: World, wire: Wire, app: App, actions: Actions) -> None:
        self._world = world
        self._wire = wire
        self._app = app
        self._actions = actions
        self._nonces: dict[tuple[str, str], tuple[float, str]] = {}

    def routes(self) -> list[tuple[str, str, Any]]:
        """Return the routes: method, pattern below `/api/v10`, handler of a request and its body."""
        return [
            ("GET", "/channels/{channel}/messages", self.history),
            ("POST", "/channels/{channel}/messages", self.create),
            ("GET", _MESSAGE, self.one),
            ("PATCH", _MESSAGE, self.edit),
            ("DELETE", _MESSAGE, self.delete),
            ("PUT", _MESSAGE + "/reactions/{emoji}/@me", self.react),
            ("DELETE", _MESSAGE + "/reactions/{emoji}/@me", self.take_back),
        ]

    async def history(self, request: web.Request, _: Body) -> list[Json]:
        """GET messages: newest first, at most `limit` (1 to 100, else 50), around one id at most."""
        channel = self._readable(request)
        limit = _limit(request.query.get("limit", "50"))
        messages = channel.messages
        if "before" in request.query:
            found = [one for one in messages if int(one.id) < _id(request.query["before"])][-limit:]
        elif "after" in request.query:
            found = [one for one in messages if int(one.id) > _id(request.query["after"])][:limit]
        elif "around" in request.query:
            middle = _id(request.query["around"])
            earlier = [one for one in messages if int(one.id) < middle][-(limit // 2) :]
            found = [*earlier, *[one for one in messages if int(one.id) >= middle][: limit - len(earlier)]]
        else:
            found = messages[-limit:]
        return [self._answer(one) for one in reversed(found)]

    async def one(self, request: web.Request, _: Body) -> Json:
        """GET one message; its attachments' addresses are fresh."""
        self._readable(request)
        return self._answer(self._message(request))

    async def create(self, request: web.Request, body: Body) -> Json:
        """POST a message. The same nonce with `enforce_nonce` gives the message it gave before."""
        channel = self._writable(request.match_info["channel"])
        reference = self._reference(channel, body.fields.get("message_reference"))
        draft = drafts.draft(self._world, body, reference=reference)
        key = (channel.id, draft.nonce or "")
        if draft.nonce is not None and body.fields.get("enforce_nonce"):
            before = self._posted_with(key)
            if before is not None:
                return self._answer(before, nonce=True)
        message = self._actions.post(self._world.bot, channel, draft)
        if draft.nonce is not None:
            self._nonces[key] = (self._world.ids.now_s(), message.id)
        return self._answer(message, nonce=True)

    async def edit(self, request: web.Request, body: Body) -> Json:
        """PATCH a message of the application's own; what the body does not name stays as it is."""
        message = self._message(request)
        if message.author is not self._world.bot:
            raise not_the_author()
        if self._world.channels[message.channel].archived:
            raise archived_thread()
        self._actions.edit(message, drafts.revision(self._world, body, message))
        return self._answer(message)

    async def delete(self, request: web.Request, _: Body) -> None:
        """DELETE a message of the application's own."""
        message = self._message(request)
        if message.author is not self._world.bot:
            raise missing_permissions()
        self._actions.delete(message)

    async def react(self, request: web.Request, _: Body) -> None:
        """PUT a reaction."""
        if "add_reactions" in self._world.denied:
            raise missing_permissions()
        self._actions.react(self._world.bot, self._message(request), request.match_info["emoji"])

    async def take_back(self, request: web.Request, _: Body) -> None:
        """DELETE a reaction of the application's own."""
        emoji = request.match_info["emoji"]
        self._actions.react(self._world.bot, self._message(request), emoji, take_back=True)

    def _reference(self, channel: Channel, reference: Any) -> str | None:
        """Return the id of the message replied to; None if there is none, or it is gone and need not exist."""
        if not isinstance(reference, dict):
            return None
        if reference.get("type"):
            raise invalid("message_reference", "NOT_SIMULATED", "Forwards by the application are not simulated.")
        if channel.type != DM and "read_history" in self._world.denied:
            raise no_reply_unread()
        found = self._world.find(str(reference.get("message_id")))
        if found is not None and found.channel == channel.id:
            return found.id
        if reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None

    def _posted_with(self, key: tuple[str, str]) -> Message | None:
        oldest_s = self._world.ids.now_s() - _NONCE_LASTS_S
        self._nonces = {one: at for one, at in self._nonces.items() if at[0] >= oldest_s}
        return self._world.find(self._nonces[key][1]) if key in self._nonces else None

    def _writable(self, channel_id: str) -> Channel:
        channel = self._world.channel(channel_id)
        denied = self._world.denied
        if channel.type == DM:
            if "dm" in denied:
                raise cannot_message_user()
            return channel
        if "view" in denied:
            raise missing_access()
        if "send" in denied or (channel.is_thread and "send_in_threads" in denied):
            raise missing_permissions()
        if channel.locked:
            raise archived_thread()
        return channel

    def _readable(self, request: web.Request) -> Channel:
        channel = self._world.channel(request.match_info["channel"])
        if channel.type != DM and self._world.denied & {"view", "read_history"}:
            raise missing_access()
        return channel

    def _message(self, request: web.Request) -> Message:
        return self._world.message(request.match_info["channel"], request.match_info["message"])

    def _answer(self, message: Message, *, nonce: bool = False) -> Json:
        granted = bool(self._app.granted & intents.MESSAGE_CONTENT)
        return self._wire.message(message, content_granted=granted, nonce=nonce)


def _limit(value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    return int(value)


def _id(value: str) -> int:
    if not value.isdigit():
        raise invalid("id", "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return int(value)
