"""One pixel, where the mail's reader loads it."""

import pytest

from lib.rewrite import rewrite

OWN = "https://track.example.com"
URL = f"{OWN}/o/token.gif"
MARKUP = f'<img src="{URL}" width="1" height="1" alt="" role="presentation" style="border:0;width:1px;height:1px">'


def with_pixel(html: str, url: str = URL) -> str:
    output = rewrite(html, "", mint=lambda index, _: f"{OWN}/c/{index}", pixel=url, own=OWN).html
    assert output is not None
    return output


@pytest.mark.parametrize(
    "html",
    [
        "<body><p>x</p>|</body></html>",
        "<body><p>x</p>|</BODY\n ></html>",
        "<p>x</p></body><p>more</p>|</body></html>",
        "<p>x</p>|</body><!-- </body> -->",
        "<p>x</p>|</body><!--[if mso]></body><![endif]-->",
        "<p>x</p>|</body><script>'</body>'</script>",
        "<p>x</p>|</body><p title='</body>'>",
        "<a href=x>x</a>|</body><a href=y>",
    ],
)
def test_it_stands_before_the_last_real_end_of_the_body(html: str) -> None:
    assert with_pixel(html.replace("|", "")) == html.replace("|", MARKUP)


@pytest.mark.parametrize("html", ["", "text", "<p>x</p>", "<body>x</html>", "<!-- </body> -->", "1 <"])
def test_it_stands_at_the_end_of_html_without_one(html: str) -> None:
    assert with_pixel(html) == html + MARKUP


@pytest.mark.parametrize(
    "html",
    [
        "<p>x</p>|<!-- never closed </p>",
        "<p>x</p>|<!--[if mso]><p>never closed",
        "<p>x</p>|<style>p{}",
        "<p>x</p>|<textarea></p>",
        "<p>x</p>|<script><!--<script></script>",
        "<p>x</p>|<plaintext>x",
        "<p>x</p>|<a href='x",
        "<p>x</p>|<a ",
        "<p>x</p>|</",
        "<p>x</p>|<!",
        "|<svg><![CDATA[x</svg>",
    ],
)
def test_it_stands_before_what_is_never_closed_and_would_swallow_it(html: str) -> None:
    assert with_pixel(html.replace("|", "")) == html.replace("|", MARKUP)


def test_it_is_not_put_in_a_second_time() -> None:
    assert with_pixel(with_pixel("<p>x</body>")) == with_pixel("<p>x</body>")


def test_it_is_recognized_though_its_url_is_escaped() -> None:
    url = f"{OWN}/o/token.gif?a=1&b=2"
    once = with_pixel("<p>x", url)
    assert "?a=1&amp;b=2" in once
    assert with_pixel(once, url) == once


def test_it_is_displayed_for_clients_do_not_load_what_is_not() -> None:
    assert "display" not in MARKUP
    assert "hidden" not in MARKUP


def test_its_markup_is_short() -> None:
    assert len(with_pixel("")) - len(URL) < 100


def test_a_mail_without_html_has_none() -> None:
    rewritten = rewrite(None, "text", mint=lambda index, _: f"{OWN}/c/{index}", pixel=URL, own=OWN)
    assert (rewritten.html, rewritten.text) == (None, "text")


def test_without_a_pixel_url_there_is_none() -> None:
    assert rewrite("<p>", "", mint=lambda index, _: f"{OWN}/c/{index}", pixel=None, own=OWN).html == "<p>"
