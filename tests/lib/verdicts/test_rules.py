"""Each rule speaks of what it is about, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from lib.catalogues.registry import load_catalogues
from lib.tracking.facts import Fact, HitKind
from lib.verdicts import Sending, Verdict, judge
from lib.verdicts.program import GMAIL_PREFETCH
from lib.verdicts.thresholds import DEFAULT

CATALOGUES = load_catalogues()
SENT = 1_790_000_000_000
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
SENDING = Sending(sent_at=SENT, links=4, gateways=(None, None))
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
APPLE = "Mozilla/5.0"
HOME, OFFICE = "81.2.69.0/24", "89.160.20.0/24"
LANGUAGE = {"accept-language": "en"}


def fact(after: int, kind: HitKind = "open", item: int = 0, **fields: Any) -> Fact:
    """A person's hit from home, so many milliseconds after dispatch."""
    at = SENT + after
    shape = Fact(
        key=f"{at:013d}-{abs(hash((after, kind, item, repr(fields)))) % 16**12:012x}",
        message="0" * 32,
        kind=kind,
        at=at,
        method="GET",
        recipient=0,
        item=item,
        agent=CHROME,
        network=HOME,
        headers=LANGUAGE,
    )
    return replace(shape, **fields)


def click(after: int, item: int = 0, **fields: Any) -> Fact:
    return fact(after, "click", item, **fields)


def judged(*facts: Fact, sending: Sending = SENDING) -> list[Verdict]:
    verdicts = judge(facts, sending, CATALOGUES)
    return [verdicts[each.key] for each in facts]


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def kinds(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdict.kind for verdict in verdicts]


def test_a_reader_who_opens_and_clicks_an_hour_later_is_a_person() -> None:
    assert kinds(judged(fact(HOUR), click(HOUR + 20 * SECOND))) == ["human", "human"]


@pytest.mark.parametrize("kind", ["open", "click"])
def test_a_scanners_network_is_a_machine(kind: HitKind) -> None:
    [verdict] = judged(fact(HOUR, kind, owner="microsoft-365-protection"))

    assert verdict.kind == "machine"
    assert "scanner-network" in codes(verdict)


def test_a_gateways_network_says_less_when_its_scans_are_over() -> None:
    [soon, later] = judged(
        click(20 * SECOND, owner="proofpoint", network=OFFICE), click(5 * HOUR, 1, owner="proofpoint", network=OFFICE)
    )

    assert "gateway-network-soon" in codes(soon)
    assert soon.probability < 0.5 < later.probability
    assert "gateway-network-later" in codes(later)


def test_a_click_from_a_data_centre_alone_is_not_a_machines() -> None:
    [verdict] = judged(click(2 * HOUR, owner="microsoft-cloud"))

    assert "data-centre" in codes(verdict)
    assert verdict.kind != "machine"


HOSTER, VENDOR, NOBODYS = "72.52.130.0/24", "66.180.80.0/24", "192.0.2.0/24"
"""Networks in no list: Liquid Web's, Trend Micro's, and one that is kept for examples."""


def network_named_like_a_hosters() -> str:
    """Some network of a holder in no list who is called like a hoster."""
    networks = (f"45.{number}.9.0/24" for number in range(256))
    classes = ((network, CATALOGUES.class_of(network)) for network in networks)
    return next(network for network, found in classes if found and found.kind == "hosting" and not found.is_certain)


@pytest.mark.parametrize(("network", "code"), [(HOSTER, "data-centre"), (VENDOR, "security-vendor")])
def test_a_click_from_a_hoster_or_a_vendor_in_no_list_is_doubted(network: str, code: str) -> None:
    [rented] = judged(click(2 * HOUR, network=network))
    [unknown] = judged(click(2 * HOUR, network=NOBODYS))
    [early] = judged(click(2 * MINUTE, network=network))

    assert code in codes(rented)
    assert code not in codes(unknown)
    assert rented.probability < unknown.probability - 0.05
    assert early.probability < 0.5


def test_a_browser_that_loads_an_image_at_a_hoster_in_no_list_is_a_machine() -> None:
    [opened] = judged(fact(2 * HOUR, network=HOSTER))

    assert "browser-in-a-data-centre" in codes(opened)
    assert opened.kind != "human"


def test_a_name_like_a_hosters_says_less_than_a_row() -> None:
    [by_name] = judged(click(2 * HOUR, network=network_named_like_a_hosters()))
    [by_row] = judged(click(2 * HOUR, network=HOSTER))
    [unknown] = judged(click(2 * HOUR, network=NOBODYS))

    assert "probable-data-centre" in codes(by_name)
    assert by_row.probability < by_name.probability < unknown.probability
    assert by_name.kind == "human"


@pytest.mark.parametrize("network", ["91.10.20.0/24", "2003:c1:2::/48", "172.56.1.0/24"])
def test_a_carrier_of_people_speaks_a_little_for_a_person(network: str) -> None:
    [carried] = judged(click(2 * HOUR, network=network))
    [unknown] = judged(click(2 * HOUR, network=NOBODYS))

    assert "network-of-people" in codes(carried)
    assert unknown.probability < carried.probability < unknown.probability + 0.1
    # Sentences are kept longer than networks: they must not tell whose line it was.
    [reason] = [each for each in carried.reasons if each.code == "network-of-people"]
    assert "Telekom" not in reason.text
    assert "Mobile" not in reason.text


