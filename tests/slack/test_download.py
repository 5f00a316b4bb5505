"""Files that people send: only from Slack, only with the token Slack knows."""

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import MediaError
from bot.events import Upload
from bot.platforms.slack import SlackPlatform
from bot.simulator.faults import Fault
from bot.simulator.pictures import picture


async def test_an_image_is_read(scene: Any) -> None:
    data = picture(20, 10, "red")
    question = await scene.asked("{bot} look", files=[("a.png", data)])
    assert await scene.platform.download(question.uploads[0], 1_000_000) == data


async def test_a_login_page_instead_of_the_file_names_the_missing_scope(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[("a.png", picture(20, 10, "red"))])
    scene.slack.app.deny("files")
    with pytest.raises(MediaError, match=r"a\.png.*files:read"):
        await scene.platform.download(question.uploads[0], 1_000_000)


async def test_being_sent_to_a_login_page_names_the_missing_scope(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[("a.png", picture(20, 10, "red"))])
    elsewhere = {"Location": "https://simulated.slack.com/?redir=files"}
    scene.slack.faults.add(Fault("files.download", status=302, headers=elsewhere))
    with pytest.raises(MediaError, match=r"a\.png.*files:read"):
        await scene.platform.download(question.uploads[0], 1_000_000)


async def test_a_web_page_that_somebody_sent_is_read(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[("a.html", b"<!DOCTYPE html><html></html>")])
    assert (await scene.platform.download(question.uploads[0], 1000)).startswith(b"<!DOCTYPE")


async def test_a_file_that_is_too_large_is_refused(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[("a.bin", b"x" * 2000)])
    with pytest.raises(MediaError):
        await scene.platform.download(question.uploads[0], 1000)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com.evil.example/x.png",
        "https://evil.example/files.slack.com/x.png",
        "http://169.254.169.254/latest",
        "http://localhost:1/x",
        "file:///etc/passwd",
        "",
    ],
)
async def test_no_other_host_is_asked(scene: Any, url: str) -> None:
    upload = replace(Upload("F1", "x.png", ""), url=url)
    with pytest.raises(MediaError):
        await scene.platform.download(upload, 1000)


async def test_nothing_is_read_while_not_connected() -> None:
    with pytest.raises(MediaError):
        await SlackPlatform("xoxb-1", "xapp-1").download(Upload("F1", "x.png", "https://files.slack.com/x.png"), 1000)
