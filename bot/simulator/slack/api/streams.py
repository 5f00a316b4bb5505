"""`chat.startStream`, `chat.appendStream`, `chat.stopStream`: a message that grows, and everything that ends it.

Slack docs, reference/methods/chat.startStream and its neighbours. Undocumented and measured: about 12,000 characters
in one message, task cards included, and about 5 minutes from the start, even while text keeps coming.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.simulator.slack.api import chat
from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.api.threads import SESSION_STATUSES, STOPPED
from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.records import Channel, Message, Person, Stream
from bot.simulator.slack.workspace.workspace import Content, Workspace

APPEND_SIZE = 12_000
MESSAGE_SIZE = 12_000
_TASK_TEXTS = ("title", "details", "output")


def start(workspace: Workspace, args: Args) -> dict[str, Any]:
    """chat.startStream: a reply in a thread; outside a DM the recipient and their team are needed."""
    channel = chat.writable(workspace.channel(args.needed("channel", "channel_not_found")))
    thread_ts = args.needed("thread_ts")
    if channel.type != "im":
        _check_recipient(workspace, args)
    if not channel.thread(thread_ts):
        raise SlackError("invalid_thread_ts")
    stream = Stream(workspace.now_s)
    blocks, size = _grown([], stream, _chunks(args))
    stream.size = size
    message = workspace.post(
        channel, workspace.app.bot, Content(blocks=blocks), thread_ts=thread_ts, stream=stream
    )  # fmt: skip
    return {"channel": channel.id, "ts": message.ts}


def append(workspace: Workspace, args: Args) -> dict[str, Any]:
    """chat.appendStream: up to 12,000 characters more."""
    channel, message, stream = _open(workspace, args)
    chunks = _chunks(args)
    if not chunks:
        raise SlackError("no_text")
    blocks, stream.size = _grown(message.blocks, stream, chunks)
    workspace.edit(channel, message, Content(blocks=blocks), flag=False, notify=False)
    return {"channel": channel.id, "ts": message.ts}


def stop(workspace: Workspace, args: Args) -> dict[str, Any]:
    """chat.stopStream: the last text, blocks below it and metadata; after it the message is like any other."""
    channel, message, stream = _open(workspace, args)
    metadata = chat.read_metadata(args)
    status = args.text("session_status") or "active"
    if status not in SESSION_STATUSES:
        raise SlackError("invalid_arguments")
    blocks, size = _grown(message.blocks, stream, _chunks(args))
    below = block_kit.check(args.nested("blocks", "invalid_blocks_format") or [])
    stream.size, stream.state = size, "stopped"
    content = Content(blocks=[*blocks, *below], metadata=metadata)
    workspace.edit(channel, message, content, flag=False)
    session = workspace.sessions.get((channel.id, message.thread_ts))
    if session is not None:
        session["status"] = status
    return {"channel": channel.id, "ts": message.ts, "message": chat.with_metadata(workspace, message)}


def press_stop(workspace: Workspace, who: Person, channel: Channel, thread_ts: str) -> None:
    """Do what Slack does when a person presses Stop: end the thread's streams and tell the app.

    The session stays `processing` until the app says otherwise. Raise `LookupError` if there is no such button.
    """
    status = workspace.sessions.get((channel.id, thread_ts), {}).get("status")
    if status != "processing" or STOPPED in workspace.app.unsubscribed:
        raise LookupError(f"no Stop button: it is shown while a session is processing (now: {status or 'no session'})"
                          f" if the app is subscribed to {STOPPED}")  # fmt: skip
    stopped = [m for m in channel.thread(thread_ts) if workspace.streaming(m)]
    for message in stopped:
        assert message.stream is not None
        message.stream.state = "stopped_by_user"
    event = {"type": STOPPED, "channel": channel.id, "thread_ts": thread_ts, "user": who.id}
    event_ts, ended = workspace.ids.ts(), [message.ts for message in stopped]
    workspace.notify(channel, STOPPED, event | {"event_ts": event_ts, "streaming_message_ts": ended}, thread_ts)


def _check_recipient(workspace: Workspace, args: Args) -> None:
    if "recipient_user_id" not in args:
        raise SlackError("missing_recipient_user_id")
    if "recipient_team_id" not in args:
        raise SlackError("missing_recipient_team_id")
    if args.text("recipient_user_id") not in workspace.people:
        raise SlackError("user_not_found")
    if args.text("recipient_team_id") != workspace.app.team_id:
        raise SlackError("team_not_found")


def _open(workspace: Workspace, args: Args) -> tuple[Channel, Message, Stream]:
    channel = workspace.channel(args.needed("channel", "channel_not_found"))
    message = chat.own(workspace, channel, args.needed("ts"), "message_not_owned_by_app")
    stream = message.stream
    if stream is not None and stream.state == "stopped_by_user":
        raise SlackError("stopped_by_user")
    if stream is None or not workspace.streaming(message):
        raise SlackError("message_not_in_streaming_state")
    return channel, message, stream


def _chunks(args: Args) -> list[Mapping[str, Any]]:
    chunks = args.nested("chunks", "invalid_chunks") or []
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise SlackError("invalid_chunks")
    if "markdown_text" in args:
        if len(args.text("markdown_text")) > APPEND_SIZE:
            raise SlackError("msg_too_long")
        return [{"type": "markdown_text", "text": args.text("markdown_text")}, *chunks]
    return chunks


def _grown(
    blocks: Sequence[Mapping[str, Any]], stream: Stream, chunks: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], int]:
    grown, size, tasks = [dict(block) for block in blocks], stream.size, dict(stream.tasks)
    for chunk in chunks:
        size += _add(grown, tasks, chunk)
    if size > MESSAGE_SIZE or sum(len(str(c.get("text", ""))) for c in chunks) > APPEND_SIZE:
        raise SlackError("msg_too_long")
    stream.tasks = tasks
    return grown, size


def _add(blocks: list[dict[str, Any]], tasks: dict[str, dict[str, Any]], chunk: Mapping[str, Any]) -> int:
    """Add one chunk to the message's blocks; return how much it counts towards the message's size."""
    kind = chunk.get("type")
    if kind == "markdown_text" and isinstance(chunk.get("text"), str):
        if blocks and blocks[-1]["type"] == "markdown":
            blocks[-1]["text"] += chunk["text"]
        elif chunk["text"]:
            blocks.append({"type": "markdown", "text": chunk["text"]})
        return len(chunk["text"])
    if kind == "task_update" and chunk.get("id") and chunk.get("title"):
        return _add_task(blocks, tasks, chunk)
    if kind == "plan_update" and chunk.get("title"):
        plan = {"type": "plan", "text": {"type": "plain_text", "text": chunk["title"]}}
        blocks[:] = [plan, *(block for block in blocks if block["type"] != "plan")]
        return len(chunk["title"])
    if kind == "blocks":
        blocks += block_kit.check(chunk.get("blocks"))
        return 0
    raise SlackError("invalid_chunks")


def _add_task(blocks: list[dict[str, Any]], tasks: dict[str, dict[str, Any]], chunk: Mapping[str, Any]) -> int:
    card = {"type": "task_card", "task_id": chunk["id"], **{k: v for k, v in chunk.items() if k not in {"type", "id"}}}
    places = [i for i, block in enumerate(blocks) if block.get("task_id") == chunk["id"]]
    if places:
        blocks[places[0]] = blocks[places[0]] | card
    else:
        blocks.append(card)
    tasks[chunk["id"]] = card
    return sum(len(str(chunk.get(name) or "")) for name in _TASK_TEXTS)
