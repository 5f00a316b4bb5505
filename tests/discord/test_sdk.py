"""Canaries: what of the inside of discord.py the bot rests on, and what broke if a test here fails."""

import inspect

import discord
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Ratelimit, Route, handle_message_parameters


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
    made = ("send_message", "edit_message", "get_message", "logs_from", "delete_message", "delete_channel")
    for name in (*made, "edit_channel", "get_channel", "start_thread_with_message", "get_bot_gateway", "close"):
        assert hasattr(HTTPClient, name), f"HTTPClient.{name} is gone: sdk.py makes this call by it"
    wanted = {"nonce", "flags", "view", "file", "allowed_mentions", "message_reference"}
    assert wanted <= inspect.signature(handle_message_parameters).parameters.keys(), (
        "handle_message_parameters takes other arguments: sdk.send and sdk.edit build their bodies with it"
    )


def test_a_message_is_made_of_its_state_its_channel_and_raw_data() -> None:
    assert list(inspect.signature(discord.Message.__init__).parameters) == ["self", "state", "channel", "data"], (
        "discord.Message is made in another way: sdk.history and sdk.read_message make it"
    )


def test_the_addresses_stand_in_the_classes_of_all_clients() -> None:
    assert "Route.BASE + " in inspect.getsource(Route) or "self.BASE + " in inspect.getsource(Route), (
        "a call's address is made of something else than Route.BASE: discord.api_url has no effect"
    )
    assert "cls.DEFAULT_GATEWAY" in inspect.getsource(DiscordWebSocket.from_client), (
        "a connection takes its address from elsewhere: discord.gateway_url has no effect"
    )


def test_a_call_waits_for_no_bucket_but_ours() -> None:
    source = inspect.getsource(HTTPClient.request)
    assert "async with ratelimit" in source, "a call enters no bucket: sdk.queue_nothing has no effect"
    assert "self.get_ratelimit(" in source, "a bucket is found in another way: sdk.queue_nothing has no effect"
    assert {"__aenter__", "__aexit__"} <= vars(Ratelimit).keys(), "a bucket is entered in another way"


def test_a_lost_session_is_told_by_a_connection_without_a_session_id() -> None:
    source = inspect.getsource(DiscordWebSocket)
    assert "self.session_id" in source, "a connection's session_id is gone: sdk.is_session_lost cannot tell"
    assert "self.ws" in inspect.getsource(discord.Client), "a client's ws is gone: sdk.was_connected cannot tell"


def test_each_event_and_each_identify_passes_through_a_method_that_may_be_replaced() -> None:
    assert "dispatch" in vars(discord.Client), "Client.dispatch is gone: the listener takes no event"
    assert "call_hooks" in inspect.getsource(DiscordWebSocket.identify), "an IDENTIFY is sent without its hook"
    assert "before_identify_hook" in vars(discord.Client), "Client.before_identify_hook is gone: sessions go uncounted"
