"""What models can do and what they cost."""

import pytest

from bot.claude import AsyncChat, AsyncClient, cost_of, mk_sdk, model_types, models, price_of, pricing, usage
from bot.claude.catalog.models import abilities_of
from bot.simulator.claude import MODELS, Reply, SimulatedClaude


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_table_agrees_with_what_the_simulated_api_takes(name):
    real, known = MODELS[name], abilities_of(name)
    assert known.prefill == real.prefill
    assert known.sampling == real.sampling
    assert known.forced_tools == real.forced_tools
    assert known.context_tokens == real.context
    assert known.output_tokens == real.max_output
    assert set(known.efforts) == set(real.levels)
    assert set(known.thinking) == (set(real.thinking) if real.thinking != {"disabled"} else set())


def test_the_names_of_the_seed_are_there():
    assert models[1] == "claude-sonnet-5-5"
    assert "claude-3-5-sonnet-20240620" in models
    assert [model_types[name] for name in models[:3]] == ["opus", "sonnet", "haiku"]
    assert set(models) <= set(pricing) | {"claude-fable-5", "claude-mythos-5"}
    assert pricing["claude-sonnet-5-5"][:4] == (2, 10, 2.5, 0.1)


@pytest.mark.parametrize("name", ["qwen3", "claude-sonnet-9-1", "anthropic.claude-opus-6-20270101-v1:0", ""])
def test_an_unknown_model_is_taken_to_be_strict(name):
    known = abilities_of(name)
    assert (known.prefill, known.sampling, known.forced_tools) == (False, False, False)
    assert (known.thinking, known.efforts) == ((), ())
    assert known.context_tokens is None


def test_dated_and_foreign_names_are_known_models():
    assert abilities_of("anthropic.claude-opus-4-5-20251101-v1:0").prefill
    assert abilities_of("claude-opus-4-20250514").output_tokens == 32_000
    assert not abilities_of("claude-opus-4-6").prefill
    assert price_of("claude-haiku-4-5-20251001") == pricing["claude-haiku-4-5"]


async def test_an_unknown_model_works_and_has_no_cost():
    async with SimulatedClaude(extra_models=["my-model"]) as claude:
        sdk = mk_sdk(api_key=claude.api_key, base_url=claude.base_url)
        chat = AsyncChat(cli=AsyncClient("my-model", cli=sdk))
        await chat("Hi")
        await sdk.close()
    assert chat.cost is None
    assert chat.c.cost is None
    assert chat.use.total > 0


async def test_the_models_endpoint_completes_what_is_known(client, claude):
    c = client("claude-opus-5-5")
    known = await c.load_abilities()
    assert known.context_tokens == 1_000_000
    assert known.thinking == ("adaptive",)
    assert known.efforts == ("low", "medium", "high", "xhigh", "max")
    assert not known.forced_tools
    assert claude.lookups[-1].path == "/v1/models/claude-opus-5-5"


def test_the_cost_counts_every_kind_of_token_and_search():
    million = 1_000_000
    used = {
        "input_tokens": million, "output_tokens": million, "cache_read_input_tokens": million,
        "cache_creation_input_tokens": 2 * million,
        "cache_creation": {"ephemeral_5m_input_tokens": million, "ephemeral_1h_input_tokens": million},
        "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 5},
    }  # fmt: skip
    assert cost_of("claude-sonnet-5-5", used) == pytest.approx(2 + 10 + 0.1 + 2.5 + 4 + 0.03)
    assert cost_of("claude-sonnet-5-5", {"input_tokens": million, "inference_geo": "us"}) == pytest.approx(2.2)
    assert cost_of("claude-sonnet-5-5", {"input_tokens": None, "server_tool_use": None}) == 0
    assert cost_of("no-such-model", used) is None


def test_a_long_prompt_costs_more_where_it_does():
    assert cost_of("claude-haiku-5-5", usage(100_000, 0)) == pytest.approx(0.01)
    assert cost_of("claude-haiku-5-5", usage(50_000, 100, 0, 50_001)) == pytest.approx(
        (50_000 * 0.5 + 100 * 2.5 + 50_001 * 0.05) / 1e6
    )


async def test_a_chats_cost_is_its_own_and_the_clients_is_everything(c, claude):
    claude.otherwise = lambda _: Reply(text="x", usage={"input_tokens": 1_000_000, "output_tokens": 100_000})
    one, two = AsyncChat(cli=c), AsyncChat(cli=c)
    assert one.cost == 0
    await one("Hi")
    await two("Hi")
    await two("Hi")
    assert (one.cost, two.cost, c.cost) == (pytest.approx(3), pytest.approx(6), pytest.approx(9))
