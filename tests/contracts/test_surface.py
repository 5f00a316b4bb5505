"""What every place to post to promises, the tests' own fakes included."""

import pytest
from contracts.stages import Stage

from bot.errors import Gone, Rejected, Unreachable
from bot.events import Button, Earlier, Place


async def test_what_is_posted_is_shown(stage: Stage) -> None:
    surface = await stage.surface()
    message_id = await surface.post(surface.dialect.render("One two"), "mark.0")
    assert [(m.id, m.text) for m in stage.shown()] == [(message_id, "One two")]


async def test_each_mark_makes_a_message_of_its_own_below_the_last(stage: Stage) -> None:
    surface = await stage.surface()
    ids = [await surface.post(text, f"mark.{number}") for number, text in enumerate(("One", "Two", "Three"))]
    assert [(m.id, m.text) for m in stage.shown()] == list(zip(ids, ("One", "Two", "Three"), strict=True))


@pytest.mark.parametrize("growing", [False, True])
async def test_one_mark_makes_one_message_however_often_it_is_asked_for(stage: Stage, *, growing: bool) -> None:
    surface = await stage.surface()
    ids = {
        await surface.post("Once", "mark.0", growing=growing, may_exist=may_exist)
        for may_exist in (False, False, True, True)
    }
    assert [(m.id, m.text) for m in stage.shown()] == [(ids.pop(), "Once")]
    assert ids == set()


async def test_a_later_process_finds_what_an_earlier_one_posted(stage: Stage) -> None:
    first = await (await stage.surface()).post("Part one", "mark.0")
    later = await stage.surface()
    assert await later.post("Part one", "mark.0", may_exist=True) == first
    second = await later.post("Part two", "mark.1", may_exist=True)
    assert [(m.id, m.text) for m in stage.shown()] == [(first, "Part one"), (second, "Part two")]


async def test_a_post_of_unknown_outcome_that_is_asked_for_again_makes_one_message(stage: Stage) -> None:
    surface = await stage.surface()
    stage.lose_post()
    try:
        message_id = await surface.post("Once", "mark.0")
    except Unreachable:
        message_id = await surface.post("Once", "mark.0", may_exist=True)
    assert [(m.id, m.text) for m in stage.shown()] == [(message_id, "Once")]


async def test_an_edit_replaces_the_text(stage: Stage) -> None:
    surface = await stage.surface()
    message_id = await surface.post("Half", "mark.0")
    await surface.edit(message_id, "Whole and well")
    assert [(m.id, m.text) for m in stage.shown()] == [(message_id, "Whole and well")]


async def test_a_message_grows_and_ends_as_it_is_asked_to(stage: Stage) -> None:
    surface = await stage.surface()
    message_id = await surface.post("One", "mark.0", growing=True)
    await surface.edit(message_id, "One two", growing=True)
    await surface.edit(message_id, "One two three")
    assert [(m.id, m.text) for m in stage.shown()] == [(message_id, "One two three")]


async def test_a_later_process_ends_a_message_that_grew(stage: Stage) -> None:
    message_id = await (await stage.surface()).post("One", "mark.0", growing=True)
    await (await stage.surface()).edit(message_id, "One two")
    assert [(m.id, m.text) for m in stage.shown()] == [(message_id, "One two")]


async def test_buttons_come_with_a_text_and_go_with_the_next(stage: Stage) -> None:
    surface = await stage.surface()
    message_id = await surface.post("Half", "mark.0", buttons=[Button.RETRY])
    assert [m.buttons for m in stage.shown()] == [1]
    await surface.edit(message_id, "More", buttons=[Button.RETRY, Button.CONTINUE])
    assert [m.buttons for m in stage.shown()] == [2]
    await surface.edit(message_id, "Whole")
    assert [m.buttons for m in stage.shown()] == [0]


@pytest.mark.parametrize("growing", [False, True])
async def test_an_edit_of_a_message_that_is_gone_says_so_and_does_not_bring_it_back(
    stage: Stage, *, growing: bool
) -> None:
    surface = await stage.surface()
    message_id = await surface.post("Here", "mark.0", growing=growing)
    await stage.take_away(message_id)
    with pytest.raises(Gone):
        await surface.edit(message_id, "Here, and more", growing=growing)
    with pytest.raises(Gone):
        await (await stage.surface()).edit(message_id, "Here, and more")
    assert stage.shown() == []


