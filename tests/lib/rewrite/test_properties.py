"""What holds for every input, well-formed or not."""

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st
from turbohtml import TokenType, tokenize

from lib.rewrite import rewrite
from lib.rewrite.links import LinkRefused, destination, is_left_alone
from tests.support.rewriting import COMMON, LINKS, NEW, OLD, OUTLOOK, OWN, PIXEL, mint, put_back

QUOTED = (
    f"<a href='{OLD.link(3)}'>", f"<a href={OLD.link(4)}></a>", f"<a href='{OLD.link()[:-1]}'>",
    f"<area href={NEW.link(7)}>", f"<img src='{OLD.pixel}'>", f"<IMG SRC={OLD.pixel}?x >", "<img src=x>",
    f"<img alt='>' src='{OWN}/o/garbage.gif'>", f"<img src='{NEW.pixel}'>", OLD.pixel, OLD.link(5), "-",
    "Unsubscribe", "Abmelden: ", ":\n",
)  # fmt: skip
FOREIGN = ("<svg>", "</svg>", "<math>", "</math>", "<![CDATA[", "]]>")

fragments = st.lists(st.sampled_from(LINKS + COMMON), max_size=40).map("".join)
mails = st.lists(st.sampled_from(LINKS + COMMON + OUTLOOK + FOREIGN + ("Unsubscribe",)), max_size=40).map("".join)
quoting = st.lists(st.sampled_from(LINKS + COMMON + OUTLOOK + QUOTED), max_size=40).map("".join)
texts = st.lists(
    st.sampled_from((*"()[]<>.,:'\" \n", "https://example.com/a", "http://", f"{OWN}/c/1", "x", "é", "opt out")),
    max_size=30,
).map("".join)


def check(html: str | None, text: str | None) -> None:
    once = rewrite(html, text, mint=mint, pixel=PIXEL, own=OWN)
    twice = rewrite(once.html, once.text, mint=mint, pixel=PIXEL, own=OWN)
    assert (twice.html, twice.text) == (once.html, once.text)
    if html is not None:
        assert once.html is not None
        assert put_back(html, once.html) == html
        assert once.html.count(PIXEL) == 1


@given(mails, st.none() | texts)
@example("<a href=https://example.com/3>" * 2 + "<!--[if mso]>" + LINKS[0], None)
@example(f"<svg><![CDATA[{LINKS[0]}{LINKS[0]}", None)
@example(f"<p><math></body><![CDATA[{LINKS[0]}{LINKS[0]}", None)
def test_it_never_raises_changes_nothing_else_and_is_idempotent(html: str, text: str | None) -> None:
    check(html, text)


@given(st.text(), st.none() | st.text())
def test_the_same_holds_for_any_text_at_all(html: str, text: str | None) -> None:
    check(html, text)


@given(st.text(alphabet=st.characters(), max_size=30))
def test_any_address_can_stand_in_a_link(address: str) -> None:
    check(f'<a href="https://{address}">', f"https://{address}")
    check(f"<a href='https://example.com/{address}'>", f"https://example.com/{address}")


def followed_links(html: str) -> list[str]:
    """The destinations of the links that turbohtml's tokenizer finds."""
    destinations = []
    for token in tokenize(html):
        if token.type is TokenType.START_TAG and token.tag in ("a", "area") and token.attr("data-heed") != "off":
            address = token.attr("href") or ""
            with suppress(LinkRefused):
                destinations += [] if is_left_alone(address) else [destination(address)]
    return destinations


@given(fragments)
def test_it_finds_the_links_that_a_tokenizer_of_the_html_standard_finds(html: str) -> None:
    assert rewrite(html, "", mint=mint, pixel=None, own=OWN).links == followed_links(html)


@given(quoting, st.none() | quoting, st.booleans())
def test_a_second_pass_over_a_mail_that_quotes_ours_changes_nothing(
    html: str, text: str | None, honeypot: bool
) -> None:
    once = NEW.followed(html, text, honeypot=honeypot)
    twice = NEW.followed(once.html, once.text, honeypot=honeypot)
    assert (twice.html, twice.text, twice.honeypots) == (once.html, once.text, once.honeypots)


def without_scripts(html: str) -> str:
    """For turbohtml's tokenizer, to which `<noscript>` is text: where no script runs it is an element like others."""
    return html.replace("noscript>", "no-script>")


@given(quoting, quoting)
@example(f"<noscript><title></noscript>{QUOTED[0]}</title>{QUOTED[1]}<textarea></noscript>{QUOTED[0]}", "")
def test_nothing_that_tracks_is_left_in_a_mail_that_is_not_followed(html: str, text: str) -> None:
    unfollowed = NEW.unfollowed(html, text)
    assert NEW.unfollowed(*unfollowed) == unfollowed
    for token in tokenize(without_scripts(unfollowed[0] or "")):
        if token.type is TokenType.START_TAG and token.tag in ("a", "area", "img"):
            address = token.attr("src" if token.tag == "img" else "href") or ""
            tracks = (f"{OWN}/o/",) if token.tag == "img" else (OLD.link(3), OLD.link(4), NEW.link(7))
            assert not address.startswith(tracks)
