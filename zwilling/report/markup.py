"""HTML from nested calls: text is always escaped, so that what stands in somebody's file cannot become markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TypeAlias

# Characters that HTML forbids or UTF-8 cannot carry.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"br", "col", "hr", "meta"})


class Markup(str):
    """Text that is HTML already; made by `element` and `raw` alone."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"
"""What an element may hold: text, markup, several of them, or nothing."""


def raw(text: str) -> Markup:
    """Return `text` as markup, unescaped: for what the program itself wrote."""
    return Markup(text)


def element(name: str, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """Return one element.

    Args:
        name: of the element.
        children: in their order; a plain `str` is text and is escaped.
        attributes: `class_` is `class`, `aria_label` is `aria-label`; True is an attribute without value, None and
            False leave it out.

    Example:
        >>> element("td", "a < b", element("b", "!"), class_="number")
        '<td class="number">a &lt; b<b>!</b></td>'
    """
    written = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{''.join(_children(children))}</{name}>")


def fragment(*children: Child) -> Markup:
    """Return several children as one piece of markup."""
    return Markup("".join(_children(children)))


def _attribute(name: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{_escaped(str(value))}"'


def _children(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str):
            yield _escaped(child)
        elif child is not None:
            yield from _children(child)


def _escaped(text: str) -> str:
    return html.escape(_FORBIDDEN.sub("\ufffd", text), quote=True)
