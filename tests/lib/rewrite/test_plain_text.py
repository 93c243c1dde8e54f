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


@pytest.mark.parametrize("path", ["straße", "a|b", "京都", "{x}"])
def test_an_address_in_other_letters_stays_whole(path: str) -> None:
    off = f"<a href='https://example.com/{path}' data-heed=off>Opt out</a>"
    assert text_of(off).startswith("Opt out <https://example.com/")
    assert "/c/" not in text_of(off)
    assert not set("ß|京都{") & set(text_of(off))
    twice = f"<a href='https://example.com/{path}'>https://example.com/{path}</a>"
    assert text_of(twice.replace("{x}", "x")) == f"{OWN}/c/0\n"


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


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ol start=5><li>a</ol><div hidden>no</div><template>no</template>", "5. a"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ol><li>a<li value=7>b<li>c</ol>", "1. a\n7. b\n8. c"),
        ("<ol><li>a<ol start='3'><li>b</li></ol><li>c</ol>", "1. a\n\n3. b\n\n2. c"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol>", "1. a\n\n* b\n\n2. c"),
        ("<ul><li>a</ul><ol><li>b</ol><li>c", "* a\n\n1. b\n\n* c"),
        ("<ol reversed><li>a<li>b<ul><li>x</ul><li>c</ol>", "3. a\n2. b\n\n* x\n\n1. c"),
        ("<ol><li>x</ol><OL REVERSED start=10><li>a<li>b</ol>", "1. x\n\n10. a\n9. b"),
        ("<ol start=-1><li>a<li>b<li>c</ol>", "-1. a\n0. b\n1. c"),
        ("<ol start=many><li value=''>a</ol>", "1. a"),
        ("<ol start=99999999999999999999><li>a</ol>", "1. a"),
        ("</ol></ul><ol><li>a</ol></ol><ol><li>b</ol>", "1. a\n\n1. b"),
    ],
)
def test_items_of_a_list_have_the_numbers_that_readers_see(html: str, expected: str) -> None:
    assert text_of(html) == expected + "\n"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("Call <a href='tel:+4312345'>us</a>.", "Call us <tel:+4312345>."),
        ("<a href='tel:+4312345'>+43 (1) 23-45</a>!", "+43 (1) 23-45!"),
        ("<a href='TEL:+43 1 2345'>Rita</a>", "Rita <TEL:+4312345>"),
        ("<a href='tel:+4312345'><img src=x alt=''></a>", "<tel:+4312345>"),
    ],
)
def test_telephone_numbers_are_shown_once(html: str, expected: str) -> None:
    assert text_of(html) == expected + "\n"


@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden>no</div>",
        "<DIV HIDDEN=''>no<div>no</div>no</DIV>",
        "<span hidden=until-found>no <b>no</b></span>",
        "<template><p>no</p></template>",
        "<div style='display:none'>no</div>",
        "<div style='display: none !important; mso-hide:all'>no</div>",
        '<div style="color:red;DISPLAY:NONE">no<br>no<table><tr><td>no</table>no</div>',
        "<div style='display:block;display:none'>no</div>",
        "<p hidden>no",
        "<p style=display:none>no<b>no",
        "<br hidden><img alt=no style='display:none'>",
        "<table hidden><tr><td>no<table><tr><td>no</table></table>",
        "<div><span style='display:none'>no</div>",
        "<div style='max-height:0;display:none'>preview&nbsp;&zwnj;&nbsp;&#847;&nbsp;&#8203;</div>",
        "<noscript><p hidden>no</noscript>",
    ],
)
def test_what_is_hidden_is_no_text(hidden: str) -> None:
    assert text_of(f"<p>before</p>{hidden}<p>after</p>") == "before\n\nafter\n"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ul><li>a<li hidden>no<ul><li>no</ul>no<li>b</ul>", "* a\n* b"),
        ("<ol><li>a<li hidden>no<li>b</ol>", "1. a\n2. b"),
        ("<ul><li hidden>no</ul>after", "after"),
        ("<table><tr><td>a<td hidden>no<table><tr><td>no</table>no<td>b</table>", "a b"),
        ("<table><tr hidden><td>no<tr><td>a</table>", "a"),
        ("<table><tr><td><div hidden>no</td><td>a</table>", "a"),
        ("<table><tr><td hidden>no</table>after", "after"),
        ("<div style='mso-hide:all'>a</div>", "a"),
        ("<div style='display:none;display:block'>a</div>", "a"),
        ("<div style='max-display:none'>a</div>", "a"),
        ("<div title=' hidden '>a</div>", "a"),
        ("<div data-hidden>display:none</div>", "display:none"),
        ("<input type=hidden>a", "a"),
    ],
)
def test_what_is_beside_it_and_what_only_looks_hidden_is_text(html: str, expected: str) -> None:
    assert text_of(html) == expected + "\n"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<noscript>a &amp; b</noscript>", "a & b"),
        ("<noscript><p>a</p><a href='https://example.com/'>b</a></noscript>c", f"a\n\nb <{OWN}/c/0>c"),
        ("<noscript><title>x</noscript>after", "after"),
        ("<noscript><style>x</style>a</noscript>", "a"),
        ("<noscript>a", "a"),
    ],
)
def test_a_reader_without_scripts_sees_what_stands_for_them(html: str, expected: str) -> None:
    assert text_of(html) == expected + "\n"


@pytest.mark.parametrize(
    "filling",
    ["&#847;&zwnj;&nbsp;&#8199;&shy;", "&#8203;", "&zwnj;&nbsp;", "&#65279;&#847;", "&zwj;&nbsp;", "&#10240;"],
)
def test_what_fills_the_preview_of_inboxes_is_no_text(filling: str) -> None:
    assert text_of(f"<div>Hi {filling * 50}</div><p>there") == "Hi\n\nthere\n"
