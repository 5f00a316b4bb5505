"""Any life of the whole bot, as data: what people do, what the platform refuses, what the store cannot do, and when the
process ends. A `Story` is played by `living.Stage`; Hypothesis makes stories, and shrinks those that end badly.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

# What people do


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody asks: in a way of `WAYS`, in a new thread or (`beside` False) in that of the story's first question."""

    who: str = "Ada"
    way: str = "words"
    beside: bool = True


@dataclass(frozen=True, slots=True)
class Edit:
    """Who asked question number `of` asks something else in its place."""

    of: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Who asked question number `of` deletes it."""

    of: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Who asked question number `of` stops its answer: by a `word`, a `button` or a `cross`."""

    of: int = 0
    how: str = "word"


@dataclass(frozen=True, slots=True)
class Retry:
    """Who asked question number `of` presses Retry below its answer, so many `times`."""

    of: int = 0
    times: int = 1


Deed = Ask | Edit | Delete | Stop | Retry


@dataclass(frozen=True, slots=True)
class End:
    """The process ends and another one begins. `orderly`: it may let running answers end, and `meanwhile` is done while
    it does; else it is killed, and that is done while nobody is there.
    """

    orderly: bool = False
    meanwhile: tuple[Deed, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """Something is done when so many more points of a turn have passed, or when all is quiet before."""

    after: int
    deed: Deed | End


# What fails


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call is answered so, after `skip` such calls. Discord: a status and a code; Slack: an error, or a status."""

    call: str
    answer: tuple[int, int] | str | int
    skip: int = 0
    for_ever: bool = False


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A call of the store fails, after `skip` such calls. `full`: nothing can be written for three seconds then."""

    method: str
    skip: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """One life. `other_at`: before which act somebody asks on the other platform, whom nothing of all this concerns."""

    first: Ask = Ask()
    acts: tuple[Act, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    other_at: int = 0
    direct: bool = False


WAYS = ("words", "growing", "long", "nothing", "signs", "emoji", "file")
"""A question with a short answer, with one that grows, with one of several messages; and without a word."""

WHOSE_WRITES = (
    "turns.accept",
    "turns.begin",
    "usage.charge",
    "messages.posting",
    "messages.posted",
    "turns.record",
    "turns.end",
    "drafts.keep",
    "turns.forget",
    "turns.reopen",
    "signals.stop",
)
_READS = ("turns.find", "questions.knows", "history.messages", "usage.spent")

_DISCORD_CALLS = (
    "POST /channels/*/messages", "PATCH /channels/*/messages/*", "POST /channels/*/messages/*/threads",
    "POST /channels/*/typing", "GET /channels/*/messages*", "DELETE /channels/*/messages/*",
)  # fmt: skip
_DISCORD_FINAL = (
    (400, 50035), (400, 240000), (400, 160002), (400, 0), (401, 0), (403, 50013), (403, 50001), (404, 0), (404, 10003),
    (404, 10008), (405, 0), (409, 0), (410, 0), (413, 40005), (422, 0),
)  # fmt: skip
_SLACK_CALLS = (
    "chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream", "chat.delete",
    "assistant.threads.setStatus", "conversations.replies", "users.info",
)  # fmt: skip
_SLACK_FINAL = (
    "invalid_blocks", "msg_too_long", "no_text", "invalid_arguments", "some_new_error", "invalid_metadata_format",
    "restricted_action", "not_in_channel", "missing_scope", "cant_update_message", "edit_window_closed",
    "channel_not_found", "message_not_found", "message_not_in_streaming_state",
)  # fmt: skip
_GONE = {(404, 10003), (404, 10008), "channel_not_found", "message_not_found"}
"""For ever, they say that there is nobody to tell anything: they are believed."""
_FAILURES = (500, 502, 503, 504)
_SLACK_FAILURES = ("internal_error", "fatal_error", "service_unavailable", *_FAILURES)

_number = st.integers(0, 2)
_asks = st.builds(Ask, st.sampled_from(("Ada", "Grace")), st.sampled_from(WAYS), st.booleans())
_deeds: st.SearchStrategy[Deed] = st.one_of(
    st.builds(Stop, _number, st.sampled_from(("word", "button", "cross"))),
    st.builds(Edit, _number),
    st.builds(Delete, _number),
    st.builds(Retry, _number, st.integers(1, 3)),
    _asks,
)
_ends = st.builds(End, st.booleans(), st.lists(_deeds, max_size=2).map(tuple))
_acts = st.builds(Act, st.integers(0, 25), st.one_of(_deeds, _deeds, _ends))
_breakdowns = st.builds(
    Breakdown,
    st.sampled_from((*WHOSE_WRITES, *_READS)),
    st.integers(0, 3),
    st.sampled_from((False, False, False, True)),
)


def _refusals(platform: str) -> st.SearchStrategy[Refusal]:
    calls, final = (_DISCORD_CALLS, _DISCORD_FINAL) if platform == "discord" else (_SLACK_CALLS, _SLACK_FINAL)
    failures = _FAILURES if platform == "discord" else _SLACK_FAILURES
    once = st.builds(Refusal, st.sampled_from(calls), st.sampled_from((*final, *failures)), st.integers(0, 3))
    lasting = [call for call in calls if not call.startswith(("GET", "conversations", "users"))]  # or nothing is heard
    said = [answer for answer in final if answer not in _GONE]
    ever = st.builds(Refusal, st.sampled_from(lasting), st.sampled_from(said), st.integers(0, 3), st.just(True))
    return st.one_of(once, once, once, ever)


def _leaves_a_way(refusals: list[Refusal]) -> bool:
    """Say whether what can be neither edited nor taken away has at most one kind of call against it."""
    return sum(refusal.for_ever for refusal in refusals) <= 1


def stories(platform: str) -> st.SearchStrategy[Story]:
    """Any story that begins on a platform."""
    return st.builds(
        Story,
        _asks,
        st.lists(_acts, max_size=4).map(tuple),
        st.lists(_refusals(platform), max_size=2).filter(_leaves_a_way).map(tuple),
        st.lists(_breakdowns, max_size=2).map(tuple),
        st.integers(0, 4),
        st.booleans(),
    )
