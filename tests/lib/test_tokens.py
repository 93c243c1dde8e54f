"""Tokens say what was sealed into them, for their purpose, to whoever has the key; and nothing otherwise."""

import base64
import os
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.tokens import LONGEST, Claim, KeyRing, Purpose

RING = KeyRing({"k1": bytes(range(64))})
CLAIM = Claim("acme", "0123456789abcdef" * 2, 3, 7, "https://example.com/a?b=1&c=2")
BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"

claims = st.builds(
    Claim,
    organization=st.from_regex(r"[a-z][a-z0-9]{2,31}", fullmatch=True),
    message=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    recipient=st.none() | st.integers(0, 499),
    item=st.integers(0, 0xFFFF),
    destination=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=2048),
    address=st.none() | st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
)
purposes = st.sampled_from([Purpose.OPEN, Purpose.CLICK])


def entry(key_id: str, byte: int) -> str:
    return f"{key_id}:{base64.urlsafe_b64encode(bytes([byte]) * 64).decode().rstrip('=')}"


@given(purposes, claims)
def test_a_token_says_what_was_sealed_into_it(purpose: Purpose, claim: Claim) -> None:
    token = RING.mint(purpose, claim)
    assert RING.open(purpose, token) == claim
    assert len(token) <= LONGEST
    assert set(token) <= set(BASE64URL)


@given(purposes, claims)
def test_the_same_claim_gives_the_same_token(purpose: Purpose, claim: Claim) -> None:
    assert RING.mint(purpose, claim) == KeyRing({"k1": bytes(range(64))}).mint(purpose, claim)


EARLIER = "k1XNAb_twJWYtF7X9JqfjNZeycUAUx6XscwoH7dzi7_bvXl-Zm2dks4PLl3fvgaARNGiO6e-LJbGNpmqwQpOVcyfYGL7ETHg"
"""The token of `CLAIM`, as a release made it whose tokens named no address."""


def test_a_token_of_an_earlier_release_still_opens() -> None:
    assert RING.open(Purpose.CLICK, EARLIER) == CLAIM


def test_without_an_address_the_token_is_one_that_an_earlier_release_can_open() -> None:
    assert RING.mint(Purpose.CLICK, CLAIM) == EARLIER


def test_with_an_address_it_is_another_token_that_says_the_same_beside_it() -> None:
    token = RING.mint(Purpose.CLICK, CLAIM._replace(address="0123456789abcdef"))

    assert token != EARLIER
    assert RING.open(Purpose.CLICK, token) == CLAIM._replace(address="0123456789abcdef")


def test_other_claims_give_other_tokens_and_a_token_shows_nothing_of_its_claim() -> None:
    destinations = [f"https://example.com/{number}" for number in range(100)]
    tokens = {RING.mint(Purpose.CLICK, Claim("acme", "0" * 32, 0, 0, each)) for each in destinations}
    assert len(tokens) == 100
    for token in tokens:
        assert b"example" not in base64.urlsafe_b64decode(token[2:] + "==")


@pytest.mark.parametrize("purpose", [Purpose.OPEN, Purpose.ANSWER])
def test_a_token_opens_for_its_own_purpose_alone(purpose: Purpose) -> None:
    token = RING.mint(Purpose.CLICK, CLAIM)
    assert RING.open(purpose, token) is None
    assert RING.unseal(purpose, token) is None


