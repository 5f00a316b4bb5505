"""`conversations.*`: what was said where, and who is there.

Slack docs, reference/methods/conversations.history and conversations.replies: history is newest first, replies are
oldest first with the root always included; `oldest` and `latest` are exclusive unless `inclusive`. Apps that are sold
outside of the Marketplace get 15 objects at most, once a minute (Slack docs, apis/web-api/rate-limits): `slow_history`.
"""

import base64
from collections.abc import Sequence
from typing import Any

from bot.simulator.slack.api import chat
from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.records import Channel, Message, channel_json
from bot.simulator.slack.workspace.workspace import Workspace

SLOW_PAGE = 15
_KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


def info(workspace: Workspace, args: Args) -> dict[str, Any]:
    """conversations.info."""
    return {"channel": channel_json(workspace.channel(args.needed("channel", "channel_not_found")))}


def mine(workspace: Workspace, args: Args) -> dict[str, Any]:
    """users.conversations: where the bot is; `types` as in Slack, public channels if not given."""
    kinds = [_KINDS.get(kind.strip()) for kind in (args.text("types") or "public_channel").split(",")]
    if None in kinds:
        raise SlackError("invalid_types")
    found = [c for c in workspace.channels.values() if c.bot_member and c.type in kinds]
    page, cursor = _page(found, args, 100)
    return {"channels": [channel_json(c) for c in page], "response_metadata": {"next_cursor": cursor}}


def open_(workspace: Workspace, args: Args) -> dict[str, Any]:
    """conversations.open: the DM with one person or the group DM with several."""
    if "channel" in args:
        return {"channel": {"id": workspace.channel(args.text("channel")).id}}
    people = [workspace.people.get(id_.strip()) for id_ in args.needed("users", "users_list_not_supplied").split(",")]
    found = [person for person in people if person is not None]
    if len(found) < len(people):
        raise SlackError("user_not_found")
    channel = workspace.direct(found)
    return {"channel": channel_json(channel) if args.flag("return_im") else {"id": channel.id}}


def members(workspace: Workspace, args: Args) -> dict[str, Any]:
    """conversations.members."""
    channel = workspace.channel(args.needed("channel", "channel_not_found"))
    page, cursor = _page(channel.members, args, 100)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def history(workspace: Workspace, args: Args) -> dict[str, Any]:
    """conversations.history: what the channel itself shows, newest first."""
    channel = _readable(workspace, args)
    found = [m for m in reversed(channel.timeline()) if _within(m, args)]
    page, cursor = _page(found, args, 100, SLOW_PAGE if workspace.settings.slow_history else 1000)
    return _answer(workspace, page, cursor, args)


def replies(workspace: Workspace, args: Args) -> dict[str, Any]:
    """conversations.replies: a thread, oldest first; a reply's own `ts` gives that reply alone."""
    channel = _readable(workspace, args)
    ts = args.needed("ts", "invalid_arguments")
    if ts not in channel.messages:
        raise SlackError("thread_not_found")
    root, *rest = channel.thread(ts) or [channel.messages[ts]]
    most = SLOW_PAGE - 1 if workspace.settings.slow_history else 1000  # the root is an object, too
    page, cursor = _page([m for m in rest if _within(m, args)], args, 1000, most)
    return _answer(workspace, [root, *page], cursor, args)


def _readable(workspace: Workspace, args: Args) -> Channel:
    return chat.writable(workspace.channel(args.needed("channel", "channel_not_found")))


def _within(message: Message, args: Args) -> bool:
    oldest, latest = args.text("oldest") or "0", args.text("latest") or "9999999999"
    try:
        low, at, high = (_micros(ts) for ts in (oldest, message.ts, latest))
    except ValueError:
        raise SlackError("invalid_ts_oldest" if not _is_ts(oldest) else "invalid_ts_latest") from None
    return low <= at <= high if args.flag("inclusive") else low < at < high


def _micros(ts: str) -> int:
    seconds, _, decimals = ts.partition(".")
    return int(seconds) * 1_000_000 + int(decimals[:6].ljust(6, "0"))


def _is_ts(ts: str) -> bool:
    return ts.replace(".", "", 1).isdigit()


def _page(found: Sequence[Any], args: Args, default: int, most: int = 1000) -> tuple[list[Any], str]:
    start = _offset(args.text("cursor"))
    size = max(1, min(args.number("limit", default), most))
    more = start + size < len(found)
    return list(found[start : start + size]), _cursor(start + size) if more else ""


def _cursor(offset: int) -> str:
    return base64.b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("next:"))
    except ValueError:
        raise SlackError("invalid_cursor") from None


def _answer(workspace: Workspace, messages: Sequence[Message], cursor: str, args: Args) -> dict[str, Any]:
    full = args.flag("include_all_metadata")
    bodies = [chat.with_metadata(workspace, m) if full else workspace.json(m) for m in messages]
    return {"messages": bodies, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}
