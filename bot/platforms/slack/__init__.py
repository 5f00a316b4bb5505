"""Slack, by the real slack-bolt over Socket Mode: nothing of it leaves this room.

- `listen`     events in: what people write, in each channel's order, acknowledged once it was heard
- `translate`  Slack's messages → `bot.events`; `mrkdwn` and `blocks` read their text, `people` knows their names
- `surface`    posts and edits out; `context` what was said before
- `markup`     the dialect, pure; `inline` is its part for paragraphs
- `calls`      one way to make a Web API call, with our errors; `sign_in` makes the first two
- `socket_mode` the connection, with every task owned
- `platform`   joins them
- `sdk_log`    keeps messages and secrets out of the SDK's log
- `scopes`     what the app must be allowed and must hear
"""

from bot.platforms.slack.markup import SlackDialect
from bot.platforms.slack.platform import SlackPlatform

__all__ = ["SlackDialect", "SlackPlatform"]
