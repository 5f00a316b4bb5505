"""What the reader's screen shows, and the next calls that bring it closer to the desired state. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from bot.events import Button, Limits

LATE_AFTER_S = 0.3
"""How long after its first character a beginning is shown even if it is short."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which characters of an answer's source a message shows: `start` to `end` (exclusive) of one attempt at it."""

    attempt: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a message shows: rendered text, the buttons below it, whether more text will follow, and which part of the
    answer it is.
    """

    text: str
    buttons: tuple[Button, ...] = ()
    growing: bool = False
    span: Span = Span()


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A file that belongs to the answer."""

    name: str
    data: bytes

    @property
    def digest(self) -> str:
        """Five letters and digits that identify its content; part of its key, so that it is posted once."""
        return hashlib.sha256(self.data).hexdigest()[:5]


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be on the screen. `whole`: the answer is complete, and nothing else should be there.

    `attempt`: the attempt at the answer that the renderings belong to. `known`: an earlier process has shown no more
    than they do, on as many pages; False if that is not known. `over`: there is a later attempt, which is not as long
    yet, so nothing more is posted for this one.
    """

    renderings: Sequence[Rendering] = ()
    files: Sequence[AnswerFile] = ()
    whole: bool = False
    attempt: int = 0
    known: bool = True
    over: bool = False


@dataclass(slots=True)
class ShownMessage:
    """One message, as far as the platform has confirmed it.

    `message_id`: "" until confirmed. `sent`: what it was last asked to show; None if an earlier process asked. `sure`:
    the platform has confirmed that. `reached`: the last character of that attempt that it may show, whichever of the
    unanswered calls took effect. `grown`: the longest text it may show while it grows, as the platform sees it; None if
    it does not grow. `stale`: it grows, and its text is no longer the beginning of the desired one. `logged`: its row
    is on disk. `may_exist`: a post was tried and may have landed. `stuck`: an edit of it was rejected, so it stays as
    it is while the answer grows and is then replaced by another message. `file`: the name of the file it carries.
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

    def try_to_show(self, rendering: Rendering) -> None:
        """Record what the message is asked to show; until that is confirmed, it may show what it showed before."""
        same = self.sent is not None and self.sent.span.attempt == rendering.span.attempt
        self.reached = max(rendering.span.end, self.reached if same else 0)
        self.sent, self.sure, self.grown = rendering, False, rendering.text if rendering.growing else self.grown

    def back_to(self, before: "ShownMessage") -> None:
        """Undo the record of a call that was refused."""
        self.sent, self.sure, self.reached, self.grown = before.sent, before.sure, before.reached, before.grown

    def confirm(self) -> None:
        """Record that the message shows what it was last asked to show."""
        assert self.sent is not None
        self.sure, self.reached = True, self.sent.span.end

    def brings(self, file: AnswerFile) -> bool:
        """Return whether this is the message that carries `file`."""
        return self.file == file.name and self.idempotency_key.rpartition(".")[0].endswith(file.digest)


class CallKind(Enum):
    """The kinds of calls. END is the edit after which a message no longer grows, where the platform counts it apart."""

    POST = auto()
    EDIT = auto()
    END = auto()
    ATTACH = auto()
    DELETE = auto()


@dataclass(frozen=True, slots=True)
class NextCall:
    """One call, on an existing message (`shown`) or a new one (None).

    `newest`: after it, readers see all of the text.
    """

    kind: CallKind
    shown: ShownMessage | None = None
    rendering: Rendering = field(default_factory=lambda: Rendering(""))
    file: AnswerFile | None = None
    newest: bool = False


def next_calls(desired: Desired, screen: Sequence[ShownMessage], limits: Limits) -> list[NextCall]:
    """Return the call to make, in reading order; if that is an END, also the call to make while it has to wait. The
    list is empty if the screen shows the desired state.

    No visible word disappears before it is visible elsewhere: the page that takes words over is posted before the edit
    that removes them from the previous page. What another attempt has shown stays until this one is as long, or
    complete.
    """
    calls = _calls(desired, screen, limits)
    first = next(calls, None)
    if first is None or first.kind is not CallKind.END:
        return [first] if first else []
    other = next((call for call in calls if call.kind is not CallKind.END), None)
    return [first, other] if other else [first]


def _calls(desired: Desired, screen: Sequence[ShownMessage], limits: Limits) -> Iterator[NextCall]:
    texts = [shown for shown in screen if not shown.file and not (shown.stuck and desired.whole)]
    if not _is_held(desired, texts):
        calls = _text_calls(desired.renderings, texts, limits)
        calls = (call for call in calls if call.kind is not CallKind.POST or not desired.over)
        yield from _losing_nothing(list(calls), desired, texts)
    if desired.whole:
        # The order matters: an old file is never mistaken for a new one of the same name that is looked up after a
        # doubt.
        yield from _surplus(desired, texts, screen)
        yield from _files(desired.files, screen)


def _is_held(desired: Desired, texts: Sequence[ShownMessage]) -> bool:
    """Return whether another attempt has shown more than what would replace it. A last page whose length is not known
    counts as full.
    """
    others = [shown for shown in texts if shown.message_id and not _is_of(shown, desired.attempt)]
    if desired.whole or not others:
        return False
    known = desired.known or all(shown.sent is not None for shown in others)
    return len(desired.renderings) < len(texts) + (not known)


