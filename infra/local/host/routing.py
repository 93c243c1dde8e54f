"""Finds the function for a method and a path, by the route templates of ASP.NET Core as far as Heed uses them.

A segment is a literal, `{name}`, a parameter between literal text (`{token}.gif`), or, at the end, `{*rest}`. Literals
match in any case. Where several templates match, the more exact one is taken, segment by segment: literal, mixed,
parameter, catch-all.
"""

import re
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from infra.local.errors import StartError

_SEGMENT = re.compile(r"([^{}]*)(?:\{(\*?)([A-Za-z_]\w*)\}([^{}]*))?")
_ENCODED_SLASH = re.compile(r"%2f", re.IGNORECASE)


class Rank(IntEnum):
    """The exactness of a segment; a lower rank is tried sooner."""

    LITERAL = 0
    MIXED = 1
    PARAMETER = 2
    CATCH_ALL = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a template between slashes. Two segments are equal when they match the same texts."""

    rank: Rank
    before: str
    """The text before the parameter, or the whole literal; in lower case."""
    after: str = ""
    """The text after the parameter; in lower case."""
    name: str = field(default="", compare=False)
    """The parameter's name."""

    def match(self, text: str) -> str | None:
        """Return the parameter's value (empty for a literal), or None when the text does not fit."""
        if self.rank is Rank.LITERAL:
            return "" if text.lower() == self.before else None
        start, end = len(self.before), len(text) - len(self.after)
        if start >= end or text[:start].lower() != self.before or text[end:].lower() != self.after:
            return None
        return text[start:end]


@dataclass(frozen=True, slots=True)
class Route:
    """A function's template."""

    function_name: str
    template: str
    methods: frozenset[str]
    """In upper case; empty for every method."""
    segments: tuple[Segment, ...]
    """All but the catch-all."""
    rest: Segment | None
    """The catch-all at the end."""

    @property
    def ranks(self) -> tuple[Rank, ...]:
        """The ranks of all segments; of two routes that match, the one whose ranks sort first is more exact."""
        return (*(segment.rank for segment in self.segments), *([self.rest.rank] if self.rest else []))

    @property
    def first(self) -> str | None:
        """The first segment where it is a literal; None where the route begins with a parameter."""
        if not self.segments:
            return None if self.rest else ""
        return self.segments[0].before if self.segments[0].rank is Rank.LITERAL else None

    def shares_method(self, other: "Route") -> bool:
        """Whether there is a method that both routes answer."""
        return not self.methods or not other.methods or bool(self.methods & other.methods)

    def match(self, texts: Sequence[str]) -> dict[str, str] | None:
        """Return the parameters by name, or None when the path does not fit. An empty catch-all is left out."""
        count = len(self.segments)
        if len(texts) < count or (len(texts) > count and self.rest is None):
            return None
        parameters: dict[str, str] = {}
        for segment, text in zip(self.segments, texts, strict=False):
            value = segment.match(text)
            if value is None:
                return None
            if segment.name:
                parameters[segment.name] = value
        if self.rest and len(texts) > count:
            parameters[self.rest.name] = "/".join(texts[count:])
        return parameters


class Found(NamedTuple):
    """The function that answers, with its route parameters, percent-decoded."""

    function_name: str
    parameters: dict[str, str]


class Router:
    """The routes of all functions, grouped by their first segment, the more exact ones first."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self._groups: dict[str | None, list[Route]] = {}

    def add_route(self, function_name: str, template: str, methods: Sequence[str]) -> None:
        """Add a function's route. Raises StartError for a template that cannot be read or is taken."""
        route = parse_route(function_name, template, methods)
        for other in self.routes:
            if (other.segments, other.rest) == (route.segments, route.rest) and route.shares_method(other):
                both = f"{other.function_name} and {route.function_name}"
                raise StartError(f"Functions {both} have the same route {route.template}.")
        self.routes.append(route)
        insort(self._groups.setdefault(route.first, []), route, key=lambda each: each.ranks)

    def find_route(self, method: str, raw_path: str) -> Found | None:
        """Look up a path as it came over the wire, without its query; None when no route has this path and method.

        The Functions host has no 405: the method is a constraint of the route like any other.
        """
        texts = split_path(raw_path)
        first = texts[0].lower() if texts else ""
        for group in (first, None):
            for route in self._groups.get(group, ()):
                if route.methods and method not in route.methods:
                    continue
                parameters = route.match(texts)
                if parameters is not None:
                    return Found(route.function_name, parameters)
        return None


def split_path(raw_path: str) -> list[str]:
    """Split a path into decoded segments. A slash at the end has no meaning; `%2F` stays, as in ASP.NET."""
    path = raw_path.removeprefix("/").removesuffix("/")
    if not path:
        return []
    texts = path.split("/")
    return [_decode(text) for text in texts] if "%" in path else texts


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(_ENCODED_SLASH.sub("%252F", text)).decode()
    except UnicodeDecodeError:
        return text


def parse_route(function_name: str, template: str, methods: Sequence[str]) -> Route:
    """Read a route template. Raises StartError naming the function when it cannot be read."""
    segments = [_parse_segment(function_name, text) for text in template.split("/") if text]
    rest = segments.pop() if segments and segments[-1].rank is Rank.CATCH_ALL else None
    if any(segment.rank is Rank.CATCH_ALL for segment in segments):
        raise StartError(f"Function {function_name}: {template} has a segment after a catch-all.")
    return Route(function_name, template, frozenset(method.upper() for method in methods), tuple(segments), rest)


def _parse_segment(function_name: str, text: str) -> Segment:
    match = _SEGMENT.fullmatch(text)
    before, star, name, after = match.groups(default="") if match else ("", "", "", "")
    if match is None or (star and (before or after)):
        raise StartError(f"Function {function_name}: the local host cannot read {text} in its route.")
    if not name:
        return Segment(Rank.LITERAL, before.lower())
    rank = Rank.CATCH_ALL if star else Rank.MIXED if before or after else Rank.PARAMETER
    return Segment(rank, before.lower(), after.lower(), name)


def shadowed_routes(routes: Sequence[Route]) -> list[tuple[Route, Route]]:
    """Pairs (taken in Azure, taken here) of routes where the two differ.

    The Functions host tries routes in the order of the functions' names and takes the first that matches,
    however inexact, so a more exact route needs a name that sorts first.
    """
    by_name = sorted(routes, key=lambda route: route.function_name.lower())
    return [
        (earlier, later)
        for position, earlier in enumerate(by_name)
        for later in by_name[position + 1 :]
        if later.ranks < earlier.ranks and _overlap(earlier, later)
    ]


def _overlap(one: Route, other: Route) -> bool:
    """Whether there is a request that both routes match."""
    if not one.shares_method(other):
        return False
    shorter, longer = sorted((one, other), key=lambda route: len(route.segments))
    if len(shorter.segments) < len(longer.segments) and shorter.rest is None:
        return False
    return all(map(_segments_overlap, shorter.segments, longer.segments))


def _segments_overlap(first: Segment, second: Segment) -> bool:
    if first.rank is Rank.LITERAL:
        return second.match(first.before) is not None
    if second.rank is Rank.LITERAL:
        return first.match(second.before) is not None
    return True
