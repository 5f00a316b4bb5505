"""Every access to what discord.py does not document. tests/discord/test_sdk.py shows what broke if one of them changes.

discord.py 2.7.1 reads everything that Discord sends, most of which this bot does not need. It raises where a field is
missing, null or of another type: out of its gateway loop, which ends the connection, or out of a call that has already
had its effect. So each event, and each message of a history, is read by itself here, and only what is needed of the
answer to a post.
"""

import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import discord
from discord.gateway import DiscordWebSocket
from discord.http import Ratelimit, Route, handle_message_parameters
from yarl import URL

from bot.platforms.kernel.shape import MISREAD, misread

_NOBODY = discord.AllowedMentions.none()
_PAGE = 100
"""The most messages at a time (Discord docs, resources/message, Get Channel Messages)."""
_MISSING: Any = discord.utils.MISSING

API_URL = Route.BASE
GATEWAY_URL = DiscordWebSocket.DEFAULT_GATEWAY
"""Discord's own addresses."""


class UnreadableSessionError(Exception):
    """discord.py cannot read how a session began: it is to be begun anew."""


class UnreadableAnswerError(discord.DiscordException):
    """A call had its effect, but Discord's answer does not tell which."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message of the bot as Discord shows it. `button_ids`: the `custom_id`s of its buttons."""

    id: str
    content: str
    button_ids: tuple[str, ...] = ()


def use_addresses(api_url: str, gateway_url: URL) -> None:
    """Make all clients of this process use these addresses: discord.py (2.7.1) keeps them in its classes."""
    Route.BASE = api_url
    DiscordWebSocket.DEFAULT_GATEWAY = gateway_url


def api_url() -> URL:
    """Return the address that calls are made to."""
    return URL(Route.BASE)


class _NoQueue(Ratelimit):
    """A bucket of discord.py in which no call waits, before it or after it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


def queue_nothing(client: discord.Client) -> None:
    """Make a client's calls begin and return at once: `limits` says when (discord.py 2.7.1 has no setting for it)."""
    no_queue = _NoQueue(None)
    client.http.get_ratelimit = lambda _: no_queue  # type: ignore[assignment, method-assign]


async def sessions_left(client: discord.Client) -> tuple[int, float]:
    """Return how many new sessions the bot may begin, and in how many seconds Discord resets the count (docs,
    events/gateway, "Session Start Limit Object"). Raise `discord.DiscordException`.
    """
    _, _, allowed = await client.http.get_bot_gateway()
    return allowed["remaining"], allowed["reset_after"] / 1000


def is_session_lost(client: discord.Client) -> bool:
    """Return whether a client was connected and has no session to resume."""
    return client.ws is not None and client.ws.session_id is None


def was_connected(client: discord.Client) -> bool:
    """Return whether a client ever had a connection: without one discord.py (2.7.1) fails to read its session."""
    return bool(client.ws)


async def close_calls(client: discord.Client) -> None:
    """Close a client's session for calls, whatever happens to its gateway."""
    await client.http.close()


def guard_events(client: discord.Client) -> None:
    """Log an event that cannot be read, and keep the connection; only the one that begins a session must be readable.

    If that one is not, `client.connect` raises `UnreadableSessionError`. The parsers are in `ConnectionState.parsers`,
    which each connection of the client uses (2.7.1, state.py).
    """
    parsers: dict[str, Callable[[Any], None]] = client._connection.parsers  # noqa: SLF001
    for event, parse in list(parsers.items()):
        parsers[event] = _guarded(event, parse)


def _guarded(event: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
    def read(data: Any) -> None:
        try:
            parse(data)
        except ConnectionError:  # the listener gives the connection up
            raise
        except Exception as error:
            misread("discord_event_unreadable", data, error, kind=event)
            if event == "READY":
                raise UnreadableSessionError from error

    return read


def check(message: discord.Message) -> None:
    """Raise `TypeError` if a field that we read is of another type: discord.py takes most fields as they are."""
    texts = [message.content, message.author.name, message.author.display_name]
    numbers: list[object] = [message.type.value]
    shows: list[Any] = [message, *message.message_snapshots]
    for shown in shows:
        texts.append(shown.content)
        texts += [text for file in shown.attachments for text in (file.filename, file.url, file.content_type or "")]
        numbers += [file.size for file in shown.attachments]
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, int) for number in numbers):
        raise TypeError("a field of another type")


