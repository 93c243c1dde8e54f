"""A block that is signed or encrypted with PGP stays byte for byte; what is around it is followed."""

import pytest

from lib.rewrite import rewrite
from tests.support.rewriting import NEW, OLD

OWN = "https://track.example.com"
SIGNED = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nsee https://e.example/x\n- -----BEGIN PGP MESSAGE-----\n"
    "-----BEGIN PGP SIGNATURE-----\nComment: https://gnupg.example/\n\niQ==\n-----END PGP SIGNATURE-----\n"
)
ENCRYPTED = "-----BEGIN PGP MESSAGE-----\nComment: https://gnupg.example/\n\nhQ==\n-----END PGP MESSAGE-----\n"
IN_HTML = (
    "<p>-----BEGIN PGP SIGNED MESSAGE-----<br>Hash: SHA256<br><br>see <a href=https://e.example/x>https://e.example/x"
    "</a><br>-----BEGIN PGP SIGNATURE-----<br>iQ==<br>-----END PGP SIGNATURE-----</p>"
)


def mint(index: int, _: str) -> str:
    return f"{OWN}/c/{index}"


@pytest.mark.parametrize(("block", "word"), [(SIGNED, "signed"), (ENCRYPTED, "encrypted")])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_block_in_the_text_stays_and_its_author_is_told(block: str, word: str, line_end: str) -> None:
    block = block.replace("\n", line_end)

    rewritten = rewrite(None, block, mint=mint, pixel=None, own=OWN)

    assert (rewritten.text, rewritten.links) == (block, [])
    [remark] = rewritten.remarks
    assert (remark.code, remark.place, word in remark.text) == ("signed", "text line 1, column 1", True)


def test_the_text_around_blocks_is_followed() -> None:
    text = f"https://a.example/\n{SIGNED}https://b.example/\n{ENCRYPTED}https://c.example/"

    rewritten = rewrite(None, text, mint=mint, pixel=None, own=OWN)

    assert rewritten.text == f"{OWN}/c/0\n{SIGNED}{OWN}/c/1\n{ENCRYPTED}{OWN}/c/2"
    assert [remark.place for remark in rewritten.remarks] == ["text line 2, column 1", "text line 13, column 1"]


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PGP SIGNED MESSAGE-----\n{}",
        "-----BEGIN PGP SIGNED MESSAGE-----\n{}\n-----END PGP MESSAGE-----",
        "> -----BEGIN PGP SIGNED MESSAGE-----\n> {}\n> -----END PGP SIGNATURE-----",
        "-----END PGP SIGNATURE-----\n{}\n-----BEGIN PGP SIGNED MESSAGE-----",
    ],
)
def test_what_no_one_can_verify_is_followed(text: str) -> None:
    rewritten = rewrite(None, text.format("https://e.example/x"), mint=mint, pixel=None, own=OWN)

    assert (rewritten.text, rewritten.remarks) == (text.format(f"{OWN}/c/0"), [])


def test_a_block_in_the_html_stays_and_the_rest_is_followed() -> None:
    html = f"<a href=https://a.example/>a</a>{IN_HTML}<a href=https://b.example/>b</a>"

    rewritten = rewrite(html, None, mint=mint, pixel=f"{OWN}/o/x.gif", own=OWN)

    assert rewritten.html is not None
    assert rewritten.html.startswith(f"<a href={OWN}/c/0>a</a>{IN_HTML}<a href={OWN}/c/1>b</a><img ")
    assert [(remark.code, remark.place) for remark in rewritten.remarks] == [("signed", "html line 1, column 36")]
    assert rewritten.text is not None
    assert "see https://e.example/x" in rewritten.text
    assert f"{OWN}/c/0" in rewritten.text


def test_older_mail_inside_a_block_stays_in_a_mail_that_is_not_followed() -> None:
    block = SIGNED.replace("https://e.example/x", OLD.link())

    assert NEW.unfollowed(None, f"{OLD.link()}\n{block}") == (None, f"https://shop.example/?a=1&b=2\n{block}")


@pytest.mark.parametrize("sign", ["-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP MESSAGE-----\n"])
def test_many_beginnings_without_an_end_take_no_time(sign: str) -> None:
    text = sign * 20_000 + "https://e.example/x"

    rewritten = rewrite(text, text, mint=mint, pixel=None, own=OWN)

    assert rewritten.links == ["https://e.example/x"]
