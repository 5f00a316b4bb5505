"""Files that people post, and what Claude is shown of them."""

import base64
import codecs
from typing import Any

import pytest
from PIL import Image

from bot.errors import MediaError
from bot.media import block_for

from .conftest import Reader, noise, opened, pdf, picture, saved, turned, zipped


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
async def test_a_picture_that_fits_goes_as_it_is_whatever_its_name_says(
    hand_in: Reader, form: str, media_type: str
) -> None:
    data = picture(form=form)
    media = await hand_in(data, "invoice.pdf", "application/pdf")
    assert (media.kind, media.media_type, media.data, media.name) == ("image", media_type, data, "invoice.pdf")
    assert (media.width, media.height, media.note) == (40, 30, "")


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 60}, {"exif": b"Exif\0\0II*\0"}])
async def test_every_kind_of_webp_is_known(hand_in: Reader, options: dict[str, Any]) -> None:
    data = picture((70, 30), form="WEBP", **options)
    media = await hand_in(data)
    assert (media.data, media.width, media.height) == (data, 70, 30)


async def test_a_progressive_jpeg_goes_as_it_is(hand_in: Reader) -> None:
    data = picture(form="JPEG", progressive=True)
    assert (await hand_in(data)).data == data


@pytest.mark.parametrize("form", ["BMP", "TIFF", "AVIF", "HEIF"])
async def test_a_picture_of_a_type_claude_does_not_take_is_converted(hand_in: Reader, form: str) -> None:
    media = await hand_in(picture(form=form), f"a.{form.lower()}")
    assert media.media_type in {"image/png", "image/jpeg"}
    image = opened(media)
    assert image.size == (media.width, media.height) == (40, 30)
    assert sum(image.convert("RGB").getpixel((5, 15))) < 90
    assert media.note == ""


@pytest.mark.parametrize(
    ("form", "orientation"),
    [
        *(("JPEG", orientation) for orientation in range(1, 9)),
        *(("HEIF", orientation) for orientation in range(1, 9)),
        *((form, orientation) for form in ("PNG", "WEBP", "TIFF", "AVIF") for orientation in (2, 6, 7)),
    ],
)
async def test_a_picture_that_lies_on_its_side_is_turned(hand_in: Reader, form: str, orientation: int) -> None:
    media = await hand_in(turned(orientation, form))
    expected = picture((40, 30))
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Pillow's numbers for what EXIF asks
    image = opened(await hand_in(expected))
    if orientation != 1:
        image = image.transpose(Image.Transpose(turns[orientation]))
    shown = opened(media).convert("RGB")
    assert shown.size == image.size == (media.width, media.height)
    for point in [(2, 2), (2, image.height - 3), (image.width - 3, 2), (image.width - 3, image.height - 3)]:
        near = zip(shown.getpixel(point), image.getpixel(point), strict=True)
        assert all(abs(a - b) < 40 for a, b in near), point


async def test_a_large_photo_is_reduced_to_what_claude_sees_and_the_reader_is_told(hand_in: Reader) -> None:
    media = await hand_in(turned(6, size=(4000, 3000)), "cat.jpg")
    assert (media.width, media.height) == opened(media).size == (1500, 2000)
    assert media.media_type == "image/jpeg"
    assert media.note == "cat.jpg was reduced from 3000 × 4000 to 1500 × 2000 pixels."


async def test_a_picture_with_too_many_bytes_is_written_smaller_at_its_size(hand_in: Reader) -> None:
    data = noise((700, 700))
    media = await hand_in(data, image_bytes=400_000)
    assert (media.width, media.height) == (700, 700)
    assert len(media.data) <= 400_000 < len(data)


async def test_a_sharp_screenshot_stays_lossless(hand_in: Reader) -> None:
    media = await hand_in(picture((4000, 2000)))
    assert (media.media_type, media.width, media.height) == ("image/png", 2000, 1000)


async def test_what_is_clear_stays_clear(hand_in: Reader) -> None:
    image = Image.new("RGBA", (2400, 2400), (255, 0, 0, 0))
    assert opened(await hand_in(saved(image, "PNG"))).getpixel((5, 5))[3] == 0


async def test_a_photo_with_a_preview_in_it_is_one_picture(hand_in: Reader) -> None:
    photo, preview = Image.new("RGB", (3000, 2000), "red"), Image.new("RGB", (300, 200), "blue")
    media = await hand_in(saved(photo, "MPO", save_all=True, append_images=[preview]), "p.jpg")
    assert media.note == "p.jpg was reduced from 3000 × 2000 to 2000 × 1333 pixels."
    assert opened(media).getpixel((5, 5))[0] > 200


@pytest.mark.parametrize("mode", ["CMYK", "L", "1"])
async def test_a_jpeg_or_tiff_of_a_print_shop_is_shown(hand_in: Reader, mode: str) -> None:
    form = "TIFF" if mode == "1" else "JPEG"
    image = opened(await hand_in(picture((400, 300), mode, form)))
    assert image.mode in {"L", "RGB"}
    assert image.convert("L").getpixel((100, 200)) < 60


