"""Limits that differ by place count what was used there, and nothing of what was used elsewhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from engine_room import ADA, GRACE, Room, message, room
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.answer.money.payers import payers_of
from bot.events import Incoming, MessageKey, Person, ThreadKey, Turn, TurnState
from bot.places import Places, Table, Where
from bot.simulator.claude import SimulatedClaude

ENOUGH = 4_000


def asked(number: int, channel: str = "C", by: Person = ADA) -> Incoming:
    """A question in a channel of its own thread."""
    question = message(number, "Hello", by)
    where = ThreadKey("fake", "W", channel, f"T{number}")
    return replace(question, key=MessageKey("fake", "W", channel, str(number)), thread=where)


def table(number: int, where: Where, **values: Any) -> Table:
    return Table(where, values, f"place[{number}]")


async def ends_as(here: Room, question: Incoming) -> str:
    await here.engine.handle(question)
    while True:
        change = here.chat.next_change()
        turn = await here.store.turns.find(question.key)
        if turn is not None and turn.has_ended:
            return turn.state.value
        await change.wait()


async def test_a_channels_limit_for_all_counts_what_was_used_in_it(tmp_path: Path, claude: SimulatedClaude) -> None:
    here_only = table(1, Where(channel="C"), tokens_in_all=ENOUGH)
    async with room(tmp_path, claude, tables=[here_only]) as here:
        for number in range(100, 110):
            assert await ends_as(here, asked(number, "D")) == "delivered"
        assert await here.store.usage.spent("", 0.0) > ENOUGH
        assert await ends_as(here, asked(200, "C")) == "delivered"
        found = [await ends_as(here, asked(number, "C", GRACE)) for number in range(201, 210)]
        assert found[-1] == "failed", "this channel's share is used up, whoever asks"
        assert "share of Claude" in here.chat.lines[-1]
        assert await ends_as(here, asked(300, "D")) == "delivered"


async def test_a_channels_limit_for_one_person_counts_what_they_used_in_it(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    here_only = table(1, Where(channel="C"), tokens_per_person=ENOUGH)
    async with room(tmp_path, claude, tables=[here_only]) as here:
        for number in range(100, 110):
            assert await ends_as(here, asked(number, "D")) == "delivered"
        found = [await ends_as(here, asked(number, "C")) for number in range(200, 210)]
        assert (found[0], found[-1]) == ("delivered", "failed")
        assert "Your share of Claude" in here.chat.lines[-1]
        assert await ends_as(here, asked(300, "C", GRACE)) == "delivered"


async def test_what_is_used_where_a_table_holds_counts_once_for_everybody(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    limited = table(1, Where(channel="C"), tokens_in_all=10**6, tokens_per_person=10**6)
    async with room(tmp_path, claude, tables=[limited]) as here:
        assert await ends_as(here, asked(100, "C")) == "delivered"
        in_all, mine = [await here.store.usage.spent(account, 0.0) for account in ("", "fake:U1")]
        there, mine_there = [
            await here.store.usage.spent(account, 0.0) for account in ("@channel=C", "@channel=C fake:U1")
        ]
        assert in_all == mine == there == mine_there > 0


async def test_a_limit_of_none_in_a_channel_lifts_the_one_of_the_whole_bot(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    free = table(1, Where(channel="C"), tokens_per_person=0)
    async with room(tmp_path, claude, values={"tokens_per_person": 100}, tables=[free]) as here:
        assert await ends_as(here, asked(100, "C")) == "delivered"
        assert await ends_as(here, asked(101, "D")) == "failed"


people = st.lists(st.sampled_from([Person(f"U{number}", "") for number in range(3)]), min_size=1, max_size=6)
wheres = st.builds(Where, channel=st.sampled_from(["", "C", "D"]), person=st.sampled_from(["", "U0", "U1"]))
limits = st.fixed_dictionaries(
    {}, optional={"tokens_per_person": st.integers(0, 9), "tokens_in_all": st.integers(0, 9)}
)


@given(people, st.lists(st.tuples(wheres, limits), max_size=4))
def test_persons_pay_a_turn_together_and_every_limit_is_one_of_an_account_that_is_charged(
    authors: list[Person], found: list[tuple[Where, dict[str, int]]]
) -> None:
    tables = [table(number, where, **values) for number, (where, values) in enumerate(found)]
    default = {"model": "m", "tokens_per_person": 5, "tokens_in_all": 5}
    turn = Turn(tuple(asked(number, "C", author) for number, author in enumerate(authors)), TurnState.ACCEPTED)
    payers = payers_of(turn, Places(default, tables))
    assert abs(sum(payers.persons.values()) - 1) < 1e-9
    assert all(payers.shares[limit.account] > 0 for limit in payers.limits)
    assert all(share <= 1 + 1e-9 for share in payers.shares.values())
    beside = {account for account in payers.shares if account not in payers.persons and account}
    assert all(account.startswith("@") for account in beside)
