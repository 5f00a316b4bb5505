"""A request as it comes in → one that may be answered, or the refusal the real API would give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.simulator.claude.request import parameters, pictures
from bot.simulator.claude.request.blocks import MAX_PDF_PAGES, MAX_PDF_PAGES_SMALL_CONTEXT, BlockReader, walk
from bot.simulator.claude.request.conversation import check_ending, read_messages
from bot.simulator.claude.request.fields import Json, required
from bot.simulator.claude.request.models import Model
from bot.simulator.claude.request.pictures import PictureReader
from bot.simulator.claude.request.refusal import Refused
from bot.simulator.claude.request.signatures import Signer, check_thinking
from bot.simulator.claude.request.tokens import Counter, Segment

_SMALL_CONTEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that may be answered. `messages`: with content as blocks. `ordinal`: of the next thinking block."""

    body: Json
    model: Model
    messages: Sequence[Json]
    segments: Sequence[Segment]
    ordinal: int

    @property
    def tokens(self) -> int:
        """What the request costs as input, cached or not."""
        return sum(segment.tokens for segment in self.segments)


class Checker:
    """Checks requests as the API does; it remembers nothing but images it has already decoded."""

    def __init__(
        self, models: Mapping[str, Model], reader: PictureReader, signer: Signer, *, enforce_thinking_prefix: bool
    ) -> None:
        self._models = models
        self._reader = reader
        self._signer = signer
        self._enforce = enforce_thinking_prefix

    def check(self, body: Json, version: str, *, counting: bool = False) -> Checked:
        """Return the checked request. Pure but for the CPU it takes. Raise `Refused`."""
        if version not in parameters.VERSIONS:
            raise Refused(f'anthropic-version: "{version}" is not a valid version' if version else
                          "anthropic-version: header is required")  # fmt: skip
        model = self._model(required(body, "model", str))
        parameters.check_parameters(body, model, version, counting=counting)
        blocks = BlockReader(self._reader, strict_2026=version >= parameters.STRICT_VERSION)
        messages = read_messages(body, model, blocks)
        check_ending(messages, model)
        parameters.check_breakpoints(body, [block for message in messages for block in walk(message["content"])])
        _check_media(blocks, model)
        _check_extended(body, messages)
        bound = model.binds_always or (model.binds_thinking and self._enforce)
        ordinal = check_thinking(self._signer, body, messages, bound_to=model.id if bound else None)
        checked = Checked(body, model, messages, Counter(self._reader, model).segments(body, messages), ordinal)
        if checked.tokens > model.context:
            raise Refused(f"prompt is too long: {checked.tokens} tokens > {model.context} maximum")
        return checked

    def _model(self, name: str) -> Model:
        model = self._models.get(name)
        if model is None:
            raise Refused(f"model: {name}", "not_found_error")
        return model


def _check_media(blocks: BlockReader, model: Model) -> None:
    small = model.context < _SMALL_CONTEXT
    images = pictures.MAX_IMAGES_SMALL_CONTEXT if small else pictures.MAX_IMAGES
    pages = MAX_PDF_PAGES_SMALL_CONTEXT if small else MAX_PDF_PAGES
    if len(blocks.pictures) > images:
        raise Refused(f"messages: too many images and documents: {len(blocks.pictures)} + 0 > {images}")
    if blocks.pdf_pages > pages:
        raise Refused(f"A maximum of {pages} PDF pages may be provided.")
    pictures.check_sides(blocks.pictures)


def _check_extended(body: Mapping[str, Any], messages: Sequence[Json]) -> None:
    """With extended thinking on, a tool loop goes on from the thinking that led to it."""
    if (body.get("thinking") or {}).get("type") != "enabled" or len(messages) < 2:
        return
    asked, final = messages[-2], messages[-1]
    in_loop = asked["role"] == "assistant" and any(block["type"] == "tool_result" for block in final["content"])
    if in_loop and asked["content"][0]["type"] not in ("thinking", "redacted_thinking"):
        raise Refused(
            f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{asked['content'][0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with "
            "a thinking block."
        )
