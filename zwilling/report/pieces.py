"""Pieces that the sections of every report are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zwilling.report.german import number, quantity
from zwilling.report.markup import Child, Markup, element

DASH: Final = "–"
MOST_SHOWN: Final = 20
"""Lines of a list that a page shows at once; all of them stand in the JSON."""


def cards(each: Sequence[tuple[str, str, str]]) -> Markup:
    """Return the few numbers that matter most: what each counts, how much it is, and what stands below."""
    return element(
        "dl",
        [
            element("div", element("dt", label), element("dd", value, element("small", below)))
            for label, value, below in each
        ],
        class_="cards",
    )


def table(caption: str | None, head: Sequence[str], rows: Sequence[Sequence[Child]], *, numbers: bool = True) -> Markup:
    """Return a table; all columns but the first hold numbers unless `numbers` is False."""
    kinds = [None if i == 0 or not numbers else "number" for i in range(len(head))]
    return element(
        "div",
        element(
            "table",
            element("caption", caption) if caption else None,
            element(
                "thead",
                element(
                    "tr",
                    [
                        element("th", title, scope="col", class_=kind) if title else element("td", class_=kind)
                        for title, kind in zip(head, kinds, strict=True)
                    ],
                ),
            ),
            element(
                "tbody",
                [
                    element(
                        "tr",
                        element("th", row[0], scope="row"),
                        [element("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)],
                    )
                    for row in rows
                ],
            ),
        ),
        class_="wide",
    )


def facts(pairs: Sequence[tuple[str, str]], kind: str = "facts") -> Markup:
    """Return labels with what belongs to each."""
    return element(
        "dl", [element("div", element("dt", label), element("dd", value)) for label, value in pairs], class_=kind
    )


def figure(name: str, picture: Markup, caption: str, *more: Markup) -> Markup:
    """Return a picture that scrolls sideways where the window is narrow, with what it shows."""
    scrolled = element("div", picture, class_="scroll", tabindex="0", role="group", aria_label=name)
    return element("figure", scrolled, more, element("figcaption", caption))


def folded(title: str, content: Markup, count: int | None, *, is_open: bool = False) -> Markup:
    """Return what is unfolded by a click, and on paper."""
    times = None if count is None else element("span", number(count), class_="times")
    return element(
        "details",
        element("summary", element("span", title, class_="kind"), times),
        element("div", content),
        open=is_open,
    )


def bar(part: float) -> Markup:
    """Return a share, 0 to 1, as a bar."""
    return element("span", class_="share", style=f"--share:{100 * part:.1f}%", aria_hidden="true")


def signed(metres: float) -> str:
    """Return metres to the centimetre with their sign.

    Example:
        >>> signed(1.5), signed(-0.004)
        ('+1,50\\xa0m', '0,00\\xa0m')
    """
    rounded = round(metres, 2) + 0.0  # never the negative zero
    return ("+" if rounded > 0 else "") + quantity(rounded, "m", 2)
