"""Attachments' addresses: signed, and not for ever (Discord docs, reference, "Signed Attachment CDN URLs")."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from bot.simulator.discord.world.model import Attachment
from bot.simulator.discord.world.settings import Settings
from bot.simulator.loopback import Loopback


@dataclass(frozen=True, slots=True)
class _Signed:
    signature: str
    query: str
    since_s: float


class Cdn:
    """Signs addresses and serves the files behind them.

    An address older than `settings.link_lifetime_s`, by the event loop's clock, answers 404. One younger than half of
    that is given out again, so that few are alive at a time.
    """

    def __init__(self, settings: Settings, server: Loopback) -> None:
        self._settings = settings
        self._server = server
        self._files: dict[str, Attachment] = {}
        self._alive: dict[str, list[_Signed]] = {}

    def sign(self, channel: str, attachment: Attachment) -> str:
        """Return an address at which the file can be fetched for a while."""
        key = f"{channel}/{attachment.id}"
        self._files[key] = attachment
        alive = self._alive[key] = self._still_alive(key)
        now_s = asyncio.get_running_loop().time()
        if not alive or now_s - alive[-1].since_s > self._settings.link_lifetime_s / 2:
            signature, issued = secrets.token_hex(32), int(time.time())
            query = f"ex={issued + int(self._settings.link_lifetime_s):x}&is={issued:x}&hm={signature}&"
            alive.append(_Signed(signature, query, now_s))
        return f"http://{self._server.host}/attachments/{key}/{quote(attachment.name, safe='')}?{alive[-1].query}"

    def expire(self) -> None:
        """Make every address given out so far answer 404; a message fetched from now on has fresh ones."""
        self._alive.clear()

    def forget(self, channel: str, attachment: Attachment) -> None:
        """Delete a file."""
        self._files.pop(f"{channel}/{attachment.id}", None)
        self._alive.pop(f"{channel}/{attachment.id}", None)

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a GET of `/attachments/<channel>/<id>/<name>`."""
        key = f"{request.match_info['channel']}/{request.match_info['attachment']}"
        file = self._files.get(key)
        if file is None or file.name != request.match_info["name"]:
            return web.Response(status=404)
        if request.query.get("hm") not in {one.signature for one in self._still_alive(key)}:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=file.data, headers={"Content-Type": file.media_type or "application/octet-stream"})

    def _still_alive(self, key: str) -> list[_Signed]:
        oldest_s = asyncio.get_running_loop().time() - self._settings.link_lifetime_s
        return [one for one in self._alive.get(key, []) if one.since_s >= oldest_s]
