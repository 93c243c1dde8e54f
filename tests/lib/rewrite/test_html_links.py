"""Which links of the HTML are found, and where they are said to lead."""

import pytest

from lib.rewrite import rewrite

OWN = "https://track.example.com"


def mint(index: int, destination: str) -> str:
    return f"{OWN}/c/{index}"


def links(html: str) -> list[str]:
    return rewrite(html, "", mint=mint, pixel=None, own=OWN).links


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="{}">',
        "<a href='{}'>",
        "<a href={}>",
        "<a href={} >",
        "<A HREF={}>",
        "<a HrEf = {} class=x>",
        "<a\r\nhref\n=\t'\n{}\r\n '>",
        "<a/href='{}'/>",
        "<a title='>' href='{}'>",
        '<a title=\'"\' href="{}">',
        '<a title="<!--" href="{}">',
        "<a ='x' href='{}'>",
        "<a title=''href='{}'>",
        "<a x=y'z href={}>",
        "<a data-href=https://example.org/ href={}>",
        "<a href={} href=https://example.org/>",
        "<a href='{}' href>",
        "<area shape=rect href='{}'>",
        "<v:roundrect href='{}' fill=t>",
        "<V:RECT HREF='{}'/>",
        "<p title='<a href=https://example.org/>'><a href='{}'>",
        "<table><tr><td><a href='{}'>",
        "<noscript><a href='{}'></noscript>",
        "<svg><title><a href='{}'></title></svg>",
        "<svg><style/><a href='{}'>",
        "<svg><style><p></style><a href='{}'>",
        "1 < 2 <3 <> </> <a href='{}'>",
        "</a href='https://example.org/'><a href='{}'>",
        "<a href='{}' data-heed=on>",
    ],
)
def test_every_way_to_write_a_link(tag: str) -> None:
    assert links(tag.format("https://example.com/x")) == ["https://example.com/x"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("?a=1&ampb=2", "?a=1&ampb=2"),
        ("?a=1&amp", "?a=1&"),
        ("?b=1&copy=2", "?b=1&copy=2"),
        ("?b=1&copy2", "?b=1&copy2"),
        ("?b=1&copy", "?b=1%C2%A9"),
        ("?b=1&copy;=2", "?b=1%C2%A9=2"),
        ("?b=1&notit;", "?b=1&notit;"),
        ("?b=1&#38;c&#x3D;2&#47", "?b=1&c=2/"),
        ("?b=&quot;&#39;&lt;", "?b=\"'<"),
        ("?a=1&b=2&&c", "?a=1&b=2&&c"),
        ("?a=%26amp;&amp;amp;", "?a=%26amp;&amp;"),
    ],
)
@pytest.mark.parametrize("tag", ['<a href="https://example.com/{}">', "<a href='https://example.com/{}'>"])
def test_entities_are_decoded_as_browsers_do_it_in_attributes(tag: str, written: str, meant: str) -> None:
    assert links(tag.format(written)) == [f"https://example.com/{meant}"]


def test_quotes_of_the_other_kind_belong_to_the_value() -> None:
    assert links("""<a href='https://example.com/"a&amp;b"'><a href="https://example.com/'b'">""") == [
        'https://example.com/"a&b"',
        "https://example.com/'b'",
    ]


def test_every_occurrence_has_an_index_of_its_own_in_the_order_of_the_source() -> None:
    calls = []

    def noted(index: int, destination: str) -> str:
        calls.append((index, destination))
        return mint(index, destination)

    html = "<a href=https://b.example><a href=https://a.example><area href=https://b.example>"
    assert rewrite(html, "", mint=noted, pixel=None, own=OWN).links == [
        "https://b.example",
        "https://a.example",
        "https://b.example",
    ]
    assert calls == [(0, "https://b.example"), (1, "https://a.example"), (2, "https://b.example")]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ('<a href="https://example.com">', f'<a href="{OWN}/c/?a&amp;b&#39;&#34;&#62;&#32;c">'),
        ("<a href='https://example.com'>", f"<a href='{OWN}/c/?a&amp;b&#39;&#34;&#62;&#32;c'>"),
        ("<a href=https://example.com>", f"<a href={OWN}/c/?a&amp;b&#39;&#34;&#62;&#32;c>"),
    ],
)
def test_a_redirect_url_is_escaped_so_that_it_fits_any_quoting(tag: str, expected: str) -> None:
    awkward = f"{OWN}/c/?a&b'\"> c"
    assert rewrite(tag, "", mint=lambda *_: awkward, pixel=None, own=OWN).html == expected


def test_what_mint_raises_reaches_the_caller() -> None:
    def broken(index: int, destination: str) -> str:
        raise RuntimeError("no key")

    with pytest.raises(RuntimeError, match="no key"):
        rewrite("<a href=https://example.com>", None, mint=broken, pixel=None, own=OWN)
