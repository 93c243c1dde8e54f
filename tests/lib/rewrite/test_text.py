"""URLs in the text part are rewritten in place."""

import pytest

from lib.rewrite import rewrite

OWN = "https://track.example.com"


def mint(index: int, destination: str) -> str:
    return f"{OWN}/c/{index}"


@pytest.mark.parametrize(
    ("text", "destination"),
    [
        ("|https://example.com|", "https://example.com"),
        ("See |http://example.com/a|.", "http://example.com/a"),
        ("See |HTTPS://example.com/a|, or not", "HTTPS://example.com/a"),
        ("Really |https://example.com/a?b=c|?!", "https://example.com/a?b=c"),
        ("Wait |https://example.com/a|...", "https://example.com/a"),
        ("(|https://example.com/a|)", "https://example.com/a"),
        ("(see |https://example.com/a_(b)|).", "https://example.com/a_(b)"),
        ("[|https://example.com/?a[]=1|]", "https://example.com/?a[]=1"),
        ("[x](|https://example.com/a|)", "https://example.com/a"),
        ("<|https://example.com/a|>", "https://example.com/a"),
        ("<URL:|https://example.com/a|>", "https://example.com/a"),
        ('"|https://example.com/a|"', "https://example.com/a"),
        ("'|https://example.com/a|'", "https://example.com/a"),
        ("|https://example.com/?a='b'| x", "https://example.com/?a='b'"),
        ("**|https://example.com/a|**", "https://example.com/a"),
        ("„|https://example.com/a|“", "https://example.com/a"),
        ("「|https://example.com/a|」。", "https://example.com/a"),
        ("|https://example.com/a|\u00a0x", "https://example.com/a"),
        ("|https://example.com/a|\u200bx", "https://example.com/a"),
        ("|https://example.com/a|\r\nx", "https://example.com/a"),
        ("|https://münchen.de/stra%C3%9Fe|!", "https://xn--mnchen-3ya.de/stra%C3%9Fe"),
        ("|https://example.com/a,b;c+d%20e#f|;", "https://example.com/a,b;c+d%20e#f"),
        ("|https://example.com/?to=https://example.org/|", "https://example.com/?to=https://example.org/"),
        ("x:|https://example.com/a|", "https://example.com/a"),
        ("訪|https://example.com/a|", "https://example.com/a"),
    ],
)
def test_a_url_is_what_a_reader_takes_for_one(text: str, destination: str) -> None:
    before, rest = text.split("|", 1)
    url, after = rest.rsplit("|", 1)
    rewritten = rewrite(None, before + url + after, mint=mint, pixel=None, own=OWN)
    assert rewritten.text == f"{before}{OWN}/c/0{after}"
    assert rewritten.links == [destination]


def test_both_urls_of_a_markdown_link_are_rewritten() -> None:
    rewritten = rewrite(None, "[https://a.example](https://b.example)", mint=mint, pixel=None, own=OWN)
    assert rewritten.text == f"[{OWN}/c/0]({OWN}/c/1)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no link",
        "http:// and https://.",
        "shttps://example.com x.http://example.com",
        "www.example.com mailto:x@example.com ftp://example.com",
        "https://example.com/{{ id }}",
        "https://example.com/<% id %>",
        "https://example.com/*|ID|*",
        "https://{{ host }}/x",
        "https://example.com/{{id}}?to=https://example.org/",
        "https://example.com/{%if%}/https://example.org/",
        "https://example.com/%%id%%, https://example.com/${id}, https://example.com/[[id]]",
        f"{OWN}/c/token. {OWN}/p/token",
    ],
)
def test_what_is_no_link_to_follow_is_left_alone(text: str) -> None:
    rewritten = rewrite(None, text, mint=mint, pixel=None, own=OWN)
    assert (rewritten.text, rewritten.links, rewritten.remarks) == (text, [], [])


def test_a_url_shares_the_index_of_the_first_link_of_the_html_that_leads_there() -> None:
    html = "<a href=https://example.org/><a href='https://example.com/?a=1&amp;b=2'><a href='https://example.com/?a=1&b=2'>"
    rewritten = rewrite(html, "https://example.com/?a=1&b=2", mint=mint, pixel=None, own=OWN)
    assert rewritten.text == f"{OWN}/c/1"
    assert len(rewritten.links) == 3


def test_urls_that_only_the_text_has_come_after_the_links_of_the_html() -> None:
    text = "https://b.example/ https://a.example/ https://b.example/"
    rewritten = rewrite("<a href=https://a.example/>", text, mint=mint, pixel=None, own=OWN)
    assert rewritten.text == f"{OWN}/c/1 {OWN}/c/0 {OWN}/c/2"
    assert rewritten.links == ["https://a.example/", "https://b.example/", "https://b.example/"]
