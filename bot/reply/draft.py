"""What a reader should see of an answer, as far as it is written: its pages, what stands below them, and its files."""

from collections.abc import Sequence
from dataclasses import replace

from bot.events import Button, Limits
from bot.ports import Dialect, Surface
from bot.reply.note import GOES_ON, IN_FILE, WAITING, WHOLE, not_attached, noted, room_for, with_line
from bot.reply.pages import Page, Paginator
from bot.reply.screen import Attachment, Look, Wanted, readable

_ROOM_FOR_A_NOTE = 200


class Draft:
    """An answer as it is now, and what should be on the screen for it.

    `blank`: there is no text yet. `begun`: something was shown. `late`: a beginning has waited so long that it is shown
    even if it is short.
    """

    def __init__(self, surface: Surface, *, most_pages: int, stoppable: bool) -> None:
        self._surface = surface
        self._most_pages = most_pages
        self._growing_buttons = (Button.STOP,) if stoppable else ()
        self._doing = ""
        self._note = ""
        self._buttons: tuple[Button, ...] = ()
        self._files: list[Attachment] = []
        self._refused: list[Attachment] = []
        self._in_pages = False
        self._left: Wanted | None = None
        self.done = False
        self.anew()

    def anew(self) -> None:
        """Forget the text."""
        dialect, size = self._surface.dialect, self._surface.limits.page_size
        spare = min(room_for(IN_FILE, dialect) + _ROOM_FOR_A_NOTE, size // 3)
        self._paginator = Paginator(dialect, size, (self._most_pages - 1, spare))
        self._doing = ""
        self._said = False
        self.blank = True
        self.begun = self.late = self.beyond = False

    def write(self, piece: str) -> None:
        """Add text."""
        self._paginator.add(piece)
        if not piece.isspace():
            self._doing, self.blank = "", False

    def doing(self, text: str) -> None:
        """Say what is going on; nothing if `text` is ""."""
        self._doing = text
        self._said = self._said or bool(text)

    def end(self, note: str, buttons: Sequence[Button], files: Sequence[tuple[str, bytes]]) -> None:
        """Say that the text is whole, and what else belongs to it; files of an earlier end stay."""
        self._note, self._buttons, self.done = note, tuple(buttons), True
        if files:
            self._files, self._refused = [Attachment(name, data) for name, data in files], []

    def refuse(self, file: Attachment) -> None:
        """Do without a file, which the place does not take. If it is the whole answer, pages show that after all."""
        if file in self._files:
            self._refused.append(file)
        else:
            self._in_pages = True

    def leave(self, texts: Sequence[str], note: str, buttons: Sequence[Button]) -> None:
        """Want no more than what is on the screen, and the note below it."""
        looks = [Look(text) for text in noted(texts, note, *self._place(self._surface.limits))]
        looks[-1] = replace(looks[-1], buttons=tuple(buttons))
        self._left, self.done = Wanted(looks, whole=True), True

    def wanted(self) -> Wanted:
        """Return what should be on the screen; `beyond` then says whether there is more than the pages show."""
        if self._left is not None:
            return self._left
        limits = self._surface.limits
        pages = self._paginator.pages(done=self.done, steady=limits.append_only)
        texts = [page.text for page in pages if page.text.strip()]
        self.beyond = len(texts) > self._most_pages and not self._in_pages
        if self.beyond:
            texts = texts[: self._most_pages]
        return self._whole(texts, pages, limits) if self.done else self._so_far(texts, limits)

    def _so_far(self, texts: list[str], limits: Limits) -> Wanted:
        plain = "".join(texts)
        line = GOES_ON if self.beyond else self._doing
        if not line and not texts and self._said and self.begun:
            line = WAITING  # in place of a line that stood alone: no message can be empty
        if not limits.append_only:
            texts = with_line(texts, line, *self._place(limits))
        shows = self.begun or len(texts) > 1 or readable(plain, late=False)
        if not texts or not (shows or (self.late and readable("".join(texts), late=True))):
            return Wanted()
        looks = [Look(text) for text in texts]
        looks[-1] = replace(looks[-1], buttons=self._growing_buttons, growing=True)
        return Wanted(looks)

    def _whole(self, texts: list[str], pages: list[Page], limits: Limits) -> Wanted:
        files = [file for file in self._files if file not in self._refused]
        lines = [IN_FILE] if self.beyond else []
        lines += [self._note, *(not_attached(file.name) for file in self._refused)]
        if self.beyond:
            files.insert(0, Attachment(WHOLE, "".join(page.source for page in pages).encode(errors="replace")))
        looks = [Look(text) for text in noted(texts, "\n".join(lines), *self._place(limits))]
        looks[-1] = replace(looks[-1], buttons=self._buttons)
        return Wanted(looks, files, whole=True)

    def _place(self, limits: Limits) -> tuple[Dialect, int]:
        return self._surface.dialect, limits.page_size
