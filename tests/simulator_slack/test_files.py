"""Files in both directions, and the login page of those who bring no token."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.faults import Fault
from bot.simulator.slack import SimulatedSlack

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
    assert file["url_private"].startswith(f"http://{slack.file_host}/files-pri/{slack.team_id}-{file['id']}/")
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
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
    slack.deny("files")
    async with session.get(url, headers={"Authorization": f"Bearer {slack.bot_token}"}) as answer:
        assert answer.content_type == "text/html"


async def test_a_download_can_fail_once(slack: SimulatedSlack, bolt: Any, session: aiohttp.ClientSession) -> None:
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "", files=[("notes/a b.md", b"# hi")])
    (file,) = (await bolt.next())["files"]
    slack.faults.add(Fault("files.download", status=503), Fault("files.download", drop=True, times=2))
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with session.get(file["url_private"], headers=headers) as answer:
        assert answer.status == 503
    with pytest.raises(aiohttp.ServerDisconnectedError):  # aiohttp itself asks a second time for what can be repeated
        await session.get(file["url_private"], headers=headers)
    async with session.get(file["url_private"], headers=headers) as answer:
        assert (answer.content_type, await answer.read()) == ("text/plain", b"# hi")


async def test_another_organisations_file_has_no_address_until_it_is_asked_for(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient, refusal: Any
) -> None:
    slack.stub_files = True
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
    async with session.get(sent["file"]["url_private"], headers={"Authorization": f"Bearer {slack.bot_token}"}) as got:
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
