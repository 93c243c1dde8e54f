"""A mail that has only HTML gets a text that says the same."""

import pytest

from lib.rewrite import rewrite

OWN = "https://track.example.com"


def text_of(html: str) -> str:
    text = rewrite(html, None, mint=lambda index, _: f"{OWN}/c/{index}", pixel=f"{OWN}/o/x.gif", own=OWN).text
    assert text is not None
    return text


def test_a_link_stands_after_its_words() -> None:
    assert text_of('See <a href="https://example.com/">our <b>offer</b></a>, please.') == (
        f"See our offer <{OWN}/c/0>, please.\n"
    )


def test_a_picture_is_its_alternative_text() -> None:
    assert text_of('<a href="https://example.com/"><img src=x alt="Our shop"></a>') == f"Our shop <{OWN}/c/0>\n"


@pytest.mark.parametrize("words", ["https://example.com/", "https://example.com", "https://<b>example</b>.com/"])
def test_a_link_whose_words_are_its_address_appears_once(words: str) -> None:
    assert text_of(f'<p>x</p><a href="https://example.com/">{words}</a>.') == f"x\n\n{OWN}/c/0.\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(
            ("", "more"),
            ("", "-x"),
            ("", "<b>2</b>"),
            ("", "_"),
            ("", "，那里"),
            ("", "…more"),
            ("", "<a href=/>top</a>"),
        ),
        *(("https://example.com/x", ""), ("https://example.com/?q=1", ""), ("word", ""), ("–", "–")),
    ],
)
def test_an_address_that_is_its_own_words_is_set_apart_from_words_beside_it(before: str, after: str) -> None:
    text = text_of(f'{before}<a href="https://example.com/y">https://example.com/y</a>{after}')
    assert f"{OWN}/c/0" in text.split()


@pytest.mark.parametrize("written", ["({}).", "“{}”, ", "{}.", "{}!?", "<p>{}</p>,", "«{}»"])
def test_punctuation_beside_an_address_stays_beside_it(written: str) -> None:
    text = text_of(written.format('<a href="https://example.com/y">https://example.com/y</a>'))
    assert written.removeprefix("<p>").removesuffix("</p>,").format(f"{OWN}/c/0").strip() in text


def test_an_address_that_is_no_link_is_rewritten_too() -> None:
    assert text_of("See https://example.com/.") == f"See {OWN}/c/0.\n"


def test_mail_addresses_are_shown_and_anchors_are_not() -> None:
    html = "<a href='mailto:a@example.com'>a@example.com</a> <a href='mailto:b@example.com'>b</a> <a href='#c'>c</a>"
    assert text_of(html) == "a@example.com b <mailto:b@example.com> c\n"


def test_a_link_marked_off_stays_direct() -> None:
    html = "<a href='https://example.com/off' data-heed=off>Opt out</a>"
    assert text_of(html) == "Opt out <https://example.com/off>\n"


def test_a_link_that_is_refused_stays_direct_and_is_remarked_once() -> None:
    html = "<a href='https://u@example.com/'>x</a>"
    rewritten = rewrite(html, None, mint=lambda *_: OWN, pixel=None, own=OWN)
    assert rewritten.text == "x <https://u@example.com/>\n"
    assert [remark.place for remark in rewritten.remarks] == ["html line 1, column 10"]


def test_neighbouring_links_are_kept_apart() -> None:
    html = "<a href=https://a.example>a</a><a href=https://b.example>b</a>"
    assert text_of(html) == f"a <{OWN}/c/0> b <{OWN}/c/1>\n"


def test_layout_tables_become_lines_and_cells_of_a_row_share_one() -> None:
    html = "<table><tr><td><table><tr><td>Item</td><td>Price</td></tr><tr><td>Tea<td>5</table></td></tr></table>"
    assert text_of(html) == "Item Price\nTea 5\n"


def test_paragraphs_lists_and_line_breaks() -> None:
    html = "<h1>Hello</h1>\n<p>one<br>two<br><br>three</p><ul>\n<li>a</li><li>b</ul><div>c</div><div><div>d</div></div>"
    assert text_of(html) == "Hello\n\none\ntwo\n\nthree\n\n* a\n* b\n\nc\nd\n"


def test_what_nobody_sees_is_no_text() -> None:
    html = (
        "<head><title>x</title><style>x</style></head><script>x</script><!-- x --><!--[if mso]>x<![endif]-->"
        "Hi &amp; hello &nbsp;&zwnj;&nbsp;&zwnj;&nbsp;\n  there<textarea>x</textarea>"
    )
    assert text_of(html) == "Hi & hello there\n"


def test_a_text_that_is_given_is_not_replaced_even_if_it_is_empty() -> None:
    assert rewrite("<p>x", "", mint=lambda *_: OWN, pixel=None, own=OWN).text == ""


def test_the_text_of_nothing_is_an_empty_line() -> None:
    assert text_of("") == "\n"
