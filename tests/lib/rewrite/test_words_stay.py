"""Words that touch an address in the text part stay in the text, in every script."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.rewrite import rewrite
from lib.rewrite.links import destination

OWN = "https://track.example.com"
_REDIRECT = re.compile(rf"{OWN}/c/([0-9]+);")


def mint(index: int, _: str) -> str:
    return f"{OWN}/c/{index};"


@pytest.mark.parametrize(
    "text",
    [
        "详情请见<https://e.example/a>，如有问题请联系我们。",
        "…<https://e.example/a>をご覧ください。よろしく",
        "R1《乙》<http://t.example/R2>《丙》",
        "<https://e.example/a>|Shop: <https://e.example/b>",
        "<https://e.example/a>،ثم راسلنا",
        "<https://e.example/a>؟",
        "<https://e.example/a>–danach",
        "<https://e.example/a>—then",
        "<https://e.example/a>…and",
        "<https://e.example/a>।",
        "<https://e.example/a>에서 보세요",
        "<https://e.example/a>【図】",
        "<https://e.example/a>（図）",
        "<https://e.example/a>～10時",
        "<https://e.example/a>🎉party",
        "<https://e.example/a>^<https://e.example/b>`<https://e.example/c>\\x",
        "<https://e.example>をご覧ください",
        "<https://e.example>。よろしく",
        "<https://e.example>、よろしく",
        "<https://e.example>．以上",
        "<https://e.example>について。詳細は<https://e.example/b>",
        "<https://e.example>что дальше",
        "<https://e.example>über",
        "<https://e.example:8080>をご覧",
        "<https://e.example:8080/x>をご覧",
        "<https://例え.jp>。よろしく",
        "<https://日本。jp/a>をご覧",
        "<https://пример.рф/a>,далее",
        "<https://пример.рф>—далее",
        "<https://xn--e1afmkfd.xn--p1ai>далее",
        "<https://a.vermögensberater>をご覧",
        "<https://bücher/x>、",
        "<https://a.example><https://b.example>",
        "<https://a.example/x><https://b.example/y><http://c.example>をご覧",
        "<https://a.example/x>,<https://b.example/y>;<https://c.example/>",
        "<https://a.example/?to=https://b.example/>",
        "<https://a.example/web/2020/https://b.example/>",
        "<https://a.example/?to=b%3Dhttps://b.example/>",
        "<https://a.example/?a[]=1>](<https://b.example>)",
        "https://、<https://b.example>",
    ],
)
def test_the_address_is_followed_and_what_touches_it_stays(text: str) -> None:
    addresses = re.findall("<(.*?)>", text)

    rewritten = rewrite(None, text.replace("<", "").replace(">", ""), mint=mint, pixel=None, own=OWN)

    numbers = iter(range(len(addresses)))
    apart = text.replace("><http", "> <http")
    assert rewritten.text == re.sub("<.*?>", lambda _: f"{OWN}/c/{next(numbers)};", apart)
    assert rewritten.links == [destination(address) for address in addresses]


AFTER_HOST = re.compile(r"(?i:https?)://[^/?#]*(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?")
"""An address with nothing after its host but the characters of RFC 3986."""

WORDS = (
    "你好", "をご覧", "ください。", "، ثم", "далее", "और", "।", "—", "–", "…", "|", "、", "，", "（", "）", "《", "》",
    "🎉", "über", "e\u0301", "a", "1", "-", "_", ".", ",", ")", "(", "]", "[", "'", '"', "*", " ", "\n",
    "\u3000", "\u200b", "{{", "}}", "<%", "\\", "^", "`", "%", "@", "http", "https://", "://", "&", "=", ";", "!",
)  # fmt: skip
ADDRESSES = (
    "https://e.example", "https://e.example/", "https://e.example/a", "http://e.example:8080/a?b=c&d=%20#e",
    "HTTPS://E.example/(a)", "https://[::1]/x", "https://localhost", "https://192.0.2.1",
)  # fmt: skip
INTERNATIONAL = (
    "https://münchen.de/", "https://例え.jp/a", "https://пример.рф", "https://مثال.إختبار/x", "https://💩.la", "https://日本。jp",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS + ADDRESSES) | st.text(max_size=3), max_size=20).map("".join))
@example("https://e.examplehttps://e.example/a")
@example("https://e.example/a-https://e.example/b")
def test_with_addresses_put_back_the_text_is_what_it_was(text: str) -> None:
    rewritten = rewrite(None, text, mint=mint, pixel=None, own=OWN)

    assert rewritten.text is not None
    found = _REDIRECT.split(rewritten.text)
    place = 0
    for number, piece in enumerate(found):
        if number % 2 == 0:
            if piece.startswith(" ") and text.startswith(("h", "H"), place):
                piece = piece[1:]  # between two addresses that touch
            assert text.startswith(piece, place)
            place += len(piece)
        else:
            spelled = spelling(text, place, rewritten.links[int(piece)])
            assert AFTER_HOST.fullmatch(spelled)
            place += len(spelled)
    assert place == len(text)


def spelling(text: str, place: int, link: str) -> str:
    """The address that stands there in the text and leads there."""
    if text.startswith(link, place):
        return link
    for end in range(place + 8, len(text) + 1):
        try:
            if destination(text[place:end]) == link:
                return text[place:end]
        except ValueError:
            continue
    raise AssertionError(f"{link} is not written in {text[place:]}")


@given(st.lists(st.sampled_from(WORDS + ADDRESSES + INTERNATIONAL), max_size=20).map(" ".join))
def test_words_beside_addresses_are_all_there(text: str) -> None:
    rewritten = rewrite(None, text, mint=mint, pixel=None, own=OWN)

    assert rewritten.text is not None
    kept = rewritten.text.split()
    for word in text.split():
        if "://" not in word:
            assert word in kept


@given(st.lists(st.sampled_from(WORDS + ADDRESSES + INTERNATIONAL) | st.text(max_size=2), max_size=20).map("".join))
def test_a_second_pass_changes_nothing(text: str) -> None:
    once = rewrite(None, text, mint=mint, pixel=None, own=OWN).text

    assert rewrite(None, once, mint=mint, pixel=None, own=OWN).text == once
