"""Files in both directions, and the login page of those who bring no token."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.faults import Fault
from bot.simulator.slack import Shared, SimulatedSlack

CAT = b"\x89PNG\r\n\x1a\n" + b"cat" * 100


async def test_an_image_in_a_dm_is_a_file_share_and_can_be_downloaded_with_the_token(
    slack: SimulatedSlack, bolt: Any, session: aiohttp.ClientSession
) -> None:
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "what is it?", files=[("My cat.png", CAT)])
    event = await bolt.next()
    assert (event["subtype"], event["text"]) == ("file_share", "what is it?")
    (file,) = event["files"]
    assert (file["name"], file["mimetype"], file["size"], file["filetype"]) == ("My cat.png", "image/png", 308, "png")
    assert file["url_private"].startswith(f"http://{slack.file_host}/files-pri/{slack.app.team_id}-{file['id']}/")
    headers = {"Authorization": f"Bearer {slack.app.bot_token}"}
    for url in (file["url_private"], file["url_private_download"]):
        async with session.get(url, headers=headers) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", CAT)
    assert slack.changes.seen[0].files == ("My cat.png",)


async def test_a_download_without_the_right_token_is_a_login_page(
    slack: SimulatedSlack, bolt: Any, session: aiohttp.ClientSession
) -> None:
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "", files=[("cat.png", CAT)])
    url = (await bolt.next())["files"][0]["url_private"]
    wrong: list[dict[str, str]] = [{}, {"Authorization": "Bearer xoxb-wrong"}]
    for headers in wrong:
        async with session.get(url, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert b"Sign in" in await answer.read()
    slack.app.deny("files")
    async with session.get(url, headers={"Authorization": f"Bearer {slack.app.bot_token}"}) as answer:
        assert answer.content_type == "text/html"


async def test_a_download_can_fail_once(slack: SimulatedSlack, bolt: Any, session: aiohttp.ClientSession) -> None:
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "", files=[("notes/a b.md", b"# hi")])
    (file,) = (await bolt.next())["files"]
    slack.faults.add(Fault("files.download", status=503), Fault("files.download", drop=True, times=2))
    headers = {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with session.get(file["url_private"], headers=headers) as answer:
        assert answer.status == 503
    with pytest.raises(aiohttp.ServerDisconnectedError):  # aiohttp itself asks a second time for what can be repeated
        await session.get(file["url_private"], headers=headers)
    async with session.get(file["url_private"], headers=headers) as answer:
        assert (answer.content_type, await answer.read()) == ("text/plain", b"# hi")


async def test_another_organisations_file_has_no_address_until_it_is_asked_for(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient, refusal: Any
) -> None:
    slack.settings.stub_files = True
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "", files=[("cat.png", CAT)])
    (file,) = (await bolt.next())["files"]
    assert file["file_access"] == "check_file_info"
    assert "url_private" not in file
    assert (await client.files_info(file=file["id"]))["file"]["size"] == len(CAT)
    assert (await refusal(client.files_info(file="F404")))["error"] == "file_not_found"


async def test_the_bot_uploads_a_file_into_a_thread(
    slack: SimulatedSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "draw")
    sent = await client.files_upload_v2(
        filename="cat.png", file=CAT, channel=general, thread_ts=root.ts, initial_comment="here"
    )
    message = slack.messages(general, root.ts)[1]
    assert (message.shown, [f.name for f in message.files], message.files[0].data) == ("here", ["cat.png"], CAT)
    async with session.get(
        sent["file"]["url_private"], headers={"Authorization": f"Bearer {slack.app.bot_token}"}
    ) as got:
        assert await got.read() == CAT


async def test_an_upload_that_was_never_sent_cannot_be_completed(
    slack: SimulatedSlack, client: AsyncWebClient, session: aiohttp.ClientSession, refusal: Any
) -> None:
    place = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    assert (await refusal(client.files_completeUploadExternal(files=[{"id": place["file_id"]}])))["error"] == (
        "file_not_found"
    )
    async with session.post(place["upload_url"], data=b"four") as answer:
        assert answer.status == 400
    async with session.post(place["upload_url"], data=b"abc") as answer:
        assert answer.status == 200
    done = await client.files_completeUploadExternal(files=[{"id": place["file_id"]}])
    assert done["files"][0]["name"] == "a.txt"
    assert slack.changes.seen == []


async def test_an_upload_is_seen_in_its_thread_and_files_info_says_where(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "draw")
    sent = await client.files_upload_v2(
        filename="cat.png", title="My cat", file=CAT, channel=general, thread_ts=root.ts, initial_comment="*here*"
    )
    event = next(e for e in [await bolt.next(), await bolt.next()] if "subtype" in e)
    assert (event["subtype"], event["thread_ts"], event["bot_id"]) == ("file_share", root.ts, slack.app.bot.bot_id)
    message = slack.messages(general, root.ts)[1]
    seen = slack.changes.seen[-1]
    assert (seen.kind, seen.message, seen.files, seen.by_bot) == ("posted", message.ts, ("cat.png",), True)
    read = (await client.conversations_replies(channel=general, ts=root.ts))["messages"][1]
    assert (read["ts"], read["files"][0]["title"], read["text"]) == (message.ts, "My cat", "*here*")
    assert sent["file"]["shares"] == {}
    info = (await client.files_info(file=sent["file"]["id"]))["file"]
    (share,) = info["shares"]["public"][general]
    assert (share["ts"], share["thread_ts"], info["channels"]) == (message.ts, root.ts, [general])


async def test_an_upload_may_be_shared_a_moment_later(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    ada = slack.add_person("Ada")
    dm, slack.settings.share_after_s = slack.dm(ada), 0.05
    sent = await client.files_upload_v2(content="x = 1", filename="x.py", snippet_type="python", channel=dm)
    assert slack.messages(dm) == []
    shared = await slack.changes.wait(lambda change: change.files == ("x.py",))
    info = (await client.files_info(file=sent["file"]["id"]))["file"]
    assert (info["shares"]["private"][dm][0]["ts"], info["ims"]) == (shared.message, [dm])
    assert (info["mode"], info["filetype"], info["preview"]) == ("snippet", "python", "x = 1")


async def test_an_upload_that_cannot_be_posted_can_be_completed_again(
    slack: SimulatedSlack, client: AsyncWebClient, session: aiohttp.ClientSession, refusal: Any
) -> None:
    general, closed = slack.add_channel("general"), slack.add_channel("closed", member=False)
    place = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with session.post(place["upload_url"], data=b"abc") as answer:
        assert answer.status == 200
    files = [{"id": place["file_id"]}]
    markdown = [{"type": "markdown", "text": "**x**"}]
    for more, error in (
        ({"channel_id": closed}, "not_in_channel"),
        ({"channel_id": "C404"}, "channel_not_found"),
        ({"channel_id": general, "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel_id": general, "blocks": markdown}, "internal_error"),
    ):
        call = client.api_call("files.completeUploadExternal", json={"files": files} | more)
        assert (await refusal(call))["error"] == error
    await client.files_completeUploadExternal(files=files, channel_id=general)
    assert slack.messages(general)[0].files[0].data == b"abc"
    slack.app.deny("uploads")
    body = await refusal(client.files_getUploadURLExternal(filename="a.txt", length=3))
    assert body["needed"] == "files:write"


async def test_the_bytes_of_an_upload_can_be_lost(
    slack: SimulatedSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    place = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    slack.faults.add(Fault("files.upload", status=503))
    for status in (503, 200):
        async with session.post(place["upload_url"], data=b"abc") as answer:
            assert answer.status == status


SCRIPT = "\n".join(f"line {n}" for n in range(9)).encode()


@pytest.mark.parametrize(
    ("shared", "described"),
    [
        (Shared("run.py", SCRIPT), {"mode": "snippet", "filetype": "python", "mimetype": "text/plain", "lines": 9,
                                    "lines_more": 4, "preview_is_truncated": True, "editable": True}),
        (Shared("Untitled", b"<b>", "snippet"),
         {"mode": "snippet", "filetype": "text", "preview": "<b>",
          "preview_highlight": '<div class="CodeMirror"><pre>&lt;b&gt;</pre></div>'}),
        (Shared("Plan", b"Step one", "post"), {"mode": "post", "filetype": "post", "preview": "Step one"}),
        (Shared("Plan", b"<h1>Plan</h1>", "canvas", "Our plan"),
         {"mode": "quip", "filetype": "quip", "mimetype": "application/vnd.slack-docs", "pretty_type": "Canvas",
          "title": "Our plan"}),
        (Shared("audio_message.m4a", b"\0" * 8, "voice", transcript="hello", duration_s=1.5),
         {"mode": "hosted", "subtype": "slack_audio", "mimetype": "audio/mp4", "media_display_type": "audio",
          "duration_ms": 1500, "transcription": {"status": "complete", "locale": "en-US",
                                                 "preview": {"content": "hello", "has_more": False}}}),
        (Shared("screen.mp4", b"\0" * 8, "video"),
         {"subtype": "slack_video", "mimetype": "video/mp4", "transcription": {"status": "processing"}}),
        (Shared("core", b"\0"), {"mode": "hosted", "filetype": "binary", "mimetype": "application/octet-stream"}),
    ],
    ids=["a text file", "a snippet", "a post", "a canvas", "a voice clip", "a video clip", "an unknown file"],
)  # fmt: skip
async def test_what_people_share_is_described_as_slack_describes_it(
    slack: SimulatedSlack, bolt: Any, session: aiohttp.ClientSession, shared: Shared, described: dict[str, Any]
) -> None:  # fmt: skip
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "", files=[shared])
    (file,) = (await bolt.next())["files"]
    assert {name: file[name] for name in described} == described
    headers = {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with session.get(file["url_private"], headers=headers) as answer:
        served_as = "text/html" if shared.kind == "canvas" else file["mimetype"]
        assert (answer.content_type, await answer.read()) == (served_as, shared.data)
