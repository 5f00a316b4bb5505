"""The buttons below an answer, and what it means to press one or to react with ❌.

A press is identified by the button's own id. discord.py's own views, which forget after a while, are not used.
"""

import asyncio
from collections.abc import Iterable, Sequence

import aiohttp
import discord
import structlog
from discord import ButtonStyle

from bot.events import Button, MessageKey, Person, Pressed
from bot.platforms.discord.limits import in_doubt
from bot.platforms.discord.read.translate import moderates, person
from bot.platforms.discord.sdk import Posted
from bot.platforms.kernel.buttons import LABELS, NOT_HEARD, button_of, id_of
from bot.platforms.kernel.others import Others
from bot.platforms.kernel.shape import MISREAD, misread
from bot.ports import EventHandler

log = structlog.get_logger()

_STYLES = {
    Button.STOP: ButtonStyle.danger,
    Button.RETRY: ButtonStyle.secondary,
    Button.CONTINUE: ButtonStyle.primary,
}
_CROSS = "❌"
_ACKNOWLEDGE_S = 2.5
"""Discord considers an interaction failed after three seconds (docs, interactions/receiving-and-responding)."""
_ACKNOWLEDGED = 40060
"""Discord docs, opcodes-and-status-codes: the interaction has already been acknowledged."""


def row(buttons: Sequence[Button]) -> discord.ui.View | None:
    """Return buttons as an action row; None for none. Inside a running event loop."""
    if not buttons:
        return None
    view = discord.ui.View(timeout=None)
    for button in buttons:
        item: discord.ui.Button[discord.ui.View]
        item = discord.ui.Button(label=LABELS[button], style=_STYLES[button], custom_id=id_of(button))
        view.add_item(item)
    view.stop()  # discord.py keeps every other view that it sends, and starts tasks for its presses
    return view


def shown_on(message: discord.Message | Posted) -> tuple[Button, ...]:
    """Return the buttons that a message shows."""
    ids: Iterable[object]
    if isinstance(message, Posted):
        ids = message.button_ids
    else:
        rows = (part for part in message.components if isinstance(part, discord.ActionRow))
        ids = (part.custom_id for one in rows for part in one.children if isinstance(part, discord.Button))
    return tuple(button for button in map(button_of, ids) if button)


def press(interaction: discord.Interaction) -> Pressed | None:
    """Return the press that an interaction stands for; None if it is not about one of our buttons."""
    data: object = interaction.data
    button = button_of(data.get("custom_id")) if isinstance(data, dict) else None
    if interaction.type is not discord.InteractionType.component or button is None or interaction.message is None:
        return None
    message = MessageKey(
        "discord",
        str(interaction.guild_id or "@me"),
        str(interaction.message.channel.id),
        str(interaction.message.id),
    )
    moderator = interaction.guild_id is None or interaction.permissions.manage_messages
    return Pressed(message, button, person(interaction.user, moderator=moderator))


def cross(reaction: discord.RawReactionActionEvent, client: discord.Client) -> Pressed | None:
    """Return a person's ❌ as a press of Stop; None for other reactions, and for those of bots.

    Discord sends the member in guilds, and only the id in DMs (docs, events/gateway-events).
    """
    by_bot = reaction.member.bot if reaction.member else client.user is not None and reaction.user_id == client.user.id
    if by_bot or reaction.emoji.name != _CROSS:
        return None
    workspace = str(reaction.guild_id or "@me")
    message = MessageKey("discord", workspace, str(reaction.channel_id), str(reaction.message_id))
    return Pressed(message, Button.STOP, _who(reaction, client))


async def answer(interaction: discord.Interaction, pressed: Pressed, handle: EventHandler, others: Others) -> None:
    """Acknowledge a press while it is handled; show the presser alone what `handle` returns."""
    async with asyncio.TaskGroup() as both:
        acknowledging = both.create_task(_acknowledge(interaction, others), name="discord-acknowledge")
        sentence = await _heard(pressed, handle)
    if sentence and acknowledging.result():
        await interaction.followup.send(sentence, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())


async def _heard(pressed: Pressed, handle: EventHandler) -> str:
    try:
        return (await handle(pressed)).text
    except Exception:
        # Discord does not send a press again; only the presser can repeat it.
        log.exception("discord_press_not_heard", message=str(pressed.message))
        return NOT_HEARD


async def _acknowledge(interaction: discord.Interaction, others: Others) -> bool:
    """Answer with a deferred update (type 6), which changes nothing; return whether Discord took it.

    If it was acknowledged before, and not by an attempt of ours that seemed to fail, another process has it.
    """
    in_doubt.set(False)
    try:
        async with asyncio.timeout(_ACKNOWLEDGE_S):
            await interaction.response.defer()
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError, RuntimeError) as error:
        log.warning("discord_press_not_acknowledged", reason=f"{type(error).__name__}: {error}")
        if isinstance(error, discord.HTTPException) and error.code == _ACKNOWLEDGED and not in_doubt.get():
            others.seen("it acknowledges presses of buttons")
        return False
    except MISREAD as error:  # the acknowledgement has taken effect
        misread("discord_answer_unreadable", {}, error)
    return True


def _who(reaction: discord.RawReactionActionEvent, client: discord.Client) -> Person:
    if reaction.member is None:
        user = client.get_user(reaction.user_id)
        return Person(str(reaction.user_id), user.display_name if user else "", moderator=reaction.guild_id is None)
    place = reaction.member.guild.get_channel_or_thread(reaction.channel_id)
    return person(reaction.member, moderator=moderates(place, reaction.member))
