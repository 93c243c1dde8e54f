"""Checks of what is known already."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lib.people.users import OptInShare
from lib.readiness.checks import (
    check_base_url,
    check_clock,
    check_dead_letters,
    check_mailboxes,
    check_networks,
    check_opt_in,
    check_zones,
)


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://links.acme.com", "ok"),
        ("https://links.acme.com/heed", "ok"),
        ("https://heed.azurewebsites.net", "warning"),
        ("http://links.acme.com", "problem"),
        ("https://localhost:7071", "problem"),
        ("http://127.0.0.1:7071", "problem"),
        ("https://10.0.0.4", "problem"),
        ("https://[::1]", "problem"),
        ("https://heed", "problem"),
        ("https://heed.local", "problem"),
    ],
)
def test_links_must_lead_recipients_to_the_app(url: str, state: str) -> None:
    check = check_base_url(url)
    assert (check.state, check.what_to_do is None) == (state, state == "ok")


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (-4, "ok"), (6, "warning"), (-59, "warning"), (61, "problem")]
)
def test_clocks_must_agree_either_way(seconds: float, state: str) -> None:
    assert check_clock(timedelta(seconds=seconds)).state == state


@pytest.mark.parametrize(
    ("opted", "users", "required", "state"),
    [
        (0, 0, True, "warning"),
        (0, 9, True, "problem"),
        (1, 9, True, "warning"),
        (5, 9, True, "ok"),
        (0, 9, False, "ok"),
    ],
)
def test_mail_of_users_who_have_not_opted_in_is_not_followed(
    opted: int, users: int, required: bool, state: str
) -> None:
    check = check_opt_in(OptInShare(opted_in=opted, users=users), required=required)
    assert check.state == state
    assert not users or f"{opted} of {users}" in check.sentence


def test_a_missing_table_of_networks_is_a_warning_that_says_what_to_do() -> None:
    known, missing = check_networks("2026-06-17"), check_networks(None)
    assert (known.state, known.what_to_do) == ("ok", None)
    assert "2026-06-17" in known.sentence
    assert missing.state == "warning"
    assert missing.what_to_do is not None
    assert "make networks" in missing.what_to_do


def test_zones_mailboxes_and_queues() -> None:
    assert [check_zones(*pair).state for pair in ((0, 0), (1, 9), (9, 9))] == ["unknown", "warning", "ok"]
    assert [check.state for check in check_mailboxes([])] == ["ok"]
    [failing] = check_mailboxes([("sales", None), ("support", "The password is wrong.")])
    assert (failing.state, failing.about) == ("problem", "support")
    assert "The password is wrong." in failing.sentence
    assert [check_dead_letters(count).state for count in (0, 3)] == ["ok", "problem"]
