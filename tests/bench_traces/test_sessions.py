"""Sessions of the play: some senders work in the console, at places that tell the truth and at places that do not."""

import pytest

from bench.traces.organizations import DAYS, TUNING_SEEDS
from bench.traces.organizations.play import play
from bench.traces.organizations.sessions import Session, play_sessions
from bench.traces.organizations.world import ONE_CARRIER, START, found_organization, is_working_day
from bench.traces.timing import DAY
from lib.tracking.requests import network_of


@pytest.fixture(scope="module")
def sessions() -> dict[int, list[Session]]:
    return {seed: play_sessions(seed) for seed in TUNING_SEEDS}


def test_the_same_seed_plays_the_same_sessions_in_the_order_of_time(sessions: dict[int, list[Session]]) -> None:
    again = play_sessions(TUNING_SEEDS[0])

    assert again == sessions[TUNING_SEEDS[0]]
    assert [each.at for each in again] == sorted(each.at for each in again)
    assert again != sessions[TUNING_SEEDS[1]]


def test_sessions_are_on_working_days_and_some_senders_have_none(sessions: dict[int, list[Session]]) -> None:
    for found in sessions.values():
        assert all(is_working_day((each.at - START) // DAY) for each in found)
        assert all(0 <= each.at - START < DAYS * DAY for each in found)
        assert len({each.sender for each in found}) == 4


def test_senders_work_at_home_and_where_their_recipients_read(sessions: dict[int, list[Session]]) -> None:
    at_home = at_customers = elsewhere_with_recipients = 0
    for seed, found in sessions.items():
        organization = found_organization(seed)
        worked = {network_of(each.address) for each in found}
        offices = {network_of(each.office) for each in organization.companies}
        read = {network_of(device.address) for each in organization.recipients for device in each.devices} - offices
        looks = {
            network_of(request.address)
            for mail in play(seed)
            for request in mail.trace.requests
            if request.scenario == "own-look-from-elsewhere"
        }
        at_home += len(worked & looks)
        at_customers += len(worked & offices)
        elsewhere_with_recipients += len(worked & read)

    assert at_home >= 3
    assert at_customers >= 30
    assert elsewhere_with_recipients >= 3


def test_browsers_are_no_mail_programs(sessions: dict[int, list[Session]]) -> None:
    """So a session and a look from one computer never have an agent in common."""
    for seed, found in sessions.items():
        looks = {
            request.headers.get("user-agent")
            for mail in play(seed, 40)
            for request in mail.trace.requests
            if request.scenario == "own-look-from-elsewhere"
        }
        assert not looks & {each.agent for each in found}


def test_a_sender_who_is_alone_has_sessions_on_a_phone_behind_the_readers_carrier() -> None:
    found = play_sessions(TUNING_SEEDS[0], setting=ONE_CARRIER)

    assert {each.sender for each in found} == {"sender-0@seller.example"}
    assert any("iPhone" in each.agent or "Android" in each.agent for each in found)
