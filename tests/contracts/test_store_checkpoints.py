"""What every store promises of how far a platform was heard (the port `Checkpoints`)."""

from contracts.stores import Opener, ask

from bot.ports import Store


async def test_what_was_heard_never_goes_back(store: Store) -> None:
    assert await store.checkpoints.last("discord") == 0.0
    await store.checkpoints.save("discord", 20.5)
    await store.checkpoints.save("discord", 10.0)
    assert await store.checkpoints.last("discord") == 20.5
    assert await store.checkpoints.last("slack") == 0.0


async def test_threads_the_bot_was_asked_in_come_newest_first(store: Store) -> None:
    for message, thread in (("100", "A"), ("101", "B"), ("102", "A")):
        await store.turns.accept(ask(message, thread))
    assert [key.thread for key in await store.checkpoints.threads("discord", 0.0)] == ["A", "B"]
    assert await store.checkpoints.threads("slack", 0.0) == []
    assert await store.checkpoints.threads("discord", 1e12) == []


async def test_what_was_heard_is_known_after_a_restart(opener: Opener) -> None:
    async with opener() as store:
        await store.checkpoints.save("discord", 20.5)
    async with opener() as store:
        assert await store.checkpoints.last("discord") == 20.5
