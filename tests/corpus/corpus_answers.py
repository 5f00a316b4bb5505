"""Long answers as Claude writes them, made by a script: the same ones on every run.

Every sentence, line of code, list item and table row carries a mark of its own, `T17`, so that one that is lost,
doubled or misplaced is seen, whatever the platform makes of the Markdown around it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

_CLAIMS = (
    "the queue behind {} grows faster than it drains",
    "**{} is the cause**, and the retry only hides it",
    "you can call `flush({})` before the handler returns",
    "what *{}* measures is the age of the oldest entry, not the count",
    "the guide to [{} and back-pressure](https://example.org/guide/back_pressure?lang=en#top) says the same",
    "~~the old {} flag~~ is gone since version 3.2",
    "***{}* decides**: with `` a ` tick `` in the name it is quoted",
    "see <https://example.org/issues/{}> for the trace",
)

_CODE: dict[str, tuple[str, str, str]] = {
    "python": ("async def drain(queue: Queue) -> None:", '    rate_{0} = await queue.read("{0}", **options)', ""),
    "rust": ("fn drain(queue: &mut Vec<u8>) {", '    let rate_{0}: Option<&str> = queue.get("{0}")?;', "}"),
    "go": ("func drain(q chan<- int) error {", '\tif err := q.Read("{0}"); err != nil {{ return err }}', "}"),
    "c": ("#include <stdio.h>", 'printf("%d * %s\\n", *queue_{0}, __func__);', ""),
    "typescript": ("const rates = {", "  {0}: (x: Map<string, number>) => x ?? `${{y}}`,", "};"),
    "sql": ("SELECT * FROM queue WHERE", "  name <> '{0}' AND rate_{0} > 10 -- `{0}` is a key", ";"),
    "bash": ("#!/bin/sh", 'echo "$(date) {0}" | sed -e "s/_/*/g" >> "$LOG" 2>&1', ""),
    "html": ("<!doctype html>", '<li class="rate"><b>{0}</b> &amp; <i>more</i></li>', ""),
    "yaml": ("queues:", '  - name: "{0}"  # **not** bold', ""),
    "haskell": ("drain :: [Int] -> IO ()", "drain (x_{0}:_) = print $ x_{0} * 2 -- | `{0}`", ""),
    "java": ("class Queue {", "    /** {{@code {0}}} */ List<? extends Rate> r_{0}() {{ return null; }}", "}"),
    "diff": ("--- a/queue.py", "-    old_{0} = 1\n+    old_{0}b = 2".replace("old_{0}b", "new"), ""),
    "json": ("[", '  {{"name": "{0}", "rate": 1e3, "tags": ["*", "_"]}},', "null]"),
    "": ("Traceback (most recent call last):", '  File "/srv/queue_{0}.py", line 12, in __call__', ""),
}

_CJK = (
    "キュー{}は処理よりも速く増えています。原因は再試行の間隔が短すぎることです！",
    "请先检查队列{}的长度，然后再调整“重试”间隔；这样可以避免重复处理。",
    "먼저 {} 대기열의 길이를 확인하십시오. 그런 다음 간격을 늘리십시오.",
    "設定**{}**を変更し、`flush()`を呼び出します。",
    "**注意：**请先停止**“{}”**再试一次。",
    "これは**「{}」**という設定で、~~古い値~~は不要です。",
)
_EMOJI = ("👩‍👩‍👧‍👦", "🧑🏽‍💻", "🏳️‍🌈", "🇩🇪🇯🇵", "❤️‍🔥", "👍🏿", "1️⃣", "e\u0301\u0327")
_RIGHT_TO_LEFT = (
    "التور {} ينمو أسرع مما يفرغ، والسبب هو إعادة المحاولة.",
    "התור {} גדל מהר יותר ממה שהוא מתרוקן, והסיבה היא `retry`.",
    "در صف **{}** می‌توان فاصله را بیشتر کرد؛ سپس دوباره بخوانید.",
)


@dataclass
class Writer:
    """Writes one answer. `lines` of it so far; `marks` counts what carries a mark."""

    chance: random.Random
    lines: list[str] = field(default_factory=list)
    marks: int = 0

    def mark(self) -> str:
        self.marks += 1
        return f"T{self.marks}"

    def add(self, *lines: str) -> None:
        self.lines += [*lines, ""]

    def sentence(self) -> str:
        claim = self.chance.choice(_CLAIMS).format(self.mark())
        start = self.chance.choice(("Note that", "In short,", "As the log shows,", "Then", "After that,"))
        return f"{start} {claim}."

    def paragraph(self) -> str:
        return " ".join(self.sentence() for _ in range(self.chance.randint(1, 6)))

    def code(self, language: str, count: int) -> list[str]:
        first, line, last = _CODE[language]
        body = [line.format(self.mark()) for _ in range(count)]
        return [line for line in (first, *body, last) if line]


def prose(writer: Writer) -> None:
    writer.add(writer.chance.choice(("#", "##", "###", "####", "######")) + f" Why *{writer.mark()}* matters")
    writer.add(writer.paragraph())
    writer.add(*(writer.sentence() for _ in range(3)))
    if writer.chance.random() < 0.3:
        writer.add("A heading with a line", "-" * 21)
        writer.add(writer.paragraph(), "", "---")


def code(writer: Writer) -> None:
    language = writer.chance.choice(list(_CODE))
    writer.add(f"In {language or 'the log'}:")
    fence = writer.chance.choice(("```", "```", "```", "~~~"))
    writer.add(fence + language, *writer.code(language, writer.chance.randint(1, 60)), fence)


def fence_in_fence(writer: Writer) -> None:
    inner = ["```sh", *writer.code("bash", 12), "```", f"Text {writer.mark()} below."]
    writer.add("````markdown", "# Read me", "", *inner, "````")


def nested_list(writer: Writer) -> None:
    number = writer.chance.choice((1, 1, 7, 98))
    lines = []
    for item in range(number, number + 7):
        inset = " " * len(f"{item}. ")
        lines += [f"{item}. {writer.sentence()}", f"{inset}- {writer.sentence()}", f"{inset}- {writer.sentence()}"]
        lines += [f"{inset}  - [ ] {writer.sentence()}", f"{inset}    * {writer.mark()} deep"]
        if item % 3 == 0:
            lines += ["", f"{inset}{writer.paragraph()}", ""]
            lines += [f"{inset}{line}" for line in ("```python", *writer.code("python", 9), "```")]
    writer.add(*lines)


def table(writer: Writer) -> None:
    columns = writer.chance.randint(2, 5)
    rows = writer.chance.choice((3, 12, 45))
    cells = ("plain", "**bold** words", "`a | b`".replace("|", "\\|"), "日本語の列", "👩‍👩‍👧‍👦 ok", "", "1 < 2")
    writer.add(
        "| " + " | ".join(f"Column {'ABCDE'[n]}" for n in range(columns)) + " |",
        "|" + "|".join(writer.chance.choice(("---", ":--", "--:", ":-:")) for _ in range(columns)) + "|",
        *(
            f"| {writer.mark()} | " + " | ".join(writer.chance.choice(cells) for _ in range(columns - 1)) + " |"
            for _ in range(rows)
        ),
    )


def east_asian(writer: Writer) -> None:
    writer.add("".join(writer.chance.choice(_CJK).format(writer.mark()) for _ in range(writer.chance.randint(4, 30))))


def emoji(writer: Writer) -> None:
    words = (f"{writer.mark()} " + writer.chance.choice(_EMOJI) * writer.chance.randint(1, 9) for _ in range(40))
    writer.add(" ".join(words))
    writer.add(f"{writer.mark()}" + "👩‍👩‍👧‍👦" * 90)


def right_to_left(writer: Writer) -> None:
    writer.add(" ".join(writer.chance.choice(_RIGHT_TO_LEFT).format(writer.mark()) for _ in range(8)))


def long_addresses(writer: Writer) -> None:
    query = "&".join(f"key_{n}=value*{n}" for n in range(40))
    writer.add(f"Open https://example.org/search/{writer.mark()}?{query} and compare.")
    writer.add(f"Or [the **same** search](https://example.org/{writer.mark()}/find_(all)?{query[:200]}), shorter.")
    writer.add(f"{writer.mark()} " + "https://example.org/" + "a" * 2600)
    writer.add(f"![a chart of {writer.mark()}](https://example.org/chart.png)")


def quotes(writer: Writer) -> None:
    for depth in range(1, 7):
        mark = "> " * depth
        writer.lines += [f"{mark}{writer.paragraph()}", mark.rstrip()]
    writer.lines += [f"> - {writer.sentence()}", f">   {writer.sentence()}", ">"]
    writer.lines += [f"> {line}" for line in ("```go", *writer.code("go", 20), "```")]
    writer.add("")


def mathematics(writer: Writer) -> None:
    writer.add(f"For every $x_{{{writer.mark()}}} \\in \\mathbb{{R}}^n$ we have $a_i \\cdot b_i \\le 1$.")
    writer.add("$$", *(f"\\sum_{{i=0}}^{{n}} x_i^{{{writer.mark()}}} \\, dx" for _ in range(9)), "$$")
    writer.add(f"And \\(f_{writer.mark()}\\) so that 2 * 3 * {writer.mark()} = 6.")


def markup(writer: Writer) -> None:
    writer.add("<details>", f"<summary>More on {writer.mark()}</summary>", "", writer.paragraph(), "", "</details>")
    writer.add(f"Press <kbd>Ctrl</kbd>+<kbd>C</kbd> {writer.mark()}.<br>Then a < b && c > d.")
    writer.add(f"<!-- a comment on {writer.mark()} -->")


KINDS: dict[str, Callable[[Writer], None]] = {
    kind.__name__: kind
    for kind in (
        prose, code, fence_in_fence, nested_list, table, east_asian, emoji, right_to_left, long_addresses, quotes,
        mathematics, markup,
    )
}  # fmt: skip


def answer(seed: int, kinds: tuple[str, ...], size: int) -> str:
    """Return an answer of at least `size` characters, made of these kinds of parts in any order."""
    writer = Writer(random.Random(seed))
    length = 0
    while length < size:
        KINDS[writer.chance.choice(kinds)](writer)
        length = sum(map(len, writer.lines))
    return "\n".join(writer.lines).rstrip() + "\n"


def answers() -> dict[str, str]:
    """Return the corpus: one long answer of each kind with prose between, and mixed ones."""
    found = {kind: answer(number, (kind, kind, "prose"), 9000) for number, kind in enumerate(KINDS)}
    return found | {f"mixed {seed}": answer(seed, tuple(KINDS), 14_000) for seed in range(100, 112)}
