"""Outlook reads what conditional comments hold; browsers do not."""

import pytest

from lib.rewrite import rewrite

OWN = "https://track.example.com"


def mint(index: int, destination: str) -> str:
    return f"{OWN}/c/{index}"


@pytest.mark.parametrize(
    "html",
    [
        "<!--[if mso]><a href='{}'>x</a><![endif]-->",
        "<!--[if (gte mso 9)|(IE)]><table><tr><td><a href='{}'>x</a><![endif]-->",
        "<!--[IF MSO]><v:roundrect xmlns:v='urn:schemas-microsoft-com:vml' href='{}'></v:roundrect><![endif]-->",
        "<!--[if !mso]><!--><a href='{}'>x</a><!--<![endif]-->",
        "<![if !mso]><a href='{}'>x</a><![endif]>",
        "<!--[if mso]><a href='{}'>",
        "<!--[if mso]><style>a{{}}</style><a href='{}'><![endif]-->",
        "<!--[if mso]><!--[if gte mso 9]><a href='{}'><![endif]-->",
    ],
)
def test_a_link_in_a_conditional_comment_is_rewritten_in_place(html: str) -> None:
    rewritten = rewrite(html.format("https://example.com/"), "", mint=mint, pixel=None, own=OWN)
    assert rewritten.html == html.format(f"{OWN}/c/0")
    assert rewritten.links == ["https://example.com/"]


def test_what_looks_like_a_link_in_a_conditional_comment_is_left_alone() -> None:
    html = (
        "<!--[if mso]><style><a href='https://example.com/'></style><!-- <a href='https://example.com/'>"
        "<![endif]--><!--[if mso]><a href='https://example.com/--><p title='>'>"
    )
    assert rewrite(html, "", mint=mint, pixel=None, own=OWN).html == html


def test_an_unclosed_element_in_a_conditional_comment_ends_with_the_comment() -> None:
    html = "<!--[if mso]><style><![endif]--><a href=https://example.com/>"
    assert rewrite(html, "", mint=mint, pixel=None, own=OWN).links == ["https://example.com/"]


def test_links_inside_and_outside_count_in_the_order_of_the_source() -> None:
    html = "<a href=https://1.test.example><!--[if mso]><a href=https://2.test.example><![endif]--><a href=https://3.test.example>"
    assert rewrite(html, "", mint=mint, pixel=None, own=OWN).links == [
        "https://1.test.example",
        "https://2.test.example",
        "https://3.test.example",
    ]
