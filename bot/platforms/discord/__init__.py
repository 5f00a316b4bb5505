"""Discord, by the real discord.py: nothing of it leaves this room.

- `listen`     events in: what people write, in each channel's order
- `translate`  discord.py's messages → `bot.events`
- `surface`    posts and edits out; `context` what was said before
- `markup`     the dialect, pure; `inline` and `tables` are its parts
- `calls`      one way to make a REST call, with our errors
- `platform`   the connection that joins them
"""

from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.discord.platform import DiscordPlatform

__all__ = ["DiscordDialect", "DiscordPlatform"]
