"""Only the values of links and the pixel differ; everything else is what went in, byte for byte."""

import pytest

from lib.rewrite import rewrite
from tests.support.rewriting import OWN, PIXEL, mint, put_back


@pytest.mark.parametrize(
    "html",
    [
        "",
        "text",
        "<p>no link, no close",
        '<A  HREF = "https://example.com/" Class=x >x</A ><BR/>',
        "<a href=https://example.com/ title='a>b'>x</a>",
        "line\r\none\rtwo\n<a\r\nhref='https://example.com/'\r\n>x</a>\r\n",
        '\ufeff<p>😀\0é<a href="https://example.com/">&nbsp;&copy&#0;</a>',
        '<a href="https://example.com/" href="https://example.org/" HREF=x>x</a>',
        "<!DOCTYPE html PUBLIC '>'><?xml version='1.0'?><![CDATA[x]]><a href=https://example.com>",
        '<a href="https://example.com/"><a href="https://example.com/',
        chr(0xD800) + '<a href="https://example.com/">',
    ],
)
def test_the_rest_of_the_html_stays_as_it_is(html: str) -> None:
    output = rewrite(html, None, mint=mint, pixel=PIXEL, own=OWN).html
    assert output is not None
    assert put_back(html, output) == html


def test_only_the_value_changes() -> None:
    html = "<p>\r\n<a  Class=x HREF = ' https://example.com/?a=1&amp;b=2\n' >x</a>\r\n"
    rewritten = rewrite(html, "", mint=mint, pixel=None, own=OWN)
    assert rewritten.html == f"<p>\r\n<a  Class=x HREF = '{OWN}/c/0' >x</a>\r\n"
    assert rewritten.links == ["https://example.com/?a=1&b=2"]


def test_rewriting_the_result_again_changes_nothing() -> None:
    html = '<a href="https://example.com/">x</a><area href=https://example.com/b><body></body>'
    text = "See https://example.com/ and https://example.org/."
    once = rewrite(html, text, mint=mint, pixel=PIXEL, own=OWN)
    twice = rewrite(once.html, once.text, mint=mint, pixel=PIXEL, own=OWN)
    assert (twice.html, twice.text) == (once.html, once.text)
    assert twice.links == []


@pytest.mark.parametrize("own", [OWN, OWN + "/"])
@pytest.mark.parametrize("path", ["c/token", "o/token.gif", "i/token/a.png", "a/token/a.pdf", "p/token"])
def test_our_own_links_are_left_alone(own: str, path: str) -> None:
    html = f'<a href=" {OWN}/{path}?a&amp;b ">x</a>'
    rewritten = rewrite(html, f"{OWN}/{path}", mint=mint, pixel=None, own=own)
    assert (rewritten.html, rewritten.text, rewritten.links) == (html, f"{OWN}/{path}", [])


def test_other_pages_of_our_own_host_are_links_like_any_other() -> None:
    assert rewrite(f'<a href="{OWN}/about">x</a>', "", mint=mint, pixel=None, own=OWN).links == [f"{OWN}/about"]
