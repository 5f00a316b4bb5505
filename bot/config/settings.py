"""Everything in `config.toml`: its sections and keys, their types, ranges and defaults."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.config.ids import Channel, Guild, PersonId, Role, Thread, Workspace


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_List = BeforeValidator(_as_tuple)
"""Accepts a TOML list for a tuple."""
Names = Annotated[tuple[str, ...], _List]


def _address(value: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in schemes and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is not a number, half an IPv6 address
        whole = False
    if value and (not whole or any(c.isspace() for c in value) or parts.query or parts.fragment):
        raise PydanticCustomError("not_an_address", "is no address that begins with {first}://", {"first": schemes[-1]})
    return value


Address = Annotated[str, AfterValidator(lambda value: _address(value, ("http", "https")))]
"""The address of a server, or "" for the vendor's own."""
SocketAddress = Annotated[str, AfterValidator(lambda value: _address(value, ("ws", "wss")))]
"""The same for a WebSocket."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ClaudeSettingsByPlace(_Section):
    """What of `[claude]` may differ by place. `effort` "": the model's own."""

    model: str = Field(default="claude-sonnet-5-5", min_length=1)
    effort: Literal["", "low", "medium", "high", "xhigh", "max"] = ""
    system: str = ""
    max_tokens: int = Field(default=16_000, ge=1, le=128_000)
    context_tokens: int = Field(default=150_000, ge=5_000, le=1_000_000)


class ClaudeSettings(ClaudeSettingsByPlace):
    """`[claude]`: which model answers, and how."""

    base_url: Address = ""


class StoreSettings(_Section):
    """`[store]`: where the bot keeps what must not be lost."""

    path: str = Field(default="data/parley.sqlite3", min_length=1)
    files_mb: int = Field(default=2000, ge=10, le=1_000_000)
    thread_files_mb: int = Field(default=200, ge=10, le=1_000_000)


class DiscordSettings(_Section):
    """`[discord]`. `enabled` left out: connect if there is a token."""

    enabled: bool | None = None
    api_url: Address = ""
    gateway_url: SocketAddress = ""
    cdn_hosts: Names = ()
    calls_per_s: int = Field(default=50, ge=10, le=10_000)


class SlackSettings(_Section):
    """`[slack]`. `enabled` left out: connect if there is a bot token."""

    enabled: bool | None = None
    delivery: Literal["auto", "edit", "stream"] = "auto"
    api_url: Address = ""
    file_hosts: Names = ()


class AccessSettings(_Section):
    """`[access]`: who may speak to the bot, by the platforms' ids. A denial always wins; an empty list allows all."""

    dms: bool = True
    mention_in_threads: bool = False
    allowed_users: Annotated[tuple[PersonId, ...], _List] = ()
    denied_users: Annotated[tuple[PersonId, ...], _List] = ()
    allowed_roles: Annotated[tuple[Role, ...], _List] = ()
    denied_roles: Annotated[tuple[Role, ...], _List] = ()
    allowed_channels: Annotated[tuple[Channel, ...], _List] = ()
    denied_channels: Annotated[tuple[Channel, ...], _List] = ()
    allowed_guilds: Annotated[tuple[Guild, ...], _List] = ()
    denied_guilds: Annotated[tuple[Guild, ...], _List] = ()
    allowed_workspaces: Annotated[tuple[Workspace, ...], _List] = ()
    denied_workspaces: Annotated[tuple[Workspace, ...], _List] = ()


class LimitSettingsByPlace(_Section):
    """What of `[limits]` may differ by place."""

    tokens_per_person: int = Field(default=0, ge=0)
    tokens_in_all: int = Field(default=0, ge=0)
    answer_pages: int = Field(default=8, ge=1, le=50)
    context_messages: int = Field(default=30, ge=0, le=200)
    uploads_per_message: int = Field(default=10, ge=0, le=50)
    upload_mb: int = Field(default=25, ge=1, le=100)


class LimitSettings(LimitSettingsByPlace):
    """`[limits]`: how much the bot takes on."""

    turns_at_once: int = Field(default=64, ge=1, le=1000)
    turns_per_person: int = Field(default=3, ge=1, le=1000)
    late_after_s: int = Field(default=900, ge=60, le=86_400)
    drain_s: int = Field(default=20, ge=0, le=600)


class WhereSettings(_Section):
    """`where` of a `[[place]]`: all that is named must be so. Raises a problem for ids that no question can have."""

    guild: Guild | None = None
    workspace: Workspace | None = None
    channel: Channel | None = None
    thread: Thread | None = None
    person: PersonId | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        ids = (self.guild, self.workspace, self.channel, self.thread, self.person)
        if len({one.isdigit() for one in ids if one is not None}) > 1:
            raise PydanticCustomError("nowhere", "names ids of Discord and of Slack together, so that it holds nowhere")
        return self


class PlaceSettings(ClaudeSettingsByPlace, LimitSettingsByPlace, AccessSettings):
    """`[[place]]`: what differs somewhere. Only the keys that are there count (`model_fields_set`)."""

    where: WhereSettings


class LogSettings(_Section):
    """`[log]`: what the bot reports about itself. Never a message's text, never a secret."""

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
    place: Annotated[tuple[PlaceSettings, ...], _List] = ()
    log: LogSettings = LogSettings()
