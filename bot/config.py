"""`config.toml` and the environment → frozen, validated settings. Read once, whole and strictly.

An unknown key, a wrong type, a value out of range or a missing secret is a `ConfigError` whose one sentence names the
key. Secrets come from the environment only (`DISCORD_TOKEN`, or a file named by `DISCORD_TOKEN_FILE`) and are held as
`SecretStr`, which prints as asterisks. This is the only module that reads the environment.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

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


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
"""A TOML list of strings."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ClaudeSettings(_Section):
    """`[claude]`: which model answers, and how."""

    model: str = Field(default="claude-sonnet-5-5", min_length=1)
    base_url: str = ""
    system: str = ""
    max_tokens: int = Field(default=16_000, ge=1, le=128_000)
    context_tokens: int = Field(default=150_000, ge=5_000, le=1_000_000)


class StoreSettings(_Section):
    """`[store]`: where the bot keeps what it must not forget."""

    path: str = Field(default="data/parley.sqlite3", min_length=1)
    files_mb: int = Field(default=2000, ge=10, le=1_000_000)
    thread_files_mb: int = Field(default=200, ge=10, le=1_000_000)


class DiscordSettings(_Section):
    """`[discord]`. `enabled` left out: connect if there is a token."""

    enabled: bool | None = None
    api_url: str = ""
    gateway_url: str = ""
    cdn_hosts: Names = ()
    calls_per_s: int = Field(default=50, ge=10, le=10_000)


class SlackSettings(_Section):
    """`[slack]`. `enabled` left out: connect if there is a bot token."""

    enabled: bool | None = None
    delivery: Literal["auto", "edit", "stream"] = "auto"
    api_url: str = ""
    file_hosts: Names = ()


class AccessSettings(_Section):
    """`[access]`: who may speak to the bot, by the platforms' ids. A denial always wins; an empty list allows all."""

    dms: bool = True
    allowed_users: Names = ()
    denied_users: Names = ()
    allowed_roles: Names = ()
    denied_roles: Names = ()
    allowed_channels: Names = ()
    denied_channels: Names = ()
    allowed_guilds: Names = ()
    denied_guilds: Names = ()
    allowed_workspaces: Names = ()
    denied_workspaces: Names = ()


class LimitSettings(_Section):
    """`[limits]`: how much the bot takes on."""

    turns_at_once: int = Field(default=64, ge=1, le=1000)
    turns_per_person: int = Field(default=3, ge=1, le=1000)
    tokens_per_person: int = Field(default=0, ge=0)
    tokens_in_all: int = Field(default=0, ge=0)
    answer_pages: int = Field(default=8, ge=1, le=50)
    late_after_s: int = Field(default=900, ge=60, le=86_400)
    context_messages: int = Field(default=30, ge=0, le=200)
    uploads_per_message: int = Field(default=10, ge=0, le=50)
    upload_mb: int = Field(default=25, ge=1, le=100)
    drain_s: int = Field(default=20, ge=0, le=600)


class LogSettings(_Section):
    """`[log]`: what the bot says about itself. Never a message's text, never a secret."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Settings(_Section):
    """Everything in `config.toml`."""

    claude: ClaudeSettings = ClaudeSettings()
    store: StoreSettings = StoreSettings()
    discord: DiscordSettings = DiscordSettings()
    slack: SlackSettings = SlackSettings()
    access: AccessSettings = AccessSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()


class Secrets(_Section):
    """What opens doors. Empty where it was not given."""

    anthropic_api_key: SecretStr = SecretStr("")
    discord_token: SecretStr = SecretStr("")
    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")


def load(path: str | None = None, environment: Mapping[str, str] | None = None) -> tuple[Settings, Secrets]:
    """Read settings and secrets. Raises `ConfigError`, whose sentence names the file's key or the variable.

    `path` None: `config.toml` in the working directory if there is one, else the defaults.
    """
    settings = _settings(Path(path)) if path else _settings(Path("config.toml"), optional=True)
    secrets = read_secrets(environment)
    _check_secrets(settings, secrets)
    return settings, secrets


def _settings(path: Path, *, optional: bool = False) -> Settings:
    if optional and not path.exists():
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; copy config.example.toml and edit it.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}.") from None
    _refuse_secrets(path, table)
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    """Return `section.key: what is wrong` for the first problem. The value itself is never repeated."""
    problem = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: there is no such key; config.example.toml lists them all."
    return f"{key}: {problem['msg'][0].lower()}{problem['msg'][1:]}."


def _refuse_secrets(path: Path, table: Mapping[str, Any], above: Names = ()) -> None:
    for key, value in table.items():
        name = ".".join((*above, key))
        variable = _SECRET_KEYS.get((*above, key))  # type: ignore[arg-type]
        if isinstance(value, Mapping):
            _refuse_secrets(path, value, (*above, key))
            continue
        for text in value if isinstance(value, list) else [value]:
            variable = variable or next((v for v, look in _TOKENS.items() if look.search(str(text))), None)
        if variable:
            raise ConfigError(f"{path}: {name}: a secret does not belong here; set the variable {variable} instead.")


def read_secrets(environment: Mapping[str, str] | None = None) -> Secrets:
    """Return the secrets from variables, or from the files that `NAME_FILE` variables name. Raises `ConfigError`.

    `environment` None: the process's own.
    """
    environment = os.environ if environment is None else environment
    found: dict[str, SecretStr] = {}
    for name in SECRETS:
        value = environment.get(name, "").strip()
        file = environment.get(f"{name}_FILE", "").strip()
        if value and file:
            raise ConfigError(f"{name}: set either {name} or {name}_FILE, not both.")
        if file:
            try:
                value = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise ConfigError(f"{name}_FILE: the file it names cannot be read.") from None
        found[name.lower()] = SecretStr(value)
    return Secrets(**found)


def uses_discord(settings: Settings, secrets: Secrets) -> bool:
    """Say whether to connect to Discord: asked for, or not forbidden and there is a token."""
    wanted = settings.discord.enabled
    return bool(secrets.discord_token.get_secret_value()) if wanted is None else wanted


def uses_slack(settings: Settings, secrets: Secrets) -> bool:
    """Say whether to connect to Slack: asked for, or not forbidden and there is a token."""
    wanted = settings.slack.enabled
    given = secrets.slack_bot_token.get_secret_value() or secrets.slack_app_token.get_secret_value()
    return bool(given) if wanted is None else wanted


def _check_secrets(settings: Settings, secrets: Secrets) -> None:
    needed = []
    if uses_discord(settings, secrets):
        needed.append(("DISCORD_TOKEN", "Discord"))
    if uses_slack(settings, secrets):
        needed += [("SLACK_BOT_TOKEN", "Slack"), ("SLACK_APP_TOKEN", "Slack's Socket Mode")]
    if not needed:
        raise ConfigError("DISCORD_TOKEN: not set, and neither is SLACK_BOT_TOKEN: there is no place to answer in.")
    if not settings.claude.base_url:
        needed.append(("ANTHROPIC_API_KEY", "Claude"))
    for name, what in needed:
        if not getattr(secrets, name.lower()).get_secret_value():
            raise ConfigError(f"{name}: not set; {what} needs it. Set the variable, or {name}_FILE to a file's path.")
