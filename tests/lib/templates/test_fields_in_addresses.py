"""Fields inside addresses are percent-encoded, in HTML and in text, so that a link leads where its author meant."""

from html import unescape
from html.parser import HTMLParser

import pytest

from lib.rewrite import rewrite
from lib.templates.merge import TextForm, parse, render

VALUE = "Miller & Co #1"
ENCODED = "Miller%20%26%20Co%20%231"
FIELD = "{{ recipient.name }}"


def rendered(source: str, form: TextForm, value: str = VALUE) -> str:
    return render(parse(source), {"recipient.name": value}, form)


@pytest.mark.parametrize(
    "address",
    [
        "https://e.example/?name=X&amp;x=1",
        "https://e.example/X/a",
        "https://e.example/a#X",
        "https://e.example/a?b=X#X",
        "HTTP://e.example?X",
        "mailto:rep@e.example?subject=X&amp;body=X",
        "/relative?name=X",
        "{{ org.name }}/path?name=X",
        "https://e.example/a b?name=X",
    ],
)
@pytest.mark.parametrize(
    "html",
    [
        '<a href="{}">Hi X</a>', "<a href='{}'>Hi X</a>", '<p title=">">X<img alt="X" src="{}">',
        '<!--[if mso]><v:rect HREF = "{}">X</v:rect><![endif]-->', '<td background="{}">X',
        "<style></style><svg></svg><a class='X' href=\n'{}'>X",
    ],
)  # fmt: skip
def test_a_field_in_an_address_of_the_html_is_encoded_and_elsewhere_escaped(html: str, address: str) -> None:
    shown = rendered(html.replace("{}", address).replace("X", FIELD), "html")

    expected = html.replace("X", "Miller &amp; Co #1").replace("{}", address.replace("X", ENCODED))
    assert shown == expected.replace("{{ org.name }}", "")


def test_an_address_without_quotes_is_encoded() -> None:
    assert rendered(f"<a href=https://e.example/?n={FIELD}>", "html") == f"<a href=https://e.example/?n={ENCODED}>"


@pytest.mark.parametrize("form", ["html", "text"])
def test_a_field_in_an_address_of_the_text_is_encoded(form: TextForm) -> None:
    source = f"Dear {FIELD}, see https://e.example/?name={FIELD}&x=1. Bye {FIELD}"

    shown = unescape(rendered(source, form))

    assert shown == f"Dear {VALUE}, see https://e.example/?name={ENCODED}&x=1. Bye {VALUE}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://e.example/a {}", "https://e.example/a Miller & Co #1"),
        ("https://e.example/a，{}", "https://e.example/a，Miller & Co #1"),
        ("https://e.example/a|{}", "https://e.example/a|Miller & Co #1"),
        ("https://e.example/{}{}", f"https://e.example/{ENCODED}{ENCODED}"),
        ("https://e.example/?a={}、{}", f"https://e.example/?a={ENCODED}、Miller & Co #1"),
        ("mailto:rep@e.example?subject={}", f"mailto:rep@e.example?subject={ENCODED}"),
        ("xhttps://e.example/{}", "xhttps://e.example/Miller & Co #1"),
        ("1 http {}", "1 http Miller & Co #1"),
    ],
)
def test_an_address_of_the_text_runs_as_far_as_its_link_will(source: str, expected: str) -> None:
    assert rendered(source.replace("{}", FIELD), "text") == expected


def test_the_link_leads_where_its_author_meant_in_both_parts() -> None:
    html = rendered(f'<a href="https://e.example/?name={FIELD}&amp;x=1">x</a>', "html")
    text = rendered(f"https://e.example/?name={FIELD}&x=1", "text")

    done = rewrite(
        html, text, mint=lambda index, _: f"https://t.example/c/{index}", pixel=None, own="https://t.example"
    )

    assert done.links == [f"https://e.example/?name={ENCODED}&x=1"]
    assert done.text == "https://t.example/c/0"


def test_a_default_is_encoded_like_a_value() -> None:
    source = "https://e.example/?n={{ recipient.name | default('a & b') }}"

    assert rendered(source, "text", "") == "https://e.example/?n=a%20%26%20b"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://acme.example/?a=1&b=2#c", "https://acme.example/?a=1&amp;b=2#c"),
        (" HTTPS://acme.example ", "HTTPS://acme.example"),
        ("mailto:a@acme.example", "mailto:a@acme.example"),
        ("tel:+43", "tel:+43"),
        ("acme.example/a:b", "acme.example/a:b"),
        ("/a?b=c:d", "/a?b=c:d"),
        ("javascript:alert(1)", ""),
        ("JavaScript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("\x01javascript:alert(1)", ""),
        ("\u200bjava\tscript\n:alert(1)", ""),
        ("data:text/html,x", ""),
        ("vbscript:x", ""),
        ("&#106;avascript:x", "&amp;#106;avascript:x"),
        ('"><script>', "&#34;&gt;&lt;script&gt;"),
    ],
)
@pytest.mark.parametrize("before", ["", " \n"])
def test_a_value_that_is_a_whole_address_stays_unless_it_could_do_harm(value: str, shown: str, before: str) -> None:
    assert rendered(f'<a href="{before}{FIELD}">', "html", value) == f'<a href="{before}{shown}">'


@pytest.mark.parametrize("name", ["href", "title", "width", "SRC"])
@pytest.mark.parametrize("value", ["x onclick=alert(1)", "x\nonclick=alert(1)", "x\t>", "\" 'x onclick=1", "/>x"])
def test_a_value_never_ends_the_attribute_in_which_it_stands(name: str, value: str) -> None:
    for quote in ("", '"', "'"):
        shown = rendered(f"<p {name}={quote}{FIELD}{quote} id=b>y</p>", "html", value)

        [(tag, attributes)] = _tags(shown)
        assert (tag, [each for each, _ in attributes]) == ("p", [name.lower(), "id"])
        if name in ("title", "width"):
            assert attributes[0][1] == value


def _tags(html: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    found: list[tuple[str, list[tuple[str, str | None]]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, attrs))

    Reader().feed(html)
    return found


@pytest.mark.parametrize("source", ["java{}", "{{ org.name }}{}", "java{}&#58;x"])
def test_a_scheme_cannot_be_put_together(source: str) -> None:
    shown = rendered(f"<a href='{source.replace('{}', FIELD)}'>", "html", "script:alert(1)")

    assert "script%3Aalert" in shown


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("mailto:{}", "ada@e.example", "mailto:ada@e.example"),
        (
            "mailto:{}?subject=x",
            "a&b@e.example?bcc=c@d.example",
            "mailto:a%26b@e.example%3Fbcc%3Dc@d.example?subject=x",
        ),
        ("tel:{}", "+43 (1) 234", "tel:+43%281%29234"),
        ("https://{}/x", "acme.example", "https://acme.example/x"),
        ("https://e.example/{}", "Grüße/a\n", "https://e.example/Gr%C3%BC%C3%9Fe%2Fa%0A"),
        ("https://e.example/{}", "\ud800", "https://e.example/%3F"),
    ],
)
def test_values_are_written_as_their_place_needs(source: str, value: str, expected: str) -> None:
    source = source.replace("{}", FIELD)
    assert rendered(source, "text", value) == expected
    assert rendered(f'<a href="{source}">', "html", value) == f'<a href="{expected}">'


def test_very_many_addresses_and_fields_take_no_time() -> None:
    many = "<a href='https://e.example/'>" * 5_000
    source = many + f"<a href='https://e.example/{FIELD}'>" * 450

    assert rendered(source, "html") == many + f"<a href='https://e.example/{ENCODED}'>" * 450
