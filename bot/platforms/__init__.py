"""Where the bot is spoken to: one adapter per platform, with the same rooms under the same names.

- `kernel`   what both adapters do alike, written once; it knows no SDK
- `discord`  Discord, by discord.py
- `slack`    Slack, by slack-bolt and slack_sdk

In an adapter `listen` takes events in, `surface` posts and edits, `markup` is the platform's dialect. No object of a
platform's library and no raw payload leaves its room. The platforms do not know each other.
"""
