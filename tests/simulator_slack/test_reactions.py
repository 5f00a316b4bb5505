"""Reactions, people's and the bot's."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import SimulatedSlack, SlackError


async def test_a_persons_reaction_is_heard_with_what_it_was_made_on(slack: SimulatedSlack, bolt: Any) -> None:
    ada, bob, general = slack.add_person("Ada"), slack.add_person("Bob"), slack.add_channel("general")
    said = await slack.say(ada, general, "look")
    await bolt.next()
    await slack.react(bob, general, said.ts, "x")
    added = await bolt.next()
    assert (added["type"], added["user"], added["reaction"]) == ("reaction_added", bob.id, "x")
    assert added["item"] == {"type": "message", "channel": general, "ts": said.ts}
    assert (added["item_user"], float(added["event_ts"]) > float(said.ts)) == (ada.id, True)
    await slack.unreact(bob, general, said.ts, "x")
    assert (await bolt.next())["type"] == "reaction_removed"
    assert said.reactions == {}
    await slack.events.redeliver(general, said.ts)
    assert (await bolt.next())["type"] == "message"


async def test_the_bot_adds_a_reaction_once_takes_it_away_once_and_reads_them(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    said = await slack.say(ada, general, "look")
    place = {"channel": general, "timestamp": said.ts}
    await client.reactions_add(**place, name="eyes")
    await slack.react(ada, general, said.ts, "eyes")
    read = (await client.reactions_get(**place))["message"]
    assert read["reactions"] == [{"name": "eyes", "users": [slack.app.bot.id, ada.id], "count": 2}]
    assert (await refusal(client.reactions_add(**place, name="eyes")))["error"] == "already_reacted"
    assert (await refusal(client.reactions_add(**place, name="👀")))["error"] == "invalid_name"
    await client.reactions_remove(**place, name="eyes")
    assert said.reactions == {"eyes": [ada.id]}
    assert (await refusal(client.reactions_remove(**place, name="eyes")))["error"] == "no_reaction"
    assert (await refusal(client.reactions_get(channel=general, timestamp="1.000001")))["error"] == "message_not_found"
    with pytest.raises(SlackError, match="already_reacted"):
        await slack.react(ada, general, said.ts, "eyes")


async def test_without_its_scope_or_its_subscription_a_reaction_is_not_heard(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient, refusal: Any
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    said = await slack.say(ada, general, "look")
    await bolt.next()
    slack.app.unsubscribe("reaction_removed", "message.im")
    await slack.react(ada, general, said.ts, "x")
    await slack.unreact(ada, general, said.ts, "x")
    slack.app.deny("reactions:read")
    await slack.react(ada, general, said.ts, "eyes")
    await slack.say(ada, slack.dm(ada), "not heard")
    await slack.say(ada, general, "done")
    assert {(await bolt.next())["type"] for _ in range(2)} == {"reaction_added", "message"}
    await slack.events.settled()
    assert len(slack.events.envelopes) == 3
    body = await refusal(client.reactions_get(channel=general, timestamp=said.ts))
    assert body["needed"] == "reactions:read"
    with pytest.raises(ValueError, match="no such event: message"):
        slack.app.unsubscribe("message")
