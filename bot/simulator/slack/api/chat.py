"""`chat.*`, as far as posting, editing and deleting goes. Streams have their own file.

Slack docs, reference/methods/chat.postMessage, chat.update and chat.postEphemeral. Seen, not documented: most sizes,
and that an open stream refuses an edit with `streaming_state_conflict` and a deletion with `cant_delete_message`.
"""

from typing import Any

from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace import mrkdwn
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.records import Channel, Message
from bot.simulator.slack.workspace.workspace import Content, Workspace

MARKDOWN_TEXT_SIZE = 12_000
POST_TEXT_SIZE = 40_000
UPDATE_TEXT_SIZE = 4_000


def post_message(workspace: Workspace, args: Args) -> dict[str, Any]:
    """chat.postMessage: text over 40,000 characters is cut off, not refused."""
    channel = writable(place(workspace, args))
    content = read_content(args)
    unfurl: dict[str, bool] = {n: args.flag(n) for n in ("unfurl_links", "unfurl_media") if n in args.values}
    broadcast = args.flag("reply_broadcast")
    thread_ts = args.text("thread_ts")
    message = workspace.post(
        channel, workspace.app.bot, content, thread_ts=thread_ts, broadcast=broadcast, unfurl=unfurl
    )  # fmt: skip
    return {"channel": channel.id, "ts": message.ts, "message": with_metadata(workspace, message)}


def post_ephemeral(workspace: Workspace, args: Args) -> dict[str, Any]:
    """chat.postEphemeral: shown to one member of the channel, and not in its history."""
    channel = writable(place(workspace, args))
    if args.needed("user") not in channel.members:
        raise SlackError("user_not_in_channel")
    content = read_content(args)
    return {"message_ts": workspace.whisper(channel, args.text("user"), content, thread_ts=args.text("thread_ts"))}


def update(workspace: Workspace, args: Args) -> dict[str, Any]:
    """chat.update: what is not given stays, except that text without blocks takes the blocks away."""
    channel = workspace.channel(args.needed("channel"))
    message = own(workspace, channel, args.needed("ts"), "cant_update_message")
    if workspace.streaming(message):
        raise SlackError("streaming_state_conflict")
    content = read_content(args, update=True)
    if len(args.text("text")) > UPDATE_TEXT_SIZE:
        raise SlackError("msg_too_long")
    if "text" not in args and "markdown_text" not in args and args.values.get("blocks") is None:
        content.blocks, content.text = message.blocks, message.text
    if args.values.get("attachments") is None:
        content.attachments = message.attachments
    workspace.edit(channel, message, content, flag="text" in args and not content.blocks)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": with_metadata(workspace, message)}


def delete(workspace: Workspace, args: Args) -> dict[str, Any]:
    """chat.delete."""
    channel = workspace.channel(args.needed("channel"))
    message = own(workspace, channel, args.needed("ts"), "cant_delete_message")
    if workspace.streaming(message):
        raise SlackError("cant_delete_message")
    workspace.delete(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def place(workspace: Workspace, args: Args) -> Channel:
    """Return the conversation a post goes to: by id, by a person's id (their DM) or by `#name`."""
    return place_called(workspace, args.needed("channel", "channel_not_found"))


def place_called(workspace: Workspace, name: str) -> Channel:
    """Return the conversation of this id, of the person of this id, or `#name`. Raise `SlackError`."""
    person = workspace.people.get(name)
    if person is not None and not person.bot_id:
        return workspace.direct([person])
    for channel in workspace.channels.values():
        if channel.name and channel.name == name.removeprefix("#"):
            return channel
    return workspace.channel(name)


def writable(channel: Channel) -> Channel:
    """Return the channel if the bot may write there. Raise `SlackError` (`not_in_channel`)."""
    if not channel.bot_member:
        raise SlackError("not_in_channel")
    return channel


def own(workspace: Workspace, channel: Channel, ts: str, error: str) -> Message:
    """Return one of the bot's own messages. Raise `SlackError`."""
    message = workspace.message(channel, ts)
    if message.user != workspace.app.bot.id:
        raise SlackError(error)
    return message


def with_metadata(workspace: Workspace, message: Message) -> dict[str, Any]:
    """Return a message with its metadata, as its own app gets it."""
    body = workspace.json(message)
    return body | ({"metadata": message.metadata} if message.metadata else {})


def read_content(args: Args, *, update: bool = False) -> Content:
    """Return what a call wants a message to say, checked. Raise `SlackError` as Slack refuses it."""
    markdown = args.text("markdown_text")
    blocks = block_kit.check(args.nested("blocks", "invalid_blocks_format") or [])
    attachments = args.nested("attachments", "invalid_attachments") or []
    content = Content(mrkdwn.sent(args.text("text")[:POST_TEXT_SIZE]), blocks, attachments, read_metadata(args))
    content.names_too = args.flag("link_names") or args.text("parse") == "full"
    if markdown:
        if "text" in args or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_TEXT_SIZE:
            raise SlackError("msg_too_long")
        content.blocks = [{"type": "markdown", "text": markdown}]
    given = update and any(args.values.get(name) is not None for name in ("attachments", "metadata"))
    if not (content.text.strip() or content.blocks or attachments or given):
        raise SlackError("no_text")
    return content


def read_metadata(args: Args) -> dict[str, Any]:
    """Return a call's message metadata (Slack docs, messaging/message-metadata), {} if it has none."""
    metadata = args.nested("metadata", "invalid_metadata_format")
    if not metadata:
        return {}
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    return metadata
