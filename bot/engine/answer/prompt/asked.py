"""What Claude is told of when and where a question was asked, and of what could not be read then. Pure.

It stands in the user message, which is appended to the history and never changes: the system prompt and what came
before stay the same for every request of a thread, so that they are read from the prompt cache.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.engine.answer.prompt.markup import Block, attributes
from bot.events import Incoming, Person, Place

KEY = "asked"
"""Of a block in the store: the block that says when a question was asked, and what is remembered with it."""
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NAME_LENGTH, _TOPIC_LENGTH, _MOST_TAGS = 120, 400, 20


def asked_block(
    questions: Sequence[Incoming], place: Place | None, now_s: float, *, missing: str, left_out: int
) -> Block:
    """Return the block that says when questions were asked, and where. `place` None: it was told before.

    `missing`: what of the talk before them is not shown, as `Earlier` says it; it is remembered with the block.
    `left_out`: how many messages of that talk have no room.
    """
    told = {**_when(questions[-1].author, now_s), **(_where(place) if place else {})}
    lines = [f"<asked {attributes(told)}/>"]
    if missing:
        lines.append(f"(Not shown to you: {missing}, which could not be read.)")
    if left_out:
        lines.append(f"({left_out} older messages are not shown to you: they are too long.)")
    known = place is not None and bool(place.channel or place.server or questions[0].direct)
    remembered = {"place": known, "missing": missing}
    text = {"type": "text", "text": "\n".join(lines)}
    return {**text, "said": questions[0].key.message, KEY: remembered}


def missing_before(history: Iterable[Mapping[str, Any]]) -> str:
    """Return what could not be read for the latest turn of a history; "" if nothing was missing."""
    return next((str(one.get("missing") or "") for one in reversed(list(_remembered(history)))), "")


def knows_place(history: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a history says where its thread is."""
    return any(one.get("place") for one in _remembered(history))


def _remembered(history: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    contents = (message["content"] for message in history if isinstance(message["content"], list))
    return (block[KEY] for content in contents for block in content if KEY in block)


def _when(person: Person, now_s: float) -> dict[str, str]:
    now = datetime.fromtimestamp(now_s, zone_of(person))
    name, offset = person.time_zone, now.strftime("%z")
    zone = f"{name} (UTC{offset[:3]}:{offset[3:5]})" if person.time_zone else "UTC; the writer's own is not known"
    return {"at": f"{_DAYS[now.weekday()]}, {now:%Y-%m-%d %H:%M}", "zone": zone[:_NAME_LENGTH]}


def zone_of(person: Person) -> tzinfo:
    """Return a person's time zone, UTC if it is not known. On a machine without a table of zones, use the offset that
    the platform sent.
    """
    if not person.time_zone:
        return UTC
    try:
        return ZoneInfo(person.time_zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return timezone(timedelta(seconds=person.utc_offset_s)) if abs(person.utc_offset_s) < 86400 else UTC


def _where(place: Place) -> dict[str, str]:
    names = {"in": place.kind, "server": place.server, "channel": place.channel, "thread": place.thread}
    found = {name: value[:_NAME_LENGTH] for name, value in names.items()}
    found["tags"] = ", ".join(tag[:_NAME_LENGTH] for tag in place.tags[:_MOST_TAGS])
    found["topic"] = place.topic if len(place.topic) <= _TOPIC_LENGTH else f"{place.topic[:_TOPIC_LENGTH]}…"
    return {name: value for name, value in found.items() if value}
