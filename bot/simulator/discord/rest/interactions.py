"""Presses on buttons and how the application answers them (Discord docs, interactions/receiving-and-responding).

An interaction is answered once and within three seconds, through its own token, which is good for fifteen minutes
of follow-ups. What is answered with the flag EPHEMERAL is seen by the presser alone.
"""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from bot.simulator.discord.actions import Actions, Draft
from bot.simulator.discord.gateway.gateway import Gateway
from bot.simulator.discord.rest import bodies, drafts
from bot.simulator.discord.rest.bodies import Body
from bot.simulator.discord.rest.limits import CALLBACK, WEBHOOK
from bot.simulator.discord.world.model import EPHEMERAL, LOADING, Message, Person
from bot.simulator.discord.world.refusals import already_acknowledged, invalid, invalid_webhook_token, unknown
from bot.simulator.discord.world.wire import Json, Wire
from bot.simulator.discord.world.world import World

ACKNOWLEDGED_WITHIN_S, TOKEN_LASTS_S = 3.0, 900.0

_COMPONENT = 3  # the interaction's type
_SAY, _SAY_LATER, _UPDATE_LATER, _UPDATE = 4, 5, 6, 7  # types of callbacks
_ORIGINAL = "@original"


@dataclass(slots=True, eq=False)
class _Press:
    """One interaction. `answer` is the type of its callback, 0 before it. `said` are its messages, by id."""

    id: str
    token: str
    person: Person
    message: Message
    made_at_s: float
    answer: int = 0
    original: Message | None = None
    said: dict[str, Message] = field(default_factory=dict)
    failed: bool = False
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    followed: asyncio.Event = field(default_factory=asyncio.Event)

    def ended(self, now_s: float) -> bool:
        """Whether its token is good for nothing any more: too old, or it was not acknowledged in time."""
        lasts_s = TOKEN_LASTS_S if self.answer else ACKNOWLEDGED_WITHIN_S
        return self.failed or now_s - self.made_at_s > lasts_s

    def whispers(self) -> list[str]:
        """Return the texts that only the presser sees."""
        seen = [one for one in self.said.values() if one.ephemeral and not one.deleted]
        return [one.content for one in seen if not one.flags & LOADING]


