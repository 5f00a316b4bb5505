"""What waits for the past of its place when a connection is lost is handed in by the next connection."""

import asyncio
from collections.abc import Sequence

from bot.errors import Unreachable
from bot.events import Event, Reply, ThreadKey
from bot.platforms.kernel.agenda import ChannelRef
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.catch_up import CatchUp, Found, Terms
from bot.platforms.kernel.door import Door
from bot.tasks import beside

PLACE = ChannelRef("D1")
NEW = ChannelRef("D2")
TERMS = Terms(window_s=3600.0, margin_s=1.0, asked_s=3600.0, back_off=BackOff(0.01, 0.01))


class Past:
    """A source whose places cannot be read before it is `there`."""

    def __init__(self) -> None:
        self.there = False
        self.tried = asyncio.Event()

    async def places(self, _: float, __: Sequence[ThreadKey]) -> Sequence[ChannelRef]:
        return [PLACE]

    async def read(self, _: ChannelRef, __: float) -> Found[str]:
        self.tried.set()
        if not self.there:
            raise Unreachable("The chat cannot be reached.")
        return Found([])

    async def events(self, _: ChannelRef, __: str) -> Sequence[Event]:
        return []


class Kept:
    """Checkpoints of a bot that was there a minute ago."""

    async def last(self, _: str) -> float:
        return 40.0

    async def save(self, _: str, __: float) -> None:
        pass

    async def threads(self, _: str, __: float) -> Sequence[ThreadKey]:
        return []


async def handle(_: Event) -> Reply:
    return Reply()


async def test_an_event_that_waits_when_the_connection_is_lost_goes_on_with_the_next_one() -> None:
    source, connected = Past(), asyncio.Event()
    connected.set()
    catch_up = CatchUp(source, Door("fake", handle), Kept(), lambda: 100.0, TERMS)
    async with asyncio.TaskGroup() as events:
        async with beside(catch_up.run(connected), "first connection"):
            catch_up.begin(anew=True)
            await source.tried.wait()
            listed = events.create_task(catch_up.first(PLACE))
            unlisted = events.create_task(catch_up.first(NEW, unlisted=True))
            await asyncio.sleep(0)
        assert not listed.done()
        assert not unlisted.done()
        source.there = True
        async with beside(catch_up.run(connected), "next connection"), asyncio.timeout(120):
            catch_up.begin(anew=True)
            await asyncio.wait([listed, unlisted])
