"""How an answer grows in Slack: streamed or edited.

- `delivery`        which messages are streamed and which edited
- `native`          one message that is streamed
- `load`            what grows in the workspace, and where there is more room
- `agent_sessions`  Slack's own Stop button
"""
