"""Markdown that grows → pages that fit a platform's messages, each valid by itself; pure."""
