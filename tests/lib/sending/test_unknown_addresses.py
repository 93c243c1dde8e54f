"""Which refusals say that an address does not exist."""

from __future__ import annotations

import pytest

from lib.messages.copy_rows import Delivery, DeliveryState
from lib.sending.unknown_addresses import says_unknown


def said(text: str, state: DeliveryState = "refused", code: str = "550") -> bool:
    return says_unknown(Delivery(state=state, code=code, text=text))


@pytest.mark.parametrize(
    "text",
    [
        "The mail server answered 550: 5.1.1 <address>: Recipient address rejected: User unknown",
        "The mail server answered 550: 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found",
        "The mail server answered 550: 5.1.2 bad destination system",
        "The mail server answered 550: No such user here",
        "The mail server answered 554: mailbox does not exist",
    ],
)
def test_an_unknown_address_is_seen(text: str) -> None:
    assert said(text)
    assert said(text, "bounced")


@pytest.mark.parametrize(
    "text",
    [
        "The mail server answered 552: 5.2.2 mailbox full",
        "The mail server answered 550: 5.7.1 rejected for policy reasons: user unknown to our reputation list",
        "The mail server answered 550: 5.1.8 sender not found",
        "The mail server answered 550: rejected",
        "The mail server answered 550: 15.1.1.2 is listed",
        "",
    ],
)
def test_another_refusal_says_nothing_about_the_address(text: str) -> None:
    assert not said(text)


@pytest.mark.parametrize("state", ["pending", "accepted", "uncertain", "waiting"])
def test_only_a_final_refusal_counts(state: DeliveryState) -> None:
    assert not said("450: 5.1.1 user unknown", state)
