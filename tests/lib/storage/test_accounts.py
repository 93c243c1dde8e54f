"""What the registry says of an organization's accounts."""

from __future__ import annotations

import json

import pytest

from lib.storage import Row
from lib.storage.accounts import KnownAccounts, OwnAccount
from lib.storage.layout import ORGANIZATION_ROW


async def read_none(_table: str, _partition: str, _key: str) -> Row | None:
    raise AssertionError("it is known already")


@pytest.mark.parametrize("kinds", [{}, {"kinds": {}}, {"kinds": {"feed": {"account": "acmefeed"}}}])
async def test_a_row_that_names_no_account_for_a_kind_leaves_it_in_the_first_one(kinds: dict[str, object]) -> None:
    """Rows of before there were accounts of kinds have no `kinds` at all."""
    known = KnownAccounts()
    stored = json.dumps({"storage": {"account": "acmedata", **kinds}})
    known.note_row("acme", Row("acme", ORGANIZATION_ROW, {"v": 1, "d0": stored}))

    found = await known.find_account("acme", read_none)

    assert found
    assert found.account_of("facts").name == "acmedata"
    assert found.account_of("feed").name == ("acmefeed" if kinds.get("kinds") else "acmedata")


def test_an_organizations_accounts_are_told_in_words() -> None:
    kinds = {"index": {"account": "acmeindex"}, "blobs": {"setting": "HEED_STORAGE_ACME_FILES"}}
    own = OwnAccount.model_validate({"account": "acmedata", "kinds": kinds})

    assert str(own) == "acmedata, blobs in HEED_STORAGE_ACME_FILES, index in acmeindex"
    assert str(OwnAccount(account="acmedata")) == "acmedata"
