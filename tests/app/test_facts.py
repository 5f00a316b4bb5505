"""Whoever runs the bot sees what it does: the parts emit facts, wherever the answer is asked for."""

from bot.telemetry import CallMade, ClaudeAsked, Fact, StoreWrote, TurnEnded
from bot.tryout.world import Room, World


async def test_an_answer_leaves_the_facts_of_its_calls_and_of_what_was_written(here: World, channel: Room) -> None:
    facts: list[Fact] = []
    await here.bot.stop()
    here.bot.sinks = (facts.append,)
    await here.start_bot()
    await here.ask("Ada", channel, "@parley What is seen of this?")
    await here.bot.stop()  # afterwards every call has come back
    calls = [fact for fact in facts if isinstance(fact, CallMade) and fact.platform == channel.platform]
    assert {call.outcome for call in calls} <= {"ok", "lost"}  # the last one may be cut off by the end
    assert all(call.took_s >= 0 for call in calls)
    post = {"discord": "POST /channels/*/messages", "slack": "chat.startStream"}[channel.platform]
    assert post in {call.call for call in calls}
    assert not any(character.isdigit() for call in calls for character in call.call)  # no ids, no tokens
    written = [fact for fact in facts if isinstance(fact, StoreWrote)]
    assert written
    [asked] = [fact for fact in facts if isinstance(fact, ClaudeAsked)]
    assert (asked.outcome, asked.model) == ("end_turn", here.bot.settings.claude.model)
    assert asked.output_tokens > 0
    [ended] = [fact for fact in facts if isinstance(fact, TurnEnded)]
    assert (ended.state, ended.questions, ended.turn) == ("delivered", 1, asked.turn)
    assert not any(fact.failed for fact in written)
