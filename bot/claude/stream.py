"""What `stream=True` returns: the answer while it is being written."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from types import TracebackType
from typing import Any, Self

from bot.claude.api.call import StreamItem, StreamProgress
from bot.claude.errors import StreamCut
from bot.claude.events import Event, Text
from bot.claude.messages.records import Message, Usage


class Stream:
    """An answer as it arrives: iterate over it for the text, over `events()` for everything. No request is made before
    that.

        async with await chat("Hi", stream=True) as stream:
            async for piece in stream:
                print(piece, end="")
        stream.value, stream.usage

    Leaving the `async with`, calling `aclose` or dropping the last reference stops the answer and closes its
    connection. A turn that did not reach its end leaves no trace in the chat's history, but its usage is counted.
    Iterating raises `ClaudeError`, which carries the text so far. `await stream` reads to the end and returns `value`.
    """

    __slots__ = ("__weakref__", "_progress", "_source", "_texts")

    def __init__(self, source: AsyncGenerator[StreamItem, None], progress: StreamProgress) -> None:
        self._source = source
        self._progress = progress
        self._texts: AsyncGenerator[str, None] | None = None

    @property
    def value(self) -> Message | None:
        """The final message; None until the stream has ended as it should."""
        return self._progress.value

    @property
    def message(self) -> Message | None:
        """Another name for `value`."""
        return self._progress.value

    @property
    def text(self) -> str:
        """The text so far, all pieces joined."""
        return self._progress.text

    @property
    def usage(self) -> Usage:
        """What all requests of this call have used, in tokens; complete once the stream is closed."""
        return self._progress.usage

    def __aiter__(self) -> AsyncIterator[str]:
        if self._texts is None:
            self._texts = _texts(self._source, self._progress)
        return self._texts

    async def __anext__(self) -> str:
        return await anext(self.__aiter__())

    def events(self) -> AsyncIterator[Event]:
        """Iterate over everything that happens: `Text`, `Thinking`, `ToolUse`, `ToolResult`, `UsageSoFar`, `End`."""
        return _events(self._source, self._progress)

    def __await__(self) -> Generator[Any, None, Message]:
        return self.finish().__await__()

    async def finish(self) -> Message:
        """Read to the end and return the final message. Raise `ClaudeError`."""
        async for _ in self:
            pass
        if self._progress.value is None:
            raise StreamCut("the stream was closed before its end", text_so_far=self.text)
        return self._progress.value

    async def aclose(self) -> None:
        """Stop the answer; the connection is closed when this returns. Closing twice is harmless.

        When another task is waiting for the next piece, its iteration just ends; if it waits for something other than
        the network (a tool, its turn in the chat), this waits for that, too. Cancel that task to stop it at once.
        """
        self._progress.stopped = self._progress.value is None
        try:
            await self._source.aclose()
            if self._texts is not None:
                await self._texts.aclose()
        except RuntimeError as error:  # another task is reading: closing its connection makes it end
            if "already running" not in str(error):
                raise
            if self._progress.response is not None:
                await self._progress.response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def _texts(source: AsyncGenerator[StreamItem, None], progress: StreamProgress) -> AsyncGenerator[str, None]:
    async for item in source:
        if type(item) is str:
            yield item
    _check(progress)


async def _events(source: AsyncGenerator[StreamItem, None], progress: StreamProgress) -> AsyncGenerator[Event, None]:
    async for item in source:
        yield Text(item) if isinstance(item, str) else item
    _check(progress)


def _check(progress: StreamProgress) -> None:
    if progress.superseded:
        raise StreamCut("the chat was asked again before this answer was read to its end", text_so_far=progress.text)
