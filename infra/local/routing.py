"""Finds the function for a method and a path, by the route templates of ASP.NET Core.

Understood are literals, `{name}`, parameters inside a segment (`{token}.gif`), `{name?}` at the end,
`{*rest}` as the last segment, and the constraints listed below. Literals match in any case. Where several
match, the more exact template is taken, segment by segment: literal, mixed, constrained parameter, parameter,
catch-all.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from infra.local.errors import StartError

CONSTRAINTS = {
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "bool": r"(?:true|false)",
    "alpha": r"[a-z]*",
    "guid": r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
}
SIZE_CONSTRAINTS = {"length": ".{%s}", "minlength": ".{%s,}", "maxlength": ".{0,%s}"}

_PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_][\w-]*)((?::[a-z]+(?:\([\d,]+\))?)*)(\?)?\}")
_CONSTRAINT = re.compile(r":([a-z]+)(?:\(([\d,]+)\))?")
_ENCODED_SLASH = re.compile(r"%2f", re.IGNORECASE)


class Rank(IntEnum):
    """How exact a segment is; the lower, the sooner it is tried."""

    LITERAL = 0
    MIXED = 1
    CONSTRAINED = 2
    PARAMETER = 3
    CATCH_ALL = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a template between slashes; `pattern` is what its text must match, None for any."""

    rank: Rank
    literal: str
    pattern: re.Pattern[str] | None
    names: tuple[str, ...]
    optional: bool = False

    def match(self, text: str) -> tuple[str, ...] | None:
        """The values of the parameters in the text, or None when it does not fit."""
        if self.rank is Rank.LITERAL:
            return () if text.lower() == self.literal else None
        if not text and self.rank is not Rank.CATCH_ALL:
            return None
        if self.pattern is None:
            return (text,)
        match = self.pattern.fullmatch(text)
        return match.groups() if match else None


@dataclass(frozen=True, slots=True)
class Route:
    """A function's template and methods (upper case; empty for every method)."""

    function_name: str
    template: str
    methods: frozenset[str]
    segments: tuple[Segment, ...]

    def answers(self, method: str) -> bool:
        return not self.methods or method in self.methods

    @property
    def ranks(self) -> tuple[Rank, ...]:
        return tuple(segment.rank for segment in self.segments)


