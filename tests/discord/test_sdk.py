"""Canaries: what of the inside of discord.py the bot rests on, and what broke if a test here fails."""

import inspect

import discord
from discord.http import HTTPClient, handle_message_parameters


async def test_the_parsers_of_events_can_be_replaced() -> None:
    client = discord.Client(intents=discord.Intents.none())
    parsers = client._connection.parsers
    assert {"READY", "MESSAGE_CREATE", "MESSAGE_UPDATE", "GUILD_CREATE"} <= parsers.keys(), (
        "ConnectionState.parsers holds no parser by event any more: an event that cannot be read ends the connection"
    )
    source = inspect.getsource(discord.gateway.DiscordWebSocket.from_client)
    assert "_discord_parsers = client._connection.parsers" in source, (
        "a connection takes its parsers from elsewhere: sdk.guard_events has no effect"
    )


def test_messages_are_posted_edited_and_read_by_calls_that_give_raw_answers() -> None:
    for name in ("send_message", "edit_message", "get_message", "logs_from", "delete_message", "delete_channel"):
        assert hasattr(HTTPClient, name), f"HTTPClient.{name} is gone: sdk.py makes this call by it"
    wanted = {"nonce", "flags", "view", "file", "allowed_mentions", "message_reference"}
    assert wanted <= inspect.signature(handle_message_parameters).parameters.keys(), (
        "handle_message_parameters takes other arguments: sdk.send and sdk.edit build their bodies with it"
    )


def test_a_message_is_made_of_its_state_its_channel_and_raw_data() -> None:
    assert list(inspect.signature(discord.Message.__init__).parameters) == ["self", "state", "channel", "data"], (
        "discord.Message is made in another way: sdk.history and sdk.read_message make it"
    )
