"""Files: what is known of one, sending one in three steps, and giving one out.

Slack docs, working-with-files. A download without the app's token is answered with status 200 and a login page.
"""

from typing import Any

from aiohttp import web

from bot.simulator.slack import chat
from bot.simulator.slack.calls import Args
from bot.simulator.slack.errors import SlackError
from bot.simulator.slack.records import File, file_json
from bot.simulator.slack.workspace import Content, Workspace

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to go on</body></html>"


class Files:
    """The file methods, and the two places where bytes go in and out."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._announced: dict[str, tuple[str, int]] = {}
        self._sent: dict[str, bytes] = {}

    def info(self, workspace: Workspace, args: Args) -> dict[str, Any]:
        """files.info."""
        file = workspace.files.get(args.needed("file", "file_not_found"))
        if file is None:
            raise SlackError("file_not_found")
        return {"file": file_json(file), "comments": [], "response_metadata": {"next_cursor": ""}}

    def announce(self, workspace: Workspace, args: Args) -> dict[str, Any]:
        """files.getUploadURLExternal: step one."""
        name, length = args.needed("filename"), args.number("length", 0)
        if length < 1:
            raise SlackError("invalid_arguments")
        file_id = workspace.new_id("F")
        self._announced[file_id] = (name, length)
        return {"upload_url": f"http://{workspace.file_host}/upload/v1/{file_id}", "file_id": file_id}

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
        """files.completeUploadExternal: step three; with a channel, the files are posted there."""
        listed = args.nested("files", "invalid_arguments")
        if not isinstance(listed, list) or not listed:
            raise SlackError("invalid_arguments")
        ids = [str(entry.get("id", "")) for entry in listed]
        if not all(file_id in self._sent for file_id in ids):
            raise SlackError("file_not_found")
        files = [self._keep(file_id) for file_id in ids]
        for channel_id in filter(None, [args.text("channel_id"), *args.text("channels").split(",")]):
            channel = chat.writable(workspace.channel(channel_id))
            content = Content(args.text("initial_comment"), files=files)
            workspace.post(channel, workspace.bot, content, thread_ts=args.text("thread_ts"))
        return {"files": [file_json(file) for file in files]}

    def _keep(self, file_id: str) -> File:
        name, _ = self._announced.pop(file_id)
        return self._workspace.add_file(name, self._sent.pop(file_id), self._workspace.bot.id, file_id=file_id)

    def give(self, request: web.Request, *, allowed: bool) -> web.Response:
        """Answer a download of `url_private` or `url_private_download`; `allowed`: it brought the app's token."""
        file = self._workspace.files.get(request.match_info["owner"].rpartition("-")[2])
        if not allowed:
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        if file is None:
            raise web.HTTPNotFound(text="no such file")
        return web.Response(body=file.data, content_type=file.media_type)
