"""Slack, by the real slack-bolt over Socket Mode: nothing of it leaves this room.

- `listen`     events in: what people write, change, delete and react with, in each channel's order, acknowledged once
               it was heard; `buttons` hears presses, and shows them
- `translate`  Slack's messages → `bot.events`; `mrkdwn` and `blocks` read their text, `people` knows their names
- `documents`  the text of what is written in Slack itself: canvases, posts, e-mails
- `surface`    posts, edits and files out; `context` what was said before
- `growth`     which messages are streamed and which edited: `native` is a stream, `load` what grows in the workspace,
               `sessions` Slack's own Stop button
- `find`       what was posted, read back; `seal` signs it; `files_out` uploads
- `markup`     the dialect, pure; `inline` is its part for paragraphs
- `calls`      one way to make a Web API call, in its turn, with our errors; `budgets` what each method may do;
               `sign_in` makes the first two
- `socket_mode` the connections, with every task owned; `catch_up` what was said while there was none
- `platform`   joins them
- `sdk`        makes slack_bolt's and slack_sdk's objects; keeps messages and secrets out of their log
- `scopes`     what the app must be allowed and must hear
"""

from bot.platforms.slack.budgets import shared_budget
from bot.platforms.slack.markup import SlackDialect
from bot.platforms.slack.platform import SlackPlatform

__all__ = ["SlackDialect", "SlackPlatform", "shared_budget"]
