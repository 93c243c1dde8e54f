"""Addresses are compared as their owners would: by what they mean, not by how a program spells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.people.addresses import domain_of, same_mailbox, same_person


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.Example", "ada@xn--bcher-kva.example"),
        ("ada@xn--BCHER-kva.example", "ada@xn--bcher-kva.example"),
        ("ädä@bücher.example", "ädä@xn--bcher-kva.example"),
        ("ada@例え。jp", "ada@xn--r8jz45g.jp"),
        ("ädä@example.com", "ädä@example.com"),
        ("ada@☃.example", "ada@xn--n3h.example"),
        (f"ada@{'ü.' * 200}example", f"ada@{'?.' * 200}example"),
        ("ada@\udce4.example", "ada@xn--9b0c.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ('"o\'neil"@example.com', "o'neil@example.com"),
        ('"O\'Neil"@bücher.example', "o'neil@xn--bcher-kva.example"),
        ('"ada b"@example.com', '"ada b"@example.com'),
        ('"ada@b"@example.com', '"ada@b"@example.com'),
        ('""@example.com', '""@example.com'),
        ('"@example.com', '"@example.com'),
        ("@", "@"),
        ("", ""),
    ],
)
def test_a_mailbox_is_the_same_however_its_domain_is_written(written: str, mailbox: str) -> None:
    assert same_mailbox(written) == mailbox
    assert domain_of(written) == mailbox.rpartition("@")[2]


def test_a_person_is_the_same_in_both_scripts_of_the_domain_and_with_a_plus_tag() -> None:
    assert same_person("Ada+news@bücher.example") == same_person("ada@xn--bcher-kva.example")


@given(st.text(max_size=400))
def test_any_text_is_compared_and_its_domain_converted_once(text: str) -> None:
    assert domain_of(text).isascii()
    assert same_mailbox(same_mailbox(text)) == same_mailbox(text)
    assert "@" not in domain_of(text)
