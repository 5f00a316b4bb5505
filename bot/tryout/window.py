"""A chat client in the terminal: pick a place, write, and watch posts and edits land as they happen."""

import contextlib
import os
import shlex
import textwrap
from dataclasses import replace
from pathlib import Path

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import Dimension, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.styles import Style
from pydantic import SecretStr

from bot.errors import ParleyError
from bot.simulator.changes import Change
from bot.simulator.claude import Pace
from bot.tasks import beside
from bot.tryout.world import File, Room, World, world

PACE = Pace(first_token_s=0.4, piece_s=0.03)

HELP = """\
Write a line and press Enter. In a channel, mention the bot with @parley;
in its thread and in a DM you need not.

  F1 F2 F3 F4   go to a place (also /1 /2 /3 /4)
  Esc, /back    leave the thread
  /image PATH   attach a file; your question may follow: /image cat.png What is it?
  /stop, /retry, /continue
                press that button below the newest answer
  /as Grace     write as somebody else (/as Ada: as yourself again)
  /restart      stop the bot and start it again on its database
  PgUp, PgDn    scroll
  /help         show or hide this
  /quit         leave (also Ctrl-C)

Ask the simulated Claude to “write 5000 characters”, to “show me code” or “a table”,
or “what did I ask first?”"""

STYLE = Style.from_dict(
    {
        "bar": "reverse",
        "bar.here": "reverse bold underline",
        "hint": "ansibrightblack",
        "person": "bold ansigreen",
        "bot": "bold ansicyan",
        "error": "ansired",
        "button": "ansiblue",
    }
)


async def chat(key: SecretStr) -> int:
    """Run a chat client until the person leaves. With an empty key, Claude is simulated."""
    async with world(key, PACE) as here:
        await ChatWindow(here).run()
    return 0


