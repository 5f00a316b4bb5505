"""Images, PDFs and texts: really decoded, with the API's limits."""

import base64
from io import BytesIO

import anthropic
import pytest
from PIL import Image

from bot.simulator.claude.request.models import MODELS
from bot.simulator.claude.request.pictures import MAX_BASE64_BYTES, Picture, colour_name, tokens

TEXT = {"type": "text", "text": "What is it?"}


def document(source) -> dict:
    return {"type": "document", "source": source}


def pdf(data: bytes) -> dict:
    return document({"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(data).decode()})


async def refused(ask, *blocks, **changes) -> anthropic.APIStatusError:
    with pytest.raises(anthropic.APIStatusError) as caught:
        await ask([*blocks, TEXT], **changes)
    return caught.value


async def test_a_claimed_type_must_be_the_real_one(ask, draw, image):
    error = await refused(ask, image(draw(kind="PNG"), "image/jpeg"))
    assert "image/jpeg media type, but the image appears to be a image/png image" in error.api_message


async def test_bytes_that_are_no_image_or_half_of_one_are_refused(ask, draw, image):
    assert "Could not process image" in (await refused(ask, image(b"hello"))).api_message
    noisy = BytesIO()
    Image.effect_noise((200, 200), 90).save(noisy, "PNG")
    half = noisy.getvalue()[: len(noisy.getvalue()) // 2]
    assert "Could not process image" in (await refused(ask, image(half))).api_message
    assert "Could not process image" in (await refused(ask, image(draw(kind="BMP")))).api_message


async def test_broken_base64_and_other_types_are_refused(ask):
    source = {"type": "base64", "media_type": "image/png", "data": "not base64!"}
    assert "Invalid base64 data" in (await refused(ask, {"type": "image", "source": source})).api_message
    source["media_type"] = "image/bmp"
    assert "media_type: Input should be" in (await refused(ask, {"type": "image", "source": source})).api_message


async def test_an_image_of_more_than_10_mb_is_refused(ask, image):
    error = await refused(ask, image(b"\0" * (MAX_BASE64_BYTES * 3 // 4 + 3)))
    assert "image exceeds 10 MB maximum" in error.api_message


async def test_an_image_of_more_than_8000_px_is_refused_with_its_place(ask, draw, image):
    error = await refused(ask, image(draw()), image(draw(size=(8001, 1))))
    assert isinstance(error, anthropic.BadRequestError)
    assert error.details.max_side_length_pixels == 8000
    assert error.details.paths == ["messages.0.content.1"]
    await ask([image(draw(size=(8000, 1))), TEXT])


async def test_an_image_that_is_a_bomb_is_refused(ask, image):
    buffer = BytesIO()
    Image.new("1", (14_000, 14_000)).save(buffer, "PNG")
    error = await refused(ask, image(buffer.getvalue()))
    assert "dimensions exceed max allowed size: 8000 pixels" in error.api_message


async def test_many_images_must_be_small_those_of_tool_results_included(ask, draw, image):
    small, large = image(draw()), image(draw(size=(2001, 1)))
    await ask([small] * 19 + [large])
    error = await refused(ask, *[small] * 20, large)
    assert error.details.max_side_length_pixels == 2000
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [large, small]}
    messages = [
        {"role": "user", "content": [small] * 19},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    with pytest.raises(anthropic.BadRequestError) as caught:
        await ask(messages=messages)
    assert caught.value.details.paths == ["messages.2.content.0.content.0"]


async def test_too_many_images_are_refused(ask, draw, image):
    small = image(draw(size=(1, 1)))
    await ask([small] * 600)
    assert "too many images" in (await refused(ask, *[small] * 601)).api_message
    assert "too many images" in (await refused(ask, *[small] * 101, model="claude-haiku-4-5")).api_message


async def test_what_cannot_be_fetched_is_refused(ask):
    url = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    assert "Unable to download the file" in (await refused(ask, url)).api_message
    file = document({"type": "file", "file_id": "file_1"})
    error = await refused(ask, file)
    assert (error.status_code, error.api_message) == (404, "File not found: file_1")


async def test_pdfs_and_texts_are_read(ask):
    await ask([pdf(b"%PDF-1.7 /Type /Page "), TEXT])
    await ask([document({"type": "text", "media_type": "text/plain", "data": "words"}), TEXT])
    await ask([document({"type": "content", "content": [TEXT]}), TEXT])
    assert "The PDF specified was not valid" in (await refused(ask, pdf(b"hello"))).api_message
    assert "password protected" in (await refused(ask, pdf(b"%PDF-1.7 /Encrypt "))).api_message
    assert "A maximum of 600 PDF pages" in (await refused(ask, pdf(b"%PDF-1.7" + b" /Type /Page " * 601))).api_message
    empty = document({"type": "text", "media_type": "text/plain", "data": ""})
    assert "must be non-empty" in (await refused(ask, empty)).api_message


async def test_pages_cost_tokens(client):
    async def count(*blocks) -> int:
        messages = [{"role": "user", "content": [*blocks, TEXT]}]
        return (await client.messages.count_tokens(model="claude-opus-5-5", messages=messages)).input_tokens

    assert await count(pdf(b"%PDF-1.7" + b" /Type /Page " * 3)) - await count() == 6000


@pytest.mark.parametrize(
    ("size", "model", "expected"),
    [
        ((1092, 1092), "claude-sonnet-5-5", 1521),
        ((1920, 1080), "claude-sonnet-5-5", 2691),
        ((3840, 2160), "claude-sonnet-5-5", 4784),
        ((28, 28), "claude-sonnet-5-5", 1),
    ],
)
def test_an_image_costs_what_the_documentation_says(size, model, expected):
    assert tokens(Picture(*size, "PNG", "red", "#ff0000"), MODELS[model]) == pytest.approx(expected, rel=0.02)


def test_an_older_model_sees_less_of_a_large_image():
    picture = Picture(3840, 2160, "PNG", "red", "#ff0000")
    assert tokens(picture, MODELS["claude-haiku-4-5"]) <= 1568


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((250, 10, 5), "red"), ((10, 200, 20), "green"), ((20, 20, 240), "blue"), ((5, 5, 5), "black"),
        ((250, 250, 245), "white"), ((130, 125, 128), "grey"), ((255, 235, 20), "yellow"), ((250, 140, 10), "orange"),
        ((130, 10, 150), "purple"), ((0, 128, 0), "green"), ((0, 0, 128), "blue"), ((0, 255, 255), "cyan"),
    ],
)  # fmt: skip
def test_colours_have_plain_names(rgb, name):
    assert colour_name(rgb) == name


async def test_the_colour_is_the_most_frequent_one_and_transparency_is_white(ask, image):
    two = Image.new("RGB", (100, 100), "blue")
    two.paste("yellow", (0, 0, 100, 30))
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    blocks = []
    for one in (two, clear):
        buffer = BytesIO()
        one.save(buffer, "PNG")
        blocks.append(image(buffer.getvalue()))
    said = (await ask([*blocks, TEXT])).content[0].text
    assert "Image 1: 100×100 PNG, mostly blue (#0000ff)" in said
    assert "Image 2: 10×10 PNG, mostly white (#ffffff)" in said
