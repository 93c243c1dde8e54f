"""What the author of a mail is told."""

import pytest

from lib.rewrite import RewriteRemark, rewrite

OWN = "https://track.example.com"


def remarks(html: str | None, text: str | None = "", pixel: str | None = None) -> list[RewriteRemark]:
    return rewrite(html, text, mint=lambda index, _: f"{OWN}/c/{index}", pixel=pixel, own=OWN).remarks


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://example.com/a\nb", "character"),
        ("https://example.com/a\0b", "character"),
        ("https://example.com/a&#10;b", "character"),
        ("https://example.com/a&#0;b", "character"),
        ("https://example.com\\a", "backslash"),
        ("https://u@example.com", "userinfo"),
        ("https://example.com:x/", "port"),
        ("ftp://example.com", "scheme"),
        ("https:example.com", "slashes"),
        ("/relative", "relative"),
        ("www.example.com", "relative"),
        ("https://", "host"),
        ("https://example.com/" + "x" * 2048, "too_long"),
    ],
)
def test_a_link_that_cannot_be_followed_stays_direct_with_a_remark(address: str, code: str) -> None:
    html = f'<a href="{address}">x</a>'
    rewritten = rewrite(html, "", mint=lambda *_: OWN, pixel=None, own=OWN)
    assert (rewritten.html, rewritten.links) == (html, [])
    assert [remark.code for remark in rewritten.remarks] == [code]


def test_a_remark_says_what_is_wrong_in_a_sentence() -> None:
    assert remarks("<a href='https:example.com'>")[0].text == ("This link is not tracked: there is no // after https:.")


def test_a_remark_names_the_line_and_column_of_the_address() -> None:
    html = "<p>\r\n\r<!--[if mso]>\n😀<a href='/a'><![endif]-->\r\n  <a title=x href=/b>"
    assert [remark.place for remark in remarks(html)] == ["html line 4, column 11", "html line 5, column 19"]


def test_a_remark_on_the_text_names_its_line_and_column() -> None:
    assert [remark.place for remark in remarks(None, "x\n  https://u@example.com")] == ["text line 2, column 3"]


def test_a_link_that_is_refused_uses_no_index() -> None:
    html = "<a href=/a><a href=https://example.com/>"
    assert rewrite(html, "", mint=lambda index, _: f"{OWN}/c/{index}", pixel=None, own=OWN).html == (
        f"<a href=/a><a href={OWN}/c/0>"
    )


def test_html_that_gmail_would_cut_off_is_remarked() -> None:
    assert remarks("é" * 51_200) == []
    [remark] = remarks("é" * 51_200 + "x")
    assert (remark.code, remark.place) == ("large", "html")


def test_what_counts_is_the_size_with_the_pixel() -> None:
    assert [remark.code for remark in remarks("x" * 102_400, pixel=f"{OWN}/o/x.gif")] == ["large"]
