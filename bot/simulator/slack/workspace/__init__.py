"""What there is in the workspace: people, conversations, messages and files, and how a text is read."""
