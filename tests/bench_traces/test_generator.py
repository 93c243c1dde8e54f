"""The traces: the same for the same seed, of every scenario, truthfully labelled, and such as Heed could have kept."""

from collections import Counter
from random import Random

import pytest

from bench.traces.addresses import address_in
from bench.traces.generate import REPORTING_SEEDS, TUNING_SEEDS, generate, one
from bench.traces.scenarios import FAMILIES, SCENARIOS
from bench.traces.trace import Trace
from lib.catalogues.registry import load_catalogues
from lib.tracking.facts import Fact
from tests.bench_traces.making import SENT, hit, mail


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    return list(generate(4, 4000))


def of(scenario: str, count: int = 40) -> list[Trace]:
    random = Random(scenario)
    return [one(random, scenario) for _ in range(count)]


def test_the_same_seed_gives_the_same_traces() -> None:
    assert list(generate(7, 50)) == list(generate(7, 50))


def test_the_same_seed_gives_the_same_facts_with_the_same_keys() -> None:
    first, second = ([trace.facts() for trace in generate(7, 50)] for _ in range(2))
    assert first == second


def test_another_seed_gives_other_traces() -> None:
    assert list(generate(7, 5)) != list(generate(8, 5))


def test_more_messages_of_a_seed_begin_with_the_same_ones() -> None:
    assert list(generate(7, 30))[:10] == list(generate(7, 10))


def test_nothing_is_reported_on_what_was_tuned_on() -> None:
    assert not set(TUNING_SEEDS) & set(REPORTING_SEEDS)


def test_no_two_families_have_a_scenario_of_the_same_name() -> None:
    assert sum(len(family.SCENARIOS) for family in FAMILIES) == len(SCENARIOS)


def test_the_mixture_has_every_scenario(traces: list[Trace]) -> None:
    assert {trace.scenario for trace in traces} == set(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_labels_each_request(name: str) -> None:
    made = of(name)
    assert all(trace.scenario == name for trace in made)
    assert all(request.actor in ("person", "machine") for trace in made for request in trace.requests)
    assert all(request.scenario for trace in made for request in trace.requests)
    assert any(trace.requests for trace in made)


def test_whose_copy_a_person_asks_for_was_read(traces: list[Trace]) -> None:
    for trace in traces:
        assert {request.recipient for request in trace.requests if request.actor == "person"} <= trace.read


def test_recipients_and_links_are_the_message_s_own(traces: list[Trace]) -> None:
    for trace in traces:
        recipients = range(len(trace.gateways))
        assert trace.read <= set(recipients)
        assert trace.honeypots <= set(range(trace.links))
        for request in trace.requests:
            assert request.recipient in recipients
            assert request.kind == "open" or request.item in range(trace.links)


def test_people_follow_no_link_that_they_do_not_see(traces: list[Trace]) -> None:
    clicks = [
        (trace, request)
        for trace in traces
        for request in trace.requests
        if trace.honeypots and request.kind == "click"
    ]
    assert not [request for trace, request in clicks if request.actor == "person" and request.item in trace.honeypots]
    assert [request for trace, request in clicks if request.actor == "machine" and request.item in trace.honeypots]


def test_only_opens_are_unknowable(traces: list[Trace]) -> None:
    unknowable = [request for trace in traces for request in trace.requests if request.unknowable]
    assert {request.kind for request in unknowable} == {"open"}
    assert {request.actor for request in unknowable} == {"person", "machine"}


def test_what_happens_is_as_mixed_as_mail_is(traces: list[Trace]) -> None:
    found = Counter((request.kind, request.actor) for trace in traces for request in trace.requests)
    assert min(found.values()) > 500
    assert any(not trace.requests for trace in traces)
    assert {0, 1, 12} <= {trace.links for trace in traces}
    assert any(len(trace.gateways) > 1 for trace in traces)
    assert any(request.at < trace.sent_at for trace in traces for request in trace.requests)


def test_facts_are_such_as_are_stored(traces: list[Trace]) -> None:
    networks = load_catalogues().networks
    for fact in (fact for trace in traces[:300] for fact in trace.facts(networks)):
        assert Fact.from_json(fact.to_json()) == fact
        assert fact.key.startswith(f"{fact.at:013d}-")


def test_facts_of_a_message_have_keys_of_their_own(traces: list[Trace]) -> None:
    for trace in traces:
        keys = [fact.key for fact in trace.facts()]
        assert len(set(keys)) == len(keys)


def test_a_browser_that_asks_for_privacy_leaves_no_open_and_no_name() -> None:
    made = mail(hit("person", sec_gpc="1"), hit("person", "click", 3700, sec_gpc="1"))
    (fact,) = made.facts()
    assert (fact.kind, fact.recipient) == ("click", None)


def test_the_sending_is_what_the_message_tells() -> None:
    made = mail(hit("person"))
    assert (made.sending.sent_at, made.sending.links, made.sending.gateways) == (SENT, 3, (None,))


def test_what_a_source_asked_elsewhere_is_told_by_the_fact_s_key(traces: list[Trace]) -> None:
    made = next(trace for trace in traces if any(request.elsewhere for request in trace.requests))
    told = {fact.key: request.elsewhere for request, fact in made.labelled() if request.elsewhere}
    assert made.sending.elsewhere == told


def test_addresses_of_scanners_and_relays_are_in_the_catalogue_s_networks() -> None:
    networks, random = load_catalogues().networks, Random(1)
    expected = {
        "microsoft-protection": "microsoft-365-protection",
        "barracuda": "barracuda-egd",
        "proofpoint": "proofpoint",
        "mimecast": "mimecast",
        "cisco": "cisco-ironport",
        "apple-relay": "apple-relay",
        "google-proxy": "google",
    }
    for place, owner in expected.items():
        assert {networks.owner(address_in(random, place)) for _ in range(200)} == {owner}


@pytest.mark.parametrize("place", ["home", "office", "mobile", "hotel-or-cafe"])
def test_people_s_own_addresses_are_in_no_list_and_in_no_hoster_s_networks(place: str) -> None:
    catalogues, random = load_catalogues(), Random(1)
    for _ in range(500):
        address = address_in(random, place)
        announced_by = catalogues.systems.class_of(address)

        assert catalogues.networks.owner(address) is None, address
        assert announced_by is None or announced_by.kind not in ("hosting", "security-vendor", "vpn"), address


def test_what_companies_browse_through_is_known_as_that() -> None:
    catalogues, random = load_catalogues(), Random(1)
    owners = {catalogues.networks.owner(address_in(random, "web-gateway")) for _ in range(200)}

    assert {catalogues.owners[owner].kind if owner else None for owner in owners} == {"web-gateway"}
