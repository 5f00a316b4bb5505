"""What runs in the process that decodes a stranger's file.

Its modules are run by their paths and import nothing of the bot.
"""
