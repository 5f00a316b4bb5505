"""Files from strangers' addresses: from the listed hosts only, in bounded bytes and time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from bot.errors import MediaError
from bot.media.download import LinkExpired, RedirectRefused, fetch

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FileHost:
    """A host that answers as a test says, and keeps what it was asked."""

    port: int = 0
    routes: dict[str, Handler] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.authority}/{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        return await self.routes[request.path](request)

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        async def moved(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": to})

        self.routes[path] = moved

    def give(self, path: str, body: bytes = b"data", status: int = 200, content_type: str = "image/png") -> None:
        async def given(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status, content_type=content_type)

        self.routes[path] = given


@pytest.fixture
async def start() -> AsyncIterator[Callable[[], Awaitable[FileHost]]]:
    runners = []

    async def begin() -> FileHost:
        host = FileHost()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", host.answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server
        host.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        return host

    yield begin
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def host(start: Callable[[], Awaitable[FileHost]]) -> FileHost:
    return await start()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_a_file_comes_back_whole(session: aiohttp.ClientSession, host: FileHost) -> None:
    body = bytes(range(256)) * 4000
    host.give("/cat.png", body)
    assert await fetch(session, host.url("cat.png?ex=1"), hosts=[host.authority], max_bytes=len(body)) == body


async def test_a_web_page_comes_back_like_any_file(session: aiohttp.ClientSession, host: FileHost) -> None:
    host.give("/cat.png", b"<!DOCTYPE html>", content_type="text/html")
    assert await fetch(session, host.url("cat.png"), hosts=[host.authority], max_bytes=99) == b"<!DOCTYPE html>"


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/a.png",
        "https://cdn.discordapp.com:8443/a.png",
        "https://cdn.discordapp.com:80/a.png",
        "https://cdn.discordapp.com./a.png",
        "https://cdn.discordapp.com@evil.example/a.png",
        "https://user:secret@cdn.discordapp.com/a.png",
        "https://cdn.discordapp.com.evil.example/a.png",
        "https://evil.example/cdn.discordapp.com/a.png",
        "https://evil.example#@cdn.discordapp.com/a.png",
        "https://evil.example\\@cdn.discordapp.com/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://2130706433/a.png",
        "http://[::1]/a.png",
        "http://[::ffff:127.0.0.1]/a.png",
        "http://localhost/a.png",
        "http://127.0.0.1:1/a.png",
        "ftp://cdn.discordapp.com/a.png",
        "file:///etc/passwd",
        "data:text/plain,hello",
        "//cdn.discordapp.com/a.png",
        "https://",
        "https://[",
        "https://cdn.discordapp.com:99999/a.png",
        "",
    ],
)
async def test_no_other_address_is_asked(session: aiohttp.ClientSession, url: str) -> None:
    """The guard of the tests fails on a connection to anywhere else; here there is none at all."""
    with pytest.raises(MediaError, match="address"):
        await fetch(session, url, hosts={"cdn.discordapp.com", "127.0.0.1:2"}, max_bytes=99)


async def test_a_redirect_within_the_host_is_followed_with_the_token(
    session: aiohttp.ClientSession, host: FileHost
) -> None:
    host.redirect("/a", "/b?x=1")
    host.give("/b")
    token = {"Authorization": "Bearer xoxb-1"}
    assert await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=9, headers=token) == b"data"
    assert host.asked == [("/a", "Bearer xoxb-1"), ("/b", "Bearer xoxb-1")]


async def test_a_redirect_to_another_allowed_host_does_not_get_the_token_and_neither_does_the_way_back(
    session: aiohttp.ClientSession, host: FileHost, start: Callable[[], Awaitable[FileHost]]
) -> None:
    other = await start()
    host.redirect("/a", other.url("b"))
    other.redirect("/b", host.url("c"))
    host.give("/c")
    token = {"Authorization": "Bearer xoxb-1"}
    allowed = [host.authority, other.authority]
    assert await fetch(session, host.url("a"), hosts=allowed, max_bytes=9, headers=token) == b"data"
    assert (host.asked, other.asked) == ([("/a", "Bearer xoxb-1"), ("/c", "")], [("/b", "")])


@pytest.mark.parametrize(
    "target",
    ["http://localhost:{port}/x", "http://169.254.169.254/latest", "http://[::1]:{port}/x", "file:///etc/passwd",
     "https://evil.example/x", "//evil.example/x", "http://u:p@127.0.0.1:{other}/x", "http://["],
)  # fmt: skip
async def test_a_redirect_elsewhere_is_refused(session: aiohttp.ClientSession, host: FileHost, target: str) -> None:
    host.redirect("/a", target.replace("{port}", str(host.port)).replace("{other}", str(host.port)))
    with pytest.raises(RedirectRefused):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=9)
    assert host.asked == [("/a", "")]


async def test_a_loop_of_redirects_ends(session: aiohttp.ClientSession, host: FileHost) -> None:
    host.redirect("/a", "/a", status=308)
    with pytest.raises(MediaError, match="one address to the next"):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=9)
    assert len(host.asked) == 4


async def test_an_endless_body_is_cut_off(session: aiohttp.ClientSession, host: FileHost) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            host.hung_up.set()

    host.routes["/a.bin"] = endless
    with pytest.raises(MediaError, match=r"a\.bin: it is larger than 1 MB"):
        await fetch(session, host.url("a.bin"), hosts=[host.authority], max_bytes=1_000_000)
    async with asyncio.timeout(120):
        await host.hung_up.wait()


async def test_a_body_that_says_it_is_too_large_is_not_read(session: aiohttp.ClientSession, host: FileHost) -> None:
    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10000000000"})
        await response.prepare(request)
        try:
            await asyncio.Event().wait()
        finally:
            host.hung_up.set()
        return response

    host.routes["/a"] = large
    with pytest.raises(MediaError, match="larger than 99 bytes"):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=99)
    async with asyncio.timeout(120):
        await host.hung_up.wait()


async def test_a_small_body_that_unfolds_is_measured_unfolded(session: aiohttp.ClientSession, host: FileHost) -> None:
    async def packed(_: web.Request) -> web.Response:
        response = web.Response(body=b"x" * 10_000_000)
        response.enable_compression(web.ContentCoding.gzip, strategy=0)
        return response

    host.routes["/a"] = packed
    with pytest.raises(MediaError, match="larger than"):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=100_000)


async def test_a_slow_body_is_given_up(session: aiohttp.ClientSession, host: FileHost) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        try:
            await asyncio.Event().wait()
        finally:
            host.hung_up.set()
        return response

    host.routes["/a"] = slow
    with pytest.raises(MediaError, match=r"longer than 0\.2 seconds"):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=99, timeout_s=0.2)
    async with asyncio.timeout(120):
        await host.hung_up.wait()


async def test_a_body_that_drips_is_given_up_though_it_never_stops(
    session: aiohttp.ClientSession, host: FileHost
) -> None:
    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.01)  # the slowness itself
        finally:
            host.hung_up.set()

    host.routes["/a"] = dripping
    with pytest.raises(MediaError, match=r"longer than 0\.2 seconds"):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=10_000, timeout_s=0.2)
    async with asyncio.timeout(120):
        await host.hung_up.wait()


async def test_a_connection_that_breaks_is_an_error(session: aiohttp.ClientSession, host: FileHost) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport
        request.transport.close()
        return response

    host.routes["/a"] = broken
    with pytest.raises(MediaError, match="connection"):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=999)


async def test_a_host_that_is_not_there_is_an_error(session: aiohttp.ClientSession) -> None:
    with pytest.raises(MediaError, match="connection"):
        await fetch(session, "http://127.0.0.1:1/a", hosts=["127.0.0.1:1"], max_bytes=9)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_expired_link_can_be_told(session: aiohttp.ClientSession, host: FileHost, status: int) -> None:
    host.give("/a", status=status)
    with pytest.raises(LinkExpired):
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=9)


@pytest.mark.parametrize("status", [204, 206, 302, 429, 500])
async def test_any_other_answer_is_an_error(session: aiohttp.ClientSession, host: FileHost, status: int) -> None:
    host.give("/a", b"" if status == 204 else b"data", status=status)
    with pytest.raises(MediaError, match=str(status)) as caught:
        await fetch(session, host.url("a"), hosts=[host.authority], max_bytes=9)
    assert not isinstance(caught.value, LinkExpired)


async def test_an_error_does_not_hold_the_secret_part_of_an_address(
    session: aiohttp.ClientSession, host: FileHost
) -> None:
    host.give("/cat.png", status=404)
    with pytest.raises(MediaError) as caught:
        await fetch(session, host.url("cat.png?hm=signature"), hosts=[host.authority], max_bytes=9)
    assert "cat.png" in caught.value.sentence
    assert "signature" not in str(caught.value)


async def test_a_cancelled_download_hangs_up(session: aiohttp.ClientSession, host: FileHost) -> None:
    reading = asyncio.Event()

    async def stuck(_: web.Request) -> web.StreamResponse:
        reading.set()
        try:
            await asyncio.Event().wait()
        finally:
            host.hung_up.set()
        raise AssertionError

    host.routes["/a"] = stuck
    task = asyncio.create_task(fetch(session, host.url("a"), hosts=[host.authority], max_bytes=9))
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(120):
        await host.hung_up.wait()
