"""What people wrote in Slack, read: its objects in, `bot.events` and Markdown out.

- `translate`  Slack's messages → `bot.events`
- `mrkdwn`     its text → Markdown, pure; `blocks` what is written in blocks and attachments
- `documents`  the text of what is written in Slack itself: canvases, posts, e-mails
- `people`     who is behind a member id; `channels` what is behind a channel's
- `context`    the earlier messages of a question; `begun` threads that could be read only in part
"""
