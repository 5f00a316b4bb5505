"""A Discord on loopback: its REST API v10, its gateway and its file host, for the real discord.py to run against.

The bot cannot tell it from the real one: the limits, the refusals, the events and their order are Discord's. Whoever
holds the `SimulatedDiscord` sees and does what people in Discord see and do, and can break it in the ways Discord
breaks (`faults`, `limits`, `gateway`, `settings`, `deny`).
"""

from bot.simulator.discord.simulated import SimulatedDiscord
from bot.simulator.discord.world.model import Attachment, Call, Channel, Message, Person

__all__ = ["Attachment", "Call", "Channel", "Message", "Person", "SimulatedDiscord"]
