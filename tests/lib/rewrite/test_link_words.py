"""A link that shows one address and leads to another: its author is told, since filters suspect it."""

import pytest

from lib.rewrite import rewrite

OWN = "https://track.example.com"


def codes(html: str) -> list[tuple[str, str]]:
    rewritten = rewrite(html, None, mint=lambda index, _: f"{OWN}/c/{index}", pixel=None, own=OWN)
    return [(remark.code, remark.place) for remark in rewritten.remarks]


@pytest.mark.parametrize(
    "words",
    [
        "https://b.example",
        "http://b.example/path",
        "HTTPS://B.EXAMPLE",
        " \n<b>https://b.example</b>",
        "https://<b>b</b>.example/",
        "www.b.example",
        "&nbsp;https://b.example (our shop)",
        "https://a.example.b.example/",
        "https://bücher.example/",
    ],
)
def test_words_that_are_another_address_are_remarked(words: str) -> None:
    assert codes(f'<a href="https://a.example/">{words}</a>') == [("link_text_differs", "html line 1, column 10")]


@pytest.mark.parametrize(
    "words",
    [
        "https://a.example",
        "http://www.A.example/another/path",
        "www.a.example",
        "https://a.example.",
        "our offer",
        "",
        "see https://b.example",
        "b.example",
        "https://",
        "https://…",
        '<img src="https://b.example/x.png" alt="x">',
        '<b title="https://b.example">x</b>',
        "x</a> https://b.example",
        "<a href=https://b.example/>https://b.example/</a>",
    ],
)
def test_other_words_are_not(words: str) -> None:
    assert codes(f'<a href="https://a.example/">{words}</a>') == []


def test_a_name_in_other_letters_is_compared_as_browsers_read_it() -> None:
    assert codes("<a href='https://xn--mnchen-3ya.de/'>https://münchen.de</a>") == []


@pytest.mark.parametrize("href", ["mailto:a@b.example", "#top", "{{ link }}"])
def test_what_is_no_web_link_is_not_compared(href: str) -> None:
    assert codes(f"<a href='{href}'>https://b.example</a>") == []
