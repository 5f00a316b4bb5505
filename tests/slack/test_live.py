"""Whole answers, by way of the live reply: streamed, edited and both, they arrive as they were written."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.events import AnswerMessage, Button, Incoming, MessageKey
from bot.reply import LiveReply, Pacer
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]
WORDS = [f"word{number} " if number % 9 else f"word{number}.\n\n" for number in range(1200)]
SHORT = WORDS[:60]


class Parts:
    """A `PartLog` that remembers."""

    def __init__(self) -> None:
        self.parts: dict[str, AnswerMessage] = {}

    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        del turn
        self.parts[part.idempotency_key] = part

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        del turn
        self.parts[part.idempotency_key] = part


def plain(text: str) -> str:
    return " ".join(text.split())


async def answer(scene: Any, question: Incoming, pacer: Pacer, words: list[str], *, pause_s: float = 0.0) -> list[Any]:
    """Have a question answered in words; return the answer's messages."""
    surface = scene.at(question)
    async with LiveReply(
        surface, pacer, log=Parts(), turn=question.key, idempotency_key=f"m{question.key.message[-6:]}"
    ) as reply:
        for word in words:
            reply.write(word)
            await asyncio.sleep(pause_s)
        await reply.finish(buttons=[Button.RETRY])
    return list(scene.own(question.key.message))


@pytest.mark.parametrize("delivery", ["auto", "edit", "stream"])
async def test_a_long_answer_arrives_whole_on_its_pages(connected: Connected, delivery: str) -> None:
    async with connected(delivery=delivery) as scene:
        messages = await answer(scene, await scene.asked(), Pacer(), WORDS)
        assert len(messages) > 1
        assert plain(" ".join(message.shown for message in messages)) == plain("".join(WORDS))
        assert [message.buttons for message in messages] == [[]] * (len(messages) - 1) + [["Retry"]]
        assert all(message.metadata for message in messages)
        assert scene.slack.api.limited == 0


@pytest.mark.parametrize("delivery", ["auto", "stream"])
async def test_what_is_streamed_is_whole_though_calls_fail(connected: Connected, delivery: str) -> None:
    async with connected(delivery=delivery) as scene:
        scene.slack.faults.add(
            Fault("chat.startStream", status=502, after=True),
            Fault("chat.appendStream", drop=True, after=True, skip=1),
            Fault("chat.stopStream", status=500, after=True),
        )
        pacer = Pacer()
        questions = [await scene.asked() for _ in range(3)]
        answers = await asyncio.gather(*(answer(scene, asked, pacer, SHORT, pause_s=0.01) for asked in questions))
        for messages in answers:
            assert [plain(message.shown) for message in messages] == [plain("".join(SHORT))]
            assert messages[0].buttons == ["Retry"]


async def test_a_stream_that_expires_between_two_words_is_gone_on_with(connected: Connected) -> None:
    async with connected(delivery="stream") as scene:
        scene.slack.settings.stream_lasts_s = 0.3
        (message,) = await answer(scene, await scene.asked(), Pacer(), SHORT, pause_s=0.02)
        assert plain(message.shown) == plain("".join(SHORT))
        assert message.stream is not None
        assert scene.calls("chat.update") >= 1
