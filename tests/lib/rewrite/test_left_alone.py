"""What looks like a link and is none, or is not to be tracked, stays as it is, without a remark."""

import pytest

from lib.rewrite import rewrite

OWN = "https://track.example.com"
LINK = "<a href='https://example.com/'>"


def mint(index: int, destination: str) -> str:
    return f"{OWN}/c/{index}"


@pytest.mark.parametrize(
    "html",
    [
        "<link href='https://example.com/'>",
        "<base href='https://example.com/'>",
        "<a data-href='https://example.com/'>",
        "<a xlink:href='https://example.com/'>",
        "<abbr href='https://example.com/'>",
        "<img src='https://example.com/'>",
        "<form action='https://example.com/'>",
        "</a href='https://example.com/'>",
        "<a name=x>",
        "<a href>",
        "<a href=>",
        "<a href=''>",
        "<a href='  '>",
        "<a href='#x'>",
        "<a href='&#35;x'>",
        "<a href='mailto:x@example.com'>",
        "<a href='&#109;ailto:x@example.com'>",
        "<a href='tel:+1'><a href='sms:+1'><a href='cid:x'><a href='data:,x'><a href='javascript:x()'>",
        "<a href='https://example.com/?n={{ name }}'>",
        "<a href='https://example.com/?n=&#123;{ name }}'>",
        "<a href='*|UNSUB|*'><a href='%%url%%'><a href='${url}'><a href='<%= url %>'><a href='[[url]]'>",
        f"<!-- {LINK} -->",
        f"<!-- [if mso]>{LINK} -->",
        f"<!{LINK}",
        f"<?php {LINK}",
        f"<style>{LINK}</style>",
        f"<STYLE>{LINK}</styl></STYLE >",
        f"<title>{LINK}</title>",
        f"<textarea>{LINK}</textarea>",
        f"<xmp>{LINK}</xmp><iframe>{LINK}</iframe><noembed>{LINK}</noembed><noframes>{LINK}</noframes>",
        f"<script>{LINK}</script>",
        f"<script><!--<script></script>{LINK}</script>",
        f"<script>'</scripty>{LINK}",
        f"<plaintext></plaintext>{LINK}",
        f"<svg><![CDATA[<p>{LINK}]]></svg>",
        "<a href='https://example.com/",
        "<a href='https://example.com/' <p",
        f"<p title='{LINK[:-1]}",
        f'<p title="{LINK}">',
        f"&lt;a href='https://example.com/'> < {LINK[1:]}",
    ],
)
def test_what_is_no_link_to_follow(html: str) -> None:
    rewritten = rewrite(html, "", mint=mint, pixel=None, own=OWN)
    assert (rewritten.html, rewritten.links, rewritten.remarks) == (html, [], [])


@pytest.mark.parametrize("mark", ['data-heed="off"', "data-heed=off", "DATA-HEED=' OFF '"])
def test_a_link_that_its_author_marked_off(mark: str) -> None:
    html = f"<a {mark} href='https://example.com/'>x</a><a href='https://example.com/' {mark}>x</a>"
    rewritten = rewrite(html, "", mint=mint, pixel=None, own=OWN)
    assert (rewritten.html, rewritten.links, rewritten.remarks) == (html, [], [])


def test_a_link_of_the_text_that_leads_where_a_link_marked_off_leads() -> None:
    html = '<a href="https://example.com/off" data-heed="off">x</a>'
    rewritten = rewrite(html, "Opt out: https://example.com/off", mint=mint, pixel=None, own=OWN)
    assert rewritten.text == "Opt out: https://example.com/off"


@pytest.mark.parametrize(
    "before", ["<!-->", "<!--->", "<!---->", "<!--x--!>", "<!x>", "<?x>", "</1>", "<script><!--></script>",
               "<style></STYLE\n>", "<title/></title>", "<svg></svg>", "<svg><![CDATA[<x>]]></svg>", "<plaintex>"]
)  # fmt: skip
def test_what_follows_such_a_place_is_a_link_again(before: str) -> None:
    assert rewrite(before + LINK, "", mint=mint, pixel=None, own=OWN).links == ["https://example.com/"]
