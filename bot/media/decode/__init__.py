"""The bot's side of decoding: who is next, the child process and its bounds, and what its answer means."""
