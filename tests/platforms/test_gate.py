"""A call that is made while there is no client waits for the next one, and is refused if none comes."""

import asyncio

import pytest

from bot.errors import Unreachable
from bot.platforms.kernel import gate
from bot.platforms.kernel.gate import ClientGate


def away(detail: str) -> Unreachable:
    return Unreachable("The platform cannot be reached at the moment.", detail)


async def test_a_call_is_made_with_the_client_that_is_there_now() -> None:
    there = ClientGate[str](away)
    there.open("first")
    assert await there.client() == "first"
    there.open("second")
    assert await there.client() == "second"


async def test_a_call_between_two_clients_waits_for_the_next_one() -> None:
    there = ClientGate[str](away)
    there.open("first")
    there.close()
    call = asyncio.create_task(there.client())
    await asyncio.sleep(0)
    assert not call.done()
    there.open("second")
    assert await call == "second"


async def test_a_call_is_refused_if_no_client_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "WAIT_S", 0.0)
    with pytest.raises(Unreachable):
        await ClientGate[str](away).client()


async def test_a_call_is_refused_if_the_client_it_waited_for_is_gone_again() -> None:
    there = ClientGate[str](away)
    call = asyncio.create_task(there.client())
    await asyncio.sleep(0)
    there.open("short")
    there.close()
    with pytest.raises(Unreachable):
        await call
