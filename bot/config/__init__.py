"""`config.toml` and the environment → frozen, validated settings. Read once, whole and strictly.

An unknown key, a wrong type, a value out of range or a missing secret is a problem of a `ConfigError`, which lists all
problems, one a line, each with its key. Secrets come from the environment only (`DISCORD_TOKEN`, or a file named by
`DISCORD_TOKEN_FILE`) and are held as `SecretStr`, which prints as asterisks.
"""

from bot.config.read import file_of, load, uses_discord, uses_slack
from bot.config.secrets import SECRETS, Secrets, read_secrets
from bot.config.settings import (
    AccessSettings,
    ClaudeSettings,
    DiscordSettings,
    PlaceSettings,
    Settings,
    SlackSettings,
    StoreSettings,
)

__all__ = [
    "SECRETS", "AccessSettings", "ClaudeSettings", "DiscordSettings", "PlaceSettings", "Secrets", "Settings",
    "SlackSettings", "StoreSettings", "file_of", "load", "read_secrets", "uses_discord", "uses_slack",
]  # fmt: skip
