"""PDFs: shown as they are, or not at all."""

import pytest

from bot.errors import MediaError
from bot.media.child.examine import work

from .conftest import Reader, pdf

JS = b"<< /Type /Action /S /JavaScript /JS (app.alert(1)) >>"
SCRIPTS = [
    [JS],
    [b"<< /S /JavaScript >>"],
    [b"<< /S 5 0 R /J 1 >>", b"/JavaScript"],
    [b"<< /#53 /Java#53cript >>"],
    [b"<< /S /Rendition /J#53 (x) >>"],
    [b"<< /A [ << /Kids [ << /AA << /O << /S /JavaScript /JS (x) >> >> >> ] >> ] >>"],
]
LAUNCH = b"<< /S /Launch /F (calc.exe) >>"
FILES = [
    b"<< /Type /Filespec /F (a.exe) /EF << /F 9 0 R >> >>",
    b"<< /Type /EmbeddedFile /Length 4 >>\nstream\nabcd\nendstream",
]


async def test_a_pdf_is_a_document_and_its_pages_are_counted(hand_in: Reader) -> None:
    media = await hand_in(pdf(3), "plan.png", "image/png")
    assert (media.kind, media.media_type, media.data) == ("document", "application/pdf", pdf(3))
    assert (media.pages, media.note) == (3, "")


@pytest.mark.parametrize("packed", [False, True])
async def test_a_pdf_of_too_many_pages_is_refused(hand_in: Reader, *, packed: bool) -> None:
    assert (await hand_in(pdf(100, packed=packed))).pages == 100
    with pytest.raises(MediaError, match="the PDF has 101 pages, and I read 100 at most; send the part that matters"):
        await hand_in(pdf(101, packed=packed), "plan")


async def test_pages_that_were_saved_again_are_not_counted_twice(hand_in: Reader) -> None:
    data = pdf(60)
    again = b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>\nendobj\n"
    start = data.rindex(b"xref\n0")
    table = b"xref\n3 1\n%010d 00000 n \n" % len(data)
    trailer = b"trailer << /Size 63 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (start, len(data) + len(again))
    assert (await hand_in(data + again + table + trailer)).pages == 60


async def test_other_things_with_a_count_or_a_name_like_a_page_are_no_pages(hand_in: Reader) -> None:
    media = await hand_in(pdf(2, b"<< /Type /Outlines /Count 99 >>", b"<< /Type /Page >>", b"(/Type /Page)"))
    assert media.pages == 2


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_a_script_in_a_pdf_is_found_however_it_is_written(script: list[bytes], *, packed: bool) -> None:
    assert work(pdf(1, *script, packed=packed), {})[0] == {"pages": 1, "holds": ["script"]}


async def test_a_pdf_with_a_script_is_refused(hand_in: Reader) -> None:
    with pytest.raises(MediaError, match=r"the PDF has scripts in it; print it to a new PDF and send that\.") as caught:
        await hand_in(pdf(1, JS), "form.pdf")
    assert caught.value.sentence.startswith("I cannot use form.pdf: ")


@pytest.mark.parametrize("packed", [False, True])
async def test_a_pdf_that_would_start_a_program_is_refused(hand_in: Reader, *, packed: bool) -> None:
    with pytest.raises(MediaError, match="the PDF would start a program; print"):
        await hand_in(pdf(1, LAUNCH, packed=packed))


@pytest.mark.parametrize("file", FILES, ids=["named", "its bytes"])
async def test_a_pdf_with_files_in_it_is_refused(hand_in: Reader, file: bytes) -> None:
    with pytest.raises(MediaError, match="the PDF has other files in it; print"):
        await hand_in(pdf(1, file))


async def test_all_that_is_wrong_with_a_pdf_is_said(hand_in: Reader) -> None:
    with pytest.raises(
        MediaError, match="has other files in it and would start a program and has scripts in it; print"
    ):
        await hand_in(pdf(1, FILES[0], JS, LAUNCH))


@pytest.mark.parametrize(
    "words",
    [b"(how to write /S /JavaScript and /JS)", b"<< /Title (/Launch) /Subject (/EF) >>", b"% /JS /Launch\nnull"],
)
def test_a_pdf_may_speak_of_scripts(words: bytes) -> None:
    assert work(pdf(1, words), {})[0] == {"pages": 1, "holds": []}


@pytest.mark.parametrize(
    "cipher",
    [
        b"/V 2 /R 3 /Length 128",
        b"/V 5 /R 6 /Length 256 /CF << /StdCF << /CFM /AESV3 /Length 32 >> >> /StmF /StdCF /StrF /StdCF",
        b"/V 9 /R 9",
    ],
    ids=["RC4", "AES", "of the future"],
)
@pytest.mark.parametrize("direct", [False, True])
def test_an_encrypted_pdf_is_known(cipher: bytes, *, direct: bool) -> None:
    assert work(locked(cipher, direct=direct), {})[0] == {"error": "locked"}


async def test_an_encrypted_pdf_is_refused(hand_in: Reader) -> None:
    with pytest.raises(MediaError, match="protected by a password or against copying; print it to a new PDF"):
        await hand_in(locked(b"/V 2 /R 3 /Length 128", direct=True))


def locked(cipher: bytes, *, direct: bool) -> bytes:
    keys = b"".join(b"/%s <%s>" % (key, b"00" * 48) for key in (b"O", b"U", b"OE", b"UE", b"Perms"))
    lock = b"<< /Filter /Standard %s %s /P -44 >>" % (cipher, keys)
    trailer = b"/ID [<00><00>] /Encrypt "
    return pdf(1, trailer=trailer + lock) if direct else pdf(1, lock, trailer=trailer + b"4 0 R")


async def test_a_pdf_that_is_too_large_is_refused(hand_in: Reader) -> None:
    with pytest.raises(MediaError, match="larger than 16 MB; send the part that matters"):
        await hand_in(pdf() + b" " * 16_000_000)


@pytest.mark.parametrize(
    "data",
    [
        pdf()[:-8],
        b"%PDF-1.7\n%%EOF\n",
        pdf(40)[:2000] + b"\n%%EOF\n",
        b"%PDF-1.7\n" + b"[" * 100_000 + b"\n%%EOF\n",
    ],
    ids=["cut off", "empty", "its middle missing", "too deep"],
)
async def test_a_pdf_that_cannot_be_read_is_refused(hand_in: Reader, data: bytes) -> None:
    with pytest.raises(MediaError, match=r"damaged or incomplete|no pages"):
        await hand_in(data, "plan.pdf")
