"""The HTML of the recipient's page. It runs no script and loads nothing, so that it is one request."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import cast

from markupsafe import Markup

from functions.pages.recipient.words import Words
from functions.pages.render import render_page
from lib.catalogues.devices import Device
from lib.languages import NAMES, SpokenLanguage, clock_time
from lib.recipient_page.decisions import SOURCE
from lib.recipient_page.recorded import Recorded
from lib.tracking.facts import HIT_KINDS

_STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    # The address of the page is a key to it.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Language",
}


@dataclass(frozen=True, slots=True)
class Responsible:
    """The organization, as the page shows it."""

    name: str
    basis: str
    """The basis in law; empty where the organization names none."""

    notice: str | None
    """The address of its privacy notice."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button that sends these fields."""

    label: str
    fields: Mapping[str, str] = field(default_factory=dict)
    is_main: bool = False


@cache
def words_in(language: SpokenLanguage) -> Words:
    """Return the words of a language, which are read when they are first needed."""
    return cast(Words, import_module(f"functions.pages.recipient.languages.{language}").WORDS)


@dataclass(frozen=True, slots=True)
class RecipientPage:
    """The page in one language. Methods return HTML."""

    language: SpokenLanguage
    who: Responsible | None
    """None where the organization is gone, or cannot be read now."""

    @property
    def words(self) -> Words:
        """All that the page says."""
        return words_in(self.language)

    def choice(self, *, asks_address: bool, can_mail: bool, wrong: str | None = None) -> str:
        """Render the page that a mail leads to. `wrong` is an address that was typed in and is none."""
        return self._render("choice", asks_address=asks_address, can_mail=can_mail, wrong=wrong)

    def said(self, heading: str, text: str, buttons: Sequence[Button] = (), *, has_back: bool = False) -> str:
        """Render a page that says something, with buttons."""
        return self._render("said", heading=heading, text=text, buttons=buttons, has_back=has_back)

    def recorded(self, email: str, recorded: Recorded) -> str:
        """Render the page that shows what is recorded about an address."""
        return self._render("recorded", email=email, recorded=recorded)

    def date(self, moment: datetime) -> Markup:
        """Write a time in UTC, in words."""
        at = moment.astimezone(UTC)
        month = self.words.months[at.month - 1]
        text = self.words.date.format(
            day=at.day, month=month, year=at.year, time=f"{clock_time(at, self.language)} UTC"
        )
        return Markup('<time datetime="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", text)

    def device(self, device: Device) -> str:
        """Describe a device; empty where nothing is known of it."""
        kind = self.words.device_types.get(device["type"] or "", device["type"])
        return ", ".join(part for part in (kind, device["os"], device["client"]) if part)

    def percent(self, confidence: float) -> str:
        """Write how sure a verdict is. No verdict is quite sure."""
        sign = "%" if self.language == "en" else "\N{NO-BREAK SPACE}%"
        return f"{min(99, round(confidence * 100))}{sign}"

    def _render(self, view: str, **values: object) -> str:
        return render_page(
            f"recipient/{view}.html",
            language=self.language,
            languages=NAMES,
            words=self.words,
            who=self.who,
            style=Markup(_STYLE),  # noqa: S704 - a file of ours
            date=self.date,
            device=self.device,
            percent=self.percent,
            hits=HIT_KINDS,
            own_source=SOURCE,
            **values,
        )
