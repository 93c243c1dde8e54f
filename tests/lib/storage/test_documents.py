"""Rows that two releases can read: each passes over what the other does not know."""

from __future__ import annotations

import json

from lib.organizations.registry import Organization
from lib.organizations.settings import OrganizationSettings
from lib.people.users import StoredUser
from lib.storage import Row
from lib.storage.columns import text_of
from lib.storage.documents import pack, unpack
from tests.support.heed import START

_NEW = {"resolve_recipients", "opt_in_default", "recommend_by", "inbound"}


def _row(organization: Organization) -> Row:
    return Row("acme", "organization", pack(organization))


def _organization(**settings: object) -> Organization:
    return Organization(
        id="acme", name="Acme", settings=OrganizationSettings.model_validate(settings), created_at=START
    )


def test_new_fields_with_their_defaults_are_left_out_and_come_back() -> None:
    organization = _organization(tracking="consent")
    row = _row(organization)
    stored = json.loads(text_of(row))["settings"]
    assert not _NEW & stored.keys()
    assert stored["tracking"] == "consent"
    assert stored["require_opt_in"] is True
    assert unpack(Organization, row) == organization


def test_new_fields_that_are_used_are_stored() -> None:
    organization = _organization(opt_in_default=True, inbound={"subject_token": True})
    row = _row(organization)
    assert _NEW & json.loads(text_of(row))["settings"].keys() == {"opt_in_default", "inbound"}
    assert unpack(Organization, row) == organization


def test_fields_of_a_later_release_are_passed_over() -> None:
    user = StoredUser(id="rep1", email="rep@acme.example", opt_in=True)
    later = json.loads(text_of(Row("user", "rep1", pack(user)))) | {"shoe_size": 43}
    assert unpack(StoredUser, Row("user", "rep1", {"v": 1, "d0": json.dumps(later)})) == user
