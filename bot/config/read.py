"""Reading the settings file, and checking that the secrets for what it enables are there."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.config.problems import problems_of
from bot.config.secrets import Secrets, misplaced, read_secrets
from bot.config.settings import Settings
from bot.errors import ConfigError

DEFAULT_PATH = Path("config.toml")


def load(path: str | None = None, environment: Mapping[str, str] | None = None) -> tuple[Settings, Secrets]:
    """Return the settings and the secrets. Raise `ConfigError`, whose problems name the file's keys or the variables.

    `path` None: `config.toml` in the working directory if it exists, otherwise the defaults.
    """
    file = file_of(path)
    settings = Settings() if file is None else _settings(file)
    secrets = read_secrets(environment)
    _check_secrets(settings, secrets)
    return settings, secrets


def file_of(path: str | None) -> Path | None:
    """Return the settings file to read, for a path that may not be given; None if there is none."""
    if path:
        return Path(path)
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def _settings(path: Path) -> Settings:
    table = _table(path)
    secret = dict(misplaced(table))
    problems = [
        f"{key}: a secret does not belong here; set the variable {variable} instead."
        for key, variable in secret.items()
    ]
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        problems += problems_of(error, Settings, tuple(secret))
    if problems:
        raise ConfigError(*(f"{path}: {problem}" for problem in problems))
    return settings


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows begin a file with a BOM
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file; `parley example-config > {path}` makes one to edit."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}.") from None


def uses_discord(settings: Settings, secrets: Secrets) -> bool:
    """Return whether to connect to Discord: it is enabled, or not disabled and there is a token."""
    wanted = settings.discord.enabled
    return bool(secrets.discord_token.get_secret_value()) if wanted is None else wanted


def uses_slack(settings: Settings, secrets: Secrets) -> bool:
    """Return whether to connect to Slack: it is enabled, or not disabled and there is a token."""
    wanted = settings.slack.enabled
    given = secrets.slack_bot_token.get_secret_value() or secrets.slack_app_token.get_secret_value()
    return bool(given) if wanted is None else wanted


def _check_secrets(settings: Settings, secrets: Secrets) -> None:
    needed = []
    if uses_discord(settings, secrets):
        needed.append(("DISCORD_TOKEN", "Discord"))
    if uses_slack(settings, secrets):
        needed += [("SLACK_BOT_TOKEN", "Slack"), ("SLACK_APP_TOKEN", "Slack's Socket Mode")]
    problems = []
    if not needed:
        problems.append("DISCORD_TOKEN: not set, and neither is SLACK_BOT_TOKEN: there is no place to answer in.")
    if not settings.claude.base_url:
        needed.append(("ANTHROPIC_API_KEY", "Claude"))
    problems += [
        f"{name}: not set; {what} needs it. Set the variable, or {name}_FILE to a file's path."
        for name, what in needed
        if not getattr(secrets, name.lower()).get_secret_value()
    ]
    if problems:
        raise ConfigError(*problems)
