"""What tokens cost, in US dollars. The API does not publish prices, so this is the one table, with its date.

Source: Claude docs, about-claude/pricing, and the models' announcements, read on `PRICES_AS_OF`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bot.claude.catalog.models import abilities_of

PRICES_AS_OF = "2026-11-22"
WEB_SEARCH_USD = 0.01  # $10 for 1,000 searches; web fetch is free
US_ONLY_FACTOR = 1.1  # `inference_geo` "us", since Claude 4.6
_MILLION = 1_000_000


class Price(NamedTuple):
    """US dollars for a million tokens. A `cache_write` is kept for 5 minutes, a `cache_write_1h` for an hour."""

    input: float
    output: float
    cache_write: float
    cache_read: float
    cache_write_1h: float


def _price(given: float, output: float, cache_read: float | None = None) -> Price:
    """Return the price: cache writes cost 1.25 and 2 times the input; reads a tenth of it, or less on newer models."""
    return Price(given, output, given * 1.25, given * 0.1 if cache_read is None else cache_read, given * 2)


LONG_PROMPT_TOKENS = 100_000
"""Claude Haiku 5.5 has a different price for a request whose prompt, cached tokens included, is longer than this."""
_LONG_PROMPT = {"claude-haiku-5-5": _price(0.50, 2.50)}

pricing: dict[str, Price] = {
    "claude-opus-5-5": _price(4, 20, 0.20),
    "claude-sonnet-5-5": _price(2, 10, 0.10),
    "claude-haiku-5-5": _price(0.10, 0.50),
    "claude-fable-5-2": _price(8, 40, 0.20),
    "claude-mythos-5-2": _price(8, 40, 0.20),
    "claude-fable-5-1": _price(10, 50, 0.25),
    "claude-mythos-5-1": _price(10, 50, 0.25),
    "claude-opus-5": _price(5, 25),
    "claude-sonnet-5": _price(2, 10),
    "claude-opus-4-8": _price(5, 25),
    "claude-opus-4-7": _price(5, 25),
    "claude-opus-4-6": _price(5, 25),
    "claude-sonnet-4-6": _price(3, 15),
    "claude-opus-4-5": _price(5, 25),
    "claude-sonnet-4-5": _price(3, 15),
    "claude-haiku-4-5": _price(1, 5),
    "claude-opus-4": _price(15, 75),
    "claude-sonnet-4": _price(3, 15),
    "claude-3-opus-20240229": _price(15, 75),
    "claude-3-5-sonnet-20240620": _price(3, 15),
    "claude-3-haiku-20240307": Price(0.25, 1.25, 0.30, 0.03, 0.50),
}
"""Model → its price."""


def price_of(model: str, prompt_tokens: int = 0) -> Price | None:
    """Return a model's price for a prompt of that length, None if it is not known. Names with a date are accepted."""
    name = model if model in pricing else _undated(model)
    if prompt_tokens > LONG_PROMPT_TOKENS and name in _LONG_PROMPT:
        return _LONG_PROMPT[name]
    return pricing.get(name)


def _undated(model: str) -> str:
    base, _, date = model.rpartition("-")
    return base if len(date) == 8 and date.isdigit() else model


def cost_of(model: str, usage: Mapping[str, Any]) -> float | None:
    """Return what one request cost in US dollars, None if the model's price is not known.

    `usage` is that of one request, as the API reports it: the price may depend on the length of its prompt. Cache
    writes are charged by their lifetime, web searches one by one; what is missing or null counts as 0.
    """

    def count(name: str, within: Mapping[str, Any] = usage) -> int:
        return within.get(name) or 0

    written, read = count("cache_creation_input_tokens"), count("cache_read_input_tokens")
    price = price_of(model, count("input_tokens") + written + read)
    if price is None:
        return None
    hour = count("ephemeral_1h_input_tokens", usage.get("cache_creation") or {})
    tokens = (
        count("input_tokens") * price.input
        + count("output_tokens") * price.output
        + (written - hour) * price.cache_write
        + hour * price.cache_write_1h
        + read * price.cache_read
    )
    factor = US_ONLY_FACTOR if usage.get("inference_geo") == "us" and abilities_of(model).generation >= 4.6 else 1.0
    searches = count("web_search_requests", usage.get("server_tool_use") or {})
    return tokens * factor / _MILLION + searches * WEB_SEARCH_USD
