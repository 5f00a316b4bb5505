"""Slack, by the real slack-bolt over Socket Mode: nothing of it leaves this room.

- `listen`    events in: what people write, change, delete and react with, in each channel's order, acknowledged once
              handled; `buttons` shows buttons and takes presses; `whisper` tells one person alone
- `surface`   posts, edits and files out; `files_out` uploads
- `find`      what was posted, read back; `seal` signs it; `own` takes what the bot's account posts
- `growth`    how an answer grows: streamed or edited
- `markup`    the dialect, pure
- `read`      what people wrote → `bot.events` and Markdown
- `source`    what was written while there was no connection, read back
- `connect`   the way to Slack: signing in, the connections
- `calls`     one way to make a Web API call, in its turn, with our errors; `limits` says how often each may be made
- `platform`  joins them
- `sdk`       makes the objects of slack_bolt and slack_sdk; keeps messages and secrets out of their log
"""

from bot.platforms.slack.limits import shared_budget
from bot.platforms.slack.markup import SlackDialect
from bot.platforms.slack.platform import SlackPlatform

__all__ = ["SlackDialect", "SlackPlatform", "shared_budget"]
