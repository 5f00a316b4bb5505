"""A simulated Claude, the SDK connected to it, and clients that give up soon."""

import ast
import contextlib
import io
import itertools
import linecache
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from types import CodeType

import pytest
from PIL import Image

import bot.claude
from bot.claude import AsyncClient, close_sdk, mk_sdk
from bot.simulator.claude import SimulatedClaude

CURRENT = "claude-sonnet-5-5"
OLD = "claude-3-5-sonnet-20240620"


@pytest.fixture
async def claude() -> AsyncIterator[SimulatedClaude]:
    async with SimulatedClaude() as simulated:
        yield simulated


@pytest.fixture
async def sdk(claude) -> AsyncIterator:
    connected = mk_sdk(api_key=claude.api_key, base_url=claude.base_url)
    yield connected
    await connected.close()


@pytest.fixture
def client(sdk) -> Callable[..., AsyncClient]:
    def made(model: str = CURRENT, **options) -> AsyncClient:
        return AsyncClient(model, cli=sdk, **options)

    return made


@pytest.fixture
def c(client) -> AsyncClient:
    return client()


@pytest.fixture
def png() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (32, 24), "green").save(buffer, "PNG")
    return buffer.getvalue()


_NUMBERS = itertools.count()


class Notebook:
    """Runs cells one after the other in one namespace, as a notebook does."""

    def __init__(self, **names) -> None:
        self.names = {"__name__": "notebook", **names}
        self.printed = ""

    async def run(self, source: str):
        """Run a cell; return what it would display."""
        name = f"<cell {next(_NUMBERS)}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # as IPython does
        cell = ast.parse(source)
        last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            await self._run(compile(cell, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
            shown = None
            if last is not None:
                made = compile(ast.Expression(last.value), name, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                shown = await self._run(made)
        self.printed = out.getvalue()
        return shown

    async def _run(self, code: CodeType):
        value = eval(code, self.names)
        return await value if hasattr(value, "__await__") else value


@pytest.fixture
def puppy(tmp_path, monkeypatch) -> None:
    (tmp_path / "samples").mkdir()
    Image.new("RGB", (80, 60), "purple").save(tmp_path / "samples" / "puppy.jpg")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def notebook(claude, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", claude.api_key)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", claude.base_url)
    names = {name: getattr(bot.claude, name) for name in bot.claude.__all__}
    made = Notebook(Path=Path, **names)
    yield made
    if "cli" in made.names:
        await made.names["cli"].close()
    await close_sdk()
