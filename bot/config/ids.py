"""The platforms' ids, distinguished from names: a name proves nothing, so no rule of access may be based on one.

Discord's ids are snowflakes, 17 to 20 digits today (Discord docs, reference, snowflakes). Slack's are a letter for
their kind, followed by capitals and digits (Slack docs, reference/objects).
"""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_SNOWFLAKE = r"\d{15,20}"
_DISCORD_WAY = "on Discord switch on Developer Mode (Settings, Advanced), right-click the {what} and choose Copy ID"
_SLACK_PERSON_WAY = "in Slack open the person's profile and choose Copy member ID"
_SLACK_CHANNEL_WAY = "in Slack open the channel's details; the id is at their end"
_SLACK_TEAM_WAY = "in Slack's address in a browser it is the part that begins with T"


def _id_of(pattern: str, kind: str, way: str) -> AfterValidator:
    """Return a check that accepts ids and explains for anything else how to find its id."""
    whole = re.compile(pattern)

    def check(value: str) -> str:
        if whole.fullmatch(value) is None:
            raise PydanticCustomError("not_an_id", "{text}", {"text": f"is no {kind}: {way}"})
        return value

    checked: Callable[[str], str] = check
    return AfterValidator(checked)


PersonId = Annotated[
    str,
    _id_of(
        rf"{_SNOWFLAKE}|[UW][A-Z0-9]{{6,}}",
        "id of a person, and names do not count, because anybody can take one",
        f"{_DISCORD_WAY.format(what='person')}; {_SLACK_PERSON_WAY}",
    ),
]
"""A Discord user's or a Slack member's id."""
Role = Annotated[str, _id_of(_SNOWFLAKE, "id of a Discord role", _DISCORD_WAY.format(what="role"))]
"""A Discord role's id; Slack has no roles."""
Channel = Annotated[
    str,
    _id_of(
        rf"{_SNOWFLAKE}|[CDG][A-Z0-9]{{6,}}",
        "id of a channel",
        f"{_DISCORD_WAY.format(what='channel')}; {_SLACK_CHANNEL_WAY}",
    ),
]
"""A Discord or Slack channel's id."""
Thread = Annotated[
    str,
    _id_of(
        rf"{_SNOWFLAKE}|\d{{9,11}}\.\d{{6}}",
        "id of a thread",
        f"{_DISCORD_WAY.format(what='thread')}; in Slack copy the link to its first message: it ends in p and the id, "
        "whose last six digits follow a dot",
    ),
]
"""A Discord thread's id, or the `ts` of the first message of a Slack thread."""
Guild = Annotated[str, _id_of(_SNOWFLAKE, "id of a Discord server", _DISCORD_WAY.format(what="server's icon"))]
"""A Discord server's id."""
Workspace = Annotated[str, _id_of(r"[TE][A-Z0-9]{6,}", "id of a Slack workspace", _SLACK_TEAM_WAY)]
"""A Slack workspace's or organisation's id."""
