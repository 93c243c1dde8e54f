"""Zones as Windows, Exchange and Dynamics 365 name them."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest

from lib.windows_zones import iana_zone


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("GMT Standard Time", "Europe/London"),
        ("UTC", "Etc/UTC"),
        ("UTC-11", "Etc/GMT+11"),
        ("Mars Standard Time", None),
        ("", None),
    ],
)
def test_a_zone_is_found_by_its_name(name: str, zone: str | None) -> None:
    assert iana_zone(name) == zone


def test_every_name_leads_to_a_zone_that_python_knows() -> None:
    import lib.windows_zones as module

    zones = set(module._by_name().values())
    assert len(zones) > 100
    assert zones <= available_timezones()
