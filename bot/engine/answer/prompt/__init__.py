"""What Claude is shown of a turn: the user message, the history before it, and how much of that has room."""
