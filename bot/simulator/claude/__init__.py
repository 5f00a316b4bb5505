"""A Claude on loopback that speaks the real Messages API: for `parley try`, for the tests, for whoever builds on it.

    async with SimulatedClaude() as claude:
        client = AsyncAnthropic(base_url=claude.base_url, api_key=claude.api_key)
        claude.script(Reply(text="Hello"), Reply(status=529), Reply(text="Half a ", cut_after=1))

It refuses what the real API refuses, in its words. When nothing is scripted it answers by itself, in short Markdown:
what it was asked and by whom, how many turns it has seen, what the images really are. `write 5000 characters` gives
`long_text(5000)`; `use the tool NAME with {json}` calls a tool; `code`, `table`, `what did I ask first` do as they say.
"""

from bot.simulator.claude.answer.long_text import long_text
from bot.simulator.claude.answer.reply import Pace, Reply
from bot.simulator.claude.record import Request
from bot.simulator.claude.request.models import MODELS, Model
from bot.simulator.claude.server import SimulatedClaude

__all__ = ["MODELS", "Model", "Pace", "Reply", "Request", "SimulatedClaude", "long_text"]
