"""The live reply: text that grows → pages that fit → posts and edits at the pace a platform allows.

It knows neither the platform (only `bot.ports.Surface`) nor where the text comes from. `pages` and `Paginator` cut
Markdown, purely; `Pacer` shares a platform's limits out among all replies; `LiveReply` makes what a reader sees equal
to what was written. In it, `draft` states what should be seen, `screen` decides the next call, and `posted` makes it.

The rooms: `markdown` reads the structure of a text, `paging` cuts pages out of it, and `pacing` decides who calls next.
"""

from bot.reply.live import BACK_OFF_S, LiveReply
from bot.reply.pacing.pacer import Pacer
from bot.reply.paging.pages import Page, Paginator, pages

__all__ = ["BACK_OFF_S", "LiveReply", "Pacer", "Page", "Paginator", "pages"]
