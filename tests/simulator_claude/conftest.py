"""A simulated Claude and the real SDK's client, told not to retry so that each answer is seen once."""

import base64
from collections.abc import AsyncIterator, Callable
from io import BytesIO

import pytest
from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from PIL import Image

from bot.simulator.claude import SimulatedClaude


@pytest.fixture
async def claude() -> AsyncIterator[SimulatedClaude]:
    async with SimulatedClaude() as simulated:
        yield simulated


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[SimulatedClaude], AsyncAnthropic]]:
    made: list[AsyncAnthropic] = []

    def connected(simulated: SimulatedClaude, **options) -> AsyncAnthropic:
        http = DefaultAsyncHttpxClient(verify=False)  # plain HTTP: reading the certificates would take most of a test
        given = {"base_url": simulated.base_url, "api_key": simulated.api_key, "max_retries": 0, **options}
        made.append(AsyncAnthropic(http_client=http, **given))
        return made[-1]

    yield connected
    for one in made:
        await one.close()


@pytest.fixture
def client(claude, connect) -> AsyncAnthropic:
    return connect(claude)


@pytest.fixture
def ask(client):
    """Ask something in one call, on the newest Sonnet if nothing else is said."""

    async def asked(content="Hello", **changes):
        given = {"model": "claude-sonnet-5-5", "max_tokens": 4000, "messages": [{"role": "user", "content": content}]}
        return await client.messages.create(**{**given, **changes})

    return asked


def drawn(colour="red", size=(64, 48), kind="PNG", **options) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


def image_block(data: bytes, media_type="image/png") -> dict:
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    return {"type": "image", "source": source}


@pytest.fixture
def draw():
    return drawn


@pytest.fixture
def image():
    return image_block
