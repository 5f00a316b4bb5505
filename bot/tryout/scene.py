"""The fixed scene of `parley try --demo`: played, printed as a transcript, and every answer checked."""

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from bot.simulator.claude import Pace
from bot.simulator.pictures import picture
from bot.tryout.world import File, Room, World, world

PACE = Pace(first_token_s=0.2, piece_s=0.01)
ANSWER_WITHIN_S = 60.0
RESTART = "— the bot is stopped and started again —"


@dataclass(frozen=True, slots=True)
class SceneStep:
    """One message. `place` is an index into the world's places; `follow_up`: in the thread of the step before."""

    who: str
    place: int
    text: str
    files: tuple[File, ...] = ()
    follow_up: bool = False
    restart_first: bool = False


def steps() -> Sequence[SceneStep]:
    """Return the scene: a mention, a follow-up, an image question, a DM, and a memory that outlives a restart."""
    return (
        SceneStep("Ada", 0, "@parley Who are you, and who am I?"),
        SceneStep("Grace", 0, "And who am I? I did not mention you.", follow_up=True),
        SceneStep("Ada", 0, "Please write 4500 characters.", follow_up=True),
        SceneStep("Grace", 2, "@parley What do you see?", (("sunset.png", picture(640, 480, "orange")),)),
        SceneStep("Ada", 1, "Hello in private. Show me some code."),
        SceneStep("Ada", 3, "A table, please."),
        SceneStep(
            "Grace", 2, "What did I ask first? And do you still see the image?", follow_up=True, restart_first=True
        ),
        SceneStep("Ada", 0, "What did I ask first?", follow_up=True),
    )


async def play() -> int:
    """Play the scene and print it. Return 0 if every answer arrived whole and once, else 1."""
    async with world(SecretStr(""), PACE) as here:
        threads: dict[int, Room] = {}
        problems: list[str] = []
        expected = 0
        for step in steps():
            if step.restart_first:
                await here.restart_bot()
                print(f"\n{RESTART}")
            place = threads[step.place] if step.follow_up else here.places[step.place]
            threads[step.place], problem = await _ask(here, step, place)
            expected += 1
            problems += [problem] if problem else []
        await here.bot.stop()
        if here.claude.count != expected:
            problems.append(f"Claude was asked {here.claude.count} times for {expected} questions")
    for problem in problems:
        print(f"parley: {problem}", file=sys.stderr)
    print("" if problems else f"\nAll {expected} answers arrived whole and once.")
    return 1 if problems else 0


async def _ask(here: World, step: SceneStep, place: Room) -> tuple[Room, str]:
    """Send a step's line, wait for the whole answer and print both. Return its place, and what was wrong or ""."""
    files = "".join(f" [{name}]" for name, _ in step.files)
    print(f"\n{place.title}\n{_said(step.who, step.text + files)}", flush=True)
    try:
        answer = await here.ask(step.who, place, step.text, step.files, timeout_s=ANSWER_WITHIN_S)
    except TimeoutError:
        return place, f"the answer to “{step.text}” in {place.title} did not arrive whole and once"
    for line in answer.lines:
        print(_said("Parley", line.text, f" (edited {line.edits}×)" if line.edits else ""), flush=True)
    return answer.place, ""


def _said(who: str, text: str, after: str = "") -> str:
    return f"  {who}{after}:\n{textwrap.indent(text, '    ')}"
