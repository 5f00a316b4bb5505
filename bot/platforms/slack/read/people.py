"""Who is behind a member id: looked up once an hour at most, and never so long that an event waits for it."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any

import structlog

from bot.errors import PlatformError
from bot.events import Person
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Calls, Me

log = structlog.get_logger()

_KEPT = 2000
_FRESH_S = 3600.0
_FAILED_FRESH_S = 60.0
_LOOK_UP_S = 2.0
"""Slack wants an event acknowledged within three seconds (docs, apis/events-api)."""


class People:
    """The members of the workspace, and those of others that share a channel with it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: OrderedDict[str, tuple[float, Person]] = OrderedDict()

    async def person(self, user: str) -> Person:
        """Return a person by member id; if they cannot be looked up, one whose name is the id and role `unknown`."""
        now_s = asyncio.get_running_loop().time()
        until_s, person = self._known.get(user, (0.0, None))
        if person is None or until_s <= now_s:
            person = await self._look_up(user)
            fresh_s = _FAILED_FRESH_S if "unknown" in person.roles else _FRESH_S
            self._known[user] = (now_s + fresh_s, person)
        self._known.move_to_end(user)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return person

    async def names(self, users: Collection[str]) -> Mapping[str, str]:
        """Return the names of some members, by id."""
        found = await asyncio.gather(*(self.person(user) for user in users))
        return {person.id: person.name for person in found}

    async def _look_up(self, user: str) -> Person:
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                me = await self._calls.me()
                answer = await self._calls.read("users.info", user=user)
        except (PlatformError, TimeoutError) as error:
            reason = error.detail if isinstance(error, PlatformError) else f"no answer within {_LOOK_UP_S} s"
            log.info("slack_person_unknown", user=user, reason=reason)
            return Person(user, user, frozenset({"unknown"}))
        try:
            return person_of(answer["user"], me)
        except MISREAD as error:
            misread("slack_answer_unreadable", answer, error, method="users.info")
            return Person(user, user, frozenset({"unknown"}))


def person_of(member: Mapping[str, Any], me: Me) -> Person:
    """Return a person for a user object (Slack docs, reference/objects/user-object).

    Roles: `guest` for a member who is restricted to some channels, `external` for one of another organisation, `bot`.
    A moderator is an admin or an owner of our workspace: nobody else may delete what others wrote.
    """
    profile = member.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), member.get("real_name"), member.get("name"))
    roles = {"bot"} if member.get("is_bot") is True else set()
    if member.get("is_restricted") or member.get("is_ultra_restricted"):
        roles.add("guest")
    enterprise = (member.get("enterprise_user") or {}).get("enterprise_id", "")
    ours = member.get("team_id", me.team) == me.team or (enterprise and enterprise == me.enterprise)
    if member.get("is_stranger") or not ours:
        roles.add("external")
    name = next((str(name) for name in names if name), str(member["id"]))
    leads = any(member.get(role) for role in ("is_admin", "is_owner", "is_primary_owner"))
    return Person(
        str(member["id"]),
        name,
        frozenset(roles),
        moderator=leads and "external" not in roles,
        time_zone=str(member.get("tz") or ""),
        utc_offset_s=_offset_s(member.get("tz_offset")),
    )


def _offset_s(offset: Any) -> int:
    return int(offset) if isinstance(offset, int | float) and abs(offset) < 86400 else 0
