"""Mails with very many links: the first 2,000 are followed; what is ours of older mail goes from all of it."""

from __future__ import annotations

from itertools import count

import pytest

from lib.rewrite import Opened, Rewritten, cleaned, rewrite
from lib.rewrite.markup import MOST_LINKS

OWN = "https://track.example.com"
TOKEN = "k1" + "t" * 60
PIXEL = f"{OWN}/o/{'p' * 60}.gif"


def open_token(kind: str, token: str) -> Opened | None:
    return Opened("https://example.com/older", is_this_mail=False) if token == TOKEN else None


def rewritten(html: str | None, text: str | None = None) -> Rewritten:
    return rewrite(
        html,
        text,
        mint=lambda number, _: f"{OWN}/c/{number}",
        pixel=PIXEL,
        own=OWN,
        open_token=open_token,
        honeypot=html is not None,
    )


def links(number: int) -> str:
    return "".join(f'<a href="https://example.com/{each}">x</a>' for each in range(number))


def test_two_thousand_links_are_all_followed() -> None:
    done = rewritten(links(MOST_LINKS))

    assert done.html is not None
    assert done.html.count('<a href="https://example.com/') == 0
    assert len(done.links) - len(done.honeypots) == MOST_LINKS
    assert [remark.code for remark in done.remarks] == []


def test_those_after_the_first_two_thousand_stay_direct_and_a_remark_says_so() -> None:
    done = rewritten(links(5_000))

    assert done.html is not None
    assert done.html.count(f'"{OWN}/c/') == MOST_LINKS + 1
    assert done.html.count('<a href="https://example.com/') == 3_000
    assert len(done.links) - len(done.honeypots) == MOST_LINKS
    [remark] = [remark for remark in done.remarks if remark.code == "too-many-links"]
    assert "2,000" in remark.text
    assert done.text is not None
    assert done.text.count("<https://example.com/") == 3_000


@pytest.mark.parametrize("number", [1_999, 2_000, 2_001, 2_500])
def test_text_alone_is_held_to_the_same_number(number: int) -> None:
    done = rewritten(None, "".join(f"https://example.com/{each} \n" for each in range(number)))

    assert done.text is not None
    assert done.text.count(f"{OWN}/c/") == min(number, MOST_LINKS)
    assert bool(done.remarks) == (number > MOST_LINKS)


def test_addresses_of_a_text_that_cannot_be_followed_count_too() -> None:
    refused = "http://user@example.com/ " * MOST_LINKS
    done = rewritten(None, f"https://example.com/first {refused}https://example.com/last")

    assert done.text is not None
    assert done.links == ["https://example.com/first"]
    assert done.text.endswith(f" {refused}https://example.com/last")
    assert "too-many-links" in {remark.code for remark in done.remarks}


def test_what_is_ours_of_older_mail_goes_after_very_many_addresses_of_a_text() -> None:
    before = "http://user@example.com/ " * (MOST_LINKS + 1)
    _, text = cleaned(None, f"{before}{OWN}/c/{TOKEN} {OWN}/o/{TOKEN}.gif.", own=OWN, open_token=open_token)

    assert text == f"{before}https://example.com/older ."


def test_a_text_made_of_links_with_their_addresses_for_words_leaves_none_out() -> None:
    shown = [f"https://example.com/{number}" for number in range(1_500)]
    done = rewritten("".join(f"<a href={each}>See {each}</a>\n" for each in shown), None)

    assert done.text is not None
    assert done.text.count(f"{OWN}/c/") == 3_000
    assert "too-many-links" not in {remark.code for remark in done.remarks}


def test_a_second_pass_over_it_changes_nothing() -> None:
    numbers = count()
    minted: dict[str, str] = {}

    def mint(number: int, destination: str) -> str:
        next(numbers)
        return minted.setdefault(f"{number} {destination}", f"{OWN}/c/{number}")

    first = rewrite(links(3_000), None, mint=mint, pixel=PIXEL, own=OWN)
    second = rewrite(first.html, None, mint=mint, pixel=PIXEL, own=OWN)

    assert second.html == first.html


@pytest.mark.parametrize("around", ["{}", "<svg>{}</svg>", "<math>{}", "<!--[if mso]>{}<![endif]-->", "x<{}"])
@pytest.mark.parametrize("before", [links(2_500), links(2_001) + "<p>word " * 500, "<img src=x>" * 2_500])
def test_what_is_ours_of_older_mail_goes_after_that_too(before: str, around: str) -> None:
    ours = (
        f'<a href="{OWN}/c/{TOKEN}">old</a> <a href=https://other.example/x>new</a>'
        f'<img src="{OWN}/o/{TOKEN}.gif"><img src=y.png>'
    )
    html, _ = cleaned(before + around.format(ours), None, own=OWN, open_token=open_token)

    direct = '<a href="https://example.com/older">old</a> <a href=https://other.example/x>new</a>'
    assert html == before + around.format(direct + "<img src=y.png>")


def test_the_pixel_stands_before_the_end_of_the_body_after_very_many_links() -> None:
    done = rewritten(f"<body>{links(2_500)}<!-- </body> --><style></body></style></body></html>")

    assert done.html is not None
    place = done.html.index(PIXEL)
    assert done.html.index("</style>") < place < done.html.rindex("</body>")
