"""What people read when an answer is not whole: one sentence each, with what happened and what to do. Never an
exception's own text.
"""

from collections.abc import Mapping
from math import ceil, inf
from typing import Any

from bot.claude import (
    AuthenticationRefused,
    ClaudeError,
    ContextFull,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Refusal,
    RequestTooLarge,
    SpendLimitReached,
    Stalled,
    StreamCut,
    Unavailable,
    stopped,
)
from bot.engine.file_name import file_name
from bot.events import Incoming

STOPPED = "Stopped."
STOPPED_IN_HISTORY = "[A reader stopped the answer here.]"
BROKE_OFF_IN_HISTORY = "[The answer broke off here.]"
DELETED = "The question was deleted."
ANEW_WORD = "/new"
"""Discord's client sends what looks like a command as a message if there is no such command."""
ANEW = "A new conversation begins here: I no longer look at what was said above."
LATE = "This came while I was away, some time ago. If it still matters, press Retry or ask again."
WAITS = "Many questions are being answered at the moment; this one waits for its turn."
WAITS_FOR_YOURS = "You have as many answers under way as one person may; this one begins when one of them ends."
WAITING = "is waiting for a free place…"
NOT_YOU = "You are not among those who may use me here; whoever runs this bot can let you in."
NOT_HERE = "I may not answer in this place; please ask me elsewhere, or ask whoever runs this bot."
NOT_IN_DMS = "I do not answer direct messages here; please mention me in a channel."
NOT_YOURS = "Only who asked, or a moderator, can do that."
NOT_NEWEST = "There is a newer question in this thread; please ask again below it."
WITHOUT = "This answer goes without {missing}, which could not be read."
GO_ON = "Please go on exactly where you stopped."
NOTHING_LEFT = "The question was deleted, so there is nothing left to answer again."
GIVEN_UP = "I broke down twice while I worked on this, so I have given it up; please ask in another way."
RESTARTING = "I am being restarted; please press again in a minute."
NOT_TAKEN = "The rest of this answer was not accepted here; press Retry, or put the question in another way."
OUR_FAULT = "Something went wrong on my side, and it has been logged; please ask again."

_BEFORE_THE_FIRST_WORD: tuple[tuple[type[ClaudeError], str], ...] = (
    (
        AuthenticationRefused,
        "Claude refuses the bot's key; whoever runs this bot has to set a valid ANTHROPIC_API_KEY.",
    ),
    (
        SpendLimitReached,
        "The credit or spend limit of the bot's Claude account is used up; whoever runs it has to raise it.",
    ),
    (ModelNotFound, "Claude does not know the model this bot is set to; whoever runs it has to correct {key}."),
    (ContextFull, "This thread has grown too long for Claude to read; please {anew}."),
    (RequestTooLarge, "This thread holds more images and files than Claude takes at once; please {anew}."),
    (InvalidRequest, "Claude refused to read this message as it is; please put it differently, or without its files."),
    (RateLimited, "Claude gets too many requests from this bot at the moment{tried}; please ask again {when}."),
    (Overloaded, "Claude is overloaded at the moment{tried}; please ask again {when}."),
    (Stalled, "Claude did not answer in time{tried}; please ask again."),
    (Unavailable, "Claude cannot be reached at the moment{tried}; please ask again {when}."),
)
_BROKE_OFF = "The answer broke off here, because the connection to Claude failed{tried}; please ask again."
_SHORT_S = 3.0


def sentence_for(error: ClaudeError, *, endless: bool = False, key: str = "claude.model") -> str:
    """Return the sentence a reader gets for a failure of Claude's, below what was shown. `endless`: in a conversation
    that has no end of its own. `key`: the setting that names the model.
    """
    sentence = next((sentence for kind, sentence in _BEFORE_THE_FIRST_WORD if isinstance(error, kind)), _BROKE_OFF)
    if error.text_so_far and isinstance(error, (Overloaded, Stalled, StreamCut, Unavailable)):
        sentence = _BROKE_OFF
    when = in_about(error.retry_after_s or 0.0)
    return sentence.format(tried=_tried(error), when=when, anew=_anew(endless=endless), key=key)


def _anew(*, endless: bool) -> str:
    return f"write {ANEW_WORD} to begin a new one" if endless else "start a new one"


def _tried(error: ClaudeError) -> str:
    """Return what was tried, in brackets, if it was more than asking once."""
    within = f"within {_seconds(error.within_s)}"
    if error.tried > 1:
        return f" (I asked {error.tried} times{f' {within}' if error.within_s >= _SHORT_S else ''})"
    return f" (I waited for {_seconds(error.within_s)})" if error.within_s >= _SHORT_S else ""


def _seconds(time_s: float) -> str:
    return f"{round(time_s)} seconds" if time_s < 100 else f"{round(time_s / 60)} minutes"


def in_about(wait_s: float) -> str:
    """Return a wait as people say it, never too short: "in a minute", "in about 3 hours"."""
    if wait_s <= 60:
        return "in a minute"
    minutes = ceil(wait_s / 60)
    if minutes <= 10:
        return f"in about {minutes} minutes"
    if minutes <= 55:
        return f"in about {ceil(minutes / 5) * 5} minutes"
    hours = ceil(minutes / 60)
    return "in about an hour" if hours == 1 else f"in about {hours} hours"


def over_budget(*, mine: bool, name: str, opens_in_s: float) -> str:
    """Return why a question is not put to Claude, and when it will be.

    `mine`: by the limit of one person, whose `name` is given if several ask together. `opens_in_s`: 0.0 once the
    questions that are being answered have ended, infinity for never.
    """
    whose = (f"{name}'s" if name else "Your") if mine else "This bot's"
    if opens_in_s == inf:
        return f"{whose} share of Claude for 24 hours is smaller than this question; please ask for less."
    if not opens_in_s:
        return f"{whose} share of Claude is taken by what is being answered now; please ask again in a minute."
    return f"{whose} share of Claude for 24 hours is used up; there is room for this question {in_about(opens_in_s)}."


def delayed(why: ClaudeError | None) -> tuple[str, str]:
    """Return what is said while Claude does not answer, and `why` if that is known: in the reply, and as a status."""
    if isinstance(why, Overloaded | RateLimited):
        return "Claude is overloaded at the moment; I keep asking.", "is waiting: Claude is overloaded…"
    if isinstance(why, Unavailable):
        return "Claude cannot be reached at the moment; I keep trying.", "is waiting: Claude cannot be reached…"
    return "Claude has not begun to answer yet; I am waiting.", "is waiting for Claude to answer…"


def stop_note(message: Mapping[str, Any], *, endless: bool = False) -> str:
    """Return the sentence below an answer that ended before its end, or "" for one that is whole. `endless`: as for
    `sentence_for`.
    """
    why = stopped(message)
    if why is None:
        return ""
    if isinstance(why, Refusal):
        return "Claude declined to answer this."
    if isinstance(why, ContextFull):
        return f"The answer stops here: this thread has grown too long for Claude. Please {_anew(endless=endless)}."
    return "The answer reached its length limit here; press Continue, or ask me to go on."


def is_anew(question: Incoming) -> bool:
    """Return whether a message is only the word that begins a conversation anew, in a place that has just one."""
    return question.is_endless and question.text.strip().casefold() == ANEW_WORD


def is_stop(text: str) -> bool:
    """Return whether a message is only the word that stops an answer."""
    return text.strip().strip(".!❌🛑").strip().casefold() == "stop"


def using(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return the line that says which tool is at work."""
    if tool == "give_file":
        return f"is writing {file_name(str(arguments.get('name', '')))}…"
    return f"is using {tool}…"
