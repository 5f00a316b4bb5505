"""How the bot gets to Slack and stays there.

- `sign_in`      the first two calls, made before any connection
- `scopes`       what the app must be allowed and must hear
- `socket_mode`  the connections, two at once, with every task owned
"""