async def test_to_take_a_message_away_twice_is_no_error(stage: Stage) -> None:
    surface = await stage.surface()
    ids = [await surface.post(text, f"mark.{number}") for number, text in enumerate(("One", "Two"))]
    await surface.delete(ids[0])
    await surface.delete(ids[0])
    await (await stage.surface()).delete(ids[0])
    assert [m.id for m in stage.shown()] == ids[1:]


async def test_to_take_away_what_somebody_else_took_away_is_no_error(stage: Stage) -> None:
    surface = await stage.surface()
    message_id = await surface.post("One", "mark.0", growing=True)
    await stage.take_away(message_id)
    await surface.delete(message_id)
    assert stage.shown() == []


async def test_a_full_page_is_taken_whole(stage: Stage) -> None:
    surface = await stage.surface()
    page = ("word " * surface.limits.page_size)[: surface.limits.page_size - 1] + "."
    assert surface.dialect.size(page) == surface.limits.page_size
    message_id = await surface.post(page, "mark.0")
    await surface.edit(message_id, page[::-1])
    assert [m.text for m in stage.shown()] == [page[::-1]]


async def test_a_text_above_the_page_size_is_taken_whole_or_not_at_all(stage: Stage) -> None:
    surface = await stage.surface()
    long = ("word " * surface.limits.page_size)[: surface.limits.page_size] + "."
    message_id = await surface.post("Short", "mark.0")
    try:
        await surface.edit(message_id, long)
    except Rejected:
        assert [m.text for m in stage.shown()] == ["Short"]
    else:
        assert [m.text for m in stage.shown()] == [long]


async def test_the_limits_can_be_kept(stage: Stage) -> None:
    limits = (await stage.surface()).limits
    assert min(limits.page_size, limits.status_lasts_s, limits.file_bytes) > 0
    for budget in filter(None, (limits.posts, limits.edits, limits.ends, limits.posts_instead)):
        assert budget.scope
        assert budget.calls >= 1
        assert budget.per_s > 0


async def test_one_mark_attaches_one_file(stage: Stage) -> None:
    surface = await stage.surface()
    first = await surface.attach("data.csv", b"a,b", "mark.0")
    assert await surface.attach("data.csv", b"a,b", "mark.0") == first
    assert await (await stage.surface()).attach("data.csv", b"a,b", "mark.0", may_exist=True) == first
    assert [(m.id, m.files) for m in stage.shown()] == [(first, ("data.csv",))]
    await surface.delete(first)
    assert stage.shown() == []


async def test_a_file_stands_below_the_text(stage: Stage) -> None:
    surface = await stage.surface()
    ids = [await surface.post("Here it is.", "mark.0"), await surface.attach("data.csv", b"a,b", "mark.1")]
    assert [m.id for m in stage.shown()] == ids
    assert [m.files for m in stage.shown()] == [(), ("data.csv",)]


async def test_a_status_is_no_message_and_can_be_taken_away_twice(stage: Stage) -> None:
    surface = await stage.surface()
    for text in ("is thinking…", "is using a tool…", "", ""):
        await surface.status(text)
    assert stage.shown() == []


async def test_what_opens_a_conversation_has_nothing_before_it(stage: Stage) -> None:
    surface, question = await stage.surface(), await stage.question()
    assert await surface.earlier(question, 10, thread=False) == Earlier()


async def test_what_was_said_in_a_thread_comes_oldest_first_and_no_more_than_asked_for(stage: Stage) -> None:
    texts = [f"line {number}" for number in range(6)]
    surface, question = await stage.with_talk(*texts)
    assert [one.text for one in (await surface.earlier(question, 10)).said] == texts
    some = [one.text for one in (await surface.earlier(question, 3)).said]
    assert len(some) == 3
    assert some == sorted(some)
    assert some[-1] == texts[-1]
    assert await surface.earlier(question, 10, thread=False) == Earlier()


async def test_where_a_question_was_asked_is_told_by_names(stage: Stage) -> None:
    assert isinstance(await (await stage.surface()).place(), Place)
