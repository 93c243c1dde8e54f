"""Screens of the console: one decorator says at which path, and to whom.

A screen is a coroutine that takes a `Visit` and returns a reply: a page (`Shown`), a way on (`Redirect`), a file
(`Download`) or a mail's body (`Framed`). It may raise what endpoints raise. What comes by POST was checked before: it
is a form of ours, sent from our own page by the person who has signed in.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from functions.console.visit import Visit
from lib.organizations.scopes import Scope

EVERYBODY: frozenset[Scope] = frozenset(("full", "read", "user", "admin"))
"""Scopes that may sign in to the console."""


READERS: frozenset[Scope] = frozenset(("full", "read", "user"))
"""Scopes that read mail."""

WRITERS: frozenset[Scope] = frozenset(("full", "user"))
"""Scopes that write mail."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page from a template of the folder `templates`."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """The way to another page of the console, which begins with `/console/`."""

    path: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file."""

    content: bytes
    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Framed:
    """HTML that others wrote. It is shown in a frame of a page, without scripts, forms and what it would load."""

    html: str


Reply = Shown | Redirect | Download | Framed
Show = Callable[[Visit], Awaitable[Reply]]
Way = Literal["GET", "POST"]

USUAL_FORM = 2 * 1024 * 1024
"""Bytes of a form, unless its screen says otherwise."""

WITH_FILES = 30 * 1024 * 1024
"""Bytes of a form that takes files."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen as it was declared."""

    method: Way
    pattern: re.Pattern[str]
    may: frozenset[Scope]
    show: Show
    largest: int = USUAL_FORM
    """The most bytes of the form that it takes."""


class Screens:
    """The screens of a module. `may`: the scopes that they are open to, where a screen does not name its own."""

    def __init__(self, may: frozenset[Scope] = EVERYBODY) -> None:
        self.all: list[Screen] = []
        self._may = may

    def __call__(
        self, method: Way, path: str, *, may: frozenset[Scope] | None = None, largest: int = USUAL_FORM
    ) -> Callable[[Show], Show]:
        """Declare a screen at a path below `/console/`, such as `messages/{message}`."""

        def declare(show: Show) -> Show:
            """Keep the declaration; the function stays as it is."""
            self.all.append(Screen(method, _pattern(path), may or self._may, show, largest))
            return show

        return declare


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", re.sub(r"[.-]", r"\\\g<0>", path)))
