"""What older mail of ours has left in a mail that quotes it is taken out before the mail is sent."""

import pytest

from tests.support.rewriting import NEW, OLD, OWN, SHOP, Mail


@pytest.mark.parametrize(
    "older", [OLD, Mail("c" * 32, organization="globex"), Mail("d" * 32, base="http://old.example/x")]
)
def test_a_link_of_older_mail_is_followed_to_where_it_led(older: Mail) -> None:
    rewritten = NEW.followed(f"<p>Hi</p><blockquote><a href='{older.link(7)}'>x</a></blockquote>")

    assert rewritten.links == [SHOP]
    assert rewritten.html is not None
    assert f"<a href='{NEW.link(0)}'>x</a>" in rewritten.html
    assert older.link(7) not in rewritten.html


def test_new_links_and_older_ones_count_in_the_order_of_the_source() -> None:
    html = f"<a href=https://a.example/><a href={OLD.link(0)}><a href=https://c.example/>"
    assert NEW.followed(html).links == ["https://a.example/", SHOP, "https://c.example/"]


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="{}">',
        "<A class=x HREF = ' {}\r\n' >",
        "<a href={}>",
        "<area href='{}'></a>",
        "<!--[if mso]><v:roundrect href='{}'></v:roundrect><![endif]-->",
        "<!--[if mso]><a href='{}'>x</a><![endif]-->",
        "<![if !mso]><a href='{}'>x</a><![endif]>",
    ],
)
def test_a_link_of_older_mail_leads_directly_in_mail_that_is_not_followed(tag: str) -> None:
    html, _ = NEW.unfollowed(f"<p>\r\n{tag.format(OLD.link())}</p>\r\n")
    direct = (
        tag.format("https://shop.example/?a=1&amp;b=2").replace(" https", "https").replace("&amp;b=2\r\n", "&amp;b=2")
    )
    assert html == f"<p>\r\n{direct}</p>\r\n"


@pytest.mark.parametrize(
    ("written", "rewritten"),
    [("https://", "https:&#x2F;&#x2F;"), ("https://track", "HTTPS://TRACK"), ("https", "http"), ("/c/", "&#47;c&#47;")],
)
def test_a_link_is_known_however_a_mail_program_has_written_it(written: str, rewritten: str) -> None:
    address = OLD.link().replace(written, rewritten)
    assert NEW.followed(f'<a href="{address}">x</a>').links == [SHOP]


def test_what_was_appended_to_a_link_is_no_part_of_where_it_led() -> None:
    assert NEW.followed(f'<a href="{OLD.link()}?utm_source=x&amp;y#z">x</a>').links == [SHOP]


def test_a_link_of_ours_that_cannot_be_opened_is_left_as_it_is() -> None:
    damaged = OLD.link()[:-1]
    html, text = f'<a href="{damaged}">x</a>', f"See {damaged} and {OWN}/c/"

    assert NEW.unfollowed(html, text) == (html, text)
    assert NEW.followed(html, text).links == []


@pytest.mark.parametrize("path", ["i/token/a.png", "a/token/a.pdf", "p/token"])
def test_other_addresses_of_ours_stay(path: str) -> None:
    html = f'<a href="{OWN}/{path}">x</a><img src="{OWN}/{path}">'
    assert NEW.unfollowed(html, f"{OWN}/{path}") == (html, f"{OWN}/{path}")


def test_a_link_of_older_mail_that_is_marked_off_leads_directly() -> None:
    rewritten = NEW.followed(f"<a data-heed=off href={OLD.link()}>x</a>", SHOP)
    assert rewritten.html is not None
    assert rewritten.html.startswith("<a data-heed=off href=https://shop.example/?a=1&amp;b=2>x</a>")
    assert (rewritten.text, rewritten.links) == (SHOP, [])


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="{}" width="1" height="1" alt="" role="presentation" style="border:0;width:1px;height:1px">',
        "<img src='{}'>",
        "<IMG\r\nheight=0 style='display:none' border=0 SRC = {} >",
        '<img alt="a>b" class="x" src="{}" />',
        '<img src=" {} ">',
        '<img src="{}?a=1&amp;b=2">',
        '<img src="https://lh3.googleusercontent.com/meips/AbC=s0-d-e1-ft#{}">',
        "<image src='{}'>",
        "<img src='{}' src='https://example.com/logo.gif'>",
    ],
)
@pytest.mark.parametrize(
    "place", ["<p>a{}b</p>", "<!--[if mso]><p>{}</p><![endif]-->", "<table><tr>{}", "<noscript>{}"]
)
def test_a_pixel_of_older_mail_goes_with_its_whole_tag(tag: str, place: str) -> None:
    html, _ = NEW.unfollowed(place.format(tag.format(OLD.pixel)))
    assert html == place.format("")


@pytest.mark.parametrize(
    "address",
    [
        OLD.pixel.replace("/", "&#x2F;"),
        OLD.pixel.replace("https://track", "HTTP://TRACK"),
        Mail("d" * 32, base="https://old.example/heed").pixel,
        Mail("c" * 32, organization="globex").pixel,
        "https://proxy.example/?url=" + OLD.pixel.replace("/", "%2F").replace(":", "%3A") + "&amp;width=1",
        f"{OWN}/o/garbage.gif",
        f"{OWN.upper()}/o/",
    ],
)
def test_a_pixel_is_known_however_a_mail_program_has_written_it(address: str) -> None:
    assert NEW.unfollowed(f'<p><img src="{address}"></p>') == ("<p></p>", None)


