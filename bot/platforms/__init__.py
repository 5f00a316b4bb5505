"""Where the bot is spoken to: one adapter per platform, with the same rooms under the same names."""
