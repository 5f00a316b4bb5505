"""An upload → content Claude accepts, or a sentence that says why not.

What a file is, its bytes decide, never its name or declared type. `read` tells it apart, checks it against Claude's
limits, and reduces or converts a picture where needed, in a child process with limits on memory and time. `fetch` is
the one way to download. The bot's only user of Pillow.
"""

from bot.media.download import LinkExpired, RedirectRefused, fetch
from bot.media.read import Media, MediaLimits, block_for, read

__all__ = ["LinkExpired", "Media", "MediaLimits", "RedirectRefused", "block_for", "fetch", "read"]
