"""A copy that is made by exchanging tokens holds the tokens of its recipient alone."""

from __future__ import annotations

import base64
import re

from hypothesis import example, given
from hypothesis import strategies as st

from lib.composing.bodies import Original, followed, followed_by_another
from lib.composing.files_in_mail import MailFiles
from lib.messages.models import Body
from lib.tokens import KeyRing, Purpose

RING = KeyRing.parse("k1:" + base64.urlsafe_b64encode(bytes(range(64))).decode())
MESSAGE = "ab" * 16
OWN = "https://heed.example"
PIECES = (
    *(
        '<a href="https://e.example/a">https://e.example/a</a>',
        "<a href=https://e.example/b>b</a>",
        "https://e.example/c",
    ),
    *(
        "more",
        "-x",
        "_",
        "<b>2</b>",
        "?q=1",
        "，",
        " ",
        ".",
        ")",
        "<p>",
        "<br>",
        "<!-- https://e.example/a -->",
        "k1" * 30,
    ),
)
TOKEN = re.compile(OWN + r"/(c|o)/([\w-]{54,})", re.ASCII)


def original(html: str | None, text: str | None) -> Original:
    files = MailFiles("acme", MESSAGE, [], RING, OWN)
    return Original("acme", MESSAGE, Body(html=html, text=text), files, True, RING, OWN)


def recipients_in(body: Body) -> set[int | None]:
    """The recipients whom the tokens of the body name; -1 for one that does not open."""
    found = set[int | None]()
    for kind, token in TOKEN.findall((body.html or "") + (body.text or "")):
        claim = RING.open(Purpose.OPEN if kind == "o" else Purpose.CLICK, token)
        found.add(claim.recipient if claim else -1)
    return found


bodies = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(bodies, st.none() | bodies)
@example(PIECES[0] + "more", None)
@example("https://e.example/?q=1" + PIECES[0], None)
@example(PIECES[0] * 2, None)
def test_no_copy_holds_a_token_of_another_recipient(html: str, text: str | None) -> None:
    first = followed(original(html, text), 0)
    other = followed_by_another(first, RING, 1)

    assert recipients_in(first.body) == {0}
    assert recipients_in(other) == {1}
    assert not any(token in (other.html or "") + (other.text or "") for token in first.minted)


@given(bodies)
@example("https://e.example/?q=1" + PIECES[0])
def test_no_destination_holds_a_token(html: str) -> None:
    assert not any(OWN in link for link in followed(original(html, None), 0).links)


@given(bodies, st.none() | bodies)
def test_a_copy_is_the_same_as_one_that_is_rewritten_by_itself(html: str, text: str | None) -> None:
    exchanged = followed_by_another(followed(original(html, text), 0), RING, 1)

    assert exchanged == followed(original(html, text), 1).body


ADA, BOB = "ada0" * 4, "b0b0" * 4


def addresses_in(body: Body) -> set[str | None]:
    """The hashes of addresses that the tokens of the body name."""
    opened = (
        RING.open(Purpose.OPEN if kind == "o" else Purpose.CLICK, token)
        for kind, token in TOKEN.findall((body.html or "") + (body.text or ""))
    )
    return {claim.address for claim in opened if claim}


@given(bodies, st.none() | bodies)
def test_each_copy_names_the_address_of_its_own_recipient(html: str, text: str | None) -> None:
    first = followed(original(html, text), 0, ADA)
    other = followed_by_another(first, RING, 1, BOB)

    assert addresses_in(first.body) == {ADA}
    assert addresses_in(other) == {BOB}
    assert other == followed(original(html, text), 1, BOB).body
