"""What people read when an answer is not whole: one sentence each, what happened and what to do. Never an exception's
own text.
"""

from collections.abc import Mapping
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
from bot.engine.files import file_name

STOPPED = "Stopped."
STOPPED_IN_HISTORY = "[A reader stopped the answer here.]"
DELETED = "The question was deleted."
LATE = "This came while I was away, some time ago. If it still matters, press Retry or ask again."
WAITS = "Many questions are being answered at the moment; this one waits for its turn."
WAITING = "is waiting for a free place…"
NOT_YOU = "You are not among those who may use me here; whoever runs this bot can let you in."
NOT_HERE = "I may not answer in this place; please ask me elsewhere, or ask whoever runs this bot."
NOT_IN_DMS = "I do not answer direct messages here; please mention me in a channel."
NOT_YOURS = "Only who asked, or a moderator, can do that."
NOT_NEWEST = "There is a newer question in this thread; please ask again below it."
WITHOUT = "This answer goes without {missing}, which could not be read."
GO_ON = "Please go on exactly where you stopped."
MINE_IS_USED_UP = "Your share of Claude for 24 hours is used up, or this question is too large for what is left of it."
ALL_IS_USED_UP = "This bot's share of Claude for 24 hours is used up; whoever runs it can raise it."
NOTHING_LEFT = "The question was deleted, so there is nothing left to answer again."
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
    (ModelNotFound, "Claude does not know the model this bot is set to; whoever runs it has to correct claude.model."),
    (ContextFull, "This thread has grown too long for Claude to read; please start a new one."),
    (RequestTooLarge, "This thread holds more images and files than Claude takes at once; please start a new one."),
    (InvalidRequest, "Claude refused to read this message as it is; please put it differently, or without its files."),
    (RateLimited, "Claude gets too many requests from this bot at the moment; please ask again in a minute."),
    (Overloaded, "Claude is overloaded at the moment; please ask again in a minute."),
    (Stalled, "Claude did not answer in time; please ask again."),
    (Unavailable, "Claude cannot be reached at the moment; please ask again in a minute."),
)
_BROKE_OFF = "The answer broke off here, because the connection to Claude failed; please ask again."


def sentence_for(error: ClaudeError) -> str:
    """Return the sentence a reader gets for a failure of Claude's, below what was shown."""
    if error.text_so_far and isinstance(error, (Overloaded, Stalled, StreamCut, Unavailable)):
        return _BROKE_OFF
    return next((sentence for kind, sentence in _BEFORE_THE_FIRST_WORD if isinstance(error, kind)), _BROKE_OFF)


def stop_note(message: Mapping[str, Any]) -> str:
    """Return the sentence below an answer that ended before its end, or "" for one that is whole."""
    why = stopped(message)
    if why is None:
        return ""
    if isinstance(why, Refusal):
        return "Claude declined to answer this."
    if isinstance(why, ContextFull):
        return "The answer stops here: this thread has grown too long for Claude. Please start a new one."
    return "The answer reached its length limit here; press Continue, or ask me to go on."


def is_stop(text: str) -> bool:
    """Say whether a message is nothing but the word that stops an answer."""
    return text.strip().strip(".!❌🛑").strip().casefold() == "stop"


def using(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return the line that says which tool is at work."""
    if tool == "give_file":
        return f"is writing {file_name(str(arguments.get('name', '')))}…"
    return f"is using {tool}…"
