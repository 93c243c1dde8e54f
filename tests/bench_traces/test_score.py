"""The scorer, on decisions made by hand."""

from collections.abc import Mapping, Sequence

import pytest

from bench.traces.judges import MACHINE, PERSON, Decision, Judge
from bench.traces.rivals import everything_counts
from bench.traces.score import SETTLING, Score, score
from bench.traces.trace import Trace
from lib.tracking.facts import Fact
from lib.verdicts.context import Sending
from tests.bench_traces.making import hit, mail

READ = mail(
    hit("machine", "open", 5),
    hit("machine", "click", 6),
    hit("machine", "click", 7, item=1),
    hit("machine", "click", 8, item=2),
    hit("person", "open", 3600),
    hit("person", "click", 3620),
)
UNREAD = mail(hit("machine", "open", 9))
BOTH = [READ, UNREAD]


def always(decision: Decision) -> Judge:
    return lambda facts, sending: {fact.key: decision for fact in facts}


def knows_all(traces: Sequence[Trace]) -> Judge:
    """Judges by the labels."""
    truth = {
        fact.key: PERSON if request.actor == "person" else MACHINE
        for trace in traces
        for request, fact in trace.labelled()
    }
    return lambda facts, sending: {fact.key: truth[fact.key] for fact in facts}


def test_a_perfect_judge_scores_one_everywhere() -> None:
    found = score(BOTH, knows_all(BOTH))
    for tally in (found.all.clicks, found.all.opens):
        assert (tally.person_recall, tally.machine_recall) == (1, 1)
        assert (tally.person_precision, tally.machine_precision) == (1, 1)
    alerts = found.all.alerts
    assert (alerts.withheld, alerts.withheld_at_once, alerts.missing, alerts.too_early) == (1, 1, 0, 0)
    assert (found.probability.expected_error, found.confidence.expected_error) == (0, 0)


def test_who_takes_everything_for_people_finds_them_all_and_is_seldom_right() -> None:
    found = score(BOTH, everything_counts)
    assert found.all.clicks.person_recall == 1
    assert found.all.clicks.machine_recall == 0
    assert found.all.clicks.person_precision == 1 / 4
    assert found.all.opens.person_precision == 1 / 3
    assert found.all.clicks.machine_precision is None
    assert (found.messages, found.facts) == (2, 7)


def test_who_takes_everything_for_people_raises_false_alerts_and_early_ones() -> None:
    alerts = score(BOTH, everything_counts).all.alerts
    assert (alerts.only_machines, alerts.people) == (1, 1)
    assert (alerts.withheld, alerts.missing, alerts.too_early) == (0, 0, 1)


def test_who_takes_everything_for_machines_misses_each_alert() -> None:
    alerts = score(BOTH, always(MACHINE)).all.alerts
    assert (alerts.withheld, alerts.missing, alerts.too_early) == (1, 1, 0)


def test_an_alert_that_later_evidence_withdraws_was_there_at_first() -> None:
    def learns(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
        return {fact.key: MACHINE if any(one.kind == "click" for one in facts) else PERSON for fact in facts}

    late = mail(hit("machine", "open", 5), hit("machine", "click", 6 + SETTLING / 1000))
    in_time = mail(hit("machine", "open", 5), hit("machine", "click", 4 + SETTLING / 1000))
    assert (score([late], learns).all.alerts.withheld, score([late], learns).all.alerts.withheld_at_once) == (1, 0)
    assert score([in_time], learns).all.alerts.withheld_at_once == 1


def test_a_mail_that_was_read_without_a_request_is_no_false_alert() -> None:
    prefetched = mail(hit("machine", "open", 700, unknowable=True), read=True)
    alerts = score([prefetched], everything_counts).all.alerts
    assert (alerts.only_machines, alerts.people) == (0, 0)


def test_opens_that_nobody_can_know_are_counted_apart() -> None:
    apple = mail(hit("machine", "open", 700, unknowable=True), hit("person", "open", 900, unknowable=True))
    found = score([apple], everything_counts)
    assert found.all.opens.of("person") == found.all.opens.of("machine") == 0
    assert (found.all.apple.of("person"), found.all.apple.of("machine")) == (1, 1)
    assert found.probability.expected_error == pytest.approx(0.5)


def test_facts_count_for_the_scenario_of_their_request() -> None:
    mixed = mail(hit("machine", "click", 5, scenario="scan"), hit("person", "click", 99, scenario="reader"))
    found = score([mixed], everything_counts)
    assert found.by_scenario["scan"].clicks.of("machine") == 1
    assert found.by_scenario["reader"].clicks.person_recall == 1


def test_uncertain_is_neither_right_nor_called_anything() -> None:
    clicks = score(BOTH, always(Decision("uncertain", 0.5))).all.clicks
    assert (clicks.person_recall, clicks.machine_recall, clicks.person_precision) == (0, 0, None)


def test_who_says_nine_in_ten_and_is_right_one_time_in_four_is_off_by_the_difference() -> None:
    found = Score()
    for _ in range(5):
        found.add(READ, always(Decision("human", 0.9)))
    # 2 of 6 facts are a person's.
    assert found.probability.expected_error == pytest.approx(0.9 - 2 / 6)
    assert found.confidence.expected_error == pytest.approx(0.9 - 2 / 6)


def test_bins_that_are_off_either_way_do_not_cancel_out() -> None:
    def contrary(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
        return {
            fact.key: Decision("human", 0.8) if fact.at == facts[0].at else Decision("machine", 0.2) for fact in facts
        }

    made = mail(hit("machine", after=5), hit("person", after=3600))
    assert score([made], contrary).probability.expected_error == pytest.approx(0.8)


def test_confidence_is_that_of_the_class_where_a_judge_states_it() -> None:
    unsure = score([UNREAD], always(Decision("machine", 0.1, confidence=0.6)))
    assert unsure.confidence.expected_error == pytest.approx(0.4)
    assert unsure.probability.expected_error == pytest.approx(0.1)


def test_an_uncertain_verdict_has_no_class_to_be_confident_of() -> None:
    assert score([UNREAD], always(Decision("uncertain", 0.5))).confidence.expected_error is None
