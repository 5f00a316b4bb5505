"""An upload → content Claude accepts, or a sentence that says why not.

`read` turns a file's bytes into `Media`, `block_for` turns those into a content block, and `estimate_tokens` returns
what a block will cost; `download.fetch` gets the bytes in the first place. `read_page` turns HTML into text. The bytes
alone decide what a file is. Pictures are decoded, PDFs examined and pages read in a separate process, so that a hostile
file costs neither memory nor time here. This is the only user of Pillow, pillow-heif and pypdf.

The rooms: `formats` identifies a file by its bytes, `decode` is the bot's side of that process, and `child` is what
runs in it.
"""

from bot.media.block import block_for
from bot.media.decode.fair_queue import one_message
from bot.media.read import Media, MediaLimits, read, read_page
from bot.media.tokens import OLD_SIGHT, SIGHT, Sight, estimate_tokens

__all__ = [
    "OLD_SIGHT",
    "SIGHT",
    "Media",
    "MediaLimits",
    "Sight",
    "block_for",
    "estimate_tokens",
    "one_message",
    "read",
    "read_page",
]
