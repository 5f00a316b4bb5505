"""The simulated Discord as its user holds it: people's hands, the server, and the ways in which it breaks."""

from collections.abc import Callable, Sequence
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.simulator.discord.gateway import gateway
from bot.simulator.discord.others import Others
from bot.simulator.discord.rest import bodies
from bot.simulator.discord.rest.channels import AccountRoutes, ChannelRoutes
from bot.simulator.discord.rest.limits import Limits
from bot.simulator.discord.rest.messages import MessageRoutes
from bot.simulator.discord.rest.rest import Rest
from bot.simulator.discord.world.model import Call
from bot.simulator.discord.world.world import PERMISSIONS
from bot.simulator.faults import Faults, Garbled

_DENIABLE = {*PERMISSIONS, "dm"}


class SimulatedDiscord(Others):
    """One application's Discord, on 127.0.0.1, while the `async with` lasts.

        async with SimulatedDiscord() as discord:
            guild = discord.add_guild("Analytical Engines")
            channel = discord.add_channel(guild, "general")
            ada = discord.add_person("Ada", guild=guild)
            ...  # start a bot with discord.token, discord.api_url and discord.gateway_url
            await discord.ready()
            await discord.say(ada, channel, f"{discord.mention} hello")
            await discord.changes.wait(lambda change: change.by_bot and change.kind == "posted")

    `limits` False switches the rate limits off; the attribute `limits` changes them. `changes`: what people see happen.
    `faults`: what goes wrong next, by `METHOD /path` below `/api/v10`. Ids are snowflake strings. Single event loop.
    """

    def __init__(self, port: int = 0, *, limits: bool = True, bot_name: str = "Parley") -> None:
        self.token = "simulated.discord.token"  # noqa: S105 - accepted by this simulator alone
        super().__init__(bot_name, self.token)
        self.faults = Faults()
        self.limits = Limits(enabled=limits)
        self._port = port
        self._rest = Rest(self.token, self.faults, self.limits)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=bodies.REQUEST_MOST_BYTES + 2**20)
        app.on_response_prepare.append(self._date)
        handlers = [
            *MessageRoutes(self._world, self._wire, self._gateway, self._actions).routes(),
            *ChannelRoutes(self._world, self._wire, self._actions).routes(),
            *self._interactions.routes(),
            *AccountRoutes(self._world, self._wire, self._gateway).routes(),
        ]
        app.add_routes(
            [
                web.get("/gateway/", self._gateway.serve),
                self._rest.file_door(self._cdn.serve),
                *self._rest.routes(handlers),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = int(self._runner.addresses[0][1])
        self._cdn.host = self.cdn_host
        self._gateway.url = self.gateway_url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            for site in list(self._runner.sites):  # first, so that nobody connects again while the rest closes
                await site.stop()
            await self._gateway.stop()
            await self._runner.cleanup()

    @property
    def cdn_host(self) -> str:
        """Host and port of the attachments' addresses."""
        return f"127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        """What discord.py's `Route.BASE` must be."""
        return f"http://{self.cdn_host}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What discord.py's `DiscordWebSocket.DEFAULT_GATEWAY` must be."""
        return f"ws://{self.cdn_host}/gateway/"

    @property
    def calls(self) -> list[Call]:
        """Every REST call that was made, in the order of their answers."""
        return self._rest.calls

    @property
    def limited(self) -> int:
        """How many calls were answered with 429."""
        return sum(call.status == 429 for call in self.calls)

    @property
    def sessions(self) -> int:
        """How many IDENTIFYs were accepted."""
        return self._gateway.identifies

    @property
    def resumes(self) -> int:
        """How many RESUMEs were accepted."""
        return self._gateway.resumes

    def leave_sessions(self, left: int, reset_after_s: float) -> None:
        """Let so many new sessions be left until Discord counts anew, as if the others of the 1,000 had been begun.

        `GET /gateway/bot` tells it. Whoever begins one more is told that the token is wrong, for it was reset.
        """
        self._gateway.starts.allow(left, reset_after_s)

    # What Discord does to the bot.

    async def ready(self, timeout_s: float = 120.0) -> None:
        """Return when a bot is connected and has been sent all it starts with. Raises `TimeoutError`."""
        await self._gateway.ready(timeout_s)

    async def drop_gateway(self, *, resumable: bool = True, abrupt: bool = False, repeat: int = 0) -> None:
        """Close the gateway's sockets. Without `resumable` the next RESUME gets op 9 and the gap's events are lost.

        `abrupt`: the connections break off without a closing frame. `repeat`: how many events that the bot has
        received already (100 at most) the next RESUME sends once more.
        """
        await self._gateway.drop(resumable=resumable, abrupt=abrupt, repeat=repeat)

    def garble(self, event: str, change: Callable[[Any], Any], *, times: int = 1, skip: int = 0) -> None:
        """Send the next `times` events of a kind (`MESSAGE_CREATE`, or a pattern) as `change` returns their data."""
        self._gateway.garbler.add(Garbled(event, change, times, skip))

    def silence_gateway(self) -> None:
        """Let the gateway's open sockets die without closing them: no event and no acknowledgement comes any more.

        Who connects again is served, and resumes without a loss. `heartbeat_s` says how soon a bot can notice.
        """
        self._gateway.silence()

    def begin_outage(self, guild: str) -> None:
        """Let a guild become unavailable: READY and GUILD_DELETE say so, and what is said there is only in its history.

        A bot that connects meanwhile is ready without it (Discord docs, events/gateway, "Guild Availability").
        """
        self._gateway.begin_outage(self._guild(guild))

    def end_outage(self, guild: str, *, said_available: bool = True) -> None:
        """Let GUILD_CREATE tell that a guild is available again, in its field `unavailable` or by coming alone: the
        field may be left out (Discord docs, resources/guild, `unavailable?`).
        """
        self._gateway.end_outage(self._guild(guild), said_available=said_available)

    @property
    def heartbeat_s(self) -> float:
        """How often whoever connects from now on is asked to beat; 41.25 s at first, as at Discord."""
        return self._gateway.heartbeat_s

    @heartbeat_s.setter
    def heartbeat_s(self, heartbeat_s: float) -> None:
        self._gateway.heartbeat_s = heartbeat_s

    async def ask_to_reconnect(self) -> None:
        """Send op 7 and return when the bot has left."""
        await self._gateway.ask_to_reconnect()

    def grant(
        self, *, message_content: bool | None = None, members: bool | None = None, presences: bool | None = None
    ) -> None:
        """Grant or refuse privileged intents; at first message content alone is granted. None: as it was."""
        asked = {
            gateway.MESSAGE_CONTENT: message_content,
            gateway.GUILD_MEMBERS: members,
            gateway.PRESENCES: presences,
        }
        for intent, wanted in asked.items():
            if wanted is not None:
                self._gateway.granted = (
                    (self._gateway.granted | intent) if wanted else (self._gateway.granted & ~intent)
                )

    def deny(self, *permissions: str) -> None:
        """Deny the application permissions everywhere: "view", "send", "create_thread", "read_history", "dm", …"""
        self._check_permissions(permissions)
        self._world.denied |= set(permissions)
        self._tell_permissions()

    def allow(self, *permissions: str) -> None:
        """Give back permissions that were denied."""
        self._check_permissions(permissions)
        self._world.denied -= set(permissions)
        self._tell_permissions()

    def _check_permissions(self, permissions: Sequence[str]) -> None:
        if wrong := set(permissions) - _DENIABLE:
            raise ValueError(f"no such permission: {sorted(wrong)}; there are {sorted(_DENIABLE)}")

    def _tell_permissions(self) -> None:
        for guild in self._world.guilds.values():
            self._tell_role("GUILD_ROLE_UPDATE", guild, guild.roles[guild.id])

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self._world.ids.now_s(), usegmt=True)

    @property
    def clock_ahead_s(self) -> float:
        """By how much Discord's clock is ahead of this machine's, 0.0 at first.

        By it go ids, timestamps, the `Date` of answers, the five minutes of a nonce and the fifteen of an interaction.
        Below 0, what people write lies in the past, and stands before what is newer.
        """
        return self._world.ids.ahead_s

    @clock_ahead_s.setter
    def clock_ahead_s(self, ahead_s: float) -> None:
        self._world.ids.ahead_s = ahead_s

    @property
    def most_active_threads(self) -> int:
        """How many threads of a guild may be active, 1,000 at first; one more is refused with 160006."""
        return self._world.most_active_threads

    @most_active_threads.setter
    def most_active_threads(self, most: int) -> None:
        self._world.most_active_threads = most

    @property
    def link_lifetime_s(self) -> float:
        """For how long an attachment's address is good; a message fetched again has fresh ones."""
        return self._cdn.lifetime_s

    @link_lifetime_s.setter
    def link_lifetime_s(self, lifetime_s: float) -> None:
        self._cdn.lifetime_s = lifetime_s

    def expire_links(self) -> None:
        """Make every attachment address given out so far answer 404."""
        self._cdn.expire()
