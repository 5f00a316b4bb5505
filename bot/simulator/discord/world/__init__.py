"""What there is: people, guilds, channels and messages, and their form on the wire."""
