"""Files: what is known of one, sending one in three steps, and giving one out.

Slack docs, messaging/working-with-files and reference/methods/files.completeUploadExternal. A download without the
app's token is answered with status 200 and a login page. Seen, not documented: the last step's answer does not say
where the files were shared, and a `markdown` block in it is an `internal_error` (slackapi/python-slack-sdk#1756).
"""

from typing import Any

from aiohttp import web

from bot.simulator.slack.api import chat
from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace import mrkdwn
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.file_objects import File, FileKind, Shared, file_json
from bot.simulator.slack.workspace.records import Channel, Message
from bot.simulator.slack.workspace.workspace import Content, Workspace

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to go on</body></html>"

_SHARED_NOWHERE: dict[str, Any] = {"shares": {}, "channels": [], "groups": [], "ims": []}


class Files:
    """The file methods, and the two places where bytes go in and out."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._announced: dict[str, tuple[str, int, FileKind]] = {}
        self._sent: dict[str, bytes] = {}

    def info(self, workspace: Workspace, args: Args) -> dict[str, Any]:
        """files.info: also where the file was shared, which the answer of an upload does not know yet."""
        file = workspace.files.get(args.needed("file", "file_not_found"))
        if file is None:
            raise SlackError("file_not_found")
        body = file_json(file, workspace.app.team_id) | _shared_in(workspace, file)
        return {"file": body, "comments": [], "response_metadata": {"next_cursor": ""}}

    def announce(self, workspace: Workspace, args: Args) -> dict[str, Any]:
        """files.getUploadURLExternal: step one."""
        name, length = args.needed("filename"), args.number("length", 0)
        if length < 1:
            raise SlackError("invalid_arguments")
        file_id = workspace.ids.new("F")
        self._announced[file_id] = (name, length, "snippet" if "snippet_type" in args else "file")
        return {"upload_url": f"http://{workspace.server.host}/upload/v1/{file_id}", "file_id": file_id}

    async def receive(self, request: web.Request) -> web.Response:
        """Step two: the bytes, to the address that step one gave."""
        file_id = request.match_info["file_id"]
        if file_id not in self._announced:
            raise web.HTTPNotFound(text="no such upload")
        data = await request.read()
        if len(data) != self._announced[file_id][1]:
            raise web.HTTPBadRequest(text="the length differs from the one that was announced")
        self._sent[file_id] = data
        return web.Response(text=f"OK - {len(data)}")

    def complete(self, workspace: Workspace, args: Args) -> dict[str, Any]:
        """files.completeUploadExternal: step three; with a channel, the files are posted there, in one message."""
        listed = args.nested("files", "invalid_arguments")
        if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) for entry in listed):
            raise SlackError("invalid_arguments")
        if not all(entry.get("id") in self._sent for entry in listed):
            raise SlackError("file_not_found")
        names = filter(None, [args.text("channel_id"), *args.text("channels").split(",")])
        places = [chat.writable(chat.place_called(workspace, name)) for name in names]
        thread_ts = args.text("thread_ts")
        if thread_ts and not all(place.thread(thread_ts) for place in places):
            raise SlackError("thread_not_found")
        content = _comment(args)
        content.files = [self._keep(str(entry["id"]), str(entry.get("title") or "")) for entry in listed]
        for place in places:
            workspace.share(place, content, thread_ts)
        return {"files": [file_json(file, workspace.app.team_id) | _SHARED_NOWHERE for file in content.files]}

    def _keep(self, file_id: str, title: str) -> File:
        name, _, kind = self._announced.pop(file_id)
        shared = Shared(name, self._sent.pop(file_id), kind, title)
        return self._workspace.add_file(shared, self._workspace.app.bot.id, file_id=file_id)

    def give(self, request: web.Request, *, allowed: bool) -> web.Response:
        """Answer a download of `url_private` or `url_private_download`; `allowed`: it brought the app's token."""
        file = self._workspace.files.get(request.match_info["owner"].rpartition("-")[2])
        if not allowed:
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        if file is None:
            raise web.HTTPNotFound(text="no such file")
        return web.Response(body=file.data, content_type=file.served_as)


def _comment(args: Args) -> Content:
    """Return what an upload's message says: `initial_comment`, or else `blocks`."""
    text = mrkdwn.sent(args.text("initial_comment"))
    if text:
        return Content(text)
    blocks = block_kit.check(args.nested("blocks", "invalid_blocks_format") or [])
    if any(block["type"] == "markdown" for block in blocks):
        raise SlackError("internal_error")
    return Content(blocks=blocks)


def _shared_in(workspace: Workspace, file: File) -> dict[str, Any]:
    """Return where a file was shared (Slack docs, reference/objects/file-object)."""
    shares: dict[str, dict[str, list[dict[str, Any]]]] = {}
    places: dict[str, list[str]] = {"channel": [], "group": [], "im": [], "mpim": []}
    for channel in workspace.channels.values():
        found = [_share(channel, message) for message in channel.messages.values() if file in message.files]
        if found:
            shares.setdefault("public" if channel.type == "channel" else "private", {})[channel.id] = found
            places[channel.type].append(channel.id)
    return {
        "shares": shares, "channels": places["channel"], "groups": [*places["group"], *places["mpim"]],
        "ims": places["im"], "is_public": bool(places["channel"]),
    }  # fmt: skip


def _share(channel: Channel, message: Message) -> dict[str, Any]:
    replies = channel.thread(message.ts)[1:]
    users = list(dict.fromkeys(reply.user for reply in replies))
    share = {"ts": message.ts, "channel_name": channel.name, "share_user_id": message.user}
    share |= {"thread_ts": message.thread_ts} if message.thread_ts else {}
    return share | {"reply_count": len(replies), "reply_users": users, "reply_users_count": len(users)}
