"""Handles what people do: who may ask, what they wrote just before, and what they changed while the bot was away."""
