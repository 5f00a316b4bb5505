"""An upload → content Claude accepts, or a sentence that says why not.

`read` turns a file's bytes into `Media`, `block_for` turns those into a content block; `download.fetch` gets the bytes
in the first place. What a file is, its bytes decide. Pictures are decoded in a process of their own, so that a hostile
one costs neither memory nor time here; the only user of Pillow.
"""

from bot.media.block import block_for
from bot.media.read import Media, MediaLimits, read

__all__ = ["Media", "MediaLimits", "block_for", "read"]
