"""What Claude is shown, in one order: first the user message, then the history, trimmed to the room beside it."""

from dataclasses import dataclass

from bot.engine.answer.prompt.history import room_beside, with_bytes
from bot.engine.answer.prompt.trim import Messages
from bot.engine.answer.prompt.user_message import build_user_message
from bot.engine.patience import patiently
from bot.engine.turns.running_turn import UserMessage
from bot.events import Turn
from bot.places import Profile
from bot.ports import History, Platform, Surface


@dataclass(frozen=True, slots=True)
class Shown:
    """What Claude is shown: the history (`earlier`), as Claude receives it, and the user message of the turn."""

    earlier: Messages
    message: UserMessage


async def shown(
    turn: Turn, platform: Platform, surface: Surface, profile: Profile, *, history: History, reads_tokens: int | None
) -> Shown:
    """Return what Claude is shown of a turn. `reads_tokens`: how much its model can read, if known."""
    before = await patiently(history.messages, turn.questions[0].thread)
    message = await build_user_message(turn, platform, surface, profile, history=before)
    room = room_beside(message.blocks, _room_tokens(profile, reads_tokens))
    return Shown(await with_bytes(before, history, room), message)


def _room_tokens(profile: Profile, reads_tokens: int | None) -> int:
    """Return what a request may hold: as configured, but never more than the model reads."""
    most = profile.context_tokens
    return min(most, max(reads_tokens - profile.max_tokens, reads_tokens // 2)) if reads_tokens else most