async def test_a_picture_of_16_bits_is_not_washed_out(hand_in: Reader) -> None:
    image = Image.new("I;16", (3000, 20), 65535 // 2)
    grey = opened(await hand_in(saved(image, "PNG"))).getpixel((100, 5))
    assert 120 < grey < 135


@pytest.mark.parametrize(
    "data",
    [
        b"print('hello')\n",
        "naïve, 東京\r\n".encode(),
        codecs.BOM_UTF8 + b"a,b\n1,2\n",
        codecs.BOM_UTF16_LE + "a\tb".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "a\tb".encode("utf-16-be"),
        b"\x1b[31mERROR\x1b[0m\n",
        b"BM is how bitmaps begin",
        b"ID3 tags, RIFF and MZ",
        b"the ftyp box",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="https://evil.example/x.png"/></svg>',
    ],
)
async def test_text_of_any_name_is_a_text_document(hand_in: Reader, data: bytes) -> None:
    media = await hand_in(data, "song.mp3", "audio/mpeg")
    assert (media.kind, media.media_type, media.note) == ("text", "text/plain", "")
    text = media.data.decode()
    assert text
    assert "\ufeff" not in text


async def test_western_text_in_an_older_encoding_is_read_and_the_reader_is_told(hand_in: Reader) -> None:
    media = await hand_in("Crème brûlée für 5 € – “gut”".encode("cp1252"), "menu.csv")
    assert media.data.decode() == "Crème brûlée für 5 € – “gut”"
    assert media.note == "I read menu.csv as Windows-1252, for it is not UTF-8: some letters may be wrong."


async def test_a_web_page_sent_as_a_picture_is_read_as_the_text_it_is(hand_in: Reader) -> None:
    media = await hand_in(b"<!DOCTYPE html><title>Sign in</title>", "cat.png", "image/png")
    assert media.kind == "text"
    assert media.note == "I read cat.png as text, for that is what it holds."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "still pictures only; send screenshots"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (b"\x1aE\xdf\xa3\0\0webm", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42", "recording"),
        (b"OggS\0\x02\0\0OpusHead", "I cannot listen; write me what it says"),
        (b"RIFF\0\0\0\0WAVEfmt ", "recording"),
        (b"ID3\x04\0\0", "recording"),
        (b"\xff\xfb\x90\0", "recording"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "damaged"),
        (b"8BPS\0\x01", "send it as PNG or JPEG"),
        (b"PK\x03\x04\x14\0", "archive"),
        (zipped("[Content_Types].xml", "word/document.xml"), "Office document; save it as PDF"),
        (zipped("ppt/presentation.xml"), "Office document"),
        (zipped("xl/workbook.xml"), "spreadsheet; save it as CSV"),
        (zipped("mimetype", content=b"application/vnd.oasis.opendocument.text"), "Office document"),
        (zipped("a.txt", "b/c.png"), "archive; send the files in it"),
        (b"{\\rtf1\\ansi hello}", "Office document"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\x0000", "archive"),
        (b"\x1f\x8b\x08\0", "archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office"),
        (b"\x7fELF\x02\x01", "program"),
        (b"MZ\x90\0\x03", "program"),
        ("Съешь же ещё этих мягких булок".encode("cp1251"), "UTF-8"),
        ("日本語のテキスト".encode("shift-jis"), "UTF-8"),
        (b"caf\x81 and tea, served all day long", "UTF-8"),
        (b"text and then \0 nothing", "know how to read"),
        (bytes(range(256)), "know how to read"),
        (b"RIFF\0\0\0\0????", "know how to read"),
        (codecs.BOM_UTF16_LE + b"\0\xd8a", "know how to read"),
        (codecs.BOM_UTF32_LE + "text".encode("utf-32-le"), "know how to read"),
        (b"x" * 256_001, "more than 256 kB"),
        (b"x" * 4096 + b"\xff\0" * 100, "know how to read"),
    ],
)
async def test_any_other_file_is_refused_by_its_bytes(hand_in: Reader, data: bytes, reason: str) -> None:
    with pytest.raises(MediaError, match=reason) as caught:
        await hand_in(data, "cat.png", "image/png")
    assert caught.value.sentence.startswith("I cannot use cat.png: ")
    assert caught.value.sentence.endswith(".")


async def test_a_name_cannot_break_out_of_its_sentence(hand_in: Reader) -> None:
    with pytest.raises(MediaError) as caught:
        await hand_in(b"\0", "a\n\u202eb\x00" + "x" * 500 + ".png")
    assert caught.value.sentence.isprintable()
    assert len(caught.value.sentence) < 200
    assert ".png:" in caught.value.sentence


async def test_what_was_read_becomes_a_block_of_the_request(hand_in: Reader) -> None:
    image = await hand_in(picture(), "cat.png")
    assert block_for(image.media_type, image.data, image.name) == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(image.data).decode()},
    }
    document = await hand_in(pdf(), "plan.pdf")
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(document.data).decode()}
    block = block_for(document.media_type, document.data, document.name)
    assert block == {"type": "document", "source": source, "title": "plan.pdf"}
    block = block_for(document.media_type, document.data, document.name, document.pages)
    assert block == {"type": "document", "source": source, "title": "plan.pdf", "context": "1 page"}
    text = await hand_in("ä".encode(), "notes.md")
    assert block_for(text.media_type, text.data, text.name) == {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "ä"},
        "title": "notes.md",
    }
    with pytest.raises(ValueError, match="image/bmp"):
        block_for("image/bmp", b"")
