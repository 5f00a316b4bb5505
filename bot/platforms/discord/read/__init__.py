"""What people wrote on Discord, read: discord.py's objects in, `bot.events` and Markdown out.

- `translate`  discord.py's messages → `bot.events`
- `shown`      what a message shows beside its text; `names` names for ids
- `context`    the earlier messages of a question
- `place`      where a question was asked, as Claude is told
"""