def _is_of(shown: ShownMessage, attempt: int) -> bool:
    return shown.sent is not None and shown.sent.span.attempt == attempt


def _text_calls(renderings: Sequence[Rendering], texts: Sequence[ShownMessage], limits: Limits) -> Iterator[NextCall]:
    for index, rendering in enumerate(renderings):
        newest = index == len(renderings) - 1
        shown = texts[index] if index < len(texts) else None
        if shown is not None and shown.stuck:
            continue
        if shown is None or not shown.message_id:
            now = rendering if shown is None else _possible(shown, rendering, limits)
            yield NextCall(CallKind.POST, shown, now, newest=newest and now.text == rendering.text)
            return
        if (call := _edit(shown, rendering, limits)) is not None:
            yield replace(call, newest=newest and call.rendering.text == rendering.text)


def _losing_nothing(calls: Sequence[NextCall], desired: Desired, texts: Sequence[ShownMessage]) -> Iterator[NextCall]:
    """Yield first the calls that remove no word that is not visible elsewhere. Until the others have followed, the page
    that takes over has no Stop button, because the page before it still has one.
    """
    end = desired.renderings[-1].span.end if desired.renderings else 0
    taking = [call for call in calls if _takes_away(call, end, texts)]
    for call in calls:
        if any(call is other for other in taking):
            continue
        hides_stop = taking and call.rendering.growing
        bare = replace(call, rendering=replace(call.rendering, buttons=())) if hides_stop else call
        if not _is_shown(bare):
            yield bare
    yield from taking


def _is_shown(call: NextCall) -> bool:
    shown = call.shown
    if shown is None or not shown.sure or shown.sent is None or call.kind is CallKind.POST:
        return False
    sent, asked = shown.sent, call.rendering
    return (sent.text, sent.buttons, sent.growing) == (asked.text, asked.buttons, asked.growing)


def _takes_away(call: NextCall, end: int, texts: Sequence[ShownMessage]) -> bool:
    """Return whether a call removes words that no other message shows, of a text that goes on to `end`."""
    shown, span = call.shown, call.rendering.span
    if shown is None or not shown.message_id or span.end >= end:
        return False
    if shown.sent is not None and call.rendering.text.startswith(shown.sent.text) and shown.reached <= span.end:
        return False
    until = shown.reached if shown.sent and _is_of(shown, span.attempt) else span.end + 1
    at, others = span.end, [other.sent.span for other in texts if other.sent and other.sure and other is not shown]
    while at < until:
        reaches = max((o.end for o in others if o.attempt == span.attempt and o.start <= at), default=at)
        if reaches <= at:
            return True
        at = reaches
    return False


def _edit(shown: ShownMessage, rendering: Rendering, limits: Limits) -> NextCall | None:
    """Return the call that makes a message look as desired, or closer to it; None if there is none to make now."""
    rendering = _possible(shown, rendering, limits)
    seen = shown.sent if shown.sure else None
    ends = shown.grown is not None and not rendering.growing
    if seen is not None and not ends and (seen.text, seen.buttons) == (rendering.text, rendering.buttons):
        return None
    if not ends or limits.ends is None:
        return NextCall(CallKind.EDIT, shown, rendering)
    if _extends(shown, rendering, limits) and (seen is None or seen.text != rendering.text):
        return NextCall(
            CallKind.EDIT, shown, replace(rendering, buttons=shown.sent.buttons if shown.sent else (), growing=True)
        )
    return NextCall(CallKind.END, shown, rendering)


def _extends(shown: ShownMessage, rendering: Rendering, limits: Limits) -> bool:
    return not limits.append_only or shown.grown is None or rendering.text.startswith(shown.grown)


def _possible(shown: ShownMessage, rendering: Rendering, limits: Limits) -> Rendering:
    """Return what a message can show now. A message that can only get longer keeps its text unless the new one extends
    it; a message of an earlier attempt stops growing instead.
    """
    if _extends(shown, rendering, limits) or not rendering.growing or shown.grown is None:
        return rendering
    return replace(rendering, growing=False) if shown.stale else replace(rendering, text=shown.grown)


def _files(files: Sequence[AnswerFile], screen: Sequence[ShownMessage]) -> Iterator[NextCall]:
    for file in files:
        shown = next((shown for shown in screen if shown.brings(file)), None)
        if shown is None or not shown.message_id:
            yield NextCall(CallKind.ATTACH, shown, file=file)


def _surplus(desired: Desired, texts: Sequence[ShownMessage], screen: Sequence[ShownMessage]) -> Iterator[NextCall]:
    """Yield the calls that delete what an earlier attempt had in excess; a post that may have landed is looked up
    first.
    """
    stuck = [shown for shown in screen if shown.stuck]
    for shown in (*texts[len(desired.renderings) :], *stuck):
        yield NextCall(CallKind.DELETE if shown.message_id else CallKind.POST, shown, Rendering("–"))
    for shown in screen:
        if shown.file and shown.message_id and not any(shown.brings(file) for file in desired.files):
            yield NextCall(CallKind.DELETE, shown)


def readable(text: str, *, late: bool) -> bool:
    """Return whether a beginning is worth showing: a few words, or anything longer than one letter when it is `late`.

    A phone's notification shows the first post, too.
    """
    beginning = text.strip()
    if late:
        return len(beginning) > 1
    words = beginning.split(maxsplit=3)
    return len(words) > 3 or len(beginning) >= 16
