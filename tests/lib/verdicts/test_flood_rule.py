"""A flood is a machine's; who else looked at the mail in that minute is in doubt at most."""

from __future__ import annotations

from lib.tracking.facts import Fact, with_count
from lib.verdicts import Verdict, judge
from lib.verdicts.kpis import count
from tests.lib.verdicts.test_rules import CATALOGUES, HOME, HOUR, MINUTE, OFFICE, SENDING, click, codes, fact
from tests.support.heed import THUNDERBIRD

LATE = 2 * HOUR


def kinds(*facts: Fact) -> list[str]:
    verdicts = judge(facts, SENDING, CATALOGUES)
    return [verdicts[each.key].kind for each in facts]


def judged(facts: list[Fact]) -> dict[str, Verdict]:
    return judge(facts, SENDING, CATALOGUES)


def test_a_fact_that_stands_for_many_hits_is_a_machines_and_counts_as_many() -> None:
    many = with_count(click(LATE), 1_665)
    verdicts = judged([many])
    assert verdicts[many.key].kind == "machine"
    assert "1,664 more" in next(reason.text for reason in verdicts[many.key].reasons if reason.code == "flood")
    counted = count([many], verdicts)
    assert (counted.clicks, counted.raw.clicks, counted.machine.clicks) == (0, 1_665, 1_665)


def test_the_first_hits_of_a_flood_from_one_network_are_a_machines() -> None:
    facts = [click(LATE + number, agent=f"Mozilla/5.0 {number}") for number in range(121)]
    assert set(kinds(*facts)) == {"machine"}


def test_as_many_hits_in_more_than_a_minute_are_no_flood() -> None:
    facts = [click(LATE + 600 * number) for number in range(121)]
    assert not any("flood" in codes(verdict) for verdict in judged(facts).values())


def test_a_persons_click_from_elsewhere_in_the_minute_of_a_flood_is_doubted_and_no_machines() -> None:
    read = fact(LATE - 50_000, agent=THUNDERBIRD, network=OFFICE)
    person = click(LATE - 20_000, network=OFFICE)
    flood = [click(LATE + number, network=HOME) for number in range(120)]
    verdicts = judged([read, person, *flood, with_count(click(LATE + 5_000), 300)])
    assert "flood-nearby" in codes(verdicts[person.key])
    assert verdicts[person.key].kind != "machine"


def test_other_tokens_and_other_minutes_are_no_part_of_the_flood() -> None:
    flood = with_count(click(LATE), 20_000)
    others = [click(LATE + 2 * MINUTE, network=OFFICE), fact(LATE, network=OFFICE), click(LATE, item=1, network=OFFICE)]
    verdicts = judged([flood, *others])
    assert not any({"flood", "flood-nearby"} & codes(verdicts[each.key]) for each in others)


def test_readers_of_a_copy_that_many_share_are_no_flood() -> None:
    for network in ("198.51.100.0/24", None):
        facts = [fact(LATE + 100 * each, recipient=None, network=network or f"9.9.{each}.0/24") for each in range(130)]
        assert not any({"flood", "flood-nearby"} & codes(verdict) for verdict in judged(facts).values())
