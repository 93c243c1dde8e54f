from __future__ import annotations

import pytest

from lib.console.simple_html import count_links, looks_like_html, simple_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("One\ntwo", "<p>One<br>\ntwo</p>"),
        ("One\n\n \n\ntwo", "<p>One</p>\n<p>two</p>"),
        ("1 < 2 & <b>", "<p>1 &lt; 2 &amp; &lt;b&gt;</p>"),
        ("See https://a.example/b?c=1&d=2.", '<p>See <a href="https://a.example/b?c=1&amp;d=2">https://a.example/b?c=1&amp;d=2</a>.</p>'),
        ("(http://a.example/b)", '<p>(<a href="http://a.example/b">http://a.example/b</a>)</p>'),
        ('https://a.example/" onclick="x', '<p><a href="https://a.example/">https://a.example/</a>&quot; onclick=&quot;x</p>'),  # noqa: E501
        ("See www.a.example/b.", '<p>See <a href="http://www.a.example/b">www.a.example/b</a>.</p>'),
        ("WWW.a.example", '<p><a href="http://WWW.a.example">WWW.a.example</a></p>'),
        ("https://www.a.example", '<p><a href="https://www.a.example">https://www.a.example</a></p>'),
        ("me@www.a.example, www.a, /www.a.example, www.", "<p>me@www.a.example, www.a, /www.a.example, www.</p>"),
        ("Ada wrote:\n> Yes.\n> Ada", "<p>Ada wrote:</p>\n<blockquote><p>Yes.<br>\nAda</p></blockquote>"),
    ],
)  # fmt: skip
def test_text_becomes_html(text: str, html: str) -> None:
    assert simple_html(text) == html


def test_html_is_told_from_text_by_its_tags() -> None:
    assert looks_like_html("<p>Hi</p>")
    assert looks_like_html('See <a href="https://a.example">this</a>')
    assert not looks_like_html("1 < 2, and 3 > 2, <ada@example.com>")


def test_links_to_the_web_are_counted() -> None:
    html = '<a href="https://a.example">a</a><A class="x" HREF=http://b.example>b</A><a href="mailto:c@d.example">c</a>'
    assert count_links(html) == 2
