"""A Slack on loopback that the real slack-bolt and slack_sdk take for Slack.

It speaks the Web API, Socket Mode and file hosting, with Slack's own limits, refusals, redeliveries and expiries, and
with faults that can be switched on. `SimulatedSlack` is the server and, for tests and for trying the bot out, the
people who use it.
"""

from bot.simulator.slack.api.calls import Call
from bot.simulator.slack.simulated import SimulatedSlack
from bot.simulator.slack.sockets.deliveries import Envelope
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.file_objects import File, Shared
from bot.simulator.slack.workspace.records import Message, Person
from bot.simulator.slack.workspace.whispers import Whisper

__all__ = ["Call", "Envelope", "File", "Message", "Person", "Shared", "SimulatedSlack", "SlackError", "Whisper"]
