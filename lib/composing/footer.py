"""The footer of a followed mail: it says that the mail is followed, and links the recipient's page.

Like the block of links to files it sets no color, so that dark mode changes all of it or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from lib.languages import SpokenLanguage, spoken

_STYLE = (
    "margin:24px 0 0;font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:12px;line-height:18px;text-align:start"
)
_PARAGRAPHS_APART = "\n\n"
_LOOKED_AT = 4_000
"""Characters of the HTML in which its language is looked for."""

_LANG = re.compile(r"<(?:html|body)\b[^<>]{0,1000}?\slang\s*=\s*[\"']?([A-Za-z]{2,8})", re.IGNORECASE)


class _Words(NamedTuple):
    said: str
    link: str


_WORDS: Mapping[SpokenLanguage, _Words] = {
    "en": _Words(
        "The sender can see when this mail is opened and which of its links are used.",
        "Stop this, or see what is recorded",
    ),
    "de": _Words(
        "Der Absender kann sehen, wann diese E-Mail geöffnet wird und welche Links darin benutzt werden.",
        "Beenden oder ansehen, was gespeichert ist",
    ),
    "fr": _Words(
        "L’expéditeur peut voir quand cet e-mail est ouvert et quels liens sont utilisés.",
        "Arrêter ce suivi ou voir ce qui est enregistré",
    ),
    "es": _Words(
        "El remitente puede ver cuándo se abre este correo y qué enlaces se utilizan.",
        "Detener el seguimiento o ver lo que se registra",
    ),
    "it": _Words(
        "Il mittente può vedere quando questa e-mail viene aperta e quali link vengono usati.",
        "Interrompi o guarda che cosa viene registrato",
    ),
}


def language_of_html(html: str | None) -> SpokenLanguage | None:
    """Return the language that the HTML names for itself; None where it names none that we speak."""
    found = _LANG.search((html or "")[:_LOOKED_AT])
    return spoken(found[1]) if found else None


def html_footer(language: SpokenLanguage, url: str) -> str:
    """Return the footer for an HTML part."""
    words = _WORDS[language]
    link = f'<a href="{escape(url)}">{escape(words.link)}</a>'
    return f'<p lang="{language}" style="{_STYLE}">{escape(words.said)} {link}</p>'


def with_text_footer(text: str | None, language: SpokenLanguage, url: str) -> str | None:
    """Return a text part with the footer at its end."""
    if text is None:
        return None
    words = _WORDS[language]
    return f"{text.rstrip()}{_PARAGRAPHS_APART}{words.said}\n{words.link}:\n{url}\n"
