"""A REST call's body → checked fields, with Discord's refusals (Discord docs, resources/message, reference)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from bot.simulator.discord.world.model import COMPONENTS_V2, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, Attachment
from bot.simulator.discord.world.refusals import empty_message, invalid, invalid_json, too_large, too_long
from bot.simulator.discord.world.world import World

CONTENT_MOST, NONCE_MOST, NAME_MOST, EMBEDS_MOST, MENTIONS_MOST = 2000, 25, 100, 10, 100
ARCHIVE_AFTER_MIN = (60, 1440, 4320, 10080)
FILE_MOST_BYTES, REQUEST_MOST_BYTES = 10 * 2**20, 25 * 2**20
"""The limits for an application (Discord docs, resources/message, reference "Uploading Files")."""


@dataclass(frozen=True, slots=True)
class Body:
    """What came in. `json` is None without a body. `files`: index `n` of `files[n]` → its name and bytes."""

    json: Any = None
    files: dict[int, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON body, which is an object. Raise `RefusedError` if it is something else."""
        if self.json is None:
            return {}
        if not isinstance(self.json, dict):
            raise invalid("_", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return self.json


@dataclass(frozen=True, slots=True)
class Created:
    """What a handler returns for something that was made and is answered with 201: the object as JSON."""

    json: Any


async def read(request: web.Request) -> Body:
    """Read a body, JSON or multipart. Raise `RefusedError`."""
    if request.content_type == "multipart/form-data":
        return await _multipart(request)
    raw = await request.read()
    return Body(_parse(raw)) if raw else Body()


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise invalid_json() from error


async def _multipart(request: web.Request) -> Body:
    try:
        body = await _parts(request)
    except ValueError as error:
        raise invalid_json() from error
    if any(len(data) > FILE_MOST_BYTES for _, data in body.files.values()):
        raise too_large()
    if sum(len(data) for _, data in body.files.values()) > REQUEST_MOST_BYTES:
        raise too_large()
    return body


async def _parts(request: web.Request) -> Body:
    payload: Any = None
    files: dict[int, tuple[str, bytes]] = {}
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise invalid_json()
        data = bytes(await part.read())
        name = part.name or ""
        if name == "payload_json":
            payload = _parse(data)
        elif name.startswith("files[") and name[6:-1].isdigit():
            files[int(name[6:-1])] = (part.filename or "unknown", data)
    return Body(payload, files)


def content(fields: Mapping[str, Any]) -> str | None:
    """Return the text of a message, None if the field is absent. Discord takes the white space around it away."""
    if "content" not in fields:
        return None
    value = fields["content"]
    text = "" if value is None else str(value)
    if len(text) > CONTENT_MOST:
        raise too_long("content", CONTENT_MOST)
    return text.strip()


def nonce(fields: Mapping[str, Any]) -> str | None:
    """Return the nonce as text, None if there is none."""
    value = fields.get("nonce")
    if value is None:
        return None
    if len(str(value)) > NONCE_MOST:
        raise too_long("nonce", NONCE_MOST)
    return str(value)


def name(fields: Mapping[str, Any]) -> str:
    """Return the name of a thread: 1 to 100 characters."""
    text = str(fields.get("name") or "").strip()
    if not 1 <= len(text) <= NAME_MOST:
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {NAME_MOST} in length.")
    return text


def flags(fields: Mapping[str, Any], before: int | None = None) -> int | None:
    """Return the flags a post may set, or those that an edit of `before` leaves. None if the field is absent.

    An edit can only set and clear SUPPRESS_EMBEDS; one that leaves it out of `flags` clears it.
    """
    value = fields.get("flags")
    if value is None:
        return None
    if not isinstance(value, int):
        raise invalid("flags", "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
    if value & COMPONENTS_V2:
        raise invalid("flags", "NOT_SIMULATED", "Components V2 are not simulated: send content.")
    if before is None:
        return value & (SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS)
    return (before & ~SUPPRESS_EMBEDS) | (value & SUPPRESS_EMBEDS)


def embeds(fields: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the embeds, None if the field is absent."""
    found = objects(fields, "embeds")
    if found is not None and len(found) > EMBEDS_MOST:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS_MOST} or fewer in length.")
    return found


def objects(fields: Mapping[str, Any], key: str) -> list[dict[str, Any]] | None:
    """Return a list of objects, None if the field is absent."""
    if key not in fields:
        return None
    value = fields[key] or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid(key, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    return value


def allowed_mentions(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the object `allowed_mentions`, None if it is absent."""
    value = fields.get("allowed_mentions")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("allowed_mentions", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    for key in ("parse", "users", "roles"):
        listed = value.get(key) or []
        if not isinstance(listed, list) or not all(isinstance(one, str | int) for one in listed):
            raise invalid("allowed_mentions", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        if len(listed) > MENTIONS_MOST:
            raise invalid("allowed_mentions", "BASE_TYPE_MAX_LENGTH", f"Must be {MENTIONS_MOST} or fewer in length.")
    if wrong := set(value.get("parse") or []) - {"users", "roles", "everyone"}:
        raise invalid("allowed_mentions", "BASE_TYPE_CHOICES", f"{wrong} is no kind of mention.")
    return value


def archive_after_min(fields: Mapping[str, Any]) -> int:
    """Return after how many minutes a thread is archived."""
    value = fields.get("auto_archive_duration") or ARCHIVE_AFTER_MIN[1]
    if value not in ARCHIVE_AFTER_MIN:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {ARCHIVE_AFTER_MIN}.")
    return int(value)


def commands(body: Body) -> list[dict[str, Any]]:
    """Return a list of application commands."""
    listed = body.json or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) and one.get("name") for one in listed):
        raise invalid("_", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    return listed


def attachments(body: Body, world: World, kept: list[Attachment]) -> list[Attachment] | None:
    """Return a message's attachments after this call: of those it has the ones named, then the new files.

    None if the call says nothing about attachments.
    """
    listed = objects(body.fields, "attachments")
    if listed is None and not body.files:
        return None
    about = {str(one.get("id")): one for one in listed or []}
    staying = kept if listed is None else [one for one in kept if one.id in about]
    new: list[Attachment] = []
    for index, (file_name, data) in sorted(body.files.items()):
        said = about.get(str(index), {})
        named, spoiler = str(said.get("filename") or file_name), said.get("is_spoiler") is True
        new.append(world.attachment(named, data, said.get("description"), spoiler=spoiler))
    if len(staying) + len(new) > 10:
        raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    return [*staying, *new]


def check_not_empty(text: str, *more: object) -> None:
    """Raise `RefusedError` 50006 for a message that shows nothing."""
    if not text and not any(more):
        raise empty_message()
