"""Make docs/answer.png: a long answer of the bot on Discord, as a reader sees it.

    .venv/bin/python tests/picture.py

The real bot answers on the simulated Discord with a text written for the picture; what the simulated Discord then shows
is drawn as a web page of our own and photographed by Chromium. On Debian:

    apt-get install chromium fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji
"""

import asyncio
import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt
from PIL import Image
from pydantic import SecretStr

from bot.simulator.claude import Pace, Reply
from bot.tryout.world import Line, world

ROOT = Path(__file__).parents[1]
WIDTH = 900
QUESTION = "our job queue keeps growing at night. How do I find out why, and what would you change first?"
ANSWER = """\
# Why the queue grows at night

The queue grows because **jobs come back faster than they leave**: a job that times out is put back *at once*, and at \
night, when the backup slows the disk, nearly every job times out.

1. **Measure first.** The age of the oldest job says more than their number.
2. **Wait before a retry**, and longer each time:
   - double the delay, up to `max_delay_s`
   - add a random part, so that not all come back together
3. **Give up in the end**, into a table that somebody looks at.

## The retry

```python
import random

def delay_s(attempt: int, first_s: float = 0.5, max_delay_s: float = 60.0) -> float:
    \"\"\"Return how long to wait before the next attempt.\"\"\"
    longest = min(max_delay_s, first_s * 2**attempt)
    return random.uniform(longest / 2, longest)  # half of it is chance
```

## What to expect

| Change | Oldest job | Retries per hour | 夜間 |
|:--|--:|--:|:-:|
| today | 47 min | 12,900 | 😵 |
| wait before a retry | 6 min | 1,140 | 🙂 |
| … and give up after 8 | 90 s | 310 | 😴 |

> Start with the delay: it is three lines, and you will see it in the first night.
"""

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { background: #23252b; color: #dcdee3; font: 15.5px/1.42 "Noto Sans", "DejaVu Sans", sans-serif; width: 900px }
.bar { padding: 13px 22px; border-bottom: 1px solid #181a1e; color: #f4f5f7; font-weight: 600 }
.bar span { color: #858a95; font-weight: 400; margin: 0 7px }
.talk { padding: 10px 22px 22px }
.line { display: grid; grid-template-columns: 42px 1fr; column-gap: 15px; padding-top: 13px }
.face { width: 42px; height: 42px; border-radius: 50%; color: #fff; font-weight: 700; display: grid;
        place-items: center; font-size: 18px }
.said { margin-top: 2px } .said pre + blockquote { margin-top: 11px }
.who { font-weight: 600; color: #f4f5f7 } .who i { font-size: 10.5px; font-style: normal; background: #b9603f;
       color: #fff; border-radius: 4px; padding: 1px 5px; margin-left: 7px; vertical-align: 2px }
.said > * + * { margin-top: 7px } .said h1 { font-size: 22px; color: #fff } .said h2 { font-size: 18.5px; color: #fff;
        padding-top: 5px }
.said ol, .said ul { padding-left: 26px } .said li { margin-top: 3px }
.said code { background: #17191d; border-radius: 4px; padding: 1px 5px; font: 13.5px/1.4 "DejaVu Sans Mono",
        "Noto Sans Mono CJK JP", monospace }
.said pre { background: #17191d; border: 1px solid #111317; border-radius: 7px; padding: 11px 13px; overflow: hidden }
.said pre code { background: none; padding: 0; white-space: pre }
.said blockquote { border-left: 4px solid #4c505a; padding-left: 12px }
.said strong { color: #fff } .at { background: #4a3a35; color: #f0b79f; border-radius: 4px; padding: 0 3px }
.k { color: #e59aa8 } .s { color: #a3c98b } .c { color: #8b909c } .n { color: #e3b877 } .d { color: #8ab6e8 }
.edited { color: #858a95; font-size: 11.5px }
"""
_TOKENS = re.compile(
    r"(?P<s>&quot;&quot;&quot;.*?&quot;&quot;&quot;)|(?P<c>#.*)"
    r"|\b(?P<k>import|def|return|from|for|in|if)\b|\b(?P<d>delay_s(?=\()|int|float|min)\b|\b(?P<n>\d+(?:\.\d+)?)\b"
)


def highlight(code: str, language: str, _attributes: str) -> str:
    """Colour Python as a chat's code block does; leave everything else plain."""
    escaped = html.escape(code)
    if language != "python":
        return escaped
    return _TOKENS.sub(lambda found: f'<span class="{found.lastgroup}">{found[0]}</span>', escaped)


def as_html(line: Line, parser: MarkdownIt) -> str:
    """Return one message as a reader sees it."""
    colour, face = ("#b9603f", "P") if line.by_bot else ("#4f7d8c", line.author[0])
    badge = "<i>APP</i>" if line.by_bot else ""
    said = parser.render(line.text).replace("@Parley", '<span class="at">@Parley</span>')
    edited = '<span class="edited">(edited)</span>' if line.edits else ""
    return (
        f'<div class="line"><div class="face" style="background:{colour}">{face}</div>'
        f'<div><div class="who">{line.author}{badge}</div><div class="said">{said}{edited}</div></div></div>'
    )


async def conversation() -> list[Line]:
    """Let the bot answer on the simulated Discord; return the thread as it is then."""
    async with world(SecretStr(""), Pace(piece_s=0.02)) as here:
        here.claude.script(Reply(text=ANSWER))
        channel, changes = here.places[0], here.changes("discord")
        message = await here.say("Ada", channel, f"@Parley {QUESTION}")
        there = here.answered_in(channel, message)
        await changes.wait(lambda change: change.by_bot and "first night." in change.text)
        return here.lines(there)


def photograph(page: str, target: Path) -> None:
    """Draw a web page with Chromium and keep the part that is not empty."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("tests/picture.py needs Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        source, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        source.write_text(page, encoding="utf-8")
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        options += [f"--user-data-dir={folder}/profile", "--hide-scrollbars", f"--window-size={WIDTH},2400"]
        command = [browser, *options, f"--screenshot={shot}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        with Image.open(shot) as picture:
            flat = picture.convert("RGB")
            low = max(y for y in range(flat.height) if flat.crop((0, y, WIDTH, y + 1)).getcolors(1) is None)
            flat.crop((0, 0, WIDTH, low + 22)).save(target, optimize=True)


def main() -> None:
    """Write docs/answer.png."""
    parser = MarkdownIt("commonmark", {"html": False, "highlight": highlight, "breaks": True}).enable("strikethrough")
    lines = asyncio.run(conversation())
    talk = "".join(as_html(line, parser) for line in lines)
    bar = f'<div class="bar"># general<span>›</span>{html.escape(QUESTION[:34])}…</div>'
    page = f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{bar}<div class="talk">{talk}</div>'
    photograph(page, ROOT / "docs" / "answer.png")


if __name__ == "__main__":
    main()
