"""Slack's messages → the words of `bot.events`, with names for ids."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from bot.errors import PlatformError
from bot.events import Incoming, MessageKey, Person, Said, ThreadKey, Upload
from bot.platforms.kernel.cut import shortened
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Calls, Me
from bot.platforms.slack.read.begun import BegunThreads
from bot.platforms.slack.read.blocks import words_of, words_of_attachments
from bot.platforms.slack.read.channels import Channels
from bot.platforms.slack.read.documents import MEDIA_TYPE, is_document
from bot.platforms.slack.read.mrkdwn import calls_group, channels_in, people_in, to_markdown
from bot.platforms.slack.read.people import People

log = structlog.get_logger()

Message = Mapping[str, Any]
"""A message as Slack gives it, in an event or in a thread (Slack docs, reference/events/message)."""

FORWARDED = "[Forwarded message]"
WRITTEN = frozenset({None, "", "file_share", "thread_broadcast"})
"""The subtypes people's own words come with: none, with files, a reply also sent to the channel."""
_UNSPOKEN = frozenset({
    "bot_add", "bot_remove", "channel_join", "channel_leave", "ekm_access_denied", "group_join", "group_leave",
    "message_changed", "message_deleted", "message_replied", "tombstone",
})  # fmt: skip
"""The subtypes that tell nothing but who came and went, or what is no longer there (Slack docs,
reference/events/message). Any other one has a text that people see."""
_LOOK_UP_S = 2.0
_MOST_CHARACTERS = 8000
"""Of one message in the context, or forwarded: an alert may hold fifty blocks of 3,000 characters."""
_UNREADABLE_MODES = frozenset({"tombstone", "hidden_by_limit", "external"})


class Translator:
    """Reads messages for one workspace."""

    def __init__(self, calls: Calls, people: People) -> None:
        self.channels = Channels(calls)
        self.begun = BegunThreads()
        self._calls = calls
        self._people = people
        self._kinds: dict[str, str] = {}

    async def person(self, user: str) -> Person:
        """Return a person by member id."""
        return await self._people.person(user)

    async def incoming(self, event: Message, team: str, me: Me) -> Incoming:
        """Return a person's message. `team`: the workspace it was received in."""
        channel, ts, text = str(event["channel"]), str(event["ts"]), str(event.get("text") or "")
        root = str(event.get("thread_ts") or ts)
        named = people_in(text)
        (words, uploads), author, kind = await asyncio.gather(
            self._read(event, text, me, without=me.user),
            self._people.person(str(event["user"])),
            self._kind(channel, str(event.get("channel_type") or "")),
        )
        return Incoming(
            key=MessageKey("slack", team, channel, ts),
            thread=ThreadKey("slack", team, channel, root),
            author=author,
            text=words,
            uploads=uploads,
            direct=kind == "im",
            group=kind == "mpim",
            mentions_bot=me.user in named or event.get("type") == "app_mention",
            mentions_others=bool(named - {me.user, event["user"]}) or calls_group(text),
            in_thread=root != ts,
            sent_at_s=float(ts),
            send_id=str(event.get("client_msg_id") or ""),
        )

    async def _kind(self, channel: str, told: str) -> str:
        """Return the `channel_type` of a channel; `told`: the event's own, which an `app_mention` lacks (Slack docs,
        reference/events/app_mention). One that cannot be looked up counts as a channel.
        """
        kind = told or ("im" if channel.startswith("D") else self._kinds.get(channel, ""))
        if not kind:
            try:
                async with asyncio.timeout(_LOOK_UP_S):
                    found = (await self._calls.read("conversations.info", channel=channel))["channel"]
                kind = "mpim" if found.get("is_mpim") else "im" if found.get("is_im") else "channel"
            except (PlatformError, TimeoutError, *MISREAD) as error:
                log.info("slack_channel_unknown", channel=channel, reason=type(error).__name__)
                return "channel"
        self._kinds[channel] = kind
        return kind

    async def said(self, message: Message, me: Me) -> Said | None:
        """Return a message as context; None for one that nobody wrote: a notice, a deleted message."""
        try:
            return await self._said(message, me)
        except MISREAD as error:
            misread("slack_context_unreadable", message, error)
            return None

    async def _said(self, message: Message, me: Me) -> Said | None:
        if message.get("subtype") in _UNSPOKEN:
            return None
        by_bot = is_own(message, me)
        (words, uploads), author = await asyncio.gather(
            self._read(message, words_of(message), me), self._author(message, me)
        )
        words = shortened(words, _MOST_CHARACTERS)
        ts = str(message.get("ts") or "")
        return Said(author, words, uploads, by_bot, ts, sent_at_s=float(ts or 0)) if words or uploads else None

    async def _read(self, message: Message, text: str, me: Me, *, without: str = "") -> tuple[str, tuple[Upload, ...]]:
        """Return a message's words as Markdown, what it forwards quoted and labelled, and its files.

        A line says which files cannot be read. `without`: a member whose mentions are left out of the words.
        """
        shared = [attachment for attachment in message.get("attachments") or () if attachment.get("is_share")]
        attached = [*(message.get("files") or ()), *(file for one in shared for file in one.get("files") or ())]
        words, forwarded, files = await asyncio.gather(
            self._text(text, me, without=without),
            self._text(words_of_attachments(shared), me),
            asyncio.gather(*(self._whole(file) for file in attached)),
        )
        parts = [
            words,
            _quoted(shortened(forwarded, _MOST_CHARACTERS)),
            *(_note(file) for file in files if not _is_readable(file)),
        ]
        uploads = tuple(_upload(file) for file in files if _is_readable(file))
        return "\n\n".join(part for part in parts if part), uploads

    async def _author(self, message: Message, me: Me) -> Person:
        if is_own(message, me):
            return Person(me.user, me.name)
        person = await self._people.person(str(message["user"])) if message.get("user") else None
        if message.get("bot_id") and (person is None or not is_person(message, person)):
            profile = message.get("bot_profile") or {}
            name = message.get("username") or profile.get("name") or message["bot_id"]
            return Person(str(message["bot_id"]), str(name))
        return person or Person("unknown", "unknown")

    async def _text(self, text: str, me: Me, *, without: str = "") -> str:
        people, channels = await asyncio.gather(
            self._people.names(people_in(text) - {me.user}), self.channels.names(channels_in(text))
        )
        return to_markdown(text, {**channels, **people, me.user: me.name}, without=without)

    async def _whole(self, file: Message) -> Message:
        """Return a file object with its address. Files of other organisations come without (Slack docs,
        reference/objects/file-object, `check_file_info`).
        """
        if file.get("file_access") != "check_file_info":
            return file
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                answer = await self._calls.read("files.info", file=str(file["id"]))
        except (PlatformError, TimeoutError) as error:
            reason = error.detail if isinstance(error, PlatformError) else f"no answer within {_LOOK_UP_S} s"
            log.info("slack_file_unknown", file=file["id"], reason=reason)
            return file
        whole: Message = answer.get("file") or file
        return whole if isinstance(whole, dict) else file


