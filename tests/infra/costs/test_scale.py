"""How far Heed goes, computed: more events ask for more, and the page rests on what was counted."""

from pathlib import Path

import pytest

from bench.scale.measured import Measured, Step, read_steps
from bench.scale.model import EVENTS, deployments, loads, monthly_costs, read_limits, storage_accounts, total
from bench.scale.plot import draw_plot

PLOT = Path(__file__).parents[3] / "docs" / "images" / "scale.svg"
NOTHING = Step(tables=0, transactions=0, queues=0, blobs=0, sent=0, read=0, kept=0, cpu=0)


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
