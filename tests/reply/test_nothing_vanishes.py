"""What was once visible never goes away before something takes its place; and there is always one Stop button."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_fakes import Chat, Log, away, reply_in, run

from bot.errors import Gone, RateLimited
from bot.events import AnswerMessage, Button
from bot.reply import pages

STOP = (Button.STOP,)
State = dict[str, tuple[str, tuple[Button, ...]]]


class Watched(Chat):
    """Remembers every state that a reader could see."""

    def __init__(self, size: int = 200, *, append_only: bool = False, latency_s: float = 0.1) -> None:
        super().__init__(size)
        self.limits = replace(self.limits, append_only=append_only)
        self.latency_s = latency_s
        self.states: list[State] = []

    def _show(self, *args: object, **kwargs: object) -> None:
        super()._show(*args, **kwargs)  # type: ignore[arg-type]
        self.seen()

    async def delete(self, message_id: str) -> None:
        await super().delete(message_id)
        self.seen()

    def seen(self) -> None:
        texts = [message for message in self.messages if message not in self.files]
        self.states.append({message: (self.messages[message], self.buttons.get(message, ())) for message in texts})


def words_in(state: State) -> Counter[str]:
    return Counter(word for text, _ in state.values() for word in text.split() if word[0].isalpha())


def stops_in(state: State) -> int:
    return sum(buttons == STOP for _, buttons in state.values())


def numbered(name: str, count: int) -> list[str]:
    """Words of which none is like another, some in paragraphs of their own."""
    return [f"{name}{number}" + ("\n\n" if number % 17 == 16 else " ") for number in range(count)]


async def written(chat: Chat, attempts: Sequence[list[str]], pauses_s: Sequence[float], **settings: object) -> None:
    async with reply_in(chat, **{"most_pages": 100, **settings}) as reply:
        for number, words in enumerate(attempts):
            if number:
                reply.restart()
            for at, word in enumerate(words):
                reply.write(word)
                await asyncio.sleep(pauses_s[at % len(pauses_s)])
        await reply.finish(buttons=(Button.RETRY,))


pauses = st.lists(st.sampled_from([0.0, 0.0, 0.02, 0.3, 2.0]), min_size=1, max_size=12)
faults = st.lists(
    st.one_of(
        st.none(),
        st.none(),
        st.builds(away),
        st.builds(lambda: (away(), "landed")),
        st.builds(lambda s: RateLimited("Slow down.", retry_after_s=s), st.floats(0, 5)),
    ),
    max_size=15,
)
chats = st.builds(Watched, st.sampled_from([200, 300]), append_only=st.booleans(), latency_s=st.floats(0, 0.5))


@settings(max_examples=60, deadline=None)
@given(chats, st.integers(1, 250), pauses, faults)
def test_no_word_of_a_growing_answer_is_ever_nowhere(
    chat: Watched, count: int, pauses_s: list[float], failing: list[object]
) -> None:
    chat.faults = list(failing)
    words = numbered("word", count)
    run(written(chat, [words], pauses_s))
    for before, after in pairwise(chat.states):
        assert words_in(before).keys() <= words_in(after).keys()
        assert stops_in(after) <= 1
    assert list(words_in(chat.states[-1]).elements()) == [word.strip() for word in words]
    assert stops_in(chat.states[-1]) == 0


@settings(max_examples=60, deadline=None)
@given(chats, st.lists(st.integers(0, 200), min_size=2, max_size=4), pauses, faults)
def test_an_answer_that_begins_anew_never_shows_less_than_before_until_it_is_whole(
    chat: Watched, counts: list[int], pauses_s: list[float], failing: list[object]
) -> None:
    chat.faults = list(failing)
    attempts = [numbered(name, count) for name, count in zip("abcd", counts, strict=False)]
    run(written(chat, attempts, pauses_s))
    last = "abcd"[len(counts) - 1]
    whole_at = len(chat.states) - sum(
        1 for state in chat.states if any(b == (Button.RETRY,) for _, b in state.values())
    )
    fewest = 0
    for state in chat.states[:whole_at]:
        seen = words_in(state)
        assert seen.total() >= fewest * 0.8  # a word more or less has another length
        assert stops_in(state) <= 1
        # While one attempt takes another's place page by page, words of both are there: that is no more to be kept.
        fewest = max(fewest, min(seen.total(), max(counts[:-1])))
    shown = list(words_in(chat.states[-1]).elements())
    assert shown == [word.strip() for word in numbered(last, counts[-1])] or not counts[-1]
    assert stops_in(chat.states[-1]) == 0


def left_by_another(chat: Watched, words: list[str], most: int | None = None) -> list[AnswerMessage]:
    """Show what an earlier process had shown; return the parts it has written down."""
    shown = [page.text for page in pages("".join(words), chat.dialect, chat.limits.page_size)][:most]
    parts = [AnswerMessage(number, f"m.{number}", f"id-m.{number}") for number in range(len(shown))]
    chat.messages = {part.message_id: text for part, text in zip(parts, shown, strict=True)}
    chat.buttons = dict.fromkeys(chat.messages, ()) | {parts[-1].message_id: STOP}
    chat.seen()
    return parts


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("count", [10, 60, 120])
def test_after_a_restart_what_was_shown_stays_until_there_is_as_much(count: int, *, known: bool) -> None:
    chat = Watched()
    old = numbered("old", count)
    parts = left_by_another(chat, old)
    shown = "".join(old) if known else None
    run(written(chat, [numbered("new", 150)], [0.1], parts=parts, shown=shown, log=Log()))
    for state in chat.states[:-3]:
        assert words_in(state).total() >= count
        assert stops_in(state) <= 1
    assert [word for word in words_in(chat.states[-1]) if word.startswith("old")] == []
    grew = sum(any(word.startswith("new") for word in words_in(state)) for state in chat.states)
    assert grew > 5


def test_an_answer_that_is_taken_up_where_it_was_left_loses_no_word() -> None:
    chat = Watched()
    words = numbered("word", 200)
    parts = left_by_another(chat, words[:90])
    taken_up = ["".join(words[:90]), *words[90:]]
    run(written(chat, [taken_up], [0.1], parts=parts, shown="".join(words[:90])))
    for before, after in pairwise(chat.states):
        assert words_in(before).keys() <= words_in(after).keys()
        assert stops_in(after) <= 1
    assert list(words_in(chat.states[-1]).elements()) == [word.strip() for word in words]


def test_an_answer_that_was_whole_gets_a_stop_button_while_it_is_made_anew() -> None:
    async def main() -> None:
        async with reply_in(chat, parts=parts, shown="".join(old)) as reply:
            reply.write("A new beginning ")
            await asyncio.sleep(5)
            assert stops_in(chat.states[-1]) == 1
            assert words_in(chat.states[-1]).total() == len(old)
            await reply.finish(buttons=(Button.RETRY,))

    chat, old = Watched(), numbered("old", 60)
    parts = left_by_another(chat, old)
    chat.buttons[parts[-1].message_id] = (Button.RETRY,)
    run(main())
    assert chat.shown == ["A new beginning "]
    assert next(iter(chat.buttons.values())) == (Button.RETRY,)


def test_a_post_that_landed_with_more_than_was_known_keeps_its_words_until_the_next_page_has_them() -> None:
    """The first post's answer is lost; its page has ended since, and what is found shows more than that holds."""
    chat = Watched(300, latency_s=0.5)
    chat.faults = [away(), RateLimited("Slow down.", retry_after_s=4.0), (away(), "landed")]
    run(written(chat, [numbered("word", 45)], [0.0, 0.3]))
    assert [call[1] for call in chat.calls][3:6] == ["post", "post", "edit"]
    for before, after in pairwise(chat.states):
        assert words_in(before).keys() <= words_in(after).keys()


