"""What somebody wrote just before they called the bot."""

import asyncio
from dataclasses import replace

from engine_room import ADA, GRACE, message

from bot.engine.inbox.recent_messages import MOST_MESSAGES, RecentMessages

HERE = {"in_thread": False, "mentions_bot": False}


async def test_what_the_asker_said_just_before_belongs_to_the_question() -> None:
    bursts = RecentMessages()
    bursts.add(message(1, "Look", **HERE))
    bursts.add(message(2, "at this", **HERE))
    assert [said.text for said in bursts.before(message(3, "Why?", in_thread=False))] == ["Look", "at this"]
    assert bursts.before(message(4, "And?", in_thread=False)) == ()


async def test_other_people_and_other_channels_are_left_out() -> None:
    bursts = RecentMessages()
    bursts.add(message(1, "Grace's", GRACE, **HERE))
    elsewhere = message(2, "elsewhere", **HERE)
    bursts.add(replace(elsewhere, key=replace(elsewhere.key, channel="D")))
    assert bursts.before(message(3, "Why?", ADA, in_thread=False)) == ()


async def test_only_the_last_messages_are_remembered() -> None:
    bursts = RecentMessages()
    for number in range(20):
        bursts.add(message(number, str(number), **HERE))
    said = bursts.before(message(99, "Why?", in_thread=False))
    assert [line.text for line in said] == [str(n) for n in range(20 - MOST_MESSAGES, 20)]


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    class Later(asyncio.SelectorEventLoop):
        ahead_s = 0.0

        def time(self) -> float:
            return super().time() + self.ahead_s

    async def main() -> None:
        bursts = RecentMessages()
        bursts.add(message(1, "Look", **HERE))
        loop.ahead_s = 61.0
        assert bursts.before(message(2, "Why?", in_thread=False)) == ()

    loop = Later()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


async def test_what_is_said_in_a_thread_is_not_remembered() -> None:
    bursts = RecentMessages()
    bursts.add(message(1, "Look", in_thread=True, mentions_bot=False))
    assert bursts.before(message(2, "Why?", in_thread=False)) == ()


async def test_what_was_edited_is_told_as_it_is_now_and_what_was_deleted_is_not_told() -> None:
    bursts = RecentMessages()
    for number in (1, 2, 3):
        bursts.add(message(number, str(number), **HERE))
    bursts.edited(message(2, "two", **HERE))
    bursts.forget(message(3, "").key)
    bursts.forget(message(7, "").key)
    assert [said.text for said in bursts.before(message(4, "Why?", in_thread=False))] == ["1", "two"]
