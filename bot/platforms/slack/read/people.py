"""Who is behind a member id: looked up once an hour at most, and never so long that an event waits for it."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import structlog

from bot.errors import PlatformError
from bot.events import Person
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Calls, Me
from bot.platforms.slack.read.lookups import LOOK_UP_S, LookUps

log = structlog.get_logger()


class People:
    """The members of the workspace, and those of others that share a channel with it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._people = LookUps(self._look_up, lambda person: "unknown" not in person.roles)

    async def person(self, user: str) -> Person:
        """Return a person by member id; if they cannot be looked up, one whose name is the id and role `unknown`."""
        return await self._people.of(user)

    async def names(self, users: Collection[str]) -> Mapping[str, str]:
        """Return the names of some members, by id."""
        found = await asyncio.gather(*(self.person(user) for user in users))
        return {person.id: person.name for person in found}

    async def _look_up(self, user: str) -> Person:
        try:
            async with asyncio.timeout(LOOK_UP_S):
                me = await self._calls.me()
                answer = await self._calls.read("users.info", user=user)
        except (PlatformError, TimeoutError) as error:
            reason = error.detail if isinstance(error, PlatformError) else f"no answer within {LOOK_UP_S} s"
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
