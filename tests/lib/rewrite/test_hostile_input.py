"""Input made to take forever takes no longer than other input of its length.

None of these finish in reasonable time if anything is searched twice: 100,000 repetitions squared.
"""

import pytest

from lib.rewrite import Opened, cleaned, rewrite

OWN = "https://track.example.com"
MANY = 100_000


def mint(index: int, destination: str) -> str:
    return f"{OWN}/c/{index}"


def open_token(kind: str, token: str) -> Opened | None:
    return Opened("https://example.com/older", False) if token == "older" else None


@pytest.mark.parametrize(
    "html",
    [
        *(
            piece * MANY
            for piece in (
                "<a ", "<!--", '<a href="', "<a href='", "<a href=", "<style>", "<script>", "<title></styl",
                "<!--[if mso]>", "<!--[if", "<![CDATA[", "<svg><![CDATA[", "<?", "<!", "</", "</a ", "<", "<a/", "<a =",
                "<div>", "<table><tr><td>", "<b><i>", "<svg>", "<a href=x>", "<ul><li>", "<!---->",
                "&", "&amp", "{{", "%%",
                "<img ", "<img src='", "<img src=x>", "<image src=", f"<img src={OWN}/o/older.gif>",
                f"<a href={OWN}/c/older>", f"<a href={OWN}/c/older></a>", f"<a href={OWN}/c/damaged> ",
            )
        ),
        '"' * (10 * MANY),
        "'" * (10 * MANY),
        "-" * (10 * MANY),
        "<!--" + "-" * (10 * MANY),
        "<!--" + "--!" * MANY,
        "<script>" + "<!--<script>" * MANY,
        "<script>" + "</script" * MANY,
        "<style>" + "</style" * MANY,
        "<a " + "href " * MANY + ">",
        "<a " + "x='" * MANY + ">",
        "<a href='https://example.com/" + "&" * MANY + "'>",
        "<a href='" + "https://example.com/" * MANY + "'>",
        "<a href='" + " " * (10 * MANY) + "'>",
        "<a href='https://example.com/" + "%%a" * MANY + "'>",
        "<a href='" + "{{" * MANY + "'>",
        "<a href='https://" + "a." * MANY + "'>",
        "<a href='https://x" + "/c/older" * MANY + "/'>",
        "<a href='https://x/c/" + "older" * MANY + "'>",
        "<a href='" + "https://x/c/older" * MANY + "'>",
        "<a href=/>" + " " * (10 * MANY) + "</a",
        "<img src='https://x" + "/o/x.gif" * MANY + "'>",
        "<img src='" + "%2Fo" * MANY + "'>",
        "<img src='https://x/o/" + "older" * MANY + "'>",
        "<img " + "src " * MANY + ">",
        "<v:" + "x" * (10 * MANY),
        "<a href=https://example.com/>" * 10_000 + "</a>" * 10_000,
    ],
    ids=lambda html: f"{html[:20]} {len(html)}",
)  # fmt: skip
def test_hostile_html_is_rewritten_all_the_same(html: str) -> None:
    followed = "<a href='https://example.com/first'>" + html
    rewritten = rewrite(
        followed, None, mint=mint, pixel=f"{OWN}/o/x.gif", own=OWN, open_token=open_token, honeypot=True
    )
    assert rewritten.links[0] == "https://example.com/first"
    assert rewritten.html is not None
    assert rewritten.html.startswith(f"<a href='{OWN}/c/0'>")
    unfollowed, _ = cleaned(followed, None, own=OWN, open_token=open_token)
    assert unfollowed is not None
    assert unfollowed.startswith("<a href='https://example.com/first'>")


@pytest.mark.parametrize(
    "text",
    [
        "https://" * MANY,
        "http" * MANY,
        "https://example.com/" + ")" * MANY,
        "https://example.com/" + "(" * MANY + ")" * MANY,
        "https://example.com/" + "." * MANY,
        "https://example.com/" + "'" * MANY,
        "https://example.com/]" * MANY,
        "https://example.com/ " * 10_000,
        "https://u@example.com/\n" * 10_000,
        "[" * MANY + "](https://example.com/",
        f"{OWN}/c/older " * 10_000,
        f"{OWN}/o/older.gif " * 10_000,
        "https://x" + "/c/older" * MANY + "/",
        "https://x" + "/o/x.gif" * MANY,
    ],
    ids=lambda text: f"{text[:20]} {len(text)}",
)
def test_hostile_text_is_rewritten_all_the_same(text: str) -> None:
    rewritten = rewrite(
        None, f"https://example.com/first {text}", mint=mint, pixel=None, own=OWN, open_token=open_token
    )
    assert rewritten.text is not None
    assert rewritten.text.startswith(f"{OWN}/c/0 ")
