"""Files that an answer brings, and what is written in Slack itself and shared like a file."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Forbidden, MediaError, RateLimited, Unreachable
from bot.media.child.page import text_of_html
from bot.simulator.faults import Fault
from bot.simulator.slack import Shared

CANVAS = b"""<!DOCTYPE html><html><head><title>x</title><style>p {}</style></head><body><h1>Plan &amp; cost</h1>
<p>First <b>build</b>,<br>then sell.</p><ul><li class="checked">one</li><li>two</li></ul>
<table><tr><td>a</td><td>b</td></tr></table><pre>x = 1
  y</pre></body></html>"""


async def test_a_file_is_shown_in_the_thread_of_the_question(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.attach("answer.md", b"# All of it", "m.1")
    (message,) = scene.own(surface._thread)
    assert message.ts == ts
    assert [(file.name, file.data) for file in message.files] == [("answer.md", b"# All of it")]
    assert await surface.attach("answer.md", b"# All of it", "m.1") == ts


async def test_slack_may_take_its_time_to_show_a_file(scene: Any) -> None:
    scene.slack.settings.share_after_s = 0.2
    surface = await scene.surface()
    ts = await surface.attach("a.txt", b"words", "m.1")
    assert [message.ts for message in scene.own(surface._thread)] == [ts]


async def test_a_file_whose_answer_is_lost_is_shared_once(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(Fault("files.completeUploadExternal", status=502, after=True))
    ts = await surface.attach("a.txt", b"words", "m.1")
    assert [message.ts for message in scene.own(surface._thread)] == [ts]


@pytest.mark.parametrize("call", ["files.getUploadURLExternal", "files.upload"])
async def test_a_file_that_did_not_arrive_is_sent_again(scene: Any, call: str) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(Fault(call, status=503))
    with pytest.raises(Unreachable):
        await surface.attach("a.txt", b"words", "m.1")
    await surface.attach("a.txt", b"words", "m.1", may_exist=True)
    assert len(scene.own(surface._thread)) == 1


async def test_a_later_process_finds_the_file_that_an_earlier_one_shared(scene: Any) -> None:
    question = await scene.asked()
    first = await scene.at(question).attach("a.txt", b"words", "m.1")
    later = scene.at(question)
    assert await later.attach("a.txt", b"words", "m.1", may_exist=True) == first
    assert await later.attach("b.txt", b"words", "m.2", may_exist=True) != first
    assert await later.attach("a.txt", b"other words", "m.3", may_exist=True) != first


async def test_a_file_is_not_taken_for_a_lost_post(scene: Any) -> None:
    question = await scene.asked()
    file = await scene.at(question).attach("a.txt", b"words", "m.1")
    assert await scene.at(question).post("Text", "m.0", may_exist=True) != file


async def test_where_the_thread_may_not_be_read_a_file_is_sent_once_more_and_labelled(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.app.deny("history")
    await surface.attach("a.txt", b"words", "m.1", may_exist=True)
    assert scene.own(surface._thread)[0].shown == "(resent)"


async def test_a_missing_scope_and_a_limit_are_told_apart(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(Fault("files.getUploadURLExternal", status=429, headers={"Retry-After": "2"}))
    with pytest.raises(RateLimited):
        await surface.attach("a.txt", b"words", "m.1")
    scene.slack.app.deny("uploads")
    with pytest.raises(Forbidden):
        await surface.attach("a.txt", b"words", "m.1")


async def test_where_slack_does_not_say_where_a_file_is_the_thread_does(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.app.deny("files")
    with pytest.raises(Unreachable):
        await surface.attach("a.txt", b"words", "m.1")
    ts = await surface.attach("a.txt", b"words", "m.1", may_exist=True)
    assert [message.ts for message in scene.own(surface._thread)] == [ts]


async def test_slack_may_not_tell_at_once_where_a_file_is(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(
        Fault("files.info", status=429, headers={"Retry-After": "0"}), Fault("files.info", status=500)
    )
    ts = await surface.attach("a.txt", b"words", "m.1")
    assert [message.ts for message in scene.own(surface._thread)] == [ts]


async def test_a_file_goes_into_a_dm(scene: Any) -> None:
    place = scene.slack.dm(scene.ann)
    question = await scene.asked("hello", place)
    ts = await scene.at(question).attach("a.txt", b"words", "m.1")
    assert scene.slack.messages(place, question.key.message)[-1].ts == ts


async def test_a_message_is_taken_away_once(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.attach("a.txt", b"words", "m.1")
    await surface.delete(ts)
    await surface.delete(ts)
    assert scene.own(surface._thread) == []


async def test_a_snippet_is_read_whole(scene: Any) -> None:
    words = "\n".join(f"line {number}" for number in range(100)).encode()
    question = await scene.asked("{bot} look", files=[Shared("notes.py", words, "snippet")])
    assert await scene.platform.download(question.uploads[0], 10_000) == words


@pytest.mark.parametrize("lines", [2, 100])
async def test_a_post_is_read_whole(scene: Any, lines: int) -> None:
    words = "\n".join(f"line {number}" for number in range(lines))
    question = await scene.asked("{bot} look", files=[Shared("post", words.encode(), "post", title="Minutes")])
    assert question.uploads[0].name == "Minutes"
    assert await scene.platform.download(question.uploads[0], 10_000) == words.encode()


async def test_a_canvas_is_read_as_text(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[Shared("canvas", CANVAS, "canvas", title="The plan")])
    assert question.uploads[0].name == "The plan"
    text = (await scene.platform.download(question.uploads[0], 10_000)).decode()
    assert text.startswith("# Plan & cost\n\nFirst build,\nthen sell.")
    assert "- [x] one\n- two" in text
    assert "| a | b" in text
    assert "```\nx = 1\n  y\n```" in text


async def test_a_canvas_that_may_not_be_read_names_the_missing_scope(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[Shared("canvas", CANVAS, "canvas", title="The plan")])
    scene.slack.app.deny("files")
    with pytest.raises(MediaError, match=r"The plan.*files:read"):
        await scene.platform.download(question.uploads[0], 10_000)


async def test_a_document_that_is_too_large_is_refused(scene: Any) -> None:
    for kind in ("post", "canvas"):
        question = await scene.asked("{bot} look", files=[Shared(kind, b"<p>long</p>" * 9, kind, title="The plan")])
        with pytest.raises(MediaError, match="larger than"):
            await scene.platform.download(question.uploads[0], 20)


async def test_an_email_is_read_from_its_plain_text(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[Shared("post", b"x", "post", title="Re: offer")])
    email = {"id": question.uploads[0].id, "mode": "email", "plain_text": "Dear all"}
    scene.slack.faults.add(Fault("files.info", body={"ok": True, "file": email}))
    assert await scene.platform.download(question.uploads[0], 10_000) == b"Dear all"


def test_a_page_that_is_broken_is_read_as_far_as_it_goes() -> None:
    assert text_of_html("</script></pre><p>a &lt; b<script>x</script> c<pre> d") == "a < b c\n```\n d"
    assert text_of_html("") == ""


@given(st.lists(st.sampled_from([*"<>![]-/&;=x \n\"'", "pre", "script", "<li", "CDATA[", "<!--", "&lt;"]), max_size=40))
def test_no_page_is_too_broken_to_read(pieces: list[str]) -> None:
    assert isinstance(text_of_html("".join(pieces)), str)


def test_a_page_keeps_its_words_in_order() -> None:
    words = [f"w{number}" for number in range(200)]
    page = "".join(
        f"<p><b>{word}</b></p>" if number % 3 else f"<ul><li>{word}</ul>" for number, word in enumerate(words)
    )
    assert [word for word in text_of_html(page).split() if word != "-"] == words
