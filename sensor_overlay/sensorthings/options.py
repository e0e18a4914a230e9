"""The query options of a request, and of each expansion inside it.

Spec: OGC 18-088, 9.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, unquote_plus

from sensor_overlay.sensorthings.errors import BadRequestError
from sensor_overlay.sensorthings.model import ENTITIES, Entity, Kind, ToMany, ToOne

DEFAULT_TOP: Final = 100
MAX_TOP: Final = 10_000
MAX_EXPANSIONS: Final = 25
"""In one request, at all depths together."""
MAX_EXPANSION_DEPTH: Final = 6

_KNOWN: Final = ("$filter", "$expand", "$select", "$orderby", "$top", "$skip", "$count", "$resultFormat", "$skiptoken")
RESULT_FORMATS: Final = ("dataArray", "GeoJSON", "CSV")


@dataclass(frozen=True, slots=True)
class Order:
    """One key of `$orderby`."""

    expression: str
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked about a collection, or about one entity.

    Attributes:
        filter: text of `$filter`; empty for none.
        order: keys of `$orderby`.
        top: most entities; None where the request says nothing.
        skip: how many to leave out.
        count: whether to count all.
        select: names of properties and navigations; None for all.
        expand: what to bring along.
        result_format: empty for the usual one.
        token: of a link to a next page.
    """

    filter: str = ""
    order: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] | None = None
    expand: tuple[Expansion, ...] = ()
    result_format: str = ""
    token: str = ""

    @property
    def limit(self) -> int:
        """Most entities of one page."""
        return DEFAULT_TOP if self.top is None else min(self.top, MAX_TOP)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A navigation whose entities are brought along."""

    navigation: ToOne | ToMany
    options: Options = field(default_factory=Options)


def parse_options(query: str, entity: Entity) -> Options:
    """Return the options in a query string, for a resource of `entity`.

    Raises:
        BadRequestError: an option is not known, is there twice, or makes no sense.
    """
    pairs: list[tuple[str, str]] = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name = unquote_plus(name).strip()
        if name.startswith("$"):  # others, such as those against caches, mean nothing to us
            pairs.append((name, unquote_plus(value)))
    return _Reader().read(pairs, entity, 0)


class _Reader:
    """Counts expansions while it reads."""

    def __init__(self) -> None:
        self._expansions = 0

    def read(self, pairs: list[tuple[str, str]], entity: Entity, depth: int) -> Options:
        """Return options from their names and values."""
        options = Options()
        seen: set[str] = set()
        for name, value in pairs:
            if name not in _KNOWN:
                raise BadRequestError(f"there is no option {name[:40]!r}; there are {', '.join(_KNOWN[:-1])}")
            if name in seen:
                raise BadRequestError(f"{name} is there twice")
            seen.add(name)
            options = self._with(options, name, value.strip(), entity, depth)
        return options

    def _with(self, options: Options, name: str, value: str, entity: Entity, depth: int) -> Options:
        match name:
            case "$filter":
                return replace(options, filter=value)
            case "$orderby":
                return replace(options, order=tuple(_order(value)))
            case "$top":
                return replace(options, top=_number(name, value))
            case "$skip":
                return replace(options, skip=_number(name, value))
            case "$count":
                if value.lower() not in ("true", "false"):
                    raise BadRequestError("$count is true or false")
                return replace(options, count=value.lower() == "true")
            case "$select":
                return replace(options, select=_selected(value, entity))
            case "$expand":
                return replace(options, expand=self._expansions_of(value, entity, depth + 1))
            case "$resultFormat":
                if depth:
                    raise BadRequestError("$resultFormat says how the whole answer looks, not an expansion")
                chosen = {known.lower(): known for known in RESULT_FORMATS}.get(value.lower())
                if chosen is None and value.lower() != "default":
                    raise BadRequestError(f"$resultFormat is one of {', '.join(RESULT_FORMATS)}")
                return replace(options, result_format=chosen or "")
            case _:
                return replace(options, token=value)

    def _expansions_of(self, text: str, entity: Entity, depth: int) -> tuple[Expansion, ...]:
        """Return what `$expand` names; the same navigation twice is one, with what both say."""
        if depth > MAX_EXPANSION_DEPTH:
            raise BadRequestError(f"at most {MAX_EXPANSION_DEPTH} expansions in expansions")
        found: dict[str, Expansion] = {}
        for item in _split(text, ","):
            expansion = self._expansion(item.strip(), entity, depth)
            name = expansion.navigation.name
            found[name] = _merged(found[name], expansion) if name in found else expansion
        return tuple(found.values())

    def _expansion(self, item: str, entity: Entity, depth: int) -> Expansion:
        self._expansions += 1
        if self._expansions > MAX_EXPANSIONS:
            raise BadRequestError(f"at most {MAX_EXPANSIONS} expansions in one request")
        path, bracket, inner = item.partition("(")
        if bracket and not inner.endswith(")"):
            raise BadRequestError(f"a closing bracket is missing in $expand: {item[:60]!r}")
        first, slash, rest = path.partition("/")
        first = first.strip()
        navigation = entity.navigations.get(first)
        if navigation is None:
            known = ", ".join(entity.navigations)
            raise BadRequestError(f"$expand: {entity.name} has no {first[:60]!r}; it has {known}")
        target = ENTITIES[navigation.target]
        if slash:
            nested = self._expansions_of(rest + bracket + inner, target, depth + 1)
            return Expansion(navigation, Options(expand=nested))
        pairs = []
        for part in _split(inner[:-1], ";") if bracket else ():
            name, equals, value = part.partition("=")
            if not equals:
                raise BadRequestError(f"$expand: options stand in brackets with ';' between them, not {part[:60]!r}")
            pairs.append((name.strip(), value))
        return Expansion(navigation, self.read(pairs, target, depth))


def _merged(first: Expansion, second: Expansion) -> Expansion:
    if replace(second.options, expand=()) != Options():
        if replace(first.options, expand=()) != Options():
            raise BadRequestError(f"$expand names {first.navigation.name} twice, with options each")
        first, second = second, first
    by_name = {known.navigation.name: known for known in first.options.expand}
    for other in second.options.expand:
        name = other.navigation.name
        by_name[name] = _merged(by_name[name], other) if name in by_name else other
    return Expansion(first.navigation, replace(first.options, expand=tuple(by_name.values())))


def _split(text: str, separator: str) -> Iterator[str]:
    """Yield the parts between separators that stand outside brackets and quotation marks."""
    depth, begin, is_quoted = 0, 0, False
    for at, sign in enumerate(text):
        if sign == "'":
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth < 0:
                raise BadRequestError("a closing bracket is too many")
        elif sign == separator and not depth:
            yield text[begin:at]
            begin = at + 1
    if depth or is_quoted:
        raise BadRequestError("a bracket or a quotation mark is not closed")
    yield text[begin:]


def _order(text: str) -> Iterator[Order]:
    for item in _split(text, ","):
        expression = item.strip()
        is_descending = expression.lower().endswith(" desc")
        if is_descending or expression.lower().endswith(" asc"):
            expression = expression.rpartition(" ")[0].strip()
        yield Order(expression, is_descending)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or len(value) > 15:
        raise BadRequestError(f"{name} is a whole number from 0")
    return int(value)


def _selected(text: str, entity: Entity) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    known = ["id", "@iot.id", "@iot.selfLink", *entity.properties, *entity.navigations]
    for name in names:
        if name not in known and name != "*" and not _is_member(name, entity):
            raise BadRequestError(f"$select: {entity.name} has no {name[:60]!r}; it has {', '.join(known)}")
    return tuple(names)


def _is_member(name: str, entity: Entity) -> bool:
    """Return whether a name is a path into a property that has members (`properties/site`)."""
    first, slash, _ = name.partition("/")
    known = entity.properties.get(first)
    return bool(slash) and known is not None and known.kind in (Kind.DOCUMENT, Kind.GEOMETRY, Kind.UNIT)


def written(options: Options, separator: str = "&") -> str:
    """Return options as they stand in a query (`&`) or in an expansion (`;`)."""
    parts = [
        ("$filter", options.filter),
        ("$orderby", ",".join(key.expression + (" desc" if key.is_descending else "") for key in options.order)),
        ("$top", "" if options.top is None else str(options.top)),
        ("$skip", str(options.skip) if options.skip else ""),
        ("$count", "true" if options.count else ""),
        ("$select", ",".join(options.select or ())),
        ("$expand", ",".join(map(_written_expansion, options.expand))),
        ("$resultFormat", options.result_format),
        ("$skiptoken", options.token),
    ]
    encode = separator == "&"
    return separator.join(f"{name}={quote(value, safe=_SAFE) if encode else value}" for name, value in parts if value)


_SAFE: Final = "$/,()=;:@'*~!-._"


def _written_expansion(expansion: Expansion) -> str:
    inner = written(expansion.options, ";")
    return f"{expansion.navigation.name}({inner})" if inner else expansion.navigation.name