def test_an_answer_that_begins_anew_while_its_first_post_is_under_way_is_not_replaced_by_less() -> None:
    chat = Watched(latency_s=0.0)
    run(written(chat, [numbered("a", 3), numbered("b", 1)], [0.0, 0.3]))
    assert [(text, buttons) for [(text, buttons)] in (state.values() for state in chat.states)] == [
        ("a0 a1 a2 ", STOP),
        ("b0 ", (Button.RETRY,)),
    ]


@pytest.mark.parametrize("append_only", [False, True])
def test_an_answer_that_was_whole_keeps_its_last_word_while_it_is_taken_up(*, append_only: bool) -> None:
    """Where messages only grow, a last word that may go on is not shown; but this one was."""

    async def main() -> None:
        async with reply_in(chat, parts=parts, shown="".join(old)) as reply:
            await asyncio.sleep(5)
            reply.write("".join(old))
            await reply.finish(buttons=(Button.RETRY,))

    chat, old = Watched(append_only=append_only), [*numbered("old", 12), "last"]
    parts = left_by_another(chat, old)
    run(main())
    assert all(words_in(state).keys() == words_in(chat.states[0]).keys() for state in chat.states)


def test_what_was_said_in_place_of_a_refused_post_is_not_taken_for_two_messages() -> None:
    """Discord finds a post by its place among the bot's messages: in the place of the refused one is what followed."""
    chat = Watched()
    chat.messages = {"id-m.1": "The answer was not accepted here."}
    chat.ids = {"m.0": "id-m.1"}
    parts = [AnswerMessage(0, "m.0"), AnswerMessage(1, "m.1", "id-m.1")]
    run(written(chat, [numbered("word", 12)], [0.1], parts=parts, log=Log()))
    assert list(chat.messages) == ["id-m.1"]
    assert chat.kinds("delete") == []
    assert chat.shown[0].split() == [word.strip() for word in numbered("word", 12)]


def test_what_somebody_took_away_is_not_posted_again_while_an_answer_is_made_anew() -> None:
    async def main() -> None:
        async with reply_in(chat, parts=parts, shown="".join(old)) as reply:
            reply.write("A new beginning ")
            await asyncio.sleep(5)
            await reply.finish()

    chat, old = Watched(), numbered("old", 20)
    parts = left_by_another(chat, old)
    chat.faults = [Gone("It is gone.")]
    run(main())
    assert chat.kinds("post") == ["A new beginning "]


def test_a_full_page_is_posted_before_its_words_leave_the_page_before_it() -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.write("A paragraph of some words. " * 6 + "\n\n")
            await asyncio.sleep(2)
            reply.write("moved ")
            await asyncio.sleep(2)
            reply.write("and more words " * 4)
            await asyncio.sleep(5)
            assert stops_in(chat.states[-1]) == 1
            await reply.finish()

    chat = Watched()
    run(main())
    _, _, posted, trimmed, *_ = chat.states
    assert [sum("moved" in text for text, _ in state.values()) for state in (posted, trimmed)] == [2, 1]
    assert [[buttons for _, buttons in state.values()] for state in (posted, trimmed)] == [[STOP, ()], [(), ()]]
