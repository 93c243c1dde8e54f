"""How far Heed goes, computed: more events ask for more, and the page rests on what was counted."""

from pathlib import Path

import pytest

from bench.scale.measured import Measured, Step, read_steps
from bench.scale.model import EVENTS, deployments, loads, monthly_costs, read_limits, storage_accounts, total
from bench.scale.plot import draw_plot
from bench.scale.spread import ACCOUNTS, limits_of_one, shares_of_kinds, spread_kinds

PLOT = Path(__file__).parents[3] / "docs" / "images" / "scale.svg"
NOTHING = Step(tables=0, kinds={}, transactions=0, queues=0, blobs=0, sent=0, read=0, kept=0, cpu=0)


def test_a_hundred_times_as_many_events_need_more_of_everything() -> None:
    measured = read_steps()
    few, more, many = EVENTS
    assert deployments(few, measured) <= deployments(more, measured) < deployments(many, measured)
    assert storage_accounts(few, measured) < storage_accounts(more, measured) < storage_accounts(many, measured)
    assert total(monthly_costs(few, measured)) < total(monthly_costs(more, measured))


def test_a_request_more_for_each_hit_is_a_request_more_in_the_busiest_hour() -> None:
    free = Measured(on="2026-11-29", mail=NOTHING, hit_alone=NOTHING, hit_in_company=NOTHING)
    one = free.model_copy(update={"hit_in_company": NOTHING.model_copy(update={"tables": 1})})
    hits_a_second = EVENTS[1] * 3 / 4 / 86_400 * 4

    def asked(measured: Measured) -> float:
        return next(each.asked for each in loads(EVENTS[1], measured) if each.name == "one storage account")

    assert asked(free) == 0
    assert asked(one) == pytest.approx(hits_a_second)


def test_more_storage_accounts_than_a_region_has_are_divided_among_deployments() -> None:
    accounts = NOTHING.model_copy(update={"tables": 1_000})
    measured = Measured(on="2026-11-29", mail=NOTHING, hit_alone=accounts, hit_in_company=accounts)
    events, limits = 1e12, read_limits()
    needed = storage_accounts(events, measured)

    assert limits["accounts"].is_confirmed
    assert needed > limits["accounts"].value
    assert deployments(events, measured) == -(-needed // int(limits["accounts"].value))


def test_the_most_used_limit_comes_first() -> None:
    for events in EVENTS:
        shares = [each.share for each in loads(events, read_steps())]
        assert shares == sorted(shares, reverse=True)


def test_each_limit_has_a_source_and_a_day() -> None:
    assert all(limit.source and limit.as_of for limit in read_limits().values())


def test_the_plot_is_drawn_from_what_was_counted_last() -> None:
    assert PLOT.read_text(encoding="utf-8") == draw_plot(read_steps())


def test_two_equal_kinds_in_two_accounts_take_twice_the_events_and_a_third_account_changes_nothing() -> None:
    step = NOTHING.model_copy(update={"kinds": {"facts": 2.0, "index": 2.0}})
    measured = Measured(on="2026-11-29", mail=step, hit_alone=step, hit_in_company=step)
    one, two, three = (spread_kinds(number, measured) for number in (1, 2, 3))

    assert one.events == pytest.approx(20_000 / 4 / 4 * 86_400)
    assert two.events == pytest.approx(2 * one.events)
    assert three.events == two.events
    assert sorted(two.accounts) == [("facts",), ("index",)]


@pytest.mark.parametrize("number", ACCOUNTS)
def test_every_kind_is_in_one_account_and_the_fullest_takes_no_less_than_the_largest_kind(number: int) -> None:
    spread, shares = spread_kinds(number, read_steps()), shares_of_kinds(read_steps())

    assert sorted(kind for kinds in spread.accounts for kind in kinds) == sorted(shares)
    assert max(shares.values()) <= spread.fullest


def test_the_feed_of_one_organization_goes_no_further_than_one_partition() -> None:
    [events] = [events for load, events in limits_of_one(read_steps()) if load.name == "the feed of one organization"]

    assert events == pytest.approx(read_limits()["table partition"].value / 4 * 86_400)
