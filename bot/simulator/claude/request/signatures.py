"""Signatures of thinking blocks: what makes the API refuse a thinking block that was made up, edited or moved.

A signature is made over the text the client was given (empty if it was omitted) and names the model, the transcript
before it and its place in the row of thinking blocks. Whether a foreign transcript is refused depends on the model and
the account (Claude docs, build-with-claude/thinking: preserved thinking).
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.simulator.claude.request.fields import Json
from bot.simulator.claude.request.refusal import Refused

_THINKING = ("thinking", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class Seal:
    """What a signature tells: the model that thought, a digest of the transcript before, the block's ordinal."""

    model: str
    prefix: str
    ordinal: int


class Signer:
    """Makes and checks signatures with a key of its own: another simulation's blocks are not valid here."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, thinking: str, seal: Seal) -> str:
        """Return the signature of a thinking block that shows `thinking`."""
        told = json.dumps([seal.model, seal.prefix, seal.ordinal]).encode()
        return base64.b64encode(self._mac(told, thinking) + told).decode()

    def read(self, block: Mapping[str, Any], where: str) -> Seal:
        """Return what a block's signature tells. Raise `Refused` if it is not ours or the text was changed."""
        try:
            raw = base64.b64decode(block["signature"], validate=True)
        except ValueError:
            raw = b""
        mac, told = raw[:32], raw[32:]
        if not hmac.compare_digest(mac, self._mac(told, block["thinking"])):
            raise Refused(f"{where}: Invalid `signature` in `thinking` block")
        return Seal(*json.loads(told))

    def _mac(self, told: bytes, thinking: str) -> bytes:
        return hmac.digest(self._key, told + b"\0" + thinking.encode(errors="surrogatepass"), "sha256")


def canonical(value: object) -> bytes:
    """Return JSON that is equal for equal content: keys in order, without nulls and cache breakpoints."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None and key != "cache_control"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def prefix_digests(body: Mapping[str, Any], messages: Sequence[Json]) -> list[str]:
    """Return for each message, and for the one to come, the digest of system, tools and all messages before it.

    Thinking blocks do not count: earlier ones may be left out, which `check_thinking` looks at by their ordinals.
    """
    digest = hashlib.sha256(canonical([body.get("system") or "", body.get("tools") or []]))
    found = [digest.hexdigest()]
    for message in messages:
        blocks = [block for block in message["content"] if block.get("type") not in _THINKING]
        digest.update(canonical([message["role"], blocks]))
        found.append(digest.hexdigest())
    return found


def check_thinking(signer: Signer, body: Mapping[str, Any], messages: Sequence[Json], *, bound_to: str | None) -> int:
    """Check every replayed thinking block; return the next one's ordinal.

    `bound_to`: the model, if it refuses thinking of another model or transcript; None if only forgery is refused.
    Raise `Refused`.
    """
    seals: list[tuple[str, int, Seal]] = []
    for index, message in enumerate(messages):
        for number, block in enumerate(message["content"]):
            if block.get("type") == "thinking":
                where = f"messages.{index}.content.{number}"
                seals.append((where, index, signer.read(block, where)))
    if bound_to is not None and seals:
        _check_bound(seals, prefix_digests(body, messages), bound_to)
    return seals[-1][2].ordinal + 1 if seals else 0


def _check_bound(seals: Sequence[tuple[str, int, Seal]], prefixes: Sequence[str], model: str) -> None:
    previous: int | None = None
    for where, index, seal in seals:
        gap = previous is not None and seal.ordinal != previous + 1
        if gap or seal.model != model or seal.prefix != prefixes[index]:
            raise Refused(
                f"{where}: this `thinking` block is bound to a different conversation. Send the system prompt, tools "
                "and all earlier messages exactly as they were, or leave out all `thinking` blocks."
            )
        previous = seal.ordinal
