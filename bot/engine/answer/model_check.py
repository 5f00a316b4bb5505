"""Checks the set-up of Claude at the start, not when the first person asks."""

import asyncio

import structlog

from bot.claude import AsyncClient, AuthenticationRefused, ClaudeError, ModelNotFound
from bot.engine.answer.clients import Clients
from bot.engine.sentences import sentence_for
from bot.errors import StartupError
from bot.places import DEFAULT, Places

log = structlog.get_logger()

_PATIENCE_S = 20.0


async def check_models(clients: Clients, places: Places) -> None:
    """Ask Claude's models endpoint once for each model that is set; afterwards the clients know what it says.

    Raise `StartupError` for a refused key and for a model that is not there: neither passes by itself. The log alone
    says that a model is to be retired, and that a server is out of reach or does not list its models.
    """
    keys: dict[str, str] = {}
    for place, profile in places.variants():
        keys.setdefault(profile.model, "claude.model" if place == DEFAULT else f"{place}.model")
    await asyncio.gather(*(_check(clients[model], key) for model, key in keys.items()))


async def _check(client: AsyncClient, key: str) -> None:
    """Check one model, which `key` of the settings names."""
    host = str(client.c.base_url.host)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            known = await client.load_abilities()
    except ClaudeError as error:
        if _is_final(error):
            raise StartupError(sentence_for(error, key=key), f"{client.model} at {host}: {error}") from None
        log.warning("claude_cannot_be_asked_yet", model=client.model, host=host, reason=str(error))
    except TimeoutError:
        log.warning("claude_cannot_be_asked_yet", model=client.model, host=host, reason=f"no answer in {_PATIENCE_S} s")
    else:
        if known.lifecycle in {"deprecated", "retired"}:
            log.warning("model_is_retiring", model=client.model, lifecycle=known.lifecycle, retires_at=known.retires_at)


def _is_final(error: ClaudeError) -> bool:
    """Return whether an error is final. Other makers' servers need not list their models, but a 401 means the same
    everywhere, and so does an answer that names the missing model (Claude docs, api/errors: `not_found_error`, "model:
    …").
    """
    if isinstance(error, AuthenticationRefused):
        return error.status == 401
    return isinstance(error, ModelNotFound) and str(error).startswith("model:")
