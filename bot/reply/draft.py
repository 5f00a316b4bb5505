"""What a reader should see of an answer, as far as it is written: its pages, what stands below them, and its files."""

from collections.abc import Sequence
from dataclasses import replace

from bot.events import Button, Limits
from bot.ports import Dialect, Surface
from bot.reply.note import GOES_ON, IN_FILE, WAITING, WHOLE, not_attached, noted, room_for, with_line
from bot.reply.paging.page_end import Work
from bot.reply.paging.pages import Page, Paginator
from bot.reply.screen import AnswerFile, Desired, Rendering, Span, readable

_ROOM_FOR_A_NOTE = 200


class _TextAttempt:
    """One attempt at the text, with its pages as they were last computed."""

    def __init__(self, number: int, paginator: Paginator) -> None:
        self.number = number
        self.paginator = paginator
        self._pages: list[Page] = []
        self._of: tuple[object, ...] = ()

    def pages(self, *, done: bool, steady: bool) -> Work[list[Page]]:
        """Return the pages, which are computed once for each state of the text."""
        of = (self.paginator.length, self.paginator.most, done, steady)
        if of != self._of:
            self._pages = yield from self.paginator.work(done=done, steady=steady)
            self._of = of
        return self._pages

    @property
    def has_more(self) -> bool:
        """Whether there is text that the pages do not cover yet."""
        return not self._of or self._of[0] != self.paginator.length

    def grows(self) -> Work[bool]:
        """Return whether all of the new text belongs to the page that was the last one."""
        return (yield from self.paginator.freeze()) == len(self._pages)


