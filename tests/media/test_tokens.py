"""What is estimated before the call is what the simulated Claude counts, or a little more."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.media import OLD_SIGHT, SIGHT, Sight, block_for, estimate_tokens
from bot.simulator.claude.request.models import MODELS
from bot.simulator.claude.request.pictures import Picture, PictureReader, tokens
from bot.simulator.claude.request.tokens import Counter

from .conftest import Reader, pdf, picture, png_claiming

SIGHTS = [("claude-opus-5-5", SIGHT), ("claude-sonnet-4-6", OLD_SIGHT)]


def counted(block: dict[str, Any], model: str = "claude-opus-5-5") -> int:
    return Counter(PictureReader(), MODELS[model]).block(block)


@pytest.mark.parametrize(("model", "sight"), SIGHTS)
@pytest.mark.parametrize("size", [(1, 1), (28, 28), (29, 28), (1092, 1092), (1920, 1080), (2000, 1500), (2000, 31)])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_an_image_costs_what_claude_counts(model: str, sight: Sight, size: tuple[int, int], form: str) -> None:
    block = block_for(f"image/{form.lower()}", picture(size, form=form))
    ours, theirs = estimate_tokens(block, sight), counted(block, model)
    assert ours == theirs or theirs <= ours == sight.tokens <= 1.07 * theirs
    assert estimate_tokens(block) <= SIGHT.tokens


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8000), st.integers(1, 8000), st.sampled_from(SIGHTS))
def test_an_image_of_any_size_costs_no_more_than_is_estimated(width: int, height: int, seen: tuple[str, Sight]) -> None:
    model, sight = seen
    theirs = tokens(Picture(width, height, "PNG", "red", "#ff0000"), MODELS[model])
    assert theirs <= estimate_tokens(block_for("image/png", png_claiming(width, height)), sight) <= sight.tokens


@pytest.mark.parametrize(("size", "expected"), [((1092, 1092), 1521), ((1920, 1080), 2691), ((3840, 2160), 4784)])
def test_the_documented_examples_are_met(size: tuple[int, int], expected: int) -> None:
    """platform.claude.com, build-with-claude/vision."""
    assert estimate_tokens(block_for("image/png", png_claiming(*size))) == expected


async def test_media_costs_what_its_block_costs(hand_in: Reader) -> None:
    for data in [picture((300, 200)), picture((3000, 200)), pdf(7), pdf(7, packed=True), "naïve".encode() * 99]:
        media = await hand_in(data, "fïle")
        block = block_for(media.media_type, media.data, media.name, media.pages)
        assert estimate_tokens(block) == media.tokens > 0


@pytest.mark.parametrize("pages", [1, 3, 40])
async def test_a_pdf_is_estimated_by_its_pages_and_not_below_what_claude_counts(hand_in: Reader, pages: int) -> None:
    media = await hand_in(pdf(pages))
    block = block_for(media.media_type, media.data, "plan.pdf", media.pages)
    assert counted(block) <= media.tokens == estimate_tokens(block) <= 2 * counted(block)


def test_a_pdf_whose_pages_were_not_counted_is_estimated_by_its_size() -> None:
    one = estimate_tokens(block_for("application/pdf", pdf()))
    assert 10 * one <= estimate_tokens(block_for("application/pdf", pdf() + b" " * 500_000)) <= 12 * one


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=2000))
def test_a_text_is_estimated_a_little_above_what_claude_counts(text: str) -> None:
    document = block_for("text/plain", text.encode(), "a.txt")
    for block in ({"type": "text", "text": text}, document):
        assert counted(block) <= estimate_tokens(block) <= 1.4 * counted(block) + 5


def test_a_block_whose_bytes_are_kept_elsewhere_says_its_tokens() -> None:
    source = {"type": "blob", "media_type": "image/png", "sha256": "00"}
    assert estimate_tokens({"type": "image", "source": {**source, "tokens": 2352}}) == 2352
    with pytest.raises(ValueError, match="must say its tokens"):
        estimate_tokens({"type": "image", "source": source})


def test_a_tool_result_costs_what_it_holds() -> None:
    image = block_for("image/png", picture((280, 280)))
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image, {"type": "text", "text": "abc"}]}
    assert estimate_tokens(result) == 101
    assert estimate_tokens({"type": "tool_use", "id": "t", "name": "look", "input": {"at": "ä"}}) > 10
