"""The HTML of the console, from the folder `templates`. Every value is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, select_autoescape
from jinja2.ext import do as _do_extension
from markupsafe import Markup

from functions.console.naming import names_of, with_names
from functions.console.navigation import menu_for
from functions.console.static_files import FOLDER, STATIC
from functions.console.visit import HOME, Visit
from lib.console.check_words import words_for_page
from lib.console.times import Times, counted, duration
from lib.languages import enumerated, side_by_side
from lib.mime.sizes import size_text

_SYMBOL = re.compile(r'<symbol id="([\w-]+)" viewBox="0 0 24 24">(.*?)</symbol>', re.DOTALL)


@cache
def _symbols() -> Mapping[str, str]:
    """Return the shapes of the icons by their names."""
    return dict(_SYMBOL.findall((FOLDER / "icons.svg").read_text(encoding="utf-8")))


class Icons:
    """The icons of one page: each shape stands in it once, at its end."""

    def __init__(self) -> None:
        self._used: dict[str, str] = {}

    def __call__(self, name: str) -> Markup:
        """Show an icon. It is for the eye alone: a word stands beside it."""
        self._used[name] = _symbols()[name]
        return Markup('<svg class="icon" aria-hidden="true"><use href="#i-{0}"/></svg>').format(name)

    def sprite(self) -> Markup:
        """Return the shapes of all icons of the page."""
        shapes = Markup("").join(
            Markup('<symbol id="i-{}" viewBox="0 0 24 24">{}</symbol>').format(name, Markup(shape))  # noqa: S704 - ours
            for name, shape in self._used.items()
        )
        return Markup('<svg class="sprite" aria-hidden="true">{}</svg>').format(shapes)


def time_tag(times: Times, at: datetime, text: str) -> Markup:
    """Mark up words for a time, with the exact time behind them."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        times.local(at).isoformat(timespec="seconds"), times.exact(at), text
    )


def with_query(path: str, **parameters: object) -> str:
    """Return a path of the console with these parameters, without those that are empty."""
    given = {name: f"{value}" for name, value in parameters.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(given)}" if given else path


def path_to(*parts: str) -> str:
    """Return the path of a page: `/console/messages/…`."""
    return HOME + "/".join(quote(part, safe="") for part in parts)


def words_for(times: Times) -> dict[str, Any]:
    """Return what a page writes times with."""
    return {
        "times": times,
        "moment": lambda at: time_tag(times, at, times.moment(at)),
        "begun": lambda at: time_tag(times, at, times.begun(at)),
        "day": lambda at: time_tag(times, at, times.day(at)),
    }


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=[_do_extension],
)
_PAGES.globals.update(
    static=STATIC.address,
    counted=counted,
    duration=duration,
    size_text=size_text,
    side_by_side=side_by_side,
    enumerated=enumerated,
    names_of=names_of,
    with_names=with_names,
    words_for_page=words_for_page,
    with_query=with_query,
    path_to=path_to,
)


def render(template: str, values: Mapping[str, Any], visit: Visit | None = None) -> str:
    """Render a page; `visit` is that of the person who has signed in."""
    given: dict[str, Any] = {"icon": Icons(), "signed_in": None, "home": HOME, **values}
    if visit is not None:
        given |= {
            "signed_in": visit.signed_in,
            "visit": visit,
            "menu": menu_for(visit.scopes),
            "address": visit.address,
            **words_for(visit.times),
        }
    return _PAGES.get_template(template).render(given)