class Draft:
    """An answer as it stands, and what the screen should show of it.

    `blank`: there is no text yet. `begun`: something has been shown. `late`: the beginning has waited long enough to be
    shown even if it is short. `shown`: the text of this answer that an earlier process showed; None if it is not known.

    A new attempt replaces the one before it on the screen as soon as it is as long, or complete.
    """

    def __init__(self, surface: Surface, *, most_pages: int, stoppable: bool, shown: str | None = None) -> None:
        self._surface = surface
        self._most_pages = most_pages
        self._growing_buttons = (Button.STOP,) if stoppable else ()
        self._note = ""
        self._buttons: tuple[Button, ...] = ()
        self._files: list[AnswerFile] = []
        self._refused: list[AnswerFile] = []
        self._in_pages = False
        self._known = shown is not None
        self._left: Desired | None = None
        self.done = False
        self._before: _TextAttempt | None = None
        self._last: _TextAttempt | None = None
        self._now = self._new_attempt(0)
        self._now.paginator.add(shown or "")
        self.begun = self._known
        self.restart()

    def restart(self) -> None:
        """Start a new attempt at the text."""
        before = self._before
        if self.begun and (before is None or self._now.paginator.length >= before.paginator.length):
            self._before = self._now
        self._last = self._now
        self._now = self._new_attempt(self._now.number + 1)
        self._activity = ""
        self._had_activity = False
        self.blank = True
        self.begun = self.late = False

    def note_shown(self, attempt: int) -> None:
        """Record that a message with text of this attempt was sent, even if a newer attempt has started since."""
        if attempt == self._now.number:
            self.begun = True
        elif self._before is None and self._last is not None and attempt == self._last.number:
            self._before = self._last

    def _new_attempt(self, number: int) -> _TextAttempt:
        dialect, size = self._surface.dialect, self._surface.limits.page_size
        spare = min(room_for(IN_FILE, dialect) + _ROOM_FOR_A_NOTE, size // 3)
        most = None if self._in_pages else self._most_pages
        return _TextAttempt(number, Paginator(dialect, size, (self._most_pages - 1, spare), most=most))

    @property
    def beyond(self) -> bool:
        """Whether there is more text than the pages can show, so that adding to it changes nothing."""
        return self._now.paginator.is_beyond

    def write(self, piece: str) -> None:
        """Add text."""
        self._now.paginator.add(piece)
        if not piece.isspace():
            self._activity, self.blank = "", False

    def set_activity(self, text: str) -> None:
        """Set the line that tells what is going on; "" removes it."""
        self._activity = text
        self._had_activity = self._had_activity or bool(text)

    def end(self, note: str, buttons: Sequence[Button], files: Sequence[tuple[str, bytes]]) -> None:
        """Mark the text as complete, with what else belongs to it; files of an earlier call stay."""
        self._note, self._buttons, self.done = note, tuple(buttons), True
        if files:
            self._files, self._refused = [AnswerFile(name, data) for name, data in files], []

    def refuse(self, file: AnswerFile) -> None:
        """Leave out a file that the place does not accept. If it holds the whole answer, pages show that instead."""
        if file in self._files:
            self._refused.append(file)
        else:
            self._in_pages = True
            self._shown().paginator.most = None

    def leave(self, texts: Sequence[str], note: str, buttons: Sequence[Button]) -> None:
        """Make what is on the screen, with the note below it, all that is desired."""
        renderings = [Rendering(text) for text in noted(texts, note, *self._place(self._surface.limits))]
        renderings[-1] = replace(renderings[-1], buttons=tuple(buttons))
        self._left, self.done = Desired(renderings, whole=True), True

    def _shown(self) -> _TextAttempt:
        """Return the attempt that the screen should show."""
        before, now = self._before, self._now
        if before is None or self.done:
            return now
        return now if now.paginator.length >= before.paginator.length else before

    def only_grows(self) -> Work[bool]:
        """Return whether the only change can be more text on the last page."""
        attempt = self._shown()
        return self.begun and not self.done and attempt.has_more and (yield from attempt.grows())

    def desired(self) -> Work[Desired]:
        """Return the desired state of the screen."""
        if self._left is not None:
            return self._left
        limits = self._surface.limits
        attempt = self._shown()
        steady = limits.append_only and attempt.number > 0  # what was there before is edited, and no word of it goes
        pages = yield from attempt.pages(done=self.done, steady=steady)
        renderings, at = list[Rendering](), 0
        for page in pages:
            span = Span(attempt.number, at, at + len(page.source))
            at = span.end
            if page.text.strip():
                renderings.append(Rendering(page.text, span=span))
        beyond = attempt.paginator.is_beyond
        if beyond:
            renderings = renderings[: self._most_pages]
        desired = self._whole(renderings, attempt, limits) if self.done else self._so_far(renderings, attempt, limits)
        return replace(desired, attempt=attempt.number, known=self._known, over=attempt is not self._now)

    def _so_far(self, renderings: list[Rendering], attempt: _TextAttempt, limits: Limits) -> Desired:
        texts = [rendering.text for rendering in renderings]
        plain = "".join(texts)
        line = GOES_ON if attempt.paginator.is_beyond else self._activity
        if not line and not texts and self._had_activity and self.begun:
            line = WAITING  # in place of a line that stood alone: no message can be empty
        if not limits.append_only:
            texts = with_line(texts, line, *self._place(limits))
        shows = self.begun or attempt is self._before or len(texts) > 1 or readable(plain, late=False)
        if not texts or not (shows or (self.late and readable("".join(texts), late=True))):
            return Desired()
        renderings = _with_texts(renderings, texts, attempt)
        renderings[-1] = replace(renderings[-1], buttons=self._growing_buttons, growing=True)
        return Desired(renderings)

    def _whole(self, renderings: list[Rendering], attempt: _TextAttempt, limits: Limits) -> Desired:
        beyond = attempt.paginator.is_beyond
        files = [file for file in self._files if file not in self._refused]
        lines = [IN_FILE] if beyond else []
        lines += [self._note, *(not_attached(file.name) for file in self._refused)]
        if beyond:
            files.insert(0, AnswerFile(WHOLE, attempt.paginator.text.encode(errors="replace")))
        texts = noted([rendering.text for rendering in renderings], "\n".join(lines), *self._place(limits))
        renderings = _with_texts(renderings, texts, attempt)
        renderings[-1] = replace(renderings[-1], buttons=self._buttons)
        return Desired(renderings, files, whole=True)

    def _place(self, limits: Limits) -> tuple[Dialect, int]:
        return self._surface.dialect, limits.page_size


def _with_texts(renderings: Sequence[Rendering], texts: Sequence[str], attempt: _TextAttempt) -> list[Rendering]:
    """Return the renderings with these texts; a message added at the end shows nothing of the answer itself."""
    end = renderings[-1].span.end if renderings else 0
    below = [Span(attempt.number, end, end)] * (len(texts) - len(renderings))
    spans = [*(rendering.span for rendering in renderings), *below]
    return [Rendering(text, span=span) for text, span in zip(texts, spans, strict=True)]
