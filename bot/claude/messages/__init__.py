"""What Claude reads and writes, as plain JSON: messages, their blocks, a chat's history, an answer begun in advance."""
