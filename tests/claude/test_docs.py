"""The page that walks through the library does what it says."""

import json
import re
from pathlib import Path

from bot.simulator.claude import Reply

PAGE = Path(__file__).parents[2] / "docs" / "claude.md"
PART = re.compile(r"<!-- reply: (?P<reply>\{.*?\}) -->|```(?P<kind>python|text)\n(?P<body>.*?)```", re.DOTALL)


async def test_every_block_of_the_page_runs_and_shows_what_the_page_shows(notebook, claude, puppy):  # noqa: ARG001
    shown, blocks = "", 0
    for part in PART.finditer(PAGE.read_text()):
        if part["reply"]:
            claude.script(Reply(**json.loads(part["reply"])))
        elif part["kind"] == "python":
            blocks += 1
            value = await notebook.run(part["body"])
            shown = notebook.printed + ("" if value is None else value if isinstance(value, str) else repr(value))
        else:
            assert shown.strip() == part["body"].strip()
    assert blocks > 20
    await notebook.names["sdk"].close()