async def send(
    client: discord.Client,
    place: int,
    content: str = _MISSING,
    *,
    nonce: str,
    view: discord.ui.View | None = _MISSING,
    file: tuple[str, bytes] | None = None,
    reply_to: int | None = None,
    plain: bool = False,
) -> Posted:
    """Post a message that pings nobody and has no previews. `reply_to`: a message of the same place, there or not.

    `plain`: as text alone. Raise `discord.DiscordException`.
    """
    reference = {"message_id": str(reply_to), "channel_id": str(place), "fail_if_not_exists": False}
    params = handle_message_parameters(
        content,
        nonce=nonce,  # with it, discord.py sets enforce_nonce
        flags=_MISSING if plain else discord.MessageFlags(suppress_embeds=True),
        view=_MISSING if plain or view is None else view,
        file=_MISSING if file is None else discord.File(io.BytesIO(file[1]), file[0]),
        allowed_mentions=_NOBODY,
        message_reference=_MISSING if plain or reply_to is None else reference,  # type: ignore[arg-type]
    )
    with params:
        return _posted(await client.http.send_message(place, params=params))


async def edit(
    client: discord.Client, place: int, message: int, content: str, view: discord.ui.View | None = _MISSING
) -> None:
    """Replace a message's text, and if a `view` is given, its buttons (None: by none).

    Unlike `Message.edit` of discord.py 2.7.1 it sends no `flags: 0`, which brings previews back. The answer is not
    read. Raise `discord.DiscordException`.
    """
    with handle_message_parameters(content, view=view, allowed_mentions=_NOBODY) as params:
        await client.http.edit_message(place, message, params=params)


async def delete(client: discord.Client, place: int, message: int) -> None:
    """Delete a message. Raise `discord.DiscordException`."""
    await client.http.delete_message(place, message)


async def open_thread(client: discord.Client, place: int, message: int, name: str) -> None:
    """Open a thread on a message, archived after a day without a message; its id is the message's own (docs,
    topics/threads). Raise `discord.DiscordException`.
    """
    await client.http.start_thread_with_message(place, message, name=name, auto_archive_duration=1440)


async def set_archived(client: discord.Client, thread: int, *, archived: bool) -> None:
    """Archive a thread, or reopen it. Raise `discord.DiscordException`."""
    await client.http.edit_channel(thread, archived=archived)


async def delete_channel(client: discord.Client, place: int) -> None:
    """Delete a channel or a thread. Raise `discord.DiscordException`."""
    await client.http.delete_channel(place)


async def look_up(client: discord.Client, place: int) -> None:
    """Check that a channel or a thread is there. Raise `discord.DiscordException`."""
    await client.http.get_channel(place)


async def read_message(client: discord.Client, place: int, message: int) -> discord.Message:
    """Return one message. Raise `discord.DiscordException`, and `MISREAD` if it cannot be read."""
    data = await client.http.get_message(place, message)
    try:
        return _message(client, place, data)
    except MISREAD as error:
        misread("discord_message_unreadable", data, error, channel=place)
        raise


async def history(
    client: discord.Client,
    place: int,
    limit: int,
    *,
    before: int | None = None,
    after: int | None = None,
    until: int | None = None,
    channel: Any = None,
) -> AsyncIterator[discord.Message]:
    """Yield up to `limit` messages of a channel, newest first; with `after` oldest first. One that cannot be read is
    left out, and logged. `until`: the page with this message, or an older one, is the last. `channel`: discord.py's
    object for the place, if it is not in its cache.

    Raise `discord.DiscordException`, and `MISREAD` if the answer is no list of messages.
    """
    while limit > 0:
        page: Sequence[Any] = await client.http.logs_from(place, min(limit, _PAGE), before=before, after=after)
        ids = [int(data["id"]) for data in page if _has_id(data)]
        for data in page[::-1] if after is not None else page:
            try:
                message = _message(client, place, data, channel)
            except MISREAD as error:
                misread("discord_message_unreadable", data, error, channel=place)
            else:
                yield message
        if len(page) < _PAGE or not ids or (until is not None and min(ids) <= until):
            return
        limit -= len(page)
        before, after = (None, max(ids)) if after is not None else (min(ids), None)


def _has_id(data: Any) -> bool:
    return isinstance(data, Mapping) and str(data.get("id")).isdigit()


def _message(client: discord.Client, place: int, data: Any, channel: Any = None) -> discord.Message:
    where: Any = channel or client.get_channel(place) or client.get_partial_messageable(place)
    message = discord.Message(state=client._connection, channel=where, data=data)  # noqa: SLF001
    check(message)
    return message


def _posted(data: Any) -> Posted:
    try:
        rows = data.get("components") or ()
        found = [part.get("custom_id") for row in rows for part in row.get("components") or ()]
        return Posted(str(int(data["id"])), str(data.get("content") or ""), tuple(map(str, found)))
    except MISREAD as error:
        misread("discord_answer_unreadable", data, error)
        if _has_id(data):
            return Posted(str(data["id"]), str(data.get("content") or ""))
        raise UnreadableAnswerError("a message without an id") from error
