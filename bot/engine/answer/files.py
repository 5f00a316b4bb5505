"""The files Claude gives its readers: a tool that keeps them until they are attached to the answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.engine.file_name import file_name
from bot.engine.patience import patiently
from bot.events import File
from bot.ports import History

MOST_FILES = 10


class GivenFiles:
    """What Claude gave in one turn. `give_file` is handed to Claude as a tool."""

    def __init__(self, history: History, file_bytes: int) -> None:
        self._history = history
        self._file_bytes = file_bytes
        self._given: dict[str, File] = {}

    @property
    def files(self) -> tuple[File, ...]:
        """The files given so far, in order."""
        return tuple(self._given.values())

    async def take_up(self, uses: Sequence[Mapping[str, Any]]) -> None:
        """Take over what earlier tool uses gave: Claude knows their results, and does not repeat them."""
        for use in uses:
            given = use["input"]
            if use["name"] == "give_file" and isinstance(given, Mapping) and given.keys() >= {"name", "content"}:
                await self.give_file(str(given["name"]), str(given["content"]))

    async def give_file(
        self,
        name: str,  # the file's name with its ending, such as "report.csv"
        content: str,  # the whole text of the file
    ) -> str:
        """Attach a text file to your answer. Use it when people ask for a file, or for code too long to read in chat.

        Do not repeat the file's content in the answer. A second file of the same name takes the first one's place.
        """
        clean = file_name(name)
        data = content.encode("utf-8", "replace")
        if len(data) > self._file_bytes:
            return f"Not attached: {clean} has {len(data)} bytes, and {self._file_bytes} is the most that fits here."
        if clean not in self._given and len(self._given) >= MOST_FILES:
            return f"Not attached: an answer brings {MOST_FILES} files at most."
        self._given[clean] = File(clean, await patiently(self._history.keep, data, "text/plain"))
        return f"{clean} will be attached below your answer."