def test_a_token_with_any_bit_flipped_is_none() -> None:
    token = RING.mint(Purpose.CLICK, CLAIM)
    sealed = base64.urlsafe_b64decode(token[2:] + "=" * (-len(token[2:]) % 4))
    for place in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[place // 8] ^= 1 << place % 8
        assert RING.open(Purpose.CLICK, token[:2] + base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()) is None


def test_a_token_with_any_character_changed_is_none() -> None:
    for recipient in range(3):  # of three lengths, so that the last character carries 6, 4 and 2 bits
        token = RING.mint(Purpose.CLICK, Claim("acme", "0" * 32, recipient, 0, "https://e.com/" + "x" * recipient))
        for place in range(len(token)):
            for other in BASE64URL:
                if other != token[place]:
                    assert RING.open(Purpose.CLICK, token[:place] + other + token[place + 1 :]) is None


def test_a_token_cut_short_anywhere_is_none() -> None:
    token = RING.mint(Purpose.CLICK, CLAIM)
    assert [RING.open(Purpose.CLICK, token[:length]) for length in range(len(token))] == [None] * len(token)


@pytest.mark.parametrize("more", ["A", "AA", "AAAA", "=", "==", "===", ".", " ", "\n", "\0", "é", "\ud800"])
def test_a_token_with_something_added_is_none(more: str) -> None:
    token = RING.mint(Purpose.CLICK, CLAIM)
    for changed in (token + more, more + token, token[:2] + more + token[2:], token[:9] + more + token[9:]):
        assert RING.open(Purpose.CLICK, changed) is None


def test_a_token_in_the_other_alphabet_of_base64_is_none() -> None:
    token = next(
        token
        for number in range(100)
        if {"-", "_"} <= set(token := RING.mint(Purpose.OPEN, Claim("acme", f"{number:032x}")))
    )
    assert RING.open(Purpose.OPEN, token)
    assert RING.open(Purpose.OPEN, token.replace("-", "+").replace("_", "/")) is None


@given(st.text())
def test_any_other_text_is_none(text: str) -> None:
    assert RING.open(Purpose.OPEN, text) is None
    assert RING.open(Purpose.OPEN, "k1" + text) is None


def test_a_token_that_is_longer_than_any_of_ours_is_none() -> None:
    long = RING.mint(Purpose.CLICK, Claim("acme", "0" * 32, 0, 0, "https://example.com/" + "x" * 4000))
    assert len(long) > LONGEST
    assert RING.open(Purpose.CLICK, long) is None


def test_another_deployments_token_is_none() -> None:
    other = KeyRing({"k1": os.urandom(64)})
    assert RING.open(Purpose.CLICK, other.mint(Purpose.CLICK, CLAIM)) is None


def test_an_old_keys_token_opens_until_the_key_is_taken_off_the_ring() -> None:
    before = KeyRing.parse(entry("k1", 1))
    rotated = KeyRing.parse(f"{entry('k2', 2)},{entry('k1', 1)}")
    after = KeyRing.parse(entry("k2", 2))
    old = before.mint(Purpose.CLICK, CLAIM)
    assert rotated.open(Purpose.CLICK, old) == CLAIM
    assert after.open(Purpose.CLICK, old) is None


def test_the_first_key_of_the_ring_seals() -> None:
    rotated = KeyRing.parse(f"{entry('k2', 2)},{entry('k1', 1)}")
    new = rotated.mint(Purpose.CLICK, CLAIM)
    assert KeyRing.parse(entry("k2", 2)).open(Purpose.CLICK, new) == CLAIM
    assert KeyRing.parse(entry("k1", 1)).open(Purpose.CLICK, new) is None


def test_a_key_under_another_id_is_another_key() -> None:
    token = KeyRing.parse(entry("k1", 1)).mint(Purpose.CLICK, CLAIM)
    assert KeyRing.parse(entry("k2", 1)).open(Purpose.CLICK, token) is None


@given(st.binary())
def test_what_is_sealed_is_unsealed(plain: bytes) -> None:
    assert RING.unseal(Purpose.ANSWER, RING.seal(Purpose.ANSWER, plain)) == plain


@pytest.mark.parametrize("padding", ["", "==", " "])
def test_a_ring_is_read_with_padding_and_blanks_around_its_entries(padding: str) -> None:
    ring = KeyRing.parse(f" {entry('k2', 2)}{padding.strip()} , {entry('k1', 1)}{padding}")
    assert ring.open(Purpose.CLICK, KeyRing.parse(entry("k1", 1)).mint(Purpose.CLICK, CLAIM)) == CLAIM


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "entry 1 "),
        (entry("k1", 1)[:-1], "entry 1 "),
        (entry("k1", 1) + "A", "entry 1 "),
        (entry("K1", 1), "entry 1 "),
        (entry("k11", 1), "entry 1 "),
        (entry("k1", 1).replace(":", "="), "entry 1 "),
        (f"{entry('k1', 1)},", "entry 2 "),
        (f"{entry('k2', 1)},{entry('k1', 2)},{entry('k0', 3)[:-9]}", "entry 3 "),
        (f"{entry('k1', 1)},{entry('k0', 2)},{entry('k1', 3)}", "key id k1 stands there twice"),
    ],
)
def test_a_ring_that_is_wrong_says_where_and_shows_no_key(setting: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        KeyRing.parse(setting)
    for part in setting.split(","):
        assert len(part) < 20 or part[3:23] not in str(caught.value)


@given(purposes, claims)
def test_a_token_of_a_key_that_was_taken_off_the_ring_is_known_by_its_form(purpose: Purpose, claim: Claim) -> None:
    token = RING.mint(purpose, claim)

    assert KeyRing({"k2": bytes(range(1, 65))}).has_retired_key(token)
    assert not RING.has_retired_key(token)


@given(st.integers(1, 53))
def test_the_beginning_of_a_token_is_no_whole_one(length: int) -> None:
    smallest = RING.mint(Purpose.CLICK, Claim("abc", "0" * 32, None, 0, ""))

    assert not KeyRing({"k2": bytes(64)}).has_retired_key(smallest[:length])


@pytest.mark.parametrize(
    "garbage",
    ["", "x", "k1", "wp-login.php", "ab" * 40, "k1" + "A" * 60, "K1" + BASE64URL, "k1" + BASE64URL[:-1] + ".",
     "k1" + BASE64URL * 80, "é1" + BASE64URL, "k1" + BASE64URL[:57] + "B"],
)  # fmt: skip
def test_garbage_is_no_token_of_a_retired_key(garbage: str) -> None:
    assert not KeyRing({"k9": bytes(64)}).has_retired_key(garbage)
