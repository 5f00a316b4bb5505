"""Discord, by the real discord.py: nothing of it leaves this room.

- `listen`     events in: what people do, in each channel's order; `sessions` how often a session may begin
- `source`     what people wrote while the bot was away, read back
- `read`       what people wrote → `bot.events` and Markdown, and the earlier messages
- `surface`    posts and edits out; `find` finds what was posted before
- `buttons`    the buttons below an answer, and what a press of one means; `whisper` tells one person alone
- `markup`     the dialect, pure
- `sdk`        every access to what discord.py does not document; what Discord sends that cannot be read
- `calls`      one way to make a REST call, with our errors; `limits` how often it may be made
- `platform`   the connection that joins them
"""

from bot.platforms.discord.limits import shared_budget
from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.discord.platform import DiscordPlatform

__all__ = ["DiscordDialect", "DiscordPlatform", "shared_budget"]
