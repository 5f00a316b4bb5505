"""The secrets: where they come from, and how they are recognised where they do not belong. This is the only reader of
the environment.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from bot.errors import ConfigError

SECRETS = ("ANTHROPIC_API_KEY", "DISCORD_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")

# What a secret looks like, and the variable it belongs in: the prefixes the three vendors document, and Discord's
# three base64 parts.
_TOKENS = {
    "ANTHROPIC_API_KEY": re.compile(r"sk-ant-[\w-]{8,}"),
    "SLACK_BOT_TOKEN": re.compile(r"xox[a-z]-[\w-]{8,}"),
    "SLACK_APP_TOKEN": re.compile(r"xapp-[\w-]{8,}"),
    "DISCORD_TOKEN": re.compile(r"[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"),
}
_SECRET_KEYS = {
    ("claude", "api_key"): "ANTHROPIC_API_KEY",
    ("discord", "token"): "DISCORD_TOKEN",
    ("slack", "bot_token"): "SLACK_BOT_TOKEN",
    ("slack", "token"): "SLACK_BOT_TOKEN",
    ("slack", "app_token"): "SLACK_APP_TOKEN",
    ("slack", "signing_secret"): "SLACK_SIGNING_SECRET",
}


class Secrets(BaseModel):
    """The tokens and keys. Empty where none was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    anthropic_api_key: SecretStr = SecretStr("")
    discord_token: SecretStr = SecretStr("")
    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")


def read_secrets(environment: Mapping[str, str] | None = None) -> Secrets:
    """Return the secrets from variables, or from the files that `NAME_FILE` variables name. Raise `ConfigError`.

    `environment` None: the process's own.
    """
    environment = os.environ if environment is None else environment
    found: dict[str, SecretStr] = {}
    problems: list[str] = []
    for name in SECRETS:
        try:
            found[name.lower()] = SecretStr(_value(name, environment))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return Secrets(**found)


def _value(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").strip()
    file = environment.get(f"{name}_FILE", "").strip()
    if value and file:
        raise ConfigError(f"{name}: set either {name} or {name}_FILE, not both.")
    if not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{name}_FILE: the file it names cannot be read.") from None


def looks_secret(value: object) -> bool:
    """Return whether a value has the form of a token or a key."""
    return any(look.search(str(value)) for look in _TOKENS.values())


def misplaced(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield each key of a settings file that holds a secret, as `section.key`, and the variable it belongs in."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from misplaced(value, (*above, key))
            continue
        if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
            for number, one in enumerate(value, 1):
                yield from misplaced(one, (*above, f"{key}[{number}]"))
            continue
        variable = _SECRET_KEYS.get((*above, key))  # type: ignore[arg-type]
        for text in value if isinstance(value, list) else [value]:
            variable = variable or next((v for v, look in _TOKENS.items() if look.search(str(text))), None)
        if variable:
            yield ".".join((*above, key)), variable