class Interactions:
    """All interactions of the application. Single event loop."""

    def __init__(self, world: World, wire: Wire, gateway: Gateway, actions: Actions) -> None:
        self._world = world
        self._wire = wire
        self._gateway = gateway
        self._actions = actions
        self._presses: dict[str, _Press] = {}

    def routes(self) -> list[tuple[str, str, Any]]:
        """Return the routes: method, pattern below `/api/v10`, handler of a request and its body."""
        message = WEBHOOK + "/messages/{message}"
        return [
            ("POST", CALLBACK, self.callback),
            ("POST", WEBHOOK, self.follow_up),
            ("GET", message, self.one),
            ("PATCH", message, self.edit),
            ("DELETE", message, self.delete),
        ]

    async def press(self, person: Person, message: Message, button: Json, wait_s: float) -> str:
        """Make an interaction, wait until it is acknowledged; return the last text whispered to the presser, or "".

        If the answer was deferred, wait for a follow-up too, but no longer than `wait_s`. Raise `TimeoutError`.
        """
        id_, token = self._world.ids.new(), secrets.token_urlsafe(48)
        press = self._presses[token] = _Press(id_, token, person, message, self._world.ids.now_s())
        told = self._told(press, button)
        self._gateway.dispatch("INTERACTION_CREATE", 0, lambda _: told)
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                await press.acknowledged.wait()
        except TimeoutError:
            press.failed = True
            raise TimeoutError("This interaction failed: the application did not acknowledge it within 3 s") from None
        if press.answer in (_SAY_LATER, _UPDATE_LATER):
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await press.followed.wait()
        return (press.whispers() or [""])[-1]

    def whispers(self, person: Person) -> list[str]:
        """Return the texts that only this person sees, oldest first."""
        return [text for press in self._presses.values() if press.person is person for text in press.whispers()]

    def _told(self, press: _Press, button: Json) -> Json:
        channel = self._world.channels[press.message.channel]
        about: Json = {
            "version": 1,
            "type": _COMPONENT,
            "id": press.id,
            "token": press.token,
            "application_id": self._world.bot.id,
            "channel_id": channel.id,
            "channel": self._wire.channel(channel),
            "message": self._wire.message(press.message, content_granted=True),
            "data": {"component_type": button["type"], "id": button["id"], "custom_id": button["custom_id"]},
            "app_permissions": str(self._world.permissions()),
            "attachment_size_limit": bodies.FILE_MOST_BYTES,
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": channel.guild or "0"},
            "context": 0 if channel.guild else 1,
        }
        if not channel.guild:
            return {**about, "user": self._wire.user(press.person)}
        guild = self._world.guilds[channel.guild]
        may = {"permissions": str(self._world.permissions_of(guild, press.person))}
        about["member"] = {**self._wire.member(guild, press.person), **may}
        about["guild"] = {"id": guild.id, "locale": "en-US", "features": []}
        return {**about, "guild_id": guild.id, "guild_locale": "en-US"}

    async def callback(self, request: web.Request, body: Body) -> Json | None:
        """POST the answer: a message (4), one to come (5), nothing to see (6), or a change of the message (7)."""
        press = self._presses.get(request.match_info["token"])
        if press is None or press.id != request.match_info["interaction"] or press.ended(self._world.ids.now_s()):
            raise unknown("interaction")
        if press.answer:
            raise already_acknowledged()
        kind: Any = body.fields.get("type")
        data = {} if body.fields.get("data") is None else body.fields["data"]
        if not isinstance(data, dict):
            raise invalid("data", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        press.original = self._answered(press, kind, Body(data, body.files))
        press.answer = kind
        press.acknowledged.set()
        return self._result(press) if request.query.get("with_response") in ("1", "true") else None

    def _answered(self, press: _Press, kind: Any, body: Body) -> Message:
        """Do what a callback asks for; return the message that `@original` is from now on."""
        if kind == _SAY:
            return self._say(press, body)
        if kind == _SAY_LATER:
            return self._post(press, Draft("", flags=LOADING | _ephemeral(body)))
        if kind == _UPDATE_LATER:
            return press.message
        if kind == _UPDATE:
            if press.message.deleted:
                raise unknown("Message")
            self._actions.edit(press.message, drafts.revision(self._world, body, press.message))
            return press.message
        raise invalid("type", "BASE_TYPE_CHOICES", "A press on a button is answered with one of the types 4, 5, 6, 7.")

    def _result(self, press: _Press) -> Json:
        about: Json = {"id": press.id, "type": _COMPONENT}
        original = press.original
        assert original is not None
        if press.answer != _UPDATE_LATER:
            about |= {"response_message_id": original.id, "response_message_ephemeral": original.ephemeral}
            about["response_message_loading"] = bool(original.flags & LOADING)
        resource: Json = {"type": press.answer}
        if press.answer in (_SAY, _UPDATE):
            resource["message"] = self._answer(original)
        return {"interaction": about, "resource": resource}

    async def follow_up(self, request: web.Request, body: Body) -> Json:
        """POST one more message. Right after a deferred one (5) it becomes that one, whose flag EPHEMERAL stays."""
        press = self._press(request)
        original = press.original
        if original is not None and original.flags & LOADING and not original.deleted:
            message = self._edit(original, body)
        else:
            message = self._say(press, body)
        press.followed.set()
        return self._answer(message)

    async def one(self, request: web.Request, _: Body) -> Json:
        """GET one of the interaction's messages, or `@original`."""
        return self._answer(self._message(request, self._press(request)))

    async def edit(self, request: web.Request, body: Body) -> Json:
        """PATCH one of the interaction's messages, or `@original`."""
        press = self._press(request)
        message = self._edit(self._message(request, press), body)
        press.followed.set()
        return self._answer(message)

    async def delete(self, request: web.Request, _: Body) -> None:
        """DELETE one of the interaction's messages, or `@original`."""
        press = self._press(request)
        self._actions.delete(self._message(request, press))
        press.followed.set()

    def _say(self, press: _Press, body: Body) -> Message:
        return self._post(press, drafts.draft(self._world, body, flags=_ephemeral(body)))

    def _post(self, press: _Press, draft: Draft) -> Message:
        channel = self._world.channels[press.message.channel]
        if draft.allowed is None:  # unlike a bot's message, this one pings people alone (Discord docs, message)
            draft = replace(draft, allowed={"parse": ["users"]})
        if draft.flags & EPHEMERAL:
            message = self._actions.whisper(channel, draft)
        else:
            message = self._actions.post(self._world.bot, channel, draft)
        press.said[message.id] = message
        return message

    def _edit(self, message: Message, body: Body) -> Message:
        revision = drafts.revision(self._world, body, message)
        flags = (message.flags if revision.flags is None else revision.flags) & ~LOADING
        self._actions.edit(message, replace(revision, flags=flags))
        return message

    def _press(self, request: web.Request) -> _Press:
        press = self._presses.get(request.match_info["token"])
        if press is None or press.ended(self._world.ids.now_s()):
            raise invalid_webhook_token()
        if not press.answer or request.match_info["application"] != self._world.bot.id:
            raise unknown("Webhook")
        return press

    def _message(self, request: web.Request, press: _Press) -> Message:
        asked = request.match_info["message"]
        found = press.original if asked == _ORIGINAL else press.said.get(asked)
        if found is None or found.deleted:
            raise unknown("Message")
        return found

    def _answer(self, message: Message) -> Json:
        return self._wire.message(message, content_granted=True)


def _ephemeral(body: Body) -> int:
    """Return the flag EPHEMERAL if the body sets it."""
    bodies.flags(body.fields)
    return int(body.fields.get("flags") or 0) & EPHEMERAL
