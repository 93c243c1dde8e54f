"""Readers with the same carrier and the same browser are strangers to each other, however many there are."""

from __future__ import annotations

from typing import Any

import pytest

from lib.storage.memory import memory_storage
from lib.verdicts import Verdict
from tests.lib.assessment.test_poisoned_memory import judged
from tests.support.heed import CHROME
from tests.support.visits_suite import ADA, CATALOGUES, CLEO, Office, hit

TELEKOM = ("91.10.5.0/24", "91.20.7.0/24", "79.200.1.0/24", "80.130.2.0/24", "87.140.3.0/24")
"""Networks in different towns, of one carrier of households."""

ZSCALER = "165.225.72.0/24"
"""Where people of many companies browse from."""

HETZNER = ("88.198.1.0/24", "88.198.40.0/24", "138.201.7.0/24", "138.201.90.0/24", "88.198.200.0/24")
"""Networks of one hoster."""


@pytest.fixture
async def office() -> Office:
    return await Office(memory_storage()).open()


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


async def read_at(office: Office, networks: tuple[str, ...], **fields: Any) -> list[Verdict]:
    """Verdicts on one look each, at mails of one sender to a person of another company each time."""
    hits = [hit(4_000, network, **fields) for network in networks]
    return [
        (await judged(office, f"a{number}", f"p@c{number}.example", each))[each.key]
        for number, each in enumerate(hits)
    ]  # fmt: skip


def test_the_networks_are_what_they_stand_for() -> None:
    for networks, kind in ((TELEKOM, "access"), ((ZSCALER,), "web-gateway"), (HETZNER, "hosting")):
        found = [CATALOGUES.systems.class_of(network) for network in networks]
        assert [each and each.kind for each in found] == [kind] * len(networks)


async def test_readers_at_one_carrier_are_neither_the_sender_nor_a_scanner(office: Office) -> None:
    """In an organization with one sender, each of them has looked at that sender's mail alone."""
    verdicts = await read_at(office, TELEKOM)

    assert [verdict.kind for verdict in verdicts] == ["human"] * len(TELEKOM)
    assert {verdict.probability for verdict in verdicts} == {verdicts[0].probability}


async def test_a_look_of_the_senders_at_home_says_nothing_of_readers_with_the_same_carrier(office: Office) -> None:
    reply = hit(400, None, None, kind="reply", method="MAIL", mail="ab" * 16)
    await judged(office, "b1", ADA, hit(300), reply, hit(900, TELEKOM[0]))
    theirs = hit(4_000, TELEKOM[1])

    verdict = (await judged(office, "b2", CLEO, theirs))[theirs.key]

    assert verdict.kind == "human"
    assert "own-device" not in codes(verdict)


async def test_people_of_many_companies_behind_one_web_gateway_are_no_scanner(office: Office) -> None:
    verdicts = await read_at(office, (ZSCALER,) * 5, kind="click", item=1, headers={"accept-language": "en"})

    assert [verdict.kind for verdict in verdicts] == ["human"] * 5
    assert {verdict.probability for verdict in verdicts} == {verdicts[0].probability}


async def test_a_recipient_who_was_certainly_behind_a_web_gateway_is_known_there_again(office: Office) -> None:
    reply = hit(4_500, None, None, kind="reply", method="MAIL", mail="ab" * 16)
    await judged(office, "b1", ADA, hit(4_000, ZSCALER), hit(4_100, ZSCALER), reply)
    again = hit(4_000, ZSCALER)

    assert "known-place" in codes((await judged(office, "b2", ADA, again))[again.key])
    assert "known-place" not in codes((await judged(office, "b3", CLEO, again))[again.key])


async def test_a_product_that_moves_within_its_hosters_networks_is_still_known_again(office: Office) -> None:
    verdicts = await read_at(office, HETZNER, agent=CHROME, kind="click", item=1)

    assert "kin-at-many-companies" in codes(verdicts[-1])
