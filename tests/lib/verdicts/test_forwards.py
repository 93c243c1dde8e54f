"""Somebody else has probably read it, too: said seldom, with its reasons, and never with a name."""

from __future__ import annotations

from dataclasses import replace

from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.forwards import OtherReader, other_readers, readers

SENT = 1_790_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
HUMAN = Verdict("human", 1.0, (), "", 1.0)
MACHINE = Verdict("machine", 1.0, (), "", 0.0)


def read(after: int, agent: str, network: str | None, language: str = "en-US", recipient: int | None = 0) -> Fact:
    at = SENT + after
    key = f"{at:013d}-{abs(hash((agent, network, recipient))) % 16**12:012x}"
    headers = {"accept-language": language} if language else {}
    return Fact(key, "0" * 32, "open", at, "GET", recipient, agent=agent, network=network, headers=headers)


def inferred(*facts: Fact, verdict: Verdict = HUMAN) -> list[OtherReader]:
    return other_readers(readers(facts, {fact.key: verdict for fact in facts}))


def test_a_phone_and_a_desk_are_one_person() -> None:
    assert inferred(read(0, DESK, "81.2.69.0/24"), read(3 * HOUR, PHONE, "82.132.1.0/24")) == []


def test_two_mail_services_and_two_languages_are_probably_two_people() -> None:
    [other] = inferred(
        read(0, GMAIL, "66.249.84.0/24", language=""),
        read(HOUR, DESK, "81.2.69.0/24"),
        read(5 * HOUR, YAHOO, "74.6.1.0/24", language=""),
        read(5 * HOUR, PHONE, "91.5.5.0/24", language="de-DE,de;q=0.9"),
    )

    assert other.recipient == 0
    assert 0.6 <= other.confidence < 0.9
    assert other.because == [
        "It was opened through two different mail services.",
        "The devices that read it are set to different languages.",
    ]


def test_two_devices_at_two_places_within_a_minute_say_more_than_hours_apart() -> None:
    at_once = [read(0, DESK, "81.2.69.0/24"), read(20_000, PHONE, "91.5.5.0/24", "de"), read(HOUR, DESK, "90.1.1.0/24")]
    apart = [replace(fact, at=fact.at + place * 5 * HOUR) for place, fact in enumerate(at_once)]

    [other] = inferred(*at_once)
    assert "Two devices at two places read it within a minute." in other.because
    assert inferred(*apart) == []


def test_machines_and_copies_of_nobody_in_particular_are_no_readers() -> None:
    facts = [
        read(place * 10_000, agent, f"81.2.{place}.0/24") for place, agent in enumerate([DESK, PHONE, GMAIL, YAHOO])
    ]

    assert inferred(*facts, verdict=MACHINE) == []
    assert inferred(*(replace(fact, recipient=None) for fact in facts)) == []


def test_readers_found_in_two_portions_are_those_found_at_once() -> None:
    facts = [
        read(0, DESK, "81.2.69.0/24"),
        read(HOUR, PHONE, "91.5.5.0/24", "de"),
        read(2 * HOUR, GMAIL, "66.249.84.0/24"),
        read(9 * HOUR, DESK, "81.2.69.0/24"),
    ]
    verdicts = {fact.key: HUMAN for fact in facts}

    assert readers(facts[2:], verdicts, before=readers(facts[:2], verdicts)) == readers(facts, verdicts)
