"""The honeypot: a link for machines alone. What Chromium makes of it is in tests/browser."""

import re

import pytest

from lib.rewrite import Rewritten
from tests.support.rewriting import NEW, OLD

LINK = "<a href='https://a.example/'>a</a>"


def with_honeypot(html: str | None, text: str | None = "") -> Rewritten:
    return NEW.followed(html, text, honeypot=True)


def markup(url: str) -> str:
    return f'<a href="{url}" aria-hidden="true" tabindex="-1" style="display:none;mso-hide:all"></a>'


def test_it_is_one_more_link_to_where_the_first_one_leads() -> None:
    rewritten = with_honeypot(f"{LINK}<a href=https://b.example/>b</a>")
    assert rewritten.links == ["https://a.example/", "https://b.example/", "https://a.example/"]
    assert rewritten.honeypots == [2]


@pytest.mark.parametrize("html", ["<body>{}<p>x</p>|</body></html>", "{}<p>x</p>|", "{}|<!-- never closed"])
def test_it_stands_before_the_pixel(html: str) -> None:
    rewritten = with_honeypot(html.format(LINK).replace("|", ""))
    pixel = re.escape(f'<img src="{NEW.pixel}"') + "[^>]*>"
    before, after = html.format(f"<a href='{NEW.link(0, 'https://a.example/')}'>a</a>").split("|")
    honeypot = markup(NEW.link(1, "https://a.example/"))

    assert rewritten.html is not None
    assert re.fullmatch(re.escape(before + honeypot) + pixel + re.escape(after), rewritten.html)


def test_links_that_only_the_text_has_come_before_it() -> None:
    rewritten = with_honeypot(LINK, "https://text.example/")
    assert rewritten.links == ["https://a.example/", "https://text.example/", "https://a.example/"]
    assert rewritten.honeypots == [2]


def test_it_is_not_in_the_text() -> None:
    first = NEW.link(0, "https://a.example/")
    assert with_honeypot(LINK, "See https://a.example/").text == f"See {first}"
    assert with_honeypot(LINK, None).text == f"a <{first}>\n"


@pytest.mark.parametrize("html", ["", "<p>x</p>", "<a href='mailto:x@example.com'>x</a>", "<a href=/relative>"])
def test_a_mail_without_a_followed_link_has_none(html: str) -> None:
    rewritten = with_honeypot(html)
    assert (rewritten.html or "").startswith(html + "<img ")
    assert (rewritten.links, rewritten.honeypots) == ([], [])


def test_a_mail_without_html_has_none() -> None:
    rewritten = with_honeypot(None, "https://a.example/")
    assert (rewritten.links, rewritten.honeypots) == (["https://a.example/"], [])


def test_without_being_asked_for_there_is_none() -> None:
    rewritten = NEW.followed(LINK)
    assert (rewritten.links, rewritten.honeypots) == (["https://a.example/"], [])


def test_there_is_no_text_in_it_and_its_style_makes_nothing_tiny_or_colourless() -> None:
    """Filters count words that are hidden, whichever way; there are none here."""
    assert markup("x").endswith('style="display:none;mso-hide:all"></a>')
    assert markup(NEW.link(1, "https://a.example/")) in (with_honeypot(LINK).html or "")


def test_it_is_not_put_in_a_second_time() -> None:
    once = with_honeypot(f"<body>{LINK}</body>")
    assert with_honeypot(once.html) == once


def test_that_of_older_mail_is_taken_out_and_is_no_link_of_the_quoting_mail() -> None:
    quoted = OLD.followed(LINK, honeypot=True).html
    assert NEW.followed(quoted).links == ["https://a.example/"]
    assert NEW.unfollowed(quoted)[0] == LINK
