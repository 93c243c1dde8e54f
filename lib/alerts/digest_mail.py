"""The digest: a mail to a user that lists the open cards, the most pressing first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import Environment

from lib.sending.own_mails import OwnMail

_HTML = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ subject }}</title></head>
<body style="font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:15px;line-height:22px;color:#1b1b1b">
<p>{{ head }}</p>
{% for item in items %}
<p style="margin:0 0 14px"><b>{% if item.url %}<a href="{{ item.url }}">{{ item.title }}</a>{% else %}{{ item.title }}\
{% endif %}</b><br>{{ item.text }}</p>
{% endfor %}
{% if more %}<p>{{ more }}</p>{% endif %}
<p style="color:#5c5c5c;font-size:13px">{{ why }}</p>
</body></html>
"""
)

_WHY = "You get this mail because you chose a digest in Heed. Change the choice to end it."


class DigestItem(NamedTuple):
    """A card of the digest."""

    title: str
    text: str
    url: str | None


def write_digest(items: Sequence[DigestItem], is_more: bool) -> OwnMail:
    """Write the mail. `is_more`: there are further cards than these."""
    count = f"{len(items)}{' or more' if is_more else ''}"
    cards = "card" if count == "1" else "cards"
    subject = f"{count} open {cards} in Heed"
    head, more = f"You have {count} open {cards}.", "Further cards are in your list." if is_more else ""
    html = _HTML.render(subject=subject, head=head, items=items, more=more, why=_WHY)
    lines = [head, *("\n".join(filter(None, item)) for item in items), more, _WHY]
    text = "\n\n".join(filter(None, lines)) + "\n"
    return OwnMail(subject, html, text)
