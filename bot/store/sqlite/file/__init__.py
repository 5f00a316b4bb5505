"""The file itself: whose it is, its tables, the connection to it, and the one writer."""