class Found(NamedTuple):
    """The function that answers, with its route parameters, percent-decoded."""

    function_name: str
    parameters: dict[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    others: list[tuple[Segment, "_Node"]] = field(default_factory=list)
    ends: list[tuple[Route, tuple[str, ...]]] = field(default_factory=list)


class Router:
    """A tree of segments; a look-up costs a few microseconds however many routes there are."""

    def __init__(self) -> None:
        self._root = _Node()
        self.routes: list[Route] = []

    def add(self, function_name: str, template: str, methods: Sequence[str]) -> None:
        """Add a function's route. Raises StartError on a template that cannot be read or is taken."""
        segments = parse_template(function_name, template)
        route = Route(function_name, template, frozenset(method.upper() for method in methods), segments)
        self.routes.append(route)
        for variant in _variants(segments):
            self._insert(route, variant)

    def find(self, method: str, raw_path: str) -> Found | None:
        """Look up a path as it came over the wire, without its query; None when no route has this path and method.

        The Functions host has no 405: the method is a constraint of the route like any other.
        """
        return _search(self._root, split_path(raw_path), 0, (), method)

    def _insert(self, route: Route, segments: Sequence[Segment]) -> None:
        node = self._root
        names: list[str] = []
        for segment in segments:
            names += segment.names
            node = _child(node, segment)
        for other, _ in node.ends:
            shared = not route.methods or not other.methods or route.methods & other.methods
            if shared and other is not route:
                both = f"{other.function_name} and {route.function_name}"
                raise StartError(f"Functions {both} have the same route {route.template}.")
        node.ends.append((route, tuple(names)))


def _child(node: _Node, segment: Segment) -> _Node:
    if segment.rank is Rank.LITERAL:
        return node.literals.setdefault(segment.literal, _Node())
    for other, child in node.others:
        if other.rank == segment.rank and other.pattern == segment.pattern:
            return child
    child = _Node()
    node.others.append((segment, child))
    node.others.sort(key=lambda entry: entry[0].rank)
    return child


def _search(node: _Node, texts: list[str], index: int, values: tuple[str, ...], method: str) -> Found | None:
    if index == len(texts):
        found = _end(node, values, method)
        if found is not None:
            return found
    else:
        text = texts[index]
        literal = node.literals.get(text.lower())
        if literal is not None:
            found = _search(literal, texts, index + 1, values, method)
            if found is not None:
                return found
    for segment, child in node.others:
        if segment.rank is Rank.CATCH_ALL:
            found = _end(child, (*values, "/".join(texts[index:])), method)
        elif index < len(texts) and (matched := segment.match(texts[index])) is not None:
            found = _search(child, texts, index + 1, values + matched, method)
        else:
            continue
        if found is not None:
            return found
    return None


def _end(node: _Node, values: tuple[str, ...], method: str) -> Found | None:
    for route, names in node.ends:
        if route.answers(method):
            # An empty catch-all has no value, so the function is not told of it.
            return Found(route.function_name, {name: value for name, value in zip(names, values, strict=True) if value})
    return None


def split_path(raw_path: str) -> list[str]:
    """Split a path into decoded segments. A slash at the end says nothing; `%2F` stays, as in ASP.NET."""
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


def parse_template(function_name: str, template: str) -> tuple[Segment, ...]:
    """Read a route template. Raises StartError naming the function when it cannot be read."""
    texts = [text for text in template.strip("/").split("/") if text]
    segments = tuple(_parse_segment(function_name, text) for text in texts)
    for segment, following in pairwise(segments):
        if segment.rank is Rank.CATCH_ALL or (segment.optional and not following.optional):
            raise StartError(f"Function {function_name}: {template} has a segment after a catch-all or optional one.")
    return segments


def _parse_segment(function_name: str, text: str) -> Segment:
    matches = list(_PARAMETER.finditer(text))
    between = _PARAMETER.sub("", text)
    if "{" in between or "}" in between:
        raise StartError(f"Function {function_name}: the local host cannot read {text} in its route.")
    if not matches:
        return Segment(Rank.LITERAL, text.lower(), None, ())
    names = tuple(match[2] for match in matches)
    if between or len(matches) > 1:
        return Segment(Rank.MIXED, "", _mixed_pattern(function_name, text, matches), names)
    (stars, name, constraints, question) = matches[0].groups()
    pattern = _constraint_pattern(function_name, constraints) if constraints else None
    if stars:
        return Segment(Rank.CATCH_ALL, "", None, (name,))
    compiled = re.compile(f"({pattern})", re.IGNORECASE) if pattern else None
    rank = Rank.CONSTRAINED if pattern else Rank.PARAMETER
    return Segment(rank, "", compiled, names, optional=bool(question))


def _mixed_pattern(function_name: str, text: str, matches: Sequence[re.Match[str]]) -> re.Pattern[str]:
    # Greedy from the left gives what ASP.NET finds from the right: `{a}.{b}` on `x.y.z` is a=x.y, b=z.
    pattern, position = "", 0
    for match in matches:
        stars, _, constraints, question = match.groups()
        adjacent = position and match.start() == position
        if stars or question or adjacent or constraints.count(":") > 1:
            raise StartError(f"Function {function_name}: the local host cannot read {text} in its route.")
        inner = _constraint_pattern(function_name, constraints) if constraints else ".+"
        pattern += f"{re.escape(text[position : match.start()])}({inner})"
        position = match.end()
    return re.compile(pattern + re.escape(text[position:]), re.IGNORECASE)


def _constraint_pattern(function_name: str, constraints: str) -> str:
    """Several constraints on one parameter are all required: look-aheads, then anything."""
    patterns = []
    for name, sizes in _CONSTRAINT.findall(constraints):
        if name in CONSTRAINTS and not sizes:
            patterns.append(CONSTRAINTS[name])
        elif name in SIZE_CONSTRAINTS and sizes:
            patterns.append(SIZE_CONSTRAINTS[name] % sizes)
        else:
            raise StartError(f"Function {function_name}: the local host does not know the constraint :{name}.")
    if len(patterns) == 1:
        return patterns[0]
    return "".join(f"(?={pattern}$)" for pattern in patterns) + ".+"


def _variants(segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
    """The template itself, and shorter ones without the optional segments at its end."""
    yield segments
    while segments and segments[-1].optional:
        segments = segments[:-1]
        yield segments


def shadowed_routes(routes: Sequence[Route]) -> list[tuple[Route, Route]]:
    """Pairs (taken in Azure, taken here) where the two differ.

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
    if one.methods and other.methods and not one.methods & other.methods:
        return False
    for first, second in zip(one.segments, other.segments, strict=False):
        if Rank.CATCH_ALL in (first.rank, second.rank):
            return True
        if not _segments_overlap(first, second):
            return False
    longer = max(one.segments, other.segments, key=len)
    shorter = min(len(one.segments), len(other.segments))
    return all(segment.optional or segment.rank is Rank.CATCH_ALL for segment in longer[shorter:])


def _segments_overlap(first: Segment, second: Segment) -> bool:
    if first.rank is Rank.LITERAL:
        return second.match(first.literal) is not None
    if second.rank is Rank.LITERAL:
        return first.match(second.literal) is not None
    return True
