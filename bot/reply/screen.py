"""What is on the reader's screen, and the next calls that bring it closer to what should be there. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from bot.events import Button, Limits

LATE_AFTER_S = 0.3
"""So long after its first character a beginning is shown even if it is short."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which characters of an answer's source a message shows: `start` to `end` (exclusive) of one attempt at it."""

    attempt: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a message shows: rendered text, the buttons below it, whether more text will follow, and what that text is
    of the answer.
    """

    text: str
    buttons: tuple[Button, ...] = ()
    growing: bool = False
    span: Span = Span()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to bring."""

    name: str
    data: bytes

    @property
    def digest(self) -> str:
        """Five letters and digits that tell its content from others; part of its mark, so that it is brought once."""
        return hashlib.sha256(self.data).hexdigest()[:5]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be on the screen. `whole`: it is the end, and what is there beyond it should not be.

    `attempt`: which attempt at the answer the looks are of. `known`: what an earlier process has shown is no more than
    they show, on as many pages; False if nobody knows. `over`: there is a later attempt, not as long yet; so nothing
    more is posted for this one.
    """

    looks: Sequence[Rendering] = ()
    files: Sequence[Attachment] = ()
    whole: bool = False
    attempt: int = 0
    known: bool = True
    over: bool = False


@dataclass(slots=True)
class ShownMessage:
    """One message as far as the platform confirmed it.

    `message_id`: "" until confirmed. `sent`: what it was last asked to show, None if that was an earlier process;
    `sure`: and that is confirmed. `reached`: up to which character of that attempt it may show, whichever call that got
    no answer took effect. `grown`: the longest text it may show while it grows, as the platform sees it; None
    if it does not. `stale`: it grows, and that is not the text's beginning any more. `logged`: its part row is on disk.
    `may_exist`: a post was tried and may have landed. `stuck`: an edit of it was rejected, so it stays as it is while
    the answer grows, and then gives way to another one. `file`: the name of the file it brings.
    """

    index: int
    idempotency_key: str
    message_id: str = ""
    sent: Rendering | None = None
    sure: bool = False
    reached: int = 0
    grown: str | None = None
    stale: bool = False
    logged: bool = False
    may_exist: bool = False
    stuck: bool = False
    file: str = ""

    def try_to_show(self, look: Rendering) -> None:
        """Note that a message is asked to show this: until that is confirmed, it may show what it showed before."""
        same = self.sent is not None and self.sent.span.attempt == look.span.attempt
        self.reached = max(look.span.end, self.reached if same else 0)
        self.sent, self.sure, self.grown = look, False, look.text if look.growing else self.grown

    def back_to(self, before: "ShownMessage") -> None:
        """Forget a call that was refused."""
        self.sent, self.sure, self.reached, self.grown = before.sent, before.sure, before.reached, before.grown

    def confirm(self) -> None:
        """Note that a message shows what it was last asked to show."""
        assert self.sent is not None
        self.sure, self.reached = True, self.sent.span.end

    def brings(self, file: Attachment) -> bool:
        """Say whether this is the message for a file."""
        return self.file == file.name and self.idempotency_key.rpartition(".")[0].endswith(file.digest)


class Call(Enum):
    """What can be done: END is an edit that ends a message's growing where that is counted apart."""

    POST = auto()
    EDIT = auto()
    END = auto()
    ATTACH = auto()
    DELETE = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """One call, on a message that is there (`shown`) or a new one (None).

    `newest`: after it, all of the text is seen.
    """

    call: Call
    shown: ShownMessage | None = None
    look: Rendering = field(default_factory=lambda: Rendering(""))
    file: Attachment | None = None
    newest: bool = False


def next_steps(wanted: Wanted, screen: Sequence[ShownMessage], limits: Limits) -> list[Step]:
    """Return the call to make, in reading order; if that is an END, also the one to make while it must wait. Empty if
    the screen shows what is wanted.

    No word that is shown goes away before it is shown elsewhere: a page that takes words over comes before the edit
    that takes them from the page before it. What another attempt has shown stays until there is as much, or the end.
    """
    steps = _steps(wanted, screen, limits)
    first = next(steps, None)
    if first is None or first.call is not Call.END:
        return [first] if first else []
    other = next((step for step in steps if step.call is not Call.END), None)
    return [first, other] if other else [first]


def _steps(wanted: Wanted, screen: Sequence[ShownMessage], limits: Limits) -> Iterator[Step]:
    texts = [shown for shown in screen if not shown.file and not (shown.stuck and wanted.whole)]
    if not _is_held(wanted, texts):
        steps = _text_steps(wanted.looks, texts, limits)
        steps = (step for step in steps if step.call is not Call.POST or not wanted.over)
        yield from _losing_nothing(list(steps), wanted, texts)
    if wanted.whole:
        # In this order: an old file is never taken for a new one of its name that is looked for after a doubt.
        yield from _surplus(wanted, texts, screen)
        yield from _files(wanted.files, screen)


def _is_held(wanted: Wanted, texts: Sequence[ShownMessage]) -> bool:
    """Say whether what another attempt has shown is more than what would take its place. Where nobody knows how full
    its last page is, it is taken for full.
    """
    others = [shown for shown in texts if shown.message_id and not _is_of(shown, wanted.attempt)]
    if wanted.whole or not others:
        return False
    known = wanted.known or all(shown.sent is not None for shown in others)
    return len(wanted.looks) < len(texts) + (not known)


