"""What people see before a question on Discord, as context; where the question stands; and what cannot be read."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.events import Earlier, Place
from bot.simulator.discord import Person
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]

ALERT = {
    "title": "CPU above 90 %",
    "url": "https://grafana.example/d/1",
    "description": "db1 is **hot**",
    "author": {"name": "Alertmanager"},
    "fields": [{"name": "Zone", "value": "eu-1"}, {"name": "Since", "value": "<t:1700000000:R>"}],
    "footer": {"text": "rule 7"},
    "image": {"url": "https://grafana.example/graph.png"},
}
SHOWN_ALERT = (
    "[Embed]\nAlertmanager\nCPU above 90 % <https://grafana.example/d/1>\ndb1 is **hot**\nZone: eu-1\n"
    "Since: 2023-11-14 22:13 UTC\nrule 7\n(an image)"
)
HISTORY = "GET /channels/*/messages"


@pytest.fixture
async def scene(connected: Connected) -> Any:
    async with connected() as made:
        yield made


def robot(scene: Any, name: str = "Grafana") -> Person:
    made: Person = scene.discord.add_person(name, guild=scene.guild, bot=True)
    return made


async def seen(scene: Any, thread: str, **more: Any) -> list[tuple[str, str]]:
    """What Claude would be shown before a question in a thread: who, and what."""
    question = await scene.asked("{bot} so?", thread, **more)
    while question.text != "so?":
        question = await scene.heard.next()
    return [(one.author.name, one.text) for one in (await scene.at(question).earlier(question, 20)).said]


async def thread_of(scene: Any, *, on: str | None = None) -> str:
    made: str = await scene.discord.open_thread(scene.ben, scene.channel, "Talk", on=on)
    return made


async def test_an_alert_in_embeds_is_read_where_it_hangs_and_where_it_stands(scene: Any) -> None:
    root = await scene.discord.others.show(robot(scene), scene.channel, embeds=[ALERT])
    thread = await thread_of(scene, on=root.id)
    await scene.discord.others.show(robot(scene, "Pager"), thread, "Look", embeds=[{"description": "Again"}])
    assert await seen(scene, thread) == [("Grafana", SHOWN_ALERT), ("Pager", "Look\n\n[Embed]\nAgain")]


async def test_an_alert_is_read_when_it_is_replied_to(scene: Any) -> None:
    alert = await scene.discord.others.show(robot(scene), scene.channel, embeds=[ALERT])
    assert await seen(scene, scene.channel, reply_to=alert.id) == [("Grafana", SHOWN_ALERT)]


async def test_webhooks_and_answers_to_slash_commands_are_read(scene: Any) -> None:
    thread = await thread_of(scene)
    await scene.discord.others.show(robot(scene, "GitHub"), thread, webhook=True, embeds=[{"title": "Build failed"}])
    await scene.discord.others.show(robot(scene, "Weather"), thread, "12 °C", answers=scene.ann)
    assert await seen(scene, thread) == [("GitHub", "[Embed]\nBuild failed"), ("Weather", "12 °C")]


async def test_texts_in_components_are_read(scene: Any) -> None:
    thread = await thread_of(scene)
    button = {"type": 2, "style": 5, "label": "Open", "url": "https://example.org"}
    section = {"type": 9, "components": [{"type": 10, "content": "Inner"}], "accessory": button}
    card = {"type": 17, "components": [{"type": 10, "content": "# Card"}, {"type": 14}, section]}
    await scene.discord.others.show(robot(scene, "Cards"), thread, components=[{"type": 10, "content": "Top"}, card])
    assert await seen(scene, thread) == [("Cards", "Top\n\n# Card\nInner")]


async def test_a_poll_is_read_with_its_counts_and_its_end(scene: Any) -> None:
    thread = await thread_of(scene)
    await scene.discord.others.ask_around(scene.ben, thread, "Lunch?", {"Pizza": 3, "Soup": 1})
    await scene.discord.others.ask_around(scene.ben, thread, "Dinner?", {"Rice": 0}, closed=True)
    fields = {
        "poll_question_text": "Lunch?",
        "victor_answer_text": "Pizza",
        "victor_answer_votes": "3",
        "total_votes": "4",
    }
    end = {"type": "poll_result", "fields": [{"name": name, "value": value} for name, value in fields.items()]}
    await scene.discord.others.notice(scene.ben, thread, 46, embeds=[end])
    assert [text for _, text in await seen(scene, thread)] == [
        "[Poll] Lunch?\n- Pizza: 3 votes\n- Soup: 1 vote",
        "[Poll, closed] Dinner?\n- Rice: 0 votes",
        "[Poll closed] Lunch?: Pizza won with 3 votes of 4",
    ]


async def test_a_poll_is_a_question_too(scene: Any) -> None:
    dm = scene.discord.dm(scene.ann)
    await scene.discord.others.ask_around(scene.ann, dm, "Tea or coffee?", {"Tea": 0, "Coffee": 0})
    assert (await scene.heard.next()).text.startswith("[Poll] Tea or coffee?\n- Tea")


async def test_a_sticker_is_read_by_its_name(scene: Any) -> None:
    thread = await thread_of(scene)
    await scene.discord.say(scene.ben, thread, "", stickers=["Shrug", "Facepalm"])
    assert await seen(scene, thread) == [("Ben", "[Sticker: Shrug]\n\n[Sticker: Facepalm]")]


async def test_what_is_forwarded_is_read_whatever_it_is(scene: Any) -> None:
    thread = await thread_of(scene)
    alert = await scene.discord.others.show(robot(scene), scene.channel, "Alert", embeds=[{"title": "Disk full"}])
    sticker = await scene.discord.say(scene.ben, scene.channel, "", stickers=["Shrug"])
    for one in (alert, sticker):
        await scene.discord.forward(scene.ben, one.id, thread)
    label = "[Forwarded message, author unknown]\n> "
    assert [text for _, text in await seen(scene, thread)] == [
        f"{label}Alert\n> \n> [Embed]\n> Disk full",
        f"{label}[Sticker: Shrug]",
    ]


async def test_a_forwarded_alert_is_a_question(scene: Any) -> None:
    alert = await scene.discord.others.show(robot(scene), scene.channel, embeds=[{"title": "Disk full"}])
    await scene.discord.forward(scene.ann, alert.id, scene.discord.dm(scene.ann))
    assert (await scene.heard.next()).text == "[Forwarded message, author unknown]\n> [Embed]\n> Disk full"


async def test_discords_notices_with_a_text_are_read_as_its_own(scene: Any) -> None:
    thread = await thread_of(scene)
    await scene.discord.others.notice(scene.ben, thread, 4, "A better title")
    await scene.discord.others.notice(scene.ben, thread, 6)
    await scene.discord.others.notice(scene.ben, thread, 46)  # one that is not whole says nothing
    await scene.discord.others.notice(scene.ben, thread, 3)  # and so does one that discord.py cannot read
    assert [text for _, text in await seen(scene, thread)] == [
        "[Discord: Ben changed the channel name: **A better title**]".replace("Ben", "ben"),
        "[Discord: ben pinned a message to this channel.]",
    ]


async def test_a_huge_alert_is_cut_with_a_word_about_it(scene: Any) -> None:
    thread = await thread_of(scene)
    await scene.discord.others.show(
        robot(scene), thread, embeds=[{"description": f"{n}: " + "x" * 4000} for n in range(10)]
    )
    [(_, text)] = await seen(scene, thread)
    assert text.startswith("[Embed]\n0: xxx")
    assert len(text) < 8100
    assert text.endswith("more characters are left out]")


# What cannot be read


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_one_failure_while_a_thread_is_read_costs_nothing(scene: Any, status: int) -> None:
    root = await scene.discord.say(scene.ben, scene.channel, "root")
    thread = await thread_of(scene, on=root.id)
    await scene.discord.say(scene.ben, thread, "one")
    question = await scene.asked("{bot} so?", thread)
    while question.text != "so?":
        question = await scene.heard.next()
    limited = {"retry_after": 0.2, "message": "You are being rate limited.", "global": False}
    body = limited if status == 429 else None
    headers = {"Retry-After": "1"} if status == 429 else {}
    scene.discord.faults.add(Fault(HISTORY, status=status, body=body, headers=headers))
    earlier = await scene.at(question).earlier(question, 10)
    assert ([one.text for one in earlier.said], earlier.missing) == (["root", "one"], "")


async def test_what_stays_away_is_named_and_the_rest_is_used(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.platforms.kernel.patience.BACK_OFF_S", (0.01, 0.01))
    root = await scene.discord.say(scene.ben, scene.channel, "root")
    thread = await thread_of(scene, on=root.id)
    await scene.discord.say(scene.ben, thread, "one")
    question = await scene.asked("{bot} so?", thread)
    while question.text != "so?":
        question = await scene.heard.next()
    scene.discord.faults.add(Fault(HISTORY, status=503, times=3))
    earlier = await scene.at(question).earlier(question, 10)
    assert [one.text for one in earlier.said] == ["root"]
    assert earlier.missing == "older messages of this thread"
    assert not (await scene.at(question).earlier(question, 10)).missing


async def test_pages_that_came_are_kept_when_the_next_one_does_not(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.platforms.kernel.patience.BACK_OFF_S", (0.01,))
    thread = await thread_of(scene)
    for number in range(103):
        await scene.discord.others.show(robot(scene), thread, str(number))
    question = await scene.asked("{bot} so?", thread)
    scene.discord.faults.add(Fault(HISTORY, status=503, times=2, skip=1))
    earlier = await scene.at(question).earlier(question, 150)
    assert [one.text for one in earlier.said] == [str(number) for number in range(3, 103)]
    assert earlier.missing == "older messages of this thread"


async def test_a_message_that_was_deleted_is_named_where_the_question_replies_to_it(scene: Any) -> None:
    first = await scene.discord.say(scene.ben, scene.channel, "look")
    question = await scene.asked("{bot} so?", reply_to=first.id)
    while question.text != "so?":
        question = await scene.heard.next()
    await scene.discord.delete(first.id)
    assert await scene.at(question).earlier(question, 10) == Earlier((), "the message this replies to")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 429, 500, 502, 503, 504])
async def test_whatever_a_read_is_answered_it_is_whole_or_says_what_is_missing(
    scene: Any, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("bot.platforms.kernel.patience.BACK_OFF_S", (0.01,))
    monkeypatch.setattr("bot.platforms.kernel.patience.MOST_S", 5.0)
    root = await scene.discord.say(scene.ben, scene.channel, "root")
    thread = await thread_of(scene, on=root.id)
    one = await scene.discord.say(scene.ben, thread, "one")
    question = await scene.asked("{bot} so?", thread, reply_to=one.id)
    while question.text != "so?":
        question = await scene.heard.next()
    limited = {"retry_after": 0.05, "message": "", "global": False}
    body = limited if status == 429 else {"message": "No", "code": 0}
    for call in (f"{HISTORY}/{one.id}", f"{HISTORY}/{root.id}", HISTORY):
        scene.discord.faults.add(Fault(call, status=status, body=body, headers={"Retry-After": "0"}))
        earlier = await scene.at(question).earlier(question, 10)
        found = [line.text for line in earlier.said]
        gone = status in {400, 404} and found == ["one"]  # a root that is not there: nobody can say more
        assert earlier.missing or found == ["root", "one"] or gone


# Links and places


async def linking(scene: Any, url: str) -> tuple[Any, Earlier]:
    await scene.discord.say(scene.ben, scene.channel, f"{scene.discord.app.mention} see {url}")  # Ann owns the server
    question = await scene.heard.next()
    while not question.text.startswith("see"):
        question = await scene.heard.next()
    return question, await scene.at(question).earlier(question, 10)


async def test_a_linked_message_comes_as_context_with_its_channels_name(scene: Any) -> None:
    plans = scene.discord.add_channel(scene.guild, "plans")
    plan = await scene.discord.others.show(robot(scene), plans, embeds=[{"title": "The plan"}])
    url = f"https://discord.com/channels/{scene.guild}/{plans}/{plan.id}"
    question, earlier = await linking(scene, f"{url} in <#{plans}>")
    assert question.text == f"see [message in #plans]({url}) in #plans"
    assert [(one.text, one.place) for one in earlier.said] == [("[Embed]\nThe plan", "#plans")]


async def test_a_linked_message_of_the_same_channel_is_read_too(scene: Any) -> None:
    plan = await scene.discord.others.show(robot(scene), scene.channel, "The plan")
    url = f"<https://ptb.discord.com/channels/{scene.guild}/{scene.channel}/{plan.id}>"
    _, earlier = await linking(scene, url)
    assert [(one.text, one.place) for one in earlier.said] == [("The plan", "")]


async def test_nobody_reads_by_a_link_what_they_may_not_read(scene: Any) -> None:
    secret = scene.discord.add_channel(scene.guild, "board")
    plan = await scene.discord.others.show(robot(scene), secret, "The secret")
    scene.discord.places.hide(secret)
    _, earlier = await linking(scene, f"https://discord.com/channels/{scene.guild}/{secret}/{plan.id}")
    assert earlier == Earlier((), "a message that is linked here from a place that not everybody may read")


async def test_a_link_into_another_server_or_a_dm_is_read_by_nobody_who_is_not_there(scene: Any) -> None:
    elsewhere = scene.discord.add_guild("Elsewhere")
    channel = scene.discord.add_channel(elsewhere, "general")
    other = scene.discord.add_person("Cleo", guild=elsewhere)
    said = await scene.discord.say(other, channel, "The secret")
    dm = scene.discord.dm(scene.ben)
    private = await scene.discord.say(scene.ben, dm, "Between us")
    for path in (f"{elsewhere}/{channel}/{said.id}", f"@me/{dm}/{private.id}", f"{scene.guild}/{dm}/{private.id}"):
        _, earlier = await linking(scene, f"https://discord.com/channels/{path}")
        assert not earlier.said
        assert earlier.missing


async def place(scene: Any, where: str) -> Place:
    question = await scene.asked("{bot} where?", where)
    while question.text != "where?":
        question = await scene.heard.next()
    found: Place = await scene.at(question).place()
    return found


async def test_a_channels_topic_a_threads_name_and_a_dm_are_known(scene: Any) -> None:
    scene.discord.places.set_topic(scene.channel, "All about builds")
    assert await place(scene, scene.channel) == Place("Discord channel", "Workshop", "general", "All about builds")
    thread = await thread_of(scene)
    assert await place(scene, thread) == Place("Discord thread", "Workshop", "general", "All about builds", "Talk")
    assert await place(scene, scene.discord.dm(scene.ann)) == Place("Discord direct message")


async def test_a_forum_posts_title_and_tags_are_known_and_its_first_message_is_read(scene: Any) -> None:
    forum = scene.discord.places.add_forum(scene.guild, "help", topic="Ask anything", tags=["bug", "linux"])
    post = await scene.discord.places.open_post(scene.ben, forum, "Boot loop after update", "Since today", tags=["bug"])
    wanted = Place("Discord forum post", "Workshop", "help", "Ask anything", "Boot loop after update", ("bug",))
    assert await place(scene, post.id) == wanted
    assert (await seen(scene, post.id))[0] == ("Ben", "Since today")


async def test_the_place_of_a_thread_that_was_archived_is_looked_up(connected: Connected) -> None:
    async with connected(archived="Old talk") as scene:
        [thread] = scene.discord.threads(scene.channel)
        assert (await place(scene, thread.id)).thread == "Old talk"