@pytest.mark.parametrize("network", ["165.225.12.0/24", "163.116.200.0/24", "208.127.7.0/24", "146.70.10.0/24"])
def test_web_gateways_and_vpns_tell_nothing(network: str) -> None:
    [through] = judged(click(2 * HOUR, network=network))
    [unknown] = judged(click(2 * HOUR, network=NOBODYS))

    assert codes(through) == codes(unknown)
    assert through.probability == unknown.probability


def test_a_network_with_an_owner_in_the_catalogue_is_judged_by_that_alone() -> None:
    # Amazon announces Barracuda's network, and is a hoster; the fact's owner is that of the whole address.
    [listed] = judged(click(2 * HOUR, network="3.24.133.0/24", owner="barracuda-egd"))

    assert "scanner-network" in codes(listed)
    assert not codes(listed) & {"data-centre", "security-vendor"}


def test_apples_open_is_unknowable_and_a_click_through_its_relay_is_a_person() -> None:
    [opened, clicked] = judged(
        fact(2 * MINUTE, agent=APPLE, owner="apple-relay"), click(5 * HOUR, agent=IPHONE, owner="apple-relay")
    )

    assert opened.kind == "uncertain"
    assert clicked.kind == "human"
    assert "private-relay" in codes(clicked)


def test_gmails_prefetch_is_a_machine_and_its_proxy_a_person() -> None:
    proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    [prefetch, opened] = judged(
        fact(3 * SECOND, agent=GMAIL_PREFETCH, owner="google"), fact(20 * MINUTE, agent=proxy, owner="google")
    )

    assert kinds([prefetch, opened]) == ["machine", "human"]


def test_what_comes_from_the_senders_own_network_is_no_engagement() -> None:
    for own in ("81.2.69.0/24", "81.2.0.0/16", "81.2.69.7/32"):
        [verdict] = judged(fact(HOUR), sending=replace(SENDING, own_networks=(own,)))
        assert verdict.kind == "machine"
        assert "own-network" in codes(verdict)
    [elsewhere] = judged(fact(HOUR), sending=replace(SENDING, own_networks=("81.2.70.0/24", "2001:db8::/32")))
    assert elsewhere.kind == "human"


def test_a_colleague_who_is_the_recipient_counts() -> None:
    sending = replace(SENDING, own_networks=(HOME,), colleagues=frozenset({0}))

    assert kinds(judged(fact(HOUR), sending=sending)) == ["human"]


def test_whoever_is_signed_in_here_is_not_the_recipient() -> None:
    [verdict] = judged(fact(HOUR, headers={"heed-session": "1"}))

    assert verdict.kind == "machine"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"agent": None}, "no-agent"),
        ({"agent": "-"}, "no-agent"),
        ({"agent": "Mozilla/4.0 (compatible;)"}, "declared-robot"),
        ({"agent": "curl/8.5.0"}, "declared-robot"),
        ({"method": "HEAD"}, "head-request"),
        ({"headers": {"sec-purpose": "prefetch;prerender", **LANGUAGE}}, "prefetch-header"),
        ({"headers": {"x-moz": "prefetch", **LANGUAGE}}, "prefetch-header"),
    ],
)
@pytest.mark.parametrize("kind", ["open", "click"])
def test_what_asks_as_machines_do_is_a_machine_whenever_it_asks(
    kind: HitKind, fields: dict[str, Any], code: str
) -> None:
    [verdict] = judged(fact(5 * HOUR, kind, **fields))

    assert verdict.kind == "machine"
    assert code in codes(verdict)


def test_a_hit_right_after_dispatch_is_suspicious_and_one_dated_before_it_is_not() -> None:
    [at_once, before] = judged(fact(3 * SECOND), fact(-5 * MINUTE, network=OFFICE))
    [later] = judged(fact(HOUR))

    assert "at-once" in codes(at_once)
    assert at_once.probability < min(later.probability, DEFAULT.alert_from["open"])
    assert "before-dispatch" in codes(before)
    assert before.kind == "human"


def test_two_links_at_once_are_a_burst_and_the_first_one_is_told_so_afterwards() -> None:
    [first] = judged(click(2 * MINUTE, 0))
    [first_again, second] = judged(click(2 * MINUTE, 0), click(2 * MINUTE + 900, 1))
    [*_, much_later] = judged(click(2 * MINUTE, 0), click(2 * MINUTE + 900, 1), click(2 * HOUR, 2))

    assert "burst" not in codes(first)
    assert "burst" in codes(first_again) & codes(second)
    assert "burst" not in codes(much_later)
    assert first_again.probability < first.probability


def test_a_double_click_on_one_link_is_no_burst() -> None:
    assert all("burst" not in codes(verdict) for verdict in judged(click(HOUR, 1), click(HOUR + 300, 1)))


