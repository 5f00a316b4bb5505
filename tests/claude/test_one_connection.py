"""What is made when: one connection pool for everything, and the SDK only when there is something to send."""

import asyncio
import subprocess
import sys

import anthropic
import pytest

from bot.claude import AsyncChat, AsyncClient, close_sdk


def test_importing_the_library_and_making_chats_does_not_import_the_sdk():
    code = (
        "import sys\nfrom bot.claude import *\n"
        "chat = AsyncChat('claude-sonnet-5-5', tools=[{'type': 'web_search_20250305', 'name': 'web_search'}])\n"
        "assert not {'anthropic', 'pydantic', 'httpx2'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
async def environment(claude, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", claude.api_key)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", claude.base_url)
    yield claude
    await close_sdk()


async def test_chats_made_from_a_model_alone_share_one_client(environment):
    one, two = AsyncChat("claude-sonnet-5-5"), AsyncChat("claude-opus-5-5")
    assert one.c.c is two.c.c
    await asyncio.gather(one("Hi"), two("Hi"))
    assert environment.count == 2


async def test_after_closing_a_new_client_is_made(environment):
    chat = AsyncChat("claude-sonnet-5-5")
    await chat("Hi")
    first = chat.c.c
    await close_sdk()
    await chat("Hi again")
    assert chat.c.c is not first
    assert environment.count == 2


async def test_a_kind_of_sdk_client_of_ones_own_is_fine(claude):
    class Mine(anthropic.AsyncAnthropic):
        pass

    async with Mine(api_key=claude.api_key, base_url=claude.base_url) as mine:
        answer = await AsyncClient("claude-sonnet-5-5", cli=mine)("Hi")
    assert answer.stop_reason == "end_turn"


async def test_a_client_can_be_given_later(sdk):
    client = AsyncClient("claude-sonnet-5-5")
    client.c = sdk
    assert client.c is sdk
    await client("Hi")
