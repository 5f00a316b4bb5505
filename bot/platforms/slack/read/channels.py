"""Channels behind their ids: looked up once an hour at most, and never so long that an event waits for it."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import PlatformError
from bot.events import Address, Place
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Calls
from bot.platforms.slack.read.lookups import LOOK_UP_S, LookUps
from bot.platforms.slack.read.mrkdwn import unescape

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation. `name`: "" if it has none or is not known. `public`: every full member may read it. `group`: it
    is a DM of several people.
    """

    name: str = ""
    topic: str = ""
    public: bool = False
    group: bool = False
    known: bool = True


class Channels:
    """The conversations of the workspace that people speak of."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._channels = LookUps(self._look_up, lambda channel: channel.known)

    async def channel(self, channel: str) -> Channel:
        """Return a conversation by id; if it cannot be looked up, one that is not `known`."""
        return await self._channels.of(channel)

    async def names(self, channels: Collection[str]) -> Mapping[str, str]:
        """Return the names of some channels, by id: of those that are public. Slack shows others only to who is in."""
        found = await asyncio.gather(*(self.channel(channel) for channel in channels))
        return {key: one.name for key, one in zip(channels, found, strict=True) if one.public and one.name}

    async def place(self, address: Address) -> Place:
        """Return where a question was asked, by the names people see. Never raises."""
        if address.direct:
            return Place("Slack direct message", server=await self._workspace())
        there = await self.channel(address.channel)
        kind = "Slack thread" if address.in_thread else "Slack group message" if there.group else "Slack channel"
        return Place(kind, server=await self._workspace(), channel=there.name, topic=there.topic)

    async def _workspace(self) -> str:
        try:
            return (await self._calls.me()).workspace
        except PlatformError:
            return ""

    async def _look_up(self, channel: str) -> Channel:
        try:
            async with asyncio.timeout(LOOK_UP_S):
                answer = await self._calls.read("conversations.info", channel=channel)
        except (PlatformError, TimeoutError) as error:
            reason = error.detail if isinstance(error, PlatformError) else f"no answer within {LOOK_UP_S} s"
            log.info("slack_channel_unknown", channel=channel, reason=reason)
            return Channel(known=False)
        try:
            return channel_of(answer.get("channel") or {})
        except MISREAD as error:
            misread("slack_answer_unreadable", answer, error, method="conversations.info")
            return Channel(known=False)


def channel_of(about: Mapping[str, Any]) -> Channel:
    """Return a channel for a conversation object (Slack docs, reference/objects/conversation-object). Its topic is what
    stands in its header, or else its purpose. One that is shared with others is not open to every reader.
    """
    topics = (str((about.get(name) or {}).get("value") or "") for name in ("topic", "purpose"))
    closed = any(about.get(name) for name in ("is_private", "is_im", "is_mpim", "is_group"))
    # a group DM's name is made of its members' handles
    name = "" if about.get("is_mpim") else str(about.get("name") or "")
    public, group = bool(about.get("is_channel")) and not closed, bool(about.get("is_mpim"))
    return Channel(name, unescape(next(filter(None, topics), "")), public=public, group=group)