def _is_of(shown: ShownMessage, attempt: int) -> bool:
    return shown.sent is not None and shown.sent.span.attempt == attempt


def _text_steps(looks: Sequence[Rendering], texts: Sequence[ShownMessage], limits: Limits) -> Iterator[Step]:
    for index, look in enumerate(looks):
        newest = index == len(looks) - 1
        shown = texts[index] if index < len(texts) else None
        if shown is not None and shown.stuck:
            continue
        if shown is None or not shown.message_id:
            now = look if shown is None else _possible(shown, look, limits)
            yield Step(Call.POST, shown, now, newest=newest and now.text == look.text)
            return
        if (step := _edit(shown, look, limits)) is not None:
            yield replace(step, newest=newest and step.look.text == look.text)


def _losing_nothing(steps: Sequence[Step], wanted: Wanted, texts: Sequence[ShownMessage]) -> Iterator[Step]:
    """Yield first what takes away no word that is not shown elsewhere. Until the rest has followed, the page that takes
    over has no Stop button: the one before it has it still.
    """
    end = wanted.looks[-1].span.end if wanted.looks else 0
    taking = [step for step in steps if _takes_away(step, end, texts)]
    for step in steps:
        if any(step is other for other in taking):
            continue
        bare = replace(step, look=replace(step.look, buttons=())) if taking and step.look.growing else step
        if not _is_shown(bare):
            yield bare
    yield from taking


def _is_shown(step: Step) -> bool:
    shown = step.shown
    if shown is None or not shown.sure or shown.sent is None or step.call is Call.POST:
        return False
    return (shown.sent.text, shown.sent.buttons, shown.sent.growing) == (
        step.look.text,
        step.look.buttons,
        step.look.growing,
    )


def _takes_away(step: Step, end: int, texts: Sequence[ShownMessage]) -> bool:
    """Say whether a call takes words from a message that no other shows, of a text that goes on to `end`."""
    shown, span = step.shown, step.look.span
    if shown is None or not shown.message_id or span.end >= end:
        return False
    if shown.sent is not None and step.look.text.startswith(shown.sent.text) and shown.reached <= span.end:
        return False
    until = shown.reached if shown.sent and _is_of(shown, span.attempt) else span.end + 1
    at, others = span.end, [other.sent.span for other in texts if other.sent and other.sure and other is not shown]
    while at < until:
        reaches = max((o.end for o in others if o.attempt == span.attempt and o.start <= at), default=at)
        if reaches <= at:
            return True
        at = reaches
    return False


def _edit(shown: ShownMessage, look: Rendering, limits: Limits) -> Step | None:
    """Return the call after which a message looks as it should, or nearer to it; None if there is none to make now."""
    look = _possible(shown, look, limits)
    seen = shown.sent if shown.sure else None
    ends = shown.grown is not None and not look.growing
    if seen is not None and not ends and (seen.text, seen.buttons) == (look.text, look.buttons):
        return None
    if not ends or limits.ends is None:
        return Step(Call.EDIT, shown, look)
    if _extends(shown, look, limits) and (seen is None or seen.text != look.text):
        return Step(Call.EDIT, shown, replace(look, buttons=shown.sent.buttons if shown.sent else (), growing=True))
    return Step(Call.END, shown, look)


def _extends(shown: ShownMessage, look: Rendering, limits: Limits) -> bool:
    return not limits.append_only or shown.grown is None or look.text.startswith(shown.grown)


def _possible(shown: ShownMessage, look: Rendering, limits: Limits) -> Rendering:
    """Return what a message can show now: if it can only get longer, a text that is not what it shows and more waits;
    but one that was begun anew ends what it was.
    """
    if _extends(shown, look, limits) or not look.growing or shown.grown is None:
        return look
    return replace(look, growing=False) if shown.stale else replace(look, text=shown.grown)


def _files(files: Sequence[Attachment], screen: Sequence[ShownMessage]) -> Iterator[Step]:
    for file in files:
        shown = next((shown for shown in screen if shown.brings(file)), None)
        if shown is None or not shown.message_id:
            yield Step(Call.ATTACH, shown, file=file)


def _surplus(wanted: Wanted, texts: Sequence[ShownMessage], screen: Sequence[ShownMessage]) -> Iterator[Step]:
    """Take away what an earlier attempt had more. A post of it that may have landed is made sure of first."""
    stuck = [shown for shown in screen if shown.stuck]
    for shown in (*texts[len(wanted.looks) :], *stuck):
        yield Step(Call.DELETE if shown.message_id else Call.POST, shown, Rendering("–"))
    for shown in screen:
        if shown.file and shown.message_id and not any(shown.brings(file) for file in wanted.files):
            yield Step(Call.DELETE, shown)


def readable(text: str, *, late: bool) -> bool:
    """Say whether a beginning is worth showing: a few words, or when it is `late` anything but one letter.

    The first post is also what a phone's notification shows.
    """
    beginning = text.strip()
    if late:
        return len(beginning) > 1
    words = beginning.split(maxsplit=3)
    return len(words) > 3 or len(beginning) >= 16