class ChatWindow:
    """What is on screen: the place's messages, one line of news, and the line being written."""

    def __init__(self, here: World) -> None:
        self._here = here
        self._place = here.places[0]
        self._last = list(here.places)  # where F1 to F4 lead: the thread last open there, until it is left
        self._who = "Ada"
        self._news: tuple[str, str] = ("class:hint", "")
        self._shows_help = True
        self._scroll = 0
        self._line = Buffer(accept_handler=self._accept, multiline=False)
        self._app: Application[None] = Application(
            layout=Layout(self._panes()), key_bindings=self._keys(), style=STYLE, full_screen=True
        )

    async def run(self) -> None:
        """Show the window until the person leaves."""
        async with beside(self._watch("discord"), "watch discord"), beside(self._watch("slack"), "watch slack"):
            await self._app.run_async()

    async def _watch(self, kind: str) -> None:
        changes = self._here.discord.changes if kind == "discord" else self._here.slack.changes
        while True:
            change = await changes.wait(lambda _: True, since=len(changes.seen), timeout_s=None)
            if change.by_bot and self._here.is_in(self._place, change):
                self._news = ("class:hint", news(change))
            self._app.invalidate()

    # What is shown

    def _panes(self) -> HSplit:
        talk = FormattedTextControl(self._talk, get_cursor_position=self._bottom, show_cursor=False)
        prompt = BeforeInput(lambda: [("class:person", f"{self._who}> ")])
        return HSplit(
            [
                Window(FormattedTextControl(self._bar), height=1),
                Window(talk, wrap_lines=True, always_hide_cursor=True),
                Window(FormattedTextControl(lambda: [self._news]), height=1),
                Window(
                    BufferControl(self._line, input_processors=[prompt]),
                    height=Dimension(min=1, max=4),
                    wrap_lines=True,
                    dont_extend_height=True,
                ),
            ]
        )

    def _bar(self) -> StyleAndTextTuples:
        bar: StyleAndTextTuples = []
        for number, place in enumerate(self._here.places, 1):
            style = "class:bar.here" if place == self._channel() else "class:bar"
            bar.append((style, f" F{number} {self._last[number - 1].title} "))
        return bar

    def _talk(self) -> StyleAndTextTuples:
        shown: StyleAndTextTuples = [("class:hint", HELP + "\n\n")] if self._shows_help else []
        for line in self._here.lines(self._place):
            shown.append(("class:bot" if line.by_bot else "class:person", line.author))
            edits = f"  edited {line.edits}×" if line.edits else ""
            files = "".join(f"  [{name}]" for name in line.files)
            columns = self._app.output.get_size().columns
            shown += [("class:hint", f"{edits}{files}\n"), ("", f"{wrapped(line.text, columns)}\n")]
            buttons = "".join(f"[ {label} ] " for label in line.buttons)
            shown.append(("class:button", f"{buttons}\n\n" if buttons else "\n"))
        return shown

    def _bottom(self) -> Point:
        lines = sum(text[1].count("\n") for text in self._talk())
        return Point(0, max(0, lines - 1 - self._scroll))

    # What a person does

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        @keys.add("c-d")
        def _leave(event: KeyPressEvent) -> None:
            event.app.exit()

        @keys.add("escape", eager=True)
        def _back(_event: KeyPressEvent) -> None:
            self._go(self._channel())

        @keys.add("pageup")
        def _up(_event: KeyPressEvent) -> None:
            self._scroll = min(self._scroll + 10, max(0, sum(t[1].count("\n") for t in self._talk()) - 1))

        @keys.add("pagedown")
        def _down(_event: KeyPressEvent) -> None:
            self._scroll = max(0, self._scroll - 10)

        for number in range(len(self._here.places)):
            keys.add(f"f{number + 1}")(lambda _event, number=number: self._go(self._last[number]))
        return keys

    def _channel(self) -> Room:
        return replace(self._place, thread="")

    def _go(self, place: Room) -> None:
        self._place, self._scroll, self._news = place, 0, ("class:hint", "")
        self._last[self._here.places.index(self._channel())] = place

    def _accept(self, line: Buffer) -> bool:
        text = line.text.strip()
        if text:
            self._app.create_background_task(self._do(text))
        return False

    async def _do(self, text: str) -> None:
        self._scroll, self._news = 0, ("class:hint", "")
        command, _, rest = text.partition(" ")
        try:
            match command:
                case "/quit":
                    self._app.exit()
                case "/help":
                    self._shows_help = not self._shows_help
                case "/back":
                    self._go(self._channel())
                case "/1" | "/2" | "/3" | "/4":
                    self._go(self._last[int(command[1]) - 1])
                case "/stop" | "/retry" | "/continue":
                    await self._press(command[1:].capitalize())
                case "/as":
                    self._be(rest.strip())
                case "/restart":
                    await self._restart()
                case _:
                    line, files = attached(rest) if command in {"/image", "/file"} else (text, [])
                    await self._say(line, files)
        except ParleyError as error:
            self._problem(str(error))
        self._app.invalidate()

    def _problem(self, text: str) -> None:
        self._news = ("class:error", text)

    def _be(self, name: str) -> None:
        known = {known.lower(): known for known in ("Ada", "Grace")}
        if name.lower() in known:
            self._who = known[name.lower()]
        else:
            self._problem("Only Ada and Grace live here: /as Ada or /as Grace.")

    async def _press(self, label: str) -> None:
        answers = [line for line in self._here.lines(self._place) if line.by_bot]
        if not answers:
            raise ParleyError("There is no answer here yet.")
        with_it = [line for line in answers if label in line.buttons]
        try:
            if label == "Stop" and not with_it and self._place.platform == "slack":
                await self._here.press_native_stop(self._who, self._place)  # Slack's own button, beside a stream
                return
            told = await self._here.press(self._who, self._place, (with_it or answers)[-1].message, label)
        except (LookupError, TimeoutError):
            raise ParleyError(f"There is no {label} button here now.") from None
        self._news = ("class:hint", told)

    async def _restart(self) -> None:
        self._news = ("class:hint", "the bot is restarting…")
        self._app.invalidate()
        await self._here.restart_bot()
        self._news = ("class:hint", "the bot was stopped and started again; it goes on from its database")

    async def _say(self, text: str, files: list[File]) -> None:
        if text.startswith("/"):
            raise ParleyError(f"There is no {text.split(maxsplit=1)[0]}. /help shows what there is.")
        self._shows_help = False
        place = self._place
        if place.platform == "discord" and place.direct and self._who != "Ada":
            self._who = "Ada"
        message = await self._here.say(self._who, place, text, files)
        asked = place.direct or place.thread or "@parley" in text.lower()
        if asked:
            self._go(self._here.answered_in(place, message))
        else:
            self._news = ("class:hint", "Nobody was asked: in a channel, mention the bot with @parley.")


def news(change: Change) -> str:
    """Return the line above the prompt for a change."""
    if change.kind == "status":
        return f"Parley {change.text}" if change.text else ""
    if change.kind in {"posted", "edited"}:
        return f"{change.kind}: {len(change.text)} characters"
    return change.kind


def wrapped(text: str, columns: int) -> str:
    """Return text with its long lines wrapped between words."""
    lines = (textwrap.wrap(line, columns, replace_whitespace=False, expand_tabs=False) for line in text.split("\n"))
    return "\n".join("\n".join(line) for line in lines)


def attached(rest: str) -> tuple[str, list[File]]:
    """Read `PATH a line` (a path with spaces in quotes). Raise `ParleyError` with a sentence."""
    with contextlib.suppress(ValueError):
        words = shlex.split(rest)
        if words:
            path = Path(os.path.expanduser(words[0]))  # noqa: PTH111 - leaves a path that names no home alone
            try:
                return " ".join(words[1:]), [(path.name, path.read_bytes())]
            except OSError as error:
                raise ParleyError(f"{path} cannot be read: {error.strerror}.") from None
    raise ParleyError("Say which file: /image PATH, and then your question.")