def is_own(message: Message, me: Me) -> bool:
    """Return whether the bot itself wrote a message."""
    return message.get("user") == me.user or (bool(me.bot) and message.get("bot_id") == me.bot)


def is_question(event: Message, me: Me) -> bool:
    """Return whether a person wrote this just now: it is no edit."""
    return is_written(event, me) and not event.get("edited")


def is_person(message: Message, author: Person) -> bool:
    """Return whether an author is one. A person may write through an app with their own token: then the message has the
    app's `bot_id`, too, and only the member behind `user` tells that this is no bot.
    """
    return not author.roles & ({"bot", "unknown"} if message.get("bot_id") else {"bot"})


def is_written(message: Message, me: Me) -> bool:
    """Return whether this may be a person's (`is_person` tells whether it is): not ours, no webhook, no notice."""
    return (
        message.get("subtype") in WRITTEN
        and message.get("user") not in {None, "", "USLACKBOT"}
        and not message.get("hidden")
        and not is_own(message, me)
    )


def change_of(event: Message) -> Message | None:
    """Return the message of a `message_changed` event as it is now; None if its author changed neither words nor files.

    (Slack docs, reference/events/message/message_changed. It also comes when Slack adds the preview of a link, and for
    the first reply in a thread.)
    """
    message, before = event.get("message") or {}, event.get("previous_message")
    if before is not None and _substance(message) == _substance(before):
        return None
    return {**message, "channel": event["channel"], "channel_type": event.get("channel_type", "")}


def _substance(message: Message) -> tuple[str, list[str]]:
    return str(message.get("text") or ""), sorted(str(file.get("id")) for file in message.get("files") or ())


def _is_readable(file: Message) -> bool:
    closed = file.get("file_access", "visible") != "visible" or file.get("mode") in _UNREADABLE_MODES
    if closed or file.get("is_external") or not _address(file):
        return False
    try:
        return bool(_upload(file).id)
    except MISREAD as error:
        misread("slack_file_unreadable", file, error)
        return False


def _address(file: Message) -> str:
    return str(file.get("url_private") or file.get("url_private_download") or "")


def _name(file: Message) -> str:
    title = file.get("title") if is_document(file) else ""  # its name says nothing
    return str(title or file.get("name") or file.get("title") or file.get("id") or "")


def _title(file: Message) -> str:
    """Return what people see a file called, if that is not its name: Slack makes one of the name, too."""
    title, name = str(file.get("title") or ""), _name(file)
    return "" if title in {name, name.rpartition(".")[0]} else title


def _upload(file: Message) -> Upload:
    return Upload(
        id=str(file["id"]),
        name=_name(file),
        url=_address(file),
        media_type=MEDIA_TYPE if is_document(file) else str(file.get("mimetype") or ""),
        size_bytes=int(file.get("size") or 0),
        title=_title(file),
    )


def _note(file: Message) -> str:
    return f"[file {_name(file)}{f' ({title})' if (title := _title(file)) else ''} could not be read]"


def _quoted(forwarded: str) -> str:
    return "\n".join([FORWARDED, *(f"> {line}" for line in forwarded.splitlines())]) if forwarded else ""