@pytest.mark.parametrize(
    "html",
    [
        "<img src='https://example.com/o/logo.gif'>",
        f"<img src='{OWN}/logo.gif'>",
        f"<img alt='{OLD.pixel}'>",
        f"<img data-src='{OLD.pixel}'>",
        f"<p title='<img src={OLD.pixel}>'>",
        f"<!-- <img src={OLD.pixel}> -->",
        f"<textarea><img src={OLD.pixel}></textarea>",
        f"<img src='{OLD.pixel}'",
        f"<imgs src='{OLD.pixel}'>",
    ],
)
def test_what_is_no_pixel_of_ours_stays(html: str) -> None:
    assert NEW.unfollowed(html) == (html, None)


def test_all_else_stays_byte_for_byte() -> None:
    quoted = OLD.followed('\ufeff<P>é&nbsp;&copy\r\n<a  HREF="https://x.example/"\n>x</a>\0</P>').html
    html, _ = NEW.unfollowed(f"<p>My answer</p>\r\n<blockquote>{quoted}</blockquote>")
    assert html == (
        '<p>My answer</p>\r\n<blockquote>\ufeff<P>é&nbsp;&copy\r\n<a  HREF="https://x.example/"\n>x</a>\0</P></blockquote>'
    )


@pytest.mark.parametrize("before", ["<", "<!--[if mso]>--", "&"])
def test_what_stands_on_both_sides_of_a_pixel_does_not_become_one(before: str) -> None:
    after = "amp;a href=https://x.example>"
    assert NEW.unfollowed(f"{before}<img src={OLD.pixel}>{after}")[0] == f"{before} {after}"


def test_the_quoting_mail_has_one_pixel_and_it_is_its_own() -> None:
    html = NEW.followed(f"<body><p>x</p>{OLD.followed('<p>y</p>').html}</body>").html
    assert html is not None
    assert html.count("<img") == html.count(NEW.pixel) == 1


@pytest.mark.parametrize("written", [NEW.pixel.replace("/", "&#x2F;"), f"\r\n{NEW.pixel} ", NEW.pixel])
def test_a_pixel_of_the_very_mail_stays_as_it_is_and_there_is_no_second_one(written: str) -> None:
    html = f'<p><img src="{written}"></p>'
    assert NEW.followed(html).html == html


def test_an_empty_link_of_older_mail_goes_whole_for_it_may_be_a_honeypot_without_its_attributes() -> None:
    html = f"<p>a<a href='{OLD.link()}' target=_blank> </A\n>b <a href='{OLD.link()}'><b></b></a></p>"
    assert NEW.unfollowed(html)[0] == "<p>ab <a href='https://shop.example/?a=1&amp;b=2'><b></b></a></p>"


def test_an_empty_link_that_is_not_ours_stays() -> None:
    html = '<a href="https://example.com/" aria-hidden="true" tabindex="-1"></a>'
    assert NEW.unfollowed(html)[0] == html


def test_older_links_of_the_text_are_followed_and_pixels_go() -> None:
    text = f"See {OLD.link()}.\r\n> <{OLD.link(3, 'https://b.example/')}> [{OLD.pixel}] {OWN}/o/garbage.gif, bye"
    rewritten = NEW.followed(None, text)

    assert rewritten.text == f"See {NEW.link(0)}.\r\n> <{NEW.link(1, 'https://b.example/')}> [] , bye"
    assert rewritten.links == [SHOP, "https://b.example/"]
    assert NEW.unfollowed(None, text)[1] == f"See {SHOP}.\r\n> <https://b.example/> [] , bye"


def test_an_older_link_of_the_text_shares_the_index_of_the_link_of_the_html_that_leads_there() -> None:
    rewritten = NEW.followed(f"<a href=https://a.example/><a href={OLD.link()}>", f"{OLD.link()} {SHOP}")
    assert rewritten.text == f"{NEW.link(1)} {NEW.link(1)}"


def test_the_text_made_from_the_html_has_the_new_links() -> None:
    html = f"<a href='{OLD.link()}'>x</a> <a href='{OLD.link()}'>y</a><img src={OLD.pixel}>"
    assert NEW.followed(html, None).text == f"x <{NEW.link(0)}> y <{NEW.link(1)}>\n"


@pytest.mark.parametrize("honeypot", [False, True])
def test_a_second_pass_over_the_same_mail_changes_nothing_and_still_knows_the_links(honeypot: bool) -> None:
    html = (
        "<body><a href=https://a.example/>a</a><a href='https://a.example/'></a><a data-heed=off href=https://b.example>"
        f"b</a>{OLD.followed('<a href=https://c.example/>c</a>', honeypot=True).html}</body>"
    )
    once = NEW.followed(html, None, honeypot=honeypot)
    twice = NEW.followed(once.html, once.text, honeypot=honeypot)

    assert twice == once
    assert [*once.links, once.honeypots] == [
        *["https://a.example/", "https://a.example/", "https://c.example/"],
        *(["https://a.example/", [3]] if honeypot else [[]]),
    ]


def test_links_added_to_a_mail_after_a_first_pass_get_indexes_of_their_own() -> None:
    once = NEW.followed("<a href=https://a.example/>a</a>")
    twice = NEW.followed(f"<a href=https://new.example/>new</a>{once.html}")

    assert twice.links == ["https://new.example/", "https://a.example/"]
    assert twice.html is not None
    assert twice.html.count(NEW.pixel) == 1


def test_a_mail_that_is_not_followed_after_all_keeps_nothing_of_a_first_pass() -> None:
    html = "<p>x <a href='https://a.example/'>a</a></p>"
    once = NEW.followed(html, "See https://a.example/", honeypot=True)
    assert NEW.unfollowed(once.html, once.text) == (html, "See https://a.example/")
