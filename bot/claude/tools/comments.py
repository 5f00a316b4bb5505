"""The seed's way of describing parameters: a comment at the end of each parameter's line."""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from typing import Any

_FOR_A_PROGRAM = re.compile(r"#\s*(noqa|type:|fmt:|pragma|pylint:|mypy:|pyright:|ruff:).*$")


def comments_of(f: Any) -> tuple[dict[str, str], str | None]:
    """Return the comments on the parameters (or fields) by name, and the comment on the return value.

    A comment belongs to the last parameter that ends on its line; the line that ends the signature is the return's.
    """
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(f)))
        tree = ast.parse(source).body[0]
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (OSError, TypeError, SyntaxError, tokenize.TokenError, IndexError):
        return {}, None
    said = {token.start[0]: _FOR_A_PROGRAM.sub("", token.string) for token in tokens if token.type == tokenize.COMMENT}
    by_line = {line: text.strip("# \t") for line, text in said.items() if text.strip("# \t")}
    if isinstance(tree, ast.ClassDef):
        fields = [node for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
        return {n.target.id: by_line[_end(n)] for n in fields if _end(n) in by_line}, None  # type: ignore[union-attr]
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return {}, None
    ends = _parameter_ends(tree)
    last = _signature_end(tree, tokens)
    named = {line: name for name, line in ends}  # the last on a line wins
    found = {name: by_line[line] for line, name in named.items() if line in by_line and line != last}
    return found, by_line.get(last)


def _end(node: ast.expr | ast.arg | ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _parameter_ends(tree: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, int]]:
    """Return each parameter's name and the line on which it ends, default included."""
    given = tree.args
    plain = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    pairs = [*zip(plain, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [(arg.arg, _end(default) if default is not None else _end(arg)) for arg, default in pairs]


def _signature_end(tree: ast.FunctionDef | ast.AsyncFunctionDef, tokens: list[tokenize.TokenInfo]) -> int:
    """Return the line of the colon that ends the signature: the first one outside of all brackets."""
    depth = 0
    for token in tokens:
        if token.start[0] < tree.lineno or token.type != tokenize.OP:
            continue
        depth += (token.string in "([{") - (token.string in ")]}")
        if token.string == ":" and depth == 0:
            return token.start[0]
    return tree.lineno
