"""Hosts of links: denied ones are not led to, look-alikes are remarked on."""

from __future__ import annotations

import pytest

from lib.rewrite import Rewritten, rewrite
from lib.rewrite.hosts import is_denied, looks_like_another
from lib.rewrite.links import destination

OWN = "https://track.example.com"
DENIED = frozenset(("evil.example", "198.51.100.7"))


def rewritten(html: str | None, text: str | None = None) -> Rewritten:
    return rewrite(html, text, mint=lambda link, _: f"{OWN}/c/{link}", pixel=None, own=OWN, denied=DENIED)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a",
        "http://www.evil.example",
        "HTTPS://EVIL.EXAMPLE./x?y#z",
        "https://evil.example:8443/",
        "https://198.51.100.7/",
        "https://ＥＶＩＬ.example/",
        "https://evil。example/",
    ],
)
def test_a_link_to_a_denied_host_stays_direct_and_its_author_is_told(url: str) -> None:
    done = rewritten(f'<a href="{url}">x</a> <a href="https://good.example/">y</a>', "Hi")
    assert done.links == ["https://good.example/"]
    assert done.html is not None
    assert f'href="{url}"' in done.html
    assert {remark.code for remark in done.remarks} >= {"denied_host"}
    assert next(remark.place for remark in done.remarks).startswith("html line 1")


def test_a_denied_host_in_a_text_stays_direct_too() -> None:
    done = rewritten(None, "See https://evil.example/a and https://good.example/ .")
    assert (done.links, done.text) == (
        ["https://good.example/"],
        f"See https://evil.example/a and {OWN}/c/0 .",
    )


@pytest.mark.parametrize(
    "url", ["https://notevil.example/", "https://evil.example.org/", "https://x.example/?to=https://evil.example/"]
)
def test_a_link_to_another_host_is_followed(url: str) -> None:
    assert rewritten(f'<a href="{url}">x</a>').links == [url]


def test_nothing_is_denied_without_a_list() -> None:
    assert not is_denied("evil.example", frozenset())


@pytest.mark.parametrize(
    "host",
    [
        "pаypal.com",  # a Cyrillic а among Latin letters
        "аррӏе.com",  # all Cyrillic
        "www.ехаmple.org",
        "gοοgle.com",  # Greek omicron
        "ѕсоре.com",
        "ɡoogle.com",
        "paypaı.com",
        "бad例.example",
        "օո.com",  # Armenian
    ],
)
def test_a_host_that_can_be_taken_for_another_is_one(host: str) -> None:
    assert looks_like_another(destination(f"https://{host}/").split("/")[2])


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "bücher.de",
        "łódź.pl",
        "россия.рф",
        "сор.ru",
        "правда.com",
        "ελλάδα.gr",
        "日本語とカナ.jp",
        "abc日本.jp",
        "한국abc.kr",
        "中国.cn",
        "ファーム.jp",
        "مثال.example",
        "i❤.ws",
        "xn--zzzzzzzzzzzzz-999999999.com",
        "xn--.com",
    ],
)
def test_an_honest_name_is_no_lookalike(host: str) -> None:
    name = host if host.startswith("xn--") else destination(f"https://{host}/").split("/")[2]
    assert not looks_like_another(name)


def test_each_lookalike_is_remarked_on_once_and_followed() -> None:
    done = rewritten('<a href="https://pаypal.com/a">x</a><a href="https://pаypal.com/b">y</a>')
    [remark] = [each for each in done.remarks if each.code == "lookalike_host"]
    assert "pаypal.com" in remark.text
    assert "xn--pypal-4ve.com" in remark.text
    assert len(done.links) == 2


def test_a_user_name_before_the_host_is_never_followed() -> None:
    done = rewritten('<a href="https://bank.example@evil.example/">x</a>')
    assert (done.links, [remark.code for remark in done.remarks]) == ([], ["userinfo"])
