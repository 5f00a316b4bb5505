"""The bot's side of decoding: who is next, the child process with its limits, and the meaning of its answers."""
