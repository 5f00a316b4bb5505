"""What a reader should see of an answer, as far as it is written: its pages, what stands below them, and its files."""

from collections.abc import Sequence
from dataclasses import replace

from bot.events import Button, Limits
from bot.ports import Dialect, Surface
from bot.reply.note import GOES_ON, IN_FILE, WAITING, WHOLE, not_attached, noted, room_for, with_line
from bot.reply.paging.page_end import Work
from bot.reply.paging.pages import Page, Paginator
from bot.reply.screen import Attachment, Rendering, Span, Wanted, readable

_ROOM_FOR_A_NOTE = 200


class _Attempt:
    """One attempt at the text, and its pages as they were when they were last looked at."""

    def __init__(self, number: int, paginator: Paginator) -> None:
        self.number = number
        self.paginator = paginator
        self._pages: list[Page] = []
        self._of: tuple[object, ...] = ()

    def pages(self, *, done: bool, steady: bool) -> Work[list[Page]]:
        """Return the pages; they are made once for one state of the text."""
        of = (self.paginator.length, self.paginator.most, done, steady)
        if of != self._of:
            self._pages = yield from self.paginator.work(done=done, steady=steady)
            self._of = of
        return self._pages

    @property
    def has_more(self) -> bool:
        """Whether there is text that was not looked at."""
        return not self._of or self._of[0] != self.paginator.length

    def grows(self) -> Work[bool]:
        """Say whether all the new text there is belongs to the page that was the last."""
        return (yield from self.paginator.freeze()) == len(self._pages)


