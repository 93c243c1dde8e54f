"""The play of an organization: the same for the same seed, with every kind of behavior, truthfully labelled."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from bench.traces.addresses import BLOCKS
from bench.traces.organizations import DAYS, REPORTING_SEEDS, TUNING_SEEDS
from bench.traces.organizations.kinds import DESCRIPTIONS
from bench.traces.organizations.measures import WINDOWS
from bench.traces.organizations.play import PlayedMail, play
from bench.traces.organizations.world import ONE_CARRIER, PHONES, START, found_organization
from bench.traces.timing import DAY, HOUR, MINUTE
from bench.traces.trace import Request
from lib.catalogues.registry import load_catalogues
from lib.tracking.facts import Fact
from lib.tracking.requests import network_of

NETWORKS = load_catalogues().networks
HIDDEN_PAIRS = (
    ("residential-sandbox", "passed-to-a-stranger"),
    ("colleague-looks-once", "opened-on-a-stranger-s-phone"),
)


@pytest.fixture(scope="module")
def mails() -> list[PlayedMail]:
    return play(TUNING_SEEDS[0])


def requests_of(mails: Iterable[PlayedMail], *kinds: str) -> list[Request]:
    return [request for mail in mails for request in mail.trace.requests if not kinds or request.scenario in kinds]


def test_the_same_seed_plays_the_same_and_leaves_the_same_facts() -> None:
    first, second = play(5, days=12), play(5, days=12)

    assert [mail.trace for mail in first] == [mail.trace for mail in second]
    assert [mail.hits(NETWORKS) for mail in first] == [mail.hits(NETWORKS) for mail in second]
    assert [mail.answer_facts for mail in first] == [mail.answer_facts for mail in second]


def test_another_seed_plays_another_organization() -> None:
    assert [mail.trace for mail in play(5, days=4)] != [mail.trace for mail in play(6, days=4)]


def test_nothing_is_reported_on_organizations_that_were_tuned_on() -> None:
    assert not set(TUNING_SEEDS) & set(REPORTING_SEEDS)


def test_an_organization_writes_to_300_people_at_60_companies_for_90_days_and_more(mails: list[PlayedMail]) -> None:
    organization = found_organization(TUNING_SEEDS[0])

    assert len(organization.recipients) == 300
    assert len(organization.companies) == 60
    assert all(len(organization.at(company)) >= 2 for company in organization.companies)
    assert {mail.day for mail in mails} <= set(range(DAYS))
    assert max(mail.day for mail in mails) > 90
    assert len({address for mail in mails for address in mail.recipients}) > 290
    assert all(any(mail.day in days for mail in mails) for days in WINDOWS.values())


def test_every_kind_of_behavior_occurs_in_the_tuning_organizations(mails: list[PlayedMail]) -> None:
    seen = {request.scenario for request in requests_of(mails)}
    seen |= {request.scenario for request in requests_of(play(TUNING_SEEDS[0], setting=ONE_CARRIER))}
    for seed in TUNING_SEEDS[1:]:
        seen |= {request.scenario for request in requests_of(play(seed))}

    assert set(DESCRIPTIONS) <= seen


def test_one_sender_and_the_recipients_share_the_phones_and_the_few_networks_of_a_carrier() -> None:
    mails = play(TUNING_SEEDS[0], setting=ONE_CARRIER)
    looks = [each for each in requests_of(mails, "own-look-from-elsewhere") if "Mobile" in each.headers["user-agent"]]
    readers = [each for each in requests_of(mails, PHONES) if each.kind == "open"]
    there = {network_of(request.address) for request in readers}

    assert len({mail.sender for mail in mails}) == 1
    assert len({recipient for mail in mails for recipient in mail.recipients}) > 250
    assert len(there) == 4
    assert looks
    assert {network_of(request.address) for request in looks} <= there
    read_with = Counter(request.headers["user-agent"] for request in readers)
    assert read_with[looks[0].headers["user-agent"]] > 100


def test_every_kind_says_who_acts_and_what_tells_or_that_nothing_does() -> None:
    for kind, text in DESCRIPTIONS.items():
        assert len(text.split()) >= 10, kind


def test_the_people_who_ask_have_read_and_honeypots_are_no_people_s(mails: list[PlayedMail]) -> None:
    for mail in mails:
        people = [request for request in mail.trace.requests if request.actor == "person"]
        assert {request.recipient for request in people} <= mail.trace.read
        assert not [each for each in people if each.kind == "click" and each.item in mail.trace.honeypots]


def test_requests_are_for_links_and_recipients_of_their_mail(mails: list[PlayedMail]) -> None:
    for mail in mails:
        for request in mail.trace.requests:
            assert 0 <= request.recipient < len(mail.recipients)
            assert request.kind == "open" or 0 <= request.item < mail.trace.links
            assert request.at > mail.trace.sent_at


def test_facts_are_such_as_are_stored(mails: list[PlayedMail]) -> None:
    for mail in mails[:300]:
        for fact in [*(fact for _, fact in mail.hits(NETWORKS)), *mail.answer_facts]:
            assert Fact.from_json(fact.to_json()) == fact


@pytest.mark.parametrize(("machine", "person"), HIDDEN_PAIRS)
def test_what_nothing_tells_is_done_by_people_and_by_machines(
    mails: list[PlayedMail], machine: str, person: str
) -> None:
    machines, people = requests_of(mails, machine), requests_of(mails, person)

    assert {request.actor for request in machines} == {"machine"}
    assert {request.actor for request in people} == {"person"}
    assert all(request.nothing_tells for request in (*machines, *people))
    assert {request.kind for request in machines} == {request.kind for request in people}
    assert {tuple(sorted(each.headers)) for each in machines} & {tuple(sorted(each.headers)) for each in people}


def test_an_address_that_nothing_tells_about_is_seen_at_one_mail_alone(mails: list[PlayedMail]) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for mail in mails:
        for request in mail.trace.requests:
            seen[request.address].add(mail.trace.message)
    strangers = requests_of(mails, *(kind for pair in HIDDEN_PAIRS for kind in pair))

    assert strangers
    assert all(len(seen[request.address]) == 1 for request in strangers)


def test_an_assistant_in_the_reader_s_browser_looks_like_its_reader(mails: list[PlayedMail]) -> None:
    clicks = [request for request in requests_of(mails, "assistant-in-the-reader-s-browser") if request.kind == "click"]

    assert Counter(request.actor for request in clicks)["person"] > 0
    assert Counter(request.actor for request in clicks)["machine"] > 0
    assert all(request.nothing_tells for request in clicks)


def test_what_nothing_tells_is_a_marked_and_small_share_of_the_machines_clicks(mails: list[PlayedMail]) -> None:
    clicks = [each for each in requests_of(mails) if each.kind == "click" and each.actor == "machine"]

    assert 0.005 < sum(each.nothing_tells for each in clicks) / len(clicks) < 0.07


def test_an_unlisted_product_is_seen_at_several_people_and_only_in_networks_of_no_list(mails: list[PlayedMail]) -> None:
    people: dict[str | None, set[str]] = defaultdict(set)
    for mail in mails:
        for request in mail.trace.requests:
            if request.scenario == "one-unlisted-link":
                people[network_of(request.address)].add(mail.recipients[request.recipient])

    assert max(len(each) for each in people.values()) >= 3
    assert all(
        NETWORKS.owner(request.address) is None
        for request in requests_of(mails, "one-unlisted-link", "patient-scanner", "scan-hours-later")
    )


def test_a_recipient_s_office_stays_where_it_is_and_a_phone_does_not(mails: list[PlayedMail]) -> None:
    organization = found_organization(TUNING_SEEDS[0])
    by_place: dict[str, set[str | None]] = defaultdict(set)
    device_of = {device.place: device for each in organization.recipients for device in each.devices}
    for place in ("office", "mobile"):
        device = device_of[place]
        for day in range(0, 90, 3):
            used = device.used(organization.random, START + day * DAY, START)
            by_place[place].add(network_of(used.browser.address))

    assert len(by_place["office"]) == 1
    assert len(by_place["mobile"]) > 5


def test_a_browser_updates_while_the_play_goes_on() -> None:
    organization = found_organization(TUNING_SEEDS[0])
    device = next(
        each.devices[0]
        for each in organization.recipients
        if "Chrome/15" in each.devices[0].person.browser.headers["user-agent"]
    )
    agents = {
        device.used(organization.random, START + day * DAY, START).browser.headers["user-agent"] for day in (0, 95)
    }

    assert len(agents) == 2


def test_late_scanners_are_late_and_patient_ones_wait(mails: list[PlayedMail]) -> None:
    for mail in mails:
        sent = mail.trace.sent_at
        for request in mail.trace.requests:
            if request.scenario == "scan-hours-later":
                assert request.at - sent >= HOUR
            if request.scenario == "scan-days-later":
                assert request.at - sent >= DAY
            if request.scenario == "patient-scanner" and request.kind == "click":
                assert request.at - sent >= 15 * MINUTE


def test_checks_at_a_click_are_for_the_link_that_a_person_follows(mails: list[PlayedMail]) -> None:
    for mail in mails:
        people = {
            (each.recipient, each.item)
            for each in mail.trace.requests
            if each.kind == "click" and each.actor == "person" and not each.nothing_tells
        }
        checks = {
            (each.recipient, each.item)
            for each in mail.trace.requests
            if each.scenario in ("check-before-click", "repeated-click", "antivirus-at-the-reader", "office-asks")
        }
        assert checks <= people


def test_antivirus_and_office_ask_from_the_reader_s_own_network(mails: list[PlayedMail]) -> None:
    asked = 0
    for mail in mails:
        people = {
            network_of(each.address) for each in mail.trace.requests if each.kind == "click" and each.actor == "person"
        }
        for request in mail.trace.requests:
            if request.scenario in ("antivirus-at-the-reader", "office-asks"):
                asked += 1
                assert network_of(request.address) in people

    assert asked > 20


def test_a_quoted_pixel_loads_after_an_answer(mails: list[PlayedMail]) -> None:
    quoting = [mail for mail in mails if any(each.scenario == "quoted-pixel" for each in mail.trace.requests)]

    assert quoting
    for mail in quoting:
        first = min(answer.at for answer in mail.answers if answer.kind == "reply")
        assert all(each.at > first for each in mail.trace.requests if each.scenario == "quoted-pixel")


def test_a_moved_mailbox_is_read_by_one_product_at_many_mails_within_hours(mails: list[PlayedMail]) -> None:
    for kind in ("mail-migration", "e-discovery"):
        opens = [each for each in requests_of(mails, kind) if each.kind == "open"]
        assert len(opens) > 5
        # Two companies, each within a quarter of a day.
        days = {each.at // (6 * HOUR) for each in opens}
        assert len(days) <= 4
        assert len({network_of(each.address) for each in opens}) <= 8


def test_recipients_on_holiday_say_so_and_read_later(mails: list[PlayedMail]) -> None:
    absences = [(mail, answer) for mail in mails for answer in mail.answers if answer.kind == "auto_reply"]

    assert absences
    assert requests_of(mails, "back-from-holiday")


def test_clients_send_what_they_send_and_a_browser_says_which_version_it_is(mails: list[PlayedMail]) -> None:
    clicks = [each for each in requests_of(mails) if each.kind == "click"]
    for click in clicks:
        if click.actor == "person" and "Chrome/15" in click.headers["user-agent"]:
            version = click.headers["user-agent"].partition("Chrome/")[2].partition(".")[0]
            assert f'v="{version}"' in click.headers.get("sec-ch-ua", f'v="{version}"')
            assert click.headers["sec-fetch-mode"] == "navigate"

    assert any("sec-fetch-mode" not in each.headers for each in clicks if each.actor == "machine")
    assert all("accept" in each.headers for each in clicks)


def test_programs_that_are_no_browsers_send_no_more_than_they_do(mails: list[PlayedMail]) -> None:
    checks = requests_of(mails, "antivirus-at-the-reader", "office-asks")
    proxied = [each for each in requests_of(mails) if "ImageProxy" in each.headers.get("user-agent", "")]

    assert checks
    assert proxied
    assert not [each for each in (*checks, *proxied) if "sec-fetch-mode" in each.headers]


def test_what_nothing_tells_is_not_told_by_headers(mails: list[PlayedMail]) -> None:
    for machine, person in HIDDEN_PAIRS:
        sent = [
            {tuple(sorted(set(each.headers) - {"accept-language"})) for each in requests_of(mails, kind)}
            for kind in (machine, person)
        ]
        assert sent[0] & sent[1]
        browsers = [each for each in requests_of(mails, machine) if "Chrome/15" in each.headers["user-agent"]]
        assert all("sec-fetch-mode" in each.headers for each in browsers)


def test_the_places_of_unlisted_products_are_blocks_of_addresses() -> None:
    assert {"small-hoster", "security-vendor", "vpn", "business-line"} <= set(BLOCKS)
