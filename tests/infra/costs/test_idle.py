"""Costs of a deployment that does nothing."""

import pytest

from infra.costs.idle import HOURS, Cost, Price, idle_costs, options, read_prices, timer_runs


def by_meter(costs: list[Cost]) -> dict[str, float]:
    return {each.price.meter: each.usd for each in costs}


def test_an_instance_that_waits_for_a_month_is_the_largest_part_of_a_small_deployment() -> None:
    costs = by_meter(idle_costs("small"))
    assert costs["always ready baseline"] == pytest.approx(2 * 3600 * HOURS * 0.000004)
    assert max(costs, key=lambda meter: costs[meter]) == "always ready baseline"


def test_a_large_deployment_costs_front_door_and_a_second_test_more() -> None:
    small, large = by_meter(idle_costs("small")), by_meter(idle_costs("large"))
    more = {meter: large[meter] - small[meter] for meter in small if large[meter] != small[meter]}
    assert more.keys() == {"Front Door Standard", "availability test", "on demand execution"}
    assert more["Front Door Standard"] == 35


def test_timers_run_as_often_as_their_schedules_say() -> None:
    """Four a minute, four every five minutes, four an hour; a new timer belongs into this sum."""
    assert timer_runs() == (4 * 60 + 4 * 12 + 4) * HOURS


def test_instances_that_tell_of_themselves_cost_next_to_nothing() -> None:
    assert 0 < by_meter(idle_costs("large"))["table request"] < 0.02


def test_free_amounts_cost_nothing_and_give_nothing_back() -> None:
    price = Price("log", "GB", 2.3, 5, "a page", "2026", is_confirmed=True)
    assert [Cost(price, "log", quantity).usd for quantity in (0, 5, 6)] == [0, 0, pytest.approx(2.3)]


def test_each_option_has_a_price_of_its_own() -> None:
    assert all(each.usd > 0 for each in options())


def test_each_price_has_a_source_and_a_date() -> None:
    prices = read_prices()
    assert all(each.source and int(each.as_of[:4]) >= 2025 for each in prices.values())
    assert {meter for meter, each in prices.items() if each.source == "general knowledge"} <= {
        meter for meter, each in prices.items() if not each.is_confirmed
    }
