"""Claude's Markdown → what Discord renders. Pure, and linear in the text.

Discord's reader is no Markdown parser but a row of patterns, tried at each place of the text one after another: it
knows no paragraphs, and what begins first wins. So nothing of Claude's text is edited in place. It is parsed as
CommonMark, and written anew out of the parsed tokens, from its end to its beginning, so that each piece knows what
follows it: with escapes where Discord would pair what means nothing, and a style only where Discord's own pattern ends
it in its place.

`addresses` keeps addresses whole; `parser` is CommonMark; `frame` writes quotes, lists, headings and code blocks;
`tree`, `inline` and `literal` write the text in them; `reader` is what is known of Discord's patterns.
(Discord docs, reference/message formatting; its users' Markdown guide; how its client reads what these leave open was
found by trial: github.com/LyricLy/parse-discord, the npm package discord-markdown-parser.)
"""

import re

from bot.platforms.discord.markup.addresses import hidden
from bot.platforms.discord.markup.frame import framed
from bot.platforms.discord.markup.inline import write
from bot.platforms.discord.markup.parser import make_parser
from bot.platforms.discord.markup.tail import Tail
from bot.reply.markdown.fences import apart

__all__ = ["DiscordDialect"]

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that make text read in another order than it was written."""
_LONE = re.compile("[\ud800-\udfff]")
"""Half a character: cannot be sent."""


class DiscordDialect:
    """The dialect of Discord's messages."""

    def __init__(self) -> None:
        self._parser = make_parser()

    def render(self, markdown: str) -> str:
        """Return the text to send for a piece of Markdown that is complete in itself. Raise nothing on any text.

        Not empty unless `markdown` is blank or holds nothing that can be shown.
        """
        text = _LONE.sub("\ufffd", markdown.replace("\r\n", "\n").replace("\r", "\n"))
        text = _UNSAFE.sub("", text)
        tail = Tail()
        for piece in reversed(framed(self._parser, hidden(apart(text)))):
            if not isinstance(piece, str):
                write(piece.nodes, tail, piece.line_end)
            elif piece.strip(" \n>"):
                tail.put(piece)
            else:
                tail.put_line_end(piece)
        rendered = tail.text()
        return rendered if rendered.strip() else text

    def size(self, rendered: str) -> int:
        """Return the length as Discord counts it: in code points (discord-api-docs issue 1315)."""
        return len(rendered)
