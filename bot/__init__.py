"""Parley, a Claude bot for Discord and Slack. The map of its rooms:

- `cli`        the commands, exit codes and what is printed
- `tryout`     `parley try`: the real bot on simulated platforms, and a chat window on them
- `app`        builds every part, joins them, runs them, closes them in order
- `config`     `config.toml` and the environment → frozen, validated settings
- `engine`     one message → one recorded turn; one turn at a time per thread
- `platforms`  Discord and Slack on one kernel: events in, posts and edits out, each with its dialect of Markdown
- `store`      threads, turns, posted parts, images: one SQLite file
- `simulator`  a Discord, a Slack and a Claude on loopback that speak the real wire protocols
- `places`     which settings hold for a question, and why
- `reply`      text that grows → pages that fit → posts and edits at the allowed pace
- `claude`     the async client and chat for Claude, usable alone
- `media`      an upload → content Claude accepts, or a sentence that says why not
- `ports`      the protocols between the rooms
- `events`     the words they share
- `tasks`      the owner of a task that no task group can own
- `telemetry`  what the bot does, as facts, and where they go
- `errors`     one tree of errors, each with a sentence for the person

Imports point down this list and import-linter holds it.
"""