class Draft:
    """An answer as it is now, and what should be on the screen for it.

    `blank`: there is no text yet. `begun`: something was shown. `late`: a beginning has waited so long that it is shown
    even if it is short. `shown`: the text that an earlier process had shown of this answer; None if nobody knows.

    An attempt that begins anew is shown once it is as long as the one before it, or whole; until then that one is.
    """

    def __init__(self, surface: Surface, *, most_pages: int, stoppable: bool, shown: str | None = None) -> None:
        self._surface = surface
        self._most_pages = most_pages
        self._growing_buttons = (Button.STOP,) if stoppable else ()
        self._note = ""
        self._buttons: tuple[Button, ...] = ()
        self._files: list[Attachment] = []
        self._refused: list[Attachment] = []
        self._in_pages = False
        self._known = shown is not None
        self._left: Wanted | None = None
        self.done = False
        self._before: _Attempt | None = None
        self._last: _Attempt | None = None
        self._now = self._attempt(0)
        self._now.paginator.add(shown or "")
        self.begun = self._known
        self.restart()

    def restart(self) -> None:
        """Begin the text anew."""
        before = self._before
        if self.begun and (before is None or self._now.paginator.length >= before.paginator.length):
            self._before = self._now
        self._last = self._now
        self._now = self._attempt(self._now.number + 1)
        self._doing = ""
        self._said = False
        self.blank = True
        self.begun = self.late = False

    def shown_of(self, attempt: int) -> None:
        """Note that a message with text of an attempt was made: of one that begins anew meanwhile, too."""
        if attempt == self._now.number:
            self.begun = True
        elif self._before is None and self._last is not None and attempt == self._last.number:
            self._before = self._last

    def _attempt(self, number: int) -> _Attempt:
        dialect, size = self._surface.dialect, self._surface.limits.page_size
        spare = min(room_for(IN_FILE, dialect) + _ROOM_FOR_A_NOTE, size // 3)
        most = None if self._in_pages else self._most_pages
        return _Attempt(number, Paginator(dialect, size, (self._most_pages - 1, spare), most=most))

    @property
    def beyond(self) -> bool:
        """Whether there is more than the pages show, so that more text changes nothing."""
        return self._now.paginator.is_beyond

    def write(self, piece: str) -> None:
        """Add text."""
        self._now.paginator.add(piece)
        if not piece.isspace():
            self._doing, self.blank = "", False

    def set_activity(self, text: str) -> None:
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
            self._shown().paginator.most = None

    def leave(self, texts: Sequence[str], note: str, buttons: Sequence[Button]) -> None:
        """Want no more than what is on the screen, and the note below it."""
        looks = [Rendering(text) for text in noted(texts, note, *self._place(self._surface.limits))]
        looks[-1] = replace(looks[-1], buttons=tuple(buttons))
        self._left, self.done = Wanted(looks, whole=True), True

    def _shown(self) -> _Attempt:
        """Return the attempt to show."""
        before, now = self._before, self._now
        if before is None or self.done:
            return now
        return now if now.paginator.length >= before.paginator.length else before

    def only_grows(self) -> Work[bool]:
        """Say whether what is new can only be more text on the page that is the last."""
        attempt = self._shown()
        return self.begun and not self.done and attempt.has_more and (yield from attempt.grows())

    def wanted(self) -> Work[Wanted]:
        """Return what should be on the screen."""
        if self._left is not None:
            return self._left
        limits = self._surface.limits
        attempt = self._shown()
        steady = limits.append_only and attempt.number > 0  # what was there before is edited, and no word of it goes
        pages = yield from attempt.pages(done=self.done, steady=steady)
        looks, at = list[Rendering](), 0
        for page in pages:
            span = Span(attempt.number, at, at + len(page.source))
            at = span.end
            if page.text.strip():
                looks.append(Rendering(page.text, span=span))
        beyond = attempt.paginator.is_beyond
        if beyond:
            looks = looks[: self._most_pages]
        wanted = self._whole(looks, attempt, limits) if self.done else self._so_far(looks, attempt, limits)
        return replace(wanted, attempt=attempt.number, known=self._known, over=attempt is not self._now)

    def _so_far(self, looks: list[Rendering], attempt: _Attempt, limits: Limits) -> Wanted:
        texts = [look.text for look in looks]
        plain = "".join(texts)
        line = GOES_ON if attempt.paginator.is_beyond else self._doing
        if not line and not texts and self._said and self.begun:
            line = WAITING  # in place of a line that stood alone: no message can be empty
        if not limits.append_only:
            texts = with_line(texts, line, *self._place(limits))
        shows = self.begun or attempt is self._before or len(texts) > 1 or readable(plain, late=False)
        if not texts or not (shows or (self.late and readable("".join(texts), late=True))):
            return Wanted()
        looks = _with_texts(looks, texts, attempt)
        looks[-1] = replace(looks[-1], buttons=self._growing_buttons, growing=True)
        return Wanted(looks)

    def _whole(self, looks: list[Rendering], attempt: _Attempt, limits: Limits) -> Wanted:
        beyond = attempt.paginator.is_beyond
        files = [file for file in self._files if file not in self._refused]
        lines = [IN_FILE] if beyond else []
        lines += [self._note, *(not_attached(file.name) for file in self._refused)]
        if beyond:
            files.insert(0, Attachment(WHOLE, attempt.paginator.text.encode(errors="replace")))
        texts = noted([look.text for look in looks], "\n".join(lines), *self._place(limits))
        looks = _with_texts(looks, texts, attempt)
        looks[-1] = replace(looks[-1], buttons=self._buttons)
        return Wanted(looks, files, whole=True)

    def _place(self, limits: Limits) -> tuple[Dialect, int]:
        return self._surface.dialect, limits.page_size


def _with_texts(looks: Sequence[Rendering], texts: Sequence[str], attempt: _Attempt) -> list[Rendering]:
    """Return looks with texts that have something below the last; a message of its own shows nothing of the answer."""
    end = looks[-1].span.end if looks else 0
    spans = [look.span for look in looks] + [Span(attempt.number, end, end)] * (len(texts) - len(looks))
    return [Rendering(text, span=span) for text, span in zip(texts, spans, strict=True)]
