"""Rows that nobody uses what is new in hold no field that release 0.1.0 refuses (decision 30)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from lib.organizations.registry import Organization
from lib.organizations.settings import KeepDays, OrganizationSettings
from lib.people.records import StoredRecord
from lib.people.users import StoredUser
from lib.storage import Row
from lib.storage.columns import text_of
from lib.storage.documents import pack

ORGANIZATION = {"id", "name", "settings", "created_at"}
SETTINGS = {
    "engagement_enabled", "tracking", "mixed_recipients", "require_opt_in", "work_hours", "retention_days",
    "raw_days", "score", "alert_on", "human_from", "from_domain_allow", "honeypot",
}  # fmt: skip
USER = {"email", "name", "time_zone", "opt_in", "inbound", "networks", "id"}
RECORD = {"name", "emails", "follow_email", "owner", "address", "time_zone", "parent", "type", "id"}


def organization(settings: OrganizationSettings) -> Organization:
    return Organization(id="acme", name="Acme", settings=settings, created_at=datetime(2026, 5, 4, tzinfo=UTC))


def stored(model: BaseModel) -> dict[str, object]:
    found = json.loads(text_of(Row("p", "k", pack(model))))
    assert isinstance(found, dict)
    return found


def test_the_row_of_an_organization_with_todays_defaults_is_one_of_release_0_1_0() -> None:
    row = stored(organization(OrganizationSettings()))

    assert set(row) <= ORGANIZATION
    assert isinstance(row["settings"], dict)
    assert set(row["settings"]) <= SETTINGS


@pytest.mark.parametrize(
    ("model", "known"),
    [
        (StoredUser(id="rep1", email="rep1@acme.example"), USER),
        (StoredRecord(type="contact", id="c1", emails=["ada@example.com"]), RECORD),
    ],
)
def test_the_row_of_a_user_or_a_record_without_new_fields_is_one_of_release_0_1_0(
    model: BaseModel, known: set[str]
) -> None:
    assert set(stored(model)) <= known


def test_days_that_content_is_kept_are_stored_once_they_are_set() -> None:
    row = stored(organization(OrganizationSettings(keep_days=KeepDays(bodies=90))))

    assert isinstance(row["settings"], dict)
    assert row["settings"]["keep_days"] == {"bodies": 90}