def test_every_link_in_the_order_of_the_mail_is_a_machine() -> None:
    verdicts = judged(*(click(20 * SECOND + place * 2 * SECOND, place) for place in range(4)))
    later = judged(*(click(5 * MINUTE + place * 2 * SECOND, place) for place in range(4)))

    assert kinds(verdicts) == ["machine"] * 4
    assert all("every-link-in-order" in codes(verdict) for verdict in (*verdicts, *later))
    assert max(verdict.probability for verdict in later) < DEFAULT.alert_from["click"]


def test_of_two_on_one_link_the_security_network_checked_and_the_other_one_was_the_person() -> None:
    check = click(HOUR, agent=CHROME, network="40.92.0.0/24", owner="microsoft-365-protection")
    person = click(HOUR + 3 * SECOND, agent=IPHONE)
    [checked, clicked] = judged(check, person)

    assert kinds([checked, clicked]) == ["machine", "human"]
    assert "checked-first" in codes(checked)
    assert "person-after-check" in codes(clicked)


def test_a_desktop_in_a_cloud_that_has_opened_the_mail_is_no_check_of_its_links() -> None:
    cloud: dict[str, Any] = {"network": "3.5.0.0/24", "owner": "aws"}
    stranger = click(HOUR, agent=IPHONE, network=OFFICE)
    [_, checked] = judged(stranger, click(HOUR + 3 * SECOND, **cloud))
    [_, _, reader] = judged(fact(HOUR - MINUTE, **cloud), stranger, click(HOUR + 3 * SECOND, **cloud))
    [_, _, later] = judged(fact(2 * HOUR, **cloud), stranger, click(HOUR + 3 * SECOND, **cloud))
    [_, _, others] = judged(fact(HOUR - MINUTE, recipient=1, **cloud), stranger, click(HOUR + 3 * SECOND, **cloud))

    assert "checked-after" in codes(checked)
    assert "checked-after" not in codes(reader)
    assert "checked-after" in codes(later) & codes(others)


def test_a_source_that_was_a_machine_stays_one_for_a_while() -> None:
    [head, soon, later] = judged(fact(MINUTE, method="HEAD"), fact(5 * MINUTE), fact(60 * MINUTE))
    [alone] = judged(fact(5 * MINUTE))

    assert "same-source-as-a-machine" in codes(soon)
    assert "same-source-as-a-machine" not in codes(later)
    assert head.kind == "machine"
    assert soon.kind != "human"
    assert soon.probability < min(alone.probability, later.probability)


def test_sources_that_many_share_infect_nobody() -> None:
    proxy: dict[str, Any] = {"agent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "owner": "google"}
    [_, opened] = judged(fact(HOUR, method="HEAD", **proxy), fact(HOUR + MINUTE, **proxy))

    assert opened.kind == "human"


def test_the_honeypot_tells_on_whoever_follows_it_and_on_what_the_same_source_does_then() -> None:
    sending = replace(SENDING, honeypots=frozenset({4}))
    [trapped, nearby, other] = judged(
        click(2 * HOUR, 4), click(2 * HOUR + 7 * SECOND, 1), click(3 * HOUR, 1, network=OFFICE), sending=sending
    )

    assert "honeypot" in codes(trapped)
    assert kinds([trapped, nearby, other]) == ["machine", "machine", "human"]


def test_the_honeypot_is_never_the_only_reason() -> None:
    sending = replace(SENDING, honeypots=frozenset({4}))
    person = [fact(3 * HOUR), fact(4 * HOUR), click(3 * HOUR + MINUTE, 4)]
    [opened, again, hidden] = judged(*person, sending=sending)

    assert "honeypot-alone" in codes(hidden)
    assert hidden.kind != "machine"
    assert kinds([opened, again]) == ["human", "human"]


def test_a_slow_scanner_that_follows_the_honeypot_among_other_links_is_a_machine() -> None:
    sending = replace(SENDING, honeypots=frozenset({4}))
    links = [click(2 * HOUR + place * 4 * MINUTE, place) for place in (1, 4, 2)]

    assert kinds(judged(*links, sending=sending)) == ["machine"] * 3


def test_a_source_that_looks_at_many_mails_at_once_is_a_machine() -> None:
    opened = fact(20 * SECOND)
    [alone] = judged(opened)
    [busy] = judged(opened, sending=replace(SENDING, elsewhere={opened.key: 5}))

    assert "many-mails-at-once" in codes(busy)
    assert busy.kind == "machine"
    assert alone.kind != "machine"


def test_the_recipients_gateway_weighs_while_it_scans() -> None:
    [behind, later] = judged(
        fact(MINUTE // 2, network=OFFICE), fact(HOUR), sending=replace(SENDING, gateways=("proofpoint",))
    )

    assert "gateway-scans" in codes(behind)
    assert "gateway-scans" not in codes(later)


def test_a_mail_that_is_opened_dozens_of_times_is_noise() -> None:
    verdicts = judged(*(fact(HOUR + place * MINUTE, network=f"81.3.{place}.0/24") for place in range(25)))

    assert all("many-opens" in codes(verdict) for verdict in verdicts)
