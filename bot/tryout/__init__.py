"""`parley try`: the real bot, run against a Discord, a Slack and a Claude simulated on loopback.

`world` starts them and joins them, `scene` plays a fixed scene and checks every answer, `window` is a chat client in
the terminal. No token and no key is needed; with a key of one's own, the real Claude answers.
"""

from bot.tryout.scene import play
from bot.tryout.window import chat

__all__ = ["chat", "play"]
