"""Fetching an upload: only from the allowed hosts, and never with more bytes or time than allowed.

Addresses and their redirects come from outside, so whatever is not on the list is refused before a connection is made.
A token is sent to the host it is meant for and to no other.
"""

import asyncio
from collections.abc import Collection, Mapping

import aiohttp
from yarl import URL

from bot.errors import MediaError
from bot.media.names import called

_REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})
_EXPIRED = frozenset({401, 403, 404, 410})
_CHUNK_BYTES = 65536


class LinkExpired(MediaError):  # noqa: N818 - the tree's names say what happened
    """The host no longer serves the file at this address (401, 403, 404, 410); a fresh address may work."""


class RedirectRefused(MediaError):  # noqa: N818
    """The host redirected to a place that files may not come from; perhaps a sign-in page."""


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    *,
    hosts: Collection[str],
    max_bytes: int,
    timeout_s: float = 15.0,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return the bytes at `url`: at most `max_bytes`, within `timeout_s` seconds, redirects and all.

    `hosts`: "cdn.discordapp.com" allows https on port 443 of exactly that host; an entry with a port ("127.0.0.1:4711")
    allows http and https on it. Up to three redirects are followed, to allowed hosts only. `headers` (a token) are sent
    to the host of `url` and dropped for good at the first redirect to another one, so they must not be the session's.
    The bytes may be anything: a sign-in page arrives just like a picture.

    Raise `LinkExpired`, `RedirectRefused` or another `MediaError`; afterwards no connection is left reading.
    """
    name = called(_parse(url).name) if url else called("")
    try:
        async with asyncio.timeout(timeout_s):
            first = _allowed(url, hosts, name)
            return await _follow(session, first, dict(headers or {}), hosts=hosts, max_bytes=max_bytes, name=name)
    except TimeoutError:
        raise _refusal(name, f"it took longer than {timeout_s:g} seconds") from None
    except (aiohttp.ClientError, OSError) as error:
        raise _refusal(name, "the connection to its host failed", type(error).__name__) from None


async def _follow(
    session: aiohttp.ClientSession,
    url: URL,
    headers: dict[str, str],
    *,
    hosts: Collection[str],
    max_bytes: int,
    name: str,
) -> bytes:
    # Uncompressed, so that Content-Length is the file's size and nothing small can unfold into something large.
    plain = {"Accept-Encoding": "identity"}
    no_limit = aiohttp.ClientTimeout(total=None)  # `fetch` limits the time of all redirects together
    for _ in range(_REDIRECTS + 1):
        request = session.get(url, headers={**headers, **plain}, allow_redirects=False, timeout=no_limit)
        async with request as response:
            if response.status not in _MOVED or "Location" not in response.headers:
                return await _body(response, max_bytes, name)
            target = _redirect(url, response.headers["Location"], hosts, name)
        if target.origin() != url.origin():
            headers = {}
        url = target
    raise _refusal(name, "its host sends us from one address to the next", f"{url.host}: too many redirects")


async def _body(response: aiohttp.ClientResponse, max_bytes: int, name: str) -> bytes:
    if response.status in _EXPIRED:
        raise LinkExpired(f"I could not download {name}: the link has expired or I may not read it.", _where(response))
    if response.status != 200:
        raise _refusal(name, f"its host answered with an error ({response.status})", _where(response))
    too_large = _refusal(name, f"it is larger than {_megabytes(max_bytes)}", _where(response))
    if (response.content_length or 0) > max_bytes:
        response.close()
        raise too_large
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        data += chunk
        if len(data) > max_bytes:
            response.close()
            raise too_large
    return bytes(data)


def _redirect(url: URL, location: str, hosts: Collection[str], name: str) -> URL:
    try:
        return _allowed(str(url.join(URL(location))), hosts, name)
    except (MediaError, ValueError) as error:
        detail = error.detail if isinstance(error, MediaError) else "not an address"
        sentence = f"I could not download {name}: its host sent me to a place that files may not come from."
        raise RedirectRefused(sentence, f"{url.host} -> {detail}") from None


def _allowed(address: str, hosts: Collection[str], name: str) -> URL:
    """Return the address if it is allowed. What is checked here is exactly the value that is requested."""
    url = _parse(address)
    host = url.host or ""
    authority = f"[{host}]:{url.port}" if ":" in host else f"{host}:{url.port}"
    secure = url.scheme == "https" and url.port == 443 and host in hosts
    listed = url.scheme in {"http", "https"} and authority in hosts
    if "@" in url.raw_authority or not (secure or listed):
        raise _refusal(name, "its address is not one that files may come from", f"{url.scheme}://{authority}")
    return url


def _parse(address: str) -> URL:
    try:
        return URL(address)
    except ValueError:
        raise _refusal(called(""), "its address cannot be read") from None


def _refusal(name: str, reason: str, detail: str = "") -> MediaError:
    return MediaError(f"I could not download {name}: {reason}.", detail)


def _where(response: aiohttp.ClientResponse) -> str:
    return f"{response.url.host}: HTTP {response.status}, {response.content_type}"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.3g} MB" if size_bytes >= 100_000 else f"{size_bytes:,} bytes"
