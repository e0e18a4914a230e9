"""What `$filter` and `$orderby` say, as odata-query's syntax tree, with the place of every word.

odata-query's grammar reads the expressions; its lexer does not serve here. It takes `anything`, `nullable` and
`allocation` apart at the keywords they begin with, reads `not(…)` as a function, cuts `properties/pm2.5` down to
`properties/5`, forgets where a word stood, and knows neither `@iot.id`, time intervals, list indices nor umlauts. So
this one hands tokens of the same types to the same parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataParser

from sensor_overlay.sensorthings.errors import BadExpressionError

MAX_TOKENS: Final = 1_000
"""Words and signs in one expression."""
MAX_DEPTH: Final = 50
"""Brackets in brackets."""

NAMESPACE: Final = "sta"
"""Of every function: odata-query leaves the functions of namespaces alone, and we check ours ourselves."""

_DATE = r"\d{4}-\d\d-\d\d"
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
# A plus that nobody encoded arrives as a blank (the standard's own examples do it).
_MOMENT = rf"{_DATE}T{_CLOCK}(?:Z|[-+ ]\d\d:?\d\d)?"
_OPERATORS: Final = {
    "or": ("OR", ast.Or()),
    "and": ("AND", ast.And()),
    "eq": ("EQ", ast.Eq()),
    "ne": ("NE", ast.NotEq()),
    "lt": ("LT", ast.Lt()),
    "le": ("LE", ast.LtE()),
    "gt": ("GT", ast.Gt()),
    "ge": ("GE", ast.GtE()),
    "in": ("IN", ast.In()),
    "add": ("ADD", ast.Add()),
    "sub": ("SUB", ast.Sub()),
    "mul": ("MUL", ast.Mult()),
    "div": ("DIV", ast.Div()),
    "mod": ("MOD", ast.Mod()),
}
_TOKEN = re.compile(
    rf"""
    (?P<SPACE>[ \t\r\n]+)
  | (?P<DURATION>duration'(?P<duration>[^']*)')
  | (?P<GEOGRAPHY>(?:geography|geometry)'(?P<geography>[^']*)')
  | (?P<STRING>'(?P<string>(?:[^']|'')*)')
  | (?P<INTERVAL>{_MOMENT}/{_MOMENT})
  | (?P<DATETIME>{_MOMENT})
  | (?P<DATE>{_DATE})(?![\w:])
  | (?P<TIME>{_CLOCK})
  | (?P<GUID>[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})
  | (?P<NUMBER>[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?![\w])
  | (?P<AT>@iot\.(?:id|selfLink))
  | (?P<WORD>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
  | (?P<SIGN>[-(),/:\[\]])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MEMBER = re.compile(r"[\w@$~][\w.@$~-]*")


class Word(str):
    """Text that knows where it stood.

    Attributes:
        at: character in the expression, from 1.
    """

    __slots__ = ("at",)
    at: int

    @classmethod
    def of(cls, text: str, at: int) -> Word:
        """Return `text` with its place."""
        word = cls(text)
        word.at = at
        return word


def place(node: object) -> int:
    """Return where the first word of `node` stands that knows its place, from 1."""
    if isinstance(node, Word):
        return node.at
    if isinstance(node, ast._Node):
        node = list(vars(node).values())
    if isinstance(node, list | tuple):
        return next((at for at in map(place, node) if at), 0)
    return 0


@dataclass(frozen=True)
class Interval(ast._Literal):
    """A time interval, as the standard writes it: two instants with a slash between them."""

    val: str


def parse(text: str) -> Any:
    """Return the syntax tree of an expression.

    Raises:
        BadExpressionError: it is none, or larger than is taken.
    """
    if "\0" in text:
        raise BadExpressionError("NUL is no character of an expression", text.index("\0") + 1)
    tokens = list(_tokens(text))
    if len(tokens) > MAX_TOKENS:
        raise BadExpressionError(f"an expression has at most {MAX_TOKENS} words and signs", tokens[MAX_TOKENS].index)
    end = tokens[-1].index + len(tokens[-1].text) if tokens else 1

    def refuse(token: _Token | None) -> None:
        if token is None:
            raise BadExpressionError("the expression ends too early", end)
        raise BadExpressionError(f"{token.text!r} is not expected here", token.index)

    parser: Any = ODataParser()
    parser.error = refuse
    try:
        tree = parser.parse(iter(tokens))
    except ODataException as error:
        raise BadExpressionError(str(error)[:200], 1) from error
    if tree is None:
        raise BadExpressionError("an expression is expected", 1)
    return tree


@dataclass(slots=True)
class _Token:
    """What the parser wants to know of a token, and its own text for messages."""

    type: str
    value: object
    text: str
    index: int
    lineno: int = 1
    end: int = 0


def _token(kind: str, value: object, text: str, at: int) -> _Token:
    return _Token(kind, value, text, at, end=at + len(text))


def _tokens(text: str) -> Iterator[_Token]:
    """Yield tokens of odata-query's types; the grammar does without white space."""
    position, depth = 0, 0
    after_slash = after_space = False
    while position < len(text):
        if after_slash and (member := _MEMBER.match(text, position)):
            after_slash = after_space = False
            position = member.end()
            yield _member(member[0], member.start() + 1, is_call=text[position : position + 1] == "(")
            continue
        found = _TOKEN.match(text, position)
        if found is None:
            raise BadExpressionError(f"{text[position : position + 20]!r} cannot be read", position + 1)
        kind, whole, at = str(found.lastgroup), found[0], position + 1
        position = found.end()
        following = text[position : position + 1]
        after_slash = whole in "/["
        if kind == "SPACE":
            after_space = True
            continue
        if whole in "([":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadExpressionError(f"more than {MAX_DEPTH} brackets in brackets", at)
        elif whole in ")]":
            depth -= 1
        operator = _OPERATORS.get(whole.lower()) if kind == "WORD" and after_space else None
        after_space = False
        if operator and (not following or following in " \t\r\n("):
            yield _token(operator[0], operator[1], whole, at)
        elif kind == "WORD" and whole.lower() == "not" and following in (" ", "\t", "("):
            yield _token("NOT", ast.Not(), whole, at)
        elif whole == "[":
            yield _token("/", "/", whole, at)
        elif whole != "]":
            yield _plain(kind, found, whole, at, is_call=following == "(")


def _member(word: str, at: int, *, is_call: bool) -> _Token:
    """Return the token of a name after a slash, where no keyword has a meaning but `any(` and `all(`."""
    if word in ("any", "all") and is_call:
        return _token(word.upper(), ast.Any() if word == "any" else ast.All(), word, at)
    return _token("ODATA_IDENTIFIER", ast.Identifier(Word.of(word, at)), word, at)


def _plain(kind: str, found: re.Match[str], whole: str, at: int, *, is_call: bool) -> _Token:
    """Return the token of a literal, a name or a sign."""

    def literal(name: str, node: type[Any], value: str) -> _Token:
        return _token(name, node(Word.of(value, at)), whole, at)

    match kind:
        case "DURATION":
            return literal("DURATION", ast.Duration, found["duration"].upper())
        case "GEOGRAPHY":
            return literal("GEOGRAPHY", ast.Geography, found["geography"])
        case "STRING":
            return literal("STRING", ast.String, found["string"].replace("''", "'"))
        case "INTERVAL":
            return literal("DATETIME", Interval, whole)
        case "DATETIME":
            return literal("DATETIME", ast.DateTime, whole)
        case "DATE":
            return literal("DATE", ast.Date, whole)
        case "TIME":
            return literal("TIME", ast.Time, whole)
        case "GUID":
            return literal("STRING", ast.String, whole)
        case "NUMBER":
            return (
                literal("INTEGER", ast.Integer, whole)
                if whole.lstrip("+-").isdecimal()
                else literal("DECIMAL", ast.Float, whole)
            )
        case "AT":
            return _token("ODATA_IDENTIFIER", ast.Identifier(Word.of(whole, at)), whole, at)
        case "WORD":
            return _word(whole, at, is_call=is_call)
        case _:
            if whole == "-":
                return _token("UMINUS", ast.USub(), whole, at)
            return _token(whole, whole, whole, at)


def _word(whole: str, at: int, *, is_call: bool) -> _Token:
    word = Word.of(whole, at)
    if is_call:
        return _token("ODATA_IDENTIFIER", ast.Identifier(word, (NAMESPACE,)), whole, at)
    if whole.lower() in ("true", "false"):
        return _token("BOOLEAN", ast.Boolean(word), whole, at)
    if whole.lower() == "null":
        return _token("NULL", ast.Null(), whole, at)
    return _token("ODATA_IDENTIFIER", ast.Identifier(word), whole, at)
